//! Recorded traces: what a run did, as text that is kept beside the test and compared with every later run.
//!
//! One line for each change: time, name, old and new value; the first lines are the values of the first scan. The text
//! is made to be read in a review: a change of the program shows as lines that came, went or moved.

use crate::condition::Value;
use crate::names::Source;
use crate::prepare::{Golden, show_value};
use crate::report::{Failure, FailureKind, Moment};
use crate::trace::{Row, Trace};
use relay::quantity::Duration;

/// Most lines of a difference that are shown.
const SHOWN_MAX: usize = 24;
/// Above so many lines on each side differences are told line by line, without looking for lines that moved.
const MATCHED_MAX: usize = 2_000;

/// The text of a run.
#[must_use]
pub fn text(test: &str, of: &[(String, Source)], trace: &Trace) -> String {
    let mut out =
        format!("# {}\n# Recorded by `plcrun test --bless`; compare it before you keep it.\n", one_line(test));
    out.push_str(&lines(of, trace).join("\n"));
    out.push('\n');
    out
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn lines(of: &[(String, Source)], trace: &Trace) -> Vec<String> {
    let rows: Vec<(&str, &Row)> =
        of.iter().filter_map(|(name, source)| Some((name.as_str(), trace.row_of(source)?))).collect();
    let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let shown = |row: &Row, value: Option<Value>| value.map_or("-".to_owned(), |value| show_value(&row.source, value));
    let mut changes: Vec<(u64, usize, String)> = Vec::new();
    for (index, (name, row)) in rows.iter().enumerate() {
        changes.push((0, index, format!("{:>10}  {name:width$}  {}", "start", shown(row, row.first))));
        let mut last = row.first;
        for (at_ns, value) in &row.changes {
            let time = Duration::from_ns(*at_ns).to_string();
            let text = format!("{time:>10}  {name:width$}  {} -> {}", shown(row, last), shown(row, Some(*value)));
            changes.push((*at_ns, index + rows.len(), text));
            last = Some(*value);
        }
    }
    changes.sort_by_key(|(at_ns, index, _)| (*at_ns, *index));
    changes.into_iter().map(|(_, _, line)| line).collect()
}

/// The failure where a run is not what was recorded.
#[must_use]
pub fn failure(golden: &Golden, text: &str, trace: &Trace) -> Option<Failure> {
    let fail = |diff: Vec<String>, time_ns: u64, reads: Vec<(String, Source)>| Failure {
        place: golden.place.clone(),
        moment: Moment { time_ns, scan: time_ns / trace.tick_ns.max(1) + 1 },
        kind: FailureKind::Golden { file: golden.file.clone(), diff },
        reads,
        writers: Vec::new(),
        changes: Vec::new(),
    };
    let Some(recorded) = &golden.text else {
        let end_ns = trace.end_ns.saturating_sub(trace.tick_ns);
        return Some(fail(Vec::new(), end_ns, Vec::new()));
    };
    let (old, new) = (content(recorded), content(text));
    if old == new {
        return None;
    }
    let diff = difference(&old, &new);
    let first = diff.first().map(String::as_str).unwrap_or_default();
    let reads = golden.of.iter().filter(|(name, _)| diff.iter().any(|line| line.contains(name.as_str())));
    let reads = reads.cloned().collect();
    let time_ns = time_of(first).unwrap_or(0);
    let shown = diff.len().min(SHOWN_MAX);
    let mut lines: Vec<String> = diff.iter().take(shown).cloned().collect();
    if diff.len() > shown {
        lines.push(format!("... and {} more lines", diff.len() - shown));
    }
    Some(fail(lines, time_ns, reads))
}

/// The lines that count: comments and blanks at the ends do not.
fn content(text: &str) -> Vec<&str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).collect()
}

fn time_of(line: &str) -> Option<u64> {
    let line = line.get(1..)?.trim();
    let (time, _) = line.split_once("  ")?;
    if time == "start" { Some(0) } else { time.parse::<Duration>().ok().map(|duration| duration.ns) }
}

/// Lines that went with `-` and lines that came with `+`, in the order of time.
fn difference(old: &[&str], new: &[&str]) -> Vec<String> {
    let head = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let (old, new) = (old.get(head..).unwrap_or_default(), new.get(head..).unwrap_or_default());
    let tail = old.iter().rev().zip(new.iter().rev()).take_while(|(a, b)| a == b).count();
    let old = old.get(..old.len() - tail).unwrap_or_default();
    let new = new.get(..new.len() - tail).unwrap_or_default();
    let gone = |line: &&str| format!("- {line}");
    let come = |line: &&str| format!("+ {line}");
    if old.len().max(new.len()) > MATCHED_MAX {
        return old.iter().map(gone).chain(new.iter().map(come)).collect();
    }
    // Longest common subsequence; `best[i][j]` is its length for what begins at line i and j.
    let columns = new.len() + 1;
    let mut best = vec![0_u16; (old.len() + 1) * columns];
    let at = |best: &[u16], i: usize, j: usize| best.get(i * columns + j).copied().unwrap_or(0);
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            let value = if old.get(i) == new.get(j) {
                at(&best, i + 1, j + 1) + 1
            } else {
                at(&best, i + 1, j).max(at(&best, i, j + 1))
            };
            if let Some(cell) = best.get_mut(i * columns + j) {
                *cell = value;
            }
        }
    }
    let (mut i, mut j, mut lines) = (0, 0, Vec::new());
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && old.get(i) == new.get(j) {
            (i, j) = (i + 1, j + 1);
        } else if j >= new.len() || (i < old.len() && at(&best, i + 1, j) >= at(&best, i, j + 1)) {
            lines.extend(old.get(i).map(gone));
            i += 1;
        } else {
            lines.extend(new.get(j).map(come));
            j += 1;
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_name_what_came_and_what_went() {
        let old = ["start  a  FALSE", "1 s  a  FALSE -> TRUE", "2 s  a  TRUE -> FALSE"];
        let new = ["start  a  FALSE", "1500 ms  a  FALSE -> TRUE", "2 s  a  TRUE -> FALSE"];
        assert_eq!(difference(&old, &new), ["- 1 s  a  FALSE -> TRUE", "+ 1500 ms  a  FALSE -> TRUE"]);
        assert_eq!(difference(&old, &old), Vec::<String>::new());
        assert_eq!(time_of("+ 1500 ms  a  FALSE -> TRUE"), Some(1_500_000_000));
    }
}
