//! A run as a value change dump (IEEE 1364-2005, clause 18), as GTKWave, Surfer and PulseView read it.
//!
//! One scope for the program and one for each channel. BOOL and contacts are wires of one bit, whole numbers wires of their
//! width, REAL is `real`; words such as a fault are of the type `string`, which the viewers above know. Times are
//! nanoseconds; contacts move between scans, so a bounce shows as it was.

use crate::condition::Value;
use crate::names::{Member, Source};
use crate::prepare::show_value;
use crate::trace::{Row, Trace};
use bytecode::types::Elementary;
use std::fmt::Write as _;

/// How a row is written.
enum Kind {
    Bit,
    Wire(u32),
    Real,
    Text,
}

/// The document of one test.
#[must_use]
pub fn vcd(test: &str, trace: &Trace) -> String {
    let mut out = String::new();
    let title: String = test.split_whitespace().collect::<Vec<_>>().join(" ").replace('$', " ");
    let _ = writeln!(out, "$comment plcrun: {title} $end");
    if trace.from_ns > 0 {
        let _ = writeln!(out, "$comment the run was too long: values are complete from {} ns on $end", trace.from_ns);
    }
    out.push_str("$timescale 1 ns $end\n");
    let mut order: Vec<(String, usize)> = trace.rows.iter().enumerate().map(|(at, row)| (scope(row), at)).collect();
    order.sort_by(|a, b| a.0.cmp(&b.0));
    let mut open: Option<&str> = None;
    for (scope, index) in &order {
        let Some(row) = trace.rows.get(*index) else { continue };
        if open != Some(scope) {
            if open.is_some() {
                out.push_str("$upscope $end\n");
            }
            let _ = writeln!(out, "$scope module {scope} $end");
            open = Some(scope);
        }
        let (word, width) = match kind(row) {
            Kind::Bit => ("wire", 1),
            Kind::Wire(width) => ("wire", width),
            Kind::Real => ("real", 64),
            Kind::Text => ("string", 1),
        };
        let _ = writeln!(out, "$var {word} {width} {} {} $end", code(*index), name(row));
    }
    if open.is_some() {
        out.push_str("$upscope $end\n");
    }
    out.push_str("$enddefinitions $end\n");
    let _ = writeln!(out, "#{}\n$dumpvars", trace.from_ns);
    for (index, row) in trace.rows.iter().enumerate() {
        if let Some(value) = row.first {
            write_value(&mut out, index, row, value);
        }
    }
    out.push_str("$end\n");
    changes(&mut out, trace);
    out
}

fn changes(out: &mut String, trace: &Trace) {
    let mut all: Vec<(u64, usize, Value)> = Vec::new();
    for (index, row) in trace.rows.iter().enumerate() {
        all.extend(row.changes.iter().map(|(at_ns, value)| (*at_ns, index, *value)));
    }
    all.sort_by_key(|(at_ns, index, _)| (*at_ns, *index));
    let mut now = trace.from_ns;
    for (at_ns, index, value) in all {
        if at_ns != now {
            let _ = writeln!(out, "#{at_ns}");
            now = at_ns;
        }
        if let Some(row) = trace.rows.get(index) {
            write_value(out, index, row, value);
        }
    }
    if trace.end_ns > now {
        let _ = writeln!(out, "#{}", trace.end_ns);
    }
}

/// Where a row belongs: its channel, else the program.
fn scope(row: &Row) -> String {
    match row.source {
        Source::Channel { .. } => {
            let channel = row.name.rsplit_once('.').map_or(row.name.as_str(), |(channel, _)| channel);
            format!("channel_{}", plain(channel))
        }
        Source::Variable { .. } => "program".to_owned(),
    }
}

fn name(row: &Row) -> String {
    match row.source {
        Source::Channel { member, .. } => member.name().to_owned(),
        Source::Variable { .. } => plain(&row.name),
    }
}

/// A reference without blanks; brackets would be taken for a range of bits.
fn plain(name: &str) -> String {
    name.chars()
        .map(|letter| if letter.is_ascii_alphanumeric() || matches!(letter, '_' | '.') { letter } else { '_' })
        .collect()
}

/// The short code of a row: printable ASCII, base 94.
fn code(index: usize) -> String {
    let mut rest = index;
    let mut code = String::new();
    loop {
        code.push(char::from(b'!' + u8::try_from(rest % 94).unwrap_or(0)));
        rest /= 94;
        if rest == 0 {
            return code;
        }
        rest -= 1;
    }
}

fn kind(row: &Row) -> Kind {
    match row.source {
        Source::Channel { member: Member::Fault, .. } => Kind::Text,
        Source::Channel { .. } => Kind::Bit,
        Source::Variable { elementary: Elementary::Bool, .. } => Kind::Bit,
        Source::Variable { elementary: Elementary::Real | Elementary::Lreal, .. } => Kind::Real,
        Source::Variable { elementary, .. } => Kind::Wire(elementary.scalar().map_or(64, |scalar| scalar.size() * 8)),
    }
}

fn write_value(out: &mut String, index: usize, row: &Row, value: Value) {
    let code = code(index);
    let _ = match (kind(row), value) {
        (Kind::Text, value) => writeln!(out, "s{} {code}", show_value(&row.source, value)),
        (_, Value::Bool(bit)) => writeln!(out, "{}{code}", u8::from(bit)),
        (_, Value::Word(word)) => writeln!(out, "{}{code}", u8::from(word == "closed")),
        (_, Value::Real(real)) => writeln!(out, "r{real:?} {code}"),
        (Kind::Wire(width), Value::Int(number)) => writeln!(out, "b{:b} {code}", masked(number, width)),
        (Kind::Wire(width), Value::Time(ns)) => writeln!(out, "b{:b} {code}", masked(ns.into(), width)),
        (Kind::Bit | Kind::Real, Value::Int(_) | Value::Time(_)) => writeln!(out, "x{code}"),
    };
}

/// The low bits of a number in two's complement.
fn masked(number: i128, width: u32) -> u128 {
    let bits = u128::from_ne_bytes(number.to_ne_bytes());
    if width >= 128 { bits } else { bits & ((1 << width) - 1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_short_and_all_different() {
        let codes: std::collections::BTreeSet<String> = (0..20_000).map(code).collect();
        assert_eq!(codes.len(), 20_000);
        assert!(codes.iter().all(|code| code.len() <= 3 && code.bytes().all(|byte| (b'!'..=b'~').contains(&byte))));
    }

    #[test]
    fn negative_numbers_are_twos_complement() {
        assert_eq!(format!("{:b}", masked(-1, 16)), "1".repeat(16));
        assert_eq!(masked(5, 16), 5);
    }
}
