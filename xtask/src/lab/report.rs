//! What the guest tells the host: JSON lines in one file, in the order in which things happened; and the table made of them.

use serde::{Deserialize, Serialize};

/// One line of the results file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Line {
    /// A scenario begins.
    Began {
        /// Its name.
        name: String,
    },
    /// A long scenario is still at it.
    Progress {
        /// Rounds done.
        done: u32,
        /// Rounds to do.
        of: u32,
    },
    /// A scenario is over.
    Outcome(Outcome),
    /// The guest is done; what it could not do at all is said here.
    End {
        /// Why not every scenario was run.
        error: Option<String>,
    },
}

/// How a scenario ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The scenario's name.
    pub name: String,
    /// Passed, failed or left out.
    pub verdict: Verdict,
    /// How long it took by the guest's clock.
    pub seconds: f64,
    /// What was seen, a sentence or a figure each. For a failure the first says what was wrong.
    pub facts: Vec<String>,
}

/// How a scenario ended, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Everything was as it must be.
    Passed,
    /// Something was not.
    Failed,
    /// It could not be tried; the facts say why.
    LeftOut,
}

impl Verdict {
    /// The word of the table.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "FAILED",
            Self::LeftOut => "left out",
        }
    }
}

impl Outcome {
    /// A row of the table: a line with name, verdict and time, then each fact on a line of its own.
    pub fn row(&self) -> String {
        let mut row = format!("{:34} {:8} {:8.1} s", self.name, self.verdict.word(), self.seconds);
        for fact in &self.facts {
            for line in fact.lines() {
                row.push_str("\n    ");
                row.push_str(line);
            }
        }
        row
    }
}

/// The lines of a results file that is still being written: what follows the last line break is left for the next time.
///
/// # Errors
/// A line that is not one of ours.
pub fn read(text: &str) -> Result<(Vec<Line>, usize), String> {
    let whole = text.rfind('\n').map_or(0, |at| at + 1);
    let lines = text.get(..whole).unwrap_or_default().lines();
    let read = lines.map(|line| serde_json::from_str(line).map_err(|e| format!("`{line}`: {e}")));
    Ok((read.collect::<Result<_, _>>()?, whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_half_written_line_waits_for_its_end() {
        let began = serde_json::to_string(&Line::Began { name: "kill".to_owned() }).unwrap();
        let (lines, used) = read(&format!("{began}\n{{\"kind\":\"prog")).unwrap();
        assert_eq!(lines, [Line::Began { name: "kill".to_owned() }]);
        assert_eq!(used, began.len() + 1);
        assert_eq!(read("{\"kind\":\"prog").unwrap(), (vec![], 0));
    }

    #[test]
    fn a_line_that_is_not_ours_is_refused() {
        assert!(read("Kernel panic\n").unwrap_err().contains("Kernel panic"));
    }

    #[test]
    fn a_failure_reads_as_one() {
        let outcome = Outcome {
            name: "stop".to_owned(),
            verdict: Verdict::Failed,
            seconds: 1.25,
            facts: vec!["fwd stayed on\nfor 3 s".to_owned()],
        };
        assert_eq!(
            outcome.row(),
            "stop                               FAILED        1.2 s\n    fwd stayed on\n    for 3 s"
        );
        let line = serde_json::to_string(&Line::Outcome(outcome.clone())).unwrap();
        assert_eq!(read(&(line + "\n")).unwrap().0, [Line::Outcome(outcome)]);
    }
}
