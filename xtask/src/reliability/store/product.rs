//! SIGKILL to the product while it commits.
//!
//! Its program counts scans in four retained variables, so that every commit has something to write and a value of another
//! scan among them shows. What the running product says is in its store must be there after the kill.

use super::Part;
use crate::reliability::Numbers;
use crate::reliability::random::Random;
use runtime::control::{Request, client};
use runtime::state::StateDir;
use runtime::store::{Document, StoreFile};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const PROGRAM: &str = "PROGRAM Counts
VAR RETAIN a : LINT; b : LINT; END_VAR
VAR PERSISTENT c : LINT; d : LINT; END_VAR
  a := a + 1; b := b + 1; c := c + 1; d := d + 1;
END_PROGRAM
";
/// The least age there is: the most commits.
const MAP: &str = "scan: { period: 2 ms }\nstore: { max_age: 100 ms }\n";
/// Longest wait for the first commit of a run.
const PATIENCE: Duration = Duration::from_secs(60);
/// Longest time from a commit that was seen to the kill.
const RUN_US: u64 = 60_000;

/// A product that goes with the round.
struct Product(Child);

impl Drop for Product {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Kills products.
///
/// # Errors
/// The product cannot be started, or does not commit.
pub fn run(numbers: Numbers, seed: u64, folder: &Path, binary: &Path) -> Result<Part, String> {
    let mut part = Part { name: "product killed while it commits", ..Part::default() };
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::write(&path, text).map_err(|e| format!("{}: {e}", path.display()))
    };
    write("counts.st", PROGRAM)?;
    write("counts.io.yaml", MAP)?;
    let state = StateDir::at(folder.join("state"));
    let mut last = 0;
    for round in 0..numbers.of(100) {
        let mut random = Random::new(seed, "store product", round);
        let mut product = start(binary, folder)?;
        let (seen, commits) = wait_for_commit(&state, last, &mut product)?;
        std::thread::sleep(Duration::from_micros(random.below(RUN_US)));
        drop(product);
        part.rounds += 1;
        part.commits += commits;
        match look(&state, seen) {
            Ok(found) => {
                part.arrived += u64::from(found > seen);
                last = found;
            }
            Err(what) => {
                part.findings.push(format!("product killed, seed {seed}, round {round}: {what}"));
                return Ok(part);
            }
        }
    }
    Ok(part)
}

fn start(binary: &Path, folder: &Path) -> Result<Product, String> {
    let mut command = Command::new(binary);
    command.args(["run", "counts.st", "--state", "state"]).current_dir(folder);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().map(Product).map_err(|e| format!("{}: {e}", binary.display()))
}

/// Waits until the running product tells of a commit newer than `last`; gives its counter, and the commits so far.
fn wait_for_commit(state: &StateDir, last: i64, product: &mut Product) -> Result<(i64, u64), String> {
    let began = Instant::now();
    loop {
        if let Ok(reply) = client::ask(&state.socket(), &Request::Store)
            && let Some(count) = reply.store.as_deref().map(counters).transpose()?
            && count > last
        {
            let status = client::ask(&state.socket(), &Request::Status).ok().and_then(|reply| reply.status);
            return Ok((count, status.map_or(1, |status| status.store.commits)));
        }
        if let Ok(Some(status)) = product.0.try_wait() {
            return Err(format!("the product ended by itself: {status}"));
        }
        if began.elapsed() > PATIENCE {
            return Err(format!("no commit in {} s", PATIENCE.as_secs()));
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// The file after a kill: it opens, its values are of one scan, and not of one before `seen`.
fn look(state: &StateDir, seen: i64) -> Result<i64, String> {
    let (file, document) = StoreFile::open(&state.store()).map_err(|e| format!("the store does not open: {e}"))?;
    drop(file);
    let found = counters(&document)?;
    if found < seen { Err(format!("scan {seen} was committed, {found} came back")) } else { Ok(found) }
}

/// The counter of scans; all four must agree. 0 before the first commit.
fn counters(document: &Document) -> Result<i64, String> {
    let counts: Vec<i64> = document.values.values().map(|value| value.bits.cast_signed()).collect();
    match counts.as_slice() {
        [] => Ok(0),
        [first, rest @ ..] if rest.len() == 3 && rest.iter().all(|other| other == first) => Ok(*first),
        _ => Err(format!("values of different scans: {counts:?}")),
    }
}
