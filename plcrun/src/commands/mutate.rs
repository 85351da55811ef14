//! `plcrun mutate`: small mistakes put into programs, and which of them no test notices.

use super::test::find::find;
use crate::args::MutateArgs;
use crate::exit::{Exit, Refusal};
use crate::parallel::{in_order, processors};
use crate::project::plural;
use crate::terminal::{Console, Tint, tinted};
use runtime::config::files::Disk;
use serde_json::json;
use timeline::mutate::Mutant;
use timeline::mutate::trial::{Trial, Verdict, trials};

/// What came of one source file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tally {
    killed: usize,
    survived: usize,
    equivalent: usize,
    not_viable: usize,
}

impl Tally {
    fn of<'v>(verdicts: impl Iterator<Item = &'v Verdict>) -> Self {
        let mut tally = Self::default();
        for verdict in verdicts {
            match verdict {
                Verdict::Killed { .. } => tally.killed += 1,
                Verdict::Survived => tally.survived += 1,
                Verdict::Equivalent => tally.equivalent += 1,
                Verdict::NotViable => tally.not_viable += 1,
            }
        }
        tally
    }

    fn add(self, other: Self) -> Self {
        Self {
            killed: self.killed + other.killed,
            survived: self.survived + other.survived,
            equivalent: self.equivalent + other.equivalent,
            not_viable: self.not_viable + other.not_viable,
        }
    }

    /// Killed of those that count, in percent, rounded down: 100 means all. A program without mutants holds nothing back.
    const fn score(self) -> usize {
        match (self.killed * 100).checked_div(self.killed + self.survived) {
            Some(score) => score,
            None => 100,
        }
    }

    fn words(self) -> String {
        let mut text = format!("{} killed, {} survived", self.killed, self.survived);
        for (number, what) in [(self.equivalent, "equivalent"), (self.not_viable, "not viable")] {
            if number > 0 {
                text.push_str(&format!(", {number} {what}"));
            }
        }
        text
    }
}

/// Changes the programs and runs their tests.
///
/// # Errors
/// A path cannot be read, a timeline file has mistakes, or a test fails on the program as it stands.
pub fn run(args: &MutateArgs, console: &Console) -> Result<Exit, Refusal> {
    let timelines = find(&args.paths)?;
    let trials = trials(&timelines, &Disk).map_err(|problems| {
        let text: Vec<String> = problems.iter().map(ToString::to_string).collect();
        Refusal::findings(text.join("\n\n"), "")
    })?;
    let chosen: Vec<(&Trial, Vec<&Mutant>)> =
        trials.iter().map(|trial| (trial, sample(&trial.mutants, args.sample))).collect();
    let verdicts = verdicts(&chosen);
    let mut total = Tally::default();
    let mut reached = true;
    for ((trial, mutants), verdicts) in chosen.iter().zip(&verdicts) {
        let tally = Tally::of(verdicts.iter());
        total = total.add(tally);
        let enough = tally.score() >= usize::from(args.at_least);
        reached &= enough;
        let text = if args.json {
            as_json(trial, mutants, verdicts)
        } else {
            as_text(trial, mutants, verdicts, tally, enough, args.quiet, console.color_out)
        };
        console.print(&text)?;
    }
    if !args.json && trials.len() > 1 {
        let files = plural(trials.len(), "file");
        console.print(&format!("{files}: {}: {} %\n", total.words(), total.score()))?;
    }
    Ok(if reached { Exit::Clean } else { Exit::Findings })
}

/// At most `most` of them, evenly spread.
fn sample(mutants: &[Mutant], most: Option<u32>) -> Vec<&Mutant> {
    let all = mutants.len();
    let most = most.map_or(all, |most| (most as usize).min(all));
    (0..most).filter_map(|index| mutants.get(index * all / most)).collect()
}

/// The verdicts in the order of the mutants, worked out on all processors.
fn verdicts(chosen: &[(&Trial, Vec<&Mutant>)]) -> Vec<Vec<Verdict>> {
    let jobs: Vec<(&Trial, &Mutant)> =
        chosen.iter().flat_map(|(trial, mutants)| mutants.iter().map(move |mutant| (*trial, *mutant))).collect();
    let mut all = in_order(&jobs, processors(), |(trial, mutant)| trial.verdict(mutant, &Disk)).into_iter();
    chosen.iter().map(|(_, mutants)| all.by_ref().take(mutants.len()).collect()).collect()
}

fn as_text(
    trial: &Trial,
    mutants: &[&Mutant],
    verdicts: &[Verdict],
    tally: Tally,
    enough: bool,
    quiet: bool,
    color: bool,
) -> String {
    let file = trial.source.display();
    let mut text = String::new();
    let survivors = mutants.iter().zip(verdicts).filter(|(_, verdict)| **verdict == Verdict::Survived);
    for (mutant, _) in survivors.filter(|_| !quiet) {
        let word = tinted(color, Tint::Doubtful, "survived");
        text.push_str(&format!("{file}:{}:{}: {word}: {}\n", mutant.line, mutant.column, mutant.describe()));
    }
    let tint = if enough { Tint::Good } else { Tint::Bad };
    let score = tinted(color, tint, &format!("{} %", tally.score()));
    text.push_str(&format!("{file}: {}: {score}\n", tally.words()));
    text
}

/// One object per line: `file`, `line`, `column`, `kind`, `before`, `after`, `verdict`, and `test` where one killed it.
fn as_json(trial: &Trial, mutants: &[&Mutant], verdicts: &[Verdict]) -> String {
    let file = trial.source.display().to_string();
    let object = |(mutant, verdict): (&&Mutant, &Verdict)| {
        let (word, by) = match verdict {
            Verdict::Killed { file, test } => ("killed", Some(format!("{file}: {test}"))),
            Verdict::Survived => ("survived", None),
            Verdict::Equivalent => ("equivalent", None),
            Verdict::NotViable => ("not viable", None),
        };
        let object = json!({
            "file": file, "line": mutant.line, "column": mutant.column, "kind": mutant.kind.name(),
            "before": mutant.before, "after": mutant.replacement, "verdict": word, "test": by,
        });
        format!("{object}\n")
    };
    mutants.iter().zip(verdicts).map(object).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_score_counts_what_counts() {
        let tally = Tally { killed: 2, survived: 1, equivalent: 5, not_viable: 0 };
        assert_eq!((tally.score(), tally.words()), (66, "2 killed, 1 survived, 5 equivalent".to_owned()));
        assert_eq!(Tally::default().score(), 100);
    }

    #[test]
    fn a_sample_is_spread() {
        let text = "PROGRAM P\nVAR a, b, c, d, q : BOOL; END_VAR\nLADDER\nRUNG x: NO(a) NO(b) NO(c) NO(d) COIL(q);\nEND_LADDER\nEND_PROGRAM\n";
        let all = timeline::mutate::mutants("p", text);
        let some = sample(&all, Some(3));
        assert_eq!(some.len(), 3);
        assert!(some[0].span.start < some[1].span.start && some[1].span.start < some[2].span.start);
        assert_eq!(sample(&all, None).len(), all.len());
        assert_eq!(sample(&all, Some(1000)).len(), all.len());
        assert!(sample(&[], Some(3)).is_empty());
    }
}
