//! A timeline file with everything it needs: program compiled, I/O map checked, tests prepared.
//!
//! Files are read through [`Files`], so that loading works on texts as well as on the disk. A map with real lines is
//! refused: nothing that runs in virtual time may ever energise one.

use crate::build::Sources;
use crate::coverage::{self, Probes};
use crate::model::{Located, Timeline};
use crate::names::Names;
use crate::prepare::{self, InputName, Prepared, Scope};
use crate::problem::{Place, Problem};
use crate::{build, format};
use bytecode::VerifiedImage;
use runtime::config::files::{Files, beside};
use runtime::config::{self, IoMap, Source};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Seed of the simulation where the file gives none. Any number would do; this one is printed with every failure.
pub const SEED_DEFAULT: u64 = 1;

/// A timeline file, ready to run.
#[derive(Clone, Debug)]
pub struct Suite {
    /// The file as it was named.
    pub file: String,
    /// Seed of everything random.
    pub seed: u64,
    /// The versions of the program, in the order of the file.
    pub versions: Vec<Version>,
}

/// One version of the program with its tests.
#[derive(Clone, Debug)]
pub struct Version {
    /// The program's files as in the timeline file, separated by commas.
    pub program: String,
    /// The program.
    pub image: Arc<VerifiedImage>,
    /// The I/O map it runs on.
    pub map: Arc<IoMap>,
    /// The tests, every name resolved.
    pub tests: Vec<Prepared>,
    /// The program as text and as what the compiler made of it.
    pub sources: Arc<Sources>,
    /// The places that are counted, where the coverage is asked for.
    pub probes: Option<Arc<Probes>>,
}

/// How a file is loaded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Loading {
    /// Counts what of the program the tests go through: the program is built with probes.
    pub coverage: bool,
}

/// Reads a timeline file, compiles what it names and prepares its tests.
///
/// # Errors
/// Every problem of the file; or those of its program, its I/O map or its names, in this order.
pub fn load(path: &Path, files: &dyn Files) -> Result<Suite, Vec<Problem>> {
    load_with(path, files, Loading::default())
}

/// As [`load`], with options.
///
/// # Errors
/// As [`load`].
pub fn load_with(path: &Path, files: &dyn Files, loading: Loading) -> Result<Suite, Vec<Problem>> {
    let file = path.display().to_string();
    let text = read(&file, path, files)?;
    let timeline = format::parse(&file, &text)?;
    let mut versions = Vec::new();
    let mut problems = Vec::new();
    let sources = std::iter::once(timeline.program.clone()).chain(timeline.also.iter().map(|one| vec![one.clone()]));
    for program in sources {
        match version(&file, &text, path, &timeline, &program, files, loading) {
            Ok(version) => versions.push(version),
            Err(found) => problems.extend(found),
        }
    }
    if problems.is_empty() {
        Ok(Suite { file, seed: timeline.seed.unwrap_or(SEED_DEFAULT), versions })
    } else {
        Err(problems)
    }
}

/// The text of a timeline file.
pub(crate) fn read(file: &str, path: &Path, files: &dyn Files) -> Result<String, Vec<Problem>> {
    files.read(path).map_err(|why| vec![Problem::new(Place::whole(file), format!("the file cannot be read: {why}"))])
}

fn version(
    file: &str,
    text: &str,
    path: &Path,
    timeline: &Timeline,
    program: &[Located],
    files: &dyn Files,
    loading: Loading,
) -> Result<Version, Vec<Problem>> {
    let names: Vec<&str> = program.iter().map(|one| one.text.as_str()).collect();
    let (mut image, sources) = build::image(file, path, program, files)?;
    let mut probes = None;
    if loading.coverage {
        let (counting, found) = coverage::build(&sources, &Place::whole(file))?;
        image = counting;
        probes = Some(Arc::new(found));
    }
    let image = Arc::new(image);
    let map = Arc::new(map(file, path, timeline, program, &image, files)?);
    let mut tests = prepared(file, text, timeline, &image, &map)?;
    for golden in tests.iter_mut().filter_map(|test| test.golden.as_mut()) {
        golden.text = files.read(&beside(path, &golden.file)).ok();
    }
    Ok(Version { program: names.join(", "), image, map, tests, sources: Arc::new(sources), probes })
}

/// Prepares the tests of a timeline for a program on a map.
pub(crate) fn prepared(
    file: &str,
    text: &str,
    timeline: &Timeline,
    image: &VerifiedImage,
    map: &IoMap,
) -> Result<Vec<Prepared>, Vec<Problem>> {
    let channels: Vec<String> = map.outputs.iter().map(|output| output.name.clone()).collect();
    let mut inputs: Vec<InputName> = map
        .inputs
        .iter()
        .map(|input| InputName {
            name: input.name.clone(),
            variable: input.variable.clone(),
            reads_channel: matches!(input.source, Source::Channel(..)),
            wired: false,
            initial: matches!(input.source, Source::Sim { initial: true }),
        })
        .collect();
    for wired in map.outputs.iter().filter_map(|output| output.feedback).chain(map.supply) {
        if let Some(input) = inputs.get_mut(wired.index()) {
            input.wired = true;
        }
    }
    let names = Names { image, channels: &channels };
    let scope = Scope { names, inputs: &inputs, senses_supply: map.supply.is_some() };
    prepare::prepare(file, text, timeline, scope)
}

/// The I/O map: named by the file, else `NAME.io.yaml` beside the program, else the simulated rack.
fn map(
    file: &str,
    path: &Path,
    timeline: &Timeline,
    program: &[Located],
    image: &VerifiedImage,
    files: &dyn Files,
) -> Result<IoMap, Vec<Problem>> {
    let found = match &timeline.io {
        Some(io) => Some((beside(path, &io.text), io.at)),
        None => beside_program(path, program).filter(|(map, _)| files.read(map).is_ok()),
    };
    let Some((map_path, at)) = found else {
        return config::simulated_at(image, timeline.scan_ns).map_err(|findings| {
            findings.iter().map(|f| Problem::rendered(Place::whole(file), f.to_string())).collect()
        });
    };
    let place = Place { file: file.to_owned(), line: at.line, column: at.column };
    let loaded = config::load_at(&map_path, files, image, timeline.scan_ns);
    let Some(map) = loaded.map else {
        let errors = loaded.findings.iter().filter(|finding| finding.severity == config::Severity::Error);
        return Err(errors.map(|finding| Problem::rendered(place.clone(), finding.to_string())).collect());
    };
    if map.has_real_lines() {
        let message = format!("the I/O map {} has real lines; tests run on simulated racks only", map_path.display());
        let help = "give the test a map without `gpio`, so that no relay can be energised by it";
        return Err(vec![Problem::new(place, message).help(help)]);
    }
    Ok(map)
}

fn beside_program(path: &Path, program: &[Located]) -> Option<(PathBuf, crate::model::At)> {
    let first = program.first()?;
    let source = beside(path, &first.text);
    let stem = source.file_stem()?.to_str()?;
    Some((source.with_file_name(format!("{stem}.io.yaml")), first.at))
}
