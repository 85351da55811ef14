//! Declarations: variables, types and globals.

use super::usage::Usage;
use super::{Named, Progress, Sema};
use crate::ast::{self, EdgeKind, TypeKind, VarKind};
use crate::diag::{Code, Diagnostic};
use crate::hir::{Class, GlobalId, Init, PouId, PouKind, VarId, Variable};
use crate::source::Span;
use crate::stdlib;
use crate::types::{Dimension, Ty, elementary_named};
use bytecode::near::nearest;
use bytecode::types::{Elementary, Retention};
use smol_str::SmolStr;

/// Greatest depth of instances within instances: each level is a few frames of the compiler's own stack, and the
/// image's verifier accepts 32 levels of types, and an array between two instances is a level too.
const INSTANCE_DEPTH_MAX: usize = 12;

/// Greatest number of elements of one array: with 8 bytes each, the 64 MiB all data may take.
const ARRAY_ELEMENTS_MAX: u64 = 8 * 1024 * 1024;

impl<'a> Sema<'a> {
    /// Globals first (units refer to them), then every unit.
    pub(super) fn declare_all(&mut self, files: &'a [ast::File]) {
        for item in files.iter().flat_map(|f| &f.items) {
            match item {
                ast::Item::Globals(section) => self.globals(section),
                ast::Item::Configuration(configuration) => {
                    configuration.globals.iter().for_each(|s| self.globals(s));
                    configuration.resources.iter().flat_map(|r| &r.globals).for_each(|s| self.globals(s));
                }
                ast::Item::Types(section) => self.later(section.span, "declared types (TYPE)"),
                ast::Item::Pou(_) => {}
            }
        }
        for id in self.program.pous.ids().collect::<Vec<_>>() {
            self.declare(id);
        }
    }

    fn globals(&mut self, section: &'a ast::VarSection) {
        let retention = self.retention(section, PouKind::Program);
        for declaration in &section.declarations {
            let ty = self.resolve_type(&declaration.ty, None);
            let location = self.location(declaration, ty);
            self.unnamed_location(declaration);
            let init = self.initial_value(declaration, ty, None);
            for name in &declaration.names {
                let key = name.key();
                let previous = self.global_names.get(&key).map(|id| self.program.globals[*id].span);
                if let Some(first) = previous {
                    self.duplicate(name, first);
                    continue;
                }
                if ty.is_error() {
                    self.broken_globals.insert(key, ());
                    continue;
                }
                let id = self.program.globals.push(Variable {
                    name: name.text.clone(),
                    ty,
                    class: Class::Global,
                    constant: section.constant.is_some(),
                    retention,
                    location: location.clone().map(Box::new),
                    init: init.clone(),
                    power: false,
                    span: name.span,
                });
                self.global_names.insert(key, id);
                self.global_usage.push(Usage { has_init: declaration.init.is_some(), ..Usage::default() });
            }
        }
    }

    fn duplicate(&mut self, name: &ast::Ident, first: Span) {
        let message = format!("`{}` is declared twice", name.text);
        self.report(Diagnostic::new(Code::DuplicateName, name.span, message).also(first, "first here"));
    }

    /// Works out the declarations of a unit, once.
    pub(super) fn declare(&mut self, id: PouId) {
        if self.scopes[id].progress != Progress::Waiting {
            return;
        }
        self.scopes[id].progress = Progress::Working;
        self.working.push(id);
        let ast = self.scopes[id].ast;
        if let Some(result) = &ast.result {
            self.declare_result(id, ast, result);
        }
        for section in &ast.sections {
            self.section(id, ast, section);
        }
        let pou = &self.program.pous[id];
        let in_outs: Vec<VarId> = pou.vars.iter().filter(|(_, v)| v.class == Class::InOut).map(|(i, _)| i).collect();
        if in_outs.len() > 200 {
            let message =
                format!("`{}` has {} VAR_IN_OUT parameters, at most 200 are possible", pou.name, in_outs.len());
            self.error(Code::TooManyReferences, ast.name.span, message);
        }
        self.program.pous[id].in_outs = in_outs;
        self.check_power_pins(id);
        self.scopes[id].depth = 1 + self.deepest_instance(id);
        self.working.pop();
        self.scopes[id].progress = Progress::Done;
    }

    /// Levels of instances within the variables of a unit.
    fn deepest_instance(&self, id: PouId) -> usize {
        let types = &self.program.types;
        let element = |ty: Ty| types.as_array(ty).map_or(ty, |(element, _)| element);
        let inner = self.program.pous[id].vars.values().filter_map(|v| types.as_instance(element(v.ty)));
        inner.map(|pou| self.scopes[pou].depth).max().unwrap_or(0)
    }

    fn declare_result(&mut self, id: PouId, ast: &'a ast::Pou, result: &'a ast::TypeRef) {
        let ty = self.resolve_type(result, Some(id));
        if ty.scalar().is_none() && !ty.is_error() {
            let name = self.type_name(ty);
            let message = format!("a function cannot return {name}");
            self.report(Diagnostic::new(Code::SectionPlace, result.span, message).help("return it by a VAR_IN_OUT"));
        }
        let var = self.add_var(id, plain(ast.name.text.clone(), ty, Class::Result, ast.name.span));
        self.program.pous[id].result = Some(var);
        self.scopes[id].names.set(ast.name.key(), if ty.is_error() { Named::Broken } else { Named::Local(var) });
    }

    /// Adds a variable without entering its name.
    pub(super) fn add_var(&mut self, pou: PouId, variable: Variable) -> VarId {
        self.scopes[pou].usage.push(Usage::default());
        self.program.pous[pou].vars.push(variable)
    }

    fn section(&mut self, id: PouId, ast: &'a ast::Pou, section: &'a ast::VarSection) {
        let retention = self.retention(section, ast.kind);
        if section.kind == VarKind::External {
            section.declarations.iter().for_each(|d| self.external(id, d));
            return;
        }
        let class = match section.kind {
            VarKind::Input => Class::Input,
            VarKind::Output => Class::Output,
            VarKind::InOut if ast.kind == PouKind::Program => {
                let message = "a PROGRAM has no caller that could pass a VAR_IN_OUT";
                let help = "declare the variable in VAR_GLOBAL and use it here through VAR_EXTERNAL";
                self.report(Diagnostic::new(Code::SectionPlace, section.span, message).help(help));
                // Its names stay known, so that their uses are no further mistakes.
                Class::Local
            }
            VarKind::InOut => Class::InOut,
            VarKind::Temp => Class::Temp,
            VarKind::Local if ast.kind == PouKind::Function => Class::Temp,
            VarKind::Local | VarKind::External => Class::Local,
            VarKind::Global => {
                let message = "VAR_GLOBAL stands outside of units and in CONFIGURATION";
                self.error(Code::SectionPlace, section.span, message);
                return;
            }
        };
        let power = section.attributes.iter().any(|a| a.name.is("power"));
        for declaration in &section.declarations {
            self.variables(id, class, section.constant.is_some(), retention, power, declaration);
        }
    }

    fn variables(
        &mut self,
        id: PouId,
        class: Class,
        constant: bool,
        retention: Retention,
        power: bool,
        declaration: &'a ast::VarDecl,
    ) {
        let ty = self.resolve_type(&declaration.ty, Some(id));
        let place_allowed = self.check_instance_place(id, class, ty, declaration);
        let location = self.local_location(id, class, declaration, ty);
        let init = if class == Class::InOut {
            self.refuse_in_out_init(declaration);
            Init::Default
        } else {
            self.initial_value(declaration, ty, Some(id))
        };
        let kept = matches!(class, Class::Local | Class::Input | Class::Output);
        for name in &declaration.names {
            let variable = Variable {
                name: name.text.clone(),
                ty: if place_allowed { ty } else { Ty::ERROR },
                class,
                constant,
                retention: if kept { retention } else { Retention::Unstated },
                location: location.clone().map(Box::new),
                init: init.clone(),
                power: power || declaration.has_attribute("power"),
                span: name.span,
            };
            let broken = variable.ty.is_error();
            let var = self.add_var(id, variable);
            if let Some(usage) = self.scopes[id].usage.last_mut() {
                usage.has_init = declaration.init.is_some();
                // The outside world uses it, even where the address itself was reported.
                usage.read = declaration.address.is_some();
                usage.written = declaration.address.is_some();
            }
            self.enter(id, name, if broken { Named::Broken } else { Named::Local(var) });
            if let Some((kind, span)) = declaration.edge {
                self.edge_variable(id, var, kind, span);
            }
        }
    }

    fn refuse_in_out_init(&mut self, declaration: &ast::VarDecl) {
        if let Some(init) = &declaration.init {
            let message = "a VAR_IN_OUT stands for the caller's variable and has no initial value";
            self.error(Code::InitialValue, init.span, message);
        }
    }

    fn enter(&mut self, id: PouId, name: &ast::Ident, named: Named) {
        let first = match self.scopes[id].names.enter(name.key(), named) {
            None | Some(Named::Broken) => return,
            Some(Named::Local(var)) => self.var(id, var).span,
            Some(Named::Global(global)) => self.program.globals[global].span,
        };
        self.duplicate(name, first);
    }

    /// The memory of an R_EDGE or F_EDGE input and the variable its name then reads.
    fn edge_variable(&mut self, id: PouId, input: VarId, kind: EdgeKind, span: Span) {
        let (ty, class, name, retention) = {
            let v = self.var(id, input);
            (v.ty, v.class, v.name.clone(), v.retention)
        };
        if ty != Ty::BOOL || class != Class::Input {
            self.error(Code::SectionPlace, span, "R_EDGE and F_EDGE stand behind BOOL in VAR_INPUT");
            return;
        }
        let which = match kind {
            EdgeKind::Rising => "rise",
            EdgeKind::Falling => "fall",
        };
        let edge = self.add_var(id, plain(format!("{name}#edge"), Ty::BOOL, Class::Temp, span));
        let memory = plain(format!("{name}#{which}"), Ty::BOOL, Class::Hidden, span);
        self.add_var(id, Variable { retention, ..memory });
        self.scopes[id].edges.insert(input, edge);
    }

    fn external(&mut self, id: PouId, declaration: &'a ast::VarDecl) {
        let ty = self.resolve_type(&declaration.ty, Some(id));
        if let Some(init) = &declaration.init {
            self.error(Code::ExternalMismatch, init.span, "a VAR_EXTERNAL has no initial value of its own");
        }
        for name in &declaration.names {
            let named = self.external_target(name, ty);
            self.enter(id, name, named);
        }
    }

    fn external_target(&mut self, name: &ast::Ident, ty: Ty) -> Named {
        let key = name.key();
        let Some(global) = self.global_names.get(&key).copied() else {
            if !self.broken_globals.contains_key(&key) {
                let names: Vec<String> = self.program.globals.values().map(|g| g.name.to_string()).collect();
                let message = format!("there is no VAR_GLOBAL `{}`", name.text);
                let mut diagnostic = Diagnostic::new(Code::UnknownName, name.span, message);
                diagnostic = match nearest(&name.text, names.iter().map(String::as_str)) {
                    Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
                    None => diagnostic.help("declare it in VAR_GLOBAL, in a CONFIGURATION or outside of units"),
                };
                self.report(diagnostic);
            }
            return Named::Broken;
        };
        let found = self.program.globals[global].ty;
        if found != ty && !ty.is_error() {
            let (written, declared) = (self.type_name(ty), self.type_name(found));
            let span = self.program.globals[global].span;
            let message = format!("`{}` is {declared} in VAR_GLOBAL but {written} here", name.text);
            self.report(Diagnostic::new(Code::ExternalMismatch, name.span, message).also(span, "declared here"));
        }
        Named::Global(global)
    }

    fn retention(&mut self, section: &ast::VarSection, kind: PouKind) -> Retention {
        let Some((retention, span)) = section.retention else { return Retention::Unstated };
        if section.constant.is_some() && retention.is_kept() {
            self.error(Code::SectionPlace, span, "a CONSTANT never changes, so there is nothing to retain");
            return Retention::Unstated;
        }
        if kind == PouKind::Function && retention.is_kept() {
            self.error(Code::SectionPlace, span, "a FUNCTION has no memory, so it has nothing to retain");
            return Retention::Unstated;
        }
        let reason = match section.kind {
            VarKind::Temp => "VAR_TEMP begins anew at each call",
            VarKind::InOut => "VAR_IN_OUT stands for the caller's variable",
            VarKind::External => "VAR_EXTERNAL repeats a VAR_GLOBAL, which says what is retained",
            VarKind::Local | VarKind::Input | VarKind::Output | VarKind::Global => return retention,
        };
        let diagnostic = Diagnostic::new(Code::SectionPlace, span, format!("{reason}, so there is nothing to retain"));
        self.report(diagnostic.help("leave the word out, or declare the variable in VAR or VAR_GLOBAL"));
        Retention::Unstated
    }

    fn location(&mut self, declaration: &ast::VarDecl, ty: Ty) -> Option<crate::hir::Location> {
        let address = declaration.address.as_ref()?;
        let location = self.locate(address)?;
        if let (true, Some(second)) = (declaration.names.len() > 1, declaration.names.get(1)) {
            let message = format!("one address for {} variables", declaration.names.len());
            let diagnostic = Diagnostic::new(Code::LocationPlace, second.span, message);
            self.report(diagnostic.help("declare each variable with its own address"));
        }
        self.check_width(address, ty).then_some(location)
    }

    fn local_location(
        &mut self,
        id: PouId,
        class: Class,
        declaration: &ast::VarDecl,
        ty: Ty,
    ) -> Option<crate::hir::Location> {
        let address = declaration.address.as_ref()?;
        self.unnamed_location(declaration);
        if self.program.pous[id].kind != PouKind::Program || class != Class::Local {
            let message = format!("`{}` stands where no address is allowed", address.text);
            let help = "located variables stand in VAR of a PROGRAM and in VAR_GLOBAL";
            self.report(Diagnostic::new(Code::LocationPlace, address.span, message).help(help));
            return None;
        }
        self.location(declaration, ty)
    }

    /// `AT %IX0.0 : BOOL;` declares nothing that could be used by name: the address itself can be.
    fn unnamed_location(&mut self, declaration: &ast::VarDecl) {
        if let (true, Some(address)) = (declaration.names.is_empty(), &declaration.address) {
            self.locate(address);
        }
    }

    fn check_instance_place(&mut self, id: PouId, class: Class, ty: Ty, declaration: &ast::VarDecl) -> bool {
        let element = self.program.types.as_array(ty).map_or(ty, |(element, _)| element);
        if self.program.types.as_instance(element).is_none() {
            return true;
        }
        let function = self.program.pous[id].kind == PouKind::Function;
        let fits = match class {
            Class::Local | Class::Global => !function,
            Class::InOut => true,
            Class::Input | Class::Output | Class::Temp | Class::Result | Class::Hidden => false,
        };
        if !fits {
            let message = format!("an instance of {} cannot be kept here", self.type_name(element));
            let help = "declare it in VAR of a program or function block, or pass it by VAR_IN_OUT";
            self.report(Diagnostic::new(Code::InstancePlace, declaration.ty.span, message).help(help));
        }
        fits
    }

    /// The type a text names; `within` is the unit whose constants array bounds may use.
    pub(super) fn resolve_type(&mut self, ty: &'a ast::TypeRef, within: Option<PouId>) -> Ty {
        match &ty.kind {
            TypeKind::Named(name) => self.named_type(name),
            TypeKind::Array { ranges, element } => self.array_type(ranges, element, within),
            TypeKind::Text { .. } => self.later_type(ty.span, "strings"),
            TypeKind::Subrange { .. } => self.later_type(ty.span, "subranges"),
            TypeKind::Enumeration { .. } => self.later_type(ty.span, "enumerations"),
            TypeKind::Struct { .. } => self.later_type(ty.span, "structures"),
            TypeKind::Reference(_) => self.later_type(ty.span, "references (REF_TO)"),
            TypeKind::Error => Ty::ERROR,
        }
    }

    fn later_type(&mut self, span: Span, what: &str) -> Ty {
        self.later(span, what);
        Ty::ERROR
    }

    fn named_type(&mut self, name: &ast::Ident) -> Ty {
        let key = name.key();
        if let Some(elementary) = elementary_named(&key) {
            return match elementary {
                Elementary::Char | Elementary::Wchar => self.later_type(name.span, "strings"),
                e if e.scalar().is_none() => self.later_type(name.span, "dates and times of day"),
                e => Ty::of(e),
            };
        }
        if key == "STRING" || key == "WSTRING" {
            return self.later_type(name.span, "strings");
        }
        let Some(pou) = self.pou_named(&key) else {
            self.unknown_type(name);
            return Ty::ERROR;
        };
        if self.program.pous[pou].kind != PouKind::FunctionBlock {
            let message = format!("`{}` is not a type but a {}", name.text, kind_word(self.program.pous[pou].kind));
            self.error(Code::UnknownType, name.span, message);
            return Ty::ERROR;
        }
        self.instance_type(pou, name)
    }

    /// The type of a block's instances, once its declarations are worked out.
    fn instance_type(&mut self, pou: PouId, name: &ast::Ident) -> Ty {
        if let Some(at) = self.working.iter().position(|p| *p == pou) {
            let mut chain: Vec<&str> =
                self.working.iter().skip(at).map(|p| self.program.pous[*p].name.as_str()).collect();
            chain.push(self.program.pous[pou].name.as_str());
            let message = format!("a function block contains itself: {}", chain.join(" -> "));
            self.error(Code::Recursion, name.span, message);
            return Ty::ERROR;
        }
        // Both directions of the text: blocks that are declared later are worked out from here, one within the other.
        let too_deep = self.working.len() > INSTANCE_DEPTH_MAX;
        if !too_deep {
            self.declare(pou);
        }
        if too_deep || self.scopes[pou].depth >= INSTANCE_DEPTH_MAX {
            let message = format!("instances within instances, more than {INSTANCE_DEPTH_MAX} levels deep");
            self.error(Code::NestingTooDeep, name.span, message);
            return Ty::ERROR;
        }
        self.program.pous[pou].instance.unwrap_or(Ty::ERROR)
    }

    fn unknown_type(&mut self, name: &ast::Ident) {
        let mut names: Vec<String> = Elementary::ALL.iter().map(|e| e.name().to_owned()).collect();
        names.extend(stdlib::library().names().into_iter().map(str::to_owned));
        names.extend(self.program.pous.values().map(|p| p.name.clone()));
        let mut diagnostic = Diagnostic::new(Code::UnknownType, name.span, format!("unknown type `{}`", name.text));
        if let Some(near) = nearest(&name.text, names.iter().map(String::as_str)) {
            diagnostic = diagnostic.help(format!("did you mean `{near}`?"));
        }
        self.report(diagnostic);
    }

    fn array_type(&mut self, ranges: &'a [ast::Range], element: &'a ast::TypeRef, within: Option<PouId>) -> Ty {
        let element_ty = self.resolve_type(element, within);
        let mut dimensions = Vec::new();
        let mut elements: u64 = 1;
        for range in ranges {
            let (low, high) = (self.constant_int(&range.low, within), self.constant_int(&range.high, within));
            let (Some(low), Some(high)) = (low, high) else { return Ty::ERROR };
            let bounds = i32::try_from(low).ok().zip(i32::try_from(high).ok()).filter(|(l, h)| l <= h);
            let Some((lower, upper)) = bounds else {
                let message = format!("the bounds {low}..{high} are reversed or outside of DINT");
                self.error(Code::ArrayBounds, range.span, message);
                return Ty::ERROR;
            };
            let dimension = Dimension { lower, upper };
            elements = elements.saturating_mul(u64::from(dimension.len()));
            dimensions.push(dimension);
        }
        if elements > ARRAY_ELEMENTS_MAX {
            let message = format!("an array of {elements} elements; at most {ARRAY_ELEMENTS_MAX} are possible");
            let span = ranges.first().map_or(element.span, |r| r.span);
            self.error(Code::ArrayBounds, span, message);
            return Ty::ERROR;
        }
        if element_ty.is_error() {
            return Ty::ERROR;
        }
        // An array of arrays is one array with the dimensions of both: storage and indexing are the same.
        if let Some((inner, more)) = self.program.types.as_array(element_ty) {
            let more = more.to_vec();
            dimensions.extend(more);
            return self.program.types.array(inner, dimensions);
        }
        self.program.types.array(element_ty, dimensions)
    }

    /// The global of this name.
    pub(super) fn global_named(&self, key: &str) -> Option<GlobalId> {
        self.global_names.get(key).copied()
    }
}

/// A variable without anything special.
pub(super) fn plain(name: impl Into<SmolStr>, ty: Ty, class: Class, span: Span) -> Variable {
    Variable {
        name: name.into(),
        ty,
        class,
        constant: false,
        retention: Retention::Unstated,
        location: None,
        init: Init::Default,
        power: false,
        span,
    }
}

/// What a person calls a kind of unit.
pub(super) fn kind_word(kind: PouKind) -> &'static str {
    match kind {
        PouKind::Program => "program",
        PouKind::Function => "function",
        PouKind::FunctionBlock => "function block",
    }
}
