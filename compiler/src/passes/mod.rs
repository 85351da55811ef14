//! Optimiser.
use crate::codegen::layout::Layout;
use crate::hir::Program;
use crate::ir::Func;
/// Runs passes.
pub fn optimise(_program: &Program, _layout: &Layout, _funcs: &mut [Func]) {}
