//! Timeline tests: file format and runner in virtual time.
pub mod condition;
pub mod format;
pub mod model;
pub mod names;
pub mod problem;
pub mod yaml;
