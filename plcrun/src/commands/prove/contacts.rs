//! What the relay guard of a map keeps whatever a program commands: that contacts of an interlock group never meet, dead times,
//! least times. Nobody has to ask, and the program does not matter; so it is asked once for each program's map.

use super::only::Only;
use super::work::Work;
use crate::project::plural;
use crate::terminal::{Tint, tinted};
use lint::proofs::{HOLLOW, REFUTED, UNKNOWN};
use prove::guard::asked::{Answer, Answered, Guarded};
use prove::sat::Limit;
use runtime::config::IoMap;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// The guard of a map.
pub fn guard(map: &IoMap) -> Guarded<'_> {
    Guarded::new(&map.channels, map.plan.tick_ns, map.supply.is_some())
}

/// Asks its claims, one after the other.
pub fn ask(guarded: &Guarded<'_>, only: Only<'_>, time_limit: Duration) -> Vec<Answered> {
    let numbers = guarded.names().enumerate().filter(|(_, name)| only.takes(name)).map(|(number, _)| number);
    let limit = || Limit { deadline: Instant::now().checked_add(time_limit), stops: Vec::new() };
    numbers.filter_map(|number| guarded.answer(number, &limit())).collect()
}

/// One claim: a line, and the claim as a sentence where it is not proved.
pub fn as_text(one: &Answered, color: bool) -> String {
    let (tint, word, more) = match &one.answer {
        Answer::Proved(argument) => {
            (Tint::Good, "proved", format!("relay guard, whatever is commanded: {}", argument.text()))
        }
        Answer::Vacuous => (Tint::Doubtful, "HOLDS FOR NOTHING", "a channel it speaks of can never be on".to_owned()),
        Answer::Refuted(scans) => (Tint::Bad, "REFUTED", format!("in scan {scans}; the relay guard does so, too")),
        Answer::Unknown(why) => (Tint::Doubtful, "UNKNOWN", why.clone()),
    };
    let took = super::show::milliseconds(one.took);
    let mut text = format!("{}: {} ({more}; {took})\n", one.id, tinted(color, tint, word));
    if !matches!(one.answer, Answer::Proved(_)) {
        text.push_str(&format!("  {}\n", one.says));
    }
    text
}

/// Under which code an answer is reported, and what is said; `None` where all is well.
pub fn verdict(one: &Answered) -> Option<(&'static str, String)> {
    let id = &one.id;
    match &one.answer {
        Answer::Proved(_) => None,
        Answer::Refuted(scans) => {
            Some((REFUTED, format!("`{id}` can be broken in scan {scans}: the relay guard does so, too")))
        }
        Answer::Vacuous => Some((HOLLOW, format!("`{id}` holds for nothing: a channel it speaks of can never be on"))),
        Answer::Unknown(why) => Some((UNKNOWN, format!("`{id}` is neither proved nor refuted: {why}"))),
    }
}

/// The line below them: `relay guard: 5 properties hold`.
pub fn closing(answered: &[Answered], color: bool) -> String {
    let good = answered.iter().filter(|one| matches!(one.answer, Answer::Proved(_))).count();
    let all = plural(answered.len(), "property").replace("propertys", "properties");
    let verb = if answered.len() == 1 { "holds" } else { "hold" };
    let tint = if good == answered.len() { Tint::Good } else { Tint::Bad };
    format!("{}\n", tinted(color, tint, &format!("relay guard: {good} of {all} {verb}, whatever the program commands")))
}

/// One object, as docs/proof.md describes it.
pub fn as_json(one: &Answered, work: &Work) -> Value {
    let (answer, argument, why, scans) = match &one.answer {
        Answer::Proved(argument) => ("proved", argument.text(), "", None),
        Answer::Vacuous => ("vacuous", "", "a channel it speaks of can never be on", None),
        Answer::Refuted(scans) => ("refuted", "", "", Some(*scans)),
        Answer::Unknown(why) => ("unknown", "", why.as_str(), None),
    };
    let program = work.files.first().map(|file| file.display().to_string());
    json!({
        "program": program, "id": one.id, "kind": "relay-guard", "says": one.says, "answer": answer, "argument": argument,
        "why": why, "scans": scans, "took_ms": one.took.as_secs_f64() * 1000.0,
    })
}
