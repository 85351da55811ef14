//! Compiles the program a timeline file names.

use crate::dataflow::Dataflow;
use crate::model::Located;
use crate::problem::{Place, Problem};
use bytecode::VerifiedImage;
use compiler::diag::{Style, render};
use compiler::hir::Program;
use compiler::source::SourceMap;
use runtime::config::files::{Files, beside};
use std::path::Path;

/// A program as text and as what the compiler made of it: for drawings, cones and coverage.
#[derive(Clone, Debug)]
pub struct Sources {
    /// The texts.
    pub map: SourceMap,
    /// Their syntax trees, in the order of the files.
    pub files: Vec<compiler::ast::File>,
    /// The typed program, as written.
    pub program: Program,
    /// Who writes what from what.
    pub dataflow: Dataflow,
}

/// The verified image of the named files, which form one project, with their texts.
///
/// # Errors
/// Files that cannot be read; the compiler's errors, rendered.
pub fn image(
    file: &str,
    path: &Path,
    program: &[Located],
    files: &dyn Files,
) -> Result<(VerifiedImage, Sources), Vec<Problem>> {
    let mut sources = SourceMap::new();
    let mut ids = Vec::new();
    let mut problems = Vec::new();
    for name in program {
        let source = beside(path, &name.text);
        let place = Place { file: file.to_owned(), line: name.at.line, column: name.at.column };
        match files.read(&source) {
            Ok(text) => ids.push(sources.add(source.display().to_string(), text)),
            Err(why) => {
                let message = format!("the program {} cannot be read: {why}", source.display());
                problems.push(Problem::new(place, message).help("programs are named relative to this file"));
            }
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let compiled = compiler::compile(&sources, &ids, compiler::Options::default());
    let place = Place::whole(file);
    let Some(image) = compiled.image else {
        let errors = compiled.diagnostics.iter().filter(|diagnostic| diagnostic.is_error());
        return Err(errors.map(|d| Problem::rendered(place.clone(), render(&sources, d, Style::Plain))).collect());
    };
    let image = verified(image, &place)?;
    let dataflow = Dataflow::of(&compiled.program);
    Ok((image, Sources { map: sources, files: compiled.files, program: compiled.program, dataflow }))
}

/// Verifies what the compiler made.
///
/// # Errors
/// It does not verify, which is an error of plcrun.
pub(crate) fn verified(image: bytecode::Image, place: &Place) -> Result<VerifiedImage, Vec<Problem>> {
    bytecode::verify(image).map_err(|error| {
        let message = format!("the compiler made an image that does not verify: {error}");
        vec![Problem::new(place.clone(), message).help("this is an error of plcrun: report it with the program")]
    })
}
