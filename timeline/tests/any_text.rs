//! Whatever a timeline file says, reading it ends with a model or with problems, never with a panic.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use relay::SplitMix64;
use runtime::config::files::Texts;
use std::path::Path;
use timeline::{format, load};

const SOURCES: [&str; 2] =
    [include_str!("../../programs/forward_reverse.test.yaml"), include_str!("features/everything.test.yaml")];
const PROGRAM: &str = include_str!("../../programs/forward_reverse.ld");
const BITS: [&str; 28] = [
    "{",
    "}",
    "[",
    "]",
    ":",
    "- ",
    "\n",
    "  ",
    "'",
    "\"",
    "*rules",
    "&rules ",
    "|\n",
    "~",
    "TRUE",
    "T#-9999999999d",
    "16#FFFFFFFFFFFFFFFFFFFF",
    "fwd.contact",
    "follows ",
    "1e400",
    "\u{0}",
    "ä",
    "- - - -",
    "at: 292 y",
    "$what",
    "${",
    "cases: ",
    "power_cut: 1 s, ",
];

/// The text with up to eight mistakes in it: pieces cut, doubled, exchanged, strange things put in.
fn damaged(random: &mut SplitMix64) -> String {
    let number = usize::try_from(random.up_to(SOURCES.len() as u64 - 1)).unwrap();
    let mut text: Vec<char> = SOURCES[number].chars().collect();
    for _ in 0..=random.up_to(7) {
        let at = |random: &mut SplitMix64, len: usize| usize::try_from(random.up_to(len.max(1) as u64 - 1)).unwrap();
        let start = at(random, text.len());
        let end = (start + at(random, 40)).min(text.len());
        match random.up_to(3) {
            0 => drop(text.drain(start..end)),
            1 => {
                let piece = text[start..end].to_vec();
                let to = at(random, text.len());
                text.splice(to..to, piece);
            }
            2 => text[start..end].reverse(),
            _ => {
                let piece = BITS[at(random, BITS.len())];
                text.splice(start..start, piece.chars());
            }
        }
    }
    text.into_iter().collect()
}

#[test]
fn damaged_files_are_read_or_refused_with_a_place() {
    let mut random = SplitMix64::new(0x5eed);
    let (mut read, mut refused) = (0, 0);
    for _ in 0..3_000 {
        match format::parse("a.test.yaml", &damaged(&mut random)) {
            Ok(_) => read += 1,
            Err(problems) => {
                assert!(problems.iter().all(|problem| !problem.message.is_empty()), "{problems:?}");
                refused += 1;
            }
        }
    }
    assert!(read > 50 && refused > 1_000, "both happen: {read} read, {refused} refused");
}

#[test]
fn damaged_files_are_prepared_or_refused() {
    let mut random = SplitMix64::new(0x5eed_0002);
    for _ in 0..60 {
        let texts = Texts::new()
            .with("programs/forward_reverse.ld", PROGRAM)
            .with("programs/a.test.yaml", damaged(&mut random));
        if let Err(problems) = load(Path::new("programs/a.test.yaml"), &texts) {
            assert!(!problems.is_empty());
        }
    }
}

#[test]
fn the_sources_themselves_are_read_and_prepared() {
    for source in SOURCES {
        let texts = Texts::new()
            .with("programs/forward_reverse.ld", PROGRAM)
            .with("programs/forward_reverse.io.yaml", include_str!("../../programs/forward_reverse.io.yaml"))
            .with("io-config/relays/wago-859-386.yaml", include_str!("../../io-config/relays/wago-859-386.yaml"))
            .with("programs/a.test.yaml", source);
        let problems = load(Path::new("programs/a.test.yaml"), &texts).err().unwrap_or_default();
        assert!(problems.is_empty(), "{problems:?}");
    }
}

#[test]
fn a_table_that_makes_too_much_is_refused() {
    let steps: String = (1..3_000).map(|n| format!("      - {{ at: {n} s, press: $a }}\n")).collect();
    let rows = "[x], ".repeat(2_000);
    let text = format!(
        "program: a.ld\ntests:\n  - name: t\n    never: b\n    cases: {{ columns: [a], rows: [{rows}] }}\n    steps:\n{steps}"
    );
    let problems = format::parse("a.test.yaml", &text).unwrap_err();
    assert!(problems[0].message.contains("too many steps"), "{problems:?}");
}

#[test]
fn deep_nesting_is_refused() {
    for text in ["[".repeat(100_000), "{a: ".repeat(100_000), "- ".repeat(100_000)] {
        assert!(format::parse("a.test.yaml", &text).is_err());
    }
    let condition =
        format!("program: a.ld\ntests: [{{ name: t, never: '{}a{}' }}]\n", "(".repeat(100_000), ")".repeat(100_000));
    let texts = Texts::new()
        .with("a.ld", "PROGRAM p VAR a : BOOL; END_VAR a := NOT a; END_PROGRAM")
        .with("a.test.yaml", condition);
    assert!(load(Path::new("a.test.yaml"), &texts).is_err());
}

#[test]
fn a_file_beyond_the_limit_is_refused() {
    let problems = format::parse("a.test.yaml", &" ".repeat(timeline::format::SIZE.bytes_max + 1)).unwrap_err();
    assert!(problems[0].message.contains("at most"), "{problems:?}");
}
