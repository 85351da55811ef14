//! The whole compiler on damaged programs, long chains and many rungs: it never panics, and what it makes verifies.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use compiler::source::SourceMap;
use compiler::{Compiled, Options, build, compile};
use std::path::Path;

fn compiled(text: &str, optimise: bool) -> Compiled {
    let mut map = SourceMap::new();
    let id = map.add("test.st", text);
    compile(&map, &[id], Options { optimise })
}

/// Compiles both ways; what comes out has to verify. True when there was an image.
fn verifies(text: &str) -> bool {
    let mut any = false;
    for optimise in [false, true] {
        if let Some(image) = compiled(text, optimise).image {
            any = true;
            if let Err(e) = bytecode::verify::verify(image) {
                panic!("optimise={optimise}: {e}\n{text}");
            }
        }
    }
    any
}

fn programs() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut texts = Vec::new();
    for folder in
        ["programs", "tests/lang/st", "tests/lang/ladder", "tests/lang/functions", "tests/lang/types", "tests/reject"]
    {
        for entry in std::fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|e| e == "st" || e == "ld") {
                texts.push((path.clone(), std::fs::read_to_string(path).unwrap()));
            }
        }
    }
    texts.sort();
    texts.into_iter().map(|(_, text)| text).collect()
}

struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % n.max(1) as u64).unwrap()
    }
}

/// Words and single signs, spaces included.
fn words(text: &str) -> Vec<String> {
    let mut result: Vec<String> = Vec::new();
    for c in text.chars() {
        let joins = |last: &str| {
            let word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '#' | '%');
            last.chars().all(word) && word(c)
        };
        match result.last_mut() {
            Some(last) if joins(last) => last.push(c),
            Some(_) | None => result.push(c.to_string()),
        }
    }
    result
}

#[test]
fn damaged_programs_give_findings_or_images_that_verify() {
    let sources: Vec<Vec<String>> = programs().iter().map(|t| words(t)).collect();
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let mut images = 0;
    for round in 0..240 {
        let mut text = sources[round % sources.len()].clone();
        for _ in 0..=random.below(3) {
            let (a, b) = (random.below(text.len()), random.below(text.len()));
            match random.below(4) {
                0 => {
                    text.remove(a);
                }
                1 => text.swap(a, b),
                2 => text[a] = text[b].clone(),
                _ => {
                    let other = &sources[random.below(sources.len())];
                    text[a] = other[random.below(other.len())].clone();
                }
            }
        }
        images += usize::from(verifies(&text.concat()));
    }
    assert!(images > 10, "only {images} of the damaged programs still compiled: the damage is too great to test much");
}

#[test]
fn the_same_text_gives_the_same_bytes() {
    for text in programs() {
        let first = compiled(&text, true);
        assert_eq!(first.image, compiled(&text, true).image);
        let mut map = SourceMap::new();
        let id = map.add("test.st", text);
        assert_eq!((first.image, first.diagnostics), build(&map, &[id], Options::default()));
    }
}

#[test]
fn long_chains_do_not_need_a_deep_stack() {
    let chain = |op: &str, n: usize| {
        format!("PROGRAM P VAR a : BOOL; b : DINT; END_VAR a := a{}; END_PROGRAM", format!(" {op} a").repeat(n))
    };
    assert!(verifies(&chain("OR", 100_000)));
    assert!(verifies(&chain("AND", 20_000)));
    let sum = format!("PROGRAM P VAR b : DINT; END_VAR b := b{}; END_PROGRAM", " + b - b".repeat(10_000));
    let refused = compiled(&sum, true);
    assert_eq!(refused.diagnostics.first().map(|d| d.code.as_str()), Some("E0809"), "named as a limit");
    let findings = compiled(&chain("OR", 100_001), true).diagnostics;
    assert_eq!(findings.iter().map(|d| d.code.as_str()).collect::<Vec<_>>(), ["E0809"]);
    let alternatives = " ELSIF a THEN b := 2;".repeat(20_000);
    assert!(verifies(&format!(
        "PROGRAM P VAR a : BOOL; b : DINT; END_VAR IF a THEN b := 1;{alternatives} END_IF; END_PROGRAM"
    )));
}

#[test]
fn limits_are_named() {
    let code = |text: &str| compiled(text, true).diagnostics.first().map(|d| d.code.as_str());
    let big = "PROGRAM P VAR a : ARRAY [0..8000000] OF LREAL; b : ARRAY [0..1000000] OF LREAL; END_VAR a[0] := b[0]; b[1] := a[1]; END_PROGRAM";
    assert_eq!(code(big), Some("E0806"));
    let far = "PROGRAM P VAR a AT %IX70000.0 : BOOL; b AT %QX0.0 : BOOL; END_VAR b := a; END_PROGRAM";
    assert_eq!(code(far), Some("E0806"));
    let mut nested = String::from("FUNCTION_BLOCK B0 VAR x : BOOL; END_VAR x := NOT x; END_FUNCTION_BLOCK\n");
    for i in 1..40 {
        nested += &format!("FUNCTION_BLOCK B{i} VAR x : B{}; END_VAR x(); END_FUNCTION_BLOCK\n", i - 1);
    }
    nested += "PROGRAM P VAR x : B39; END_VAR x(); END_PROGRAM";
    assert_eq!(code(&nested), Some("E0803"));
    let mut reversed = String::from("PROGRAM P VAR x : B0; END_VAR x(); END_PROGRAM\n");
    for i in 0..5_000 {
        reversed += &format!("FUNCTION_BLOCK B{i} VAR x : B{}; END_VAR x(); END_FUNCTION_BLOCK\n", i + 1);
    }
    reversed += "FUNCTION_BLOCK B5000 VAR x : BOOL; END_VAR x := NOT x; END_FUNCTION_BLOCK";
    assert!(compiled(&reversed, true).diagnostics.iter().all(|d| d.code.as_str() == "E0803"));
}

#[test]
fn bool1000_needs_six_instructions_per_triple_of_statements() {
    let mut declarations = String::from("tick : DINT;");
    let mut body = String::from("s0 := (tick MOD 7) = 0; p0 := (tick MOD 11) = 0;\n");
    for i in 0..1000 {
        declarations += &format!("s{i} : BOOL; p{i} : BOOL; m{i} : BOOL;\n");
        let before = if i > 0 { format!("m{}", i - 1) } else { "TRUE".to_owned() };
        if i > 0 {
            body += &format!("s{i} := {before} XOR s{}; p{i} := NOT {before} AND p{};\n", i - 1, i - 1);
        }
        body += &format!("m{i} := (s{i} OR m{i}) AND NOT p{i} AND ({before} OR NOT s{i});\n");
    }
    let image = compiled(&format!("PROGRAM main VAR {declarations} END_VAR\n{body} END_PROGRAM"), true).image.unwrap();
    assert!(image.code.len() <= 6_010, "{} instructions", image.code.len());
}

#[test]
fn a_long_chain_of_small_functions_stays_linear() {
    use std::fmt::Write as _;
    let chain = |length: usize| {
        let mut text = String::new();
        for i in 0..length {
            let next = i + 1;
            writeln!(text, "FUNCTION F{i} : INT VAR_INPUT x : INT; END_VAR F{i} := F{next}(x); END_FUNCTION").unwrap();
        }
        writeln!(text, "FUNCTION F{length} : INT VAR_INPUT x : INT; END_VAR F{length} := x; END_FUNCTION").unwrap();
        text.push_str("PROGRAM P VAR a : INT; END_VAR a := F0(a); END_PROGRAM");
        let image = compiled(&text, true).image.unwrap();
        (image.code.len(), image.data.slots.len(), image.debug.places.len())
    };
    let (short, long) = (chain(100), chain(2_000));
    assert!(long.0 <= 21 * short.0 && long.1 <= 21 * short.1 && long.2 <= 21 * short.2, "{short:?} {long:?}");
    // With squares anywhere this would take minutes and gigabytes.
    let start = std::time::Instant::now();
    chain(20_000);
    assert!(start.elapsed() < std::time::Duration::from_secs(20), "{:?}", start.elapsed());
}
