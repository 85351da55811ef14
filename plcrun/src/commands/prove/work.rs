//! One program, ready to be asked: compiled, on its I/O map, with its schedule.

use crate::discover::Program;
use crate::exit::Refusal;
use crate::iomap::{self, Origin};
use crate::project::{self, Input};
use crate::terminal::Console;
use bytecode::VerifiedImage;
use compiler::Compiled;
use compiler::source::SourceMap;
use prove::guard::wired::{Reading, Reads, Wire, Wired, WiredChannel};
use prove::model::{Schedule, ScheduledTask};
use prove::names::Names;
use prove::prover::Problem;
use runtime::config::files::{Disk, Files};
use runtime::config::{BoolPlace, ChannelValue, InputId, IoMap, Source};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use timeline::dataflow::Dataflow;

/// A bit of the data by its number; `None`: nowhere.
#[must_use]
pub fn bit(place: BoolPlace) -> Option<usize> {
    match place {
        BoolPlace::Byte(at) => Some(at as usize * 8),
        BoolPlace::Bit(at, bit) => Some(at as usize * 8 + usize::from(bit)),
        BoolPlace::Nowhere => None,
    }
}

/// What an I/O map says of the wiring.
fn wired(map: &IoMap) -> Wired<'_> {
    let wire = |id: InputId| {
        let input = map.input_at(id)?;
        let number = u32::try_from(id.index()).unwrap_or(u32::MAX);
        Some(Wire { number, place: bit(input.place), debounce_ns: input.debounce_ns, stop: input.stop })
    };
    let channels = map.outputs.iter().map(|output| WiredChannel {
        // An output that stands nowhere is never commanded; a map has none.
        output: bit(output.place).unwrap_or(usize::MAX),
        feedback: output.feedback.and_then(wire),
        model: output.model,
    });
    let reads = map.inputs.iter().filter_map(|input| match input.source {
        Source::Channel(id, value) => {
            Some(Reads { place: bit(input.place)?, channel: id.index(), what: reading(value) })
        }
        Source::Gpio(_) | Source::Expander(_) | Source::Sim { .. } => None,
    });
    Wired {
        table: &map.channels,
        channels: channels.collect(),
        supply: map.supply.and_then(wire),
        reads: reads.collect(),
    }
}

const fn reading(value: ChannelValue) -> Reading {
    match value {
        ChannelValue::Ready => Reading::Ready,
        ChannelValue::Pending => Reading::Pending,
        ChannelValue::Fault => Reading::Fault,
        ChannelValue::Line => Reading::Line,
        ChannelValue::Contact => Reading::Contact,
        ChannelValue::Commanded => Reading::Commanded,
    }
}

/// Everything the questions about a program need.
pub struct Work {
    /// Its files.
    pub files: Vec<PathBuf>,
    /// Their texts.
    pub sources: SourceMap,
    /// What runs.
    pub image: VerifiedImage,
    /// Typed program and syntax trees.
    pub compiled: Compiled,
    /// Its I/O map.
    pub map: IoMap,
    /// Who writes what.
    pub dataflow: Dataflow,
}

impl Work {
    /// Of a program; the map may stand in for that of its files.
    ///
    /// # Errors
    /// A file cannot be read, or program or map have errors; they have been printed.
    pub fn of(program: &Program, console: &Console) -> Result<Self, Refusal> {
        let Input::Sources { map: sources, ids } = project::read(&program.files)? else {
            return Err(Refusal::wrong_use("an image has no rungs to prove anything about", "name the source files"));
        };
        let compiled = compiler::compile(&sources, &ids, compiler::Options::default());
        project::tell(&sources, &compiled.diagnostics, console);
        let Some(image) = compiled.image.clone() else {
            return Err(Refusal::findings("the program has errors", "mend the errors above first"));
        };
        let image = bytecode::verify(image)
            .map_err(|e| Refusal::findings(format!("the compiler made an image that the verifier refuses: {e}"), ""))?;
        let origin = program.io.clone().map_or(Origin::None, Origin::Beside);
        let map = iomap::required_at(&origin, image.image(), None, &Disk, console)?;
        let dataflow = Dataflow::of(&compiled.program);
        Ok(Self { files: program.files.clone(), sources, image, compiled, map, dataflow })
    }

    /// As [`Work::of`], through other files and without a word: for changed programs that nobody reads.
    ///
    /// # Errors
    /// A file cannot be read, or program or map have errors.
    pub fn quietly(files: &[PathBuf], io: Option<&Path>, texts: &dyn Files) -> Result<Self, Refusal> {
        let broken = |what: String| Refusal::findings(what, "");
        let mut sources = SourceMap::new();
        let mut ids = Vec::new();
        for file in files {
            let text = texts.read(file).map_err(|why| broken(format!("{} cannot be read: {why}", file.display())))?;
            ids.push(sources.add(file.display().to_string(), text));
        }
        let compiled = compiler::compile(&sources, &ids, compiler::Options::default());
        let image = compiled.image.clone().ok_or_else(|| broken("the program has errors".to_owned()))?;
        let image = bytecode::verify(image).map_err(|e| broken(format!("the image is refused: {e}")))?;
        let origin = io.map_or(Origin::None, |io| Origin::Beside(io.to_path_buf()));
        let (map, _) = iomap::load_at(&origin, image.image(), None, texts);
        let map = map.ok_or_else(|| broken("the I/O map has errors".to_owned()))?;
        let dataflow = Dataflow::default();
        Ok(Self { files: files.to_vec(), sources, image, compiled, map, dataflow })
    }

    /// What names in conditions mean: without an I/O map relays have none.
    #[must_use]
    pub fn names(&self) -> Names<'_> {
        let has_map = !self.map.file.is_empty();
        Names { image: self.image.image(), channels: has_map.then_some(&self.map.channels) }
    }

    /// The relays it is wired to; `None`: it has no I/O map.
    #[must_use]
    pub fn wired(&self) -> Option<Wired<'_>> {
        (!self.map.file.is_empty()).then(|| wired(&self.map))
    }

    /// Which programs run when.
    #[must_use]
    pub fn schedule(&self) -> Schedule {
        let plan = &self.map.plan;
        let tasks = plan.tasks.iter().map(|t| ScheduledTask { every: t.every, programs: t.programs.clone() });
        Schedule { tick_ns: plan.tick_ns, tasks: tasks.collect() }
    }

    /// Why nothing can be asked, with its place.
    #[must_use]
    pub fn refused(&self, problem: &Problem, gathered: &super::gather::Gathered) -> Refusal {
        match problem {
            Problem::Program(refusal) => {
                let place = refusal.span.and_then(|span| self.sources.place(span));
                let at = place.map_or(String::new(), |(file, at)| format!("{file}:{}:{}: ", at.line, at.column));
                let help = "docs/proof.md lists what is modelled; a property of another program may still be proved";
                Refusal::findings(format!("{at}{}", refusal.what), help)
            }
            Problem::Property(bad) => {
                let place = gathered.place(&bad.id).filter(|place| place.line > 0);
                let at = place.map_or(String::new(), |p| format!("{}:{}:{}: ", p.file, p.line, p.column));
                Refusal::findings(format!("{at}{bad}"), bad.fault.help.clone())
            }
        }
    }

    /// The full path of a name as a condition writes it.
    #[must_use]
    pub fn full(&self, name: &str, symbol: usize) -> String {
        let Some(symbol) = self.image.image().symbols.get(symbol) else { return name.to_owned() };
        let short = symbol.path.split_once('.').map_or(symbol.path.as_str(), |(_, rest)| rest);
        let starts = |head: &str| name.get(..head.len()).is_some_and(|start| start.eq_ignore_ascii_case(head));
        let behind = if starts(&symbol.path) { symbol.path.len() } else { short.len() };
        format!("{}{}", symbol.path, name.get(behind..).unwrap_or_default())
    }

    /// What the rungs read that write these names, in capitals.
    #[must_use]
    pub fn read_by_writers<'n>(&self, names: impl Iterator<Item = (&'n str, usize)>) -> BTreeSet<String> {
        let units = names.flat_map(|(name, symbol)| self.dataflow.writers(&self.full(name, symbol)));
        units.flat_map(|unit| unit.reads.iter().cloned()).collect()
    }

    /// A name as a timeline test knows it: without the program where that is unique.
    #[must_use]
    pub fn short<'p>(&self, path: &'p str) -> &'p str {
        let short = path.split_once('.').map_or(path, |(_, rest)| rest);
        if self.image.image().variable(short).is_ok() { short } else { path }
    }
}
