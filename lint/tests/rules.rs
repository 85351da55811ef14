//! Every rule on its own examples: a rejected one gives exactly its code at the marked places, an accepted one gives none.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::expect_used, reason = "tests")]

mod common;

use common::{Given, unmarked};
use lint::config::{CheckSettings, RuleSetting};
use lint::rule::{Check, Rule};
use lint::rules;

/// The settings an example runs with: everything as it comes, the rule itself on.
fn settings(rule: &Rule) -> CheckSettings {
    let mut settings = CheckSettings::default();
    if !rule.on {
        settings.rules.insert(rule.code, RuleSetting::default());
    }
    settings
}

#[test]
fn every_example_has_its_finding_and_no_other() {
    let mut wrong = Vec::new();
    for rule in rules::ALL {
        for example in rule.examples {
            let (program, mut marks) = unmarked("main.st", example.program);
            let (map, more) = unmarked("main.io.yaml", example.map);
            marks.extend(more);
            assert_eq!(example.rejected, !marks.is_empty(), "{}: marks stand in rejected examples", rule.code);
            let given = Given::new(&program, &map);
            assert!(given.compiled.image.is_some(), "{}: {}\n{:#?}", rule.code, program, given.compiled.diagnostics);
            let refused = given.refused();
            assert!(refused.is_empty(), "{}: {map}\n{refused:#?}", rule.code);
            let checked = given.check(&settings(rule));
            // Errors of the map would hide what a rule has to say; its notes and warnings are not the rule's.
            let found: Vec<_> = checked.shown().filter(|f| f.code.starts_with('K')).collect();
            let places: Vec<_> =
                found.iter().map(|f| (f.region.file.clone(), f.region.line, f.region.column)).collect();
            let codes_fit = found.iter().all(|f| f.code == rule.code);
            if places != marks || !codes_fit {
                let seen: Vec<_> = found.iter().map(|f| (f.code, &f.region, &f.message)).collect();
                wrong.push(format!("{}: wanted {marks:?}, found {seen:#?} in\n{program}\n{map}", rule.code));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn the_table_is_in_order_and_complete() {
    let codes: Vec<_> = rules::ALL.iter().map(|r| r.code).collect();
    let mut sorted = codes.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(codes, sorted);
    for rule in rules::ALL {
        assert!(rule.code.starts_with('K') && rule.code.len() == 4, "{}", rule.code);
        assert!(
            !rule.title.ends_with('.') && rule.explanation.ends_with('.') && rule.fix.ends_with('.'),
            "{}",
            rule.code
        );
        // What is gone from a baseline needs a baseline: tests/baseline.rs.
        let shown = rule.code == "K903"
            || (rule.examples.iter().any(|e| e.rejected) && rule.examples.iter().any(|e| !e.rejected));
        assert!(shown, "{} has no accepted or no rejected example", rule.code);
        let options = CheckSettings::default().options(rule);
        for option in rule.options {
            let text = options.pattern(option.name);
            let is_number = matches!(option.default, lint::rule::OptionDefault::Number(_));
            assert!(is_number || !text.is_empty(), "{}: the default of `{}` is no pattern", rule.code, option.name);
        }
        let needs_map = matches!(rule.check, Check::Map(_));
        assert!(!needs_map || rule.examples.iter().all(|e| !e.map.is_empty()), "{}: examples need maps", rule.code);
    }
}

#[test]
fn a_rule_that_is_off_finds_nothing_and_a_severity_is_what_the_settings_say() {
    for rule in rules::ALL {
        let Some(example) = rule.examples.iter().find(|e| e.rejected) else { continue };
        let given = Given::new(&unmarked("", example.program).0, &unmarked("", example.map).0);
        let with = |text: &str| {
            let node = common::node(&format!("rules: {{ {}: {text} }}", rule.code));
            let (settings, problems) = CheckSettings::read(&node);
            assert!(problems.is_empty(), "{problems:?}");
            given.check(&settings)
        };
        assert!(with("off").shown().all(|f| f.code != rule.code), "{}", rule.code);
        let noted = with("error");
        let own = noted.shown().filter(|f| f.code == rule.code);
        assert!(own.map(|f| f.severity).all(|s| s == lint::Severity::Error), "{}", rule.code);
        assert!(noted.shown().any(|f| f.code == rule.code), "{}", rule.code);
    }
}
