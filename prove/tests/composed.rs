//! Program, guard and contacts in one model against the controller that runs plants on the simulated rack: every example program on
//! its map, over random inputs, scan by scan: data, lines, faults, waits, and where every contact is.
#![allow(
    clippy::wildcard_enum_match_arm,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests: a failure is a panic"
)]

mod common;

use bytecode::verify;
use common::{compiled, map, root, wired};
use prove::graph::Lit;
use prove::guard::composed::{Composed, compose};
use prove::guard::wired::Contacts;
use prove::model::{Input, Model, Schedule, Source as ModelSource};
use prove::names::ChannelLits;
use prove::sim::Simulation;
use relay::ChannelId;
use relay::contact::Defect;
use runtime::clock::{Clock, VirtualClock};
use runtime::config::files::Disk;
use runtime::config::{InputId, IoMap, Source};
use runtime::io::{Rack, SimSource};
use runtime::scan::{Command, Plc};
use runtime::vm::Interpreter;
use std::sync::Arc;

const TICK_NS: u64 = 10_000_000;
/// Scans after which every movement is over.
const AT_REST: u64 = 20;

struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

/// What the model is told in a scan: what the program read, and where moving contacts were.
fn inputs(model: &Model, plc: &Plc<Interpreter, Rack>, ids: &[ChannelId], next_ns: u64) -> Vec<bool> {
    let sim = plc.driver().sim();
    let mut later = sim.clone();
    later.advance(next_ns, |_, _| ());
    let of = |input: &Input| match input {
        Input::Data(place) => plc.memory().data()[place / 8] >> (place % 8) & 1 == 1,
        Input::Wire(number) => plc.input(plc.map().input_ids().nth(*number as usize).unwrap()),
        Input::Contact(channel) => sim.conducts(ids[*channel as usize]).unwrap(),
        // No read-back of the examples is filtered but that of the bouncing map, which is left out.
        Input::ReadBack(channel) => later.conducts(ids[*channel as usize]).unwrap(),
        Input::Moment(_) => false,
        Input::Unknown => panic!("only exact programs are compared"),
    };
    model.inputs.iter().map(of).collect()
}

/// Inputs a person or a sensor changes, with their levels at the start; read-backs among them where they follow nothing.
fn operated(map: &IoMap, contacts: Contacts) -> Vec<(InputId, bool)> {
    let read_back = |id: InputId| map.outputs.iter().any(|output| output.feedback == Some(id));
    let level = |id: InputId| match map.input_at(id).unwrap().source {
        Source::Sim { initial } if contacts == Contacts::Worst || !read_back(id) => Some((id, initial)),
        _ => None,
    };
    map.input_ids().filter_map(level).collect()
}

/// Runs both; how often a contact moved.
fn run(file: &str, contacts: Contacts, seed: u64, scans: u64) -> usize {
    let program = root().join("programs").join(file);
    let compiled = compiled(std::slice::from_ref(&program));
    let image = Arc::new(verify(compiled.image.unwrap()).unwrap());
    let map = Arc::new(map(&program.with_extension("io.yaml"), &Disk, image.image()));
    let schedule = Schedule::every_scan(image.image(), TICK_NS);
    let source =
        ModelSource { program: &compiled.program, image: image.image(), schedule: &schedule, watched: &[], free: &[] };
    let Composed { model, channels, .. } = compose(&Model::new(&source).unwrap(), &wired(&map), contacts, true);
    let mut simulation = Simulation::new(&model);
    let mut plc: Plc<Interpreter, Rack> = Plc::simulated(Arc::clone(&image), Arc::clone(&map), seed);
    let ids: Vec<ChannelId> = map.channels.ids().collect();
    let operated = operated(&map, contacts);
    let mut random = Random(seed);
    let clock = VirtualClock::new();
    let (mut moved, mut before) = (0, vec![false; ids.len()]);
    let (mut lines, mut switched) = (vec![false; ids.len()], vec![0; ids.len()]);
    // Runs differ in how often somebody does something, and how often a stop or a read-back says what it does not mostly say.
    let (hasty, broken) = ([3, 30, 200][(seed % 3) as usize], [20, 400][(seed % 2) as usize]);
    for scan in 0..scans {
        let now_ns = scan * TICK_NS;
        for (id, initial) in &operated {
            let follows = map.outputs.iter().position(|output| output.feedback == Some(*id));
            let mostly = follows.map_or(*initial, |channel| before[channel]);
            if follows.is_some() || random.below(hasty) == 0 {
                let unusual = random.below(if *initial || follows.is_some() { broken } else { 3 }) == 0;
                assert!(plc.apply(Command::SetInput(*id, mostly != unusual)));
            }
        }
        if contacts == Contacts::Worst {
            // Each movement has one delay: what moves keeps it.
            for (n, id) in ids.iter().enumerate().filter(|(n, _)| switched[*n] + AT_REST < scan) {
                let percent = u32::try_from(random.below(151)).unwrap();
                assert!(plc.driver_mut().sim_mut().inject(*id, Defect::Slow(percent)), "{n}");
            }
        }
        clock.sleep_until(now_ns);
        plc.step(now_ns, &clock);
        let inputs = inputs(&model, &plc, &ids, now_ns + TICK_NS);
        simulation.step(|number| inputs[number as usize]);
        for (n, id) in ids.iter().enumerate() {
            let status = plc.status(*id).unwrap();
            let conducts = plc.driver().sim().conducts(*id).unwrap();
            let sound = status.fault.is_none() && status.trip.is_none();
            let is = [status.commanded, status.on, conducts, status.pending.is_some(), status.ready, sound];
            let ChannelLits { commanded, line, contact, pending, ready, sound } = channels[n];
            let model = [commanded, line, contact, pending, ready, sound].map(|lit: Lit| simulation.value(lit));
            let name = &map.channels.channel(*id).name;
            assert_eq!(model, is, "{file} {contacts:?}, seed {seed}, scan {scan}: {name}");
            moved += usize::from(conducts != before[n]);
            before[n] = conducts;
            if std::mem::replace(&mut lines[n], status.on) != status.on {
                switched[n] = scan;
            }
        }
        let inputs_end = plc.memory().inputs().len();
        for (byte, found) in plc.memory().data().iter().enumerate().take(model.data_bytes as usize) {
            let same = model.hidden.contains(&byte) || simulation.byte(byte) == *found;
            assert!(byte < inputs_end || same, "{file} {contacts:?}, seed {seed}, scan {scan}: byte {byte}");
        }
    }
    if contacts == Contacts::Typical {
        // Read-backs were left to the rack.
        let wired = map.outputs.iter().filter_map(|output| output.feedback);
        assert!(wired.into_iter().all(|id| matches!(plc.driver().sim().source(id), Some(SimSource::Feedback(_)))));
    }
    moved
}

#[test]
fn program_guard_and_contacts_are_what_the_controller_does() {
    for file in [
        "compressor.ld",
        "conveyor.ld",
        "forward_reverse.ld",
        "pumps.ld",
        "roller_door.ld",
        "star_delta.ld",
        "start_stop.ld",
        "traffic_light.ld",
    ] {
        for contacts in [Contacts::Worst, Contacts::Typical] {
            let moved: usize = (0..6).map(|seed| run(file, contacts, seed, 3_000)).sum();
            println!("{file} {contacts:?}: {moved} movements of contacts");
            assert!(moved > 10, "{file} {contacts:?}: {moved}");
        }
    }
}
