//! Programs and maps of tests, compiled and loaded as the command does it.
#![allow(dead_code, reason = "each test file uses a part")]

use compiler::Compiled;
use compiler::source::SourceMap;
use lint::config::CheckSettings;
use lint::{Activity, Checked, MapInput, Subject};
use runtime::config::files::Texts;
use runtime::config::yaml::{Node, SizeLimit, parse};
use runtime::config::{Loaded, Severity};
use std::path::Path;

/// The sheet that maps of tests name as `relays: [wago.yaml]`.
pub const SHEET: &str = include_str!("../../../io-config/relays/wago-859-386.yaml");

/// A place: file, line, column.
pub type Mark = (String, u32, u32);

/// The text without its marks `«`, and where they stood.
pub fn unmarked(file: &str, text: &str) -> (String, Vec<Mark>) {
    let mut plain = String::new();
    let mut marks = Vec::new();
    let (mut line, mut column) = (1, 1);
    for c in text.chars() {
        match c {
            '«' => {
                marks.push((file.to_owned(), line, column));
                continue;
            }
            '\n' => (line, column) = (line + 1, 1),
            _ => column += 1,
        }
        plain.push(c);
    }
    (plain, marks)
}

/// A program and its map, ready to be checked.
pub struct Given {
    pub sources: SourceMap,
    pub compiled: Compiled,
    pub map_text: String,
    pub loaded: Option<Loaded>,
}

impl Given {
    pub fn new(program: &str, map: &str) -> Self {
        let mut sources = SourceMap::new();
        let id = sources.add("main.st", program);
        let compiled = compiler::compile(&sources, &[id], compiler::Options::default());
        let texts = Texts::new().with("main.io.yaml", map).with("wago.yaml", SHEET);
        let loaded = compiled.image.as_ref().filter(|_| !map.is_empty()).map(|image| {
            let image = bytecode::verify(image.clone()).unwrap();
            runtime::config::load(Path::new("main.io.yaml"), &texts, image.image())
        });
        Self { sources, compiled, map_text: map.to_owned(), loaded }
    }

    /// Errors of the map.
    pub fn refused(&self) -> Vec<runtime::config::Finding> {
        let findings = self.loaded.iter().flat_map(|l| &l.findings);
        findings.filter(|f| f.severity == Severity::Error).cloned().collect()
    }

    pub fn check(&self, settings: &CheckSettings) -> Checked {
        self.check_with(settings, &[])
    }

    /// With operations of a simulation.
    pub fn check_with(&self, settings: &CheckSettings, activity: &[Activity]) -> Checked {
        let map = self.loaded.as_ref().map(|loaded| MapInput {
            file: "main.io.yaml",
            text: &self.map_text,
            findings: &loaded.findings,
            map: loaded.map.as_ref(),
        });
        let subject = Subject { sources: &self.sources, compiled: &self.compiled, map, activity };
        lint::check(&subject, settings, &str::to_owned)
    }
}

/// The tree of a YAML text.
pub fn node(text: &str) -> Node {
    parse(text, SizeLimit { bytes_max: 1 << 20, remedy: "" }).unwrap()
}
