//! Timeline tests: file format and runner in virtual time.
