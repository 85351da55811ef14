//! Commits as a run makes them, made up from a seed: what the trials of the store write, so that whoever looks afterwards knows what must be there.
//!
//! Of the product's own parts nothing uses this.

use super::file::Change;
use super::model::{Document, LogEntry, StoredValue};
use super::moment::Moment;
use bytecode::types::Elementary;
use relay::{RetainedChannel, SplitMix64};

/// A sequence of commits. The same seed on the same store gives the same ones, in whichever process.
#[derive(Clone, Debug)]
pub struct History {
    random: SplitMix64,
    document: Document,
    commits: u64,
}

impl History {
    /// The sequence of a seed on what a store holds.
    #[must_use]
    pub fn on(seed: u64, document: Document) -> Self {
        Self { random: SplitMix64::new(seed), document, commits: 0 }
    }

    /// The next commit's rows and time. From now on [`Self::matches`] expects them.
    pub fn commit(&mut self) -> (Vec<Change>, Moment) {
        let changes = some_changes(&mut self.random, &self.document);
        changes.iter().for_each(|change| self.document.apply(change));
        self.commits += 1;
        (changes, moment(self.commits))
    }

    /// Is this what a store holds after the commits so far?
    ///
    /// # Errors
    /// What differs.
    pub fn matches(&self, found: &Document) -> Result<(), String> {
        same(found, &self.document, &format!("after {} commits", self.commits))
    }
}

/// Does a store hold what it should? When it was saved is no content.
pub(super) fn same(found: &Document, expected: &Document, place: &str) -> Result<(), String> {
    let found = Document { saved: None, ..found.clone() };
    if found == (Document { saved: None, ..expected.clone() }) {
        return Ok(());
    }
    let lost = expected.values.iter().filter(|(key, value)| found.values.get(*key) != Some(value)).count();
    Err(format!(
        "{place}: the store holds neither the last commit nor the one before it: {lost} of {} values differ, {} of {} log entries are there",
        expected.values.len(),
        found.log.len(),
        expected.log.len()
    ))
}

/// A number below `end`; 0 where that is 0.
pub(super) fn below(random: &mut SplitMix64, end: u64) -> u64 {
    random.up_to(end.saturating_sub(1))
}

pub(super) fn moment(n: u64) -> Moment {
    Moment { wall_ns: n, boot: "simulated".to_owned(), boottime_ns: n }
}

pub(super) fn value(path: &str, bits: u64) -> StoredValue {
    StoredValue { path: path.to_owned(), elementary: Elementary::Ulint, bits, persistent: false, fingerprint: 1 }
}

/// A commit as a run makes them: some values, now and then a channel, a log entry, a day, something set aside.
pub(super) fn some_changes(random: &mut SplitMix64, known: &Document) -> Vec<Change> {
    let mut changes = Vec::new();
    for _ in 0..=below(random, 12) {
        let path = format!("main.value[{}]", below(random, 200));
        let row = (below(random, 10) > 0).then(|| value(&path, random.next_u64()));
        changes.push(Change::Value(path, row));
    }
    if below(random, 3) == 0 {
        let name = format!("k{}", below(random, 8));
        let edge_ages_ns = (0..below(random, 6)).map(|n| n * 1_000_000).collect();
        changes.push(Change::Channel(
            name.clone(),
            Some(RetainedChannel { name, edge_ages_ns, ..RetainedChannel::default() }),
        ));
    }
    if below(random, 5) == 0 {
        let number = known.log.last().map_or(1, |last| last.number + 1);
        let text = "x".repeat(usize::try_from(below(random, 3000)).unwrap_or(0));
        changes.push(Change::Log(number, Some(Box::new(LogEntry { number, text, ..LogEntry::default() }))));
        if known.log.len() > 30 {
            changes.extend(known.log.first().map(|first| Change::Log(first.number, None)));
        }
        changes.push(Change::LogDropped(number));
    }
    if below(random, 6) == 0 {
        changes.push(Change::Day(format!("k{}", below(random, 8)), 20_000, Some(below(random, 1_000_000))));
    }
    if below(random, 10) == 0 {
        let path = format!("old.value[{}]", below(random, 20));
        let row = (below(random, 2) == 0).then(|| value(&path, random.next_u64()));
        changes.push(Change::ValueAside(path, row));
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_processes_with_one_seed_agree_and_a_missing_commit_is_seen() {
        let (mut one, mut other) = (History::on(7, Document::default()), History::on(7, Document::default()));
        for _ in 0..50 {
            assert_eq!(one.commit().0, other.commit().0);
        }
        assert_eq!(one.matches(&other.document), Ok(()));
        one.commit();
        assert!(one.matches(&other.document).unwrap_err().contains("after 51 commits"));
        assert_ne!(History::on(8, Document::default()).commit().0, History::on(7, Document::default()).commit().0);
    }
}
