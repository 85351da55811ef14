//! The network of coils, assignments and blocks as Boolean formulas: which condition drives which variable.
//!
//! Units are looked at one by one, so instances of a block share their variables here; rules that need instances apart use
//! [`crate::value`]. What is no pure Boolean condition is [`Logic::Unknown`] with what it reads.

use crate::walk::{self, Visitor};
use bytecode::{Op, ScalarType};
use compiler::ast::{Area, CoilKind, ContactKind};
use compiler::hir::{
    Body, Call, Element, ElementKind, Expr, ExprKind, GlobalId, Location, Place, PouId, Program, Root, Step, Stmt,
    StmtKind, VarId,
};
use compiler::source::Span;
use compiler::types::Ty;
use std::collections::BTreeMap;

/// A BOOL that can be driven.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cell {
    /// A place of the process image: 0 for %I, 1 for %Q, 2 for %M; byte and bit.
    Image(u8, u32, Option<u8>),
    /// A variable of a unit, or a field of an instance in it.
    Local(PouId, VarId, Vec<VarId>),
    /// A global, or a field of a global instance.
    Global(GlobalId, Vec<VarId>),
}

impl Cell {
    /// The cell of an address.
    #[must_use]
    pub fn at(location: &Location) -> Self {
        let area = match location.area {
            Area::Input => 0,
            Area::Output => 1,
            Area::Memory => 2,
        };
        Self::Image(area, location.byte, location.bit)
    }

    /// The cell of a place; `None` for elements of arrays and parts of bit strings.
    #[must_use]
    pub fn of(program: &Program, unit: PouId, place: &Place) -> Option<Self> {
        let fields = place.steps.iter().map(|step| match step {
            Step::Field(_, var) => Some(*var),
            Step::Index(_) | Step::Bits { .. } => None,
        });
        let fields: Vec<VarId> = fields.collect::<Option<_>>()?;
        Some(match &place.root {
            Root::Address(location) => Self::at(location),
            Root::Local(var) => match &program.pous[unit].vars[*var].location {
                Some(location) => Self::at(location),
                None => Self::Local(unit, *var, fields),
            },
            Root::Global(id) => match &program.globals[*id].location {
                Some(location) => Self::at(location),
                None => Self::Global(*id, fields),
            },
        })
    }

    /// A field of the instance this is.
    fn field(&self, var: VarId) -> Option<Self> {
        let with = |fields: &[VarId]| fields.iter().copied().chain([var]).collect();
        match self {
            Self::Image(..) => None,
            Self::Local(unit, root, fields) => Some(Self::Local(*unit, *root, with(fields))),
            Self::Global(id, fields) => Some(Self::Global(*id, with(fields))),
        }
    }
}

/// A Boolean formula.
#[derive(Clone, Debug, PartialEq)]
pub enum Logic {
    /// Always so.
    Const(bool),
    /// A variable.
    Read(Cell),
    /// Inverted.
    Not(Box<Logic>),
    /// All of them.
    And(Vec<Logic>),
    /// Any of them.
    Or(Vec<Logic>),
    /// TRUE for one scan where the formula has changed: an edge.
    Edge(Box<Logic>),
    /// Something else that depends on these.
    Unknown(Vec<Cell>),
}

impl Logic {
    /// Can it be TRUE, can it be FALSE, where some variables are known?
    #[must_use]
    pub fn truth(&self, known: &dyn Fn(&Cell) -> Option<bool>) -> (bool, bool) {
        match self {
            Self::Const(value) => (*value, !value),
            Self::Read(cell) => known(cell).map_or((true, true), |value| (value, !value)),
            Self::Not(inner) => {
                let (may, may_not) = inner.truth(known);
                (may_not, may)
            }
            Self::And(parts) => parts.iter().fold((true, false), |(may, may_not), part| {
                let (a, b) = part.truth(known);
                (may && a, may_not || b)
            }),
            Self::Or(parts) => parts.iter().fold((false, true), |(may, may_not), part| {
                let (a, b) = part.truth(known);
                (may || a, may_not && b)
            }),
            Self::Edge(_) | Self::Unknown(_) => (true, true),
        }
    }

    /// Every variable it reads.
    pub fn reads<'l>(&'l self, found: &mut Vec<&'l Cell>) {
        match self {
            Self::Const(_) => {}
            Self::Read(cell) => found.push(cell),
            Self::Not(inner) | Self::Edge(inner) => inner.reads(found),
            Self::And(parts) | Self::Or(parts) => parts.iter().for_each(|p| p.reads(found)),
            Self::Unknown(cells) => found.extend(cells),
        }
    }
}

/// How a variable is driven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// It follows the formula in every scan.
    Follows,
    /// It is TRUE for the scan in which the formula becomes TRUE (or FALSE).
    Pulses,
    /// It is set where the formula holds.
    Sets,
    /// It is reset where the formula holds.
    Resets,
    /// It may be written; the formula says what by.
    Perhaps,
}

/// Something that writes a variable.
#[derive(Clone, Debug, PartialEq)]
pub struct Driver {
    /// How.
    pub how: How,
    /// By what.
    pub logic: Logic,
    /// The coil's operand or the target of the assignment.
    pub span: Span,
}

/// A call of a standard block.
#[derive(Clone, Debug, PartialEq)]
pub struct BlockCall {
    /// Its type in capital letters: `TON`, `R_TRIG`.
    pub name: String,
    /// IN, CLK, CU or S.
    pub input: Logic,
    /// PT, where it is constant, in nanoseconds.
    pub preset_ns: Option<u64>,
    /// The call.
    pub span: Span,
}

impl BlockCall {
    /// The family without the type behind it: TON of TON_LTIME.
    #[must_use]
    pub fn family(&self) -> &str {
        match self.name.split_once('_') {
            Some((family, _)) if family != "R" && family != "F" => family,
            _ => &self.name,
        }
    }
}

/// All of it.
#[derive(Clone, Debug, Default)]
pub struct Network {
    /// What writes each variable, in the order of the text.
    pub drivers: BTreeMap<Cell, Vec<Driver>>,
    /// Calls of standard blocks by their instances. An instance called twice is W0708.
    pub blocks: BTreeMap<Cell, BlockCall>,
    /// The instance each output of a standard block belongs to.
    pub outputs: BTreeMap<Cell, Cell>,
}

impl Network {
    /// The network of a program.
    #[must_use]
    pub fn of(program: &Program) -> Self {
        let mut network = Self::default();
        for (unit, pou) in walk::units(program) {
            let mut builder = Builder { program, unit, network: &mut network, outer: Vec::new() };
            match &pou.body {
                Body::Statements(list) => builder.statements(list, true),
                Body::Ladder(rungs) => {
                    for rung in rungs {
                        builder.series(&rung.series);
                    }
                }
            }
        }
        network
    }

    /// The one thing that drives a variable in every scan.
    #[must_use]
    pub fn driver(&self, cell: &Cell) -> Option<&Driver> {
        match self.drivers.get(cell).map(Vec::as_slice) {
            Some([only]) => Some(only),
            Some(_) | None => None,
        }
    }

    /// The standard block whose output this is.
    #[must_use]
    pub fn block(&self, output: &Cell) -> Option<&BlockCall> {
        self.blocks.get(self.outputs.get(output)?)
    }
}

struct Builder<'n, 'p> {
    program: &'p Program,
    unit: PouId,
    network: &'n mut Network,
    /// Power into the branches around.
    outer: Vec<Logic>,
}

/// Power at a place of a leg.
struct Power {
    logic: Logic,
    /// It is all the power; else that into the branches around belongs to it. Formulas would double with every branch otherwise.
    whole: bool,
}

impl Builder<'_, '_> {
    fn drive(&mut self, place: &Place, how: How, logic: Logic) {
        if let Some(cell) = Cell::of(self.program, self.unit, place).filter(|_| place.ty == Ty::BOOL) {
            self.network.drivers.entry(cell).or_default().push(Driver { how, logic, span: place.span });
        }
    }

    /// What statements write; `always`: they run in every scan.
    fn statements(&mut self, list: &[Stmt], always: bool) {
        for statement in list {
            match &statement.kind {
                StmtKind::Assign(place, value) => {
                    let logic = self.formula(value);
                    self.drive(place, if always { How::Follows } else { How::Perhaps }, logic);
                }
                StmtKind::Call(call) => {
                    if always && call.enable.is_none() {
                        self.block(call, None);
                    }
                    self.taken(call);
                }
                StmtKind::If { branches, otherwise } => {
                    branches.iter().for_each(|(_, body)| self.statements(body, false));
                    self.statements(otherwise, false);
                }
                StmtKind::Case { arms, otherwise, .. } => {
                    arms.iter().for_each(|(_, body)| self.statements(body, false));
                    self.statements(otherwise, false);
                }
                StmtKind::For(l) => self.statements(&l.body, false),
                StmtKind::While(_, body) | StmtKind::Repeat(body, _) => self.statements(body, false),
                StmtKind::Exit | StmtKind::Continue | StmtKind::Return => {}
            }
        }
    }

    /// What a call writes by its outputs and VAR_IN_OUT.
    fn taken(&mut self, call: &Call) {
        let instance = call.instance.as_ref().and_then(|p| Cell::of(self.program, self.unit, p));
        for taken in &call.outputs {
            let read = instance.as_ref().and_then(|i| i.field(taken.output)).map(Logic::Read);
            let logic = read.unwrap_or_else(|| Logic::Unknown(Vec::new()));
            let logic = if taken.negated { Logic::Not(Box::new(logic)) } else { logic };
            self.drive(&taken.place, How::Follows, logic);
        }
        for (_, place) in &call.in_outs {
            self.drive(place, How::Perhaps, Logic::Unknown(Vec::new()));
        }
    }

    /// A call of a standard block. `power`: what drives its input in a rung.
    fn block(&mut self, call: &Call, power: Option<(VarId, &Logic)>) {
        let Some(cell) = call.instance.as_ref().and_then(|p| Cell::of(self.program, self.unit, p)) else { return };
        let pou = &self.program.pous[call.pou];
        if !pou.library {
            return;
        }
        let named = |name: &str| pou.vars.iter().find(|(_, v)| v.name.eq_ignore_ascii_case(name)).map(|(var, _)| var);
        let argument = |var: VarId| call.inputs.iter().find(|(v, _)| *v == var).map(|(_, e)| e);
        let main = ["IN", "CLK", "CU", "S", "S1"].into_iter().find_map(named);
        let input = match (main, power) {
            (Some(var), Some((driven, logic))) if var == driven => logic.clone(),
            (Some(var), _) => argument(var).map_or_else(|| Logic::Unknown(Vec::new()), |e| self.formula(e)),
            (None, _) => Logic::Unknown(Vec::new()),
        };
        let preset = named("PT").and_then(argument).and_then(Expr::constant);
        let call = BlockCall {
            name: pou.name.to_ascii_uppercase(),
            input,
            preset_ns: preset.filter(|ns| *ns <= i64::MAX.cast_unsigned()),
            span: call.span,
        };
        for output in ["Q", "Q1"].into_iter().filter_map(named) {
            if let Some(output) = cell.field(output) {
                self.network.outputs.insert(output, cell.clone());
            }
        }
        self.network.blocks.insert(cell, call);
    }

    /// Elements of a rung or leg; gives the power behind them.
    fn series(&mut self, elements: &[Element]) -> Power {
        let start = Power { logic: Logic::And(Vec::new()), whole: self.outer.is_empty() };
        elements.iter().fold(start, |power, element| self.element(element, power))
    }

    /// All of the power at a place.
    fn all_of(&self, power: &Power) -> Logic {
        if power.whole {
            return power.logic.clone();
        }
        Logic::And(self.outer.iter().chain([&power.logic]).cloned().collect())
    }

    fn element(&mut self, element: &Element, power: Power) -> Power {
        match &element.kind {
            ElementKind::Contact { kind, operand, .. } => {
                let formula = self.formula(operand);
                and(
                    power,
                    match kind {
                        ContactKind::Open => formula,
                        ContactKind::Closed => Logic::Not(Box::new(formula)),
                        ContactKind::Rise | ContactKind::Fall => Logic::Edge(Box::new(formula)),
                    },
                )
            }
            ElementKind::Condition(condition) => {
                let formula = self.formula(condition);
                and(power, formula)
            }
            ElementKind::Invert => Power { logic: Logic::Not(Box::new(self.all_of(&power))), whole: true },
            ElementKind::Wire | ElementKind::Jump(_) | ElementKind::Return => power,
            ElementKind::Coil { kind, place, .. } => {
                let all = self.all_of(&power);
                let (how, logic) = match kind {
                    CoilKind::Normal => (How::Follows, all),
                    CoilKind::Negated => (How::Follows, Logic::Not(Box::new(all))),
                    CoilKind::Set => (How::Sets, all),
                    CoilKind::Reset => (How::Resets, all),
                    CoilKind::Rise | CoilKind::Fall => (How::Pulses, all),
                };
                self.drive(place, how, logic);
                power
            }
            ElementKind::Block { call, input, output } => self.box_in_power(call, *input, *output, power),
            ElementKind::Powered { body, eno, .. } => {
                self.statements(body, false);
                if let Some(place) = eno {
                    let all = self.all_of(&power);
                    self.drive(place, How::Follows, all);
                }
                power
            }
            ElementKind::Branch(legs) => self.legs(legs, power),
        }
    }

    fn box_in_power(&mut self, call: &Call, input: Option<VarId>, output: Option<VarId>, power: Power) -> Power {
        let all = self.all_of(&power);
        self.block(call, input.map(|var| (var, &all)));
        self.taken(call);
        let Some(var) = output else { return power };
        let instance = call.instance.as_ref().and_then(|p| Cell::of(self.program, self.unit, p));
        let read = instance.and_then(|cell| cell.field(var)).map(Logic::Read);
        Power { logic: read.unwrap_or_else(|| Logic::Unknown(Vec::new())), whole: true }
    }

    fn legs(&mut self, legs: &[Vec<Element>], power: Power) -> Power {
        let mut ends = Vec::new();
        let mut behind = Vec::new();
        // What stands outside of a leg with all its power is not part of the power into it.
        let outer = if power.whole { std::mem::take(&mut self.outer) } else { Vec::new() };
        self.outer.push(power.logic);
        for leg in legs {
            let end = self.series(leg);
            if end.whole { ends.push(end.logic) } else { behind.push(end.logic) }
        }
        let into = self.outer.pop().unwrap_or(Logic::And(Vec::new()));
        if power.whole {
            self.outer = outer;
        }
        let through = Power { logic: Logic::And(vec![into, Logic::Or(behind)]), whole: power.whole };
        if ends.is_empty() {
            return through;
        }
        ends.push(self.all_of(&through));
        Power { logic: Logic::Or(ends), whole: true }
    }

    /// A BOOL expression.
    fn formula(&self, expr: &Expr) -> Logic {
        match &expr.kind {
            ExprKind::Const(bits) => Logic::Const(*bits != 0),
            ExprKind::Read(place) => match Cell::of(self.program, self.unit, place) {
                Some(cell) => Logic::Read(cell),
                None => self.unknown(expr),
            },
            ExprKind::Lazy { and: all, left, right } => {
                let parts = vec![self.formula(left), self.formula(right)];
                if *all { Logic::And(parts) } else { Logic::Or(parts) }
            }
            ExprKind::Apply { op, scalar: ScalarType::Bool, source: None, args } => {
                let part = |index: usize| args.get(index).map_or(Logic::Const(false), |a| self.formula(a));
                let inverted = |index: usize| Logic::Not(Box::new(part(index)));
                match op {
                    Op::Not => inverted(0),
                    // A chain of one operator is one operation.
                    Op::And => Logic::And(args.iter().map(|a| self.formula(a)).collect()),
                    Op::Or => Logic::Or(args.iter().map(|a| self.formula(a)).collect()),
                    Op::AndNot => Logic::And(vec![part(0), inverted(1)]),
                    Op::OrNot => Logic::Or(vec![part(0), inverted(1)]),
                    _ => self.unknown(expr),
                }
            }
            _ => self.unknown(expr),
        }
    }

    fn unknown(&self, expr: &Expr) -> Logic {
        struct Reads<'b, 'n, 'p>(&'b Builder<'n, 'p>, Vec<Cell>);
        impl<'a> Visitor<'a> for Reads<'_, '_, '_> {
            fn read(&mut self, place: &'a Place) {
                self.1.extend(Cell::of(self.0.program, self.0.unit, place));
            }
        }
        let mut reads = Reads(self, Vec::new());
        walk::expression(expr, &mut reads);
        Logic::Unknown(reads.1)
    }
}

/// A flat series.
fn and(power: Power, next: Logic) -> Power {
    let logic = match power.logic {
        Logic::And(mut parts) => {
            parts.push(next);
            Logic::And(parts)
        }
        other => Logic::And(vec![other, next]),
    };
    Power { logic, ..power }
}
