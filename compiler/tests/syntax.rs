//! The grammar from outside: texts that are read without a word, and mistakes with the exact message each one gives.
//!
//! `tests/accepted/*.ld` are read without diagnostics. `tests/diagnostics/syntax/*.ld` have the rendered diagnostics
//! beside them in a `.txt`; `UPDATE_EXPECT=1 cargo test -p compiler --test syntax` rewrites those. The first line of such
//! a file says how many findings there must be, so that an update cannot hide a second message for one mistake.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::expect_used)]

use std::path::{Path, PathBuf};

use compiler::diag::{Code, Style, render_all};
use compiler::limits::{DIAGNOSTICS_MAX, NESTING_MAX};
use compiler::parser::{parse, parse_expression};
use compiler::source::SourceMap;

fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(folder);
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "ld"))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "{}", folder.display());
    files
}

/// Number of findings and their rendering.
fn diagnose(name: &str, text: &str) -> (Vec<Code>, String) {
    let mut map = SourceMap::new();
    let file = map.add(name, text);
    let (_, diagnostics) = parse(&map, file);
    (diagnostics.iter().map(|finding| finding.code).collect(), render_all(&map, &diagnostics, Style::Plain))
}

fn codes(text: &str) -> Vec<Code> {
    diagnose("test.ld", text).0
}

#[test]
fn accepted_texts_give_no_diagnostics() {
    for path in files("accepted") {
        let text = std::fs::read_to_string(&path).unwrap();
        let (findings, rendered) = diagnose(&path.display().to_string(), &text);
        assert!(findings.is_empty(), "{rendered}");
    }
}

#[test]
fn mistakes_give_exactly_the_expected_messages() {
    let mut wrong = Vec::new();
    for path in files("diagnostics/syntax") {
        let text = std::fs::read_to_string(&path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let (findings, rendered) = diagnose(&name, &text);
        let first = text.lines().find(|line| line.contains("findings: ")).unwrap_or("findings: 1");
        let wanted: usize =
            first.split("findings: ").nth(1).unwrap().split_whitespace().next().unwrap().parse().unwrap();
        if findings.len() != wanted {
            wrong.push(format!("{name}: {wanted} findings wanted, {} given\n{rendered}", findings.len()));
            continue;
        }
        let expected = path.with_extension("txt");
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            std::fs::write(&expected, &rendered).unwrap();
        }
        let old = std::fs::read_to_string(&expected).unwrap_or_default();
        if old != rendered {
            wrong.push(format!("{name}: expected\n{old}\ngiven\n{rendered}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn the_rest_of_the_compiler_adds_no_message_to_a_syntax_error() {
    for path in files("diagnostics/syntax") {
        let text = std::fs::read_to_string(&path).unwrap();
        let mut map = SourceMap::new();
        let file = map.add("test.ld", text.as_str());
        let compiled = compiler::compile(&map, &[file], compiler::Options::default());
        assert!(compiled.image.is_none());
        let given: Vec<Code> = compiled.diagnostics.iter().map(|finding| finding.code).collect();
        assert_eq!(given, codes(&text), "{}", path.display());
    }
}

#[test]
fn the_examples_of_the_code_table_show_their_code_and_its_cure() {
    let frames = [
        ("", ""),
        ("PROGRAM p ", " END_PROGRAM"),
        ("PROGRAM p VAR ", " END_VAR END_PROGRAM"),
        ("PROGRAM p LADDER ", " END_LADDER END_PROGRAM"),
        ("PROGRAM p LADDER ", "\n NO(a); END_LADDER END_PROGRAM"),
        ("PROGRAM p t(", "); END_PROGRAM"),
        ("", "\nPROGRAM p END_PROGRAM"),
    ];
    for code in Code::ALL.iter().filter(|code| matches!(code.as_str().get(..3), Some("E01" | "E02"))) {
        let (wrong, right) = code.example();
        if wrong.is_empty() {
            continue;
        }
        let fits = frames.iter().any(|(before, after)| {
            codes(&format!("{before}{right}{after}")).is_empty()
                && codes(&format!("{before}{wrong}{after}")).contains(code)
        });
        assert!(fits, "{code}: the example `{wrong}` does not give it, or `{right}` does not cure it");
    }
}

#[test]
fn nesting_ends_with_one_message_that_names_the_limit() {
    let deep = NESTING_MAX as usize * 1000;
    let program = |body: &str| format!("PROGRAM p\n{body}\nEND_PROGRAM\n");
    for body in [
        format!("x := {}1{};", "(".repeat(deep), ")".repeat(deep)),
        format!("x := {}TRUE;", "NOT ".repeat(deep)),
        format!("x := {}1;", "-".repeat(deep)),
        format!("x := {}1{};", "a[".repeat(deep), "]".repeat(deep)),
        format!("x := {}1{};", "f(".repeat(deep), ")".repeat(deep)),
        "IF a THEN ".repeat(deep),
        "CASE a OF 1: ".repeat(deep),
        "REPEAT ".repeat(deep),
        format!("LADDER RUNG: {}", "[".repeat(deep)),
        format!("LADDER RUNG: ST {}", "IF a THEN ".repeat(deep)),
        format!("VAR a : {}INT; END_VAR", "ARRAY [0..1] OF ".repeat(deep)),
        format!("VAR a : {}INT; END_VAR", "STRUCT a : ".repeat(deep)),
        format!("VAR a : INT := {}1; END_VAR", "[".repeat(deep)),
    ] {
        let (findings, rendered) = diagnose("deep.ld", &program(&body));
        assert_eq!(findings, [Code::NestingTooDeep], "{}", &rendered[..rendered.len().min(400)]);
        assert!(rendered.contains("64"), "{rendered}");
    }
}

#[test]
fn long_expressions_and_lists_are_no_nesting() {
    let terms = vec!["a"; 100_000].join(" OR ");
    let contacts = "NO(a) ".repeat(20_000);
    let fields = "a.".repeat(20_000);
    let text = format!(
        "PROGRAM p LADDER RUNG: CMP({terms}) {contacts} COIL(b); RUNG: [{}] NO({fields}a); END_LADDER END_PROGRAM",
        vec!["NO(a)"; 20_000].join(",")
    );
    assert_eq!(codes(&text), []);
}

#[test]
fn at_most_a_hundred_mistakes_are_reported() {
    let text = format!("PROGRAM p {} END_PROGRAM", "x := ;\n".repeat(10_000));
    let findings = codes(&text);
    assert_eq!(findings.len(), DIAGNOSTICS_MAX + 1);
    assert!(findings.contains(&Code::TooManyMistakes));
}

#[test]
fn expressions_stand_alone() {
    for text in ["fwd AND rev", "fwd.contact = closed AND NOT rev", "t.ET >= T#2s", "%IX0.0", "x[3].y.2"] {
        parse_expression(text).unwrap();
    }
    let error = parse_expression("fwd AND").unwrap_err();
    assert_eq!(error.diagnostics.len(), 1);
    assert!(error.to_string().contains("expected a value"), "{error}");
    assert!(parse_expression("a b").unwrap_err().to_string().contains("end of the expression"));
    assert_eq!(parse_expression("").unwrap_err().diagnostics.len(), 1);
    assert_eq!(parse_expression("2#3").unwrap_err().diagnostics.len(), 1);
}
