//! `plcrun mutate`: small mistakes put into programs, and which of them neither a test nor a proof notices.
//!
//! Tests come first, because they are cheap. What they let pass is asked for the properties of the program: a mutant of which
//! one no longer holds is killed as well.

mod explained;

use super::prove;
use super::test::find::find;
use crate::args::MutateArgs;
use crate::discover::{self, Program};
use crate::exit::{Exit, Refusal};
use crate::parallel::{in_order, processors};
use crate::project::plural;
use crate::terminal::{Console, Tint, tinted};
use explained::Entry;
use runtime::config::files::{Disk, Files as _, Kept};
use serde_json::json;
use std::time::Duration;
use timeline::mutate::Mutant;
use timeline::mutate::trial::{Trial, Verdict, trials};

/// Longest time for one property of one mutant: thousands of them wait.
const TIME_LIMIT: Duration = Duration::from_secs(10);

/// What became of a mutant, when everybody has looked.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Fate {
    /// What the tests say.
    Tested(Verdict),
    /// No test noticed, but this property no longer holds.
    Refuted(String),
}

/// What came of one source file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tally {
    killed: usize,
    /// Of those, by properties alone.
    by_proofs: usize,
    survived: usize,
    equivalent: usize,
    not_viable: usize,
}

impl Tally {
    fn of<'v>(fates: impl Iterator<Item = &'v Fate>) -> Self {
        let mut tally = Self::default();
        for fate in fates {
            match fate {
                Fate::Tested(Verdict::Killed { .. }) => tally.killed += 1,
                Fate::Tested(Verdict::Survived) => tally.survived += 1,
                Fate::Tested(Verdict::Equivalent) => tally.equivalent += 1,
                Fate::Tested(Verdict::NotViable) => tally.not_viable += 1,
                Fate::Refuted(_) => {
                    tally.killed += 1;
                    tally.by_proofs += 1;
                }
            }
        }
        tally
    }

    fn add(self, other: Self) -> Self {
        Self {
            killed: self.killed + other.killed,
            by_proofs: self.by_proofs + other.by_proofs,
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
        let proofs = if self.by_proofs > 0 { format!(" ({} by proofs)", self.by_proofs) } else { String::new() };
        let mut text = format!("{} killed{proofs}, {} survived", self.killed, self.survived);
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
/// A path cannot be read, a timeline file has mistakes, or a test or property fails on the program as it stands.
pub fn run(args: &MutateArgs, console: &Console) -> Result<Exit, Refusal> {
    let timelines = find(&args.paths)?;
    let trials = trials(&timelines, &Disk).map_err(|problems| {
        let text: Vec<String> = problems.iter().map(ToString::to_string).collect();
        Refusal::findings(text.join("\n\n"), "")
    })?;
    let chosen: Vec<(&Trial, Vec<&Mutant>)> =
        trials.iter().map(|trial| (trial, sample(&trial.mutants, args.sample))).collect();
    let programs = if args.tests_only { Vec::new() } else { askable(&timelines, console)? };
    let entries = explained::of(trials.iter().map(|trial| trial.source.as_path()))?;
    let mut idle: Vec<&Entry> = entries.iter().collect();
    let fates = fates(&chosen, &programs);
    let mut total = Tally::default();
    let mut reached = true;
    for ((trial, mutants), fates) in chosen.iter().zip(&fates) {
        let tally = Tally::of(fates.iter());
        total = total.add(tally);
        let enough = tally.score() >= usize::from(args.at_least);
        reached &= enough;
        let text = if args.json {
            as_json(trial, mutants, fates, &entries)
        } else {
            let told = Told { trial, mutants, fates, entries: &entries };
            idle.retain(|entry| !told.uses(entry));
            told.as_text(tally, enough, args.quiet, console.color_out)
        };
        console.print(&text)?;
    }
    // Of a sample others may not have been made at all.
    for entry in idle.iter().filter(|_| !args.json && args.sample.is_none()) {
        let tests = trials.iter().any(|trial| explained::same(&entry.file, &trial.source));
        if tests {
            console.message(&format!("{}: no survivor is a `{}`: take the entry out\n", entry.place, entry.change));
        }
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

/// The programs whose properties can be asked. All of them hold as the programs stand: a property that is broken already would
/// kill every mutant.
fn askable(timelines: &[std::path::PathBuf], console: &Console) -> Result<Vec<Program>, Refusal> {
    let mut programs = Vec::new();
    for program in discover::tested(timelines)? {
        let name = program.files.first().map(|file| file.display().to_string()).unwrap_or_default();
        match prove::first_broken(&program.files, program.io.as_deref(), &Disk, TIME_LIMIT) {
            Ok(None) => programs.push(program),
            Ok(Some(id)) => {
                let what = format!("the property `{id}` does not hold on {name} as it stands");
                return Err(Refusal::findings(
                    what,
                    "mend it first: `plcrun prove` shows why, or leave properties out: --tests-only",
                ));
            }
            // Tests alone may well judge a program that is not modelled.
            Err(refusal) => console.message(&format!("{name}: only tests are asked: {}\n", refusal.what)),
        }
    }
    Ok(programs)
}

/// The fates in the order of the mutants, worked out on all processors.
fn fates(chosen: &[(&Trial, Vec<&Mutant>)], programs: &[Program]) -> Vec<Vec<Fate>> {
    let jobs: Vec<(&Trial, &Mutant)> =
        chosen.iter().flat_map(|(trial, mutants)| mutants.iter().map(move |mutant| (*trial, *mutant))).collect();
    let fate = |(trial, mutant): &(&Trial, &Mutant)| match trial.verdict(mutant, &Disk) {
        Verdict::Survived => refuted(trial, mutant, programs).map_or(Fate::Tested(Verdict::Survived), Fate::Refuted),
        other @ (Verdict::Killed { .. } | Verdict::Equivalent | Verdict::NotViable) => Fate::Tested(other),
    };
    let mut all = in_order(&jobs, processors(), fate).into_iter();
    chosen.iter().map(|(_, mutants)| all.by_ref().take(mutants.len()).collect()).collect()
}

/// A property that the mutant breaks, in some program its file belongs to.
fn refuted(trial: &Trial, mutant: &Mutant, programs: &[Program]) -> Option<String> {
    let text = mutant.apply(&Disk.read(&trial.source).ok()?);
    let changed = Kept { path: trial.source.clone(), text, others: &Disk };
    let concerned = programs.iter().filter(|program| program.files.contains(&trial.source));
    concerned
        .filter_map(|program| prove::first_broken(&program.files, program.io.as_deref(), &changed, TIME_LIMIT).ok())
        .find_map(|broken| broken)
}

/// What is told of one source file.
struct Told<'a> {
    trial: &'a Trial,
    mutants: &'a [&'a Mutant],
    fates: &'a [Fate],
    entries: &'a [Entry],
}

impl Told<'_> {
    fn survivors(&self) -> impl Iterator<Item = &Mutant> {
        let both = self.mutants.iter().zip(self.fates);
        both.filter(|(_, fate)| **fate == Fate::Tested(Verdict::Survived)).map(|(mutant, _)| *mutant)
    }

    fn entry(&self, mutant: &Mutant) -> Option<&Entry> {
        explained::find(self.entries, &self.trial.source, &mutant.describe())
    }

    fn uses(&self, entry: &Entry) -> bool {
        self.survivors().filter_map(|mutant| self.entry(mutant)).any(|used| used == entry)
    }

    fn as_text(&self, tally: Tally, enough: bool, quiet: bool, color: bool) -> String {
        let file = self.trial.source.display();
        let mut text = String::new();
        for mutant in self.survivors().filter(|_| !quiet) {
            let word = tinted(color, Tint::Doubtful, "survived");
            let reason = self.entry(mutant).map_or(String::new(), |entry| format!("\n  explained: {}", entry.reason));
            text.push_str(&format!(
                "{file}:{}:{}: {word}: {}{reason}\n",
                mutant.line,
                mutant.column,
                mutant.describe()
            ));
        }
        let open = self.survivors().filter(|mutant| self.entry(mutant).is_none()).count();
        let explained = match tally.survived - open {
            0 => String::new(),
            n => format!(" ({n} explained)"),
        };
        let tint = if enough { Tint::Good } else { Tint::Bad };
        let score = tinted(color, tint, &format!("{} %", tally.score()));
        text.push_str(&format!("{file}: {}{explained}: {score}\n", tally.words()));
        text
    }
}

/// One object per line: `file`, `line`, `column`, `kind`, `before`, `after`, `verdict`, `test` or `property` where one killed it,
/// and `explained` where the settings say why nothing need notice it.
fn as_json(trial: &Trial, mutants: &[&Mutant], fates: &[Fate], entries: &[Entry]) -> String {
    let file = trial.source.display().to_string();
    let object = |(mutant, fate): (&&Mutant, &Fate)| {
        let (word, test, property) = match fate {
            Fate::Tested(Verdict::Killed { file, test }) => ("killed", Some(format!("{file}: {test}")), None),
            Fate::Tested(Verdict::Survived) => ("survived", None, None),
            Fate::Tested(Verdict::Equivalent) => ("equivalent", None, None),
            Fate::Tested(Verdict::NotViable) => ("not viable", None, None),
            Fate::Refuted(property) => ("killed", None, Some(property)),
        };
        let survived = *fate == Fate::Tested(Verdict::Survived);
        let entry = explained::find(entries, &trial.source, &mutant.describe()).filter(|_| survived);
        let reason = entry.map(|entry| entry.reason.as_str());
        let object = json!({
            "file": file, "line": mutant.line, "column": mutant.column, "kind": mutant.kind.name(),
            "before": mutant.before, "after": mutant.replacement, "verdict": word, "test": test, "property": property,
            "explained": reason,
        });
        format!("{object}\n")
    };
    mutants.iter().zip(fates).map(object).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_score_counts_what_counts() {
        let tally = Tally { killed: 2, by_proofs: 0, survived: 1, equivalent: 5, not_viable: 0 };
        assert_eq!((tally.score(), tally.words()), (66, "2 killed, 1 survived, 5 equivalent".to_owned()));
        let more = tally.add(Tally::of([Fate::Refuted("never-both".to_owned())].iter()));
        assert_eq!((more.score(), more.words()), (75, "3 killed (1 by proofs), 1 survived, 5 equivalent".to_owned()));
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
