//! Real time: the scan on a thread of its own; this thread prints, draws and reads what is typed.
//!
//! Order matters. Lines are opened and helpers exist before the scan thread is promoted, or they would inherit its class.
//! From then on this thread only polls: the scan never waits for it, and what finds no room is counted.

use super::keep::Keeping;
use super::keys::{self, Typed};
use super::lines::{Teller, TraceFile};
use super::options;
use super::screen::owns_terminal;
use super::script::Script;
use super::status;
use super::{Controller, Ending, SEED, Session};
use crate::exit::{Exit, Refusal};
use crossbeam_channel::{Receiver, bounded};
use runtime::clock::{MonotonicClock, monotonic_ns};
use runtime::guardian::{self, Manager, Page, Places, Pulse, ScanSide};
use runtime::io::gpio::Held;
use runtime::live::SimulationOnly;
use runtime::rt::{self, RtFinding, RtSettings};
use runtime::scan::Command;
use runtime::scan::real::{self, Ended, Handle, RunLimit, ScanEnds};
use runtime::store::tap::Tap;
use runtime::vm::Engine;
use runtime::{config::IoMap, quiet};
use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How often this thread looks for something to print: fast enough for an eye, slow enough to cost nothing.
const POLL: Duration = Duration::from_millis(20);
/// How often the status row is drawn anew.
const STATUS_EVERY: Duration = Duration::from_millis(200);

/// What the scan thread gives back.
struct Finished<E> {
    controller: Controller<E>,
    ended: Ended,
    /// The message of a panic of the scan thread, kept back until the safe values were written.
    defect: Option<String>,
    /// The store's end, with the values of the last completed scan.
    tap: Option<Tap>,
}

/// Runs until something ends it.
///
/// # Errors
/// Lines or threads cannot be had, or the trace is not complete.
pub fn run<E: Engine + Send + 'static>(
    mut session: Session,
    trace: Option<TraceFile>,
) -> Result<(Session, Controller<E>, Ending), Refusal> {
    rt::catch_stop_signals().map_err(|e| {
        Refusal::findings(format!("stop signals cannot be caught: {e}"), "without them no ordered stop is possible")
    })?;
    quiet::install_hook();
    // Every thread made from here on leaves the stop signals to the scan thread, so that they end its sleep.
    guardian::block_stop_signals();
    if session.map.has_real_lines() {
        rt::ignore_job_control();
    }
    let (held, mut link) = Link::of(session.side.take())?;
    let (image, map) = (Arc::clone(&session.image), Arc::clone(&session.map));
    let opened = match held {
        Some(held) => Controller::<E>::take_over(image, map, held, SEED),
        None => Controller::<E>::open(image, map, SEED),
    };
    let mut controller = opened.map_err(|e| {
        session.screen.close();
        Refusal::findings(e.to_string(), String::new()).coded(e.code())
    })?;
    super::tell_fallback(&controller);
    controller.observe(link.page.at());
    if let Some(places) = link.places.take()
        && let Err(e) = places.fill(&session.image, &controller.marks())
    {
        tracing::warn!(kind = "guardian", "a hang would be told without its place in the program: {e}");
    }
    let kept = session.kept.take().map(|kept| kept.take_up(&mut controller)).transpose()?;
    session.apply_sets(&mut controller);
    let teller = session.teller(controller.driver().gpio().chip_names(), trace);
    let (mut ends, handle) = real::channels(&controller);
    let keeping = kept.map(|(mut keeping, tap, standing)| {
        ends.attach(tap);
        keeping.serve(standing, handle.commander());
        keeping
    });
    let over = Arc::new(AtomicBool::new(false));
    let typed = start_keyboard(&session, &over);
    let settings = session.map.rt;
    let script = session.script.take();
    let (findings_in, findings) = bounded(1);
    let pulse = (link.page, link.guarded);
    let scan = Scanning(Some(spawn_scan(controller, ends, session.limit, settings, script, findings_in, pulse)?));
    link.manager = if link.guarded { None } else { Manager::of_this_process() };
    let front = Front {
        session: &session,
        handle,
        typed,
        findings,
        begun: false,
        waiting: Vec::new(),
        link,
        keeping: keeping.as_ref(),
    };
    let result = front.attend(scan, teller);
    over.store(true, Ordering::Relaxed);
    // The scan has ended; who asks for a stop now asks this thread, which may still have much to print.
    guardian::let_stop_signals_through();
    session.screen.close();
    let (finished, traced) = result?;
    traced?;
    let fault = match finished.ended {
        Ended::Fault(fault) => Some(fault),
        Ended::Signal(_) | Ended::Command | Ended::TimeOver => None,
    };
    let kept = keeping.zip(finished.tap);
    let ending = Ending { words: words(finished.ended), fault, defect: finished.defect, measured: true, kept };
    Ok((session, finished.controller, ending))
}

fn words(ended: Ended) -> String {
    match ended {
        Ended::Fault(fault) => format!("fault {}", fault.code()),
        Ended::Signal(signal) => format!("stopped by {}", signal.name()),
        Ended::Command => "stopped by command".to_owned(),
        Ended::TimeOver => "time over".to_owned(),
    }
}

/// Starts reading what is typed. Without a keyboard nothing is ever received.
fn start_keyboard(session: &Session, over: &Arc<AtomicBool>) -> Receiver<Typed> {
    let (to, typed) = bounded(64);
    // On real lines nothing can be typed but Ctrl-C, so only a terminal in raw mode is read. In the background a terminal is
    // not read at all: the kernel would stop the process, and with it the scan.
    let readable = !std::io::stdin().is_terminal() || owns_terminal();
    if session.screen.is_raw() || (readable && !session.map.has_real_lines()) {
        let names = options::settable(&session.map).map(str::to_owned).collect();
        if let Err(e) = keys::spawn(&session.screen, names, to, Arc::clone(over)) {
            tracing::warn!(kind = "keyboard", "what is typed cannot be read: {e}");
        }
    }
    typed
}

fn spawn_scan<E: Engine + Send + 'static>(
    mut controller: Controller<E>,
    mut ends: ScanEnds,
    limit: RunLimit,
    settings: RtSettings,
    mut script: Option<Script>,
    findings: crossbeam_channel::Sender<Vec<RtFinding>>,
    (page, guarded): (&'static Page, bool),
) -> Result<JoinHandle<Finished<E>>, Refusal> {
    let limit_ns = controller.map().heartbeat_ns();
    let scan = move || {
        guardian::let_stop_signals_through();
        let (hold, found) = rt::prepare(&settings);
        // The receiver lives as long as this thread; should it not, nobody reads findings any more.
        let _ = findings.send(found);
        let clock = MonotonicClock::start();
        let pulse = Pulse::new(page, &clock, limit_ns, guarded);
        let ended = real::run_guarded(&mut controller, &clock, &mut ends, limit, pulse, |controller, now_ns| {
            if let Some(script) = &mut script {
                script.play(controller, now_ns);
            }
        });
        drop(hold);
        Finished { controller, ended, defect: quiet::take_message(), tap: ends.detach() }
    };
    std::thread::Builder::new().name("scan".to_owned()).spawn(scan).map_err(|e| {
        Refusal::findings(
            format!("the scan thread cannot be started: {e}"),
            "look at the limit of threads of this user",
        )
    })
}

/// What connects this process with whoever watches it.
struct Link {
    page: &'static Page,
    /// Where the guardian looks up what the engine's marks mean, until they are written.
    places: Option<Places>,
    /// There is a guardian.
    guarded: bool,
    /// Why its black box cannot be written, where it cannot.
    record_refused: Option<String>,
    /// The service manager; with a guardian that one speaks to it.
    manager: Option<Manager>,
}

impl Link {
    /// The lines a guardian holds, and the link to it; without one, a page that only this process sees.
    fn of(side: Option<ScanSide>) -> Result<(Option<Held>, Self), Refusal> {
        if let Some(ScanSide { held, page, places, record_refused }) = side {
            return Ok((Some(held), Self { page, places, guarded: true, record_refused, manager: None }));
        }
        let page = Page::shared().map_err(|e| {
            Refusal::findings(format!("no memory can be had: {e}"), "look at the memory limits of this user")
        })?;
        Ok((None, Self { page, places: None, guarded: false, record_refused: None, manager: None }))
    }
}

/// The scan thread. Whatever happens to this one, the process does not end before the outputs have their stop values.
struct Scanning<E>(Option<JoinHandle<Finished<E>>>);

impl<E> Scanning<E> {
    fn is_over(&self) -> bool {
        self.0.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Waits for its result.
    fn result(mut self) -> Result<Finished<E>, Refusal> {
        let joined = self.0.take().map(JoinHandle::join);
        joined.and_then(Result::ok).ok_or_else(|| Refusal {
            exit: Exit::Fault,
            code: None,
            what: "the scan thread ended by a defect of plcrun; the kernel has released the lines".to_owned(),
            help: "please report this with the program and its map".to_owned(),
        })
    }
}

impl<E> Drop for Scanning<E> {
    /// Only a defect of this thread leads here with a scan still running: it is asked to stop as a person would.
    fn drop(&mut self) {
        if let Some(scan) = self.0.take() {
            interrupt_self();
            let _ = scan.join();
        }
    }
}

/// Asks this process to stop as Ctrl-C does. Sending oneself a signal cannot be refused.
fn interrupt_self() {
    let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::INT);
}

/// What this thread attends to while the other one scans.
struct Front<'a> {
    session: &'a Session,
    handle: Handle,
    typed: Receiver<Typed>,
    findings: Receiver<Vec<RtFinding>>,
    /// The first scan is over. What is typed before it waits: the guard starts nothing that was asked for before it has
    /// seen the output off, and a script that types at once means "now".
    begun: bool,
    /// Typed and not yet understood.
    waiting: Vec<String>,
    /// Whoever watches this process.
    link: Link,
    /// The retained store.
    keeping: Option<&'a Keeping>,
}

impl Front<'_> {
    /// Prints, draws and passes on until the scan has ended; then gives its result, and that of the trace.
    fn attend<E>(
        mut self,
        scan: Scanning<E>,
        mut teller: Teller,
    ) -> Result<(Finished<E>, Result<(), Refusal>), Refusal> {
        let live = self.session.screen.is_live();
        self.handle.watch(live);
        let mut drawn: Option<Instant> = None;
        loop {
            // Looked at before the changes are: whatever the scan sent before it ended is told.
            let ended = scan.is_over();
            self.tell_findings();
            self.tell_changes(&mut teller);
            if ended {
                break;
            }
            self.take_typed();
            self.attend_watchers();
            if live && drawn.is_none_or(|at| at.elapsed() >= STATUS_EVERY) {
                drawn = Some(Instant::now());
                let text = status::text(teller.names(), self.handle.snapshot());
                self.session.screen.status(&text);
            }
            std::thread::sleep(POLL);
        }
        let traced = teller.finish();
        Ok((scan.result()?, traced))
    }

    /// Real-time settings that were not permitted: on real lines somebody should act, on the simulated rack it is a remark.
    fn tell_findings(&self) {
        let Ok(mut findings) = self.findings.try_recv() else { return };
        let real = self.session.map.has_real_lines();
        findings.extend(rt::guardian_findings(self.link.page, self.link.record_refused.as_deref()));
        for finding in findings {
            let code = finding.code.code();
            if real {
                tracing::warn!(kind = "realtime", code, "{finding}");
            } else {
                tracing::info!(kind = "realtime", code, "{finding}");
            }
        }
    }

    /// The service manager, and its wish to reload, which a running program refuses.
    fn attend_watchers(&mut self) {
        if let Some(keeping) = self.keeping {
            keeping.tell_notices();
        }
        if let Some(manager) = &mut self.link.manager {
            manager.look(monotonic_ns(), self.link.page.phase(), self.link.page.scans());
        }
        for _ in 0..rt::take_reloads() {
            tracing::warn!(
                kind = "reload",
                "SIGHUP: a running program is not reloaded; stop it, then start it with the new files"
            );
        }
    }

    fn tell_changes(&mut self, teller: &mut Teller) {
        while let Some(change) = self.handle.change() {
            self.begun = true;
            teller.tell(&change);
        }
    }

    fn take_typed(&mut self) {
        while let Ok(typed) = self.typed.try_recv() {
            match typed {
                // As a terminal in its ordinary mode would: a signal reaches a scan that sleeps for long.
                Typed::Stop => interrupt_self(),
                Typed::Line(line) => self.waiting.push(line),
                Typed::Unreadable(why) => tracing::warn!(kind = "typed", "{why}; nothing was changed"),
            }
        }
        // Without inputs nothing ever changes that could say that the first scan is over; and nothing can be set too early.
        if self.begun || (self.session.map.inputs.is_empty() && self.session.map.words.is_empty()) {
            for line in std::mem::take(&mut self.waiting) {
                match understand(&line, &self.session.map) {
                    Ok(command) => self.command(command),
                    Err(refusal) => tracing::warn!(kind = "typed", "{}; {}", refusal.what, refusal.help),
                }
            }
        }
    }

    fn command(&self, command: Command) {
        if !self.handle.command(command) {
            tracing::warn!(kind = "typed", "too much is waiting already; type it again");
        }
    }
}

/// A typed line: `NAME` toggles, `NAME=VALUE` sets.
fn understand(line: &str, map: &IoMap) -> Result<Command, Refusal> {
    if map.has_real_lines() {
        let what = SimulationOnly::Toggle.name();
        return Err(Refusal::wrong_use(format!("{what} is refused on real lines"), "press the real button"));
    }
    match line.split_once('=') {
        None => options::toggling(line, map),
        Some(_) => {
            let assignment = crate::args::assignment(line)
                .map_err(|why| Refusal::wrong_use(format!("`{line}` is not understood"), why))?;
            options::setting(&assignment, map)
        }
    }
}
