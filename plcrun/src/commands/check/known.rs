//! Baselines of a command: each program uses that of its settings, or all of them the one named on the command line.

use super::look::{Look, project_name};
use crate::exit::Refusal;
use crate::files;
use crate::settings::Settings;
use lint::baseline::{self, Baseline};
use lint::{Finding, Region};
use runtime::config::files::beside;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// How a baseline file is called where nobody says.
const FILE: &str = "plcrun.baseline.json";

/// The baselines of a command.
#[derive(Debug)]
pub struct Baselines {
    /// Named on the command line.
    named: Option<PathBuf>,
}

impl Baselines {
    /// Of a command with or without `--baseline`.
    #[must_use]
    pub fn new(named: Option<PathBuf>) -> Self {
        Self { named }
    }

    /// The file for programs with these settings.
    fn file(&self, settings: &Settings) -> Option<PathBuf> {
        let set = || Some(beside(settings.file.as_deref()?, settings.check.baseline.as_deref()?));
        self.named.clone().or_else(set)
    }

    /// Writes the baselines anew and names the files.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn write(&mut self, looks: &[Look]) -> Result<Vec<PathBuf>, Refusal> {
        let mut by_file: BTreeMap<PathBuf, Vec<&Look>> = BTreeMap::new();
        for look in looks {
            let default = || look.settings.folder().unwrap_or(Path::new("")).join(FILE);
            let file = self.file(&look.settings).unwrap_or_else(default);
            by_file.entry(file.strip_prefix(".").map(Path::to_path_buf).unwrap_or(file)).or_default().push(look);
        }
        for (file, looks) in &by_file {
            let findings: Vec<Finding> = looks.iter().flat_map(|l| l.checked.findings.iter().cloned()).collect();
            let settings = looks.first().map(|l| l.settings.clone()).unwrap_or_default();
            let text = baseline::write(&findings, &|name| project_name(&settings, name));
            files::write_atomically(file, text.as_bytes())?;
        }
        let written: Vec<PathBuf> = by_file.into_keys().collect();
        if self.named.is_none() {
            // What was just written is what hides now.
            self.named = written.first().cloned().filter(|_| written.len() == 1);
        }
        Ok(written)
    }

    /// Hides what the baselines know, and says which of their entries are gone.
    ///
    /// # Errors
    /// A baseline cannot be read, or is none.
    pub fn apply(&self, looks: &mut [Look]) -> Result<(), Refusal> {
        let mut read: BTreeMap<PathBuf, Baseline> = BTreeMap::new();
        for look in looks.iter_mut() {
            let Some(file) = self.file(&look.settings) else { continue };
            if !read.contains_key(&file) {
                read.insert(file.clone(), load(&file)?);
            }
            if let Some(baseline) = read.get_mut(&file) {
                baseline.apply(&mut look.checked.findings);
            }
        }
        for (file, baseline) in &read {
            let of_file = |look: &Look| self.file(&look.settings).as_ref() == Some(file);
            // Entries about files that were not looked at may well hold still.
            let seen: Vec<String> = looks
                .iter()
                .filter(|l| of_file(l))
                .flat_map(|l| {
                    l.inputs().map(|p| project_name(&l.settings, &p.display().to_string())).collect::<Vec<_>>()
                })
                .collect();
            let gone: Vec<String> = baseline.gone(&|name| seen.iter().any(|s| s == name)).collect();
            if let Some(look) = looks.iter_mut().find(|l| of_file(l)) {
                let region = Region { file: file.display().to_string(), ..Region::default() };
                let settings = look.settings.check.clone();
                look.checked
                    .findings
                    .extend(gone.into_iter().filter_map(|text| lint::gone(&settings, region.clone(), text)));
            }
        }
        Ok(())
    }
}

fn load(file: &Path) -> Result<Baseline, Refusal> {
    let text = files::read_text(file)?;
    Baseline::read(&text).map_err(|why| {
        let what = format!("{} is no baseline: {why}", files::shown(file));
        Refusal::wrong_use(what, "write it anew with `--write-baseline`")
    })
}
