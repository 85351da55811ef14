//! `plcrun check`: compile the program and validate its I/O map; run nothing.
//!
//! All findings are collected before anything is printed, so that text and JSON tell the same.

use crate::args::CheckArgs;
use crate::exit::{Exit, Refusal};
use crate::iomap::{self, Origin};
use crate::project::{self, Outcome, plural};
use crate::terminal::{Console, Tint, tinted};
use compiler::diag::{Diagnostic, render_all};
use compiler::source::SourceMap;
use runtime::config::{Finding, Severity};
use serde_json::{Value, json};

/// Everything found about one program.
struct Report {
    sources: SourceMap,
    diagnostics: Vec<Diagnostic>,
    findings: Vec<Finding>,
    /// What was looked at, for the closing line.
    program: String,
    map: Origin,
}

impl Report {
    fn errors(&self) -> usize {
        let severe = self.findings.iter().filter(|f| f.severity == Severity::Error).count();
        self.diagnostics.iter().filter(|d| d.is_error()).count() + severe
    }

    fn warnings(&self) -> usize {
        let doubtful = self.findings.iter().filter(|f| f.severity == Severity::Warning).count();
        self.diagnostics.iter().filter(|d| !d.is_error()).count() + doubtful
    }

    /// Remarks that need nobody to act: they change no exit code.
    fn notes(&self) -> usize {
        self.findings.iter().filter(|f| f.severity == Severity::Note).count()
    }

    fn exit(&self) -> Exit {
        if self.errors() + self.warnings() == 0 { Exit::Clean } else { Exit::Findings }
    }
}

/// Checks and reports.
///
/// # Errors
/// A file cannot be read, or an image is damaged.
pub fn run(args: &CheckArgs, console: &Console) -> Result<Exit, Refusal> {
    let report = examine(args)?;
    console.print(&if args.json { as_json(&report) } else { as_text(&report, console) })?;
    Ok(report.exit())
}

fn examine(args: &CheckArgs) -> Result<Report, Refusal> {
    let map = iomap::find(args.io.as_deref(), &args.files);
    // A map named on the command line that is not there is wrong use, whatever the program says.
    iomap::must_exist(&map)?;
    let program = args.files.first().map(|p| p.display().to_string()).unwrap_or_default();
    let (sources, diagnostics, findings) = match project::build(project::read(&args.files)?)? {
        Outcome::Broken { sources, diagnostics } => (sources, diagnostics, Vec::new()),
        Outcome::Ready(project) => {
            let (_, findings) = iomap::load(&map, project.image.image());
            (project.sources, project.warnings, findings)
        }
    };
    Ok(Report { sources, diagnostics, findings, program, map })
}

fn as_text(report: &Report, console: &Console) -> String {
    let mut text = render_all(&report.sources, &report.diagnostics, console.style_out());
    text.push_str(&iomap::render(&report.findings, console.color_out));
    let (errors, warnings) = (report.errors(), report.warnings());
    let closing = if errors + warnings == 0 {
        let map = match &report.map {
            Origin::Named(path) | Origin::Beside(path) => format!(" with {}", path.display()),
            Origin::None => ", no I/O map".to_owned(),
        };
        let notes = match report.notes() {
            0 => String::new(),
            n => format!(", {}", plural(n, "note")),
        };
        format!("{}{map}: {}{notes}", report.program, tinted(console.color_out, Tint::Good, "no findings"))
    } else {
        format!("{}: {}, {}", report.program, plural(errors, "error"), plural(warnings, "warning"))
    };
    text.push_str(&closing);
    text.push('\n');
    text
}

/// One object per line: `severity`, `code`, `file`, `line`, `column` (from 1, 0 where unknown), `message`, `help`.
fn as_json(report: &Report) -> String {
    let diagnostics = report.diagnostics.iter().map(|d| diagnostic_json(d, &report.sources));
    diagnostics.chain(report.findings.iter().map(finding_json)).map(|object| format!("{object}\n")).collect()
}

fn diagnostic_json(diagnostic: &Diagnostic, sources: &SourceMap) -> Value {
    let (file, line, column) =
        diagnostic.place(sources).map_or(("", 0, 0), |(file, place)| (file, place.line, place.column));
    json!({
        "severity": diagnostic.severity().as_str(), "code": diagnostic.code.as_str(),
        "file": file, "line": line, "column": column,
        "message": diagnostic.message, "notes": diagnostic.notes, "help": diagnostic.helps.join("\n"),
    })
}

fn finding_json(finding: &Finding) -> Value {
    json!({
        "severity": finding.severity.word(), "code": finding.code,
        "file": finding.file, "line": finding.place.line, "column": finding.place.column,
        "message": finding.message, "notes": [], "help": finding.remedy,
    })
}
