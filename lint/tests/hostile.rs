//! No text makes a check panic or hang, whatever is cut out of programs and maps or put into them.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod common;

use common::Given;
use lint::config::CheckSettings;
use lint::rules;
use proptest::prelude::*;
use runtime::config::yaml::{SizeLimit, parse};

/// Programs and maps of the rules' own examples: each form a rule looks at is among them.
fn texts() -> Vec<(&'static str, &'static str)> {
    rules::ALL.iter().flat_map(|r| r.examples.iter().map(|e| (e.program, e.map))).collect()
}

/// A text with a piece cut out, and a piece of another put in its place.
fn spliced(text: &str, other: &str, at: usize, cut: usize, from: usize) -> String {
    let chars: Vec<char> = text.chars().filter(|c| *c != '«').collect();
    let others: Vec<char> = other.chars().filter(|c| *c != '«').collect();
    let at = at % (chars.len() + 1);
    let end = (at + cut).min(chars.len());
    let from = from % (others.len() + 1);
    let piece = &others[from..(from + cut).min(others.len())];
    chars[..at].iter().chain(piece).chain(&chars[end..]).collect()
}

fn everything_on() -> CheckSettings {
    let mut settings = CheckSettings::default();
    for rule in rules::ALL {
        settings.rules.insert(rule.code, lint::config::RuleSetting::default());
    }
    settings
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_a_check_panic(
        which in any::<(usize, usize)>(), program in any::<(usize, usize)>(), map in any::<(usize, usize)>(), cut in 0..40usize,
    ) {
        let texts = texts();
        let (a, b) = (texts[which.0 % texts.len()], texts[which.1 % texts.len()]);
        let program = spliced(a.0, b.0, program.0, cut, program.1);
        let map = if a.1.is_empty() { String::new() } else { spliced(a.1, b.1, map.0, cut / 4, map.1) };
        let checked = Given::new(&program, &map).check(&everything_on());
        for finding in &checked.findings {
            prop_assert!(!finding.message.is_empty() && finding.fingerprint.len() == 32);
        }
        // Every form can be written of whatever was found.
        let forms = [
            lint::report::sarif::log(&checked.findings, "0"),
            lint::report::github::commands(&checked.findings),
            lint::report::gitlab::report(&checked.findings),
        ];
        prop_assert!(!forms[0].is_empty() && !forms[2].is_empty());
    }

    #[test]
    fn no_settings_make_the_reader_panic(text in "[ -~\n]{0,200}") {
        if let Ok(node) = parse(&format!("rules: {text}"), SizeLimit { bytes_max: 1 << 20, remedy: "" }) {
            let _ = CheckSettings::read(&node);
        }
    }
}
