//! What a test run writes: reports, waveforms, coverage, recorded traces.

use super::{Loaded, Ran};
use crate::args::TestArgs;
use crate::args::test::CoverageForm;
use crate::exit::Refusal;
use crate::files;
use crate::terminal::Console;
use compiler::draw::{Drawing, Style};
use runtime::config::files::beside;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use timeline::coverage::{self, Coverage, Hits};
use timeline::export::{self, Outcome, Page};
use timeline::report::{FailureKind, Report};
use timeline::{Suite, Version};

/// Where things go.
pub(super) struct Written<'a> {
    args: &'a TestArgs,
    /// Recorded traces written in this run.
    blessed: BTreeMap<PathBuf, String>,
}

impl<'a> Written<'a> {
    /// Makes sure that what is asked for can be written, before anything runs.
    ///
    /// # Errors
    /// A folder cannot be made.
    pub(super) fn new(args: &'a TestArgs) -> Result<Self, Refusal> {
        if let Some(folder) = &args.vcd {
            std::fs::create_dir_all(folder).map_err(|e| unwritable(folder, &e))?;
        }
        Ok(Self { args, blessed: BTreeMap::new() })
    }

    /// Programs are built with probes.
    pub(super) fn needs_coverage(&self) -> bool {
        self.args.coverage.is_some() || self.args.lcov.is_some()
    }

    /// Writes the recorded traces of a file anew, and takes back the failures that this mends.
    ///
    /// # Errors
    /// A file cannot be written; two versions of a program record different traces.
    pub(super) fn bless(&mut self, path: &Path, report: &mut Report) -> Result<(), Refusal> {
        for test in report.versions.iter_mut().flat_map(|version| &mut version.tests) {
            let Some(golden) = test.golden.as_mut().filter(|golden| !golden.same) else { continue };
            let file = beside(path, &golden.file);
            if let Some(other) = self.blessed.get(&file)
                && *other != golden.text
            {
                return Err(Refusal::findings(
                    format!("two tests or versions record different traces in {}", files::shown(&file)),
                    "give each a file of its own",
                ));
            }
            write(&file, &golden.text)?;
            self.blessed.insert(file, golden.text.clone());
            golden.same = true;
            test.failures.retain(|failure| !matches!(failure.kind, FailureKind::Golden { .. }));
            if test.failures.is_empty() {
                test.diagram = None;
            }
        }
        Ok(())
    }

    /// Writes each test as a waveform, and lets the changes go.
    ///
    /// # Errors
    /// A file cannot be written.
    pub(super) fn waveforms(&self, ran: &mut Ran) -> Result<(), Refusal> {
        let (Some(folder), Some(report)) = (&self.args.vcd, &mut ran.report) else { return Ok(()) };
        let file = Path::new(&report.file).file_name().map(|name| name.to_string_lossy().into_owned());
        let stem = file.unwrap_or_default().replace(".test.yaml", "");
        let several = report.versions.len() > 1;
        for version in &mut report.versions {
            let program = if several { format!(".{}", plain(&version.program)) } else { String::new() };
            for test in &mut version.tests {
                if let Some(trace) = test.trace.take() {
                    let name = format!("{}{program}.{}.vcd", plain(&stem), plain(&test.name));
                    write(&folder.join(name), &export::vcd(&test.name, &trace))?;
                }
            }
        }
        Ok(())
    }

    /// Writes and prints everything that speaks of all files.
    ///
    /// # Errors
    /// A file cannot be written.
    pub(super) fn reports(&self, ran: &[Ran], console: &Console) -> Result<(), Refusal> {
        let outcomes: Vec<Outcome<'_>> = ran.iter().filter_map(outcome).collect();
        if let Some(path) = &self.args.junit {
            write(path, &export::junit(&outcomes))?;
        }
        if self.args.json {
            console.print(&export::json(&outcomes))?;
        }
        let counted = counted(ran);
        let coverage: Vec<(String, Coverage<'_>)> = counted
            .iter()
            .filter_map(|(name, version, hits)| {
                let probes = version.probes.as_ref()?;
                Some((name.clone(), Coverage { sources: &version.sources, probes, hits }))
            })
            .collect();
        if let Some(path) = &self.args.lcov {
            write(path, &coverage::lcov(coverage.iter().map(|(_, one)| *one)))?;
        }
        if let Some(path) = &self.args.html {
            let made = format!("plcrun {}", env!("CARGO_PKG_VERSION"));
            let page = Page { title: "Timeline tests", made: &made, outcomes: &outcomes, coverage: &coverage };
            write(path, &export::page(&page))?;
        }
        if let Some(form) = self.args.coverage.filter(|_| !self.args.json) {
            for (name, one) in &coverage {
                console.print(&coverage::table(name, one))?;
                if form == CoverageForm::Ladder {
                    console.print(&ladders(one, self.args.ascii, console.color_out))?;
                }
            }
        }
        Ok(())
    }
}

fn outcome(ran: &Ran) -> Option<Outcome<'_>> {
    match (&ran.report, &ran.loaded) {
        (Some(report), _) => Some(Outcome::Ran(report)),
        (None, Loaded { suite: Err(why), path }) => path.to_str().map(|file| Outcome::Unusable(file, why)),
        (None, Loaded { suite: Ok(_), .. }) => None,
    }
}

/// Each program once, with what all files that test it have seen.
fn counted(ran: &[Ran]) -> Vec<(String, &Version, Hits)> {
    let mut all: Vec<(String, &Version, Option<Hits>)> = Vec::new();
    for one in ran {
        let (Ok(suite), Some(report)) = (&one.loaded.suite, &one.report) else { continue };
        let suite: &Suite = suite;
        for (version, reported) in suite.versions.iter().zip(&report.versions) {
            let names: Vec<&str> = version.sources.map.iter().map(|(_, source)| source.name()).collect();
            let name = names.join(", ");
            let index = all.iter().position(|(other, known, _)| *other == name && known.probes == version.probes);
            let index = index.unwrap_or_else(|| {
                all.push((name, version, None));
                all.len() - 1
            });
            let Some((_, _, hits)) = all.get_mut(index) else { continue };
            for test in &reported.tests {
                Hits::join(hits, test.hits.as_ref());
            }
        }
    }
    all.into_iter().filter_map(|(name, version, hits)| Some((name, version, hits?))).collect()
}

/// Without colours the ladders show nothing of the coverage; what is missing stands in the table.
fn ladders(one: &Coverage<'_>, ascii: bool, colour: bool) -> String {
    let tones = if colour { one.tones() } else { compiler::draw::Tones::new() };
    let style = if ascii { Style::Ascii } else { Style::Unicode };
    let draw = |file| Drawing { project: &one.sources.files, ..Drawing::new(&one.sources.map, file) };
    let drawings = one.sources.files.iter().map(|file| draw(file).coloured_text(style, &tones));
    drawings.collect()
}

/// A name as part of a file name.
fn plain(name: &str) -> String {
    let mut plain = String::new();
    for letter in name.chars() {
        if letter.is_alphanumeric() || letter == '_' {
            plain.push(letter);
        } else if !plain.is_empty() && !plain.ends_with('-') {
            plain.push('-');
        }
    }
    // File systems take 255 bytes; a sentence is cut, not refused.
    plain.chars().take(80).collect::<String>().trim_end_matches('-').to_owned()
}

fn write(path: &Path, text: &str) -> Result<(), Refusal> {
    std::fs::write(path, text).map_err(|e| unwritable(path, &e))
}

fn unwritable(path: &Path, error: &std::io::Error) -> Refusal {
    Refusal::wrong_use(
        format!("{} cannot be written: {error}", files::shown(path)),
        "check that its folder is there and may be written to",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_tests_become_names_of_files() {
        assert_eq!(plain("stop, while in star (2)"), "stop-while-in-star-2");
        assert!(plain(&"x".repeat(300)).len() <= 80);
    }
}
