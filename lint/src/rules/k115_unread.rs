//! K115: variables that are written and never read.

use crate::config::RuleOptions;
use crate::context::Context;
use crate::finding::Severity;
use crate::rule::{Check, Draft, Example, Rule};

/// Written, never read.
pub const RULE: Rule = Rule {
    code: "K115",
    severity: Severity::Note,
    on: true,
    title: "variable that nothing reads",
    explanation: "The variable is written, but nothing reads it and it has no address. It may be there for somebody who watches the program; coils on such variables are W0903.",
    fix: "Use it, or take it out; allow it where it is watched.",
    options: &[],
    examples: &[
        Example::rejected(
            "PROGRAM Main
VAR level AT %IW0 : INT; half : INT; lamp AT %QX0.0 : BOOL; END_VAR
«half := level / 2;
lamp := level > 10;
END_PROGRAM",
        ),
        Example::accepted(
            "PROGRAM Main
VAR level AT %IW0 : INT; half : INT; lamp AT %QX0.0 : BOOL; END_VAR
half := level / 2;
lamp := half > 10;
END_PROGRAM",
        ),
    ],
    check: Check::Program(check),
};

fn check(context: &Context<'_>, _: &RuleOptions, found: &mut Vec<Draft>) {
    for (variable, usage) in super::usage::uses(context) {
        let Some(written) = usage.written else { continue };
        if usage.read.is_none() && !usage.contact && !usage.coil {
            let message = format!("nothing reads `{}`", variable.name);
            found.push(Draft::new(written, message).also(variable.span, "declared here"));
        }
    }
}
