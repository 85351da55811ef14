//! Statements of Structured Text.

use super::BodyContext;
use super::place::Use;
use crate::ast::{self, CaseLabel};
use crate::diag::{Code, Diagnostic};
use crate::evaluate::bits_int;
use crate::hir::{Class, Expr, Place, Root, Step, Stmt, StmtKind, VarId};
use crate::source::Span;
use crate::types::Ty;
use bytecode::Op;

impl BodyContext<'_, '_> {
    pub(super) fn statements(&mut self, statements: &[ast::Stmt]) -> Vec<Stmt> {
        statements.iter().filter_map(|s| self.statement(s)).collect()
    }

    fn statement(&mut self, statement: &ast::Stmt) -> Option<Stmt> {
        let span = statement.span;
        let kind = match &statement.kind {
            ast::StmtKind::Assign { target, value } => self.assign(target, value)?,
            ast::StmtKind::Call(call) => return self.call_statement(call),
            ast::StmtKind::If { branches, otherwise } => self.if_statement(branches, otherwise.as_deref()),
            ast::StmtKind::Case { selector, arms, otherwise } => self.case(selector, arms, otherwise.as_deref())?,
            ast::StmtKind::For(l) => self.for_loop(&l.variable, &l.from, &l.to, l.by.as_ref(), &l.body)?,
            ast::StmtKind::While { condition, body } => {
                let condition = self.condition(condition);
                StmtKind::While(condition, self.looped(body))
            }
            ast::StmtKind::Repeat { body, until } => {
                let body = self.looped(body);
                StmtKind::Repeat(body, self.condition(until))
            }
            ast::StmtKind::Exit => self.in_loop("EXIT", StmtKind::Exit, span)?,
            ast::StmtKind::Continue => self.in_loop("CONTINUE", StmtKind::Continue, span)?,
            ast::StmtKind::Return => StmtKind::Return,
            ast::StmtKind::Empty | ast::StmtKind::Error => return None,
        };
        Some(Stmt { kind, span })
    }

    fn in_loop(&mut self, word: &str, kind: StmtKind, span: Span) -> Option<StmtKind> {
        if self.loops == 0 {
            self.s.error(Code::LoopOnly, span, format!("{word} outside of a loop"));
            return None;
        }
        Some(kind)
    }

    fn looped(&mut self, body: &[ast::Stmt]) -> Vec<Stmt> {
        self.loops += 1;
        let body = self.statements(body);
        self.loops -= 1;
        body
    }

    fn assign(&mut self, target: &ast::Place, value: &ast::Expr) -> Option<StmtKind> {
        let place = self.target(target);
        let hint = place.as_ref().map(|p| p.ty);
        let value = self.infer(value, hint);
        let place = place?;
        let composed = self.s.program.types.composed(place.ty).is_some();
        if composed && self.s.program.types.as_array(place.ty).is_none() {
            let ty = self.s.type_name(place.ty);
            let diagnostic =
                Diagnostic::new(Code::TypeMismatch, place.span, format!("an instance of {ty} cannot be assigned"));
            self.s.report(diagnostic.help("assign its inputs one by one, or pass it by VAR_IN_OUT"));
            return None;
        }
        if composed && self.holds_instances(place.ty) {
            self.s.error(Code::TypeMismatch, place.span, "an array of instances cannot be assigned");
            return None;
        }
        let value = self.coerce(value, place.ty);
        (!value.ty.is_error()).then_some(StmtKind::Assign(place, value))
    }

    fn holds_instances(&self, ty: Ty) -> bool {
        let element = self.s.program.types.as_array(ty).map_or(ty, |(element, _)| element);
        self.s.program.types.as_instance(element).is_some()
    }

    fn if_statement(&mut self, branches: &[ast::IfBranch], otherwise: Option<&[ast::Stmt]>) -> StmtKind {
        let conditions: Vec<Expr> = branches.iter().map(|b| self.condition(&b.condition)).collect();
        let group = self.new_group();
        let bodies: Vec<Vec<Stmt>> =
            (0..).zip(branches).map(|(i, branch)| self.exclusive(group, i, &branch.body)).collect();
        let otherwise = otherwise.map(|body| self.exclusive(group, u32::MAX, body)).unwrap_or_default();
        StmtKind::If { branches: conditions.into_iter().zip(bodies).collect(), otherwise }
    }

    fn new_group(&mut self) -> u32 {
        self.groups += 1;
        self.groups
    }

    /// The statements of one of several branches of which only one runs.
    fn exclusive(&mut self, group: u32, branch: u32, body: &[ast::Stmt]) -> Vec<Stmt> {
        self.branches.push((group, branch));
        let body = self.statements(body);
        self.branches.pop();
        body
    }

    fn case(
        &mut self,
        selector: &ast::Expr,
        arms: &[ast::CaseArm],
        otherwise: Option<&[ast::Stmt]>,
    ) -> Option<StmtKind> {
        let value = self.infer(selector, None);
        let value = self.settle(value, None);
        let usable = value.ty.is_int() || value.ty.is_bit_string();
        if !usable && !value.ty.is_error() {
            let message = format!("CASE selects by an integer or bit string, this is {}", self.s.type_name(value.ty));
            self.s.error(Code::TypeMismatch, selector.span, message);
        }
        let ty = if usable { value.ty } else { Ty::ERROR };
        let group = self.new_group();
        let mut taken: Vec<(i128, i128, Span)> = Vec::new();
        let mut checked = Vec::new();
        for (i, arm) in (0..).zip(arms) {
            let mut ranges = Vec::new();
            for label in &arm.labels {
                if let Some((low, high, span)) = self.case_label(label, ty) {
                    taken.push((low, high, span));
                    ranges.push((low, high));
                }
            }
            checked.push((ranges, self.exclusive(group, i, &arm.body)));
        }
        self.refuse_overlaps(taken);
        let otherwise = otherwise.map(|body| self.exclusive(group, u32::MAX, body)).unwrap_or_default();
        usable.then_some(StmtKind::Case { selector: value, arms: checked, otherwise })
    }

    fn case_label(&mut self, label: &CaseLabel, ty: Ty) -> Option<(i128, i128, Span)> {
        match label {
            CaseLabel::Value(expr) => {
                let value = self.label_value(expr, ty)?;
                Some((value, value, expr.span))
            }
            CaseLabel::Range(range) => {
                let (low, high) = (self.label_value(&range.low, ty), self.label_value(&range.high, ty));
                let (low, high) = (low?, high?);
                if low > high {
                    self.s.error(Code::ArrayBounds, range.span, format!("the range {low}..{high} is reversed"));
                    return None;
                }
                Some((low, high, range.span))
            }
        }
    }

    fn label_value(&mut self, expr: &ast::Expr, ty: Ty) -> Option<i128> {
        let value = self.expr_as(expr, (!ty.is_error()).then_some(ty));
        if value.ty.is_error() {
            return None;
        }
        match (value.constant(), value.ty.scalar()) {
            (Some(bits), Some(scalar)) => Some(bits_int(bits, scalar)),
            _ if ty.is_error() => None,
            _ => {
                let diagnostic = Diagnostic::new(Code::NotConstant, expr.span, "a CASE label is a constant");
                self.s.report(diagnostic.help("use IF and ELSIF to compare with variables"));
                None
            }
        }
    }

    fn refuse_overlaps(&mut self, mut taken: Vec<(i128, i128, Span)>) {
        taken.sort_by_key(|(low, high, span)| (*low, *high, span.start));
        let mut reach: Option<(i128, Span)> = None;
        for (low, high, span) in taken {
            if let Some((end, first)) = reach
                && low <= end
            {
                let (first, second) = if first.start < span.start { (first, span) } else { (span, first) };
                let what = if low == high { format!("the value {low}") } else { "a part of the range".to_owned() };
                let diagnostic = Diagnostic::new(Code::CaseLabels, second, format!("{what} is taken by another label"));
                self.s.report(diagnostic.also(first, "taken here"));
            }
            if reach.is_none_or(|(end, _)| high > end) {
                reach = Some((high, span));
            }
        }
    }

    fn for_loop(
        &mut self,
        variable: &ast::Variable,
        from: &ast::Expr,
        to: &ast::Expr,
        by: Option<&ast::Expr>,
        body: &[ast::Stmt],
    ) -> Option<StmtKind> {
        let place = self.place(variable, Use::Both).filter(|p| self.writable(p));
        let place = place.filter(|p| self.countable(p));
        let ty = place.as_ref().map(|p| p.ty);
        let from = self.expr_as(from, ty);
        let to = self.expr_as(to, ty);
        let by = match by {
            Some(by) => self.expr_as(by, ty),
            None => self.constant(1, ty.unwrap_or(Ty::ERROR), variable.span),
        };
        if by.constant() == Some(0) && !by.ty.is_error() {
            self.s.error(Code::LiteralRange, by.span, "a step of 0 never comes to its end");
        }
        if let Some(place) = &place {
            self.controlled.push(place.clone());
        }
        let body = self.looped(body);
        if place.is_some() {
            self.controlled.pop();
        }
        Some(StmtKind::For(Box::new(crate::hir::ForLoop { variable: place?, from, to, by, body })))
    }

    fn countable(&mut self, place: &Place) -> bool {
        let dynamic = place.may_fault() || place.steps.iter().any(|s| matches!(s, Step::Bits { .. }));
        if !place.ty.is_int() {
            let message = format!("the control variable of FOR is an integer, this is {}", self.s.type_name(place.ty));
            self.s.error(Code::TypeMismatch, place.span, message);
            return false;
        }
        if dynamic {
            self.s.error(Code::WriteRefused, place.span, "the control variable of FOR is one fixed variable");
        }
        !dynamic
    }

    /// `edge := input AND NOT memory; memory := input;` (or its inverse), as R_TRIG and F_TRIG say.
    pub(super) fn edge_input(&mut self, input: VarId, edge: VarId) -> Vec<Stmt> {
        // The memory was added right behind the edge variable.
        let memory = VarId(edge.0 + 1);
        let span = self.s.var(self.pou, input).span;
        let falling = self.s.var(self.pou, memory).name.ends_with("#fall");
        let place = |var: VarId| Place { root: Root::Local(var), steps: Vec::new(), ty: Ty::BOOL, span };
        let read = |var: VarId| Expr { kind: crate::hir::ExprKind::Read(place(var)), ty: Ty::BOOL, span };
        debug_assert_eq!(self.s.var(self.pou, memory).class, Class::Hidden);
        let scalar = bytecode::ScalarType::Bool;
        let value = read(input);
        let value = if falling { self.apply(Op::Not, scalar, None, vec![value], Ty::BOOL) } else { value };
        let not_before = self.apply(Op::Not, scalar, None, vec![read(memory)], Ty::BOOL);
        let fired = self.apply(Op::And, scalar, None, vec![value.clone(), not_before], Ty::BOOL);
        vec![
            Stmt { kind: StmtKind::Assign(place(edge), fired), span },
            Stmt { kind: StmtKind::Assign(place(memory), value), span },
        ]
    }
}
