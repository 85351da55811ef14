//! Which state directory a command means, and how its store is reached: through the control socket while its program runs,
//! else in the file, under the directory's lock.

use crate::args::StateArgs;
use crate::exit::Refusal;
use crate::iomap;
use runtime::config::KeepSettings;
use runtime::config::files::Disk;
use runtime::config::head;
use runtime::control::{Reply, Request, client};
use runtime::state::{self, Held, StateDir, Surroundings, Wanted};
use runtime::store::{Document, StoreCode, StoreError, StoreFile};
use std::path::{Path, PathBuf};

/// A message of the store as a refusal.
pub fn refusal(error: &StoreError) -> Refusal {
    Refusal::findings(error.to_string(), error.code.remedy()).coded(error.code.code())
}

/// A state directory in reach.
pub enum Reached {
    /// A program runs on it: it answers on its socket.
    Running(StateDir),
    /// No program runs on it, and none can start while this is held.
    Stopped(Held),
}

/// The state directory that is meant: `--state`, that of `--program`, the service manager's, or the only one there is.
///
/// # Errors
/// There is none, or there are several.
pub fn locate(args: &StateArgs) -> Result<StateDir, Refusal> {
    if let Some(path) = &args.state {
        return there(StateDir::at(path));
    }
    let around = Surroundings::of_this_process();
    if let Some(program) = &args.program {
        let found = of_program(std::slice::from_ref(program), args.io.as_deref(), &around)?;
        let shown = program.display();
        let nothing = || {
            Refusal::wrong_use(
                format!("{shown} keeps nothing: it has no real lines and names no state directory"),
                "name one with `--state DIR`",
            )
        };
        return there(found.ok_or_else(nothing)?);
    }
    if let Some(path) = around.service_directory() {
        return there(StateDir::at(path));
    }
    let mut found: Vec<PathBuf> = around.parents().iter().flat_map(|parent| stores_in(parent)).collect();
    match (found.pop(), found.is_empty()) {
        (Some(only), true) => Ok(StateDir::at(only)),
        (Some(last), false) => {
            found.push(last);
            let list: Vec<String> = found.iter().map(|path| format!("--state {}", path.display())).collect();
            Err(Refusal::wrong_use(
                "several programs keep their state on this machine",
                format!("say which: {}", list.join(", ")),
            ))
        }
        (None, _) => Err(Refusal::wrong_use(
            "no program keeps its state in a place this user can see",
            "name the directory with `--state DIR`, or run the command as the user the program runs as",
        )),
    }
}

/// The state directory a program would run on.
///
/// # Errors
/// No place is known for it.
pub fn of_program(files: &[PathBuf], io: Option<&Path>, around: &Surroundings) -> Result<Option<StateDir>, Refusal> {
    let origin = iomap::find(io, files);
    iomap::must_exist(&origin)?;
    let head = origin.path().and_then(|path| head(path, &Disk));
    let keep = head.as_ref().map(|head| KeepSettings::of(&head.map, &head.path)).unwrap_or_default();
    let name = files.first().and_then(|file| file.file_stem()).and_then(|stem| stem.to_str()).unwrap_or("program");
    let real = head.is_some_and(|head| head.has_real_lines);
    let wanted = Wanted { given: None, map: keep.path.as_deref(), real, name };
    state::resolve(&wanted, around).map_err(|e| refusal(&e))
}

fn there(directory: StateDir) -> Result<StateDir, Refusal> {
    if directory.store().exists() || directory.lock().exists() {
        return Ok(directory);
    }
    let shown = directory.path().display().to_string();
    Err(Refusal::wrong_use(
        format!("{shown} is no state directory: nothing is kept there"),
        "a program makes it at its first start",
    ))
}

/// Directories in `parent` that hold a store.
fn stores_in(parent: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(parent).into_iter().flatten().filter_map(Result::ok).map(|entry| entry.path());
    let mut stores: Vec<PathBuf> = entries.filter(|path| StateDir::at(path).store().exists()).collect();
    stores.sort();
    stores
}

/// Reaches the directory.
///
/// # Errors
/// It cannot be read.
pub fn reach(directory: &StateDir) -> Result<Reached, Refusal> {
    match directory.hold() {
        Ok(held) => Ok(Reached::Stopped(held)),
        Err(error) if error.code == StoreCode::InUse => Ok(Reached::Running(directory.clone())),
        Err(error) => Err(refusal(&error)),
    }
}

/// Asks the program that runs.
///
/// # Errors
/// It does not answer, or refuses.
pub fn ask(directory: &StateDir, request: &Request) -> Result<Reply, Refusal> {
    let reply = client::ask(&directory.socket(), request).map_err(|e| refusal(&e))?;
    match reply.error {
        Some(why) => Err(refusal(&StoreError::new(StoreCode::NoAnswer, why))),
        None => Ok(reply),
    }
}

/// Everything that is kept, wherever it can be had.
///
/// # Errors
/// The store is damaged or cannot be opened, or the program that runs does not answer.
pub fn document(directory: &StateDir) -> Result<Document, Refusal> {
    match reach(directory)? {
        Reached::Running(directory) => {
            Ok(ask(&directory, &Request::Store)?.store.map(|boxed| *boxed).unwrap_or_default())
        }
        Reached::Stopped(held) if !held.store().exists() => Ok(Document::default()),
        Reached::Stopped(held) => StoreFile::open(&held.store()).map(|(_, document)| document).map_err(|e| refusal(&e)),
    }
}
