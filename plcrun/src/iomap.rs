//! Which I/O map belongs to a program, and what was found in it.
//!
//! The map is the one named by `--io`, else `NAME.io.yaml` beside the first file, else none: then every located BOOL stands
//! on the simulated rack.

use crate::exit::Refusal;
use crate::files;
use crate::project::plural;
use crate::terminal::{Console, Tint, tinted};
use bytecode::Image;
use runtime::config::files::Files;
use runtime::config::{Finding, IoMap, Severity};
use std::path::{Path, PathBuf};

/// Where the I/O map comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Named by `--io`.
    Named(PathBuf),
    /// Found by its name beside the program.
    Beside(PathBuf),
    /// There is none: the simulated rack.
    None,
}

impl Origin {
    /// The path, where there is a map.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Named(path) | Self::Beside(path) => Some(path),
            Self::None => None,
        }
    }
}

/// Finds the I/O map of a program.
#[must_use]
pub fn find(named: Option<&Path>, programs: &[PathBuf]) -> Origin {
    if let Some(path) = named {
        return Origin::Named(path.to_path_buf());
    }
    let beside = programs.first().and_then(|first| {
        let stem = first.file_stem()?.to_str()?;
        Some(first.with_file_name(format!("{stem}.io.yaml")))
    });
    beside.filter(|p| p.exists()).map_or(Origin::None, Origin::Beside)
}

/// A map named on the command line can be read.
///
/// # Errors
/// Why it cannot: wrong use, not a finding.
pub fn must_exist(origin: &Origin) -> Result<(), Refusal> {
    match origin {
        Origin::Named(path) => files::read_text(path).map(|_| ()),
        Origin::Beside(_) | Origin::None => Ok(()),
    }
}

/// The checked map and everything found; `None` where a finding is an error. A scan period may stand in for the map's, and files
/// may have been read before.
#[must_use]
pub fn load_at(
    origin: &Origin,
    image: &Image,
    period_ns: Option<u64>,
    files: &dyn Files,
) -> (Option<IoMap>, Vec<Finding>) {
    match origin {
        Origin::Named(path) | Origin::Beside(path) => {
            let loaded = runtime::config::load_at(path, files, image, period_ns);
            (loaded.map, loaded.findings)
        }
        Origin::None => match runtime::config::simulated_at(image, period_ns) {
            Ok(map) => (Some(map), Vec::new()),
            Err(findings) => (None, findings),
        },
    }
}

/// The checked map, with a scan period that stands in for its own where one is given. Errors go to standard
/// error in full, warnings as their number.
///
/// # Errors
/// The map has errors; they have been printed and the refusal counts them.
pub fn required_at(
    origin: &Origin,
    image: &Image,
    period_ns: Option<u64>,
    files: &dyn Files,
    console: &Console,
) -> Result<IoMap, Refusal> {
    let (map, findings) = load_at(origin, image, period_ns, files);
    let errors = findings.iter().filter(|f| f.severity == Severity::Error).count();
    let Some(map) = map else {
        console.message(&render(&findings, console.color_err));
        // Without a map everything found is about the program: its inputs, outputs and tasks.
        let whose = if *origin == Origin::None { "program" } else { "I/O map" };
        return Err(Refusal::findings(format!("{} in the {whose}; nothing was started", plural(errors, "error")), ""));
    };
    // In full they would stand above every run; whoever wires the cabinet reads them with `check`.
    let warnings = findings.iter().filter(|f| f.severity == Severity::Warning).count();
    if warnings > 0 {
        let word = tinted(console.color_err, Tint::Doubtful, "warning");
        let file = origin.path().map_or_else(String::new, |p| format!(" of {}", p.display()));
        console.message(&format!("{word}: {}{file}; `plcrun check` shows them\n", plural(warnings, "doubtful point")));
    }
    Ok(map)
}

/// Findings as text, an empty line after each.
#[must_use]
pub fn render(findings: &[Finding], color: bool) -> String {
    findings
        .iter()
        .map(|finding| {
            let text = finding.to_string();
            let word = finding.severity.word();
            let tint = match finding.severity {
                Severity::Error => Tint::Bad,
                Severity::Warning => Tint::Doubtful,
                Severity::Note => Tint::Strong,
            };
            match text.strip_prefix(word) {
                Some(rest) => format!("{}{rest}\n\n", tinted(color, tint, word)),
                None => format!("{text}\n\n"),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_map_beside_is_found_by_name_and_a_named_one_wins() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("a.ld");
        assert_eq!(find(None, std::slice::from_ref(&program)), Origin::None);
        let map = folder.path().join("a.io.yaml");
        std::fs::write(&map, "").unwrap();
        assert_eq!(find(None, std::slice::from_ref(&program)), Origin::Beside(map));
        let named = PathBuf::from("other.yaml");
        assert_eq!(find(Some(&named), &[program]), Origin::Named(named));
    }

    #[test]
    fn a_named_map_that_is_missing_is_wrong_use() {
        let refused = must_exist(&Origin::Named("no/such.yaml".into())).unwrap_err();
        assert!(refused.what.contains("there is no such file"), "{refused}");
        assert!(must_exist(&Origin::None).is_ok());
    }
}
