//! `cargo xtask reliability store`: nothing that was committed is lost, whatever happens in the middle of a commit.
//!
//! - [`cuts`]: power cuts on a simulated disk that keeps, drops, reorders and tears what was not synced;
//! - [`kills`]: SIGKILL to a process that does nothing but commit, on a real file system;
//! - [`product`]: SIGKILL to the product while it commits what a program changes in every scan.
//!
//! A store must open after each, and hold the last commit that had returned or the one that was under way, whole.

mod cuts;
mod kills;
mod product;

pub use kills::writer;

use super::{Numbers, machine};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::Instant;

const USAGE: &str = "usage: cargo xtask reliability store [--numbers full|tenth|smoke] [--seed N] [--binary FILE] [--folder DIR] [--report FILE]

  --numbers   10000 power cuts, 500 kills of a writer and 100 of the product (full), a tenth of that (the default), or a few
  --seed      the seed of everything random; printed with every finding
  --binary    the product, instead of building it
  --folder    where the files of the kills stand; the machine's folder for temporary files otherwise
  --report    where the JSON report goes; target/reliability-store.json otherwise
";

/// What was asked for.
#[derive(Debug)]
struct Options {
    numbers: Numbers,
    seed: u64,
    binary: Option<PathBuf>,
    folder: PathBuf,
    report: PathBuf,
}

impl Options {
    fn parse(args: &[String]) -> Result<Option<Self>, String> {
        let mut options = Self {
            numbers: Numbers::Tenth,
            seed: 1,
            binary: None,
            folder: std::env::temp_dir(),
            report: PathBuf::from("target/reliability-store.json"),
        };
        let mut rest = args.iter();
        while let Some(arg) = rest.next() {
            let mut value = || rest.next().ok_or_else(|| format!("{arg} needs a value\n{USAGE}"));
            match arg.as_str() {
                "--help" => return Ok(None),
                "--binary" => options.binary = Some(PathBuf::from(value()?)),
                "--folder" => options.folder = PathBuf::from(value()?),
                "--report" => options.report = PathBuf::from(value()?),
                "--numbers" => options.numbers = Numbers::parse(value()?).map_err(|e| format!("{e}\n{USAGE}"))?,
                "--seed" => {
                    options.seed = value()?.parse().map_err(|_| format!("--seed needs a whole number\n{USAGE}"))?;
                }
                other => return Err(format!("reliability store knows no `{other}`\n{USAGE}")),
            }
        }
        Ok(Some(options))
    }
}

/// What a part came to.
#[derive(Debug, Default)]
struct Part {
    name: &'static str,
    /// Power cuts or kills.
    rounds: u64,
    /// Of these, while the store was being opened.
    at_opening: u64,
    /// Commits that had returned before a blow.
    commits: u64,
    /// Blows whose commit was there afterwards although nobody had been told.
    arrived: u64,
    /// What must not be, in words that let one repeat it.
    findings: Vec<String>,
}

impl Part {
    fn head() -> String {
        let head = format!(
            "{:<34} {:>7} {:>10} {:>10} {:>18} {:>8} {:>8}",
            "part", "rounds", "at opening", "committed", "arrived unconfirmed", "findings", "seconds"
        );
        format!("\n{head}\n{}", "-".repeat(head.len()))
    }

    fn row(&self, seconds: f64) -> String {
        format!(
            "{:<34} {:>7} {:>10} {:>10} {:>19} {:>8} {seconds:>8.1}",
            self.name,
            self.rounds,
            self.at_opening,
            self.commits,
            self.arrived,
            self.findings.len()
        )
    }

    fn json(&self, seconds: f64) -> Value {
        json!({
            "part": self.name, "rounds": self.rounds, "at_opening": self.at_opening, "commits": self.commits,
            "arrived_unconfirmed": self.arrived, "findings": self.findings, "seconds": seconds,
        })
    }
}

/// Runs the command. `args` are what follows `store`.
///
/// # Errors
/// Wrong arguments, a process that cannot be started, or a finding: what must not be was seen.
pub fn run(args: &[String]) -> Result<(), String> {
    let Some(options) = Options::parse(args)? else {
        print!("{USAGE}");
        return Ok(());
    };
    let (seed, numbers) = (options.seed, options.numbers);
    let folder = super::WorkFolder::within(&options.folder, "store")?;
    let binary = folder.path().join("plcrun");
    super::product(options.binary.as_deref(), &binary, false)?;
    let place = format!("{}, files in {}", machine(), options.folder.display());
    println!("reliability store: {} numbers, seed {seed}, on {place}", numbers.name());
    println!("{}", Part::head());
    let parts: [&dyn Fn() -> Result<Part, String>; 3] =
        [&|| cuts::run(numbers, seed), &|| kills::run(numbers, seed, folder.path()), &|| {
            product::run(numbers, seed, folder.path(), &binary)
        }];
    let (mut rows, mut findings) = (Vec::new(), Vec::new());
    for part in parts {
        let start = Instant::now();
        let part = part()?;
        let seconds = start.elapsed().as_secs_f64();
        println!("{}", part.row(seconds));
        rows.push(part.json(seconds));
        findings.extend(part.findings);
    }
    write_report(
        &options.report,
        &json!({ "numbers": numbers.name(), "seed": seed, "machine": place, "parts": rows }),
    )?;
    if findings.is_empty() { Ok(()) } else { Err(format!("{} findings\n{}", findings.len(), findings.join("\n"))) }
}

fn write_report(path: &Path, report: &Value) -> Result<(), String> {
    let text = serde_json::to_string_pretty(report).map_err(|e| format!("cannot write the report: {e}"))?;
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    }
    std::fs::write(path, text + "\n").map_err(|e| format!("{}: {e}", path.display()))?;
    println!("report: {}", path.display());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read() {
        let parse = |words: &[&str]| Options::parse(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
        let options = parse(&["--numbers", "full", "--seed", "7", "--folder", "/x"]).unwrap().unwrap();
        assert_eq!((options.numbers, options.seed, options.folder), (Numbers::Full, 7, PathBuf::from("/x")));
        assert!(parse(&["--help"]).unwrap().is_none());
        for wrong in [&["--numbers", "some"][..], &["--seed"], &["--only", "kill"]] {
            assert!(parse(wrong).unwrap_err().contains("usage:"), "{wrong:?}");
        }
    }

    #[test]
    fn some_cuts_and_their_row() {
        let part = cuts::run(Numbers::Smoke, 3).unwrap();
        assert_eq!(part.findings, Vec::<String>::new());
        assert!(part.rounds >= 4 && part.commits > 0, "{part:?}");
        assert!(part.row(1.0).contains("power cuts"), "{}", part.row(1.0));
    }
}
