//! Coverage as an lcov tracefile: lines, and a branch record for each way a contact, rung, leg or ST branch can go.

use super::{Coverage, PointKind};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The records of one source file.
#[derive(Default)]
struct File {
    lines: BTreeMap<u32, bool>,
    /// Line, and whether each way was taken.
    branches: Vec<(u32, Vec<bool>)>,
}

/// The tracefile of some programs. Coverage says whether, not how often, so every count is 0 or 1.
#[must_use]
pub fn lcov<'a>(all: impl IntoIterator<Item = Coverage<'a>>) -> String {
    let mut files: BTreeMap<String, File> = BTreeMap::new();
    for coverage in all {
        for point in &coverage.probes.points {
            let Some((name, at)) = coverage.sources.map.place(point.span) else { continue };
            let seen = coverage.hits.of(point);
            let file = files.entry(name.to_owned()).or_default();
            match point.kind {
                PointKind::RungReached | PointKind::Statement => {
                    let hit = seen.iter().any(|hit| *hit);
                    file.lines.entry(at.line).and_modify(|line| *line |= hit).or_insert(hit);
                }
                PointKind::Rung | PointKind::Contact | PointKind::Condition | PointKind::Leg | PointKind::Branch => {
                    file.branches.push((at.line, seen.to_vec()))
                }
            }
        }
    }
    let mut out = String::new();
    for (name, file) in &files {
        let _ = writeln!(out, "TN:\nSF:{name}");
        let (mut found, mut hit) = (0, 0);
        for (block, (line, ways)) in file.branches.iter().enumerate() {
            for (way, taken) in ways.iter().enumerate() {
                let _ = writeln!(out, "BRDA:{line},{block},{way},{}", u8::from(*taken));
                found += 1;
                hit += usize::from(*taken);
            }
        }
        let _ = writeln!(out, "BRF:{found}\nBRH:{hit}");
        for (line, hit) in &file.lines {
            let _ = writeln!(out, "DA:{line},{}", u8::from(*hit));
        }
        let lines_hit = file.lines.values().filter(|hit| **hit).count();
        let _ = writeln!(out, "LF:{}\nLH:{lines_hit}\nend_of_record", file.lines.len());
    }
    out
}
