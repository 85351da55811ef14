//! The model of a scan against the engine that runs plants: every example program and every language file that is modelled,
//! over random inputs, byte by byte.
#![allow(
    clippy::wildcard_enum_match_arm,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests: a failure is a panic"
)]

mod common;

use bytecode::scalar::ScalarType;
use bytecode::{Image, VerifiedImage};
use common::{compiled, compiled_text, root};
use prove::model::{Input, Model, Schedule, ScheduledTask, Source};
use prove::sim::Simulation;
use runtime::scan::Plan;
use runtime::vm::{Budget, Engine, Interpreter, Memory};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const TICK_NS: u64 = 10_000_000;

/// What is read of the file beside a language program: other files, and the variables it sets.
#[derive(Default, Deserialize)]
struct Beside {
    #[serde(default)]
    with: Vec<String>,
    #[serde(default)]
    steps: Vec<Step>,
}

#[derive(Deserialize)]
struct Step {
    #[serde(default)]
    set: BTreeMap<String, serde_json::Value>,
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "ld" || e == "st") {
            found.push(path);
        }
    }
}

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

/// Bits of the variables of these names.
fn bits_of(image: &Image, names: impl Iterator<Item = String>) -> Vec<usize> {
    let mut bits = Vec::new();
    for name in names {
        let variable = image.variable(&name).unwrap();
        let scalar = image.scalar_of(&variable).unwrap();
        match variable.place {
            bytecode::image::Place::Bit { offset, bit } => bits.push(offset as usize * 8 + usize::from(bit)),
            bytecode::image::Place::Byte(offset) => {
                let width = if scalar == ScalarType::Bool { 1 } else { scalar.bits() as usize };
                bits.extend((0..width).map(|bit| offset as usize * 8 + bit));
            }
        }
    }
    bits.sort_unstable();
    bits.dedup();
    bits
}

struct Run {
    plan: Plan,
    model: Model,
    image: VerifiedImage,
}

impl Run {
    /// Compares model and engine; how many scans ended, and whether one ended with a fault.
    fn compare(&self, scans: usize, seed: u64, pace: u64) -> (usize, bool) {
        let mut random = Random(seed);
        let image = self.image.image();
        let mut engine = Interpreter::load(&self.image);
        let mut memory = Memory::new(image);
        let mut simulation = Simulation::new(&self.model);
        let mut inputs = vec![false; self.model.inputs.len()];
        for scan in 0..scans {
            for (value, input) in inputs.iter_mut().zip(&self.model.inputs) {
                if random.next().is_multiple_of(pace) {
                    *value = random.next() & 1 == 1;
                }
                let Input::Data(place) = input else { panic!("only exact programs are compared") };
                let byte = &mut memory.data_mut()[place / 8];
                *byte = (*byte & !(1 << (place % 8))) | u8::from(*value) << (place % 8);
            }
            simulation.step(|number| inputs[number as usize]);
            if simulation.value(self.model.beyond) {
                return (scan, true);
            }
            let now_ns = i64::try_from(scan as u64 * self.plan.tick_ns).unwrap();
            let mut budget = Budget::new(3_000_000);
            let tick = scan as u64;
            let last = tick.checked_sub(1);
            let due = self.plan.tasks.iter().filter(|t| Plan::due(t.every, tick, last));
            let trapped = due
                .flat_map(|t| &t.programs)
                .any(|p| engine.run(&mut memory, *p as usize, now_ns, &mut budget).is_err());
            let fault = self.model.faults.iter().any(|f| simulation.value(f.when));
            assert_eq!(trapped, fault, "scan {scan}: engine and model disagree about a fault");
            if trapped {
                return (scan, true);
            }
            for (byte, found) in memory.data().iter().enumerate().take(self.model.data_bytes as usize) {
                if !self.model.hidden.contains(&byte) {
                    let named = image.symbols.iter().rfind(|s| match s.place {
                        bytecode::image::Place::Byte(at) => at as usize <= byte,
                        bytecode::image::Place::Bit { offset, .. } => offset as usize <= byte,
                    });
                    let name = named.map_or("", |s| s.path.as_str());
                    assert_eq!(simulation.byte(byte), *found, "scan {scan}, byte {byte}, near {name}");
                }
            }
        }
        (scans, false)
    }
}

fn scheduled(plan: &Plan) -> Schedule {
    let tasks = plan.tasks.iter().map(|t| ScheduledTask { every: t.every, programs: t.programs.clone() });
    Schedule { tick_ns: plan.tick_ns, tasks: tasks.collect() }
}

#[test]
fn tasks_of_different_intervals_run_when_the_plan_says() {
    let compiled = compiled_text(
        "PROGRAM Fast VAR a AT %IX0.0 : BOOL; n : INT; t : TON; END_VAR\n\
         n := n + 1; t(IN := a, PT := T#70ms);\nEND_PROGRAM\n\
         PROGRAM Slow VAR b AT %IX0.1 : BOOL; m : INT; u : TON; p : TP; END_VAR\n\
         m := m + 1; u(IN := b, PT := T#100ms); IF b THEN p(IN := u.Q, PT := T#50ms); END_IF;\nEND_PROGRAM\n\
         CONFIGURATION C RESOURCE R ON Linux\nTASK slow(INTERVAL := T#30ms, PRIORITY := 0);\n\
         TASK fast(INTERVAL := T#20ms, PRIORITY := 1);\nPROGRAM f WITH fast : Fast;\nPROGRAM s WITH slow : Slow;\n\
         END_RESOURCE END_CONFIGURATION\n",
    );
    let image = compiled.image.unwrap_or_else(|| panic!("{:?}", compiled.diagnostics));
    let plan = Plan::new(&image, TICK_NS).unwrap();
    assert_eq!(plan.tasks.iter().map(|t| t.every).collect::<Vec<_>>(), [3, 2]);
    let schedule = scheduled(&plan);
    let watched = [(0, image.data.size)];
    let source =
        Source { program: &compiled.program, image: &image, schedule: &schedule, watched: &watched, free: &[] };
    let model = Model::new(&source).unwrap();
    let run = Run { plan, model, image: bytecode::verify(image.clone()).unwrap() };
    for seed in 1..20 {
        assert_eq!(run.compare(300, seed, 9), (300, false));
    }
}

#[test]
fn model_and_engine_agree() {
    let mut paths = Vec::new();
    sources(&root().join("programs"), &mut paths);
    sources(&root().join("tests/lang"), &mut paths);
    let (mut compared, mut approximate) = (Vec::new(), Vec::new());
    for path in paths {
        let beside = std::fs::read_to_string(path.with_extension("yaml")).ok();
        let beside: Beside = beside.map_or_else(Beside::default, |text| serde_yaml::from_str(&text).unwrap());
        let files: Vec<PathBuf> =
            std::iter::once(path.clone()).chain(beside.with.iter().map(|f| path.with_file_name(f))).collect();
        let compiled = compiled(&files);
        // Part of a project, not a program.
        let Some(image) = compiled.image else { continue };
        let shown = path.strip_prefix(root()).unwrap().display().to_string();
        let names = beside.steps.iter().flat_map(|s| s.set.keys().cloned());
        let free = bits_of(&image, names);
        let plan = Plan::new(&image, TICK_NS).unwrap();
        let schedule = scheduled(&plan);
        // Every variable a person can name is watched, elapsed times with them.
        let watched: Vec<(u32, u32)> = (0..image.data.size).step_by(8).map(|at| (at, 8)).collect();
        for watched in [&[][..], &watched] {
            let source =
                Source { program: &compiled.program, image: &image, schedule: &schedule, watched, free: &free };
            let model = Model::new(&source).unwrap_or_else(|e| panic!("{shown}: {e}"));
            if !model.approximations.is_empty() {
                approximate.push(format!("{shown}: {}", model.approximations.join("; ")));
                continue;
            }
            let run = Run { plan: plan.clone(), model, image: bytecode::verify(image.clone()).unwrap() };
            let mut scans = 0;
            for (seed, pace) in [(1, 3), (2, 20), (3, 400), (4, 400)] {
                let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run.compare(400, seed, pace)));
                scans += result.unwrap_or_else(|_| panic!("{shown}, seed {seed}")).0;
            }
            compared.push((shown.clone(), scans));
        }
    }
    println!("compared: {compared:?}\nwith free values: {approximate:?}");
    assert!(compared.len() >= 40, "{compared:?}");
    assert!(approximate.len() <= 12, "{approximate:?}");
}
