//! Findings in the forms other tools read.
//!
//! All of them take the findings of a whole command at once, hidden ones included where the format knows them.

pub mod github;
pub mod gitlab;
pub mod json;
pub mod sarif;
