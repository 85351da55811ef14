//! I/O maps that are taken and maps that are refused, each with the exact findings it gives.
//!
//! `tests/config/NAME.yaml` is a map; lines of the form `# expect: LINE:COLUMN CODE text` at its end are its findings,
//! all of them, in order; `text` must be part of the message. A map without such lines gives no finding. With
//! PLCRUN_BLESS=1 the findings of today are written there. A first line `# program: inputs=a,b outputs=x,y` names the program's variables (default: `fwd_pb,rev_pb,stop_ok,fwd_aux` and
//! `fwd,rev`); `word` adds `level AT %QW1 : WORD`, `programs=2` a second program, `constant` makes `hang` a CONSTANT.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use common::{Program, sheet};
use runtime::config::files::{Disk, Texts};
use runtime::config::{Code, Severity, load, simulated};
use std::fmt::Write as _;
use std::path::Path;

fn leak(text: &str) -> &'static str {
    Box::leak(text.to_owned().into_boxed_str())
}

fn program_of(text: &str) -> Program {
    let mut program = Program::new(&["fwd_pb", "rev_pb", "stop_ok", "fwd_aux"], &["fwd", "rev"]);
    let first = text.lines().next().unwrap_or_default();
    let Some(spec) = first.strip_prefix("# program:") else { return program };
    for part in spec.split_whitespace() {
        let list = |names: &str| names.split(',').filter(|n| !n.is_empty()).map(leak).collect::<Vec<_>>();
        match part.split_once('=') {
            Some(("inputs", names)) => program.inputs = list(names),
            Some(("outputs", names)) => program.outputs = list(names),
            Some(("programs", count)) => program.programs = count.parse().unwrap(),
            None if part == "word" => program.word = true,
            None if part == "constant" => program.constant = true,
            _ => panic!("unknown part {part}"),
        }
    }
    program
}

#[test]
fn every_map_gives_exactly_its_findings() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config");
    let mut count = 0;
    let mut report = String::new();
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        let image = program_of(&text).image();
        let broken = sheet().replace("pull_in_time: 8 ms", "pull_in_tme: 8 ms");
        let files = Texts::new().with(&name, &*text).with("wago.yaml", sheet()).with("broken.yaml", broken);
        let loaded = load(Path::new(&name), &files, &image);
        let mut expected: Vec<&str> = text.lines().filter_map(|l| l.strip_prefix("# expect: ")).collect();
        if std::env::var_os("PLCRUN_BLESS").is_some() {
            bless(&path, &text, &loaded.findings);
        }
        let mut bad = Vec::new();
        for finding in &loaded.findings {
            let place = finding.place;
            let shown = format!("{}:{} {} {}", place.line, place.column, finding.code, finding.message);
            let matches = |e: &&str| {
                let (head, text) = e.split_at(e.match_indices(' ').nth(1).map_or(e.len(), |m| m.0));
                shown.starts_with(&format!("{head} ")) && finding.message.contains(text.trim())
            };
            match expected.first().filter(|e| matches(e)) {
                Some(_) => drop(expected.remove(0)),
                None => bad.push(format!("  not expected: {shown}\n      help: {}", finding.remedy)),
            }
            assert!(
                !finding.remedy.is_empty() || finding.code == "C004" || finding.code.starts_with('R'),
                "{name}: {finding}"
            );
        }
        bad.extend(expected.iter().map(|e| format!("  missing: {e}")));
        let has_error = loaded.findings.iter().any(|f| f.severity == Severity::Error);
        assert_eq!(loaded.map.is_none(), has_error, "{name}");
        if !bad.is_empty() {
            let _ = writeln!(report, "{name}:\n{}", bad.join("\n"));
        }
        count += 1;
    }
    assert!(report.is_empty(), "{report}");
    assert!(count >= 12, "{count} maps");
}

/// Writes the findings of today as the expected ones: read them before you commit them.
fn bless(path: &Path, text: &str, findings: &[runtime::config::Finding]) {
    let mut kept: String = text.lines().filter(|l| !l.starts_with("# expect: ")).map(|l| format!("{l}\n")).collect();
    for f in findings {
        let _ = writeln!(kept, "# expect: {}:{} {} {}", f.place.line, f.place.column, f.code, f.message);
    }
    std::fs::write(path, kept).unwrap();
}

#[test]
fn every_code_has_a_map_that_gives_it() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config");
    let texts = std::fs::read_dir(folder).unwrap().map(|e| std::fs::read_to_string(e.unwrap().path()).unwrap());
    let all: String = texts.collect();
    // These two are about size; the test below builds their maps.
    let built = [Code::TooLarge, Code::TooManyLines];
    let missing: Vec<&str> = Code::ALL
        .iter()
        .filter(|c| !built.contains(c) && !all.contains(&format!(" {} ", c.code())))
        .map(|c| c.code())
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn maps_too_large_for_reader_or_kernel_are_refused() {
    let codes = |text: String| {
        let image = Program::new(&[], &[]).image();
        let loaded = load(Path::new("map.yaml"), &Texts::new().with("map.yaml", text), &image);
        loaded.findings.iter().map(|f| f.code).collect::<Vec<_>>()
    };
    assert_eq!(codes("# x\n".repeat(300_000)), ["C006"]);
    let lines = |count: u32| {
        (0..count)
            .fold("inputs:\n".to_owned(), |text, n| text + &format!("  i{n}: {{ gpio: {{ chip: c, line: {n} }} }}\n"))
    };
    assert!(!codes(lines(64)).contains(&"C026"));
    assert_eq!(codes(lines(70)).iter().filter(|c| **c == "C026").count(), 1);
}

#[test]
fn a_missing_map_is_said_in_one_sentence() {
    let image = Program::new(&["a"], &["x"]).image();
    let loaded = load(Path::new("no/such.yaml"), &Disk, &image);
    let text: Vec<String> = loaded.findings.iter().map(ToString::to_string).collect();
    assert_eq!(
        text,
        ["error[C001]: there is no such file\n  --> no/such.yaml\n  help: check the path given with `--io`"]
    );
}

#[test]
fn a_program_without_map_gets_the_simulated_rack() {
    let mut program = Program::new(&["a", "b"], &["x"]);
    program.word = true;
    let map = simulated(&program.image()).unwrap();
    assert!(!map.has_real_lines());
    let names = |list: &[runtime::config::Input]| list.iter().map(|i| i.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&map.inputs), ["a", "b"]);
    assert_eq!((map.outputs[0].name.as_str(), map.words[0].name.as_str()), ("x", "level"));
    assert_eq!(map.scan.period_ns, 10_000_000);
}

#[test]
fn shipped_maps_read_without_syntax_findings() {
    // Their programs are compiled elsewhere; here every finding about the text itself counts.
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let image = Program::new(&["a"], &["x"]).image();
    for folder in ["io-config", "programs"] {
        let Ok(entries) = std::fs::read_dir(root.join(folder)) else { continue };
        for path in entries.flatten().map(|e| e.path()) {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let is_map = (folder == "io-config" && name.ends_with(".yaml")) || name.ends_with(".io.yaml");
            if !is_map {
                continue;
            }
            let loaded = load(&path, &Disk, &image);
            let textual = ["C001", "C002", "C003", "C004", "C005", "C006", "C032"];
            let bad: Vec<String> =
                loaded.findings.iter().filter(|f| textual.contains(&f.code)).map(ToString::to_string).collect();
            assert!(bad.is_empty(), "{name}:\n{}", bad.join("\n"));
        }
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(400))]

    /// Any text gives a map or findings, never a panic, and the same ones every time.
    #[test]
    fn any_text_is_a_map_or_findings(text in "[ -~\n]{0,300}") {
        check_any(&text);
    }

    /// Texts made of the map's own words reach deeper.
    #[test]
    fn any_words_of_a_map_are_a_map_or_findings(words in proptest::collection::vec(0_usize..WORDS.len(), 0..60)) {
        let text: String = words.iter().map(|w| WORDS[*w]).collect();
        check_any(&text);
    }

    /// A good map with one character changed.
    #[test]
    fn a_damaged_map_is_a_map_or_findings(at in 0_usize..2000, with in "[ -~]") {
        let good = include_str!("config/good_gpio.yaml");
        let at = at % good.len();
        if good.is_char_boundary(at) && good.is_char_boundary(at + 1) {
            check_any(&format!("{}{with}{}", &good[..at], &good[at + 1..]));
        }
    }
}

const WORDS: &[&str] = &[
    "inputs:\n",
    "outputs:\n",
    "interlocks:\n",
    "  fwd:\n",
    "  fwd_pb:\n",
    "    gpio: { chip: gpiochip0, line: 1 }\n",
    "    relay: wago-859-386\n",
    "    contact: nc\n",
    "  - { name: d, channels: [fwd, rev] }\n",
    "    feedback: { input: fwd_pb }\n",
    "relays: [wago.yaml]\n",
    "scan: { period: 10 ms }\n",
    "    channel: fwd\n",
    "    value: fault\n",
    "supply: { sensed: fwd_pb }\n",
    "    load: { voltage: 24 VDC, current: 40 mA }\n",
    "    margin: -1 %\n",
    "    debounce: 1000000 h\n",
    "    stop: on\n",
    "x",
    ": ",
    "\n",
    "    min_off: 99999999 d\n",
    "  rev: {}\n",
    "    sim: { initial: true }\n",
    "    safe: on\n",
];

fn check_any(text: &str) {
    let image = Program::new(&["fwd_pb", "rev_pb"], &["fwd", "rev"]).image();
    let files = Texts::new().with("map.yaml", text).with("wago.yaml", sheet());
    let first = load(Path::new("map.yaml"), &files, &image);
    let second = load(Path::new("map.yaml"), &files, &image);
    assert_eq!(first.findings, second.findings);
    for finding in &first.findings {
        assert!(finding.place.line >= 1 && finding.place.column >= 1, "without a place: {finding}");
    }
    assert_eq!(first.map.is_none(), first.findings.iter().any(|f| f.severity == Severity::Error));
}
