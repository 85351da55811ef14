use super::*;
use crate::names::{ChannelIndex, Member, Names};
use bytecode::Image;
use bytecode::image::{Place, Symbol, SymbolRole};
use bytecode::types::{Dimension, Elementary, Field, FieldRole, Retention, Type, TypeId, TypeKind};
use std::cell::Cell;

/// An image with the symbols `main.run : BOOL`, `main.level : INT`, `main.word : WORD`, `main.pressure : REAL`,
/// `main.wait : TIME`, `main.lock : TOF-like instance with Q`, `main.list : ARRAY [1..3] OF INT`.
fn image() -> Image {
    let elementary =
        |kind: Elementary, size: u32| Type { name: kind.name().to_owned(), size, kind: TypeKind::Elementary(kind) };
    let q =
        Field { name: "Q".into(), offset: 0, ty: TypeId(0), role: FieldRole::Output, retention: Retention::Unstated };
    let array = TypeKind::Array { element: TypeId(1), dimensions: vec![Dimension { lower: 1, upper: 3 }], stride: 2 };
    let types = vec![
        elementary(Elementary::Bool, 1),
        elementary(Elementary::Int, 2),
        elementary(Elementary::Word, 2),
        elementary(Elementary::Real, 4),
        elementary(Elementary::Time, 8),
        Type { name: "LOCK".into(), size: 1, kind: TypeKind::Instance { fields: vec![q] } },
        Type { name: "ARRAY [1..3] OF INT".into(), size: 6, kind: array },
    ];
    let symbol = |path: &str, offset: u32, ty: u32| Symbol {
        path: path.into(),
        place: Place::Byte(offset),
        ty: TypeId(ty),
        role: SymbolRole::Variable,
        retention: Retention::Unstated,
        constant: false,
        address: String::new(),
        line: 1,
        file: 0,
    };
    let symbols = vec![
        symbol("main.level", 2, 1),
        symbol("main.list", 32, 6),
        symbol("main.lock", 24, 5),
        symbol("main.pressure", 8, 3),
        symbol("main.run", 0, 0),
        symbol("main.wait", 16, 4),
        symbol("main.word", 4, 2),
    ];
    Image { types, symbols, ..Image::default() }
}

/// What the conditions of these tests look at.
struct Plant {
    image: Image,
    data: Vec<u8>,
    reads: Cell<usize>,
}

impl View for Plant {
    fn variable(&self, variable: &bytecode::path::Variable) -> u64 {
        self.reads.set(self.reads.get() + 1);
        self.image.read(&self.data, variable).unwrap()
    }

    fn member(&self, channel: ChannelIndex, member: Member) -> Value {
        match (channel.0, member) {
            (0, Member::Contact) => Value::Word("closed"),
            (0, Member::Fault) => Value::Word("welded"),
            (0, _) => Value::Bool(true),
            (_, Member::Contact) => Value::Word("open"),
            (_, Member::Fault) => Value::Word("none"),
            (_, _) => Value::Bool(false),
        }
    }
}

/// run TRUE, level -5, word 16#8001, pressure 2.5, wait 2 s, lock.Q TRUE, list [10, 20, 30]; channels fwd (on) and rev.
fn plant() -> Plant {
    let image = image();
    let mut data = vec![0; 40];
    let mut set = |name: &str, bits: u64| assert!(image.write(&mut data, &image.variable(name).unwrap(), bits));
    set("run", 1);
    set("level", 0xFFFB);
    set("word", 0x8001);
    set("pressure", u64::from(2.5_f32.to_bits()));
    set("wait", 2_000_000_000);
    set("lock.Q", 1);
    for (name, value) in [("list[1]", 10), ("list[2]", 20), ("list[3]", 30)] {
        set(name, value);
    }
    Plant { image, data, reads: Cell::new(0) }
}

fn checked(plant: &Plant, text: &str) -> Result<Condition, String> {
    let channels = ["fwd".to_owned(), "rev".to_owned()];
    let names = Names { image: &plant.image, channels: &channels };
    let expr = compiler::parser::parse_expression(text).map_err(|error| error.to_string())?;
    check(text, &expr, names).map_err(|fault| format!("{}: {} | {}", fault.offset, fault.message, fault.help))
}

#[test]
fn conditions_hold_or_not() {
    let plant = plant();
    for (text, expected) in [
        ("run", true),
        ("NOT run", false),
        ("run AND lock.Q", true),
        ("run XOR lock.q", false),
        ("level = -5", true),
        ("level < 0 AND level >= -5", true),
        ("level + 10 = 5 AND level * 2 = -10", true),
        ("level MOD 3 = -2 AND level / 2 = -2", true),
        ("pressure = 2.5", true),
        ("pressure > 2 AND pressure < 3", true),
        ("pressure * 2 = 5", true),
        ("wait = T#2s", true),
        ("wait + T#1s > T#2500ms", true),
        ("-wait < T#0s", true),
        ("word = 16#8001", true),
        ("word.0 AND NOT word.1 AND word.15", true),
        ("(word AND 16#00FF) = 1", true),
        ("(word OR 2) = 16#8003 AND (word XOR 1) = 16#8000", true),
        ("list[1] + list[2] = list[3]", true),
        ("list[2] ** 2 = 400", true),
        ("fwd.contact = closed", true),
        ("closed <> rev.contact", true),
        ("fwd.contact = rev.contact", false),
        ("fwd.fault = welded AND rev.fault = none", true),
        ("fwd.line AND NOT rev.pending", true),
        ("main.run OR FALSE", true),
        ("FALSE OR FALSE OR run", true),
        ("run = TRUE", true),
        ("run <> lock.Q", false),
    ] {
        let condition = checked(&plant, text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(condition.holds(&plant), Ok(expected), "{text}");
    }
}

#[test]
fn what_cannot_be_computed_says_why() {
    let plant = plant();
    for (text, error) in [
        ("level / (level + 5) = 0", EvalError::DivisionByZero),
        ("level MOD 0 = 0", EvalError::DivisionByZero),
        ("10 ** 100 = 0", EvalError::Overflow),
    ] {
        assert_eq!(checked(&plant, text).unwrap().holds(&plant), Err(error), "{text}");
    }
}

#[test]
fn what_is_decided_is_not_read() {
    let plant = plant();
    let condition = checked(&plant, "NOT run AND level / 0 = 1 AND lock.Q").unwrap();
    assert_eq!(condition.holds(&plant), Ok(false));
    assert_eq!(plant.reads.get(), 1);
}

#[test]
fn every_name_is_listed_once_in_the_order_of_the_text() {
    let condition = checked(&plant(), "rev.line OR run AND RUN OR list[2] > 3").unwrap();
    let names: Vec<&str> = condition.reads.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["rev.line", "run", "list[2]"]);
}

#[test]
fn a_long_chain_does_not_nest() {
    let text = vec!["run"; 20_000].join(" AND ");
    assert_eq!(checked(&plant(), &text).unwrap().holds(&plant()), Ok(true));
}

#[test]
fn mistakes_are_told_with_place_and_remedy() {
    let plant = plant();
    for (text, expected) in [
        ("runn", "0: `runn`: no variable `runn`; did you mean `run`? | "),
        ("run AND fwdd.contact = closed", "8: `fwdd.contact`: no variable `fwdd` | did you mean the channel `fwd`?"),
        ("fwd.contakt = open", "0: the channel `fwd` has no `contakt` | did you mean `fwd.contact`?"),
        ("fwd.contact = shut", "14: `.contact` is never `shut` | it can be open, closed, bouncing, moving, unknown"),
        ("fwd.contact = closd", "14: `.contact` is never `closd` | did you mean `closed`?"),
        ("closed", "0: `closed`: no variable `closed` | "),
        ("NOT closed", "4: `closed`: no variable `closed` | "),
        ("fwd.contact", "0: a condition is BOOL, this is a word | compare it, such as `= open`"),
        ("level", "0: a condition is BOOL, this is a whole number | compare it with a value"),
        ("run = 1", "4: = does not go between BOOL and a whole number | both sides must be of one kind"),
        (
            "run AND level",
            "4: AND does not go between BOOL and a whole number | both sides must be BOOL; put comparisons in parentheses where in doubt",
        ),
        ("wait > 5", "5: > does not go between TIME and a whole number | write durations as `T#2s`"),
        ("wait * wait = T#1s", "5: * does not go between TIME and TIME | write durations as `T#2s`"),
        ("run < lock.Q", "4: < does not go between BOOL and BOOL | both sides must be of one kind"),
        ("fwd.contact = fwd.fault", "12: = does not go between a word and a word | both sides must be of one kind"),
        ("fwd.contact > open", "12: > does not go between a word and a word | both sides must be of one kind"),
        ("-run", "0: a sign needs a number, this is BOOL | "),
        ("NOT level", "0: NOT needs BOOL, this is a whole number | compare it with a value first"),
        ("lock", "0: `lock` is of type LOCK, which is more than one value | name one part: Q"),
        ("lock.PT = T#1s", "0: `lock.PT`: no variable `PT` | "),
        ("list[4] = 1", "0: `list[4]`: the index is outside ARRAY [1..3] OF INT | "),
        ("list[level] = 1", "5: an index in a condition is a number | write the element, such as `a[3]`"),
        ("ABS(level) = 5", "0: conditions call no functions | compute it in the program, or write it out"),
        ("%IX0.0", "0: `%IX0.0`: conditions read variables by name | name the variable that is located there"),
        ("level = 'a'", "8: "),
    ] {
        let error = checked(&plant, text).expect_err(text);
        assert!(error.starts_with(expected), "{text}\nexpected {expected}\n   found {error}");
    }
}

#[test]
fn the_words_of_the_file_are_those_of_the_guard_and_the_rack() {
    use relay::EventCode;
    let faults = [
        relay::Fault::FailedToClose,
        relay::Fault::Welded,
        relay::Fault::ClosedUncommanded,
        relay::Fault::OnUnacknowledged,
        relay::Fault::OffUnacknowledged,
    ];
    let trips = [relay::Trip::SupplyLost, relay::Trip::FeedbackLost];
    let mut words = vec!["none"];
    words.extend(faults.map(relay::Fault::name));
    words.extend(trips.map(relay::Trip::name));
    assert_eq!(Member::Fault.words(), words);
    // Each of them has an event of its own or shares one: none was forgotten when the guard learns a new one.
    assert!(faults.iter().all(|fault| EventCode::ALL.contains(&fault.event())));
    assert_eq!(Member::Contact.words(), runtime::scan::Contact::ALL.map(runtime::scan::Contact::name));
}
