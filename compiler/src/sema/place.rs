//! Variables and their parts: names, elements, fields, bits; what may be written.

use super::address::address_type;
use super::{BodyContext, Named};
use crate::ast::{self, AccessorKind, AddressSize, Area};
use crate::diag::{Code, Diagnostic};
use crate::evaluate::bits_int;
use crate::hir::{Class, Expr, ExprKind, Init, Place, Root, Step, VarId, Variable};
use crate::source::Span;
use crate::types::Ty;
use bytecode::near::nearest;
use bytecode::types::Elementary;

/// What is done with a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    Read,
    Write,
    /// Passed by reference or called: read and written.
    Both,
}

impl BodyContext<'_, '_> {
    /// The place a variable names; `None` when it was reported.
    pub(super) fn place(&mut self, variable: &ast::Variable, usage: Use) -> Option<Place> {
        let root = self.root(&variable.name, usage)?;
        let mut place = Place {
            ty: self.root_variable(&root).map_or(Ty::ERROR, |v| v.ty),
            root,
            steps: Vec::new(),
            span: variable.span,
        };
        for accessor in &variable.accessors {
            self.step(&mut place, accessor, usage)?;
        }
        self.all_indices_given(&place).then_some(place)
    }

    fn all_indices_given(&mut self, place: &Place) -> bool {
        let (Some(Step::Index(indices)), Some((_, dimensions))) =
            (place.steps.last(), self.s.program.types.as_array(place.ty))
        else {
            return true;
        };
        let message = format!("{} indices for {} dimensions", indices.len(), dimensions.len());
        self.s.error(Code::NotIndexable, place.span, message);
        false
    }

    fn root(&mut self, name: &ast::Ident, usage: Use) -> Option<Root> {
        let named = self.s.scopes[self.pou].names.get(name).filter(|_| !self.globals_only);
        let named = named.or_else(|| self.s.global_named(&name.key()).map(Named::Global));
        match named {
            Some(Named::Local(var)) => {
                let var = match self.s.scopes[self.pou].edges.get(&var) {
                    Some(edge) if usage == Use::Read => *edge,
                    Some(_) | None => var,
                };
                self.note_use(&Root::Local(var), usage);
                Some(Root::Local(var))
            }
            Some(Named::Global(global)) => {
                self.note_use(&Root::Global(global), usage);
                Some(Root::Global(global))
            }
            Some(Named::Broken) => None,
            None => {
                if !self.s.broken_globals.contains_key(&name.key()) {
                    self.unknown_name(name);
                }
                None
            }
        }
    }

    pub(super) fn unknown_name(&mut self, name: &ast::Ident) {
        let scope = &self.s.scopes[self.pou];
        let globals = self.s.program.globals.values().map(|g| g.name.to_string());
        let locals =
            self.s.program.pous[self.pou].vars.values().map(|v| v.name.to_string()).filter(|n| !n.contains('#'));
        let names: Vec<String> = locals.chain(globals).collect();
        let unit = scope.ast.name.text.clone();
        let message = format!("`{}` is not declared in `{unit}`", name.text);
        let mut diagnostic = Diagnostic::new(Code::UnknownName, name.span, message);
        diagnostic = match nearest(&name.text, names.iter().map(String::as_str)) {
            Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
            None => diagnostic.help("declare it in VAR ... END_VAR"),
        };
        self.s.report(diagnostic);
        // One report is enough: the name is known as broken from now on.
        if !self.globals_only {
            let pou = self.pou;
            self.s.scopes[pou].names.set(name.key(), Named::Broken);
        }
    }

    /// The declaration behind a root; `None` for addresses.
    pub(super) fn root_variable(&self, root: &Root) -> Option<&Variable> {
        match root {
            Root::Local(var) => Some(self.s.var(self.pou, *var)),
            Root::Global(global) => Some(&self.s.program.globals[*global]),
            Root::Address(_) => None,
        }
    }

    fn step(&mut self, place: &mut Place, accessor: &ast::Accessor, usage: Use) -> Option<()> {
        match &accessor.kind {
            AccessorKind::Field(name) => self.field(place, name, usage),
            AccessorKind::Index(indices) => self.index(place, indices, accessor.span),
            AccessorKind::Part { size, number } => self.part(place, *size, *number, accessor.span),
            AccessorKind::Deref => {
                self.s.later(accessor.span, "references (REF_TO)");
                None
            }
        }
    }

    fn field(&mut self, place: &mut Place, name: &ast::Ident, usage: Use) -> Option<()> {
        let Some(pou) = self.s.program.types.as_instance(place.ty) else {
            if !place.ty.is_error() {
                let message = format!("{} has no parts with names", self.s.type_name(place.ty));
                self.s.error(Code::NotIndexable, name.span, message);
            }
            return None;
        };
        let found = self.s.program.pous[pou].vars.iter().find(|(_, v)| name.is(&v.name));
        let visible = |class: Class| matches!(class, Class::Input | Class::Output);
        match found.map(|(id, v)| (id, v.ty, v.class)) {
            Some((id, ty, class)) if visible(class) => {
                if class == Class::Output && usage != Use::Read {
                    let message = format!("`{}` is an output of the instance: only its own body writes it", name.text);
                    self.s.error(Code::WriteRefused, name.span, message);
                    return None;
                }
                place.steps.push(Step::Field(pou, id));
                place.ty = ty;
                Some(())
            }
            Some((_, _, class)) => {
                let what = if class == Class::InOut { "a VAR_IN_OUT" } else { "an inner variable" };
                let unit = self.s.program.pous[pou].name.clone();
                let message = format!("`{}` is {what} of `{unit}` and cannot be reached from outside", name.text);
                self.s.error(Code::UnknownField, name.span, message);
                None
            }
            None => {
                self.unknown_field(pou, name);
                None
            }
        }
    }

    pub(super) fn unknown_field(&mut self, pou: crate::hir::PouId, name: &ast::Ident) {
        let unit = &self.s.program.pous[pou];
        let reachable = |v: &&Variable| matches!(v.class, Class::Input | Class::Output | Class::InOut);
        let names: Vec<String> = unit.vars.values().filter(reachable).map(|v| v.name.to_string()).collect();
        let message = format!("`{}` has no parameter `{}`", unit.name, name.text);
        let mut diagnostic = Diagnostic::new(Code::UnknownField, name.span, message);
        diagnostic = match nearest(&name.text, names.iter().map(String::as_str)) {
            Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
            None if names.is_empty() => diagnostic.note("it has no parameters"),
            None => diagnostic.note(format!("its parameters are {}", names.join(", "))),
        };
        self.s.report(diagnostic);
    }

    fn index(&mut self, place: &mut Place, indices: &[ast::Expr], span: Span) -> Option<()> {
        let Some((element, dimensions)) = self.s.program.types.as_array(place.ty) else {
            if !place.ty.is_error() {
                let message = format!("{} has no elements", self.s.type_name(place.ty));
                self.s.error(Code::NotIndexable, span, message);
            }
            return None;
        };
        let dimensions = dimensions.to_vec();
        // a[i][j] and a[i, j] are the same, so indices may come in several brackets.
        let earlier = match place.steps.last() {
            Some(Step::Index(before)) if before.len() < dimensions.len() => before.len(),
            Some(Step::Index(_) | Step::Field(..) | Step::Bits { .. }) | None => 0,
        };
        let mut checked: Vec<Expr> = Vec::new();
        for (expr, dimension) in indices.iter().zip(dimensions.iter().skip(earlier)) {
            checked.push(self.index_expr(expr, *dimension)?);
        }
        if earlier + indices.len() > dimensions.len() {
            let message = format!("{} indices for {} dimensions", earlier + indices.len(), dimensions.len());
            self.s.error(Code::NotIndexable, span, message);
            return None;
        }
        let complete = earlier + indices.len() == dimensions.len();
        match place.steps.last_mut() {
            Some(Step::Index(before)) if earlier > 0 => before.extend(checked),
            Some(_) | None => place.steps.push(Step::Index(checked)),
        }
        if complete {
            place.ty = element;
        }
        Some(())
    }

    fn index_expr(&mut self, expr: &ast::Expr, dimension: crate::types::Dimension) -> Option<Expr> {
        let index = self.infer(expr, Some(Ty::DINT));
        if index.ty.is_error() {
            return None;
        }
        if !index.ty.is_int() {
            let message = format!("an index is a whole number, this is {}", self.s.type_name(index.ty));
            self.s.error(Code::TypeMismatch, expr.span, message);
            return None;
        }
        let index = if index.ty == Ty::INT_LITERAL { self.coerce(index, Ty::DINT) } else { index };
        let value = index.constant().zip(index.ty.scalar()).map(|(bits, s)| bits_int(bits, s));
        if let Some(value) = value
            && !(i128::from(dimension.lower)..=i128::from(dimension.upper)).contains(&value)
        {
            let message = format!("index {value} is outside of {}..{}", dimension.lower, dimension.upper);
            self.s.error(Code::IndexRange, expr.span, message);
            return None;
        }
        (!index.ty.is_error()).then_some(index)
    }

    fn part(&mut self, place: &mut Place, size: AddressSize, number: u32, span: Span) -> Option<()> {
        let (bits, ty) = match size {
            AddressSize::Bit => (1, Ty::BOOL),
            AddressSize::Byte => (8, Ty::of(Elementary::Byte)),
            AddressSize::Word => (16, Ty::of(Elementary::Word)),
            AddressSize::Double => (32, Ty::of(Elementary::Dword)),
            AddressSize::Long => (64, Ty::of(Elementary::Lword)),
        };
        let whole = place.ty;
        let width = whole.scalar().filter(|_| whole.is_bit_string()).map_or(0, bytecode::ScalarType::bits);
        if width == 0 && !whole.is_error() {
            let message = format!("{} has no bits that can be named", self.s.type_name(whole));
            let diagnostic = Diagnostic::new(Code::NotIndexable, span, message);
            self.s.report(diagnostic.help("parts are named of BYTE, WORD, DWORD and LWORD"));
            return None;
        }
        let lowest = number.saturating_mul(bits);
        if lowest.saturating_add(bits) > width || (bits == width) {
            let message = format!("{} has no such part", self.s.type_name(whole));
            self.s.error(Code::NotIndexable, span, message);
            return None;
        }
        place.steps.push(Step::Bits { lowest, whole });
        place.ty = ty;
        Some(())
    }

    /// The place behind a direct address.
    pub(super) fn address_place(&mut self, address: &ast::Address) -> Option<Place> {
        let location = self.s.locate(address)?;
        let ty = address_type(address.size);
        Some(Place { root: Root::Address(Box::new(location)), steps: Vec::new(), ty, span: address.span })
    }

    /// The place a statement, coil or `=>` writes.
    pub(super) fn target(&mut self, target: &ast::Place) -> Option<Place> {
        let place = match target {
            ast::Place::Variable(variable) => self.place(variable, Use::Write)?,
            ast::Place::Address(address) => self.address_place(address)?,
        };
        self.writable(&place).then_some(place)
    }

    /// Reports a place that cannot be written.
    pub(super) fn writable(&mut self, place: &Place) -> bool {
        if place.ty.is_error() {
            return false;
        }
        let refusal = self.refusal(place);
        match refusal {
            None => true,
            Some((what, help)) => {
                let mut diagnostic = Diagnostic::new(Code::WriteRefused, place.span, what);
                if let Some(help) = help {
                    diagnostic = diagnostic.help(help);
                }
                self.s.report(diagnostic);
                false
            }
        }
    }

    fn refusal(&self, place: &Place) -> Option<(String, Option<&'static str>)> {
        let location = match &place.root {
            Root::Address(location) => Some(&**location),
            Root::Local(_) | Root::Global(_) => self.root_variable(&place.root).and_then(|v| v.location.as_deref()),
        };
        if let Some(location) = location.filter(|l| l.area == Area::Input) {
            return Some((format!("`{}` is an input: only the outside world writes it", location.text), None));
        }
        if self.controlled.iter().any(|c| c.root == place.root && c.steps == place.steps) {
            return Some((
                "the control variable of a FOR loop is not written inside the loop".to_owned(),
                Some("use WHILE to step freely"),
            ));
        }
        let variable = self.root_variable(&place.root)?;
        if variable.constant {
            return Some((format!("`{}` is a CONSTANT", variable.name), None));
        }
        // An input that is an instance cannot be declared, so steps lead into arrays only.
        if variable.class == Class::Input && !self.library {
            let help = "copy it to a variable of the unit and change that";
            return Some((format!("`{}` is an input of this unit", variable.name), Some(help)));
        }
        None
    }

    /// The value of a place, or its constant.
    pub(super) fn read(&mut self, place: Place) -> Expr {
        let span = place.span;
        if place.ty.is_error() {
            return self.broken(span);
        }
        if place.steps.is_empty()
            && let Some(variable) = self.root_variable(&place.root)
            && variable.constant
            && variable.ty.scalar().is_some()
        {
            let bits = if let Init::Scalar(bits) = variable.init { bits } else { 0 };
            return Expr { kind: ExprKind::Const(bits), ty: variable.ty, span };
        }
        Expr { ty: place.ty, kind: ExprKind::Read(place), span }
    }

    /// The text that identifies a place whose way is constant: the same for the same storage.
    pub(super) fn place_key(&self, place: &Place) -> Option<String> {
        use std::fmt::Write as _;
        let location = match &place.root {
            Root::Address(location) => Some(&**location),
            Root::Local(_) | Root::Global(_) => self.root_variable(&place.root).and_then(|v| v.location.as_deref()),
        };
        let mut key = match (location, &place.root) {
            (Some(l), _) => format!("{:?}{}.{:?}", l.area, l.byte, l.bit),
            (None, Root::Global(crate::hir::GlobalId(id))) => format!("g{id}"),
            (None, Root::Local(VarId(id))) => format!("p{}v{id}", self.pou.0),
            (None, Root::Address(_)) => return None,
        };
        for step in &place.steps {
            // Writing to a String cannot fail.
            let _ = match step {
                Step::Field(_, var) => write!(key, ".{}", var.0),
                Step::Bits { lowest, .. } => write!(key, ".b{lowest}"),
                Step::Index(indices) => {
                    for index in indices {
                        let _ = write!(key, "[{}", index.constant()?);
                    }
                    Ok(())
                }
            };
        }
        Some(key)
    }
}
