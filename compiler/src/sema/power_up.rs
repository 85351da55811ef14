//! Edges at power-up: where R_TRIG or F_TRIG may fire in its first call and thereby switch an output on.
//!
//! The standard's tables let R_TRIG fire in its first call when CLK is TRUE, and F_TRIG when CLK is FALSE: a button held down,
//! or a supply that returns, then starts a plant nobody started. RISE and FALL only learn the state in the first scan.
//!
//! One unit at a time, the first scan is followed in the order of the text: a signal carries what it can be in the first
//! scan and the edge it may come from. An edge is a pulse of the first scan until it is stored; a pulse ends where it is in
//! series with something that is FALSE in the first scan (RISE, FALL, the Q of a TON, a variable that begins FALSE and is
//! written further down), what is stored does not. Passed on: contacts, AND, OR, XOR, coils, SET, assignments, what an
//! IF guards, TP, TOF, SR and RS. Not followed: inverted signals, resets, counters and numbers, blocks of the project, array
//! elements one by one. So a silent check is no proof; a warning names a way that exists in the text.

use super::Sema;
use crate::ast::{Area, CoilKind, ContactKind};
use crate::diag::{Code, Diagnostic};
use crate::hir::{
    Body, Call, Class, Element, ElementKind, Expr, ExprKind, GlobalId, Init, Place, PouId, Program, Root, Step, Stmt,
    StmtKind, VarId,
};
use crate::map::{HashMap, HashSet};
use crate::source::Span;
use crate::types::Ty;
use bytecode::Op;

/// Rounds after which a way through ever more variables is no longer followed.
const ROUNDS_MAX: u32 = 16;

/// What stands behind a signal.
#[derive(Clone, Copy, Debug)]
struct Edge {
    /// The call of the block.
    source: Span,
    /// F_TRIG.
    falling: bool,
    /// Stored: it outlives the first scan.
    stored: bool,
}

/// A BOOL in the first scan.
#[derive(Clone, Copy, Debug)]
struct Signal {
    may_be_true: bool,
    may_be_false: bool,
    edge: Option<Edge>,
}

impl Signal {
    const UNKNOWN: Self = Self { may_be_true: true, may_be_false: true, edge: None };
    const TRUE: Self = Self { may_be_false: false, ..Self::UNKNOWN };
    const FALSE: Self = Self { may_be_true: false, ..Self::UNKNOWN };

    fn with_edge(self, edge: Option<Edge>) -> Self {
        Self { edge, ..self }
    }

    fn inverted(self) -> Self {
        Self { may_be_true: self.may_be_false, may_be_false: self.may_be_true, edge: None }
    }

    fn and(self, other: Self) -> Self {
        let may_be_true = self.may_be_true && other.may_be_true;
        let edge = stronger(self.edge, other.edge).filter(|edge| may_be_true || edge.stored);
        Self { may_be_true, may_be_false: self.may_be_false || other.may_be_false, edge }
    }

    fn or(self, other: Self) -> Self {
        Self {
            may_be_true: self.may_be_true || other.may_be_true,
            may_be_false: self.may_be_false && other.may_be_false,
            edge: stronger(self.edge, other.edge),
        }
    }
}

/// One of two edges: a stored one goes further.
fn stronger(a: Option<Edge>, b: Option<Edge>) -> Option<Edge> {
    match (a, b) {
        (Some(edge), Some(other)) if other.stored && !edge.stored => Some(other),
        (Some(edge), _) => Some(edge),
        (None, other) => other,
    }
}

/// A variable or a part of it; elements of an array are not told apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    root: KeyRoot,
    fields: Vec<VarId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum KeyRoot {
    Local(VarId),
    Global(GlobalId),
}

fn key(place: &Place) -> Option<Key> {
    let root = match &place.root {
        Root::Local(var) => KeyRoot::Local(*var),
        Root::Global(global) => KeyRoot::Global(*global),
        Root::Address(_) => return None,
    };
    let fields = place.steps.iter().filter_map(|step| if let Step::Field(_, var) = step { Some(*var) } else { None });
    Some(Key { root, fields: fields.collect() })
}

/// The walk through one unit.
struct Walk<'p> {
    program: &'p Program,
    pou: PouId,
    /// Its variables may keep values over a restart, whatever their own declarations say.
    kept: bool,
    edges: HashMap<Key, Edge>,
    /// What was written so far in this round.
    written: HashSet<Key>,
    /// Outputs an edge reaches.
    reached: Vec<(Edge, Span)>,
    grew: bool,
}

impl Sema<'_> {
    /// Warns where an edge of the first scan can switch an output on.
    pub(super) fn review_power_up(&mut self) {
        if self.diagnostics.iter().any(Diagnostic::is_error) {
            // What is missing may be what keeps the edge away.
            return;
        }
        let mut findings = Vec::new();
        for (id, pou) in self.program.pous.iter().filter(|(_, p)| !p.library) {
            let edges = |callee: PouId| edge_block(&self.program, callee).is_some();
            if !self.scopes[id].callees.iter().any(|(callee, _)| edges(*callee)) {
                continue;
            }
            let kept = self.program.instances.iter().any(|i| i.pou == id && i.retention.is_kept());
            let mut walk = Walk {
                program: &self.program,
                pou: id,
                kept,
                edges: HashMap::default(),
                written: HashSet::default(),
                reached: Vec::new(),
                grew: true,
            };
            for _ in 0..ROUNDS_MAX {
                if !std::mem::take(&mut walk.grew) {
                    break;
                }
                walk.written.clear();
                walk.reached.clear();
                walk.body(&pou.body);
            }
            findings.extend(warnings(&walk.reached));
        }
        self.diagnostics.extend(findings);
    }
}

/// One warning for each edge, with the first output it reaches.
fn warnings(reached: &[(Edge, Span)]) -> Vec<Diagnostic> {
    let mut seen = HashSet::default();
    let mut findings = Vec::new();
    for (edge, output) in reached {
        if !seen.insert(edge.source) {
            continue;
        }
        let (state, block, contact) =
            if edge.falling { ("FALSE", "F_TRIG", "FALL") } else { ("TRUE", "R_TRIG", "RISE") };
        let message =
            format!("{block} fires in its first call when CLK is {state} then: power-up can switch an output on");
        let help = format!("use the contact {contact}, which only learns the state in the first scan");
        let diagnostic = Diagnostic::new(Code::EdgeAtPowerUp, edge.source, message).also(*output, "this output");
        findings.push(diagnostic.help(help).note(
            "in Structured Text: AND the edge with a variable that begins FALSE and becomes TRUE at the end of the body",
        ));
    }
    findings
}

/// Is this block of the library an edge detector, and which one?
fn edge_block(program: &Program, pou: PouId) -> Option<bool> {
    let pou = &program.pous[pou];
    match pou.name.as_str() {
        "R_TRIG" if pou.library => Some(false),
        "F_TRIG" if pou.library => Some(true),
        _ => None,
    }
}

/// `TON` for `TON_TIME` and `TON_LTIME`.
fn block_name(name: &str) -> &str {
    name.strip_suffix("_LTIME").or_else(|| name.strip_suffix("_TIME")).unwrap_or(name)
}

impl Walk<'_> {
    fn body(&mut self, body: &Body) {
        match body {
            Body::Statements(statements) => self.statements(statements, None),
            Body::Ladder(rungs) => {
                for rung in rungs {
                    self.series(&rung.series, Signal::TRUE);
                }
            }
        }
    }

    fn series(&mut self, elements: &[Element], power: Signal) -> Signal {
        elements.iter().fold(power, |power, element| self.element(element, power))
    }

    fn element(&mut self, element: &Element, power: Signal) -> Signal {
        match &element.kind {
            ElementKind::Contact { kind, operand, .. } => power.and(match kind {
                ContactKind::Open => self.signal(operand),
                ContactKind::Closed => self.signal(operand).inverted(),
                ContactKind::Rise | ContactKind::Fall => Signal::FALSE,
            }),
            ElementKind::Condition(condition) => power.and(self.signal(condition)),
            ElementKind::Invert => power.inverted(),
            ElementKind::Wire | ElementKind::Jump(_) | ElementKind::Return => power,
            ElementKind::Coil { kind, place, .. } => {
                let drives = match kind {
                    CoilKind::Normal | CoilKind::Set => power.edge,
                    CoilKind::Negated | CoilKind::Reset | CoilKind::Rise | CoilKind::Fall => None,
                };
                self.write(place, drives);
                power
            }
            ElementKind::Block { call, input, output } => {
                let out = self.call(call, input.map(|pin| (pin, power)));
                if output.is_some() { out } else { power }
            }
            ElementKind::Powered { enable, body, eno } => {
                let on = enable.as_ref().map_or(power, |enable| power.and(self.signal(enable)));
                self.statements(body, on.edge);
                if let Some(eno) = eno {
                    self.write(eno, on.edge);
                }
                on
            }
            ElementKind::Branch(legs) => {
                let outs: Vec<Signal> = legs.iter().map(|leg| self.series(leg, power)).collect();
                outs.into_iter().reduce(Signal::or).unwrap_or(power)
            }
        }
    }

    /// Statements that run because of `cause`, where it is an edge.
    fn statements(&mut self, statements: &[Stmt], cause: Option<Edge>) {
        for statement in statements {
            self.statement(statement, cause);
        }
    }

    fn statement(&mut self, statement: &Stmt, cause: Option<Edge>) {
        match &statement.kind {
            StmtKind::Assign(place, value) => {
                let own = if value.ty == Ty::BOOL { self.signal(value).edge } else { None };
                let caused = cause.filter(|_| value.ty == Ty::BOOL && value.constant() != Some(0));
                self.write(place, own.or(caused));
            }
            StmtKind::Call(call) => {
                self.call(call, None);
            }
            StmtKind::If { branches, otherwise } => {
                for (condition, body) in branches {
                    let own = self.signal(condition).edge;
                    self.statements(body, own.or(cause));
                }
                self.statements(otherwise, cause);
            }
            StmtKind::Case { arms, otherwise, .. } => {
                arms.iter().for_each(|(_, body)| self.statements(body, cause));
                self.statements(otherwise, cause);
            }
            StmtKind::For(parts) => self.statements(&parts.body, cause),
            StmtKind::While(condition, body) => {
                let own = self.signal(condition).edge;
                self.statements(body, own.or(cause));
            }
            StmtKind::Repeat(body, _) => self.statements(body, cause),
            StmtKind::Exit | StmtKind::Continue | StmtKind::Return => {}
        }
    }

    /// The main output of a block that is called, with `power` on one of its inputs.
    fn call(&mut self, call: &Call, power: Option<(VarId, Signal)>) -> Signal {
        let program = self.program;
        let pou = &program.pous[call.pou];
        let input = |name: &str| {
            let var = pou.vars.iter().find(|(_, v)| v.name == name).map(|(id, _)| id);
            let written = call.inputs.iter().find(|(id, _)| Some(*id) == var).map(|(_, value)| self.signal(value));
            written.or(power.filter(|(pin, _)| Some(*pin) == var).map(|(_, s)| s)).unwrap_or(Signal::UNKNOWN)
        };
        let fires = |falling| Some(Edge { source: call.span, falling, stored: false });
        let held = |signal: Signal| signal.edge.map(|edge| Edge { stored: true, ..edge });
        let (name, out) = match (pou.library, block_name(&pou.name)) {
            (true, "R_TRIG") => {
                let clk = input("CLK");
                let out = if clk.may_be_true { Signal::UNKNOWN.with_edge(fires(false)) } else { Signal::FALSE };
                ("Q", out)
            }
            (true, "F_TRIG") => {
                let clk = input("CLK");
                let out = if clk.may_be_false { Signal::UNKNOWN.with_edge(fires(true)) } else { Signal::FALSE };
                ("Q", out)
            }
            (true, "TON") => ("Q", Signal::FALSE.with_edge(input("IN").edge.filter(|edge| edge.stored))),
            (true, "TOF" | "TP") => ("Q", Signal::UNKNOWN.with_edge(held(input("IN")))),
            (true, "SR") => ("Q1", Signal::UNKNOWN.with_edge(held(input("S1")))),
            (true, "RS") => ("Q1", Signal::UNKNOWN.with_edge(held(input("S")))),
            _ => ("", Signal::UNKNOWN),
        };
        let output = pou.vars.iter().find(|(_, v)| v.name == name).map(|(id, _)| id);
        if let (Some(mut at), Some(output)) = (call.instance.as_ref().and_then(key), output) {
            self.written.insert(at.clone());
            at.fields.push(output);
            self.learn(at, out.edge);
        }
        for taken in &call.outputs {
            let edge = out.edge.filter(|_| Some(taken.output) == output && !taken.negated);
            self.write(&taken.place, edge);
        }
        call.in_outs.iter().for_each(|(_, place)| self.write(place, None));
        out
    }

    fn learn(&mut self, key: Key, edge: Option<Edge>) {
        let Some(edge) = edge else { return };
        let known = self.edges.get(&key);
        if known.is_none_or(|known| edge.stored && !known.stored) {
            self.edges.insert(key, edge);
            self.grew = true;
        }
    }

    /// A variable is written, and may become TRUE because of an edge.
    fn write(&mut self, place: &Place, edge: Option<Edge>) {
        let at = key(place);
        self.written.extend(at.clone());
        let Some(edge) = edge else { return };
        let location = match &place.root {
            Root::Address(location) => Some(&**location),
            Root::Local(var) => self.program.pous[self.pou].vars[*var].location.as_deref(),
            Root::Global(global) => self.program.globals[*global].location.as_deref(),
        };
        if location.is_some_and(|l| l.area == Area::Output) {
            self.reached.push((edge, place.span));
        }
        if let Some(at) = at {
            self.learn(at, Some(Edge { stored: true, ..edge }));
        }
    }

    fn signal(&self, value: &Expr) -> Signal {
        match &value.kind {
            ExprKind::Const(0) => Signal::FALSE,
            ExprKind::Const(_) => Signal::TRUE,
            ExprKind::Read(place) => self.read(place),
            ExprKind::Apply { op, args, .. } if value.ty == Ty::BOOL => {
                let mut parts = args.iter().map(|arg| self.signal(arg));
                match op {
                    Op::And => parts.reduce(Signal::and).unwrap_or(Signal::UNKNOWN),
                    Op::Or => parts.reduce(Signal::or).unwrap_or(Signal::UNKNOWN),
                    Op::Xor => Signal::UNKNOWN.with_edge(parts.fold(None, |edge, part| stronger(edge, part.edge))),
                    Op::Not => parts.next().map_or(Signal::UNKNOWN, Signal::inverted),
                    _ => Signal::UNKNOWN,
                }
            }
            ExprKind::Lazy { and: true, left, right } => self.signal(left).and(self.signal(right)),
            ExprKind::Lazy { and: false, left, right } => self.signal(left).or(self.signal(right)),
            ExprKind::Apply { .. }
            | ExprKind::Int(_)
            | ExprKind::Real(_)
            | ExprKind::Select { .. }
            | ExprKind::Enabled { .. }
            | ExprKind::Call(_)
            | ExprKind::Error => Signal::UNKNOWN,
        }
    }

    fn read(&self, place: &Place) -> Signal {
        let Some(key) = key(place) else { return Signal::UNKNOWN };
        let edge = self.edges.get(&key).copied();
        let begins = if self.begins_false(place, &key) { Signal::FALSE } else { Signal::UNKNOWN };
        begins.with_edge(edge)
    }

    /// Is this surely FALSE where it is read in the first scan?
    fn begins_false(&self, place: &Place, key: &Key) -> bool {
        if let Some(Step::Field(block, output)) = place.steps.last() {
            let block = &self.program.pous[*block];
            return block.library && block_name(&block.name) == "TON" && block.vars[*output].name == "Q";
        }
        let Root::Local(var) = &place.root else { return false };
        let variable = &self.program.pous[self.pou].vars[*var];
        let own = matches!(variable.class, Class::Local | Class::Output | Class::Temp);
        let cleared = matches!(variable.init, Init::Default | Init::Scalar(0));
        let stored =
            variable.retention.is_kept() || (self.kept && variable.retention != bytecode::Retention::NonRetain);
        own && cleared
            && !stored
            && variable.location.is_none()
            && variable.ty == Ty::BOOL
            && !self.written.contains(key)
    }
}
