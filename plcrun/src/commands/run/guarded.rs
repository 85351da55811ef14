//! What happens on real outputs before anything is compiled: the lines are requested, the state directory is taken, and the
//! guardian is made.
//!
//! [`begin`] returns twice where the map drives a real line: in the scan process, which goes on, and at the end of everything
//! in the guardian. Without a real output there is one process, and only the state directory is looked at here.

use super::options;
use crate::args::{LogFormat, RunArgs};
use crate::exit::{Exit, Refusal};
use crate::iomap::Origin;
use runtime::config::files::{Disk, Files};
use runtime::config::{Head, KeepSettings, head};
use runtime::guardian::{self, Role, ScanSide, Setup};
use runtime::io::gpio::Held;
use runtime::live;
use runtime::state::{self, StateDir, Surroundings, Wanted};
use runtime::store::StoreError;

/// What a start comes to.
pub enum Begun {
    /// This is the guardian, its work done.
    Guardian(Exit),
    /// This process runs the program.
    Scan(Box<Start>),
}

/// What was found and taken before the program is known.
pub struct Start {
    /// The map as it was read; `None` without one, and where its text has a mistake that is told later.
    pub head: Option<Head>,
    /// The guardian's other side; `None` without real outputs.
    pub side: Option<ScanSide>,
    /// The state directory, locked by this run.
    pub state: Option<state::Held>,
}

impl Start {
    /// Reads the map at `origin` as it was read for the head.
    pub fn with_files<T>(&self, read: impl FnOnce(&dyn Files) -> T) -> T {
        match &self.head {
            Some(head) => read(&head.files(&Disk)),
            None => read(&Disk),
        }
    }
}

/// Where a map was found decides whether it may energise real lines.
pub const fn map_origin(origin: &Origin) -> live::MapOrigin {
    match origin {
        Origin::Beside(_) => live::MapOrigin::FoundBeside,
        Origin::Named(_) | Origin::None => live::MapOrigin::Given,
    }
}

/// Looks at the head of the map and, where it drives a real line, makes the guardian.
///
/// # Errors
/// Real lines are refused, a line or the state directory cannot be had, or no second process can be made.
pub fn begin(args: &RunArgs, origin: &Origin) -> Result<Begun, Refusal> {
    let head = origin.path().and_then(|path| head(path, &Disk));
    if let Some(head) = &head {
        live::check_head(head, map_origin(origin), &options::simulation_only(args))
            .map_err(|refused| Refusal::wrong_use(refused.to_string(), String::new()))?;
    }
    let directory = state_directory(args, head.as_ref())?;
    // One that is there is locked first, so that a second start is told who holds it and not that its lines are in use; one
    // that has to be made is made only when the lines could be had.
    let there = directory.as_ref().filter(|directory| directory.path().exists());
    let locked = there.map(StateDir::create).transpose().map_err(|e| refused_state(&e))?;
    let outputs = head.as_ref().map(|head| head.outputs.as_slice()).unwrap_or_default();
    let held = Held::open(outputs).map_err(|e| Refusal::findings(e.to_string(), "").coded(e.code()))?;
    let state = match (locked, directory) {
        (Some(locked), _) => Some(locked),
        (None, directory) => directory.map(|d| d.create()).transpose().map_err(|e| refused_state(&e))?,
    };
    let Some(head) = head else { return Ok(Begun::Scan(Box::new(Start { head, side: None, state }))) };
    if head.outputs.is_empty() {
        return Ok(Begun::Scan(Box::new(Start { head: Some(head), side: None, state })));
    }
    let setup = Setup {
        held,
        settings: head.guardian.clone(),
        rt: head.rt,
        record: state.as_ref().map(|state| state.black_box()),
        json: args.log_format == LogFormat::Json,
    };
    match guardian::start(setup).map_err(|e| Refusal::findings(e.to_string(), ""))? {
        Role::Guardian(code) => Ok(Begun::Guardian(Exit::of(code))),
        Role::Scan(side) => Ok(Begun::Scan(Box::new(Start { head: Some(head), side: Some(side), state }))),
    }
}

/// The state directory of this run, where it has one. Nothing is made.
fn state_directory(args: &RunArgs, head: Option<&Head>) -> Result<Option<StateDir>, Refusal> {
    let keep = head.map(|head| KeepSettings::of(&head.map, &head.path)).unwrap_or_default();
    let name = args.files.first().and_then(|file| file.file_stem()).and_then(|stem| stem.to_str()).unwrap_or("program");
    let wanted = Wanted {
        given: args.state.as_deref(),
        map: keep.path.as_deref(),
        real: head.is_some_and(|head| head.has_real_lines),
        name,
    };
    state::resolve(&wanted, &Surroundings::of_this_process()).map_err(|e| refused_state(&e))
}

fn refused_state(error: &StoreError) -> Refusal {
    Refusal::wrong_use(error.to_string(), error.code.remedy()).coded(error.code.code())
}
