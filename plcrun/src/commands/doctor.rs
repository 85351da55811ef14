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
    asked.state = state(args, asked.has_real_lines()).map(|path| absolute(&path));
    Ok(asked)
}

/// Where the program would keep its state: as asked for, as the service manager says, else the usual place of a program
/// with real lines. A simulated rack keeps none.
fn state(args: &DoctorArgs, real_lines: bool) -> Option<PathBuf> {
    if let Some(path) = &args.state {
        return Some(path.clone());
    }
    let variable = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    if let Some(path) = variable("STATE_DIRECTORY") {
        return Some(path);
    }
    if !real_lines {
        return None;
    }
    let base = if rustix::process::geteuid().is_root() {
        PathBuf::from("/var/lib")
    } else {
        variable("XDG_STATE_HOME").or_else(|| Some(variable("HOME")?.join(".local/state")))?
    };
    let name = args.files.first().and_then(|p| p.file_stem());
    let folder = base.join("plcrun");
    Some(name.map_or_else(|| folder.clone(), |name| folder.join(name)))
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
