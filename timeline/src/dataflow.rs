//! Who writes what from what: the rungs and statements of a program as rows of names, for the question "what led to this?".
//!
//! A *unit* is a rung, or a statement outside a ladder. Names are full paths in capitals (`MAIN.DELAY.Q`), as
//! [`bytecode::path`] spells them, with constant indices only (an element with a computed index stands for its array).
//! Function blocks are followed into each of their instances; a library block writes its instance from its inputs.
//!
//! An approximation to the safe side: a unit may be said to read a name that does not matter in this run.

use compiler::ast::ContactKind;
use compiler::hir::{
    Body, Call, Element, ElementKind, Expr, ExprKind, Place, PouId, Program, Root, Rung, Step, Stmt, StmtKind, VarId,
};
use compiler::source::Span;
use std::collections::BTreeMap;

/// Deepest nesting of function blocks that is followed. Calls do not recurse; this bounds the work on deep towers.
const DEPTH_MAX: usize = 16;
/// Most units of one program: beyond it the cone is cut, not the run.
const UNITS_MAX: usize = 200_000;

/// A rung, or a statement outside a ladder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// Label and title of the rung; `None` outside a ladder.
    pub rung: Option<(String, String)>,
    /// Where it is written.
    pub span: Span,
    /// What it writes, each once.
    pub writes: Vec<String>,
    /// What it reads, each once, in the order of the text.
    pub reads: Vec<String>,
    /// Its contacts that look at one variable.
    pub contacts: Vec<Contact>,
    /// Its coils: where each is written, and the name.
    pub coils: Vec<(Span, String)>,
}

/// A contact in a rung.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    /// Where it is written.
    pub span: Span,
    /// What it looks at.
    pub name: String,
    /// NO, NC, RISE or FALL.
    pub kind: ContactKind,
}

/// All units of a program, in the order they run in within each program instance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dataflow {
    units: Vec<Unit>,
    /// Unit numbers by the name they write.
    writers: BTreeMap<String, Vec<usize>>,
}

/// A POU in one of its places.
struct Scope {
    pou: PouId,
    /// Path of its instance.
    path: String,
    /// Paths of its VAR_IN_OUT parameters.
    in_outs: Vec<(VarId, String)>,
    depth: usize,
}

impl Dataflow {
    /// The units of a program.
    #[must_use]
    pub fn of(program: &Program) -> Self {
        let mut walker = Walker { program, units: Vec::new() };
        for instance in &program.instances {
            let path = instance.name.to_ascii_uppercase();
            walker.pou(&Scope { pou: instance.pou, path, in_outs: Vec::new(), depth: 0 });
        }
        let mut writers: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (index, unit) in walker.units.iter().enumerate() {
            for name in &unit.writes {
                writers.entry(name.clone()).or_default().push(index);
            }
        }
        Self { units: walker.units, writers }
    }

    /// The units that write a name, a part of it or the whole it is a part of; in the order they run in.
    #[must_use]
    pub fn writers(&self, name: &str) -> Vec<&Unit> {
        let name = name.to_ascii_uppercase();
        let mut found: Vec<usize> = Vec::new();
        // The whole it is a part of: every shorter path.
        for (at, _) in name.match_indices(['.', '[']) {
            found.extend(name.get(..at).and_then(|whole| self.writers.get(whole)).into_iter().flatten());
        }
        for (other, units) in self.writers.range(name.clone()..) {
            let Some(rest) = other.strip_prefix(name.as_str()) else { break };
            if rest.is_empty() || rest.starts_with(['.', '[']) {
                found.extend(units);
            }
        }
        found.sort_unstable();
        found.dedup();
        found.into_iter().filter_map(|index| self.units.get(index)).collect()
    }

    /// All units.
    #[must_use]
    pub fn units(&self) -> &[Unit] {
        &self.units
    }
}

struct Walker<'a> {
    program: &'a Program,
    units: Vec<Unit>,
}

impl Walker<'_> {
    fn pou(&mut self, scope: &Scope) {
        if self.units.len() >= UNITS_MAX || scope.depth > DEPTH_MAX {
            return;
        }
        let program = self.program;
        let Some(pou) = program.pous.find(scope.pou) else { return };
        match &pou.body {
            Body::Statements(statements) => {
                for statement in statements {
                    let mut unit = unit(None, statement.span);
                    self.statement(scope, statement, &[], &mut unit);
                    self.push(unit);
                }
            }
            Body::Ladder(rungs) => rungs.iter().for_each(|rung| self.rung(scope, rung)),
        }
    }

    fn push(&mut self, unit: Unit) {
        if !unit.writes.is_empty() {
            self.units.push(unit);
        }
    }

    fn rung(&mut self, scope: &Scope, rung: &Rung) {
        let mut unit = unit(Some((rung.label.clone(), rung.title.clone())), rung.span);
        self.series(scope, &rung.series, &mut unit);
        self.push(unit);
    }

    fn series(&mut self, scope: &Scope, elements: &[Element], unit: &mut Unit) {
        for element in elements {
            match &element.kind {
                ElementKind::Contact { operand, kind, .. } => {
                    self.expression(scope, operand, unit);
                    if let ExprKind::Read(place) = &operand.kind
                        && let Some(name) = self.path(scope, place)
                    {
                        unit.contacts.push(Contact { span: element.span, name, kind: *kind });
                    }
                }
                ElementKind::Condition(condition) => self.expression(scope, condition, unit),
                ElementKind::Invert | ElementKind::Wire | ElementKind::Jump(_) | ElementKind::Return => {}
                ElementKind::Coil { place, .. } => {
                    self.write(scope, place, unit);
                    unit.coils.extend(self.path(scope, place).map(|name| (element.span, name)));
                }
                ElementKind::Block { call, .. } => self.call(scope, call, unit),
                ElementKind::Powered { enable, body, eno } => {
                    enable.iter().for_each(|enable| self.expression(scope, enable, unit));
                    body.iter().for_each(|statement| self.statement(scope, statement, &[], unit));
                    eno.iter().for_each(|eno| self.write(scope, eno, unit));
                }
                ElementKind::Branch(legs) => legs.iter().for_each(|leg| self.series(scope, leg, unit)),
            }
        }
    }

    /// `conditions` are those it stands under.
    fn statement(&mut self, scope: &Scope, statement: &Stmt, conditions: &[&Expr], unit: &mut Unit) {
        conditions.iter().for_each(|condition| self.expression(scope, condition, unit));
        let all = |walker: &mut Self, body: &[Stmt], unit: &mut Unit| {
            body.iter().for_each(|inner| walker.statement(scope, inner, &[], unit));
        };
        match &statement.kind {
            StmtKind::Assign(place, value) => {
                self.expression(scope, value, unit);
                self.write(scope, place, unit);
            }
            StmtKind::Call(call) => self.call(scope, call, unit),
            StmtKind::If { branches, otherwise } => {
                for (condition, body) in branches {
                    self.expression(scope, condition, unit);
                    all(self, body, unit);
                }
                all(self, otherwise, unit);
            }
            StmtKind::Case { selector, arms, otherwise } => {
                self.expression(scope, selector, unit);
                arms.iter().for_each(|(_, body)| all(self, body, unit));
                all(self, otherwise, unit);
            }
            StmtKind::For(counted) => {
                for bound in [&counted.from, &counted.to, &counted.by] {
                    self.expression(scope, bound, unit);
                }
                self.write(scope, &counted.variable, unit);
                all(self, &counted.body, unit);
            }
            StmtKind::While(condition, body) | StmtKind::Repeat(body, condition) => {
                self.expression(scope, condition, unit);
                all(self, body, unit);
            }
            StmtKind::Exit | StmtKind::Continue | StmtKind::Return => {}
        }
    }

    fn call(&mut self, scope: &Scope, call: &Call, unit: &mut Unit) {
        for expression in call.enable.iter().chain(call.inputs.iter().map(|(_, value)| value)) {
            self.expression(scope, expression, unit);
        }
        let in_outs: Vec<(VarId, String)> =
            call.in_outs.iter().filter_map(|(var, place)| Some((*var, self.path(scope, place)?))).collect();
        for (_, path) in &in_outs {
            note(&mut unit.reads, path.clone());
            note(&mut unit.writes, path.clone());
        }
        for taken in &call.outputs {
            self.write(scope, &taken.place, unit);
        }
        call.eno.iter().for_each(|eno| self.write(scope, eno, unit));
        let Some(path) = call.instance.as_ref().and_then(|place| self.path(scope, place)) else { return };
        note(&mut unit.writes, path.clone());
        let library = self.program.pous.find(call.pou).is_none_or(|pou| pou.library);
        if !library {
            self.pou(&Scope { pou: call.pou, path, in_outs, depth: scope.depth + 1 });
        }
    }

    fn write(&mut self, scope: &Scope, place: &Place, unit: &mut Unit) {
        self.indices(scope, place, unit);
        if let Some(path) = self.path(scope, place) {
            note(&mut unit.writes, path);
        }
    }

    fn indices(&mut self, scope: &Scope, place: &Place, unit: &mut Unit) {
        for step in &place.steps {
            if let Step::Index(indices) = step {
                indices.iter().for_each(|index| self.expression(scope, index, unit));
            }
        }
    }

    fn expression(&mut self, scope: &Scope, expression: &Expr, unit: &mut Unit) {
        match &expression.kind {
            ExprKind::Const(_) | ExprKind::Int(_) | ExprKind::Real(_) | ExprKind::Error => {}
            ExprKind::Read(place) => {
                self.indices(scope, place, unit);
                if let Some(path) = self.path(scope, place) {
                    note(&mut unit.reads, path);
                }
            }
            ExprKind::Apply { args, .. } => args.iter().for_each(|arg| self.expression(scope, arg, unit)),
            ExprKind::Lazy { left, right, .. } => {
                self.expression(scope, left, unit);
                self.expression(scope, right, unit);
            }
            ExprKind::Select { selector, inputs } => {
                self.expression(scope, selector, unit);
                inputs.iter().for_each(|input| self.expression(scope, input, unit));
            }
            ExprKind::Enabled { enable, value, eno } => {
                self.expression(scope, enable, unit);
                self.expression(scope, value, unit);
                eno.iter().for_each(|eno| self.write(scope, eno, unit));
            }
            ExprKind::Call(call) => self.call(scope, call, unit),
        }
    }

    /// The path of a place; `None` for what no path names (temporaries, direct addresses, function variables).
    fn path(&self, scope: &Scope, place: &Place) -> Option<String> {
        let mut path = match &place.root {
            Root::Global(id) => self.program.globals.find(*id)?.name.to_string(),
            Root::Local(var) => match scope.in_outs.iter().find(|(in_out, _)| in_out == var) {
                Some((_, path)) => path.clone(),
                None => format!("{}.{}", scope.path, self.program.pous.find(scope.pou)?.vars.find(*var)?.name),
            },
            Root::Address(_) => return None,
        };
        for step in &place.steps {
            match step {
                Step::Field(pou, var) => {
                    path.push('.');
                    path.push_str(&self.program.pous.find(*pou)?.vars.find(*var)?.name);
                }
                Step::Index(indices) => {
                    let numbers: Option<Vec<String>> = indices
                        .iter()
                        .map(|index| index.constant().map(|bits| i64::from_ne_bytes(bits.to_ne_bytes()).to_string()))
                        .collect();
                    let Some(numbers) = numbers else { break };
                    path.push_str(&format!("[{}]", numbers.join(",")));
                }
                Step::Bits { .. } => break,
            }
        }
        path.make_ascii_uppercase();
        Some(path)
    }
}

fn unit(rung: Option<(String, String)>, span: Span) -> Unit {
    Unit { rung, span, writes: Vec::new(), reads: Vec::new(), contacts: Vec::new(), coils: Vec::new() }
}

fn note(names: &mut Vec<String>, name: String) {
    if !names.contains(&name) {
        names.push(name);
    }
}
