//! Compiles the program a timeline file names.

use crate::model::Located;
use crate::problem::{Place, Problem};
use bytecode::VerifiedImage;
use compiler::diag::{Style, render};
use compiler::source::SourceMap;
use runtime::config::files::{Files, beside};
use std::path::Path;

/// The verified image of the named files, which form one project.
///
/// # Errors
/// Files that cannot be read; the compiler's errors, rendered.
pub fn image(file: &str, path: &Path, program: &[Located], files: &dyn Files) -> Result<VerifiedImage, Vec<Problem>> {
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
    bytecode::verify(image).map_err(|error| {
        let message = format!("the compiler made an image that does not verify: {error}");
        vec![Problem::new(place, message).help("this is an error of plcrun: report it with the program")]
    })
}
