//! The text of docs/rules.md, from the table of rules.

use crate::rule::{Example, OptionDefault, Rule};
use crate::rules;
use std::fmt::Write as _;

/// The text of docs/rules.md; a test keeps the file in step.
#[must_use]
pub fn reference_markdown() -> String {
    let mut text = String::from(
        "# Rules of `plcrun check`\n\n\
         Beside the diagnostics of the compiler ([diagnostics.md](diagnostics.md)) and the findings about I/O maps and relays\n\
         ([io.md](io.md), [relays.md](relays.md)), `plcrun check` applies these rules. [check.md](check.md) says how they are set,\n\
         allowed at a place, and written for other tools. This page is made from the table in `lint/src/rules`;\n\
         `UPDATE_DOCS=1 cargo test -p lint --test reference` rewrites it.\n\n\
         | code | | rule |\n|---|---|---|\n",
    );
    for rule in rules::ALL {
        let link = rule.code.to_ascii_lowercase();
        // Writing to a String cannot fail.
        let _ = writeln!(text, "| [{}](#{link}) | {} | {} |", rule.code, level(rule), rule.title);
    }
    for rule in rules::ALL {
        text.push_str(&section(rule));
    }
    text
}

/// What `plcrun explain` prints of a rule.
#[must_use]
pub fn explained(rule: &Rule) -> String {
    let mut text = format!(
        "{} ({}): {}\n\n{}\n\nWhat to do: {}\n",
        rule.code,
        level(rule),
        rule.title,
        rule.explanation,
        rule.fix
    );
    for option in rule.options {
        let _ = writeln!(text, "\nOption `{}` (default {}): {}", option.name, default(option.default), option.meaning);
    }
    for (rejected, word) in [(true, "not:"), (false, "but:")] {
        if let Some(example) = rule.examples.iter().find(|e| e.rejected == rejected) {
            let lines: String = shown(example).lines().map(|line| format!("    {line}\n")).collect();
            let _ = write!(text, "\n{word}\n{lines}");
        }
    }
    text
}

fn section(rule: &Rule) -> String {
    let link = rule.code.to_ascii_lowercase();
    let mut text = format!(
        "\n<a id=\"{link}\"></a>\n## {}: {}\n\n{}\n\nWhat to do: {}\n",
        rule.code, rule.title, rule.explanation, rule.fix
    );
    if !rule.options.is_empty() {
        text.push_str("\n| option | default | meaning |\n|---|---|---|\n");
        for option in rule.options {
            let _ = writeln!(text, "| `{}` | {} | {} |", option.name, default(option.default), option.meaning);
        }
    }
    for (rejected, word) in [(true, "rejected"), (false, "accepted")] {
        if let Some(example) = rule.examples.iter().find(|e| e.rejected == rejected) {
            let _ = write!(text, "\n{word}:\n\n```\n{}\n```\n", shown(example).trim_end());
        }
    }
    text
}

fn level(rule: &Rule) -> String {
    if rule.on { rule.severity.word().to_owned() } else { format!("{}, off by default", rule.severity.word()) }
}

fn default(default: OptionDefault) -> String {
    match default {
        OptionDefault::Number(number) => number.to_string(),
        OptionDefault::Pattern(pattern) => format!("`{pattern}`"),
    }
}

/// The text of an example, without marks.
fn shown(example: &Example) -> String {
    let program = example.program.replace('«', "");
    if example.map.is_empty() {
        program.trim().to_owned()
    } else {
        format!("{}\n\n# I/O map\n{}", program.trim(), example.map.replace('«', "").trim())
    }
}
