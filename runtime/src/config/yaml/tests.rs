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

#[test]
fn nothing_of_the_yaml_crate_shows_in_messages() {
    let many = format!("a: [{}]", "1, ".repeat(260_000));
    let aliases = format!("a: &x 1\nb: [{}]", "*x, ".repeat(60_000));
    for (text, words) in [
        (many.as_str(), "more values or references"),
        (&aliases, "more values or references"),
        ("a: 1\n---\nb: 2\n", "a second document begins here"),
        ("a: 1\na: 2\n", "duplicate: the key `a` stands twice"),
        ("a: *nobody", "to a name that no `&name` gives"),
        ("a: &x [*x]", "stands inside what it refers to"),
        ("a: !!int abc", "does not fit its tag"),
        ("<<: [1]", "is no mapping"),
        (&format!("{}{}", "[".repeat(200), "]".repeat(200)), "nested deeper than 32 levels"),
    ] {
        let problem = parse(text, SizeLimit { bytes_max: TEXT_BYTES_MAX, remedy: "" }).unwrap_err();
        let shown: String = text.chars().take(30).collect();
        assert!(problem.message.contains(words), "{shown}: {problem:?}");
    }
}

const SMALL: SizeLimit = SizeLimit { bytes_max: 100, remedy: "cut it short" };

#[test]
fn keys_and_values_know_their_places() {
    let tree = parse("a: 1\nbc:\n  - { d.e: true, f: T#2s }\n  - off\n", SMALL).unwrap();
    let text = |text: &str| Value::Text(text.to_owned());
    let Value::Map(top) = &tree.value else { panic!("{tree:?}") };
    assert_eq!(top[0].0, Node { place: Place { line: 1, column: 1 }, value: text("a") });
    assert_eq!(top[0].1, Node { place: Place { line: 1, column: 4 }, value: Value::Int(1) });
    let Value::List(items) = &top[1].1.value else { panic!("{tree:?}") };
    let Value::Map(inner) = &items[0].value else { panic!("{tree:?}") };
    assert_eq!(inner[0].0.place, Place { line: 3, column: 7 });
    assert_eq!(inner[0].0.value.word(), "d.e");
    assert_eq!(inner[1].1.value, text("T#2s"));
    assert_eq!(items[1].value, text("off"), "only true and false are Booleans");
}

#[test]
fn a_duplicate_key_is_refused_at_its_place() {
    let problem = parse("a: 1\nb: 2\na: 3\n", SMALL).unwrap_err();
    assert_eq!(problem.place, Place { line: 3, column: 1 }, "{problem:?}");
    assert!(problem.message.contains("duplicate"), "{problem:?}");
}

#[test]
fn an_unclosed_bracket_is_refused_at_a_place() {
    let problem = parse("a: [1, 2\nb: 2\n", SMALL).unwrap_err();
    assert!(problem.place.line >= 1, "{problem:?}");
}

#[test]
fn the_size_limit_is_the_callers() {
    assert!(parse(&"#".repeat(100), SMALL).is_ok());
    let problem = parse(&"#".repeat(101), SMALL).unwrap_err();
    assert_eq!(problem.message, "the file has 101 bytes; at most 100 are read");
    assert_eq!((problem.kind, problem.remedy.as_str()), (ProblemKind::TooLarge, "cut it short"));
}

#[test]
fn a_key_is_a_single_value() {
    let tree = parse("1: a\ntrue: b\n2.5: c\n", SMALL).unwrap();
    let Value::Map(rows) = &tree.value else { panic!("{tree:?}") };
    assert_eq!(rows.iter().map(|(key, _)| key.value.word()).collect::<Vec<_>>(), ["1", "true", "2.5"]);
    let problem = parse("a: 1\n? [b, c]\n: 2\n", SMALL).unwrap_err();
    assert_eq!(problem.message, "a key is a single word, here stands a list");
    assert_eq!(problem.place, Place { line: 2, column: 3 }, "{problem:?}");
}

#[test]
fn whole_numbers_have_64_bits_with_or_without_sign() {
    let value = |text: &str| parse(text, SMALL).unwrap().value;
    assert_eq!(value("18446744073709551615"), Value::Int(u64::MAX.into()));
    assert_eq!(value("-9223372036854775808"), Value::Int(i64::MIN.into()));
    assert!(matches!(value("18446744073709551616"), Value::Float(_)));
    let beyond = Node { place: Place { line: 1, column: 5 }, value: Value::Int(i128::MAX) };
    let (_, problems) = read_node::<u64>(&beyond);
    assert_eq!(lines(&problems), ["1:5 the number `170141183460469231731687303715884105727` is too large"]);
}

proptest::proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "[ -~\n]{0,200}") {
        let _ = read::<Outer>(&text);
    }
}
