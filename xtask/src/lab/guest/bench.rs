//! The test bench: chips, observer, and what has been seen since a scenario began.

use super::chips::Chip;
use super::observer::Observer;
use super::{Journal, Stop};
use crate::judge::Event;
use crate::lab::Options;
use crate::lab::report::Line;
use rustix::time::{ClockId, clock_gettime};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Controllers that can run side by side, each with lines of its own.
pub const CONTROLLERS: usize = 4;
/// How often the bench looks while it waits for something.
const LOOK_EVERY: Duration = Duration::from_millis(2);
/// Longest wait until the kernel has let the lines of killed processes go.
const RELEASE_LIMIT: Duration = Duration::from_secs(2);
/// What one controller has on each chip.
const OUTPUTS: [&str; 3] = ["fwd", "rev", "main"];
const INPUTS: [&str; 6] = ["enable", "fwd_cmd", "rev_cmd", "fwd_aux", "rev_aux", "loop_cmd"];
const FAR: [&str; 2] = ["lamp", "present"];

/// Chips, observer and record.
#[derive(Debug)]
pub struct Bench {
    /// Outputs of all controllers.
    pub out: Chip,
    /// Inputs of all controllers.
    pub input: Chip,
    /// For each controller a chip that can be unplugged, with an output and an input.
    pub far: Vec<Chip>,
    /// What was asked for.
    pub options: Options,
    /// What the scenario found worth telling.
    pub facts: Vec<String>,
    /// Writes to output lines since the scenario began, in order.
    pub events: Vec<Event>,
    /// The work folder of products, in memory.
    pub work: PathBuf,
    /// The folder the host can see, with kernel modules.
    pub shared: PathBuf,
    /// Names of lines by the kernel's numbers.
    names: BTreeMap<u32, String>,
    levels: BTreeMap<String, bool>,
    observer: Observer,
    journal: Journal,
}

impl Bench {
    /// Makes the chips and starts the observer. `shared` is the folder the host can see.
    ///
    /// # Errors
    /// The kernel refuses something.
    pub fn set_up(shared: &Path, options: Options, journal: Journal) -> Result<Self, String> {
        let names = |kinds: &[&str]| -> Vec<String> {
            (0..CONTROLLERS).flat_map(|n| kinds.iter().map(move |kind| format!("{kind}{n}"))).collect()
        };
        let mut bench = Self {
            out: Chip::plug_new("lab-out", &names(&OUTPUTS))?,
            input: Chip::plug_new("lab-in", &names(&INPUTS))?,
            far: (0..CONTROLLERS)
                .map(|n| Chip::plug_new(&format!("lab-far{n}"), &FAR.map(|kind| format!("{kind}{n}"))))
                .collect::<Result<_, _>>()?,
            options,
            facts: Vec::new(),
            events: Vec::new(),
            work: PathBuf::from("/run/work"),
            shared: shared.to_owned(),
            names: BTreeMap::new(),
            levels: BTreeMap::new(),
            observer: Observer::start()?,
            journal,
        };
        bench.number_lines();
        // Products read their files from memory: the shared folder is slower.
        for file in std::fs::read_dir(shared.join("files")).map_err(|e| format!("files: {e}"))?.flatten() {
            let to = bench.work.join(file.file_name());
            std::fs::copy(file.path(), &to).map_err(|e| format!("{}: {e}", to.display()))?;
        }
        Ok(bench)
    }

    /// Learns the kernel's numbers of the lines; again after a chip was plugged.
    pub fn number_lines(&mut self) {
        let chips = [&self.out, &self.input];
        let numbered =
            chips.into_iter().chain(&self.far).flat_map(|chip| (chip.first..).zip(chip.lines.iter().cloned()));
        self.names = numbered.collect();
    }

    /// Plugs or unplugs the far chip of a controller.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn plug_far(&mut self, number: usize, plugged: bool) -> Result<(), String> {
        let chip = self.far.get_mut(number).ok_or_else(|| format!("there is no controller {number}"))?;
        if plugged {
            chip.plug()?;
            self.number_lines();
            return Ok(());
        }
        chip.unplug()
    }

    /// The folder in which a controller keeps its state. It outlasts the product, and ends with the scenario.
    pub fn state(&self, number: usize) -> PathBuf {
        self.work.join(format!("state-{number}"))
    }

    /// Forgets what an earlier scenario left: events, levels of inputs, retained state.
    ///
    /// # Errors
    /// An input cannot be driven, or the trace is broken.
    pub fn fresh(&mut self) -> Result<(), String> {
        for line in self.input.lines.clone() {
            self.input.drive(&line, false)?;
        }
        for number in 0..CONTROLLERS {
            let state = self.state(number);
            let _ = std::fs::remove_dir_all(&state);
            std::fs::create_dir_all(&state).map_err(|e| format!("{}: {e}", state.display()))?;
        }
        self.observer.look()?;
        self.events.clear();
        self.levels.clear();
        self.facts.clear();
        Ok(())
    }

    /// Tells the host how far a long scenario is.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn progress(&self, done: u32, of: u32) -> Result<(), String> {
        self.journal.tell(&Line::Progress { done, of })
    }

    /// Drives an input of controller 0.
    ///
    /// # Errors
    /// As [`Chip::drive`].
    pub fn drive(&self, line: &str, level: bool) -> Result<(), String> {
        self.input.drive(&format!("{line}0"), level)
    }

    /// Takes what the observer has seen since the last look.
    ///
    /// # Errors
    /// The trace is broken, or a line was set that nobody knows.
    pub fn look(&mut self) -> Result<(), String> {
        for write in self.observer.look()? {
            let line =
                self.names.get(&write.number).cloned().ok_or_else(|| format!("line {} was set", write.number))?;
            let was_on = self.levels.insert(line.clone(), write.level).unwrap_or(false);
            let event = Event { t_ns: write.t_ns, line, on: write.level, was_on, writer: write.thread };
            self.events.push(event);
        }
        Ok(())
    }

    /// Moves the events of one controller into its own record.
    pub fn take_events(&mut self, number: usize, into: &mut Vec<Event>) {
        let suffix = number.to_string();
        into.extend(self.events.extract_if(.., |event| event.line.ends_with(&suffix)));
    }

    /// Looks until something holds. `what` completes "waited in vain for ...".
    ///
    /// # Errors
    /// It does not hold within the limit.
    pub fn wait_for(
        &mut self,
        what: &str,
        limit: Duration,
        mut holds: impl FnMut(&mut Self) -> Result<bool, String>,
    ) -> Result<(), Stop> {
        let until = now_ns() + nanos(limit);
        loop {
            self.look()?;
            if holds(self)? {
                return Ok(());
            }
            if now_ns() > until {
                return Err(Stop::Failed(format!("waited in vain for {what} ({} ms)", limit.as_millis())));
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }

    /// Looks for a while.
    ///
    /// # Errors
    /// The trace is broken.
    pub fn pause(&mut self, time: Duration) -> Result<(), String> {
        let until = now_ns() + nanos(time);
        while now_ns() < until {
            self.look()?;
            std::thread::sleep(LOOK_EVERY);
        }
        self.look()
    }

    /// The last edge of a line to this level: its time.
    pub fn last_edge(&self, line: &str, on: bool) -> Option<u64> {
        self.edges().rev().find(|event| event.line == line && event.on == on).map(|event| event.t_ns)
    }

    /// Writes that changed a level.
    pub fn edges(&self) -> impl DoubleEndedIterator<Item = &Event> {
        self.events.iter().filter(|event| event.is_edge())
    }

    /// The level last written to a line.
    pub fn is_on(&self, line: &str) -> bool {
        self.levels.get(line).copied().unwrap_or(false)
    }

    /// The kernel let these lines go when their owner had ended: what is on by our record went off without an event.
    ///
    /// # Errors
    /// A line is still on although nobody holds it.
    pub fn released(&mut self, number: usize) -> Result<(), String> {
        self.look()?;
        let t_ns = now_ns();
        for kind in OUTPUTS.into_iter().chain(["lamp"]) {
            let line = format!("{kind}{number}");
            let far = self.far.get(number).filter(|chip| chip.lines.contains(&line));
            let chip = far.unwrap_or(&self.out);
            // Of two killed processes one may end a moment after the other, and the kernel lets go when both have.
            let patience = Instant::now();
            while chip.is_plugged() && chip.level(&line)? {
                if patience.elapsed() > RELEASE_LIMIT {
                    return Err(format!("{line} is on although its owner has ended"));
                }
                std::thread::sleep(Duration::from_millis(5));
            }
            if self.levels.insert(line.clone(), false) == Some(true) {
                self.events.push(Event { t_ns, line, on: false, was_on: true, writer: 0 });
            }
        }
        Ok(())
    }

    /// What a reader needs to understand a failure: the last edges, the end of the product's log.
    pub fn evidence(&self) -> String {
        let edges: Vec<&Event> = self.edges().collect();
        let mut text = String::from("last edges:");
        for event in edges.iter().skip(edges.len().saturating_sub(12)) {
            let level = if event.on { "ON" } else { "off" };
            let (s, us) = (event.t_ns / 1_000_000_000, event.t_ns / 1000 % 1_000_000);
            let _ = write!(text, "\n  {s}.{us:06} {} {level} by thread {}", event.line, event.writer);
        }
        let mut logs: Vec<PathBuf> =
            std::fs::read_dir(&self.work).into_iter().flatten().flatten().map(|f| f.path()).collect();
        logs.retain(|path| path.extension().is_some_and(|extension| extension == "log"));
        logs.sort();
        for log in logs {
            let _ = write!(text, "\n{} ends with\n{}", log.display(), crate::lab::packages::tail(&log, 8));
        }
        text
    }
}

/// CLOCK_MONOTONIC, the clock of the trace.
pub fn now_ns() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    u64::try_from(now.tv_sec).unwrap_or(0) * 1_000_000_000 + u64::try_from(now.tv_nsec).unwrap_or(0)
}

/// A duration as the project counts time.
pub fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
