//! SIGKILL to a process that does nothing but open a store and commit.
//!
//! The commits come from a seed that both sides know. The writer says `o` when the store is open and `c` for each commit that
//! returned; whoever reads those letters after the kill knows what must be in the file.

use super::Part;
use crate::reliability::Numbers;
use crate::reliability::random::Random;
use runtime::store::history::History;
use runtime::store::{Document, StoreFile};
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

/// The word that makes this program the writer.
pub const WRITER: &str = "store-writer";
/// Kills before a new file is begun, so that young and grown files are hit.
const FILE_KILLS: u32 = 50;
/// One kill in so many falls at any time after the start of the process, most likely while the store is opened and repaired.
const EARLY: u64 = 5;
/// Longest time from the first letter to the kill.
const RUN_US: u64 = 30_000;
/// Longest time from the start of the process to an early kill.
const START_US: u64 = 8_000;

/// The writer: commits until it is killed. `args` are the file and the seed.
///
/// # Errors
/// Wrong arguments, or the store refuses.
pub fn writer(args: &[String]) -> Result<(), String> {
    let [path, seed] = args else { return Err(format!("{WRITER} FILE SEED")) };
    let seed = seed.parse().map_err(|_| format!("`{seed}` is no seed"))?;
    let (file, document) = StoreFile::open(Path::new(path)).map_err(|e| e.to_string())?;
    let mut history = History::on(seed, document);
    let mut out = std::io::stdout().lock();
    let mut say = |letter: &[u8]| out.write_all(letter).and_then(|()| out.flush()).map_err(|e| e.to_string());
    say(b"o")?;
    loop {
        let (changes, moment) = history.commit();
        file.commit(&changes, &moment).map_err(|e| e.to_string())?;
        say(b"c")?;
    }
}

/// Kills writers.
///
/// # Errors
/// A writer cannot be started, or ends by itself.
pub fn run(numbers: Numbers, seed: u64, folder: &Path) -> Result<Part, String> {
    let mut part = Part { name: "writer killed, on a real file", ..Part::default() };
    let mut found = Document::default();
    for round in 0..numbers.of(500) {
        let path = folder.join(format!("writer-{}.redb", round / FILE_KILLS));
        if round % FILE_KILLS == 0 {
            found = Document::default();
        }
        let mut random = Random::new(seed, "store writer", round);
        let of_round = random.below(u64::MAX);
        let (opened, commits) = strike(&path, of_round, &mut random)?;
        part.rounds += 1;
        part.at_opening += u64::from(!opened);
        part.commits += commits;
        match look(&path, of_round, &found, commits) {
            Ok((document, arrived)) => {
                part.arrived += u64::from(arrived);
                found = document;
            }
            Err(what) => {
                part.findings.push(format!("writer killed, seed {seed}, round {round}: {what}"));
                let kept = folder.with_file_name(format!("lost-{seed}-{round}.redb"));
                // Evidence; the file is worth keeping and nothing depends on it.
                let _ = std::fs::rename(&path, kept);
                found = Document::default();
            }
        }
    }
    Ok(part)
}

/// One life and death of a writer: whether the store was open, and how many commits had returned.
fn strike(path: &Path, seed: u64, random: &mut Random) -> Result<(bool, u64), String> {
    let (mut child, mut out) = start(path, seed)?;
    let mut letters = Vec::new();
    let early = random.below(EARLY) == 0;
    if !early {
        let mut first = [0];
        out.read_exact(&mut first).map_err(|_| format!("the writer on {} ended by itself", path.display()))?;
        letters.extend(first);
    }
    std::thread::sleep(Duration::from_micros(random.below(if early { START_US } else { RUN_US })));
    child.kill().map_err(|e| format!("the writer cannot be killed: {e}"))?;
    let status = child.wait().map_err(|e| format!("no end of the writer: {e}"))?;
    out.read_to_end(&mut letters).map_err(|e| format!("the writer's words are lost: {e}"))?;
    if status.code().is_some() {
        return Err(format!("the writer on {} ended by itself: {status}", path.display()));
    }
    Ok((letters.first() == Some(&b'o'), letters.iter().filter(|letter| **letter == b'c').count() as u64))
}

fn start(path: &Path, seed: u64) -> Result<(Child, ChildStdout), String> {
    let me = std::env::current_exe().map_err(|e| format!("where am I? {e}"))?;
    let mut command = Command::new(me);
    command.arg(WRITER).arg(path).arg(seed.to_string()).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn().map_err(|e| format!("no writer can be started: {e}"))?;
    let out = child.stdout.take().ok_or("the writer has no output")?;
    Ok((child, out))
}

/// What the file holds after a kill, and whether a commit is there that nobody had been told of.
fn look(path: &Path, seed: u64, before: &Document, commits: u64) -> Result<(Document, bool), String> {
    let (file, document) = StoreFile::open(path).map_err(|e| format!("the store does not open: {e}"))?;
    drop(file);
    let mut history = History::on(seed, before.clone());
    for _ in 0..commits {
        history.commit();
    }
    let Err(what) = history.matches(&document) else { return Ok((document, false)) };
    history.commit();
    history.matches(&document).map_err(|_| what)?;
    Ok((document, true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_and_a_torn_commit_are_seen() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s.redb");
        let (file, _) = StoreFile::open(&path).unwrap();
        let mut history = History::on(1, Document::default());
        for _ in 0..3 {
            let (changes, moment) = history.commit();
            file.commit(&changes, &moment).unwrap();
        }
        drop(file);
        let looked = |commits| look(&path, 1, &Document::default(), commits).map(|(_, arrived)| arrived);
        assert_eq!((looked(3), looked(2)), (Ok(false), Ok(true)));
        assert!(looked(4).unwrap_err().contains("after 4 commits"));
        assert!(looked(1).is_err(), "two commits that nobody was told of are one too many");
        // Half of the next commit.
        let (file, _) = StoreFile::open(&path).unwrap();
        let (changes, moment) = std::iter::repeat_with(|| history.commit()).find(|(c, _)| c.len() > 1).unwrap();
        file.commit(&changes[..1], &moment).unwrap();
        drop(file);
        assert!(looked(3).is_err());
    }
}
