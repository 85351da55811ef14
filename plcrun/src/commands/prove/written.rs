//! What is written into files: a way as a timeline test, and proofs.
//!
//! A test brings its own I/O map without relays: it is about the program, and a map with relays would set feedback inputs
//! itself.

use super::gather::time;
use super::replay::Replay;
use super::{Answered, Work};
use crate::args::ProveArgs;
use crate::exit::Refusal;
use crate::files;
use crate::terminal::Console;
use bytecode::image::SymbolRole;
use prove::engine::portfolio::Certificate;
use prove::engine::predicates::Predicate;
use prove::names::of_bit;
use prove::property::Kind;
use prove::prover::{Answer, Prover};
use prove::system::System;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Writes the way of a property as a timeline test, where it has one.
pub fn test(folder: &Path, args: &ProveArgs, one: &Answered, work: &Work, console: &Console) -> Result<(), Refusal> {
    let (Some(replay), Answer::Refuted(way) | Answer::Reached(way)) = (&one.replay, &one.report.answer) else {
        return Ok(());
    };
    if !way.starts.is_empty() {
        let id = &one.report.property.id;
        console.message(&format!("{id}: begins with retained values, which a timeline test cannot set; not written\n"));
        return Ok(());
    }
    std::fs::create_dir_all(folder).map_err(|e| {
        Refusal::wrong_use(format!("the folder {} cannot be made: {e}", files::shown(folder)), "check its permissions")
    })?;
    let stem = args.files.first().and_then(|p| p.file_stem()).map(|s| s.to_string_lossy().into_owned());
    let name = format!("{}.{}", stem.unwrap_or_default(), one.report.property.id);
    let map = folder.join(format!("{name}.io.yaml"));
    files::write_atomically(&map, io_map(work).as_bytes())?;
    let path = folder.join(format!("{name}.test.yaml"));
    let programs: Vec<String> = args.files.iter().map(|p| quoted(&relative(p, folder))).collect();
    let text = timeline(&programs.join(", "), &format!("{name}.io.yaml"), one, replay, work);
    files::write_atomically(&path, text.as_bytes())?;
    console.message(&format!("wrote {}\n", path.display()));
    Ok(())
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The way from a folder to a file.
fn relative(file: &Path, folder: &Path) -> String {
    let absolute = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let (file, folder) = (absolute(file), absolute(folder));
    let shared = file.components().zip(folder.components()).take_while(|(a, b)| a == b).count();
    let up = folder.components().skip(shared).map(|_| PathBuf::from(".."));
    let down = file.components().skip(shared).map(|c| PathBuf::from(c.as_os_str()));
    up.chain(down).collect::<PathBuf>().display().to_string()
}

fn io_map(work: &Work) -> String {
    let mut text = String::from("# Written by plcrun prove: inputs and outputs without relays.\n");
    for (role, key, entry) in [
        (SymbolRole::Input, "inputs", "{}"),
        (SymbolRole::Output, "outputs", "{ restart: auto, restart_reason: a test of the program alone }"),
    ] {
        let mut names = Vec::new();
        for symbol in &work.image.image().symbols {
            let bit = matches!(symbol.place, bytecode::image::Place::Bit { .. });
            if symbol.role == role && bit {
                names.push(variable(&symbol.path, work));
            }
        }
        if !names.is_empty() {
            let _ = writeln!(text, "{key}:");
            for name in names {
                let _ = writeln!(text, "  {}: {entry}", quoted(&name));
            }
        }
    }
    text
}

/// A name as a timeline test knows it: without the program where that is unique.
fn variable(path: &str, work: &Work) -> String {
    let short = path.split_once('.').map_or(path, |(_, rest)| rest);
    if work.image.image().variable(short).is_ok() { short.to_owned() } else { path.to_owned() }
}

fn timeline(programs: &str, map: &str, one: &Answered, replay: &Replay, work: &Work) -> String {
    let property = &one.report.property;
    let tick = work.map.plan.tick_ns;
    let mut text = format!("# Written by plcrun prove: {}\n", property.kind.sentence());
    let _ = writeln!(text, "program: [{programs}]\nio: {}\nscan: {}\ntests:", quoted(map), time(tick));
    let _ = writeln!(text, "  - name: {}\n    steps:", quoted(&property.id));
    let mut last = 1;
    for step in &replay.steps {
        last = step.scan + step.scans - 1;
        let value = |v: &String| if v == "TRUE" || v == "FALSE" { v.to_lowercase() } else { quoted(v) };
        let set: Vec<String> = step.inputs.iter().map(|(n, v)| format!("{}: {}", quoted(n), value(v))).collect();
        if !set.is_empty() {
            let at = time((step.scan - 1).saturating_mul(tick));
            let _ = writeln!(text, "      - {{ at: {at}, set: {{ {} }} }}", set.join(", "));
        }
    }
    let end = time((last - 1).saturating_mul(tick));
    let expect = |text: &mut String, condition: &str| {
        let _ = writeln!(text, "      - {{ at: {end}, expect: {} }}", quoted(condition));
    };
    match &property.kind {
        Kind::Invariant { expr, when } => {
            let condition = when.as_ref().map_or_else(|| expr.clone(), |when| format!("NOT ({when}) OR ({expr})"));
            expect(&mut text, &condition);
        }
        Kind::NeverTogether { .. } | Kind::DeadTime { .. } => {
            let holding: Vec<String> = replay.holding.iter().map(|c| format!("({c})")).collect();
            expect(&mut text, &format!("NOT ({})", holding.join(" AND ")));
        }
        Kind::Responds { then, .. } => expect(&mut text, then),
        Kind::Holds { expr, .. } | Kind::Reachable { expr } => expect(&mut text, expr),
        // The fault itself fails the test.
        Kind::Terminates => {
            let _ = writeln!(text, "    until: {end}\n    always: \"TRUE\"");
        }
    }
    text
}

/// Every proof, with names in place of numbers.
pub fn certificates(answered: &[Answered], prover: &Prover<'_>, work: &Work) -> String {
    let proofs: Vec<Value> = answered
        .iter()
        .filter_map(|one| {
            let (Answer::Proved { certificate, .. } | Answer::Unreachable { certificate, .. }) = &one.report.answer
            else {
                return None;
            };
            let system = one.report.system.as_ref()?;
            Some(json!({
                "id": one.report.property.id, "says": one.report.property.kind.sentence(),
                "argument": certificate.argument.text(), "clauses": clauses(certificate, system, prover, work),
            }))
        })
        .collect();
    let tick = work.map.plan.tick_ns;
    let whole = json!({ "scan_ns": tick, "meaning": "before every scan at least one part of each clause holds", "proofs": proofs });
    format!("{}\n", serde_json::to_string_pretty(&whole).unwrap_or_default())
}

fn clauses(certificate: &Certificate, system: &System, prover: &Prover<'_>, work: &Work) -> Vec<Value> {
    let model = prover.model();
    let latch = |n: u32| {
        let place = system.latches.get(n as usize).and_then(|l| model.latches.get(l.model as usize)?.place);
        place.map_or_else(|| format!("monitor {n}"), |bit| of_bit(work.image.image(), bit))
    };
    let counter = |n: u32| {
        let owner = system.counters.get(n as usize).and_then(|c| model.counters.get(c.model as usize)?.owner);
        owner.map_or_else(
            || format!("monitor's time {n}"),
            |byte| {
                let name = of_bit(work.image.image(), byte as usize * 8);
                format!("scans of {}", name.rsplit_once('.').map_or(name.as_str(), |(instance, _)| instance))
            },
        )
    };
    let literal = |(predicate, positive): &(Predicate, bool)| {
        let said = match predicate {
            Predicate::Latch(n) => latch(*n),
            Predicate::AtLeast { counter: n, threshold } => format!("{} >= {threshold}", counter(*n)),
            Predicate::Order { left, right, by } => format!("{} >= {} + {by}", counter(*left), counter(*right)),
            Predicate::CounterBit { counter: n, bit } => format!("bit {bit} of {}", counter(*n)),
        };
        if *positive { said } else { format!("NOT {said}") }
    };
    certificate.clauses.iter().map(|clause| Value::from(clause.iter().map(literal).collect::<Vec<_>>())).collect()
}
