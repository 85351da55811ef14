//! `plcrun explain CODE`: what a printed code means and what to do about it.
//!
//! Each room keeps the one table of its own codes; this command only finds the row.

use crate::args::ExplainArgs;
use crate::exit::{Exit, Refusal};
use crate::terminal::Console;
use std::fmt::Write as _;

/// Prints one code's row.
///
/// # Errors
/// No room has such a code.
pub fn run(args: &ExplainArgs, console: &Console) -> Result<Exit, Refusal> {
    let code = args.code.trim();
    let text = [diagnostic, rule, proof, io_map, relay_finding, relay_event, fault, expander, line_error, real_time, doctor, kept, verifier]
        .iter()
        .find_map(|room| room(code))
        .ok_or_else(|| {
            Refusal::wrong_use(
                format!("`{code}` is no code of plcrun"),
                "codes look like E0201, W0902 (programs), K205 (rules of check), P001 (proofs), C014 (I/O map), R036 (relays), G11 (events), F02 (faults), L007 (lines), X01 (port expanders), T001 (real time), D002 (machine), V121 (images)",
            )
        })?;
    console.print(&text)?;
    Ok(Exit::Clean)
}

fn diagnostic(code: &str) -> Option<String> {
    let code = compiler::diag::Code::find(code)?;
    let mut text = format!("{code} ({}): {}\n\n{}\n", code.severity().as_str(), code.title(), code.explanation());
    let (wrong, right) = code.example();
    if !wrong.is_empty() {
        // Writing to a String cannot fail.
        let _ = write!(text, "\nnot:\n{}\nbut:\n{}", indented(wrong), indented(right));
    }
    Some(text)
}

fn rule(code: &str) -> Option<String> {
    lint::rules::find(code).map(lint::explained)
}

fn proof(code: &str) -> Option<String> {
    let found = lint::proofs::ALL.iter().find(|row| row.code.eq_ignore_ascii_case(code))?;
    Some(format!("{} ({}): {}\n\n{}\n", found.code, found.severity.word(), found.title, found.explanation))
}

fn io_map(code: &str) -> Option<String> {
    let found = runtime::config::finding::Code::ALL.iter().find(|c| c.code().eq_ignore_ascii_case(code))?;
    Some(format!("{} ({}): {}\n", found.code(), found.severity().word(), found.title()))
}

fn relay_finding(code: &str) -> Option<String> {
    let found = relay::FindingCode::ALL.iter().find(|c| c.code().eq_ignore_ascii_case(code))?;
    Some(format!("{} ({}): {}\n\n{}\n", found.code(), found.severity(), found.title(), found.explanation()))
}

fn relay_event(code: &str) -> Option<String> {
    let found = relay::EventCode::ALL.iter().find(|c| c.code().eq_ignore_ascii_case(code))?;
    Some(format!("{} (blame: {}): {}\n\n{}\n", found.code(), found.blame(), found.text(), found.explanation()))
}

fn fault(code: &str) -> Option<String> {
    let rows = runtime::scan::fault_table();
    let found = rows.iter().find(|row| row.code.eq_ignore_ascii_case(code))?;
    Some(format!("{} (blame: {}): {}\n\nWhat to do: {}.\n", found.code, found.blame.name(), found.text, found.remedy))
}

fn expander(code: &str) -> Option<String> {
    let found = runtime::io::ExpanderCode::ALL.iter().find(|c| c.code().eq_ignore_ascii_case(code))?;
    Some(format!(
        "{} (blame: {}): {}\n\nWhat to do: {}.\n",
        found.code(),
        found.blame().name(),
        found.text(),
        found.remedy()
    ))
}

fn line_error(code: &str) -> Option<String> {
    let found = runtime::io::gpio::LINE_ERRORS.iter().find(|row| row.code.eq_ignore_ascii_case(code))?;
    Some(format!("{} (error): {}\n\nWhat to do: {}.\n", found.code, found.what, found.remedy))
}

fn real_time(code: &str) -> Option<String> {
    let found = runtime::rt::RtCode::ALL.iter().find(|c| c.code().eq_ignore_ascii_case(code))?;
    Some(format!("{}: {}\n\nCost: {}.\nWhat to do: {}.\n", found.code(), found.what(), found.cost(), found.remedy()))
}

fn doctor(code: &str) -> Option<String> {
    let found = runtime::doctor::Code::ALL.iter().find(|c| c.code().eq_ignore_ascii_case(code))?;
    Some(format!(
        "{}: {}\n\nWhere it is not as it should be: {}.\nWhat to do: {}.\n",
        found.code(),
        found.title(),
        found.consequence(),
        found.remedy()
    ))
}

fn kept(code: &str) -> Option<String> {
    let found = runtime::store::StoreCode::ALL.iter().find(|c| c.code().eq_ignore_ascii_case(code))?;
    let (code, severity) = (found.code(), found.severity().word());
    Some(format!("{code} ({severity}): {}\n\nWhat to do: {}.\n", found.what(), found.remedy()))
}

fn verifier(code: &str) -> Option<String> {
    let found = bytecode::verify::Rule::ALL.iter().find(|r| r.code().eq_ignore_ascii_case(code))?;
    Some(format!(
        "{}: an image was refused because it breaks the rule that {}.\n\nWhat to do: rebuild the image from its source.\n",
        found.code(),
        found.text()
    ))
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_room_answers_for_its_codes() {
        let text = diagnostic("e0201").unwrap();
        assert!(
            text.starts_with("E0201 (error): ") && text.contains("\nnot:\n    ") && text.contains("\nbut:\n    "),
            "{text}"
        );
        assert!(rule("k205").unwrap().starts_with("K205 (warning): latch without unlatch"));
        assert!(proof("p001").unwrap().contains("breaks the property"));
        assert!(io_map("C013").unwrap().contains("bound twice"));
        assert!(relay_finding("r036").unwrap().contains("without feedback"));
        assert!(relay_event("G11").unwrap().contains("blame: field"));
        assert!(fault("F01").unwrap().contains("What to do: test the divisor"));
        assert!(expander("x01").unwrap().contains("does not answer"));
        assert!(line_error("l007").unwrap().contains("the line is in use"));
        assert!(real_time("T001").unwrap().contains("Cost: "));
        assert!(doctor("d023").unwrap().contains("after the process has died"));
        assert!(kept("s010").unwrap().contains("What to do: look at the plant"));
        assert!(verifier("V126").unwrap().contains("calls form no cycle"));
        assert_eq!(diagnostic("X1"), None);
    }
}
