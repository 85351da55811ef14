//! `cargo xtask gpio-lab`: the product on real GPIO lines, on any x86-64 Linux machine.
//!
//! A user-mode Linux kernel runs as an ordinary process, with the kernel's own GPIO core and simulated chips. [`packages`] gets
//! what the system lacks, [`kernel`] builds the kernel once, [`machine`] boots it on this project's own binary, [`guest`] runs inside
//! and judges what the kernel's trace says of every line, [`report`] is what comes back.
//!
//! Time inside is not real time, because the guest is a process among others: scenarios gate on the order of events and on waits that
//! must not be shorter than promised; how long something took is reported.

mod guest;
mod kernel;
mod machine;
mod packages;
mod report;

pub use guest::run as run_guest;

use packages::Need;
use report::{Outcome, Verdict};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::time::Duration;

const USAGE: &str = "usage: cargo xtask gpio-lab [OPTION...]

Builds a user-mode Linux kernel with simulated GPIO chips (once, kept in ${XDG_CACHE_HOME:-~/.cache}/plcrun/gpio-lab), boots it on this
project's binary and runs the laboratory's scenarios. Missing Debian packages are installed when root may do so, else named.

  --list             names the scenarios and runs none
  --only NAME        only scenarios whose name contains NAME; may be repeated
  --numbers HOW      rounds of the kill series: full (2,000 and 500 each), tenth (default), smoke (3 each)
  --seed N           settles the instants of the kill series; 1 otherwise
  --profile NAME     cargo profile of the product: release (default) or dev
  --binary FILE      tries this plcrun instead of building one; beside it plcrun-inject, built with the feature `inject`, if there is one
  --source TARBALL   source archive of a kernel 6.1 instead of Debian's package linux-source-6.1
  --kernel-only      builds the kernel, or finds it in the cache, and ends
  --keep             keeps the build tree and the work folder (a failure keeps the work folder in any case)
";

/// How many rounds the kill series have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Numbers {
    /// What docs/reliability.md reports.
    Full,
    /// What CI runs.
    Tenth,
    /// Only to see that it works.
    Smoke,
}

impl Numbers {
    /// Rounds of a series that has so many in full.
    const fn of(self, full: u32) -> u32 {
        match self {
            Self::Full => full,
            Self::Tenth => full / 10,
            Self::Smoke => 3,
        }
    }

    /// A guest that runs longer hangs. A round takes about half a second.
    const fn time_limit(self) -> Duration {
        Duration::from_secs(match self {
            Self::Full => 2 * 3600,
            Self::Tenth => 30 * 60,
            Self::Smoke => 15 * 60,
        })
    }
}

/// What was asked for; the guest gets it as a file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Options {
    only: Vec<String>,
    numbers: Numbers,
    seed: u64,
    #[serde(skip)]
    profile: String,
    #[serde(skip)]
    binary: Option<PathBuf>,
    #[serde(skip)]
    source: Option<PathBuf>,
    #[serde(skip)]
    kernel_only: bool,
    #[serde(skip)]
    keep: bool,
    #[serde(skip)]
    list: bool,
}

impl Options {
    fn parse(args: &[String]) -> Result<Option<Self>, String> {
        let mut options = Self {
            only: Vec::new(),
            numbers: Numbers::Tenth,
            seed: 1,
            profile: "release".to_owned(),
            binary: None,
            source: None,
            kernel_only: false,
            keep: false,
            list: false,
        };
        let mut rest = args.iter();
        while let Some(arg) = rest.next() {
            let mut value = || rest.next().cloned().ok_or_else(|| format!("{arg} needs a value\n{USAGE}"));
            match arg.as_str() {
                "--help" => return Ok(None),
                "--list" => options.list = true,
                "--kernel-only" => options.kernel_only = true,
                "--keep" => options.keep = true,
                "--only" => options.only.push(value()?),
                "--profile" => options.profile = value()?,
                "--binary" => options.binary = Some(PathBuf::from(value()?)),
                "--source" => options.source = Some(PathBuf::from(value()?)),
                "--seed" => {
                    options.seed = value()?.parse().map_err(|_| format!("--seed needs a whole number\n{USAGE}"))?
                }
                "--numbers" => {
                    options.numbers = match value()?.as_str() {
                        "full" => Numbers::Full,
                        "tenth" => Numbers::Tenth,
                        "smoke" => Numbers::Smoke,
                        other => return Err(format!("--numbers knows no `{other}`\n{USAGE}")),
                    }
                }
                other => return Err(format!("gpio-lab knows no `{other}`\n{USAGE}")),
            }
        }
        Ok(Some(options))
    }

    /// True if this scenario was asked for.
    fn wants(&self, scenario: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|part| scenario.contains(part.as_str()))
    }
}

/// Runs the command. `args` are what follows `gpio-lab`.
///
/// # Errors
/// Wrong arguments, something the laboratory needs is missing, the guest failed, or a scenario did.
pub fn run(args: &[String]) -> Result<(), String> {
    let Some(options) = Options::parse(args)? else {
        print!("{USAGE}");
        return Ok(());
    };
    if options.list {
        for scenario in guest::SCENARIOS {
            println!("{:34} {}", scenario.name, scenario.what);
        }
        return Ok(());
    }
    if !guest::SCENARIOS.iter().any(|scenario| options.wants(scenario.name)) {
        return Err(format!("no scenario has `{}` in its name; --list names them", options.only.join("` or `")));
    }
    let kernel = kernel::get(options.source.as_deref(), options.keep)?;
    if options.kernel_only {
        return Ok(());
    }
    packages::require(Need::Run)?;
    let mut folder = machine::WorkFolder::create(options.keep)?;
    for module in kernel.modules() {
        let name = module.file_name().unwrap_or_default().to_string_lossy().into_owned();
        folder.put(&module, &name)?;
    }
    match &options.binary {
        Some(binary) => {
            folder.put(binary, "bin/plcrun")?;
            let inject = binary.with_file_name("plcrun-inject");
            if inject.exists() {
                folder.put(&inject, "bin/plcrun-inject")?;
            }
        }
        None => products(&folder, &options.profile)?,
    }
    folder.files(Path::new("xtask/lab"))?;
    folder.put(Path::new("io-config/relays/wago-859-386.yaml"), "files/wago-859-386.yaml")?;
    let plan = serde_json::to_string(&options).map_err(|e| format!("cannot write the plan: {e}"))?;
    folder.write("plan.json", &plan)?;
    println!("gpio-lab: boots the kernel");
    let outcomes = machine::run(&kernel, &mut folder, &options)?;
    conclude(&outcomes)
}

/// Builds the product, and a second one that can be told to fail, into the guest's folder.
fn products(folder: &machine::WorkFolder, profile: &str) -> Result<(), String> {
    let metadata = crate::metadata(false)?;
    let target = metadata.get("target_directory").and_then(serde_json::Value::as_str).unwrap_or("target");
    let built = Path::new(target).join(if profile == "dev" { "debug" } else { profile }).join("plcrun");
    // Both are built under one name: the one that must not be left behind comes first.
    for (features, name) in [("plcrun/inject", "bin/plcrun-inject"), ("", "bin/plcrun")] {
        println!("gpio-lab: builds {} (profile {profile})", name.trim_start_matches("bin/"));
        let mut args = vec!["build", "--quiet", "--locked", "--package", "plcrun", "--profile", profile];
        if !features.is_empty() {
            args.extend(["--features", features]);
        }
        crate::command("cargo", &args, &[])?;
        folder.put(&built, name)?;
    }
    Ok(())
}

fn conclude(outcomes: &[Outcome]) -> Result<(), String> {
    let count = |verdict| outcomes.iter().filter(|outcome| outcome.verdict == verdict).count();
    let (passed, failed, left_out) = (count(Verdict::Passed), count(Verdict::Failed), count(Verdict::LeftOut));
    println!("gpio-lab: {passed} passed, {failed} failed, {left_out} left out");
    if failed > 0 {
        return Err(format!("{failed} scenarios of the GPIO laboratory failed"));
    }
    if passed == 0 {
        return Err("no scenario was run to its end".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> Result<Option<Options>, String> {
        Options::parse(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn options_are_read() {
        let options = parse(&["--only", "kill", "--numbers", "smoke", "--seed", "7"]).unwrap().unwrap();
        assert!(options.wants("child killed") && !options.wants("stop"));
        assert_eq!((options.numbers.of(2000), options.seed), (3, 7));
        assert!(parse(&["--help"]).unwrap().is_none());
        for wrong in [&["--numbers", "some"][..], &["--numbers"], &["--seed", "x"], &["--fast"]] {
            assert!(parse(wrong).unwrap_err().contains("usage:"), "{wrong:?}");
        }
    }

    #[test]
    fn names_of_scenarios_are_unique_and_fit_the_table() {
        let mut names: Vec<&str> = guest::SCENARIOS.iter().map(|scenario| scenario.name).collect();
        assert!(names.iter().all(|name| name.len() <= 34));
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), guest::SCENARIOS.len());
    }
}
