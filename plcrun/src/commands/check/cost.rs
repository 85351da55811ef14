//! `plcrun check --cost`: what each task costs at most, for people and for machines.

use super::super::bench::calibrate::{self, Calibration};
use super::super::bench::engines;
use crate::args::CheckArgs;
use crate::discover::Program;
use crate::exit::Refusal;
use crate::iomap::{self, Origin};
use crate::project::{self, Outcome};
use crate::table::{aligned, exact_time, grouped, short_time};
use bytecode::VerifiedImage;
use lint::cost::{OpenLoop, ProgramCost, Settings, TaskCost, Weights, tasks};
use runtime::config::files::Disk;
use serde_json::json;
use std::path::Path;

/// Where a program without an acceptable map has its budget from: the default of a scan every 10 ms.
const BUDGET: u64 = 1_000_000;

/// The costs of one program.
#[derive(Debug)]
struct Costs {
    /// Its first file.
    name: String,
    /// Units a scan may spend.
    budget: u64,
    /// Time between two scans.
    period_ns: u64,
    /// Each task.
    tasks: Vec<TaskCost>,
    /// Picoseconds of each task: with the costs of each engine, in their order.
    times: Vec<Vec<u64>>,
}

/// Works the costs out and gives what is printed.
///
/// # Errors
/// A file cannot be read, or the calibration cannot be had.
pub fn report(args: &CheckArgs, programs: &[Program], as_json: bool) -> Result<String, Refusal> {
    let calibration = match &args.calibration {
        Some(path) => calibrate::read(path)?,
        None => calibrate::measure(&engines::available())?,
    };
    let mut text = String::new();
    for program in programs {
        let Outcome::Ready(built) = project::build(project::read(&program.files)?)? else { continue };
        let name = program.files.first().map(|p| p.display().to_string()).unwrap_or_default();
        let costs = costs(name, &built.image, program.io.as_deref(), &calibration);
        text.push_str(&if as_json { lines(&costs, &calibration) } else { table(&costs, &calibration) });
    }
    Ok(text)
}

fn costs(name: String, image: &VerifiedImage, io: Option<&Path>, calibration: &Calibration) -> Costs {
    let origin = io.map_or(Origin::None, |path| Origin::Named(path.to_path_buf()));
    let (map, _) = iomap::load_at(&origin, image.image(), None, &Disk);
    let (budget, period_ns) = map.map_or((BUDGET, 0), |map| (map.scan.budget, map.plan.tick_ns));
    let with = |weights: Weights| tasks(image, &Settings { weights, budget, open: &[] });
    let times = calibration
        .engines
        .iter()
        .map(|(_, weights)| with(*weights).iter().map(|task| task.cost.cost.picoseconds).collect::<Vec<u64>>());
    let times: Vec<Vec<u64>> = times.collect();
    let tasks = with(Weights::default());
    let of_task = |index: usize| times.iter().map(|engine| engine.get(index).copied().unwrap_or(0)).collect();
    let times = (0..tasks.len()).map(of_task).collect();
    Costs { name, budget, period_ns, tasks, times }
}

fn table(costs: &Costs, calibration: &Calibration) -> String {
    let mut head = ["task", "every", "instructions", "units", "of the budget"].map(str::to_owned).to_vec();
    head.extend(calibration.engines.iter().map(|(name, _)| name.clone()));
    let mut rows = vec![head];
    let mut all = (ProgramCost::default(), vec![0; calibration.engines.len()]);
    for (task, times) in costs.tasks.iter().zip(&costs.times) {
        let every = if task.interval_ns > 0 { task.interval_ns } else { costs.period_ns };
        let name = if task.name.is_empty() { task.programs.join(", ") } else { task.name.clone() };
        rows.push(row(name, every, &task.cost, times, costs.budget));
        all = (sum(all.0, &task.cost), all.1.iter().zip(times).map(|(a, b)| a + b).collect());
    }
    if costs.tasks.len() > 1 {
        rows.push(row("all in one scan".to_owned(), 0, &all.0, &all.1, costs.budget));
    }
    let mut text = format!("\ncost of {}, at most; times are {}\n{}", costs.name, calibration.origin, aligned(&rows));
    for task in &costs.tasks {
        task.cost
            .open
            .iter()
            .for_each(|found| text.push_str(&format!("  open: {}\n", open_words(found, costs.budget))));
        if let Some(why) = &task.cost.unknown {
            text.push_str(&format!("  unknown: {}: {why}\n", task.programs.join(", ")));
        }
    }
    if all.0.is_bound() && all.0.cost.units > costs.budget {
        text.push_str(
            "  this is more than the scan budget: such a scan ends with the fault F02 (`scan: budget` in the map)\n",
        );
    }
    text
}

/// Both in one scan, as far as a table shows it.
fn sum(all: ProgramCost, task: &ProgramCost) -> ProgramCost {
    let mut cost = all.cost;
    cost.instructions += task.cost.instructions;
    cost.units += task.cost.units;
    let open = [all.open, task.open.clone()].concat();
    ProgramCost { cost, open, unknown: all.unknown.or_else(|| task.unknown.clone()) }
}

fn row(name: String, every_ns: u64, cost: &ProgramCost, times: &[u64], budget: u64) -> Vec<String> {
    let every = if every_ns > 0 { exact_time(every_ns) } else { String::new() };
    let mut cells = vec![name, every];
    if cost.unknown.is_some() {
        cells.extend(["unknown".to_owned(), "unknown".to_owned(), String::new()]);
        return cells;
    }
    // With an open loop this is what one pass of it comes to, and no bound.
    let least = if cost.is_bound() { "" } else { "open, from " };
    #[allow(clippy::cast_precision_loss, reason = "a percentage for people")]
    let share = 100.0 * cost.cost.units as f64 / budget.max(1) as f64;
    cells.push(format!("{least}{}", grouped(cost.cost.instructions)));
    cells.push(format!("{least}{}", grouped(cost.cost.units)));
    cells.push(if cost.is_bound() { format!("{share:.1} %") } else { "100 %".to_owned() });
    cells.extend(times.iter().map(|ps| format!("{least}{}", short_time(ps.div_ceil(1000)))));
    cells
}

fn open_words(found: &OpenLoop, budget: u64) -> String {
    let OpenLoop { unit, rung, file, line, column } = found;
    let rung = if rung.is_empty() { String::new() } else { format!(", rung {rung}") };
    format!(
        "{file}:{line}:{column}: nothing bounds the loop in {unit}{rung}: only the scan budget of {} units ends it; \
         bound it by a constant, or by LIMIT before it",
        grouped(budget)
    )
}

/// One object for each task and line.
fn lines(costs: &Costs, calibration: &Calibration) -> String {
    let line = |(task, times): (&TaskCost, &Vec<u64>)| {
        let cost = &task.cost;
        let engines = calibration.engines.iter().zip(times);
        #[allow(clippy::cast_precision_loss, reason = "far below 2^53")]
        let microseconds: serde_json::Map<_, _> =
            engines.map(|((name, _), ps)| (name.clone(), json!(*ps as f64 / 1e6))).collect();
        let open: Vec<_> = cost
            .open
            .iter()
            .map(|o| json!({ "unit": o.unit, "rung": o.rung, "file": o.file, "line": o.line, "column": o.column }))
            .collect();
        let value = json!({
            "kind": "cost", "program": costs.name, "task": task.name, "programs": task.programs,
            "interval_ns": if task.interval_ns > 0 { task.interval_ns } else { costs.period_ns },
            "bounded": cost.is_bound(), "instructions": cost.cost.instructions, "units": cost.cost.units,
            "budget": costs.budget, "microseconds": microseconds, "open": open, "unknown": cost.unknown,
        });
        format!("{value}\n")
    };
    costs.tasks.iter().zip(&costs.times).map(line).collect()
}
