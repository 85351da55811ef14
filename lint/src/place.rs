//! Places: regions for machines, anchors and fingerprints for telling findings again when lines have moved.

use crate::finding::{Finding, Region};
use compiler::ast;
use compiler::source::{SourceMap, Span};
use runtime::config::Place;
use runtime::config::yaml::{Node, SizeLimit, TEXT_BYTES_MAX, Value, parse};
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;

/// The lines and columns of a span.
#[must_use]
pub fn region(sources: &SourceMap, span: Span) -> Region {
    let Some(file) = sources.get(span.file) else { return Region::default() };
    let (start, end) = (file.line_column(span.start), file.line_column(span.end));
    Region {
        file: file.name().to_owned(),
        line: start.line,
        column: start.column,
        end_line: end.line,
        end_column: end.column,
    }
}

/// A place of a YAML file; it is taken to reach to the end of its line.
#[must_use]
pub fn map_region(file: &str, text: &str, place: Place) -> Region {
    let row = usize::try_from(place.line).ok().and_then(|line| text.lines().nth(line.checked_sub(1)?));
    let length = row.map_or(0, |row| row.trim_end().chars().count());
    let end = u32::try_from(length).unwrap_or(u32::MAX - 1) + 1;
    Region {
        file: file.to_owned(),
        line: place.line,
        column: place.column,
        end_line: place.line,
        end_column: end.max(place.column),
    }
}

/// What a place of the program belongs to: `UNIT/rung`, `UNIT/variable` or `UNIT`.
pub(crate) fn anchor(files: &[ast::File], span: Span) -> String {
    let within = |outer: Span| outer.file == span.file && outer.start <= span.start && span.end <= outer.end;
    for item in files.iter().flat_map(|f| &f.items) {
        match item {
            ast::Item::Pou(pou) if within(pou.span) => {
                let part = pou.sections.iter().find_map(|s| declared(s, span)).or_else(|| rung(&pou.body, span));
                return part.map_or_else(|| pou.name.text.to_string(), |part| format!("{}/{part}", pou.name.text));
            }
            ast::Item::Globals(section) if within(section.span) => return declared(section, span).unwrap_or_default(),
            ast::Item::Configuration(c) if within(c.span) => {
                return c.globals.iter().find_map(|s| declared(s, span)).unwrap_or_else(|| c.name.text.to_string());
            }
            _ => {}
        }
    }
    String::new()
}

fn declared(section: &ast::VarSection, span: Span) -> Option<String> {
    let within = |outer: Span| outer.file == span.file && outer.start <= span.start && span.end <= outer.end;
    let declaration = section.declarations.iter().find(|d| within(d.span))?;
    let name = declaration.names.iter().find(|n| within(n.span)).or_else(|| declaration.names.first());
    name.map(|name| name.text.to_string())
}

fn rung(body: &ast::Body, span: Span) -> Option<String> {
    let ast::Body::Ladder(ladder) = body else { return None };
    let at = ladder.rungs.iter().position(|r| r.span.start <= span.start && span.end <= r.span.end)?;
    let label = ladder.rungs.get(at).and_then(|r| r.label.as_ref());
    Some(label.map_or_else(|| format!("#{}", at + 1), |l| l.text.to_string()))
}

/// The keys that lead to a place of a YAML text: `outputs.motor`.
pub(crate) fn map_anchor(text: &str, place: Place) -> String {
    let limit = SizeLimit { bytes_max: TEXT_BYTES_MAX, remedy: "" };
    let Ok(root) = parse(text, limit) else { return String::new() };
    let mut path = Vec::new();
    let mut node = &root;
    // The last key that does not begin behind the place is the one the place belongs to.
    while let Value::Map(rows) = &node.value {
        let row = rows.iter().take_while(|(key, _)| key.place <= place).last();
        let Some((key, value)) = row else { break };
        path.push(key.value.word().into_owned());
        if path.len() == 2 || key.place == place {
            break;
        }
        node = value;
    }
    if let Value::List(items) = &node.value {
        path.extend(items.iter().take_while(|i| i.place <= place).last().and_then(entry_name));
    }
    path.join(".")
}

/// The `name:` of an entry of a list.
fn entry_name(node: &Node) -> Option<String> {
    let Value::Map(rows) = &node.value else { return None };
    rows.iter().find(|(key, _)| key.value.word() == "name").map(|(_, value)| value.value.word().into_owned())
}

/// Gives every finding its fingerprint. Findings that are alike are numbered in the order of the text.
///
/// `name` says what a file is called in fingerprints: its path from the project's folder, so that it does not depend on where the
/// command was given.
pub fn fingerprint(findings: &mut [Finding], name: &dyn Fn(&str) -> String) {
    let mut seen: HashMap<String, u32> = HashMap::new();
    for finding in findings {
        let file = name(&finding.region.file);
        let message = without_lines(&finding.message);
        let text = [finding.code, &file, &finding.anchor, &message].join("\0");
        let count = seen.entry(text.clone()).or_default();
        *count += 1;
        let digest = Sha256::digest(format!("{text}\0{count}").as_bytes());
        // 128 bits: two different findings of one project never meet.
        finding.fingerprint = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    }
}

/// A message without the numbers of lines in it.
fn without_lines(message: &str) -> String {
    let mut words: Vec<&str> = Vec::new();
    for word in message.split(' ') {
        let after_line = words.last().is_some_and(|w| *w == "line");
        words.push(if after_line && word.starts_with(|c: char| c.is_ascii_digit()) { "#" } else { word });
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_of_a_map_is_told_by_its_keys() {
        let text = "scan: { period: 10 ms }\noutputs:\n  motor:\n    relay: w\n    load: { voltage: 24 VDC }\n  lamp: {}\ninterlocks:\n  - { name: pair, channels: [a, b] }\n";
        let at = |line, column| map_anchor(text, Place { line, column });
        assert_eq!(at(1, 1), "scan");
        assert_eq!(at(5, 13), "outputs.motor");
        assert_eq!(at(6, 3), "outputs.lamp");
        assert_eq!(at(8, 5), "interlocks.pair");
    }

    #[test]
    fn numbers_of_lines_are_no_part_of_a_message() {
        assert_eq!(without_lines("bound by `a` in line 12"), "bound by `a` in line #");
        assert_eq!(without_lines("12 lines"), "12 lines");
    }
}
