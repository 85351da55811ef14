//! Conditions: IEC expressions over variables and channel members, checked before the run, evaluated in every scan.
//!
//! The compiler's parser reads the text; [`check`] resolves names and types; what is left is a small tree
//! ([`Condition`]) that is evaluated without allocation. Chains of operators stay flat, so the depth of the tree is
//! bounded by the parser's nesting limit and recursion over it is safe.
//!
//! Whole numbers are computed with 128 bits, so no condition wraps; a sum or product beyond that, and a division by
//! zero, make the condition fail with that reason. AND and OR evaluate from left to right and stop when the answer is
//! known, because a condition has no side effects.

mod check;
mod eval;

pub use check::check;
pub use eval::{EvalError, View, read};

use crate::names::Source;
use compiler::ast::BinaryOp;

/// A value of a condition.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    /// BOOL.
    Bool(bool),
    /// Every integer and bit string.
    Int(i128),
    /// REAL and LREAL.
    Real(f64),
    /// TIME and LTIME, nanoseconds.
    Time(i64),
    /// A word of a channel member.
    Word(&'static str),
}

/// A condition, checked: it gives TRUE or FALSE, or says why it cannot.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// As written.
    pub text: String,
    /// What it reads, each once, in the order of the text: shown when it fails.
    pub reads: Vec<(String, Source)>,
    root: Node,
}

impl Condition {
    /// Does it hold?
    ///
    /// # Errors
    /// Division by zero, or a number beyond 128 bits.
    pub fn holds(&self, view: &impl View) -> Result<bool, EvalError> {
        match eval::eval(&self.root, view)? {
            Value::Bool(value) => Ok(value),
            // `check` lets only BOOL through.
            Value::Int(_) | Value::Real(_) | Value::Time(_) | Value::Word(_) => Ok(false),
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Node {
    Constant(Value),
    Read(Source),
    Not(Box<Node>),
    Negate(Box<Node>),
    Bit { of: Box<Node>, number: u32 },
    Chain { first: Box<Node>, rest: Vec<(BinaryOp, Node)> },
}

#[cfg(test)]
mod tests;
