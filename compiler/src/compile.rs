//! The whole way from texts to an image.

use crate::codegen::{self, Input, Symbols, layout::Layout};
use crate::diag::{Allowance, Code, Diagnostic, Suppressed, has_errors};
use crate::hir::{PouId, Program};
use crate::ir::{Func, InstKind};
use crate::lower;
use crate::map::HashSet;
use crate::parser::parse;
use crate::passes;
use crate::sema;
use crate::source::{FileId, SourceMap};
use crate::threads;
use bytecode::Image;
use std::sync::mpsc::sync_channel;

/// What the compiler is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Run the optimiser. Without it the image does the same, with more instructions.
    pub optimise: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { optimise: true }
    }
}

/// What came out.
#[derive(Clone, Debug, Default)]
pub struct Compiled {
    /// The image; `None` where a diagnostic is an error.
    pub image: Option<Image>,
    /// The typed program; complete only where no diagnostic is an error.
    pub program: Program,
    /// The syntax trees, in the order of the files.
    pub files: Vec<crate::ast::File>,
    /// Every finding, in the order of the files and the text.
    pub diagnostics: Vec<Diagnostic>,
    /// Every `{allow CODE "reason"}` of the texts.
    pub allowances: Vec<Allowance>,
    /// Findings that one of them allows.
    pub suppressed: Vec<Suppressed>,
}

impl Compiled {
    /// An image that was compiled elsewhere: nothing is known of its program.
    #[must_use]
    pub fn of_image(image: Image) -> Self {
        Self { image: Some(image), ..Self::default() }
    }
}

/// Compiles the files of one project. Pure: the same texts give the same result, byte for byte; never panics.
#[must_use]
pub fn compile(sources: &SourceMap, files: &[FileId], options: Options) -> Compiled {
    let mut compiled = analysed(sources, files);
    if !has_errors(&compiled.diagnostics) {
        let made = generate(sources, &compiled.program, options);
        compiled.image = made.map_err(|finding| compiled.diagnostics.push(*finding)).ok();
    }
    compiled
}

/// The image and the findings of [`compile`], for programs that are only run: the syntax trees, half of all memory a
/// compilation takes, are let go before code is made, or while it is made.
#[must_use]
pub fn build(sources: &SourceMap, files: &[FileId], options: Options) -> (Option<Image>, Vec<Diagnostic>) {
    let Compiled { program, files: trees, mut diagnostics, .. } = analysed(sources, files);
    if has_errors(&diagnostics) {
        return (None, diagnostics);
    }
    let made = generate_beside(sources, &program, options, move || drop(trees));
    let image = made.map_err(|finding| diagnostics.push(*finding)).ok();
    if is_large(&program) {
        // Where no thread can be made, it goes with the closure.
        let _ = std::thread::Builder::new().name("program".to_owned()).spawn(move || drop(program));
    }
    (image, diagnostics)
}

/// Everything but the image.
fn analysed(sources: &SourceMap, files: &[FileId]) -> Compiled {
    let mut diagnostics = Vec::new();
    let mut trees = Vec::new();
    for file in files {
        let (tree, findings) = parse(sources, *file);
        trees.push(tree);
        diagnostics.extend(findings);
    }
    let sema::Analysis { program, diagnostics: mut findings, allowances, suppressed } = sema::analyse(&trees);
    if has_errors(&diagnostics) {
        // What could not be read may use a variable, and a unit that was not read may run: nothing true can be said
        // about what is missing.
        findings.retain(|finding| !is_about_use(finding.code));
    }
    diagnostics.extend(findings);
    diagnostics.sort_by_key(|d| (d.primary.span.file, d.primary.span.start));
    Compiled { image: None, program, files: trees, diagnostics, allowances, suppressed }
}

/// True for findings that follow from something being absent in the whole text.
fn is_about_use(code: Code) -> bool {
    matches!(
        code,
        Code::UnusedVariable | Code::NeverWritten | Code::NeverRead | Code::ResultUnassigned | Code::NoProgram
    )
}

/// The image of a typed program that has no errors: the way from [`Compiled::program`] on, for callers that changed it.
///
/// # Errors
/// A limit of the image format is exceeded.
pub fn generate(sources: &SourceMap, program: &Program, options: Options) -> Result<Image, Box<Diagnostic>> {
    generate_beside(sources, program, options, || ())
}

/// True where another thread pays: the symbols of so many variables take about a millisecond to make.
fn is_large(program: &Program) -> bool {
    const VARIABLES_MIN: usize = 2_000;
    let variables: usize = program.pous.values().map(|pou| pou.vars.len()).sum();
    variables >= VARIABLES_MIN && threads::help()
}

/// The image. In a large program another thread makes the symbols meanwhile, and then does what else can be done aside.
fn generate_beside(
    sources: &SourceMap,
    program: &Program,
    options: Options,
    aside: impl FnOnce() + Send,
) -> Result<Image, Box<Diagnostic>> {
    let layout = &Layout::new(program).map_err(|e| codegen::too_large(program, e.0))?;
    let image = |symbols: &mut dyn FnMut() -> Symbols| {
        let funcs = intermediate(program, layout, options)?;
        codegen::generate(&Input { program, layout, funcs: &funcs, sources }, symbols())
    };
    let symbols = move || Symbols::new(program, layout, sources);
    if !is_large(program) {
        aside();
        return image(&mut { symbols });
    }
    std::thread::scope(|scope| {
        let (sender, receiver) = sync_channel(1);
        let helper = move || {
            // Nobody waits for them where code could not be made.
            let _ = sender.send(symbols());
            aside();
        };
        // Where no thread can be made, its channel is closed.
        let _ = std::thread::Builder::new().name("symbols".to_owned()).spawn_scoped(scope, helper);
        image(&mut || receiver.recv().unwrap_or_else(|_| symbols()))
    })
}

/// The intermediate code of every POU a program instance reaches, in the order of their numbers.
///
/// # Errors
/// A unit needs more references than the instruction set has.
pub fn intermediate(program: &Program, layout: &Layout, options: Options) -> Result<Vec<Func>, Box<Diagnostic>> {
    let mut funcs = lowered_all(program, layout)?;
    if options.optimise {
        passes::optimise(program, layout, &mut funcs);
    }
    funcs.sort_by_key(|f| f.pou);
    Ok(funcs)
}

/// Every POU a program instance reaches as it is lowered, every callee before its callers.
pub(crate) fn lowered_all(program: &Program, layout: &Layout) -> Result<Vec<Func>, Box<Diagnostic>> {
    let mut funcs: Vec<Func> = Vec::new();
    let mut seen: HashSet<PouId> = HashSet::default();
    for instance in &program.instances {
        callees_first(program, layout, instance.pou, &mut seen, &mut funcs)?;
    }
    Ok(funcs)
}

/// Lowers a POU and all it calls, every callee before its callers. Calls have no cycle.
fn callees_first(
    program: &Program,
    layout: &Layout,
    root: PouId,
    seen: &mut HashSet<PouId>,
    funcs: &mut Vec<Func>,
) -> Result<(), Box<Diagnostic>> {
    if !seen.insert(root) {
        return Ok(());
    }
    // The way from the root: code and callees that are still to be followed.
    let mut open: Vec<(Func, Vec<PouId>)> = vec![lowered(program, layout, root)?];
    while let Some((_, rest)) = open.last_mut() {
        match rest.pop() {
            Some(callee) if seen.insert(callee) => open.push(lowered(program, layout, callee)?),
            Some(_) => {}
            None => funcs.extend(open.pop().map(|(func, _)| func)),
        }
    }
    Ok(())
}

fn lowered(program: &Program, layout: &Layout, pou: PouId) -> Result<(Func, Vec<PouId>), Box<Diagnostic>> {
    let func = lower::lower(program, layout, pou).map_err(|e| {
        let message = "this works on too many nested array elements at once";
        let diagnostic = Diagnostic::new(Code::TooManyReferences, e.0, message);
        Box::new(diagnostic.help("copy elements to variables first"))
    })?;
    let callees = func.code.iter().filter_map(|i| if let InstKind::Call(pou, _) = i.kind { Some(pou) } else { None });
    let callees = callees.collect();
    Ok((func, callees))
}
