//! Puts probes into a typed program, with nothing but elements and statements the language has anyway.
//!
//! A probe that sees power is a set coil on a hidden variable. One that sees a contact hold power back needs the power
//! before it: a coil keeps it in a scratch variable of the POU, and after the contact a short detour sets the probe and brings
//! the power back as it was.

use super::{Point, PointKind};
use crate::build::Sources;
use compiler::arena::Id as _;
use compiler::ast::{CoilKind, ContactKind};
use compiler::hir::{
    Body, Class, Element, ElementKind, Expr, ExprKind, GlobalId, Init, Place, PouId, Program, Root, Rung, Stmt,
    StmtKind, Variable,
};
use compiler::source::Span;
use compiler::types::Ty;

/// The program with probes, its points, and the names of the probes' variables.
pub(super) fn instrument(sources: &Sources) -> (Program, Vec<Point>, Vec<String>) {
    let mut prober = Prober {
        sources,
        program: sources.program.clone(),
        points: Vec::new(),
        names: Vec::new(),
        pou: String::new(),
        rung: None,
        branch: None,
        before: GlobalId(0),
        behind: GlobalId(0),
    };
    let ids: Vec<PouId> = prober.program.pous.ids().collect();
    for id in ids {
        let pou = &sources.program.pous[id];
        if pou.library {
            continue;
        }
        prober.pou.clone_from(&pou.name);
        prober.before = prober.variable(&format!("#before{}", id.index()), pou.span);
        prober.behind = prober.variable(&format!("#behind{}", id.index()), pou.span);
        let body = match &pou.body {
            Body::Statements(statements) => {
                prober.rung = None;
                Body::Statements(prober.statements(statements, None))
            }
            Body::Ladder(rungs) => Body::Ladder(rungs.iter().map(|rung| prober.rung(rung)).collect()),
        };
        prober.program.pous[id].body = body;
    }
    (prober.program, prober.points, prober.names)
}

struct Prober<'a> {
    sources: &'a Sources,
    program: Program,
    points: Vec<Point>,
    names: Vec<String>,
    pou: String,
    rung: Option<String>,
    /// The branch of ST that is being gone through.
    branch: Option<usize>,
    before: GlobalId,
    behind: GlobalId,
}

impl Prober<'_> {
    fn variable(&mut self, name: &str, span: Span) -> GlobalId {
        self.program.globals.push(Variable {
            name: name.into(),
            ty: Ty::BOOL,
            class: Class::Global,
            constant: false,
            retention: bytecode::types::Retention::NonRetain,
            location: None,
            init: Init::Default,
            power: false,
            span,
        })
    }

    /// A new point; gives its probes.
    fn point(&mut self, kind: PointKind, span: Span, what: String) -> Vec<GlobalId> {
        let probe = self.names.len();
        let (pou, rung) = (self.pou.clone(), self.rung.clone());
        let inside = self.branch;
        self.points.push(Point { kind, span, pou, rung, what, probe, inside });
        let mut probes = Vec::new();
        for _ in kind.seen() {
            let name = format!("#probe{}", self.names.len());
            probes.push(self.variable(&name, span));
            self.names.push(name);
        }
        probes
    }

    fn text(&self, span: Span) -> String {
        let text = self.sources.map.slice(span).split_whitespace().collect::<Vec<_>>().join(" ");
        match text.char_indices().nth(40) {
            Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
            None => text,
        }
    }

    fn rung(&mut self, rung: &Rung) -> Rung {
        self.rung = Some(rung.label.clone());
        if rung.label.starts_with("#edges") {
            return rung.clone();
        }
        let mut series = Vec::new();
        let reached = self.point(PointKind::RungReached, rung.span, "rung".to_owned());
        series.extend(reached.first().map(|probe| set(*probe, rung.span)));
        let outputs = rung.series.iter().rev().take_while(|element| is_output(element)).count();
        // A rung that is outputs alone is powered in every scan.
        let split = rung.series.len() - outputs;
        for (index, element) in rung.series.iter().enumerate() {
            if index == split && split > 0 {
                self.power(rung, &mut series);
            }
            self.element(element, &mut series);
        }
        if outputs == 0 && split > 0 {
            self.power(rung, &mut series);
        }
        Rung { series, ..rung.clone() }
    }

    /// Is there power at this place of a rung, and is there none?
    fn power(&mut self, rung: &Rung, series: &mut Vec<Element>) {
        let probes = self.point(PointKind::Rung, rung.span, "rung".to_owned());
        let at = rung.span;
        if let [on, off] = probes.as_slice() {
            series.extend([set(*on, at), invert(at), set(*off, at), invert(at)]);
        }
    }

    fn element(&mut self, element: &Element, series: &mut Vec<Element>) {
        match &element.kind {
            ElementKind::Contact { .. } => self.gate(PointKind::Contact, element, series),
            ElementKind::Condition(_) => self.gate(PointKind::Condition, element, series),
            ElementKind::Branch(legs) => {
                let legs = legs.iter().enumerate().map(|(number, leg)| self.leg(number, leg, element.span)).collect();
                series.push(Element { kind: ElementKind::Branch(legs), ..element.clone() });
            }
            ElementKind::Powered { enable, body, eno } => {
                let (enable, eno) = (enable.clone(), eno.clone());
                let body = self.statements(body, Some((element.span, self.text(element.span))));
                series.push(Element { kind: ElementKind::Powered { enable, body, eno }, ..element.clone() });
            }
            ElementKind::Invert
            | ElementKind::Wire
            | ElementKind::Coil { .. }
            | ElementKind::Block { .. }
            | ElementKind::Jump(_)
            | ElementKind::Return => series.push(element.clone()),
        }
    }

    fn leg(&mut self, number: usize, leg: &[Element], branch: Span) -> Vec<Element> {
        let span = match (leg.first(), leg.last()) {
            (Some(first), Some(last)) => first.span.to(last.span),
            _ => branch,
        };
        let mut series = Vec::new();
        leg.iter().for_each(|element| self.element(element, &mut series));
        let what = format!("leg {}: {}", number + 1, self.text(span));
        let probes = self.point(PointKind::Leg, span, what);
        series.extend(probes.first().map(|probe| set(*probe, span)));
        series
    }

    /// A contact or a comparison: did it let power through, did it hold power back?
    fn gate(&mut self, kind: PointKind, element: &Element, series: &mut Vec<Element>) {
        let at = element.span;
        let probes = self.point(kind, at, self.text(at));
        let [through, back] = probes.as_slice() else { return };
        let (before, behind) = (self.before, self.behind);
        series.extend([coil(CoilKind::Normal, before, at), element.clone(), set(*through, at)]);
        // Power before it and none behind it.
        series.extend([coil(CoilKind::Normal, behind, at), invert(at), contact(before, at), set(*back, at)]);
        // The power as it was: everywhere, then only where it was kept.
        let everywhere = ElementKind::Branch(vec![vec![wire(at)], vec![invert(at)]]);
        series.extend([Element { number: 0, kind: everywhere, span: at }, contact(behind, at)]);
    }

    /// Statements, each with its probe; `branch` names the branch they are.
    fn statements(&mut self, statements: &[Stmt], branch: Option<(Span, String)>) -> Vec<Stmt> {
        let mut list = Vec::new();
        let around = self.branch;
        if let Some((span, what)) = branch {
            let number = self.points.len();
            let probes = self.point(PointKind::Branch, span, what);
            list.extend(probes.first().map(|probe| assign(*probe, span)));
            self.branch = Some(number);
        }
        for statement in statements {
            let probes = self.point(PointKind::Statement, statement.span, self.text(statement.span));
            list.extend(probes.first().map(|probe| assign(*probe, statement.span)));
            list.push(self.statement(statement));
        }
        self.branch = around;
        list
    }

    fn statement(&mut self, statement: &Stmt) -> Stmt {
        let at = statement.span;
        let kind = match &statement.kind {
            StmtKind::If { branches, otherwise } => {
                let mut list = Vec::new();
                for (index, (condition, body)) in branches.iter().enumerate() {
                    let word = if index == 0 { "IF" } else { "ELSIF" };
                    let what = format!("{word} {}", self.text(condition.span));
                    list.push((condition.clone(), self.statements(body, Some((condition.span, what)))));
                }
                let what = if otherwise.is_empty() { "IF without ELSE: the way past it" } else { "ELSE" };
                StmtKind::If { branches: list, otherwise: self.statements(otherwise, Some((at, what.to_owned()))) }
            }
            StmtKind::Case { selector, arms, otherwise } => {
                let mut list = Vec::new();
                for (ranges, body) in arms {
                    let span = body.first().map_or(at, |first| first.span);
                    let names: Vec<String> = ranges
                        .iter()
                        .map(|(from, to)| if from == to { from.to_string() } else { format!("{from}..{to}") })
                        .collect();
                    let what = format!("CASE {}: {}", self.text(selector.span), names.join(", "));
                    list.push((ranges.clone(), self.statements(body, Some((span, what)))));
                }
                let what = if otherwise.is_empty() { "CASE without ELSE: no value fits" } else { "ELSE" };
                let otherwise = self.statements(otherwise, Some((at, what.to_owned())));
                StmtKind::Case { selector: selector.clone(), arms: list, otherwise }
            }
            StmtKind::For(counted) => {
                let mut counted = counted.clone();
                counted.body = self.statements(&counted.body, Some((at, "FOR: its body".to_owned())));
                StmtKind::For(counted)
            }
            StmtKind::While(condition, body) => {
                StmtKind::While(condition.clone(), self.statements(body, Some((at, "WHILE: its body".to_owned()))))
            }
            StmtKind::Repeat(body, condition) => StmtKind::Repeat(self.statements(body, None), condition.clone()),
            other @ (StmtKind::Assign(..)
            | StmtKind::Call(_)
            | StmtKind::Exit
            | StmtKind::Continue
            | StmtKind::Return) => other.clone(),
        };
        Stmt { kind, span: at }
    }
}

/// True for what ends at the right rail.
fn is_output(element: &Element) -> bool {
    match &element.kind {
        ElementKind::Coil { .. } | ElementKind::Jump(_) | ElementKind::Return | ElementKind::Powered { .. } => true,
        ElementKind::Branch(legs) => legs.iter().all(|leg| leg.first().is_some_and(is_output)),
        ElementKind::Contact { .. }
        | ElementKind::Condition(_)
        | ElementKind::Invert
        | ElementKind::Wire
        | ElementKind::Block { .. } => false,
    }
}

fn place(variable: GlobalId, span: Span) -> Place {
    Place { root: Root::Global(variable), steps: Vec::new(), ty: Ty::BOOL, span }
}

fn coil(kind: CoilKind, variable: GlobalId, span: Span) -> Element {
    Element { number: 0, kind: ElementKind::Coil { kind, place: place(variable, span), memory: None }, span }
}

fn set(probe: GlobalId, span: Span) -> Element {
    coil(CoilKind::Set, probe, span)
}

fn contact(variable: GlobalId, span: Span) -> Element {
    let operand = Expr { kind: ExprKind::Read(place(variable, span)), ty: Ty::BOOL, span };
    Element { number: 0, kind: ElementKind::Contact { kind: ContactKind::Open, operand, memory: None }, span }
}

fn invert(span: Span) -> Element {
    Element { number: 0, kind: ElementKind::Invert, span }
}

fn wire(span: Span) -> Element {
    Element { number: 0, kind: ElementKind::Wire, span }
}

fn assign(probe: GlobalId, span: Span) -> Stmt {
    let value = Expr { kind: ExprKind::Const(1), ty: Ty::BOOL, span };
    Stmt { kind: StmtKind::Assign(place(probe, span), value), span }
}
