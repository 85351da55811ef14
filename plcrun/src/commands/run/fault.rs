//! A fault as an operator reads it: what happened, where in the source, what the outputs do now, what to do.

use crate::table::moment;
use compiler::source::SourceMap;
use runtime::scan::FaultReport;
use std::fmt::Write as _;

/// The whole report, with the line of source it happened in where that could be had.
#[must_use]
pub fn render(fault: &FaultReport, source_line: Option<&str>) -> String {
    let mut text = format!("fault[{}]: {}\n", fault.code, fault.text);
    if !fault.file.is_empty() {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  --> {}:{}:{}", fault.file, fault.line, fault.column);
        if let Some(line) = source_line {
            text.push_str(&marked(line, fault.line, fault.column));
        }
    }
    let _ = writeln!(text, "  in scan {} at {}{}", fault.scan, moment(fault.at_ns), context(fault));
    text.push_str("  the outputs are in their safe state; nothing of this scan was written\n");
    let _ = writeln!(text, "  blame: {}\n  help: {}", fault.blame.name(), fault.remedy);
    text
}

/// `, program pump, FUNCTION_BLOCK Valve, rung open`, as far as it is known.
fn context(fault: &FaultReport) -> String {
    let mut text = String::new();
    for (word, name) in [("program ", &fault.program), ("", &fault.unit), ("rung ", &fault.rung)] {
        if !name.is_empty() {
            // Writing to a String cannot fail.
            let _ = write!(text, ", {word}{name}");
        }
    }
    text
}

/// For machines: one log line with everything that is known; `defect` is what plcrun said of itself, where it failed.
pub fn log(fault: &FaultReport, defect: Option<&str>) {
    let FaultReport { code, text, program, unit, rung, file, line, column, scan, at_ns, remedy, blame } = fault;
    let t_us = at_ns / 1000;
    let blame = blame.name();
    tracing::error!(
        kind = "fault",
        t_us,
        scan,
        code,
        blame,
        program,
        unit,
        rung,
        file,
        line,
        column,
        help = remedy,
        defect,
        "fault {code}: {text}"
    );
}

/// Longest part of a source line that is shown; generated files may have very long ones.
const LINE_CHARS_MAX: usize = 200;

/// The line with a caret under the column, which counts characters from 1.
fn marked(line: &str, number: u32, column: u32) -> String {
    let number = number.to_string();
    let margin = " ".repeat(number.len());
    let line: String = line.chars().take(LINE_CHARS_MAX).collect();
    let before = column.saturating_sub(1) as usize;
    if column == 0 || before > line.chars().count() {
        return format!("{margin} |\n{number} | {}\n", line.trim_end());
    }
    // Tabs stay tabs, so that the caret stands under its character however wide they are shown.
    let indent: String = line.chars().take(before).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
    format!("{margin} |\n{number} | {}\n{margin} | {indent}^\n", line.trim_end())
}

/// A line of the program's source: from the texts that were compiled, else from the file an image names, should it still be
/// there.
#[must_use]
pub fn source_line(sources: &SourceMap, file: &str, line: u32) -> Option<String> {
    let index = usize::try_from(line.checked_sub(1)?).ok()?;
    let compiled = sources.iter().find(|(_, source)| source.name() == file);
    match compiled {
        Some((_, source)) => source.text().lines().nth(index).map(str::to_owned),
        None => crate::files::read_text(std::path::Path::new(file)).ok()?.lines().nth(index).map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use runtime::vm::Blame;

    #[test]
    fn the_caret_stands_under_its_column() {
        assert_eq!(marked("  x := a[i];", 14, 10), "   |\n14 |   x := a[i];\n   |          ^\n");
        assert_eq!(marked("\tx := 1;", 3, 2), "  |\n3 | \tx := 1;\n  | \t^\n");
        assert_eq!(marked("short", 3, 90), "  |\n3 | short\n");
    }

    #[test]
    fn a_report_names_place_scan_blame_and_remedy() {
        let fault = FaultReport {
            code: "F01",
            text: "integer division or MOD by zero".into(),
            blame: Blame::Program,
            program: "p".into(),
            unit: "PROGRAM P".into(),
            rung: "div".into(),
            file: "p.ld".into(),
            line: 2,
            column: 3,
            at_ns: 1_500_000_000,
            scan: 150,
            remedy: "test the divisor",
        };
        let text = render(&fault, Some("a / b"));
        assert_eq!(
            text,
            "fault[F01]: integer division or MOD by zero\n  --> p.ld:2:3\n  |\n2 | a / b\n  |   ^\n  \
             in scan 150 at 1.500 s, program p, PROGRAM P, rung div\n  \
             the outputs are in their safe state; nothing of this scan was written\n  blame: program\n  help: test the divisor\n"
        );
    }
}
