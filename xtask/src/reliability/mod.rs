//! `cargo xtask reliability`: what happens to the outputs when anything of the controller dies, on this very machine.
//!
//! The product runs as a user would start it, guardian and all, on file chips: lines in mapped files that count as real ones,
//! whose every change is recorded with its time and its writer. A forward/reverse program whose commands change at random is
//! struck at a random instant, thousands of times and in nine ways, beside an ordinary process that burns CPU time. The judge
//! ([`crate::judge`]) looks at the order of events and decides; times are reported and never decide, because a machine has
//! neighbours.
//!
//! [`kind`] is how it is struck and what must follow, [`plant`] the machine around one controller, [`round`] one life and
//! death, [`steady`] a life without either, [`tally`] what came of many; [`store`] is a command of its own, about what is kept.

mod kind;
mod plant;
mod random;
mod round;
mod steady;
mod store;
mod tally;

pub use store::writer as store_writer;

use kind::Kind;
use plant::Plant;
use random::Random;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;
use tally::Tally;

const USAGE: &str = "usage: cargo xtask reliability [--numbers full|tenth|smoke] [--only PART]... [--seed N] [--binary FILE] [--report FILE]
       cargo xtask reliability store ...    power cuts and kills of the retained store (`reliability store --help`)

  --numbers   how many rounds: 2000 and 500 each (full), a tenth of that (the default), or a few
  --only      only the series whose names contain this; `--list` names them
  --seed      the seed of everything random; printed with every finding
  --binary    a product built with the feature `inject`, instead of building one
  --report    where the JSON report goes; target/reliability.json otherwise
";

/// Where the files of the controllers stand: in memory, so that no disk delays anybody.
const FOLDER: &str = "/dev/shm";

/// How many rounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Numbers {
    Full,
    Tenth,
    Smoke,
}

impl Numbers {
    const fn of(self, full: u32) -> u32 {
        match self {
            Self::Full => full,
            Self::Tenth => full.div_ceil(10),
            Self::Smoke => 4,
        }
    }

    fn parse(word: &str) -> Result<Self, String> {
        match word {
            "full" => Ok(Self::Full),
            "tenth" => Ok(Self::Tenth),
            "smoke" => Ok(Self::Smoke),
            other => Err(format!("--numbers knows no `{other}`")),
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Tenth => "tenth",
            Self::Smoke => "smoke",
        }
    }
}

/// What was asked for.
#[derive(Debug)]
struct Options {
    numbers: Numbers,
    only: Vec<String>,
    seed: u64,
    binary: Option<PathBuf>,
    report: PathBuf,
    list: bool,
}

impl Options {
    fn parse(args: &[String]) -> Result<Option<Self>, String> {
        let report = PathBuf::from("target/reliability.json");
        let mut options =
            Self { numbers: Numbers::Tenth, only: Vec::new(), seed: 1, binary: None, report, list: false };
        let mut rest = args.iter();
        while let Some(arg) = rest.next() {
            let mut value = || rest.next().ok_or_else(|| format!("{arg} needs a value\n{USAGE}"));
            match arg.as_str() {
                "--help" => return Ok(None),
                "--list" => options.list = true,
                "--only" => options.only.push(value()?.clone()),
                "--binary" => options.binary = Some(PathBuf::from(value()?)),
                "--report" => options.report = PathBuf::from(value()?),
                "--seed" => {
                    options.seed = value()?.parse().map_err(|_| format!("--seed needs a whole number\n{USAGE}"))?;
                }
                "--numbers" => options.numbers = Numbers::parse(value()?).map_err(|e| format!("{e}\n{USAGE}"))?,
                other => return Err(format!("reliability knows no `{other}`\n{USAGE}")),
            }
        }
        Ok(Some(options))
    }

    /// Was this series asked for?
    fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|part| name.contains(part.as_str()))
    }
}

/// Runs the command. `args` are what follows `reliability`.
///
/// # Errors
/// Wrong arguments, a controller that cannot be started, or a finding: what must not be was seen.
pub fn run(args: &[String]) -> Result<(), String> {
    if let Some(("store", rest)) = args.split_first().map(|(first, rest)| (first.as_str(), rest)) {
        return store::run(rest);
    }
    let Some(options) = Options::parse(args)? else {
        print!("{USAGE}");
        return Ok(());
    };
    if options.list {
        Kind::ALL.iter().map(|kind| kind.name()).chain([steady::NAME]).for_each(|name| println!("{name}"));
        return Ok(());
    }
    let folder = WorkFolder::within(Path::new(FOLDER), "reliability")?;
    let binary = folder.0.join("plcrun");
    product(options.binary.as_deref(), &binary, true)?;
    println!("reliability: {} numbers, seed {}, on {}", options.numbers.name(), options.seed, machine());
    let mut findings = Vec::new();
    let mut rows = Vec::new();
    if options.wants(steady::NAME) {
        let found = steady::run(&Plant::new(&folder.0, "steady", &binary)?)?;
        println!("{}: {}", steady::NAME, found.words);
        rows.push(json!({ "series": steady::NAME, "facts": found.words, "findings": found.findings }));
        findings.extend(found.findings);
    }
    println!("{}", Tally::head());
    for kind in Kind::ALL.iter().copied().filter(|kind| options.wants(kind.name())) {
        let start = Instant::now();
        let tally = series(&options, kind, &folder.0, &binary)?;
        println!("{}", tally.row(kind));
        let mut row = tally.json(kind);
        if let Some(row) = row.as_object_mut() {
            row.insert("seconds".to_owned(), json!(start.elapsed().as_secs_f64()));
        }
        rows.push(row);
        findings.extend(tally.findings(kind, options.seed));
    }
    let report =
        json!({ "numbers": options.numbers.name(), "seed": options.seed, "machine": machine(), "series": rows });
    let text = serde_json::to_string_pretty(&report).map_err(|e| format!("cannot write the report: {e}"))?;
    std::fs::write(&options.report, text + "\n").map_err(|e| format!("{}: {e}", options.report.display()))?;
    println!("report: {}", options.report.display());
    if findings.is_empty() { Ok(()) } else { Err(format!("{} findings\n{}", findings.len(), findings.join("\n"))) }
}

/// One series: several controllers side by side, each with the next round as soon as it is done with one.
fn series(options: &Options, kind: Kind, folder: &Path, binary: &Path) -> Result<Tally, String> {
    let rounds = options.numbers.of(kind.full());
    let next = AtomicU32::new(0);
    let tally = Mutex::new(Tally::of(kind.expected_ns()));
    let mut load = load()?;
    let work = |number: usize| -> Result<(), String> {
        let plant = Plant::new(folder, &number.to_string(), binary)?;
        loop {
            let round = next.fetch_add(1, Ordering::Relaxed);
            if round >= rounds {
                return Ok(());
            }
            let mut random = Random::new(options.seed, kind.name(), round);
            let verdict = round::run(&plant, kind, &mut random)?;
            tally.lock().map_err(|_| "a thread of this command panicked")?.add(round, verdict);
        }
    };
    let results: Vec<Result<(), String>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..kind.controllers()).map(|number| scope.spawn(move || work(number))).collect();
        threads
            .into_iter()
            .map(|t| t.join().unwrap_or_else(|_| Err("a thread of this command panicked".to_owned())))
            .collect()
    });
    let _ = load.kill();
    let _ = load.wait();
    results.into_iter().collect::<Result<(), String>>()?;
    tally.into_inner().map_err(|_| "a thread of this command panicked".to_owned())
}

/// Burns CPU time in the ordinary class.
fn load() -> Result<Child, String> {
    let mut shell = Command::new("sh");
    shell.args(["-c", "while :; do :; done"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    shell.spawn().map_err(|e| format!("no load can be made: {e}"))
}

/// Puts the product where the plants find it; with `inject` one that can be told to fail.
fn product(given: Option<&Path>, to: &Path, inject: bool) -> Result<(), String> {
    let copy = |from: &Path| std::fs::copy(from, to).map(|_| ()).map_err(|e| format!("{}: {e}", from.display()));
    if let Some(given) = given {
        return copy(given);
    }
    println!("reliability: builds the product");
    let metadata = crate::metadata(false)?;
    let target = metadata.get("target_directory").and_then(serde_json::Value::as_str).unwrap_or("target");
    let args = ["build", "--quiet", "--locked", "--release", "--package", "plcrun"];
    let built = Path::new(target).join("release/plcrun");
    if !inject {
        crate::command("cargo", &args, &[])?;
        return copy(&built);
    }
    crate::command("cargo", &[&args[..], &["--features", "plcrun/inject"]].concat(), &[])?;
    copy(&built)?;
    // One that can be told to fail is not left behind under the product's name.
    crate::command("cargo", &args, &[])
}

/// Kernel and processors, for the report.
fn machine() -> String {
    let name = rustix::system::uname();
    let cpus = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    format!(
        "{} {} {}, {cpus} CPUs",
        name.sysname().to_string_lossy(),
        name.release().to_string_lossy(),
        name.machine().to_string_lossy()
    )
}

/// The folder of all controllers; it goes with this command.
struct WorkFolder(PathBuf);

impl WorkFolder {
    fn within(folder: &Path, name: &str) -> Result<Self, String> {
        let path = folder.join(format!("plcrun-{name}-{}", std::process::id()));
        std::fs::create_dir(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        Ok(Self(path))
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for WorkFolder {
    fn drop(&mut self) {
        // What cannot be removed is left to whoever tidies such folders.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> Result<Option<Options>, String> {
        Options::parse(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn options_are_read() {
        let options = parse(&["--only", "kill", "--numbers", "full", "--seed", "7"]).unwrap().unwrap();
        assert!(options.wants("scan process killed") && !options.wants("chip unplugged"));
        assert_eq!((options.numbers.of(2000), options.seed), (2000, 7));
        assert_eq!((Numbers::Tenth.of(2000), Numbers::Tenth.of(5)), (200, 1));
        assert!(parse(&["--help"]).unwrap().is_none());
        for wrong in [&["--numbers", "some"][..], &["--numbers"], &["--seed", "x"], &["--fast"]] {
            assert!(parse(wrong).unwrap_err().contains("usage:"), "{wrong:?}");
        }
    }
}
