use super::*;
use crate::model::{DefectKind, Expectation, Literal, LiteralKind, Stimulus};

const GOOD: &str = "\
program: fr.ld
io: fr.yaml
scan: 5 ms
seed: 7
tests:
  - name: first
    until: 10 s
    steps:
      - at: 0
        set: { stop_ok: true, aux: follows fwd.contact, word: 16#FF, t: T#-2s }
      - { at: 100 ms, press: [a, b], for: 1 s }
      - at: 400 ms
        expect: { fwd: true, fwd.contact: closed, n: -3, r: 2.5, t: 500 ms }
      - { at: 1 s, expect: 'n > 3 AND fwd', toggle: x, release: y, acknowledge: fwd, supply: false }
      - { at: 2 s, defect: { channel: fwd, kind: slow, factor: 4 } }
      - { at: 3 s, defect: { channel: fwd, kind: delays, percent: 150 } }
    never: fwd AND rev
    always: [a, NOT b]
    defects:
      - { at: 500 ms, channel: fwd, kind: welded }
    supply:
      - { at: 700 ms, ok: false }
";

#[test]
fn every_key_is_read() {
    let timeline = parse("a.yaml", GOOD).unwrap();
    assert_eq!(timeline.program[0].text, "fr.ld");
    assert_eq!(timeline.scan_ns, Some(5_000_000));
    assert_eq!(timeline.seed, Some(7));
    let test = &timeline.tests[0];
    assert_eq!(test.until_ns, Some(10_000_000_000));
    let times: Vec<u64> = test.steps.iter().map(|step| step.at_ns / 1_000_000).collect();
    assert_eq!(times, [0, 100, 400, 500, 700, 1_000, 2_000, 3_000], "defects and supply are steps like the others");
    let kinds: Vec<LiteralKind> = test.steps[0]
        .stimuli
        .iter()
        .filter_map(|s| if let Stimulus::Set { value, .. } = s { Some(value.kind.clone()) } else { None })
        .collect();
    assert_eq!(kinds, [LiteralKind::Bool(true), LiteralKind::Int(255), LiteralKind::Time(-2_000_000_000)]);
    let follows: Vec<&str> = test.steps[0]
        .stimuli
        .iter()
        .filter_map(|s| if let Stimulus::Follow { channel, .. } = s { Some(channel.text.as_str()) } else { None })
        .collect();
    assert_eq!(follows, ["fwd"]);
    assert!(test.steps[1].stimuli.iter().all(|s| matches!(s, Stimulus::Press { for_ns: 1_000_000_000, .. })));
    assert_eq!(test.steps[2].expectations.len(), 5);
    assert!(
        matches!(&test.steps[2].expectations[1], Expectation::Equals { value: Literal { kind: LiteralKind::Word(w), .. }, .. } if w == "closed")
    );
    assert!(matches!(test.steps[6].stimuli[0], Stimulus::Defect { kind: DefectKind::Slow { factor: 4 }, .. }));
    assert!(matches!(test.steps[7].stimuli[0], Stimulus::Defect { kind: DefectKind::Delays { percent: 150 }, .. }));
    assert_eq!((test.never.len(), test.always.len()), (1, 2));
}

/// The problems of a text, one per line: `line:column message | help`.
fn problems(text: &str) -> String {
    let list = parse("a.yaml", text).expect_err("the text must be refused");
    let lines: Vec<String> =
        list.iter().map(|p| format!("{}:{} {} | {}", p.place.line, p.place.column, p.message, p.help)).collect();
    lines.join("\n")
}

/// A file with one test that has these lines under its steps.
fn with_steps(steps: &str) -> String {
    format!("program: a.ld\ntests:\n  - name: t\n    always: a\n    steps:\n{steps}")
}

#[test]
fn all_mistakes_are_reported_at_once_with_place_and_remedy() {
    let text = "program: a.ld\nscann: 10 ms\ntests:\n  - name: t\n    steps:\n      - at: 100\n        pres: x\n";
    assert_eq!(
        problems(text),
        "2:1 a timeline file has no key `scann` | did you mean `scan`?\n\
         4:5 the test `t` expects nothing, so it cannot fail | add `expect:` to a step, or `never:` or `always:`\n\
         6:13 `at` needs a unit; `100` could be milliseconds or seconds | write a number and a unit, such as `100 ms`, `2 s` or `T#1m30s`\n\
         7:9 a step has no key `pres` | did you mean `press`?"
    );
}

#[test]
fn each_rule_of_the_format_refuses() {
    for (text, message) in [
        ("tests: []\n".to_owned(), "does not say which program"),
        ("tests: []\nprogram: a.ld\n".to_owned(), "`tests` is empty"),
        ("program: a.ld\n".to_owned(), "has no tests"),
        ("- 1\n".to_owned(), "is a mapping of keys to values, here stands a list"),
        ("program: a.ld\nscan: 0 s\ntests: []\n".to_owned(), "between 100 us and 10 s"),
        ("program: a.ld\nseed: -1\ntests: []\n".to_owned(), "`seed` is a whole number"),
        ("program: 5\ntests: []\n".to_owned(), "`program` is a text, here stands a whole number"),
        ("program: a.ld\ntests:\n  - always: x\n".to_owned(), "the test has no name"),
        (
            "program: a.ld\ntests:\n  - { name: t, always: x }\n  - { name: t, always: y }\n".to_owned(),
            "exists already in line 3",
        ),
        (with_steps("      - press: x\n"), "does not say when"),
        (with_steps("      - at: 1 s\n"), "does nothing and expects nothing"),
        (
            with_steps("      - { at: 2 s, press: x }\n      - { at: 1 s, press: x }\n"),
            "stands after the one at 2 s in line 6",
        ),
        (with_steps("      - { at: 1 s, toggle: x, for: 1 s }\n"), "nothing is pressed here"),
        (with_steps("      - { at: 1 s, press: x, for: 0 s }\n"), "a press of no length"),
        (with_steps("      - { at: 1 s, press: x, every: 1 s }\n"), "has both `every` and `times`"),
        (with_steps("      - { at: 1 s, press: x, every: 200 ms, times: 3 }\n"), "before this one of 200 ms is over"),
        (with_steps("      - { at: 1 s, toggle: x, every: 1 s, times: 3 }\n"), "nothing is pressed here"),
        (with_steps("      - { at: 1 s, press: x, every: 1 s, times: 1 }\n"), "`times` is a whole number from 2"),
        (with_steps("      - { at: 1 s, press: x, every: 300 d, times: 2 }\n"), "longer than 366 days"),
        (with_steps("      - { at: 1000 d, press: x }\n"), "longer than 366 days"),
        (with_steps("      - { at: 1 parsec, press: x }\n"), "parsec"),
        (with_steps("      - { at: 1 s, set: { x: follows y } }\n"), "an input can follow the contact of a channel"),
        (with_steps("      - { at: 1 s, set: { x: [1] } }\n"), "a value is expected, here stands a list"),
        (with_steps("      - { at: 1 s, set: x }\n"), "`set` is a mapping"),
        (with_steps("      - { at: 1 s, set: { x: 1 s s } }\n"), "is not a value"),
        (with_steps("      - { at: 1 s, expect: {} }\n"), "`expect` is empty"),
        (with_steps("      - { at: 1 s, supply: 5 }\n"), "the supply is true"),
        (with_steps("      - { at: 1 s, defect: { channel: x } }\n"), "needs `channel` or `input`, and `kind`"),
        (with_steps("      - { at: 1 s, defect: { channel: x, kind: weldet } }\n"), "no defect `weldet`"),
        (
            with_steps("      - { at: 1 s, defect: { channel: x, kind: welded, factor: 2 } }\n"),
            "only the defect `slow`",
        ),
        (
            with_steps("      - { at: 1 s, defect: { channel: x, kind: slow, factor: 1 } }\n"),
            "`factor` is a whole number",
        ),
        (with_steps("      - { at: 1 s, defect: { channel: x, kind: delays } }\n"), "how long its delays are"),
        (
            with_steps("      - { at: 1 s, defect: { channel: x, kind: delays, percent: 5000 } }\n"),
            "`percent` is a whole number from 0",
        ),
        (
            with_steps("      - { at: 1 s, defect: { channel: x, kind: welded, percent: 2 } }\n"),
            "only the defect `delays`",
        ),
        (
            with_steps("      - { at: 1 s, press: x }\n    defects: [{ channel: x, kind: welded }]\n"),
            "does not say when",
        ),
        (with_steps("      - { at: 1 s, press: x }\n    supply: [{ at: 1 s }]\n"), "does not say how the supply is"),
    ] {
        let found = problems(&text);
        assert!(found.contains(message), "for\n{text}\nexpected `{message}`, found\n{found}");
    }
}

#[test]
fn a_repeated_press_becomes_steps() {
    let text = with_steps(
        "      - { at: 1 s, press: [x, y], for: 100 ms, every: 500 ms, times: 3 }\n      - { at: 1200 ms, expect: { x: false } }\n",
    );
    let timeline = parse("a.yaml", &text).unwrap();
    let rows: Vec<(u64, usize)> =
        timeline.tests[0].steps.iter().map(|s| (s.at_ns / 1_000_000, s.stimuli.len())).collect();
    assert_eq!(rows, [(1_000, 2), (1_200, 0), (1_500, 2), (2_000, 2)]);
}

#[test]
fn a_true_in_capitals_is_a_boolean_and_yes_is_a_word() {
    let text = with_steps("      - { at: 1 s, set: { a: 'TRUE', b: yes } }\n");
    let timeline = parse("a.yaml", &text).unwrap();
    let Stimulus::Set { value, .. } = &timeline.tests[0].steps[0].stimuli[0] else { panic!() };
    assert_eq!(value.kind, LiteralKind::Bool(true));
    let Stimulus::Set { value, .. } = &timeline.tests[0].steps[0].stimuli[1] else { panic!() };
    assert_eq!(value.kind, LiteralKind::Word("yes".into()), "the run's type check refuses it where a Boolean is due");
}
