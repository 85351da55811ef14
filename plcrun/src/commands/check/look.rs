//! One program looked at: read, compiled, its map loaded, the rules applied.

use crate::discover::Program;
use crate::exit::Refusal;
use crate::project::{self, Input};
use crate::settings::{self, Settings};
use bytecode::Image;
use compiler::Compiled;
use compiler::source::SourceMap;
use lint::{Checked, MapInput, Severity, Subject};
use runtime::config::files::{Disk, Files as _, Kept};
use std::path::{Component, Path, PathBuf};

/// What became of a program.
#[derive(Debug)]
pub struct Look {
    /// The program.
    pub program: Program,
    /// Its texts; empty for an image.
    pub sources: SourceMap,
    /// What was found.
    pub checked: Checked,
    /// The settings that hold for it.
    pub settings: Settings,
}

impl Look {
    /// Neither errors nor warnings are shown.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.checked.count(Severity::Error) + self.checked.count(Severity::Warning) == 0
    }

    /// Its name: the first file.
    #[must_use]
    pub fn name(&self) -> String {
        self.program.files.first().map(|p| p.display().to_string()).unwrap_or_default()
    }

    /// Files that no report may overwrite.
    pub fn inputs(&self) -> impl Iterator<Item = &Path> {
        self.program.files.iter().chain(&self.program.io).map(PathBuf::as_path)
    }
}

/// Looks at a program.
///
/// # Errors
/// A file cannot be read, an image is damaged, or the settings have mistakes.
pub fn at(program: &Program) -> Result<Look, Refusal> {
    let settings = settings::of(program.files.first().map_or(Path::new(""), PathBuf::as_path))?;
    let (sources, compiled) = compile(project::read(&program.files)?)?;
    let map = program.io.as_deref().zip(compiled.image.as_ref()).map(|(path, image)| load(path, image));
    let input = map.as_ref().map(|map| MapInput {
        file: &map.file,
        text: &map.text,
        findings: &map.loaded.findings,
        map: map.loaded.map.as_ref(),
    });
    let simulated = if input.is_none() { without_map(&compiled) } else { Vec::new() };
    let alone = input.is_none().then_some(MapInput { file: "", text: "", findings: &simulated, map: None });
    let subject = Subject {
        sources: &sources,
        compiled: &compiled,
        map: input.or(alone.filter(|_| !simulated.is_empty())),
        activity: &[],
    };
    let name = |file: &str| project_name(&settings, file);
    let checked = lint::check(&subject, &settings.check, &name);
    Ok(Look { program: program.clone(), sources, checked, settings })
}

/// Sources are compiled; an image is taken as it is, and has nothing that rules about programs could look at.
fn compile(input: Input) -> Result<(SourceMap, Compiled), Refusal> {
    match input {
        Input::Sources { map, ids } => {
            let compiled = compiler::compile(&map, &ids, compiler::Options::default());
            Ok((map, compiled))
        }
        image @ Input::Image { .. } => match project::build(image)? {
            project::Outcome::Ready(project) => {
                Ok((SourceMap::new(), Compiled::of_image(project.image.image().clone())))
            }
            project::Outcome::Broken { sources, diagnostics } => {
                Ok((sources, Compiled { diagnostics, ..Compiled::default() }))
            }
        },
    }
}

struct Map {
    file: String,
    text: String,
    loaded: runtime::config::Loaded,
}

fn load(path: &Path, image: &Image) -> Map {
    // Comments and places are looked at in the very text that was loaded.
    let text = Disk.read(path).ok();
    let kept = text.clone().map(|text| Kept { path: path.to_path_buf(), text, others: &Disk });
    let loaded = match &kept {
        Some(kept) => runtime::config::load(path, kept, image),
        None => runtime::config::load(path, &Disk, image),
    };
    Map { file: path.display().to_string(), text: text.unwrap_or_default(), loaded }
}

/// What keeps a program without a map from running on the simulated rack.
fn without_map(compiled: &Compiled) -> Vec<runtime::config::Finding> {
    let map = compiled.image.as_ref().map(|image| runtime::config::simulated_at(image, None));
    map.and_then(Result::err).unwrap_or_default()
}

/// What a file is called in fingerprints and baselines: its path from the folder of the settings, else from where the command
/// was given.
#[must_use]
pub fn project_name(settings: &Settings, file: &str) -> String {
    let root = settings.folder().unwrap_or(Path::new("."));
    let path = Path::new(file).canonicalize().ok();
    let inside = path.zip(root.canonicalize().ok()).and_then(|(p, r)| p.strip_prefix(r).ok().map(Path::to_path_buf));
    let path = inside.unwrap_or_else(|| PathBuf::from(file));
    let parts: Vec<String> = path
        .components()
        .filter(|c| !matches!(c, Component::CurDir))
        .map(|c| c.as_os_str().to_string_lossy().into_owned())
        .collect();
    parts.join("/")
}
