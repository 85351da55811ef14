//! Analysis: from syntax trees to the typed program ([`crate::hir`]), with every finding on the way.
//!
//! Owns names, types, conversions, calls, and the rules of the language that a text can break. Does not change what a
//! program means and makes no code.
//!
//! Order of work: names of POUs; globals and declarations (a POU's declarations are worked out when the first other one
//! needs them, so their order in the text does not matter); bodies; calls without recursion; configuration; what a
//! careful reader asks about (`usage`). Each part reports at most one finding per mistake: what could not be resolved
//! becomes [`Ty::ERROR`], about which nobody complains again.

// A rule concerns a few forms or operators of many; naming the rest in every match would hide which.
#![allow(clippy::wildcard_enum_match_arm)]

mod address;
mod args;
mod call;
mod coerce;
mod config;
mod convert;
mod declare;
mod expr;
mod functions;
mod graph;
mod init;
mod ladder;
mod names;
mod operators;
mod place;
mod power;
mod power_up;
mod stmt;
mod usage;

use crate::arena::Arena;
use crate::ast;
use crate::diag::{Allowance, Code, Diagnostic, Suppressed};
use crate::hir::{self, GlobalId, PouId, Program, VarId};
use crate::map::HashMap;
use crate::source::Span;
use crate::stdlib;
use crate::types::Ty;
use smol_str::SmolStr;

/// What came of an analysis.
#[derive(Debug)]
pub struct Analysis {
    /// The typed program; complete only where no diagnostic is an error.
    pub program: Program,
    /// Every finding that no pragma allows, in the order of the text.
    pub diagnostics: Vec<Diagnostic>,
    /// Every `{allow CODE "reason"}`, those for codes of other rooms included.
    pub allowances: Vec<Allowance>,
    /// What a pragma allows.
    pub suppressed: Vec<Suppressed>,
}

/// Analyses the files of one project.
#[must_use]
pub fn analyse(files: &[ast::File]) -> Analysis {
    let mut sema = Sema::default();
    sema.collect(files);
    sema.declare_all(files);
    sema.check_bodies();
    sema.refuse_recursion();
    sema.configure(files);
    sema.review();
    sema.review_power_up();
    sema.finish(files)
}

/// What a name in a POU stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Named {
    /// A variable of the POU.
    Local(VarId),
    /// A global, made known by VAR_EXTERNAL.
    Global(GlobalId),
    /// Declared, but the declaration was wrong and reported.
    Broken,
}

/// How far the declarations of a POU are worked out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Progress {
    #[default]
    Waiting,
    Working,
    Done,
}

/// Working data of one POU.
struct Scope<'a> {
    ast: &'a ast::Pou,
    names: names::Names,
    /// Inputs with an edge: the name reads this variable instead.
    edges: HashMap<VarId, VarId>,
    progress: Progress,
    /// Levels of instances within its instances, its own included.
    depth: usize,
    usage: Vec<usage::Usage>,
    /// POUs its body calls, with the first place.
    callees: Vec<(PouId, Span)>,
    calls: Vec<usage::InstanceCall>,
    /// All of its spans belong to the library.
    library: bool,
}

/// The state of an analysis.
#[derive(Default)]
struct Sema<'a> {
    program: Program,
    diagnostics: Vec<Diagnostic>,
    names: HashMap<SmolStr, PouId>,
    global_names: HashMap<SmolStr, GlobalId>,
    broken_globals: HashMap<SmolStr, ()>,
    global_usage: Vec<usage::Usage>,
    scopes: Arena<PouId, Scope<'a>>,
    /// POUs whose declarations are being worked out, outermost first.
    working: Vec<PouId>,
    /// POUs whose bodies were checked so far: bodies are checked in this order, the library's as they come into use.
    checked: usize,
    coils: usage::Coils,
    later: crate::map::HashSet<String>,
}

impl<'a> Sema<'a> {
    fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    fn error(&mut self, code: Code, span: Span, message: impl Into<String>) {
        self.report(Diagnostic::new(code, span, message));
    }

    fn type_name(&self, ty: Ty) -> String {
        self.program.types.name(ty).to_owned()
    }

    /// Says once per kind that a part of the standard comes later.
    fn later(&mut self, span: Span, what: &str) {
        if self.later.insert(what.to_owned()) {
            let message = format!("{what} come in a later version");
            self.report(Diagnostic::new(Code::LaterType, span, message).note("further uses are not reported"));
        }
    }

    fn var(&self, pou: PouId, var: VarId) -> &hir::Variable {
        &self.program.pous[pou].vars[var]
    }

    /// Enters every POU of the sources under its name.
    fn collect(&mut self, files: &'a [ast::File]) {
        for item in files.iter().flat_map(|f| &f.items) {
            let ast::Item::Pou(pou) = item else { continue };
            let key = pou.name.key();
            if stdlib::find_block(&key).is_some() || functions::is_standard(&key) {
                let what = if stdlib::find_block(&key).is_some() { "function block" } else { "function" };
                let message = format!("`{}` is the name of a standard {what}", pou.name.text);
                self.report(Diagnostic::new(Code::ReservedName, pou.name.span, message).help("choose another name"));
            }
            if let Some(first) = self.names.get(&key) {
                let first = self.program.pous[*first].span;
                let message = format!("`{}` is declared twice", pou.name.text);
                self.report(Diagnostic::new(Code::DuplicateName, pou.name.span, message).also(first, "first here"));
                // The second one is still checked, under no name.
                self.add_pou(pou, false);
                continue;
            }
            let id = self.add_pou(pou, false);
            self.names.insert(key, id);
        }
    }

    fn add_pou(&mut self, ast: &'a ast::Pou, library: bool) -> PouId {
        let instance_name = ast.name.text.to_string();
        let id = self.program.pous.push(hir::Pou {
            name: ast.name.text.to_string(),
            kind: ast.kind,
            library,
            vars: Arena::default(),
            result: None,
            instance: None,
            in_outs: Vec::new(),
            body: hir::Body::Statements(Vec::new()),
            span: ast.name.span,
        });
        if ast.kind != ast::PouKind::Function {
            let ty = self.program.types.instance(id, &instance_name);
            self.program.pous[id].instance = Some(ty);
        }
        self.scopes.push(Scope {
            ast,
            names: names::Names::default(),
            edges: HashMap::default(),
            progress: Progress::Waiting,
            depth: 1,
            usage: Vec::new(),
            callees: Vec::new(),
            calls: Vec::new(),
            library,
        });
        id
    }

    /// The POU of this name: the project's, else the library's, which then becomes part of the program.
    fn pou_named(&mut self, key: &str) -> Option<PouId> {
        if let Some(id) = self.names.get(key) {
            return Some(*id);
        }
        let block = stdlib::find_block(key)?;
        let id = self.add_pou(block, true);
        self.names.insert(key.into(), id);
        Some(id)
    }

    fn check_bodies(&mut self) {
        // Bodies bring library blocks into use, so the list grows while it is worked off.
        while self.checked < self.program.pous.len() {
            let id = <PouId as crate::arena::Id>::from_index(self.checked);
            self.checked += 1;
            self.declare(id);
            self.check_body(id);
        }
    }

    fn check_body(&mut self, id: PouId) {
        let ast = self.scopes[id].ast;
        let mut body = BodyContext::new(self, id);
        let prologue = body.edge_inputs();
        let checked = match &ast.body {
            ast::Body::Statements(statements) => {
                let mut checked = body.statements(statements);
                if !prologue.is_empty() {
                    checked.splice(0..0, prologue);
                }
                hir::Body::Statements(checked)
            }
            ast::Body::Ladder(ladder) => body.ladder(ladder, prologue),
        };
        self.program.pous[id].body = checked;
        self.review_result(id);
    }

    /// Applies `{allow ...}` and puts findings in the order of the text.
    fn finish(mut self, files: &[ast::File]) -> Analysis {
        let allowances = self.allowances(files);
        let mut suppressed = Vec::new();
        let mut kept = Vec::new();
        for diagnostic in std::mem::take(&mut self.diagnostics) {
            let allowed = |a: &Allowance| {
                a.code == diagnostic.code.as_str()
                    && (a.reaches(diagnostic.primary.span) || diagnostic.secondary.iter().any(|l| a.reaches(l.span)))
            };
            match allowances.iter().position(allowed) {
                Some(allowance) => suppressed.push(Suppressed { diagnostic, allowance }),
                None => kept.push(diagnostic),
            }
        }
        self.diagnostics = kept;
        self.quiet_beside_errors();
        self.diagnostics.sort_by_key(|d| (d.primary.span.file, d.primary.span.start, d.code.as_str()));
        Analysis { program: self.program, diagnostics: self.diagnostics, allowances, suppressed }
    }
}

/// The analysis of one body.
struct BodyContext<'s, 'a> {
    s: &'s mut Sema<'a>,
    pou: PouId,
    library: bool,
    /// Only global names are known: an expression outside of units.
    globals_only: bool,
    loops: u32,
    /// Control variables of the FOR loops around.
    controlled: Vec<hir::Place>,
    /// Where among exclusive branches the statement stands.
    branches: Vec<(u32, u32)>,
    groups: u32,
    /// Rung being checked: its label, and how many edges of each kind it had.
    rung: Option<ladder::RungNames>,
}

impl<'s, 'a> BodyContext<'s, 'a> {
    fn new(s: &'s mut Sema<'a>, pou: PouId) -> Self {
        let library = s.scopes[pou].library;
        Self {
            s,
            pou,
            library,
            globals_only: false,
            loops: 0,
            controlled: Vec::new(),
            branches: Vec::new(),
            groups: 0,
            rung: None,
        }
    }

    /// The statements that detect the edges of R_EDGE and F_EDGE inputs, as R_TRIG and F_TRIG would.
    fn edge_inputs(&mut self) -> Vec<hir::Stmt> {
        let mut edges: Vec<(VarId, VarId)> = self.s.scopes[self.pou].edges.iter().map(|(a, b)| (*a, *b)).collect();
        edges.sort_unstable();
        edges.into_iter().flat_map(|(input, edge)| self.edge_input(input, edge)).collect()
    }
}
