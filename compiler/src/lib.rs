//! IEC 61131-3 text and textual ladder in; image, diagnostics and drawings out.

pub mod arena;
pub mod ast;
pub mod codegen;
pub mod compile;
pub mod diag;
pub mod draw;
pub mod evaluate;
pub mod fmt;
pub mod hir;
pub mod ir;
pub mod lexer;
pub mod limits;
pub mod listing;
pub mod literal;
pub mod lower;
mod map;
pub mod parser;
pub mod passes;
pub mod selfcheck;
pub mod sema;
pub mod source;
pub mod stdlib;
mod threads;
pub mod token;
pub mod types;

pub use compile::{Compiled, Options, build, compile};
