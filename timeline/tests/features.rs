//! What timeline tests can say beyond steps: conditions over time, tables, random stimuli, recorded traces, defects of
//! wiring, power cuts; and what a failure shows.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use runtime::config::files::Texts;
use std::path::Path;
use timeline::coverage::{self, Coverage, Hits};
use timeline::diagram::Level;
use timeline::diagram::text::Style;
use timeline::export::{self, Outcome, Page};
use timeline::report::{FailureKind, TestReport};
use timeline::{Loading, Options, Report, Suite, load, load_with, print, run};

const PROGRAM: &str = include_str!("features/motor.ld");
const MAP: &str = include_str!("features/motor.io.yaml");
const SHEET: &str = include_str!("../../io-config/relays/wago-859-386.yaml");

fn texts(tests: &str) -> Texts {
    Texts::new()
        .with("p/motor.ld", PROGRAM)
        .with("p/motor.io.yaml", MAP)
        .with("p/wago.yaml", SHEET)
        .with("p/motor.test.yaml", format!("program: motor.ld\ntests:\n{tests}"))
}

fn suite_of(texts: &Texts, loading: Loading) -> Suite {
    load_with(Path::new("p/motor.test.yaml"), texts, loading).unwrap_or_else(|problems| {
        panic!("{}", problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    })
}

fn report_of(tests: &str) -> Report {
    run(&suite_of(&texts(tests), Loading::default()), &Options::default())
}

fn passes(tests: &str) -> Report {
    let report = report_of(tests);
    assert!(report.passed(), "{}", print::text(&report, true));
    report
}

/// What the first failure of the only test says.
fn fails(tests: &str) -> (TestReport, String) {
    let report = report_of(tests);
    let test = report.tests().next().unwrap().1.clone();
    let failure = test.failures.first().unwrap_or_else(|| panic!("must fail:\n{tests}"));
    let said = format!("{}: {}", print::moment(failure.moment), print::what(&failure.kind));
    (test, said)
}

fn problems_of(tests: &str) -> String {
    let problems = load(Path::new("p/motor.test.yaml"), &texts(tests)).expect_err("must be refused");
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn within_waits_for_the_effect_and_no_longer() {
    let test = |within: &str| {
        format!(
            "  - name: t\n    steps:\n      - {{ at: 3 s, press: start_pb }}\n    always:\n      \
             - {{ when: motor, then: motor.contact = closed, within: {within} }}\n"
        )
    };
    passes(&test("20 ms"));
    let (_, said) = fails(&test("5 ms"));
    let (_, what) = said.split_once(": ").unwrap();
    assert_eq!(
        what,
        "`motor.contact = closed` came too late: it must follow within 5 ms of `motor`, which became TRUE at 3 s (scan 301)"
    );
    let at_ns = report_of(&test("5 ms")).tests().next().unwrap().1.failures[0].moment.time_ns;
    assert!((3_005_000_000..3_010_000_000).contains(&at_ns), "at the movement of the contact: {at_ns}");
}

#[test]
fn what_begins_at_the_end_of_a_test_is_followed_to_its_own_end() {
    let (_, said) = fails(
        "  - name: t\n    steps:\n      - { at: 100 ms, set: { stop_ok: false } }\n      - { at: 3 s, press: start_pb }\n    always:\n      \
         - { when: start_pb, then: motor, within: 5 s }\n",
    );
    assert!(
        said.starts_with("at 8010 ms, scan 802: `motor` did not come: it must follow within 5 s of `start_pb`"),
        "{said}"
    );
    passes(
        "  - name: t\n    steps:\n      - { at: 3 s, press: start_pb }\n    always:\n      - { when: start_pb, then: lamp, within: 5 s }\n",
    );
}

#[test]
fn hold_ends_with_its_reason_only() {
    let test = |until: &str| {
        format!(
            "  - name: t\n    steps:\n      - {{ at: 3 s, press: start_pb }}\n      - {{ at: 5 s, set: {{ stop_ok: false }} }}\n    always:\n      \
             - {{ hold: motor, until: {until} }}\n"
        )
    };
    passes(&test("NOT stop_ok"));
    let (_, said) = fails(&test("lamp"));
    assert_eq!(said, "at 5 s, scan 501: `motor` was lost: it held since 3 s (scan 301) and must hold until `lamp`");
    let (_, said) = fails(
        "  - name: t\n    steps: [{ at: 3 s, press: start_pb }]\n    until: 4 s\n    always: { when: start_pb, hold: start_pb, until: lamp }\n",
    );
    assert_eq!(
        said,
        "at 3200 ms, scan 321: `start_pb` does not hold: since `start_pb` at 3 s (scan 301) it must, until `lamp`"
    );
}

#[test]
fn mistakes_in_conditions_over_time_have_place_and_remedy() {
    assert_eq!(
        problems_of(
            "  - name: t\n    always:\n      - { when: motor, then: lamp }\n      - { hold: motor, until: moter, withn: 1 s }\n"
        ),
        "\
p/motor.test.yaml:5:9: error: a condition over time is either `when`, `then` and `within`, or `hold` and `until`
  help: write `{ when: start_pb, then: motor, within: 500 ms }` or `{ hold: motor, until: NOT stop_ok }`
p/motor.test.yaml:6:38: error: a condition over time has no key `withn`
  help: did you mean `within`?"
    );
    let said = problems_of("  - { name: t, always: [{ hold: motor, until: moter }] }\n");
    assert_eq!(said, "p/motor.test.yaml:3:47: error: `moter`: no variable `moter`; did you mean `motor`?");
}

#[test]
fn each_row_of_a_table_is_a_test() {
    let report = passes(
        "  - name: a stop of $what
    cases:
      columns: [what, input, after]
      rows:
        - [the button, stop_ok, 1 s]
        - [the switch, estop_ok, 2 s]
    steps:
      - { at: 3 s, press: start_pb }
      - { at: 5 s, set: { $input: false }, expect: 'NOT motor AND NOT ${input}' }
    until: $after
  - name: rows with their own names
    cases:
      - { press: 200 ms, starts: true }
      - { press: 0 ms, starts: false }
    steps:
      - { at: 3 s, set: { start_pb: $starts } }
      - { at: 4 s, expect: { motor: $starts } }
    until: $press
",
    );
    let names: Vec<&str> = report.tests().map(|(_, test)| test.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "a stop of the button",
            "a stop of the switch",
            "rows with their own names [press 200 ms, starts true]",
            "rows with their own names [press 0 ms, starts false]"
        ]
    );
    let lines: Vec<u32> = report.tests().map(|(_, test)| test.place.line).collect();
    assert_eq!(lines, [7, 8, 15, 16], "the place of a case is its row");
}

#[test]
fn mistakes_in_tables_have_place_and_remedy() {
    let said = problems_of(
        "  - name: t
    cases: { columns: [a, b], rows: [[true, false], [true]] }
    steps: [{ at: 1 s, set: { start_pb: $c }, expect: { motor: $a } }]
",
    );
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines[0], "p/motor.test.yaml:4:27: error: the column `b` is not used in the test", "{said}");
    assert!(said.contains("p/motor.test.yaml:4:53: error: the row has 1 values for 2 columns"), "{said}");
    assert!(
        said.contains("p/motor.test.yaml:5:41: error: no column of the table is called `c`\n  help: it has a, b"),
        "{said}"
    );
    assert!(problems_of("  - { name: t, cases: [], never: motor }\n").contains("`cases` has no rows"));
}

#[test]
fn random_stimuli_find_a_failure_and_shrink_it_to_a_test_that_fails_alike() {
    let tests = "  - name: the lamp never comes
    random: { inputs: all, for: 120 s, seed: 3, runs: 5 }
    never: lamp AND start_pb
  - name: nothing is wrong here
    random: { inputs: [start_pb, stop_ok], for: 20 s, runs: 2 }
    never: motor AND NOT stop_ok
";
    let report = report_of(tests);
    let all: Vec<&TestReport> = report.tests().map(|(_, test)| test).collect();
    assert!(all[1].passed() && all[1].scans >= 4_000, "two runs of 20 s: {}", all[1].scans);
    let found = all[0].found.as_ref().expect("a second press is found");
    assert!(found.test.lines().count() <= 10, "shrunk:\n{}", found.test);
    assert_eq!(report, report_of(tests), "the same seed finds the same");
    let entry: String = found.test.lines().map(|line| format!("  {line}\n")).collect();
    let (again, said) = fails(&entry);
    assert!(matches!(again.failures[0].kind, FailureKind::Never { .. }), "{said}");
    assert_eq!(again.failures[0].moment.time_ns, all[0].failures[0].moment.time_ns);
}

#[test]
fn random_stimuli_leave_alone_what_nobody_operates() {
    let suite = suite_of(
        &texts("  - { name: t, random: { inputs: all, for: 1 s }, never: motor AND NOT motor }\n"),
        Loading::default(),
    );
    let version = &suite.versions[0];
    let plan = version.tests[0].random.as_ref().unwrap();
    let names: Vec<&str> = plan.inputs.iter().map(|input| version.map.inputs[input.index.0].name.as_str()).collect();
    assert_eq!(names, ["start_pb", "stop_ok", "estop_ok"], "neither read-back nor supply");
    let said = problems_of("  - { name: t, random: { inputs: [motor_aux, lamp], for: 0, run: 2 }, never: motor }\n");
    assert!(said.contains("`random` has no key `run`") && said.contains("how long a run is"), "{said}");
    let said = problems_of(
        "  - { name: t, random: { inputs: all, for: 1 s }, never: motor, steps: [{ at: 1 s, expect: motor }] }\n",
    );
    assert!(said.contains("no `expect` at a fixed time"), "{said}");
}

#[test]
fn a_recorded_trace_is_compared_and_told_line_by_line() {
    let tests = "  - name: t\n    golden: t.golden\n    steps: [{ at: 3 s, press: start_pb }]\n    until: 4 s\n";
    let (first, said) = fails(tests);
    assert!(said.contains("there is no recorded trace t.golden yet; `plcrun test --bless` writes it"), "{said}");
    let text = first.golden.unwrap().text;
    assert!(text.contains("     start  motor.commanded  FALSE\n"), "{text}");
    assert!(text.contains("       3 s  motor.commanded  FALSE -> TRUE\n"), "{text}");
    let with = |golden: &str| {
        let texts = texts(tests).with("p/t.golden", golden);
        run(&suite_of(&texts, Loading::default()), &Options::default())
    };
    assert!(with(&text).passed());
    let changed = text.replacen("       3 s", "   2990 ms", 1);
    assert_ne!(changed, text);
    let said = print::text(&with(&changed), false);
    assert!(said.contains("- 2990 ms  motor.commanded  FALSE -> TRUE"), "{said}");
    assert!(said.contains("+ 3 s  motor.commanded  FALSE -> TRUE"), "{said}");
}

#[test]
fn an_input_bounces_sticks_and_is_mended() {
    // A press counts once where the program debounces, and the starts of a bouncing button are counted.
    let (test, _) = fails(
        "  - name: t
    defects:
      - { at: 1 s, input: start_pb, kind: bouncing, for: 200 ms }
    steps: [{ at: 3 s, press: start_pb, for: 1 s }]
    until: 5 s
    never: presses > 1
",
    );
    assert!(test.failures[0].moment.time_ns < 3_300_000_000, "within the bounce");
    passes(
        "  - name: stuck
    defects:
      - { at: 0, input: start_pb, kind: stuck_off }
      - { at: 4 s, input: start_pb, kind: none }
    steps:
      - { at: 3 s, press: start_pb }
      - { at: 3500 ms, expect: { motor: false } }
      - { at: 5 s, press: start_pb }
      - { at: 5500 ms, expect: { motor: true } }
      - { at: 6 s, defect: { input: stop_ok, kind: stuck_off }, expect: { motor: false } }
",
    );
    let said = problems_of(
        "  - { name: t, never: lamp, defects: [{ at: 0, input: start_pb, kind: bouncing }, { at: 0, input: start_pb, kind: welded }, { at: 0, input: lamp, kind: stuck_on }] }\n",
    );
    assert!(said.contains("how long the input bounces"), "{said}");
    assert!(said.contains("there is no defect `welded` of an input"), "{said}");
}

#[test]
fn a_dip_of_the_supply_ends_by_itself() {
    passes(
        "  - name: dip
    steps:
      - { at: 3 s, press: start_pb }
      - { at: 5 s, supply: false, for: 300 ms, expect: { supply_ok: false } }
      - { at: 5200 ms, expect: { motor.fault: supply_lost, motor.contact: open } }
      - { at: 6 s, expect: { supply_ok: true, motor.contact: open } }
",
    );
}

#[test]
fn a_power_cut_keeps_what_the_store_had_committed_and_nothing_else() {
    passes(
        "  - name: kept
    steps:
      - { at: 3 s, press: start_pb }
      - { at: 5 s, set: { stop_ok: false } }
      - { at: 6 s, set: { stop_ok: true }, press: start_pb }
      - { at: 9 s, expect: { motor: true, kept: 2, presses: 2 } }
      - { at: 9500 ms, power_cut: 2 s }
      - { at: 11500 ms, expect: { kept: 2, presses: 0, motor: false, motor.contact: open } }
      - { at: 20 s, expect: { motor: false } }
  - name: the last moment is lost
    steps:
      - { at: 3100 ms, press: start_pb }
      - { at: 3500 ms, expect: { kept: 1 } }
      - { at: 3700 ms, power_cut: 1 s }
      - { at: 5 s, expect: { kept: 0 } }
  - name: a button that is held is no edge
    steps:
      - { at: 3 s, set: { start_pb: true } }
      - { at: 5 s, power_cut: 1 s }
      - { at: 8 s, expect: { presses: 0 } }
  - name: a weld is known after the restart, and the contact is still closed
    defects: [{ at: 1 s, channel: motor, kind: welded }]
    steps:
      - { at: 3 s, press: start_pb }
      - { at: 5 s, set: { stop_ok: false } }
      - { at: 6 s, expect: { motor.fault: welded } }
      - { at: 7 s, power_cut: 5 s }
      - { at: 12 s, expect: { motor.fault: welded, motor.contact: closed } }
",
    );
    let said = problems_of(
        "  - name: t\n    steps:\n      - { at: 1 s, power_cut: 2 s }\n      - { at: 2 s, expect: motor }\n      - { at: 2500 ms, power_cut: 1 s }\n",
    );
    assert!(said.contains("p/motor.test.yaml:6:28: error: the controller has no power from 1 s to 3 s"), "{said}");
    assert!(said.contains("the power is cut already"), "{said}");
}

#[test]
fn a_diagram_shows_what_matters_up_to_the_failure() {
    let (test, _) = fails(
        "  - name: t\n    steps:\n      - { at: 3 s, press: start_pb }\n      - { at: 3500 ms, expect: { motor: true, lamp: true } }\n",
    );
    let diagram = test.diagram.unwrap();
    let row = |name: &str, role: &str| {
        diagram.lines.iter().find(|line| line.name == name && line.role.word() == role).unwrap_or_else(|| {
            panic!("no row {name} {role}:\n{}", diagram.text(Style::default()));
        })
    };
    assert!(row("lamp", "coil").asked);
    let names: Vec<&str> = diagram.lines.iter().map(|line| line.name.as_str()).collect();
    assert!(!names.contains(&"presses"), "what has nothing to do with the lamp is left out: {names:?}");
    assert!(names.contains(&"start_pb") && names.contains(&"motor"), "the causes are there: {names:?}");
    assert_eq!(diagram.marks[0].at_ns, 3_500_000_000);
    assert!((diagram.from_ns..diagram.to_ns).contains(&3_500_000_000));
    for line in &diagram.lines {
        let whole =
            line.spans.windows(2).all(|pair| pair[0].to_ns == pair[1].from_ns && pair[0].from_ns < pair[0].to_ns);
        assert!(whole && line.spans[0].from_ns == diagram.from_ns, "{line:?}");
        assert_eq!(line.spans.last().unwrap().to_ns, diagram.to_ns);
    }
    assert_eq!(diagram.rungs[0].title, "rung late: Lamp");
    assert!(diagram.rungs[0].svg.contains("class=\"tf\""), "the timer's contact does not conduct");
}

#[test]
fn a_diagram_shows_that_there_was_no_power() {
    let (test, _) = fails(
        "  - name: t
    steps:
      - { at: 3 s, press: start_pb }
      - { at: 5 s, power_cut: 1 s }
      - { at: 6500 ms, expect: { motor: true } }
",
    );
    let diagram = test.diagram.unwrap();
    let levels = |name: &str| -> Vec<(u64, Level)> {
        let line = diagram.lines.iter().find(|line| line.name == name).unwrap();
        line.spans.iter().map(|span| (span.from_ns / 1_000_000, span.level.clone())).collect()
    };
    assert_eq!(levels("power")[1..], [(5_000, Level::Off), (6_000, Level::On)]);
    let coil = levels("motor");
    assert!(coil.contains(&(5_000, Level::Unknown)) && coil.contains(&(6_000, Level::Off)), "{coil:?}");
}

/// The picture of a pending ON, a dead time and bounces, as it is printed.
#[test]
fn the_diagram_of_a_reversal_in_text() {
    let texts = Texts::new()
        .with("programs/forward_reverse.ld", include_str!("../../programs/forward_reverse.ld"))
        .with("programs/forward_reverse.io.yaml", include_str!("../../programs/forward_reverse.io.yaml"))
        .with("io-config/relays/wago-859-386.yaml", SHEET)
        .with("programs/t.test.yaml", include_str!("features/reversal.test.yaml"));
    let suite = load(Path::new("programs/t.test.yaml"), &texts).unwrap();
    let report = run(&suite, &Options::default());
    let diagram = report.tests().next().unwrap().1.diagram.clone().unwrap();
    let levels = |name: &str, role: &str| -> Vec<Level> {
        let line = diagram.lines.iter().find(|line| line.name == name && line.role.word() == role).unwrap();
        line.spans.iter().map(|span| span.level.clone()).collect()
    };
    assert!(levels("rev", "line").contains(&Level::Waits), "the ON of reverse waits");
    assert!(levels("rev", "line").contains(&Level::Dead), "before it the dead time runs");
    for (style, file) in
        [(Style::default(), "reversal.txt"), (Style { ascii: true, colour: false }, "reversal.ascii.txt")]
    {
        let drawn = diagram.text(style);
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/features").join(file);
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            std::fs::write(&path, &drawn).unwrap();
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap_or_default(), drawn, "{}", path.display());
        assert!(!style.ascii || drawn.is_ascii());
    }
    let svg = diagram.svg();
    let tree = roxmltree::Document::parse(&svg).unwrap_or_else(|error| panic!("{error}\n{svg}"));
    let bars = tree.descendants().filter(|node| node.attribute("fill") == Some("url(#timingwaits)"));
    assert!(bars.count() >= 2, "the wait and its legend");
}

#[test]
fn coverage_sees_both_ways_of_every_contact() {
    let tests =
        "  - name: t\n    steps:\n      - { at: 3 s, press: start_pb }\n      - { at: 6 s, expect: { lamp: true } }\n";
    let suite = suite_of(&texts(tests), Loading { coverage: true });
    let report = run(&suite, &Options::default());
    assert!(report.passed(), "the instrumented program does the same: {}", print::text(&report, true));
    let version = &suite.versions[0];
    let mut hits = None;
    report.tests().for_each(|(_, test)| Hits::join(&mut hits, test.hits.as_ref()));
    let hits = hits.unwrap();
    let all = Coverage { sources: &version.sources, probes: version.probes.as_ref().unwrap(), hits: &hits };
    let missing = all.missing();
    let has = |wanted: &str| missing.iter().any(|line| line.contains(wanted));
    assert!(has("rung run: NO(stop_ok) was never seen holding power back"), "{missing:#?}");
    assert!(!missing.iter().any(|line| line.contains("NO(motor)")), "seen open and closed: {missing:#?}");
    assert!(!has("leg "), "both legs brought power: {missing:#?}");
    let table = coverage::table("motor", &all);
    assert!(table.contains("rungs") && table.lines().nth(2).unwrap().contains("Motor"), "{table}");
    let lcov = coverage::lcov([all]);
    assert!(lcov.starts_with("TN:\nSF:p/motor.ld\nBRDA:"), "{lcov}");
    assert!(lcov.contains("DA:") && lcov.ends_with("end_of_record\n"), "{lcov}");
    assert!(all.tones().len() > 8);
}

#[test]
fn coverage_follows_statements_and_branches_of_st() {
    let program = "PROGRAM Main VAR a AT %IX0.0 : BOOL; b AT %QX0.0 : BOOL; n : INT; END_VAR\n\
                   IF a THEN\n  n := 1;\nELSIF n = 1 THEN\n  n := 2;\nEND_IF;\n\
                   CASE n OF\n  1: b := TRUE;\n  2, 3: b := FALSE;\nEND_CASE;\nWHILE n > 5 DO n := n - 1; END_WHILE;\nEND_PROGRAM\n";
    let texts = Texts::new().with("p/motor.ld", program).with(
        "p/motor.test.yaml",
        "program: motor.ld\ntests:\n  - { name: t, steps: [{ at: 1 s, set: { a: true }, expect: { b: true } }] }\n",
    );
    let suite = suite_of(&texts, Loading { coverage: true });
    let report = run(&suite, &Options::default());
    let hits = report.tests().next().unwrap().1.hits.clone().unwrap();
    let version = &suite.versions[0];
    let all = Coverage { sources: &version.sources, probes: version.probes.as_ref().unwrap(), hits: &hits };
    assert_eq!(
        all.missing(),
        [
            "p/motor.ld:4: ELSIF n = 1 was never seen run",
            "p/motor.ld:9: CASE n: 2, 3 was never seen run",
            "p/motor.ld:11: WHILE: its body was never seen run"
        ]
    );
    let lcov = coverage::lcov([all]);
    for line in ["DA:3,1", "DA:5,0", "DA:8,1", "DA:9,0"] {
        assert!(lcov.contains(&format!("{line}\n")), "{line}:\n{lcov}");
    }
}

/// A file that is not there, among those that are.
struct Among<'a>(Vec<(&'a Path, String)>);

impl runtime::config::files::Files for Among<'_> {
    fn read(&self, path: &Path) -> Result<String, String> {
        match self.0.iter().find(|(other, _)| *other == path) {
            Some((_, text)) => Ok(text.clone()),
            None => runtime::config::files::Disk.read(path),
        }
    }
}

/// Every whole file shown in the documentation is a test of the example programs, and passes.
#[test]
fn the_examples_in_the_documentation_pass() {
    let programs = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("programs");
    let file = programs.join("documentation.test.yaml");
    let documentation = include_str!("../../docs/testing.md");
    let mut count = 0;
    for block in documentation.split("```yaml\n").skip(1) {
        let text = block.split("```").next().unwrap();
        if !text.starts_with("program:") {
            continue;
        }
        count += 1;
        let load = |more: Vec<(&Path, String)>| {
            let mut files = vec![(file.as_path(), text.to_owned())];
            files.extend(more);
            load(&file, &Among(files)).unwrap_or_else(|problems| {
                panic!("{}", problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
            })
        };
        let mut report = run(&load(Vec::new()), &Options::default());
        let golden = report.tests().find_map(|(_, test)| test.golden.clone());
        if let Some(golden) = golden {
            let recorded = programs.join(&golden.file);
            report = run(&load(vec![(recorded.as_path(), golden.text)]), &Options::default());
        }
        assert!(report.passed(), "{}", print::text(&report, true));
    }
    assert!(count >= 6, "the documentation has examples: {count}");
}

#[test]
fn every_example_runs_alike_with_probes() {
    let programs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../programs");
    let mut count = 0;
    for entry in std::fs::read_dir(&programs).unwrap() {
        let path = entry.unwrap().path();
        if !path.to_str().unwrap().ends_with(".test.yaml") {
            continue;
        }
        count += 1;
        let plain = run(&load(&path, &runtime::config::files::Disk).unwrap(), &Options::default());
        let probed = load_with(&path, &runtime::config::files::Disk, Loading { coverage: true }).unwrap();
        let mut probed = run(&probed, &Options::default());
        for test in probed.versions.iter_mut().flat_map(|version| &mut version.tests) {
            assert!(test.hits.take().is_some());
        }
        assert_eq!(plain, probed, "{}", path.display());
    }
    assert!(count >= 8);
}

#[test]
fn reports_for_others_are_well_formed() {
    let suite = suite_of(
        &texts(
            "  - { name: passes & is <fine>, never: lamp AND NOT motor, until: 1 s }\n  \
             - { name: fails, steps: [{ at: 3 s, press: start_pb }, { at: 4 s, expect: { lamp: true } }] }\n",
        ),
        Loading { coverage: true },
    );
    let report = run(&suite, &Options { record: true, ..Options::default() });
    let outcomes = [Outcome::Ran(&report), Outcome::Unusable("p/bad.test.yaml", "p/bad.test.yaml:1:1: error: <no>")];
    let junit = export::junit(&outcomes);
    let tree = roxmltree::Document::parse(&junit).unwrap_or_else(|error| panic!("{error}\n{junit}"));
    let root = tree.root_element();
    assert_eq!(
        (root.attribute("tests"), root.attribute("failures"), root.attribute("errors")),
        (Some("3"), Some("1"), Some("1"))
    );
    let cases: Vec<_> = root.descendants().filter(|node| node.has_tag_name("testcase")).collect();
    assert_eq!(cases[0].attribute("name"), Some("passes & is <fine>"));
    let failure = cases[1].children().find(|node| node.has_tag_name("failure")).unwrap();
    assert_eq!(failure.attribute("message"), Some("at 4 s, scan 401: lamp is FALSE, expected TRUE"));
    assert!(failure.text().unwrap().contains("lamp is written last by rung late"));

    let json: serde_json::Value = serde_json::from_str(&export::json(&outcomes)).unwrap();
    assert_eq!(
        (json["tests"].as_u64(), json["failed"].as_u64(), json["unusable"].as_u64()),
        (Some(2), Some(1), Some(1))
    );
    let failed = &json["files"][0]["programs"][0]["tests"][1];
    assert_eq!(failed["failures"][0]["at_ns"].as_u64(), Some(4_000_000_000));
    assert_eq!(failed["failures"][0]["writers"][0]["rung"].as_str(), Some("late"));

    let trace = report.versions[0].tests[1].trace.as_ref().unwrap();
    let vcd = export::vcd("fails", trace);
    let definitions = vcd.split_once("$enddefinitions $end\n").unwrap();
    let wire = definitions.0.lines().find(|line| line.ends_with(" start_pb $end")).unwrap();
    let code = wire.split(' ').nth(3).unwrap();
    assert!(definitions.1.contains(&format!("#3000000000\n1{code}\n")), "the press at 3 s:\n{vcd}");
    assert!(definitions.0.contains("$scope module channel_motor $end"), "{vcd}");

    let version = &suite.versions[0];
    let hits = report.versions[0].tests[1].hits.clone().unwrap();
    let coverage = [(
        "motor.ld".to_owned(),
        Coverage { sources: &version.sources, probes: version.probes.as_ref().unwrap(), hits: &hits },
    )];
    let html = export::page(&Page { title: "A & B", made: "now", outcomes: &outcomes, coverage: &coverage });
    assert!(html.contains("<title>A &amp; B</title>") && html.contains("passes &amp; is &lt;fine&gt;"));
    assert!(!html.contains("http://") || html.matches("http://").count() == html.matches("http://www.w3.org/").count());
    assert!(!html.contains("<script"), "the page needs nothing else");
}
