//! `plcrun bench`: what a program costs on this very box, and which scan period the box can hold.
//!
//! [`scans`] measures each engine with random inputs, [`wakeup`] the product's loop in real time under a chosen [`load`],
//! [`cyclictest`] what is trusted beside it, [`mod@lines`] the real lines; [`holds`] is the rule for the period, [`report`] and
//! [`svg`] show it all; [`calibrate`] measures instructions for `plcrun check --cost`. Which engines there are is known in [`engines`] alone. No output is ever switched on.

pub mod calibrate;
mod cyclictest;
pub mod engines;
mod holds;
mod lines;
mod load;
mod random;
mod report;
mod scans;
mod svg;
mod wakeup;

use crate::args::{BenchArgs, EngineChoice};
use crate::exit::{Exit, Refusal};
use crate::files;
use crate::iomap::{self, Origin};
use crate::project;
use crate::terminal::Console;
use bytecode::VerifiedImage;
use load::Load;
use relay::quantity::Duration;
use report::{Host, Lines, Report};
use runtime::config::IoMap;
use runtime::config::files::Disk;
use runtime::config::head;
use runtime::live::{self, MapOrigin};
use runtime::rt;
use runtime::scan::plan::{TICK_MAX_NS, TICK_MIN_NS};
use scans::Scans;
use std::sync::Arc;
use wakeup::Wakeup;

/// Measures and reports.
///
/// # Errors
/// The program or map has errors, something cannot be measured, or a file cannot be written.
pub fn run(args: &BenchArgs, console: &Console) -> Result<Exit, Refusal> {
    if let Some(kind) = args.as_load {
        return load::be(kind);
    }
    let engines = chosen(args.engine)?;
    check_period(args)?;
    let origin = iomap::find(args.io.as_deref(), &args.files);
    iomap::must_exist(&origin)?;
    for written in args.svg.iter().chain(&args.calibrate) {
        files::refuse_overwriting(written, args.files.iter().map(AsRef::as_ref).chain(origin.path()))?;
    }
    let project = project::load(&args.files, console)?;
    let period_ns = args.period.map(|d| d.ns);
    let map = iomap::required_at(&origin, project.image.image(), period_ns, &Disk, console)?;
    check_effect(args, &map)?;
    rt::catch_stop_signals().map_err(|e| Refusal::findings(format!("stop signals cannot be caught: {e}"), ""))?;
    let report = measure(args, &engines, &origin, Arc::new(project.image), Arc::new(map), console)?;
    if let Some(svg) = &args.svg {
        files::write_atomically(svg, report.svg().as_bytes())?;
        console.message(&format!("{}: written\n", files::shown(svg)));
    }
    if let Some(path) = &args.calibrate {
        console.message("measuring what instructions cost\n");
        calibrate::write(&calibrate::measure(&engines)?, path)?;
        console.message(&format!("{}: written\n", files::shown(path)));
    }
    console.print(&if args.json { format!("{}\n", report.json()) } else { report.text() })?;
    Ok(Exit::Clean)
}

/// The engines to measure.
fn chosen(asked: Option<EngineChoice>) -> Result<Vec<EngineChoice>, Refusal> {
    let available = engines::available();
    let Some(engine) = asked else { return Ok(available) };
    if available.contains(&engine) {
        return Ok(vec![engine]);
    }
    let names: Vec<String> = available.iter().map(|engine| engines::name(*engine)).collect();
    Err(Refusal::wrong_use(
        format!("this plcrun has no engine `{}`", engines::name(engine)),
        format!("it has {}", names.join(" and ")),
    ))
}

fn check_period(args: &BenchArgs) -> Result<(), Refusal> {
    match args.period {
        Some(period) if !(TICK_MIN_NS..=TICK_MAX_NS).contains(&period.ns) => Err(Refusal::wrong_use(
            format!(
                "`--period` of {period} is outside {} to {}",
                Duration::from_ns(TICK_MIN_NS),
                Duration::from_ns(TICK_MAX_NS)
            ),
            "10 ms suits relays; 1 ms is fast",
        )),
        Some(_) | None => Ok(()),
    }
}

/// A period the program's own tasks overrule would be believed to have been measured.
fn check_effect(args: &BenchArgs, map: &IoMap) -> Result<(), Refusal> {
    match args.period {
        Some(period) if map.plan.tick_ns != period.ns => Err(Refusal::wrong_use(
            format!("`--period` of {period} has no effect: the program's TASKs have INTERVALs of their own"),
            "change the INTERVAL in the CONFIGURATION, or leave `--period` out",
        )),
        Some(_) | None => Ok(()),
    }
}

fn measure(
    args: &BenchArgs,
    engines: &[EngineChoice],
    origin: &Origin,
    image: Arc<VerifiedImage>,
    map: Arc<IoMap>,
    console: &Console,
) -> Result<Report, Refusal> {
    let scans = Scans { image: Arc::clone(&image), map: Arc::clone(&map), count: args.scans, seed: args.seed };
    let mut measured = Vec::new();
    for engine in engines {
        console.message(&format!("measuring {} scans of {}\n", args.scans, engines::name(*engine)));
        measured.extend(engines::with(*engine, &scans).transpose()?);
    }
    let lines = lines(origin, &map, console)?;
    let (mut wakeup, mut cyclic, mut processes) = (None, None, 0);
    if args.seconds > 0
        && rt::stop_signal().is_none()
        && let Some(engine) = engines.first()
    {
        let mut load = Load::start(args.load)?;
        processes = load.processes();
        let name = args.load.name();
        console.message(&format!("measuring wake-up latency for {} s, load {name}\n", args.seconds));
        let run = Wakeup { image, map: Arc::clone(&map), seconds: args.seconds };
        wakeup = engines::with(*engine, &run).transpose()?;
        let settings = wakeup.as_ref().map(|w| w.settings).filter(|_| rt::stop_signal().is_none());
        if let Some(settings) = settings {
            console.message(&format!("the same with cyclictest for {} s\n", args.seconds));
            cyclic = Some(cyclictest::run(&settings));
        }
        if load.alive() < processes {
            return Err(Refusal::findings(
                format!("the load `{name}` ended while it was needed: nothing was measured under it"),
                "look at free memory and at the free space of the folder for temporary files",
            ));
        }
    }
    Ok(Report {
        files: args.files.iter().map(|p| p.display().to_string()).collect::<Vec<_>>().join(", "),
        host: Host::of_this_machine(),
        period_ns: map.plan.tick_ns,
        rt: map.rt,
        budget: map.scan.budget,
        count: args.scans,
        seed: args.seed,
        load: (args.load.name(), processes),
        scans: measured,
        wakeup,
        cyclictest: cyclic,
        lines,
    })
}

/// The real lines, where there are any and they may be touched.
fn lines(origin: &Origin, map: &IoMap, console: &Console) -> Result<Lines, Refusal> {
    let found = match origin {
        Origin::Beside(_) => MapOrigin::FoundBeside,
        Origin::Named(_) | Origin::None => MapOrigin::Given,
    };
    if map.has_real_lines()
        && let Err(refused) = live::check(map, found, &[])
    {
        return Ok(Lines::Untouched(refused.to_string()));
    }
    let rest = origin.path().and_then(|path| head(path, &Disk)).map(|head| head.outputs).unwrap_or_default();
    if map.has_real_lines() {
        console.message("measuring the real lines; every load stays off\n");
    }
    Ok(lines::measure(map, &rest)?.map_or(Lines::Simulated, |measured| Lines::Measured(Box::new(measured))))
}
