//! What the laboratory needs from the system, and how to get it: installed by apt-get when we may, named when we may not.

use crate::command;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The kernel source the laboratory was made with: Debian 12's. Others are accepted with `--source`.
pub const SOURCE_PACKAGE: &str = "linux-source-6.1";
const SOURCE_FILE: &str = "/usr/src/linux-source-6.1.tar.xz";

/// Programs that build the kernel, each with the Debian package it comes in.
const TO_BUILD: [(&str, &str); 8] = [
    ("make", "make"),
    ("gcc", "gcc"),
    ("ld", "binutils"),
    ("flex", "flex"),
    ("bison", "bison"),
    ("bc", "bc"),
    ("tar", "tar"),
    ("xz", "xz-utils"),
];
/// Programs the guest uses, found in the host's root.
const TO_RUN: [(&str, &str); 5] =
    [("mount", "mount"), ("chrt", "util-linux"), ("insmod", "kmod"), ("strace", "strace"), ("i2cset", "i2c-tools")];

/// What a step needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Building the kernel.
    Build,
    /// Booting it and running scenarios.
    Run,
}

/// Makes sure that the programs of a step are there.
///
/// # Errors
/// Names the packages that are missing and cannot be installed by this user.
pub fn require(need: Need) -> Result<(), String> {
    let wanted: &[(&str, &str)] = match need {
        Need::Build => &TO_BUILD,
        Need::Run => &TO_RUN,
    };
    let mut missing: Vec<&str> =
        wanted.iter().filter(|(tool, _)| !present(tool)).map(|(_, package)| *package).collect();
    if need == Need::Build && !Path::new("/usr/include/stdio.h").exists() {
        missing.push("libc6-dev");
    }
    install(&missing)
}

/// The kernel source: the file that was given, or the one of Debian's package, installed when it is missing.
///
/// # Errors
/// The file does not exist, or the package cannot be installed.
pub fn source(given: Option<&Path>) -> Result<PathBuf, String> {
    if let Some(path) = given {
        let path = path.canonicalize().map_err(|e| format!("--source {}: {e}", path.display()))?;
        return Ok(path);
    }
    if !Path::new(SOURCE_FILE).exists() {
        install(&[SOURCE_PACKAGE]).map_err(|e| {
            format!(
                "{e}\nor give the source of a kernel 6.1 as a file: `cargo xtask gpio-lab --source linux-6.1.tar.xz`"
            )
        })?;
    }
    if Path::new(SOURCE_FILE).exists() {
        Ok(PathBuf::from(SOURCE_FILE))
    } else {
        Err(format!("package {SOURCE_PACKAGE} is installed, but {SOURCE_FILE} is not there: give the file by --source"))
    }
}

fn install(packages: &[&str]) -> Result<(), String> {
    if packages.is_empty() {
        return Ok(());
    }
    let by_hand = format!("install by hand: apt-get install --no-install-recommends {}", packages.join(" "));
    if !rustix::process::getuid().is_root() || !present("apt-get") {
        return Err(format!(
            "the laboratory needs packages this command cannot install: {}\n{by_hand}",
            packages.join(" ")
        ));
    }
    println!("gpio-lab: installs {} by apt-get", packages.join(" "));
    let quiet = [("DEBIAN_FRONTEND", "noninteractive")];
    let mut args = vec!["install", "--yes", "--quiet", "--no-install-recommends"];
    args.extend(packages);
    if command("apt-get", &args, &quiet).is_err() {
        // A fresh machine has no package lists yet.
        command("apt-get", &["update", "--quiet"], &quiet)?;
        command("apt-get", &args, &quiet).map_err(|e| format!("{e}\n{by_hand}"))?;
    }
    Ok(())
}

/// True if the shell finds a program of this name. Super-user tools may lie outside a user's PATH.
fn present(tool: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let beside = ["/usr/sbin", "/sbin", "/usr/bin", "/bin"].map(PathBuf::from);
    std::env::split_paths(&path).chain(beside).any(|folder| folder.join(tool).is_file())
}

/// `make` and friends, in a folder, with what they print kept in a log file.
///
/// # Errors
/// The command fails: the message has the end of its log.
pub fn logged(program: &str, args: &[&str], folder: &Path, log: &Path) -> Result<(), String> {
    let said = || std::fs::OpenOptions::new().create(true).append(true).open(log);
    let open = |e| format!("cannot write {}: {e}", log.display());
    let status = Command::new(program)
        .args(args)
        .current_dir(folder)
        .stdin(std::process::Stdio::null())
        .stdout(said().map_err(open)?)
        .stderr(said().map_err(open)?)
        .status()
        .map_err(|e| format!("cannot run {program}: {e}"))?;
    if status.success() {
        return Ok(());
    }
    Err(format!("`{program} {}` ended with {status}; {} ends with\n{}", args.join(" "), log.display(), tail(log, 15)))
}

/// The last lines of a file, indented.
pub fn tail(path: &Path, lines: usize) -> String {
    let bytes = std::fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let all: Vec<&str> = text.lines().collect();
    let from = all.len().saturating_sub(lines);
    all.iter().skip(from).map(|line| format!("    {line}\n")).collect()
}
