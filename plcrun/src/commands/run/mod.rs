//! `plcrun run`: from files to a controller that scans, and everything a person sees of it.
//!
//! [`options`] says what fits together before a file is read; [`guarded`] makes the guardian before anything else on real outputs; [`real`] runs in real time with the scan on a thread of its
//! own, [`virtual_time`] as fast as possible on this one; [`lines`], [`status`], [`summary`] and [`fault`] make text,
//! [`screen`], its [`printer`] and [`keys`] own the terminal. Nothing is started before everything has been checked.

mod fault;
mod guarded;
mod keep;
mod keys;
mod lines;
mod log;
mod options;
mod printer;
mod real;
mod screen;
mod script;
mod status;
mod summary;
mod values;
mod virtual_time;

use crate::args::{EngineChoice, LogFormat, RunArgs};
use crate::exit::{Exit, Refusal};
use crate::files;
use crate::iomap::{self, Origin};
use crate::project;
use crate::table::{exact_time, moment};
use crate::terminal::Console;
use bytecode::VerifiedImage;
use compiler::source::SourceMap;
use guarded::Begun;
use lines::{Teller, TraceFile};
use runtime::config::IoMap;
use runtime::guardian::ScanSide;
use runtime::io::Rack;
use runtime::live;
use runtime::scan::watch::Names;
use runtime::scan::{Command, Fault, Plc, real::RunLimit};
use runtime::store::tap::Tap;
use runtime::vm::{Engine, Interpreter, Native};
use screen::{Abilities, Screen};
use script::Script;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use summary::{ChannelRow, Summary};

/// The controller this command runs.
type Controller<E> = Plc<E, Rack>;

/// Settles every bounce of the simulated contacts. Always the same, so that a run can be repeated.
const SEED: u64 = 1;

/// A program, its map and what was asked for, all of it checked.
struct Session {
    image: Arc<VerifiedImage>,
    map: Arc<IoMap>,
    sources: SourceMap,
    /// Inputs set before the first scan.
    set: Vec<Command>,
    /// Stimuli of `--play`.
    script: Option<Script>,
    limit: RunLimit,
    screen: Screen,
    format: LogFormat,
    /// What this process has of its guardian, until the lines are taken over.
    side: Option<ScanSide>,
    /// The retained store, until the controller takes it up.
    kept: Option<keep::Opened>,
}

/// How a run ended.
struct Ending {
    /// In words, such as `stopped by SIGTERM`.
    words: String,
    /// The fault that ended it.
    fault: Option<Fault>,
    /// What plcrun said of itself, where it failed.
    defect: Option<String>,
    /// False in virtual time.
    measured: bool,
    /// The retained store and the scan thread's end of it.
    kept: Option<(keep::Keeping, Tap)>,
}

/// Runs a program until it is stopped, its time is over, or it meets a fault.
///
/// # Errors
/// Why nothing was started.
pub fn run(args: &RunArgs, console: &Console) -> Result<Exit, Refusal> {
    options::check(args)?;
    let origin = iomap::find(args.io.as_deref(), &args.files);
    iomap::must_exist(&origin)?;
    // On real outputs two processes come back from here; only one of them goes on.
    let start = match guarded::begin(args, &origin)? {
        Begun::Guardian(exit) => return Ok(exit),
        Begun::Scan(start) => start,
    };
    let project = project::load(&args.files, console)?;
    options::check_scan(args, &project.image)?;
    let period_ns = args.scan.map(|d| d.ns);
    let map =
        start.with_files(|files| iomap::required_at(&origin, project.image.image(), period_ns, files, console))?;
    live::check(&map, guarded::map_origin(&origin), &options::simulation_only(args))
        .map_err(|refused| Refusal::wrong_use(refused.to_string(), String::new()))?;
    let kept = keep::open(start.state.as_ref(), &project.image, &map, args)?;
    let set = options::resolve_sets(&args.set, &map)?;
    let script =
        args.play.as_deref().map(|path| Script::load(path, args.test.as_deref(), &map, &project.image)).transpose()?;
    let limit = options::limit(args, script.as_ref());
    let trace = args.trace.as_deref().map(|path| open_trace(path, args, &origin)).transpose()?;
    // Machines read JSON, and virtual time is over before a row could be read.
    let live = !args.virtual_time && args.log_format == LogFormat::Text;
    let screen = Screen::open(if live { Abilities::of_this_process() } else { Abilities::NONE });
    log::install(
        &screen,
        log::Settings {
            format: args.log_format,
            quiet: args.quiet,
            color: console.color_out,
            time_of_day: !args.virtual_time,
        },
    );
    let session = Session {
        image: Arc::new(project.image),
        map: Arc::new(map),
        sources: project.sources,
        set,
        script,
        limit,
        screen,
        format: args.log_format,
        side: start.side,
        kept,
    };
    introduce(&session, &origin, args);
    let screen = session.screen.clone();
    let exit = match args.engine {
        EngineChoice::Native => scan::<Native>(session, trace, args, console),
        EngineChoice::Interpreter => scan::<Interpreter>(session, trace, args, console),
    };
    // What is said from here on goes to standard error, which may be the same terminal.
    screen.drain();
    // Given back last: nobody else may run on it before everything is told.
    drop(start.state);
    exit
}

/// Runs the checked program on an engine, and tells how that ended.
fn scan<E: Engine + Send + 'static>(
    session: Session,
    trace: Option<TraceFile>,
    args: &RunArgs,
    console: &Console,
) -> Result<Exit, Refusal> {
    let run = if args.virtual_time { virtual_time::run::<E> } else { real::run::<E> };
    let (session, controller, mut ending) = run(session, trace)?;
    let written = ending.kept.take().map_or(Ok(()), |kept| keep::finish(kept, &session, &controller, &ending));
    let exit = conclude(&session, &controller, &ending, console);
    keep::conclude(written, exit, console)
}

/// Says so where another engine than the one asked for runs the program.
fn tell_fallback<E: Engine>(controller: &Controller<E>) {
    if let Some(why) = controller.engine().fallback() {
        let name = controller.engine().name();
        tracing::info!(kind = "engine", name, why, "no native code here ({why}): the {name} runs the program");
    }
}

fn open_trace(path: &Path, args: &RunArgs, origin: &Origin) -> Result<TraceFile, Refusal> {
    let read = args.files.iter().chain(&args.play).map(PathBuf::as_path).chain(origin.path());
    files::refuse_overwriting(path, read)?;
    TraceFile::create(path)
}

/// Program, tasks, scan period, rack: before the first scan.
fn introduce(session: &Session, origin: &Origin, args: &RunArgs) {
    let (image, map) = (&session.image, &session.map);
    let programs: Vec<&str> = image.programs.iter().map(|p| p.name.as_str()).collect();
    let programs = programs.join(", ");
    let files: Vec<String> = args.files.iter().map(|p| p.display().to_string()).collect();
    let files = files.join(", ");
    let period_ns = map.plan.tick_ns;
    tracing::info!(
        kind = "start",
        files,
        programs,
        period_ns,
        "{files}: {programs}, a scan every {}",
        exact_time(period_ns)
    );
    for task in image.tasks.iter().filter(|t| t.interval_ns > 0) {
        let (name, interval_ns, priority) = (task.name.as_str(), task.interval_ns, task.priority);
        let every = exact_time(interval_ns);
        tracing::info!(kind = "task", name, interval_ns, priority, "task {name}: every {every}, priority {priority}");
    }
    let real = map.has_real_lines();
    let rack = match (real, origin.path()) {
        (true, Some(path)) => format!("real lines as {} says", path.display()),
        (true, None) => "real lines".to_owned(),
        (false, Some(path)) => format!("simulated rack, wired as {} says: nothing real is switched", path.display()),
        (false, None) => "simulated rack, because there is no I/O map: nothing real is switched".to_owned(),
    };
    let (inputs, outputs) = (map.inputs.len(), map.outputs.len());
    tracing::info!(kind = "rack", real, inputs, outputs, "{rack}");
    if session.kept.is_none()
        && let Some(text) = begins_anew(session)
    {
        tracing::info!(kind = "retained", "{text}");
    }
    if let Some(script) = session.script.as_ref().filter(|_| session.limit.for_ns.is_none()) {
        // Somebody may be watching what the stimuli led to: only a time that was asked for ends the run.
        let last = moment(script.last_ns());
        tracing::info!(
            kind = "play",
            "the last stimulus comes at {last}; the run goes on until Ctrl-C, or give `--for`"
        );
    }
    let names: Vec<&str> = options::settable(map).collect();
    if !real && !args.virtual_time && !names.is_empty() {
        let names = names.join(", ");
        tracing::info!(
            kind = "inputs",
            names,
            "type a name and Enter to toggle an input, or NAME=VALUE to set it: {names}"
        );
    }
}

/// What a person could believe to be kept from an earlier run, and is not.
fn begins_anew(session: &Session) -> Option<String> {
    let retains = session.image.symbols.iter().any(|s| s.retention.is_kept());
    let wears = session
        .map
        .channels
        .ids()
        .zip(&session.map.outputs)
        .any(|(id, output)| output.gpio.is_some() && session.map.channels.channel(id).relay.is_some());
    let what = match (wears, retains) {
        (true, true) => "operation counts, latched faults and retained variables",
        (true, false) => "operation counts and latched faults",
        (false, true) => "retained variables",
        (false, false) => return None,
    };
    Some(format!("{what} begin anew at each start: `--state DIR` keeps them"))
}

/// Summary, fault and exit code, once the scan is over.
///
/// # Errors
/// Standard output did not take everything. A fault is told all the same, and its exit code stands.
fn conclude<E: Engine>(
    session: &Session,
    controller: &Controller<E>,
    ending: &Ending,
    console: &Console,
) -> Result<Exit, Refusal> {
    session.screen.close();
    let table = controller.table();
    let channels = table
        .ids()
        .map(|id| {
            let channel = table.channel(id);
            let wear = *controller.guard().wear(id);
            ChannelRow { name: channel.name.clone(), relay: channel.relay.clone(), wear, life: channel.life }
        })
        .collect();
    let summary = Summary {
        ended: ending.words.clone(),
        // The scans after a fault only bring the outputs to rest: the program ran in none of them.
        at_ns: ending.fault.as_ref().map_or(controller.grid_ns(), |fault| fault.at_ns),
        scans: ending.fault.as_ref().map_or(controller.stats().scans, |fault| fault.scan),
        tick_ns: controller.tick_ns(),
        stats: controller.stats(),
        measured: ending.measured,
        channels,
        expanders: session
            .map
            .expanders
            .iter()
            .zip(controller.expanders())
            .map(|(e, status)| (e.name.clone(), status.counters))
            .collect(),
    };
    match session.format {
        LogFormat::Text => session.screen.line(&format!("\n{}", summary.text())),
        LogFormat::Json => summary.log(),
    }
    let Some(fault) = &ending.fault else { return written(&session.screen, Exit::Clean) };
    let report = fault.describe(&session.image, controller.driver().gpio().chip_names());
    if session.format == LogFormat::Json {
        fault::log(&report, ending.defect.as_deref());
        return written(&session.screen, Exit::Fault);
    }
    let line = fault::source_line(&session.sources, &report.file, report.line);
    let mut text = fault::render(&report, line.as_deref());
    if let Some(defect) = &ending.defect {
        text.push_str(&format!("  plcrun: {defect}\n"));
    }
    session.screen.drain();
    console.message(&text);
    written(&session.screen, Exit::Fault)
}

/// The exit code, unless the run went well and what it had to say did not arrive.
fn written(screen: &Screen, exit: Exit) -> Result<Exit, Refusal> {
    screen.drain();
    match (screen.failure(), exit) {
        (Some(why), Exit::Clean) => Err(crate::terminal::unwritable(&why)),
        (Some(_), Exit::Findings | Exit::WrongUse | Exit::Fault | Exit::Unknown) | (None, _) => Ok(exit),
    }
}

impl Session {
    /// A teller of this session's changes; `chips` are the names of the driver's chips.
    fn teller(&self, chips: &[String], trace: Option<TraceFile>) -> Teller {
        Teller::new(Names::new(Arc::clone(&self.map), Arc::clone(&self.image), chips.to_vec()), trace, self.format)
    }

    /// Sets what `--set` asks for.
    fn apply_sets<E: Engine>(&self, controller: &mut Controller<E>) {
        for command in &self.set {
            controller.apply(*command);
        }
    }
}
