//! Rungs: contacts, coils, blocks in the power, jumps.

use super::BodyContext;
use super::call::{Callee, assemble};
use super::declare::plain;
use super::usage::Coil;
use crate::ast::{self, CoilKind, ContactKind};
use crate::diag::{Code, Diagnostic};
use crate::hir::{Body, Class, Element, ElementKind, Expr, ExprKind, Init, Rung, Stmt, VarId};
use crate::map::HashMap;
use crate::source::Span;
use crate::types::Ty;
use bytecode::near::nearest;
use bytecode::types::Retention;
use smol_str::SmolStr;

/// What names hidden memories and elements of the rung being checked.
pub(super) struct RungNames {
    label: String,
    edges: HashMap<&'static str, u32>,
    elements: u32,
}

impl BodyContext<'_, '_> {
    /// A ladder body. A prologue (edges of inputs) becomes a rung of its own before the first.
    pub(super) fn ladder(&mut self, ladder: &ast::Ladder, prologue: Vec<Stmt>) -> Body {
        let mut labels: HashMap<SmolStr, usize> = HashMap::default();
        let offset = usize::from(!prologue.is_empty());
        for (i, rung) in ladder.rungs.iter().enumerate() {
            if let Some(label) = &rung.label
                && let Some(first) = labels.insert(label.key(), i + offset)
            {
                let first = ladder.rungs.get(first - offset).map_or(label.span, |r| r.span);
                let message = format!("two rungs have the label `{}`", label.text);
                self.s.report(Diagnostic::new(Code::DuplicateName, label.span, message).also(first, "first here"));
            }
        }
        let mut rungs: Vec<Rung> = Vec::new();
        if offset == 1 {
            let element = Element {
                number: 0,
                kind: ElementKind::Powered { enable: None, body: prologue, eno: None },
                span: ladder.span,
            };
            rungs.push(Rung {
                label: "#edges".to_owned(),
                title: String::new(),
                series: vec![element],
                span: ladder.span,
            });
        }
        for (i, rung) in ladder.rungs.iter().enumerate() {
            let label = rung.label.as_ref().map_or_else(|| format!("#{}", i + 1), |l| l.text.to_string());
            self.rung = Some(RungNames { label: label.clone(), edges: HashMap::default(), elements: 0 });
            let series = self.rung_series(rung, i + offset, &labels);
            let title = rung.title.as_ref().map(|t| t.text.clone()).unwrap_or_default();
            rungs.push(Rung { label, title, series, span: rung.span });
        }
        self.rung = None;
        Body::Ladder(rungs)
    }

    fn rung_series(&mut self, rung: &ast::Rung, at: usize, labels: &HashMap<SmolStr, usize>) -> Vec<Element> {
        let last = rung.series.elements.len().saturating_sub(1);
        let mut result = Vec::new();
        for (i, element) in rung.series.elements.iter().enumerate() {
            let number = self.element_number();
            let kind = match &element.kind {
                ast::ElementKind::Jump(label) => {
                    self.stands_last(i == last, element.span);
                    self.jump(label, at, labels)
                }
                ast::ElementKind::Return => {
                    self.stands_last(i == last, element.span);
                    Some(ElementKind::Return)
                }
                _ => self.element(element, i == 0),
            };
            result.extend(kind.map(|kind| Element { number, kind, span: element.span }));
        }
        result
    }

    fn element_number(&mut self) -> u32 {
        self.rung.as_mut().map_or(0, |names| {
            names.elements += 1;
            names.elements - 1
        })
    }

    fn stands_last(&mut self, last: bool, span: Span) {
        if !last {
            let diagnostic = Diagnostic::new(Code::JumpPlace, span, "a jump stands last in its rung");
            self.s.report(diagnostic.help("what stands to its right would never see power"));
        }
    }

    fn jump(&mut self, label: &ast::Ident, from: usize, labels: &HashMap<SmolStr, usize>) -> Option<ElementKind> {
        let Some(to) = labels.get(&label.key()).copied() else {
            let message = format!("there is no rung `{}` in this ladder", label.text);
            let mut diagnostic = Diagnostic::new(Code::UnknownLabel, label.span, message);
            if let Some(near) = nearest(&label.text, labels.keys().map(SmolStr::as_str)) {
                diagnostic = diagnostic.help(format!("did you mean `{}`?", near.to_lowercase()));
            }
            self.s.report(diagnostic);
            return None;
        };
        if to <= from {
            let message = format!("`{}` stands above: JMP goes forward only", label.text);
            self.s.error(Code::BackwardJump, label.span, message);
            return None;
        }
        Some(ElementKind::Jump(to))
    }

    /// The elements of a leg.
    fn leg(&mut self, series: &ast::Series) -> Vec<Element> {
        let mut result = Vec::new();
        for element in &series.elements {
            let number = self.element_number();
            if matches!(element.kind, ast::ElementKind::Jump(_) | ast::ElementKind::Return) {
                self.s.error(Code::JumpPlace, element.span, "a jump stands outside of branches");
                continue;
            }
            let kind = self.element(element, false);
            result.extend(kind.map(|kind| Element { number, kind, span: element.span }));
        }
        result
    }

    /// `at_rail`: nothing stands between it and the left power rail.
    fn element(&mut self, element: &ast::Element, at_rail: bool) -> Option<ElementKind> {
        match &element.kind {
            ast::ElementKind::Contact { kind, operand } => self.contact(*kind, operand),
            ast::ElementKind::Compare { op, left, right } => {
                let (left, right) = (self.infer(left, None), self.infer(right, None));
                let holds = self.compare_sides(*op, element.span, left, right)?;
                Some(ElementKind::Condition(holds))
            }
            ast::ElementKind::Condition(expr) => {
                let condition = self.condition(expr);
                (!condition.ty.is_error()).then_some(ElementKind::Condition(condition))
            }
            ast::ElementKind::Invert => Some(ElementKind::Invert),
            ast::ElementKind::Wire => Some(ElementKind::Wire),
            ast::ElementKind::Coil { kind, operand } => self.coil(*kind, operand),
            ast::ElementKind::Call(call) => self.ladder_box(call, at_rail),
            ast::ElementKind::Branch(legs) => Some(ElementKind::Branch(legs.iter().map(|leg| self.leg(leg)).collect())),
            ast::ElementKind::Statements(statements) => {
                let body = self.statements(statements);
                Some(ElementKind::Powered { enable: None, body, eno: None })
            }
            // Handled where their place in the rung is known.
            ast::ElementKind::Jump(_) | ast::ElementKind::Return => None,
        }
    }

    fn compare_sides(&mut self, op: ast::BinaryOp, span: Span, left: Expr, right: Expr) -> Option<Expr> {
        if left.ty.is_error() || right.ty.is_error() {
            return None;
        }
        let holds = self.compare(op, span, left, right);
        (!holds.ty.is_error()).then_some(holds)
    }

    fn contact(&mut self, kind: ContactKind, operand: &ast::Expr) -> Option<ElementKind> {
        let operand = self.condition(operand);
        if operand.ty.is_error() {
            return None;
        }
        if let ExprKind::Read(place) = &operand.kind {
            let root = place.root.clone();
            self.note_contact(&root, operand.span);
        }
        let memory = match kind {
            ContactKind::Rise => Some(self.edge_memory("rise", true, operand.span)),
            ContactKind::Fall => Some(self.edge_memory("fall", false, operand.span)),
            ContactKind::Open | ContactKind::Closed => None,
        };
        Some(ElementKind::Contact { kind, operand, memory })
    }

    /// One hidden bit for an edge at this place of the text. It starts so that the first scan only learns the state.
    fn edge_memory(&mut self, what: &'static str, initial: bool, span: Span) -> VarId {
        let name = match &mut self.rung {
            Some(names) => {
                let count = names.edges.entry(what).or_insert(0);
                *count += 1;
                format!("{}#{what}{count}", names.label)
            }
            None => format!("#{what}"),
        };
        let mut variable = plain(name, Ty::BOOL, Class::Hidden, span);
        variable.init = if initial { Init::Scalar(1) } else { Init::Default };
        // What was seen before a power cut says nothing about an edge now.
        variable.retention = Retention::NonRetain;
        let pou = self.pou;
        self.s.add_var(pou, variable)
    }

    fn coil(&mut self, kind: CoilKind, operand: &ast::Place) -> Option<ElementKind> {
        let place = self.target(operand)?;
        if place.ty != Ty::BOOL {
            let message = format!("a coil drives a BOOL, this is {}", self.s.type_name(place.ty));
            self.s.error(Code::ConditionType, place.span, message);
            return None;
        }
        let root = place.root.clone();
        self.note_coil(&root, place.span);
        let role = match kind {
            CoilKind::Set => Coil::Set,
            CoilKind::Reset => Coil::Reset,
            CoilKind::Normal | CoilKind::Negated | CoilKind::Rise | CoilKind::Fall => Coil::Drives,
        };
        if let Some(key) = self.place_key(&place) {
            self.s.coil_seen(key, role, place.span);
        }
        let memory = match kind {
            CoilKind::Rise => Some(self.edge_memory("coil_rise", true, place.span)),
            CoilKind::Fall => Some(self.edge_memory("coil_fall", false, place.span)),
            CoilKind::Normal | CoilKind::Negated | CoilKind::Set | CoilKind::Reset => None,
        };
        Some(ElementKind::Coil { kind, place, memory })
    }

    /// A function or an instance in the power.
    fn ladder_box(&mut self, call: &ast::Call, at_rail: bool) -> Option<ElementKind> {
        match self.callee(call)? {
            Callee::Standard(standard, forced) => {
                let (value, enable, eno, place) = self.standard_parts(call, standard, forced)?;
                let body = vec![Stmt { kind: crate::hir::StmtKind::Assign(place, value), span: call.span }];
                Some(ElementKind::Powered { enable, body, eno })
            }
            Callee::Function(pou) => {
                let mut args = self.arguments(pou, call)?;
                let (enable, eno) = (args.enable.take(), args.eno.take());
                let kind = crate::hir::StmtKind::Call(Box::new(assemble(pou, None, args, call.span)));
                Some(ElementKind::Powered { enable, body: vec![Stmt { kind, span: call.span }], eno })
            }
            Callee::Instance(pou, place) => {
                self.note_instance_call(&place);
                self.ladder_block(call, pou, place, at_rail)
            }
        }
    }
}
