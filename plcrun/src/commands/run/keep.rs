//! The retained store around a run: opened before anything is energised, taken up before the first scan, written last.
//!
//! What is said here is what an operator has to know at a start: what came back and how old it is, what did not fit, which
//! latches still hold. How it is kept is the runtime's.

use super::{Controller, Ending, Session};
use crate::args::RunArgs;
use crate::exit::{Exit, Refusal};
use crate::state_dir::refusal;
use crate::table::grouped;
use crate::terminal::Console;
use bytecode::VerifiedImage;
use relay::{ChannelTable, Guard};
use runtime::config::IoMap;
use runtime::config::model::AcknowledgePolicy;
use runtime::control::server::{self, Server};
use runtime::guardian::record;
use runtime::scan::real::Commander;
use runtime::state::{Held, StateDir};
use runtime::store::keeper::{Keeper, Setup};
use runtime::store::layout::{self, Layout};
use runtime::store::tap::{self, Reader, Standing, Tap};
use runtime::store::{self, Change, Document, LogEntry, Moment, StoreCode, StoreError, StoreFile};
use runtime::vm::Engine;
use std::sync::Arc;

/// Most names in one message; the rest is counted.
const NAMES_MAX: usize = 8;

/// A store that was opened for a run.
pub struct Opened {
    directory: StateDir,
    file: StoreFile,
    document: Document,
    warning: Option<StoreError>,
    layout: Arc<Layout>,
    max_age_ns: u64,
    cold: bool,
    /// Rows that are not in the file yet.
    changes: Vec<Change>,
}

/// Opens the store of the state directory, if there is one, and takes over what the guardian left.
///
/// # Errors
/// The store is damaged, in use or of another version, or a fault waits for its acknowledgement.
pub fn open(
    state: Option<&Held>,
    image: &VerifiedImage,
    map: &IoMap,
    args: &RunArgs,
) -> Result<Option<Opened>, Refusal> {
    let Some(state) = state else {
        let nothing = "`--cold` has no effect: this run keeps nothing";
        return if args.cold {
            Err(Refusal::wrong_use(nothing, "leave it out, or name `--state DIR`"))
        } else {
            Ok(None)
        };
    };
    let layout = Arc::new(Layout::of(image).map_err(|e| refusal(&e))?);
    let opened = store::open(&state.store(), map.keep.on_damage).map_err(|e| refusal(&e))?;
    let mut document = opened.document;
    if let Some(death) = record::read(&state.black_box()) {
        let touched = document.log_append(LogEntry::of_death(&death));
        opened.file.commit(&document.log_rows(touched), &last_saved(&document)).map_err(|e| refusal(&e))?;
        if let Err(e) = record::clear(&state.black_box()) {
            let path = state.black_box();
            return Err(refusal(&StoreError::new(StoreCode::Directory, format!("{}: {e}", path.display()))));
        }
    }
    if map.keep.acknowledge == AcknowledgePolicy::Required
        && let Some(entry) = document.unacknowledged_runs().last()
    {
        let detail = format!("{} {}, {}", entry.code, entry.text, store::moment::wall_text(entry.wall_ns));
        let error = StoreError::new(StoreCode::Unacknowledged, detail);
        return Err(Refusal { exit: Exit::Fault, ..refusal(&error) });
    }
    let mut changes = Vec::new();
    let name = image.programs.first().map(|p| p.name.clone()).unwrap_or_default();
    if document.program != name {
        changes.push(Change::Program(name));
    }
    Ok(Some(Opened {
        directory: StateDir::at(state.path()),
        file: opened.file,
        document,
        warning: opened.warning,
        layout,
        max_age_ns: map.keep.max_age_ns,
        cold: args.cold,
        changes,
    }))
}

/// When the values in a document were kept. The entry of a death changes nothing about their age.
fn last_saved(document: &Document) -> Moment {
    document.saved.clone().unwrap_or_else(Moment::now)
}

/// The store of a running program.
pub struct Keeping {
    keeper: Keeper,
    directory: StateDir,
    program: String,
    table: ChannelTable,
    engine: &'static str,
    period_ns: u64,
    server: Option<Server>,
}

impl Opened {
    /// Puts everything back before the first scan, says what came back, and starts the thread that commits.
    ///
    /// # Errors
    /// No thread can be had.
    pub fn take_up<E: Engine>(
        mut self,
        controller: &mut Controller<E>,
    ) -> Result<(Keeping, Tap, Reader<Standing>), Refusal> {
        if let Some(warning) = &self.warning {
            warn(warning);
        }
        let gone_ns = self.document.saved.as_ref().and_then(|saved| saved.until(&Moment::now()));
        let table = Arc::clone(controller.guard().table());
        let (guard, relays) = Guard::with_retained(table, &self.document.bank(), gone_ns);
        let mut values = layout::Restored::default();
        let (layout, document, cold) = (&self.layout, &self.document, self.cold);
        let mut moved = Vec::new();
        controller.take_up(guard, |memory| (values, moved) = layout::restore(layout, document, memory, cold));
        self.changes.extend(moved);
        for record in &relays.unmatched {
            let key = record.name.to_lowercase();
            self.changes.push(Change::Channel(key.clone(), None));
            self.changes.push(Change::ChannelAside(key, Some(record.clone())));
        }
        self.tell(controller, &values, &relays, gone_ns);
        for change in &self.changes {
            self.document.apply(change);
        }
        let (tap, reader, standing) = tap::ends(controller, Arc::clone(&self.layout));
        let program = self.document.program.clone();
        let setup = Setup {
            path: self.directory.store(),
            file: self.file,
            document: self.document,
            layout: self.layout,
            reader,
            max_age_ns: self.max_age_ns,
            changes: self.changes,
        };
        let keeper = Keeper::start(setup).map_err(|e| {
            Refusal::findings(
                format!("the store's thread cannot be started: {e}"),
                "look at the limit of threads of this user",
            )
        })?;
        let table = controller.table().clone();
        let (engine, period_ns) = (controller.engine().name(), controller.tick_ns());
        Ok((
            Keeping { keeper, directory: self.directory, program, table, engine, period_ns, server: None },
            tap,
            standing,
        ))
    }

    fn tell<E: Engine>(
        &self,
        controller: &Controller<E>,
        values: &layout::Restored,
        relays: &relay::Restored,
        gone_ns: Option<u64>,
    ) {
        let directory = self.directory.path().display();
        match &self.document.saved {
            None => tracing::info!(kind = "retained", "nothing is kept yet in {directory}: everything begins anew"),
            Some(saved) => {
                let age = gone_ns.map_or_else(
                    || "for how long nothing ran is not known".to_owned(),
                    |ns| format!("{} ago", coarse(ns)),
                );
                let (restored, channels) = (values.restored, relays.restored.len());
                let cold =
                    if self.cold { format!(", {} reset by the cold start", values.dropped) } else { String::new() };
                let back = if values.taken_back > 0 {
                    format!(", {} of them had been aside", values.taken_back)
                } else {
                    String::new()
                };
                let text = saved.text();
                tracing::info!(
                    kind = "retained",
                    restored,
                    channels,
                    "back from {directory} as of {text} ({age}): {} values{back}{cold}, records of {} channels",
                    grouped(restored as u64),
                    grouped(channels as u64),
                );
            }
        }
        if !values.unfit.is_empty() {
            warn(&StoreError::new(StoreCode::NoFit, names(&values.unfit)));
        }
        if !relays.unmatched.is_empty() {
            let unmatched: Vec<String> = relays.unmatched.iter().map(|record| record.name.clone()).collect();
            warn(&StoreError::new(StoreCode::NoChannel, names(&unmatched)));
        }
        for (id, status) in controller.table().ids().zip(controller.statuses()) {
            if let Some(fault) = status.fault {
                let (name, code) = (controller.table().channel(id).name.as_str(), fault.event().code());
                let text = fault.event().text();
                tracing::warn!(
                    kind = "latched",
                    code,
                    name,
                    "{name} is latched since an earlier run: {code} {text}; `plcrun ack {name}` once the cause is gone"
                );
            }
        }
    }
}

impl Keeping {
    /// Answers operators on the control socket from now on. Without it everything else goes on.
    pub fn serve(&mut self, standing: Reader<Standing>, commander: Commander) {
        let channels = self.table.ids().map(|id| (self.table.channel(id).name.clone(), id)).collect();
        let (program, clerk) = (self.program.clone(), self.keeper.clerk());
        let setup = server::Setup {
            program,
            engine: self.engine,
            period_ns: self.period_ns,
            channels,
            standing,
            commander,
            clerk,
        };
        match Server::start(&self.directory.socket(), setup) {
            Ok(server) => self.server = Some(server),
            Err(error) => warn(&error),
        }
    }

    /// What the store has to say while the program runs.
    pub fn tell_notices(&self) {
        while let Some(notice) = self.keeper.notice() {
            match notice.code.severity() {
                runtime::config::Severity::Note => {
                    tracing::info!(kind = "store", code = notice.code.code(), "{notice}")
                }
                runtime::config::Severity::Error | runtime::config::Severity::Warning => warn(&notice),
            }
        }
    }
}

/// Writes what is kept, for the last time.
///
/// # Errors
/// What could not be written.
pub fn finish<E: Engine>(
    (keeping, tap): (Keeping, Tap),
    session: &Session,
    controller: &Controller<E>,
    ending: &Ending,
) -> Result<(), StoreError> {
    keeping.tell_notices();
    let Keeping { keeper, server, .. } = keeping;
    drop(server);
    let report = ending.fault.as_ref().map(|f| f.describe(&session.image, controller.driver().gpio().chip_names()));
    let entries = report.iter().map(LogEntry::of_fault).collect();
    keeper.finish(Some(tap.last(controller)), entries).map(drop)
}

/// The exit code, unless the run went well and its end could not be kept.
///
/// # Errors
/// As the run's own.
pub fn conclude(
    written: Result<(), StoreError>,
    exit: Result<Exit, Refusal>,
    console: &Console,
) -> Result<Exit, Refusal> {
    let Err(error) = written else { return exit };
    match exit {
        Ok(Exit::Clean) => Err(refusal(&error)),
        Ok(Exit::Findings | Exit::WrongUse | Exit::Fault | Exit::Unknown) | Err(_) => {
            console.refusal(&refusal(&error));
            exit
        }
    }
}

fn warn(error: &StoreError) {
    let (code, remedy) = (error.code.code(), error.code.remedy());
    tracing::warn!(kind = "store", code, help = remedy, "{code} {error}; {remedy}");
}

/// A few names, and how many more there are.
fn names(all: &[String]) -> String {
    let shown = all.get(..all.len().min(NAMES_MAX)).unwrap_or_default().join(", ");
    match all.len().saturating_sub(NAMES_MAX) {
        0 => shown,
        more => format!("{shown} and {} more", grouped(more as u64)),
    }
}

/// A long time as people say it: `3 d 4 h`, `2 h 5 min`, `40 s`.
pub fn coarse(ns: u64) -> String {
    let seconds = ns / runtime::clock::NS_PER_S;
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{} h {} min", seconds / 3_600, seconds / 60 % 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds / 3_600 % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_times_and_lists_are_short() {
        let s = runtime::clock::NS_PER_S;
        assert_eq!([59 * s, 61 * s, 7_260 * s, 90_000 * s].map(coarse), ["59 s", "1 min 1 s", "2 h 1 min", "1 d 1 h"]);
        let many: Vec<String> = (0..10).map(|n| format!("v{n}")).collect();
        assert_eq!(names(&many), "v0, v1, v2, v3, v4, v5, v6, v7 and 2 more");
        assert_eq!(names(&many[..2]), "v0, v1");
    }
}
