//! What CI runs, step by step: format, lints, documentation, arrows, licences, tests.

use crate::{command, licences, metadata, rooms};
use std::time::Instant;

/// Runs every step; the first that fails ends it.
///
/// # Errors
/// Names the step and says how to run it alone.
pub fn run() -> Result<(), String> {
    step("format", "cargo fmt --all --check", || command("cargo", &["fmt", "--all", "--check"], &[]))?;
    step("arrows of the rooms", "cargo xtask rooms", || rooms::run(&metadata(false)?))?;
    step("lints", "cargo clippy --workspace --all-targets --locked -- -D warnings", || {
        command(
            "cargo",
            &["clippy", "--quiet", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"],
            &[],
        )
    })?;
    let without =
        ["clippy", "--quiet", "--package", "plcrun", "--no-default-features", "--locked", "--", "-D", "warnings"];
    step("a build without native code", "cargo clippy -p plcrun --no-default-features", || {
        command("cargo", &without, &[])
    })?;
    step("documentation", "RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps --locked", || {
        let args = ["doc", "--quiet", "--workspace", "--no-deps", "--locked"];
        command("cargo", &args, &[("RUSTDOCFLAGS", "-D warnings")])
    })?;
    step("licences", "cargo xtask licences", || licences::run(&metadata(true)?).map(|_| ()))?;
    audit()?;
    // The default members are what `cargo test` in the README covers; xtask's own tests come on top.
    step("tests", "cargo test --locked", || command("cargo", &["test", "--locked"], &[]))?;
    // Hangs and panics of the scan thread need a build that can make them; no released program has the feature.
    let inject = "cargo test --locked -p plcrun --features inject --test guardian";
    step("guardian with injected defects", inject, || {
        let args = ["test", "--quiet", "--locked", "-p", "plcrun", "--features", "inject", "--test", "guardian"];
        command("cargo", &args, &[])
    })?;
    step("tests of xtask", "cargo test --locked -p xtask", || {
        command("cargo", &["test", "--quiet", "--locked", "-p", "xtask"], &[])
    })
}

/// cargo-deny goes further than our own licence check (bans, sources), where it is installed.
fn audit() -> Result<(), String> {
    let installed =
        std::process::Command::new("cargo-deny").arg("--version").output().is_ok_and(|o| o.status.success());
    if !installed {
        println!("== skipped: cargo-deny is not installed (bans and sources are not checked; licences were, above)");
        return Ok(());
    }
    step("bans and sources", "cargo deny check bans sources licenses", || {
        command("cargo", &["deny", "--offline", "check", "bans", "sources", "licenses"], &[])
    })
}

fn step(name: &str, alone: &str, work: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
    println!("== {name}");
    let start = Instant::now();
    work().map_err(|e| format!("{name}: {e}\nrun it alone: {alone}"))?;
    println!("== {name}: passed in {:.1} s", start.elapsed().as_secs_f64());
    Ok(())
}
