//! Expressions: literals, variables, chains of operators.

use super::BodyContext;
use super::place::Use;
use crate::ast::{self, LiteralKind};
use crate::diag::{Code, Diagnostic};
use crate::hir::{Expr, ExprKind};
use crate::types::{Ty, elementary_named};

/// Greatest number of operators in one chain that cannot be worked off flat (`a + b - c + ...`): each is a level of the
/// tree and costs later passes a stack frame. Chains of one operator (`a OR b OR ...`) are
/// one node; the parser bounds their length.
const CHAIN_DEPTH_MAX: u32 = 256;

impl BodyContext<'_, '_> {
    /// The typed expression. `hint` is the type the context wants: it only helps literals to find theirs.
    pub(super) fn infer(&mut self, expr: &ast::Expr, hint: Option<Ty>) -> Expr {
        let result = match &expr.kind {
            ast::ExprKind::Literal(literal) => self.literal(literal),
            ast::ExprKind::Variable(variable) => match self.place(variable, Use::Read) {
                Some(place) => self.read(place),
                None => self.broken(expr.span),
            },
            ast::ExprKind::Address(address) => match self.address_place(address) {
                Some(place) => self.read(place),
                None => self.broken(expr.span),
            },
            ast::ExprKind::Call(call) => self.call_value(call, hint),
            ast::ExprKind::Unary { op, operand } => {
                let operand = self.infer(operand, hint);
                self.unary(*op, operand, expr.span, hint)
            }
            ast::ExprKind::Chain(chain) => self.chain(chain, hint),
            ast::ExprKind::Paren(inner) => self.infer(inner, hint),
            ast::ExprKind::Error => self.broken(expr.span),
        };
        Expr { span: expr.span, ..result }
    }

    fn chain(&mut self, chain: &ast::Chain, hint: Option<Ty>) -> Expr {
        // What a comparison compares need not be BOOL, whatever its result is wanted for.
        let compared = chain.rest.first().is_some_and(|item| is_comparison(item.op));
        let mut result = self.infer(&chain.first, hint.filter(|_| !compared));
        let mut depth = 0;
        let mut before = None;
        for item in &chain.rest {
            if before != Some(item.op) || !is_flat(item.op) {
                depth += 1;
            }
            before = Some(item.op);
            if depth > CHAIN_DEPTH_MAX {
                let message = format!("more than {CHAIN_DEPTH_MAX} different operators in a row");
                let diagnostic = Diagnostic::new(Code::ExpressionTooLong, item.op_span, message);
                self.s.report(diagnostic.help("give parts of the expression variables of their own"));
                return self.broken(result.span);
            }
            let left_type = Some(result.ty).filter(|ty| !ty.is_literal() && !ty.is_error());
            let right = self.infer(&item.operand, if is_comparison(item.op) { left_type } else { hint });
            result = self.binary(item.op, item.op_span, result, right, hint);
        }
        result
    }

    fn literal(&mut self, literal: &ast::Literal) -> Expr {
        let span = literal.span;
        match &literal.kind {
            LiteralKind::Bool { value } => self.constant(u64::from(*value), Ty::BOOL, span),
            LiteralKind::Int { prefix, negative, magnitude, .. } => {
                let magnitude = i128::from(*magnitude);
                let value = if *negative { -magnitude } else { magnitude };
                let untyped = Expr { kind: ExprKind::Int(value), ty: Ty::INT_LITERAL, span };
                self.typed_literal(untyped, prefix.as_ref())
            }
            LiteralKind::Real { prefix, value } => {
                let untyped = Expr { kind: ExprKind::Real(*value), ty: Ty::REAL_LITERAL, span };
                self.typed_literal(untyped, prefix.as_ref())
            }
            LiteralKind::Duration { long, value_ns } => {
                self.constant(value_ns.cast_unsigned(), if *long { Ty::LTIME } else { Ty::TIME }, span)
            }
            LiteralKind::Error => self.broken(span),
            LiteralKind::Text { .. } => {
                self.s.later(span, "strings");
                self.broken(span)
            }
            LiteralKind::Date { .. } => {
                self.s.later(span, "dates and times of day");
                self.broken(span)
            }
            LiteralKind::Enum { .. } => {
                self.s.later(span, "enumerations");
                self.broken(span)
            }
        }
    }

    fn typed_literal(&mut self, untyped: Expr, prefix: Option<&ast::Ident>) -> Expr {
        match prefix.and_then(|p| elementary_named(&p.key())) {
            Some(elementary) => self.coerce(untyped, Ty::of(elementary)),
            None => untyped,
        }
    }

    /// A condition.
    pub(super) fn condition(&mut self, expr: &ast::Expr) -> Expr {
        self.expr_as(expr, Some(Ty::BOOL))
    }
}

const fn is_comparison(op: ast::BinaryOp) -> bool {
    use ast::BinaryOp::{Eq, Ge, Gt, Le, Lt, Ne};
    matches!(op, Lt | Gt | Le | Ge | Eq | Ne)
}

/// Chains of this operator are one node of the tree.
fn is_flat(op: ast::BinaryOp) -> bool {
    matches!(op, ast::BinaryOp::And | ast::BinaryOp::Or | ast::BinaryOp::Xor | ast::BinaryOp::Add | ast::BinaryOp::Mul)
}
