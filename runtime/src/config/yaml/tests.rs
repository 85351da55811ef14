use super::*;
use relay::quantity::Duration;

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Inner {
    time: Key<Duration>,
    stop: Key<bool>,
    mode: Key<Mode>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Outer {
    things: Key<Entries<Inner>>,
    list: Key<Vec<Key<String>>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Mode {
    Off,
    On,
}

fn lines(problems: &[Problem]) -> Vec<String> {
    problems.iter().map(|p| format!("{}:{} {}", p.place.line, p.place.column, p.message)).collect()
}

#[test]
fn reads_values_with_places_in_the_order_of_the_text() {
    let text = "things:\n  zeta: { time: 2 s, mode: off }\n  alpha:\n    stop: true\nlist: [a, b]\n";
    let (outer, problems) = read::<Outer>(text);
    assert_eq!(lines(&problems), Vec::<String>::new());
    let outer = outer.unwrap();
    let things = outer.things.get().unwrap();
    let names: Vec<_> = things.rows.iter().map(|(p, n, _)| (p.line, n.as_str())).collect();
    assert_eq!(names, [(2, "zeta"), (3, "alpha")]);
    let zeta = things.rows[0].2.get().unwrap();
    assert_eq!(zeta.time.get().unwrap().ns, 2_000_000_000);
    assert_eq!(zeta.time.place(), Some(Place { line: 2, column: 17 }));
    assert_eq!(zeta.mode.get(), Some(&Mode::Off));
    assert_eq!(outer.list.get().unwrap().len(), 2);
}

#[test]
fn tells_every_mistake_not_only_the_first() {
    let text = "things:\n  a: { tiem: 2 s, time: 2, stop: yes }\n  b: 7\n  c: { mode: onn }\nlits: 1\n";
    let (outer, problems) = read::<Outer>(text);
    assert_eq!(
        lines(&problems),
        [
            "5:1 unknown key `lits`; did you mean `list`?",
            "2:8 unknown key `tiem`; did you mean `time`?",
            "2:25 expected a duration with unit such as `25 ms`, `2 s` or `T#1h30m`, found the number `2`",
            "2:34 expected `true` or `false`, found `yes`",
            "3:6 expected a group of keys (`time`, `stop`, `mode`), found a single value",
            "4:14 expected one of `off`, `on`, found `onn`; did you mean `on`?",
        ]
    );
    let outer = outer.unwrap();
    assert_eq!(outer.things.get().unwrap().rows.len(), 3);
}

#[test]
fn a_key_that_stands_twice_is_refused_with_its_place() {
    for text in ["things:\n  a: {}\n  a: {}\n", "list: []\nlist: []\n"] {
        let (_, problems) = read::<Outer>(text);
        assert_eq!(problems.len(), 1, "{text}");
        assert_eq!(problems[0].kind, ProblemKind::Syntax);
        assert!(problems[0].message.ends_with("stands twice"), "{}", problems[0].message);
        assert!(problems[0].place.line >= 2, "{:?}", problems[0]);
    }
}

#[test]
fn broken_and_endless_texts_are_refused() {
    for text in ["things: [", "things: {a: ", "\t- x", "a: *nobody", "&a [*a]", "---\na: 1\n---\nb: 2\n"] {
        let (_, problems) = read::<Outer>(text);
        assert!(!problems.is_empty(), "{text}");
    }
    let deep = "[".repeat(10_000);
    assert!(!read::<Outer>(&deep).1.is_empty());
    let long = "#".repeat(TEXT_BYTES_MAX + 1);
    assert_eq!(read::<Outer>(&long).1[0].kind, ProblemKind::TooLarge);
}

proptest::proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "[ -~\n]{0,200}") {
        let _ = read::<Outer>(&text);
    }
}
