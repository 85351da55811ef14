//! `--play`: the stimuli of one test of a timeline file, applied to a running controller.

use super::Controller;
use crate::exit::Refusal;
use crate::files;
use bytecode::VerifiedImage;
use runtime::config::{IoMap, files::Disk};
use runtime::vm::Engine;
use std::path::Path;
use timeline::Stimuli;

/// In virtual time the run goes on for so long after the last stimulus, so that its effects are seen: longer than the dead
/// times and relay windows of ordinary circuits.
pub const AFTERMATH_NS: u64 = 5_000_000_000;

/// Stimuli, in the order of time.
#[derive(Debug)]
pub struct Script(Stimuli);

impl Script {
    /// Reads the stimuli of a timeline file's test, the first one or the one named.
    ///
    /// # Errors
    /// The file cannot be read, has mistakes, or names what the program does not have.
    pub fn load(path: &Path, test: Option<&str>, map: &IoMap, image: &VerifiedImage) -> Result<Self, Refusal> {
        // A file named on the command line that cannot be read is wrong use, not a finding in it.
        files::read_text(path)?;
        timeline::play::script(path, &Disk, image, map, test).map(Self).map_err(|problems| {
            let text: Vec<String> = problems.iter().map(ToString::to_string).collect();
            Refusal::findings(format!("{} cannot be played\n{}", files::shown(path), text.join("\n")), "")
        })
    }

    /// When the last stimulus is due.
    #[must_use]
    pub fn last_ns(&self) -> u64 {
        self.0.end_ns()
    }

    /// When everything has happened and its effects have been seen.
    #[must_use]
    pub fn end_ns(&self) -> u64 {
        self.0.end_ns().saturating_add(AFTERMATH_NS)
    }

    /// Does what is due before the scan at `now_ns`. Neither allocates nor waits.
    pub fn play<E: Engine>(&mut self, controller: &mut Controller<E>, now_ns: u64) {
        while let Some(action) = self.0.next_due(now_ns) {
            timeline::play::apply(action, controller);
        }
    }
}
