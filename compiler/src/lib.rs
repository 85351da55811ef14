//! IEC 61131-3 text and textual ladder in; image, diagnostics and drawings out.

pub mod ast;
pub mod diag;
pub mod limits;
pub mod source;
