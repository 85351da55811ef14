//! Walking the typed program: every rung, element, statement, expression and access of a unit, in the order of the text.

use compiler::ast::CoilKind;
use compiler::hir::{
    Body, Call, Element, ElementKind, Expr, ExprKind, Place, Pou, PouId, Program, Rung, Step, Stmt, StmtKind,
};

/// How a place is written.
#[derive(Clone, Copy, Debug)]
pub enum Write<'a> {
    /// By a coil.
    Coil(CoilKind),
    /// By an assignment.
    Assign(&'a Expr),
    /// By the output of a call.
    Output,
    /// As VAR_IN_OUT: the callee may write it.
    InOut,
    /// As the control variable of a FOR loop.
    Control,
}

/// What wants to see a unit. Every method has an empty default.
#[allow(unused_variables)]
pub trait Visitor<'a> {
    /// A rung, before its elements.
    fn rung(&mut self, rung: &'a Rung) {}
    /// An element, before its parts.
    fn element(&mut self, element: &'a Element) {}
    /// A statement, before its parts.
    fn statement(&mut self, statement: &'a Stmt) {}
    /// A list of statements.
    fn statements(&mut self, statements: &'a [Stmt]) {}
    /// An expression, before its parts.
    fn expression(&mut self, expr: &'a Expr) {}
    /// A call of a function or block.
    fn call(&mut self, call: &'a Call) {}
    /// A place that is read.
    fn read(&mut self, place: &'a Place) {}
    /// A place that is written.
    fn write(&mut self, place: &'a Place, how: Write<'a>) {}
}

/// The units of the project, those of the library left out.
pub fn units(program: &Program) -> impl Iterator<Item = (PouId, &Pou)> {
    program.pous.iter().filter(|(_, pou)| !pou.library)
}

/// Shows a unit to a visitor.
pub fn unit<'a>(pou: &'a Pou, visitor: &mut dyn Visitor<'a>) {
    match &pou.body {
        Body::Statements(list) => statements(list, visitor),
        Body::Ladder(rungs) => {
            for rung in rungs {
                visitor.rung(rung);
                series(&rung.series, visitor);
            }
        }
    }
}

/// Shows elements to a visitor.
pub fn series<'a>(elements: &'a [Element], visitor: &mut dyn Visitor<'a>) {
    for element in elements {
        visitor.element(element);
        match &element.kind {
            ElementKind::Contact { operand, .. } => expression(operand, visitor),
            ElementKind::Condition(condition) => expression(condition, visitor),
            ElementKind::Coil { kind, place, .. } => write(place, Write::Coil(*kind), visitor),
            ElementKind::Block { call: block, .. } => call(block, visitor),
            ElementKind::Powered { enable, body, eno } => {
                enable.iter().for_each(|e| expression(e, visitor));
                statements(body, visitor);
                eno.iter().for_each(|p| write(p, Write::Output, visitor));
            }
            ElementKind::Branch(legs) => legs.iter().for_each(|leg| series(leg, visitor)),
            ElementKind::Invert | ElementKind::Wire | ElementKind::Jump(_) | ElementKind::Return => {}
        }
    }
}

/// Shows statements to a visitor.
pub fn statements<'a>(list: &'a [Stmt], visitor: &mut dyn Visitor<'a>) {
    visitor.statements(list);
    for statement in list {
        visitor.statement(statement);
        match &statement.kind {
            StmtKind::Assign(place, value) => {
                expression(value, visitor);
                write(place, Write::Assign(value), visitor);
            }
            StmtKind::Call(c) => call(c, visitor),
            StmtKind::If { branches, otherwise } => {
                for (condition, body) in branches {
                    expression(condition, visitor);
                    statements(body, visitor);
                }
                statements(otherwise, visitor);
            }
            StmtKind::Case { selector, arms, otherwise } => {
                expression(selector, visitor);
                arms.iter().for_each(|(_, body)| statements(body, visitor));
                statements(otherwise, visitor);
            }
            StmtKind::For(l) => {
                [&l.from, &l.to, &l.by].into_iter().for_each(|e| expression(e, visitor));
                write(&l.variable, Write::Control, visitor);
                statements(&l.body, visitor);
            }
            StmtKind::While(condition, body) => {
                expression(condition, visitor);
                statements(body, visitor);
            }
            StmtKind::Repeat(body, until) => {
                statements(body, visitor);
                expression(until, visitor);
            }
            StmtKind::Exit | StmtKind::Continue | StmtKind::Return => {}
        }
    }
}

/// Shows an expression to a visitor.
pub fn expression<'a>(expr: &'a Expr, visitor: &mut dyn Visitor<'a>) {
    visitor.expression(expr);
    match &expr.kind {
        ExprKind::Const(_) | ExprKind::Int(_) | ExprKind::Real(_) | ExprKind::Error => {}
        ExprKind::Read(place) => {
            visitor.read(place);
            indices(place, visitor);
        }
        ExprKind::Apply { args, .. } => args.iter().for_each(|a| expression(a, visitor)),
        ExprKind::Lazy { left, right, .. } => {
            expression(left, visitor);
            expression(right, visitor);
        }
        ExprKind::Select { selector, inputs } => {
            expression(selector, visitor);
            inputs.iter().for_each(|i| expression(i, visitor));
        }
        ExprKind::Enabled { enable, value, eno } => {
            expression(enable, visitor);
            expression(value, visitor);
            eno.iter().for_each(|p| write(p, Write::Output, visitor));
        }
        ExprKind::Call(c) => call(c, visitor),
    }
}

fn call<'a>(c: &'a Call, visitor: &mut dyn Visitor<'a>) {
    c.enable.iter().for_each(|e| expression(e, visitor));
    c.inputs.iter().for_each(|(_, e)| expression(e, visitor));
    visitor.call(c);
    c.instance.iter().for_each(|p| indices(p, visitor));
    c.in_outs.iter().for_each(|(_, p)| write(p, Write::InOut, visitor));
    c.outputs.iter().for_each(|o| write(&o.place, Write::Output, visitor));
    c.eno.iter().for_each(|p| write(p, Write::Output, visitor));
}

fn write<'a>(place: &'a Place, how: Write<'a>, visitor: &mut dyn Visitor<'a>) {
    visitor.write(place, how);
    indices(place, visitor);
}

fn indices<'a>(place: &'a Place, visitor: &mut dyn Visitor<'a>) {
    for step in &place.steps {
        if let Step::Index(list) = step {
            list.iter().for_each(|index| expression(index, visitor));
        }
    }
}
