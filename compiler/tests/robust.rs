//! Any text gives a tree and diagnostics: never a panic, never without end. Random texts, random words of the language,
//! real programs with pieces cut out, doubled and exchanged, and the corpus of the fuzz target.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::expect_used)]

use std::path::Path;
use std::time::{Duration, Instant};

use compiler::selfcheck::front_end;
use proptest::prelude::*;

/// Pieces of the language, so that random texts get past the first token.
const WORDS: &[&str] = &[
    "PROGRAM p",
    "END_PROGRAM",
    "FUNCTION f : INT",
    "END_FUNCTION",
    "FUNCTION_BLOCK b",
    "END_FUNCTION_BLOCK",
    "VAR",
    "VAR_INPUT",
    "END_VAR",
    "LADDER",
    "END_LADDER",
    "RUNG",
    "RUNG a \"t\":",
    "NO(a)",
    "NC(b)",
    "COIL(c)",
    "[",
    "]",
    ",",
    ";",
    ":",
    ":=",
    "=>",
    "(",
    ")",
    "ST",
    "END_ST",
    "IF",
    "THEN",
    "ELSE",
    "ELSIF",
    "END_IF",
    "CASE",
    "OF",
    "END_CASE",
    "FOR",
    "TO",
    "DO",
    "END_FOR",
    "WHILE",
    "END_WHILE",
    "REPEAT",
    "UNTIL",
    "END_REPEAT",
    "x",
    "y.z",
    "1",
    "2#1",
    "1.5",
    "T#1s",
    "TRUE",
    "NOT",
    "AND",
    "OR",
    "-",
    "+",
    "*",
    "..",
    "^",
    "%IX0.0",
    "%I*",
    "AT",
    ": BOOL;",
    "ARRAY [0..1] OF",
    "STRUCT",
    "END_STRUCT",
    "TYPE",
    "END_TYPE",
    "CONFIGURATION c",
    "RESOURCE r ON k",
    "TASK t(INTERVAL := T#1s);",
    "END_RESOURCE",
    "END_CONFIGURATION",
    "(* c *)",
    "// c\n",
    "(*",
    "{p}",
    "{",
    "\"",
    "'",
    "\n",
    "\n\n",
    "$",
    "ü",
    "RETURN;",
    "EXIT;",
    "&",
    "JMP(a)",
    "INV()",
    "ENDIF",
    "=",
    "\0",
];

fn programs() -> Vec<String> {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let mut texts = Vec::new();
    for folder in ["accepted", "draw", "fmt", "diagnostics/syntax"] {
        let mut paths: Vec<_> =
            std::fs::read_dir(tests.join(folder)).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        for path in paths.iter().filter(|path| path.extension().is_some_and(|ending| ending == "ld")) {
            texts.push(std::fs::read_to_string(path).unwrap());
        }
    }
    texts
}

fn holds(text: &str) {
    let start = Instant::now();
    if let Err(broken) = front_end(text) {
        panic!("{broken}\n--- of ---\n{text}");
    }
    // A hundred times what a text of this size needs.
    assert!(start.elapsed() < Duration::from_secs(5), "{:?} for {} bytes", start.elapsed(), text.len());
}

proptest! {
    #[test]
    fn any_text(text in "\\PC{0,200}") {
        holds(&text);
    }

    #[test]
    fn any_words(words in prop::collection::vec(prop::sample::select(WORDS), 0..60)) {
        holds(&words.join(" "));
    }

    #[test]
    fn mutated_programs(which in any::<prop::sample::Index>(), cuts in prop::collection::vec((any::<u16>(), any::<u8>(), 0..5_u8), 1..5)) {
        let mut text: Vec<char> = which.get(&programs()).chars().collect();
        for (at, length, how) in cuts {
            if text.is_empty() {
                break;
            }
            let from = usize::from(at) % text.len();
            let to = (from + usize::from(length % 40)).min(text.len());
            let piece: Vec<char> = text[from..to].to_vec();
            match how {
                0 => drop(text.drain(from..to)),
                1 => drop(text.splice(to..to, piece)),
                2 => text[from..to].reverse(),
                3 => drop(text.splice(from..from, WORDS[usize::from(length) % WORDS.len()].chars())),
                _ => drop(text.splice(0..0, piece)),
            }
        }
        holds(&text.into_iter().collect::<String>());
    }
}

#[test]
fn every_program_and_every_beginning_of_it() {
    for text in programs() {
        holds(&text);
        for end in (0..text.len()).step_by(7).filter(|end| text.is_char_boundary(*end)) {
            holds(&text[..end]);
        }
    }
}

#[test]
fn the_seeds_of_the_fuzz_corpus() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus-seeds/front_end");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        holds(&String::from_utf8_lossy(&std::fs::read(entry.unwrap().path()).unwrap()));
        count += 1;
    }
    assert!(count >= 10);
}

#[test]
fn large_texts_take_linear_time_and_give_few_messages() {
    for piece in [
        "$ ",
        "(* ",
        "x := ;",
        "[",
        "NO(",
        "\"",
        "RUNG: NO(a) COIL(b);",
        "IF a THEN",
        "1__0 ",
        "a.",
        "- ",
        "END_IF;",
        "VAR ",
    ] {
        holds(&format!("PROGRAM p {}", piece.repeat(200_000 / piece.len())));
        holds(&format!("PROGRAM p LADDER RUNG: {}", piece.repeat(200_000 / piece.len())));
        holds(&piece.repeat(200_000 / piece.len()));
    }
}
