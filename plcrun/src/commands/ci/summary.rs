//! What `plcrun ci` leaves for those who were not there: a table for people, the same for machines.

use super::{Done, Outcome};
use crate::terminal::Console;
use serde_json::json;
use std::io::Write as _;

/// Does this run in GitHub Actions? Then lines of a certain form become annotations.
pub(super) fn in_github() -> bool {
    std::env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true")
}

/// The table.
pub(super) fn markdown(done: &[Done]) -> String {
    let mut text = "# plcrun\n\n| step | result | looked at | seconds |\n|---|---|---|---|\n".to_owned();
    for one in done {
        let (result, words) = match &one.outcome {
            Outcome::Passed => ("passed", one.words.as_str()),
            Outcome::Failed => ("**failed**", one.words.as_str()),
            Outcome::Skipped(why) => ("skipped", why.as_str()),
        };
        text.push_str(&format!("| {} | {result} | {words} | {:.1} |\n", one.step.name(), one.took.as_secs_f64()));
    }
    text
}

/// One object: `passed`, and `steps` with `step`, `result` (`passed`, `failed`, `skipped`), `words`, `seconds`.
pub(super) fn json(done: &[Done]) -> String {
    let steps: Vec<serde_json::Value> = done
        .iter()
        .map(|one| {
            let (result, words) = match &one.outcome {
                Outcome::Passed => ("passed", &one.words),
                Outcome::Failed => ("failed", &one.words),
                Outcome::Skipped(why) => ("skipped", why),
            };
            json!({ "step": one.step.name(), "result": result, "words": words, "seconds": one.took.as_secs_f64() })
        })
        .collect();
    let passed = done.iter().all(|one| one.outcome != Outcome::Failed);
    format!("{:#}\n", json!({ "version": env!("CARGO_PKG_VERSION"), "passed": passed, "steps": steps }))
}

/// Adds the table to the page of the run, where GitHub Actions names a file for it.
pub(super) fn to_github(text: &str, console: &Console) {
    let Some(path) = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|_| in_github()) else { return };
    let written =
        std::fs::File::options().append(true).create(true).open(&path).and_then(|mut f| f.write_all(text.as_bytes()));
    if let Err(why) = written {
        // The verdict does not depend on it.
        console.message(&format!("the summary cannot be added to {}: {why}\n", path.display()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::CiStep;
    use std::time::Duration;

    #[test]
    fn the_table_and_the_object_tell_the_same() {
        let one =
            |step, outcome| Done { step, outcome, words: "3 files".to_owned(), took: Duration::from_millis(1250) };
        let skipped = Outcome::Skipped("no *.test.yaml under this folder".to_owned());
        let done =
            [one(CiStep::Format, Outcome::Passed), one(CiStep::Check, Outcome::Failed), one(CiStep::Test, skipped)];
        let table = markdown(&done);
        assert!(table.contains("| format | passed | 3 files | 1.2 |"), "{table}");
        assert!(table.contains("| check | **failed** | 3 files |"), "{table}");
        assert!(table.contains("| test | skipped | no *.test.yaml under this folder |"), "{table}");
        let object: serde_json::Value = serde_json::from_str(&json(&done)).unwrap();
        assert_eq!(object["passed"], false);
        assert_eq!(object["steps"][1]["result"], "failed");
    }
}
