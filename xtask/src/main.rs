//! Developer commands: `cargo xtask ci`, `rooms`, `licences`, `bench`, `gpio-lab`, `deb`.

mod bench;
mod ci;
mod deb;
mod judge;
mod lab;
mod licences;
mod reliability;
mod rooms;

use serde_json::Value;
use std::process::{Command, ExitCode};

const USAGE: &str = "usage: cargo xtask COMMAND

  ci         what CI runs: format, arrows of the rooms, lints, documentation, licences, tests
  rooms      checks that the rooms import only what ARCHITECTURE.md allows
  licences   checks the licence of every dependency
  bench      measures compiling, loading and running the benchmark programs (`bench --help`)
  gpio-lab   runs the product on real GPIO lines of a user-mode Linux kernel (`gpio-lab --help`)
  reliability
             kills the product in every way on file chips and judges what its lines did (`reliability --help`);
             `reliability store`: power cuts and kills of the retained store
  deb        makes the Debian package, and tries it with --test (`deb --help`)
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let Some(("gpio-lab-guest", rest)) = args.split_first().map(|(first, rest)| (first.as_str(), rest)) {
        return finish(lab::run_guest(rest));
    }
    // The process that a trial of the retained store kills.
    if let Some(("store-writer", rest)) = args.split_first().map(|(first, rest)| (first.as_str(), rest)) {
        return finish(reliability::store_writer(rest));
    }
    let result = to_workspace_root().and_then(|()| match args.first().map(String::as_str) {
        Some("ci") => ci::run(),
        Some("rooms") => rooms::run(&metadata(false)?),
        Some("licences") => licences::run(&metadata(true)?).map(|n| println!("{n} packages, all licences accepted")),
        Some("deb") => deb::run(args.get(1..).unwrap_or_default()),
        Some("bench") => bench::run(args.get(1..).unwrap_or_default()),
        Some("gpio-lab") => lab::run(args.get(1..).unwrap_or_default()),
        Some("reliability") => reliability::run(args.get(1..).unwrap_or_default()),
        Some(other) => Err(format!("no command `{other}`\n{USAGE}")),
        None => Err(USAGE.to_owned()),
    });
    finish(result)
}

fn finish(result: Result<(), String>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("xtask: {message}");
            ExitCode::FAILURE
        }
    }
}

/// Every command works on the whole workspace, from whichever folder it is called.
fn to_workspace_root() -> Result<(), String> {
    let manifest = std::env::var("CARGO_MANIFEST_DIR").map_err(|_| "call me as `cargo xtask`")?;
    let root = std::path::Path::new(&manifest).parent().ok_or("xtask has no parent folder")?;
    std::env::set_current_dir(root).map_err(|e| format!("cannot enter {}: {e}", root.display()))
}

/// Runs a command with its output shown.
fn command(program: &str, args: &[&str], environment: &[(&str, &str)]) -> Result<(), String> {
    let status = Command::new(program).args(args).envs(environment.iter().copied()).status();
    match status {
        Ok(s) if s.success() => Ok(()),
        Ok(s) => Err(format!("`{program} {}` ended with {s}", args.join(" "))),
        Err(e) => Err(format!("cannot run {program}: {e}")),
    }
}

/// `cargo metadata`: the workspace's packages, or with `all` every package it builds with.
fn metadata(all: bool) -> Result<Value, String> {
    let mut args = vec!["metadata", "--format-version", "1", "--locked"];
    if !all {
        args.push("--no-deps");
    }
    let output = Command::new("cargo").args(&args).output().map_err(|e| format!("cannot run cargo: {e}"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    serde_json::from_slice(&output.stdout).map_err(|e| format!("cargo metadata is not JSON: {e}"))
}
