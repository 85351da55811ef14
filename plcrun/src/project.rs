//! From the files on the command line to a verified image.
//!
//! One rule for every subcommand: several source files form one program; a file that begins with the image's magic number
//! is an image, whatever its name, and stands alone.

use crate::exit::Refusal;
use crate::files;
use crate::terminal::Console;
use bytecode::VerifiedImage;
use compiler::diag::Diagnostic;
use compiler::source::{FileId, SourceMap};
use std::path::{Path, PathBuf};

/// What the files hold, before anything is compiled.
#[derive(Debug)]
pub enum Input {
    /// Texts of one program.
    Sources {
        /// The texts, named as on the command line.
        map: SourceMap,
        /// One per file, in the order of the command line.
        ids: Vec<FileId>,
    },
    /// The bytes of one image.
    Image {
        /// Its path.
        path: PathBuf,
        /// Its bytes.
        bytes: Vec<u8>,
    },
}

/// A program ready to run.
#[derive(Debug)]
pub struct Project {
    /// The verified image.
    pub image: VerifiedImage,
    /// Its source texts; empty for an image.
    pub sources: SourceMap,
    /// Warnings of the compiler.
    pub warnings: Vec<Diagnostic>,
}

/// What became of the files.
#[derive(Debug)]
pub enum Outcome {
    /// It may run.
    Ready(Box<Project>),
    /// It has errors.
    Broken {
        /// The texts the diagnostics point into.
        sources: SourceMap,
        /// At least one of them is an error.
        diagnostics: Vec<Diagnostic>,
    },
}

/// Reads the files of the command line.
///
/// # Errors
/// A file cannot be read or is not text, or images and other files are mixed.
pub fn read(paths: &[PathBuf]) -> Result<Input, Refusal> {
    refuse_mistyped_subcommand(paths)?;
    let mut map = SourceMap::new();
    let mut ids = Vec::new();
    for path in paths {
        let bytes = files::read_bytes(path)?;
        refuse_yaml(path)?;
        if bytecode::wire::is_image(&bytes) {
            if paths.len() > 1 {
                return Err(Refusal::wrong_use(
                    format!("{} is an image, and an image is a whole program", files::shown(path)),
                    "name the image alone, or only source files",
                ));
            }
            return Ok(Input::Image { path: path.clone(), bytes });
        }
        refuse_twice(paths, path)?;
        let name = path.display().to_string();
        ids.push(map.add(name, files::text_of(path, bytes)?));
    }
    Ok(Input::Sources { map, ids })
}

/// `plcrun chekc x.ld` would look for a file named `chekc`: say what was meant.
fn refuse_mistyped_subcommand(paths: &[PathBuf]) -> Result<(), Refusal> {
    let Some(word) = paths.first().and_then(|p| p.to_str()) else { return Ok(()) };
    if word.contains(['.', '/']) || Path::new(word).exists() {
        return Ok(());
    }
    let names = crate::args::subcommands();
    let Some(near) = bytecode::near::nearest(word, names.iter().map(String::as_str)) else { return Ok(()) };
    Err(Refusal::wrong_use(
        format!("there is neither a command nor a file `{word}`"),
        format!("did you mean `plcrun {near}`?"),
    ))
}

/// A YAML file in place of a program: the compiler would only wonder about its first sign.
///
/// # Errors
/// It is one, by its name.
pub fn refuse_yaml(path: &Path) -> Result<(), Refusal> {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    if !name.ends_with(".yaml") && !name.ends_with(".yml") {
        return Ok(());
    }
    let help = match name {
        name if name.ends_with(".test.yaml") => {
            "timeline tests are run by `plcrun test`; name the program's text (.ld, .st)"
        }
        name if name.ends_with(".io.yaml") => "an I/O map goes behind `--io`; name the program's text (.ld, .st)",
        name if name.ends_with(".properties.yaml") => {
            "properties go behind `plcrun prove --properties`; name the program's text (.ld, .st)"
        }
        _ => "name the program's text (.ld, .st) or its image",
    };
    Err(Refusal::wrong_use(format!("{} is a YAML file, not a program", files::shown(path)), help))
}

fn refuse_twice(paths: &[PathBuf], path: &Path) -> Result<(), Refusal> {
    if paths.iter().filter(|p| p.as_path() == path).count() > 1 {
        return Err(Refusal::wrong_use(format!("{} is named twice", files::shown(path)), "name each file once"));
    }
    Ok(())
}

/// Compiles sources, or verifies an image.
///
/// # Errors
/// An image is damaged or of another version. Errors in sources are no `Err` but [`Outcome::Broken`].
pub fn build(input: Input) -> Result<Outcome, Refusal> {
    match input {
        Input::Image { path, bytes } => {
            let image = bytecode::verify::load(&bytes)
                .map_err(|e| Refusal::findings(format!("{}: {e}", files::shown(&path)), String::new()))?;
            Ok(Outcome::Ready(Box::new(Project { image, sources: SourceMap::new(), warnings: Vec::new() })))
        }
        Input::Sources { map, ids } => compile(map, &ids),
    }
}

fn compile(map: SourceMap, ids: &[FileId]) -> Result<Outcome, Refusal> {
    let (image, diagnostics) = compiler::build(&map, ids, compiler::Options::default());
    let Some(image) = image else {
        return Ok(Outcome::Broken { sources: map, diagnostics });
    };
    // The compiler's output takes the same way as a stranger's file: nothing runs unverified.
    let image = bytecode::verify(image).map_err(|e| {
        Refusal::findings(
            format!("the compiler made an image that the verifier refuses: {e}"),
            "this is a defect of plcrun: please report it with the source files",
        )
    })?;
    Ok(Outcome::Ready(Box::new(Project { image, sources: map, warnings: diagnostics })))
}

/// Files to a project that may run. Warnings and errors go to standard error.
///
/// # Errors
/// As [`read`] and [`build`]; diagnostics have been printed and the refusal counts them.
pub fn load(paths: &[PathBuf], console: &Console) -> Result<Box<Project>, Refusal> {
    load_input(read(paths)?, console)
}

/// As [`load`], for files that have been read already.
///
/// # Errors
/// As [`build`]; diagnostics have been printed and the refusal counts them.
pub fn load_input(input: Input, console: &Console) -> Result<Box<Project>, Refusal> {
    match build(input)? {
        Outcome::Ready(project) => {
            tell(&project.sources, &project.warnings, console);
            Ok(project)
        }
        Outcome::Broken { sources, diagnostics } => {
            tell(&sources, &diagnostics, console);
            Err(Refusal::findings(format!("{}; the program was not built", count(&diagnostics)), String::new()))
        }
    }
}

/// Prints diagnostics to standard error.
pub fn tell(sources: &SourceMap, diagnostics: &[Diagnostic], console: &Console) {
    if !diagnostics.is_empty() {
        console.message(&compiler::diag::render_all(sources, diagnostics, console.style_err()));
    }
}

/// The syntax trees of all files, unchecked.
///
/// # Errors
/// There are syntax errors; they have been printed and the refusal counts them.
pub fn parse_all(map: &SourceMap, ids: &[FileId], console: &Console) -> Result<Vec<compiler::ast::File>, Refusal> {
    let (mut parsed, mut diagnostics) = (Vec::new(), Vec::new());
    for id in ids {
        let (file, found) = compiler::parser::parse(map, *id);
        parsed.push(file);
        diagnostics.extend(found);
    }
    tell(map, &diagnostics, console);
    if compiler::diag::has_errors(&diagnostics) {
        return Err(Refusal::findings(count(&diagnostics), "mend the errors above first"));
    }
    Ok(parsed)
}

/// `2 errors and 1 warning`.
pub fn count(diagnostics: &[Diagnostic]) -> String {
    let errors = diagnostics.iter().filter(|d| d.is_error()).count();
    let warnings = diagnostics.len() - errors;
    let mut text = plural(errors, "error");
    if warnings > 0 {
        text.push_str(&format!(" and {}", plural(warnings, "warning")));
    }
    text
}

/// `1 error`, `2 errors`.
#[must_use]
pub fn plural(n: usize, word: &str) -> String {
    if n == 1 { format!("1 {word}") } else { format!("{n} {word}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_subcommand_is_named() {
        let refused = read(&[PathBuf::from("chekc"), PathBuf::from("a.ld")]).unwrap_err();
        assert_eq!(refused.help, "did you mean `plcrun check`?");
    }

    #[test]
    fn a_file_named_twice_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let a = folder.path().join("a.ld");
        std::fs::write(&a, "PROGRAM P END_PROGRAM").unwrap();
        assert!(read(&[a.clone(), a]).unwrap_err().what.contains("is named twice"));
    }
}
