//! `cargo xtask deb`: the Debian package, and its trial.
//!
//! The package itself is described in `plcrun/Cargo.toml` (`[package.metadata.deb]`) and `packaging/`; cargo-deb makes it.
//! Here stand what has to be made before (manual pages, completions, the list of linked libraries: [`stage`]) and the
//! trial: a scratch copy of this machine's root in which systemd runs ([`scratch`]), where the package is installed,
//! started, upgraded, removed and purged ([`trial`]). The machine itself is not changed.

mod lint;
mod scratch;
mod stage;
mod trial;
mod udev;

use crate::command;
use std::path::{Path, PathBuf};
use std::process::Command;

const USAGE: &str = "usage: cargo xtask deb [--test] [--no-build]

  makes the Debian package in target/deb (cargo-deb 3, installed into target/tools when missing)
  --test      tries it: installs, starts, upgrades, removes and purges it in a scratch root; needs root and systemd
  --no-build  takes the binary of the profile `dist` as it is
";

/// Where everything made here is put.
const FOLDER: &str = "target/deb";
/// Where cargo-deb is installed when this machine has none.
const TOOLS: &str = "target/tools";
/// The build profile of what is shipped.
const PROFILE: &str = "dist";
/// A binary that has grown beyond this has taken in something that wants a look.
const BINARY_BYTES_MAX: u64 = 15_000_000;

/// Runs the command. `args` are what follows `deb`.
///
/// # Errors
/// Wrong arguments, a tool that is missing, or a step of the trial that failed.
pub fn run(args: &[String]) -> Result<(), String> {
    let (mut test, mut build) = (false, true);
    for arg in args {
        match arg.as_str() {
            "--test" => test = true,
            "--no-build" => build = false,
            "--help" => {
                print!("{USAGE}");
                return Ok(());
            }
            other => return Err(format!("deb knows no `{other}`\n{USAGE}")),
        }
    }
    if build {
        command("cargo", &["build", "--profile", PROFILE, "--locked", "--package", "plcrun"], &[])?;
    }
    let binary = stage::run(Path::new(FOLDER), PROFILE)?;
    check_size(&binary)?;
    let tool = cargo_deb()?;
    let version = env!("CARGO_PKG_VERSION");
    let package = pack(&tool, &format!("{version}-1"))?;
    println!("{}", package.display());
    if !test {
        return Ok(());
    }
    // Only the number differs: what is tried is what dpkg and the scripts do with it.
    let next = pack(&tool, &format!("{version}-2"))?;
    lint::run(&package)?;
    trial::run(&package, &next)
}

fn check_size(binary: &Path) -> Result<(), String> {
    let bytes = std::fs::metadata(binary).map_err(|e| format!("{}: {e}", binary.display()))?.len();
    println!("{}: {bytes} bytes", binary.display());
    if bytes > BINARY_BYTES_MAX {
        return Err(format!(
            "the binary has more than {BINARY_BYTES_MAX} bytes: look at what came in, or raise the limit with a reason"
        ));
    }
    Ok(())
}

/// cargo-deb of version 3: this machine's, or one of our own.
fn cargo_deb() -> Result<PathBuf, String> {
    let own = Path::new(TOOLS).join("bin/cargo-deb");
    for candidate in [PathBuf::from("cargo-deb"), own.clone()] {
        let output = Command::new(&candidate).arg("--version").output();
        // It says `cargo-deb 3.8.0`.
        let version = output.map(|o| String::from_utf8_lossy(&o.stdout).into_owned()).unwrap_or_default();
        if version.split_whitespace().any(|word| word.starts_with("3.")) {
            return Ok(candidate);
        }
    }
    println!("cargo-deb 3 is not installed: installing it into {TOOLS}");
    // Without its default features it compresses by the command xz, and needs no C library for it.
    let args = ["install", "cargo-deb", "--locked", "--version", "^3", "--no-default-features", "--root", TOOLS];
    command("cargo", &args, &[])?;
    Ok(own)
}

/// Makes the package under a version.
fn pack(tool: &Path, version: &str) -> Result<PathBuf, String> {
    let args = [
        "deb",
        "--quiet",
        "--package",
        "plcrun",
        "--profile",
        PROFILE,
        "--no-build",
        "--locked",
        "--deb-version",
        version,
    ];
    let output = Command::new(tool).args(args).args(["--output", FOLDER]).output();
    let output = output.map_err(|e| format!("cannot run {}: {e}", tool.display()))?;
    if !output.status.success() {
        return Err(format!("cargo-deb failed: {}", String::from_utf8_lossy(&output.stderr)));
    }
    // The last line is the path of what was made.
    let text = String::from_utf8_lossy(&output.stdout);
    let path = text.lines().last().map(str::trim).filter(|l| l.ends_with(".deb"));
    path.map(PathBuf::from).ok_or_else(|| format!("cargo-deb named no package: {text}"))
}

#[cfg(test)]
mod tests {
    /// The package's own changelog begins with the version that is built.
    #[test]
    fn the_debian_changelog_names_this_version() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let text = std::fs::read_to_string(root.join("packaging/debian/changelog")).unwrap();
        assert!(
            text.starts_with(&format!("plcrun ({}-1) ", env!("CARGO_PKG_VERSION"))),
            "packaging/debian/changelog needs an entry of this version at its top"
        );
    }
}
