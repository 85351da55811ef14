//! What the package holds beside the binary and the files of the checkout: made by the binary itself, or from cargo's own
//! knowledge of what was linked.

use crate::metadata;
use serde_json::Value;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The shells, and the names their completions are looked for under.
const COMPLETIONS: [(&str, &str); 3] = [("bash", "plcrun"), ("zsh", "_plcrun"), ("fish", "plcrun.fish")];

/// Fills the folder anew; the binary of this profile, which filled it.
///
/// # Errors
/// A file cannot be written, or the binary is missing or fails.
pub fn run(folder: &Path, profile: &str) -> Result<PathBuf, String> {
    let shown = |e: std::io::Error| format!("{}: {e}", folder.display());
    for part in ["man", "completions"] {
        let path = folder.join(part);
        if path.exists() {
            std::fs::remove_dir_all(&path).map_err(shown)?;
        }
        std::fs::create_dir_all(&path).map_err(shown)?;
    }
    let everything = metadata(true)?;
    let binary = target(&everything)?.join(profile).join("plcrun");
    ask(&binary, &["man", &folder.join("man").display().to_string()])?;
    for (shell, name) in COMPLETIONS {
        let script = ask(&binary, &["completions", shell])?;
        std::fs::write(folder.join("completions").join(name), script).map_err(shown)?;
    }
    std::fs::write(folder.join("third-party.txt"), libraries(&everything)).map_err(shown)?;
    let output = Command::new("gzip").args(["-9nc", "CHANGELOG.md"]).stderr(Stdio::inherit()).output();
    let output = output.map_err(|e| format!("cannot run gzip: {e}"))?;
    std::fs::write(folder.join("changelog.gz"), output.stdout).map_err(shown)?;
    Ok(binary)
}

fn target(metadata: &Value) -> Result<PathBuf, String> {
    let path = metadata.get("target_directory").and_then(Value::as_str);
    path.map(Into::into).ok_or_else(|| "cargo metadata names no target directory".to_owned())
}

fn ask(binary: &Path, args: &[&str]) -> Result<Vec<u8>, String> {
    let output = Command::new(binary).args(args).stderr(Stdio::inherit()).output();
    let output = output.map_err(|e| format!("cannot run {}: {e}; build it without --no-build", binary.display()))?;
    if output.status.success() {
        Ok(output.stdout)
    } else {
        Err(format!("{} {} ended with {}", binary.display(), args.join(" "), output.status))
    }
}

/// The libraries that cargo may have linked into the binary, with the licence each declares.
fn libraries(metadata: &Value) -> String {
    let mut text =
        "Libraries linked into plcrun, each under the licence it declares. Their sources, with the full texts and\n\
                    notices, are on crates.io under these names and versions.\n\n"
            .to_owned();
    let mut rows: Vec<String> = Vec::new();
    for package in metadata.get("packages").and_then(Value::as_array).into_iter().flatten() {
        let field = |key: &str| package.get(key).and_then(Value::as_str).unwrap_or_default();
        // Our own packages come from no registry.
        if package.get("source").is_none_or(Value::is_null) {
            continue;
        }
        let authors: Vec<&str> =
            package.get("authors").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
        let authors = if authors.is_empty() { field("repository").to_owned() } else { authors.join(", ") };
        rows.push(format!("{} {}: {} ({authors})", field("name"), field("version"), field("license")));
    }
    rows.sort();
    for row in rows {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{row}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_listed_with_their_licence_and_our_own_rooms_are_not() {
        let metadata = serde_json::json!({"packages": [
            {"name": "z", "version": "1.0.0", "license": "MIT", "source": "registry", "authors": ["A <a@b>"]},
            {"name": "plcrun", "version": "0.1.0", "license": "MIT", "source": null, "authors": []},
        ]});
        let text = libraries(&metadata);
        assert!(text.contains("z 1.0.0: MIT (A <a@b>)") && !text.contains("plcrun 0.1.0"), "{text}");
    }
}
