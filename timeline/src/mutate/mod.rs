//! Mutation testing: how much of a program do its timeline tests hold?
//!
//! A *mutant* is the program with one small mistake of the kind people make: a contact inverted, a branch leg lost, a preset
//! halved. It is *killed* when some test of the program fails, and *survives* when all of them pass: then nobody would notice
//! that mistake. A mutant that does not compile is *not viable*; one whose code is the original's, instruction by instruction,
//! is *equivalent*. Neither counts for the score, which is killed / (killed + survived).
//!
//! [`mutants`] makes them from the syntax tree as edits of the text, so that each can be shown as a line of the program;
//! [`trial::Trial`] runs the tests on them. Both are pure: the same texts give the same mutants and the same verdicts.

mod edits;
pub mod trial;

use compiler::parser::parse;
use compiler::source::{SourceMap, Span};

/// What was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// `NO` for `NC` and the other way round, `RISE` for `FALL`.
    ContactInverted,
    /// The contact, comparison or inversion is bridged by a wire.
    Bridged,
    /// An edge contact is a plain one.
    EdgeLost,
    /// A leg of a branch is gone.
    LegDropped,
    /// `COIL` for `NCOIL`, `SET` for `RST`.
    CoilInverted,
    /// The coil is gone.
    CoilLost,
    /// The rung is gone.
    RungLost,
    /// A time is half or twice as long.
    PresetChanged,
    /// A number is one more or one less.
    NumberChanged,
    /// `AND` for `OR`, `<` for `<=`, `+` for `-` and so on.
    OperatorSwapped,
    /// `NOT` is gone, or a condition is inverted.
    ConditionInverted,
    /// TRUE for FALSE.
    ValueInverted,
    /// The assignment or call is gone.
    StatementLost,
}

impl Kind {
    /// Every kind.
    pub const ALL: &'static [Self] = &[
        Self::ContactInverted,
        Self::Bridged,
        Self::EdgeLost,
        Self::LegDropped,
        Self::CoilInverted,
        Self::CoilLost,
        Self::RungLost,
        Self::PresetChanged,
        Self::NumberChanged,
        Self::OperatorSwapped,
        Self::ConditionInverted,
        Self::ValueInverted,
        Self::StatementLost,
    ];

    /// A few words for tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ContactInverted => "contact inverted",
            Self::Bridged => "contact bridged",
            Self::EdgeLost => "edge lost",
            Self::LegDropped => "branch leg dropped",
            Self::CoilInverted => "coil inverted",
            Self::CoilLost => "coil lost",
            Self::RungLost => "rung lost",
            Self::PresetChanged => "preset changed",
            Self::NumberChanged => "number changed",
            Self::OperatorSwapped => "operator swapped",
            Self::ConditionInverted => "condition inverted",
            Self::ValueInverted => "value inverted",
            Self::StatementLost => "statement lost",
        }
    }
}

/// One changed place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mutant {
    /// What was changed.
    pub kind: Kind,
    /// The text that is replaced.
    pub span: Span,
    /// By what.
    pub replacement: String,
    /// Line from 1.
    pub line: u32,
    /// Column from 1, in characters.
    pub column: u32,
    /// The text that is replaced, on one line.
    pub before: String,
}

impl Mutant {
    /// The whole text with the change.
    #[must_use]
    pub fn apply(&self, text: &str) -> String {
        let (start, end) = (self.span.start as usize, self.span.end as usize);
        let part = |range: Option<&str>| range.unwrap_or_default().to_owned();
        part(text.get(..start)) + &self.replacement + &part(text.get(end..))
    }

    /// `NO(start)` becomes `NC(start)`, for people.
    #[must_use]
    pub fn describe(&self) -> String {
        let after = one_line(&self.replacement);
        if after.is_empty() || after == ";" {
            format!("{}: {}", self.kind.name(), self.before)
        } else {
            format!("{}: {} -> {after}", self.kind.name(), self.before)
        }
    }
}

/// Every mutant of a source text, in the order of the text. A text that cannot be read whole has none.
#[must_use]
pub fn mutants(name: &str, text: &str) -> Vec<Mutant> {
    let mut map = SourceMap::new();
    let file = map.add(name.to_owned(), text.to_owned());
    let (tree, findings) = parse(&map, file);
    if findings.iter().any(compiler::diag::Diagnostic::is_error) {
        return Vec::new();
    }
    let mut found: Vec<Mutant> = edits::edits(&tree, text)
        .into_iter()
        .filter_map(|edit| {
            let before = text.get(edit.span.start as usize..edit.span.end as usize)?;
            let (_, place) = map.place(edit.span)?;
            (before != edit.replacement).then(|| Mutant {
                kind: edit.kind,
                span: edit.span,
                replacement: edit.replacement,
                line: place.line,
                column: place.column,
                before: one_line(before),
            })
        })
        .collect();
    found.sort_by_key(|mutant| (mutant.span.start, mutant.span.end, mutant.kind));
    found
}

/// Blanks and line ends as single blanks; the middle of a long text left out.
fn one_line(text: &str) -> String {
    const MOST: usize = 60;
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= MOST {
        return line;
    }
    let head: String = line.chars().take(MOST - 15).collect();
    let tail: String = line.chars().rev().take(10).collect::<Vec<_>>().into_iter().rev().collect();
    format!("{head} ... {tail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const LADDER: &str = "PROGRAM P\nVAR a, b, q : BOOL; t : TON; n : INT; END_VAR\nLADDER\n\
        RUNG one: [NO(a), RISE(q)] NC(b) COIL(q);\nRUNG two: GT(n, 5) t(PT := T#2s) SET(b);\nEND_LADDER\nEND_PROGRAM\n";

    fn told(text: &str) -> Vec<String> {
        mutants("p", text).iter().map(|m| format!("{}:{} {}", m.line, m.column, m.describe())).collect()
    }

    fn has(list: &[String], wanted: &str) {
        assert!(list.iter().any(|line| line == wanted), "`{wanted}` is missing in {list:#?}");
    }

    #[test]
    fn a_ladder_is_changed_in_every_way_a_hand_would() {
        let list = told(LADDER);
        for wanted in [
            "4:12 contact inverted: NO(a) -> NC(a)",
            "4:12 contact bridged: NO(a) -> WIRE()",
            "4:11 branch leg dropped: [NO(a), RISE(q)] -> [RISE(q)]",
            "4:19 contact inverted: RISE(q) -> FALL(q)",
            "4:19 edge lost: RISE(q) -> NO(q)",
            "4:34 coil inverted: COIL(q) -> NCOIL(q)",
            "4:34 coil lost: COIL(q) -> WIRE()",
            "5:11 operator swapped: GT -> GE",
            "5:17 number changed: 5 -> 6",
            "5:17 number changed: 5 -> 4",
            "5:28 preset changed: T#2s -> T#1000000us",
            "5:28 preset changed: T#2s -> T#4000000us",
            "5:34 coil inverted: SET(b) -> RST(b)",
            "5:1 rung lost: RUNG two: GT(n, 5) t(PT := T#2s) SET(b);",
        ] {
            has(&list, wanted);
        }
    }

    #[test]
    fn structured_text_is_changed_too() {
        let text = "PROGRAM P\nVAR a, b : BOOL := TRUE; n : INT; END_VAR\nIF a AND NOT b THEN\n  n := n + 1;\nELSIF n <= 16#0A THEN\n  \
            b := FALSE;\nEND_IF;\nEND_PROGRAM\n";
        let list = told(text);
        for wanted in [
            "2:20 value inverted: TRUE -> FALSE",
            "3:4 condition inverted: a AND NOT b -> NOT (a AND NOT b)",
            "3:6 operator swapped: AND -> OR",
            "3:10 condition inverted: NOT b -> b",
            "4:3 statement lost: n := n + 1;",
            "4:10 operator swapped: + -> -",
            "5:9 operator swapped: <= -> <",
            "5:12 number changed: 16#0A -> 11",
            "6:8 value inverted: FALSE -> TRUE",
        ] {
            has(&list, wanted);
        }
    }

    #[test]
    fn every_mutant_is_another_text_and_most_can_be_compiled() {
        let list = mutants("p", LADDER);
        let compiles = |text: String| {
            let mut map = SourceMap::new();
            let file = map.add("p".to_owned(), text);
            compiler::compile(&map, &[file], compiler::Options::default()).image.is_some()
        };
        assert!(compiles(LADDER.to_owned()));
        let viable = list.iter().filter(|mutant| {
            let text = mutant.apply(LADDER);
            assert_ne!(text, LADDER, "{}", mutant.describe());
            compiles(text)
        });
        assert!(viable.count() * 10 >= list.len() * 9, "too many do not compile");
    }

    #[test]
    fn a_broken_text_has_none() {
        assert!(mutants("p", "PROGRAM P\nLADDER\nRUNG a: NO(\n").is_empty());
    }
}
