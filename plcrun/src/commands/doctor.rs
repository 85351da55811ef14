//! `plcrun doctor`: looks at this machine, and at what a map asks of it.
//!
//! What is looked at and how it is judged is [`runtime::doctor`]'s; here stand the question and the form of the answer.

use crate::args::DoctorArgs;
use crate::exit::{Exit, Refusal};
use crate::files;
use crate::iomap;
use crate::project::plural;
use crate::terminal::{Console, Tint, tinted};
use runtime::doctor::{Asked, AskedMap, Facts, Host, Report, Severity, examine};
use runtime::state::{Surroundings, Wanted};
use serde_json::json;
use std::path::{Path, PathBuf};

/// Looks and reports.
///
/// # Errors
/// The map cannot be read, or has mistakes.
pub fn run(args: &DoctorArgs, console: &Console) -> Result<Exit, Refusal> {
    let asked = asked(args)?;
    let report = examine(&Facts::gather(&Host::default(), &asked), &asked);
    console.print(&if args.json { as_json(&report) } else { as_text(&report, console.color_out) })?;
    Ok(if report.has_problems() { Exit::Findings } else { Exit::Clean })
}

fn asked(args: &DoctorArgs) -> Result<Asked, Refusal> {
    let origin = iomap::find(args.io.as_deref(), &args.files);
    let map = match origin.path() {
        None => None,
        Some(path) => Some(AskedMap::read(&files::read_text(path)?).map_err(|why| {
            Refusal::findings(
                format!("{} has mistakes ({why}), so it is not known what it asks of the machine", files::shown(path)),
                "mend the map first: `plcrun check` shows every mistake",
            )
        })?),
    };
    let mut asked = Asked { map, state: None };
    asked.state = state(args, origin.path(), &asked)?.map(|path| absolute(&path));
    Ok(asked)
}

/// Where the program would keep its state. A start decides by the same rules.
fn state(args: &DoctorArgs, map: Option<&Path>, asked: &Asked) -> Result<Option<PathBuf>, Refusal> {
    let stem = args.files.first().and_then(|p| p.file_stem()).map(|s| s.to_string_lossy().into_owned());
    let in_map = asked.map.as_ref().and_then(|m| m.store_path.as_deref());
    let in_map = map.zip(in_map).map(|(file, path)| runtime::config::files::beside(file, path));
    let name = stem.as_deref().unwrap_or_default();
    let wanted = Wanted { given: args.state.as_deref(), map: in_map.as_deref(), real: asked.has_real_lines(), name };
    let state = runtime::state::resolve(&wanted, &Surroundings::of_this_process())
        .map_err(|e| Refusal::wrong_use(e.to_string(), e.code.remedy()).coded(e.code.code()))?;
    Ok(state.map(|dir| dir.path().to_path_buf()))
}

/// The doctor knows absolute paths only.
fn absolute(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf()).display().to_string()
}

fn as_text(report: &Report, color: bool) -> String {
    let mut text = String::new();
    for finding in &report.findings {
        let (whole, word) = (finding.to_string(), finding.severity.word());
        let tint = match finding.severity {
            Severity::Ok => Tint::Good,
            Severity::Note => Tint::Strong,
            Severity::Warning => Tint::Doubtful,
            Severity::Problem => Tint::Bad,
        };
        text.push_str(&tinted(color, tint, word));
        text.push_str(whole.strip_prefix(word).unwrap_or(&whole));
        text.push('\n');
    }
    let count = |severity: Severity| plural(report.count(severity), severity.word());
    text.push_str(&format!(
        "\n{} of {} as it should be; {}, {}, {}\n",
        report.count(Severity::Ok),
        report.findings.len(),
        count(Severity::Problem),
        count(Severity::Warning),
        count(Severity::Note)
    ));
    text
}

/// One object per line: `severity`, `code`, `title`, `measured`, `consequence`, `remedy`.
fn as_json(report: &Report) -> String {
    let object = |f: &runtime::doctor::Finding| {
        json!({
            "severity": f.severity.word(), "code": f.code.code(), "title": f.code.title(),
            "measured": f.measured, "consequence": f.consequence, "remedy": f.remedy,
        })
    };
    report.findings.iter().map(|f| format!("{}\n", object(f))).collect()
}
