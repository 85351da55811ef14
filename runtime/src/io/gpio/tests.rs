use super::*;
use crate::config::files::Texts;
use crate::config::load;
use bytecode::image::{Place, Symbol, SymbolRole};
use bytecode::types::{Elementary, Retention, Type, TypeKind};
use bytecode::{Image, TypeId};
use relay::{EventSink, Guard, Inputs, Phase, SupplyReading};
use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

/// What happened to the chips, in order: chip, then the levels written.
type Log = Rc<RefCell<Written>>;

/// Chip and levels of each write.
type Written = Vec<(u8, Vec<u8>)>;

struct Chip {
    number: u8,
    count: usize,
    levels: Levels,
    fails: Rc<RefCell<Option<(u8, i32)>>>,
    log: Log,
}

impl Chip {
    fn failure(&self) -> Result<(), i32> {
        match *self.fails.borrow() {
            Some((chip, errno)) if chip == self.number => Err(errno),
            Some(_) | None => Ok(()),
        }
    }
}

impl Port for Chip {
    fn get(&mut self, levels: &mut Levels) -> Result<(), i32> {
        self.failure()?;
        *levels = self.levels;
        Ok(())
    }

    fn set(&mut self, levels: &Levels) -> Result<(), i32> {
        self.log.borrow_mut().push((self.number, levels[..self.count].to_vec()));
        self.failure()
    }
}

/// Channels a, b on chip 0 (b active low) and c on chip 1; input i on chip 0 (active low).
struct Bench {
    guard: Guard,
    sink: EventSink,
    gpio: Gpio<Chip>,
    log: Log,
    fails: Rc<RefCell<Option<(u8, i32)>>>,
    acknowledged: Vec<WriteId>,
    now_ns: u64,
}

fn image() -> Image {
    let symbol = |path: &str, offset: u32, bit: u8, role: SymbolRole| Symbol {
        path: path.to_owned(),
        place: Place::Bit { offset, bit },
        ty: TypeId(0),
        role,
        retention: Retention::Unstated,
        constant: false,
        address: format!("%{path}"),
        line: 1,
        file: 0,
    };
    let ty = Type { name: "BOOL".to_owned(), size: 1, kind: TypeKind::Elementary(Elementary::Bool) };
    let symbols = vec![
        symbol("a", 1, 0, SymbolRole::Output),
        symbol("b", 1, 1, SymbolRole::Output),
        symbol("c", 1, 2, SymbolRole::Output),
        symbol("i", 0, 0, SymbolRole::Input),
    ];
    Image { types: vec![ty], symbols, ..Image::default() }
}

impl Bench {
    fn new() -> Self {
        let text = "inputs: { i: { gpio: { chip: x, line: 0, active: low } } }\noutputs:\n  \
            a: { gpio: { chip: x, line: 1 }, restart: auto, restart_reason: t }\n  \
            b: { gpio: { chip: x, line: 2, active: low }, restart: auto, restart_reason: t }\n  \
            c: { gpio: { chip: y, line: 1 }, restart: auto, restart_reason: t }\n";
        let loaded = load(Path::new("m"), &Texts::new().with("m", text), &image());
        let map = loaded.map.unwrap_or_else(|| panic!("{:?}", loaded.findings));
        let (inputs, outputs) = wanted(&map);
        assert_eq!((inputs.len(), outputs.len()), (1, 3));
        let (log, fails) = (Log::default(), Rc::new(RefCell::new(None)));
        let chip = |number: u8, count: usize| Chip {
            number,
            count,
            levels: [0; 64],
            fails: Rc::clone(&fails),
            log: Rc::clone(&log),
        };
        let line = |n: usize| (outputs[n].0, outputs[n].2.active_low);
        let mut levels = [0; 64];
        levels[1] = 1;
        let gpio = Gpio::from_parts(
            vec!["x".to_owned(), "y".to_owned()],
            vec![InputRequest { port: chip(0, 1), chip: 0, lines: vec![(inputs[0].0, true)], levels: [0; 64] }],
            vec![
                OutputRequest { port: chip(0, 2), chip: 0, lines: vec![line(0), line(1)], levels },
                OutputRequest { port: chip(1, 1), chip: 1, lines: vec![line(2)], levels: [0; 64] },
            ],
        );
        let guard = Guard::new(Arc::new(map.channels.clone()));
        let sink = EventSink::for_table(guard.table());
        Self { guard, sink, gpio, log, fails, acknowledged: vec![WriteId::NONE; 3], now_ns: 0 }
    }

    /// One scan with these commands; gives what was written.
    fn scan(&mut self, commanded: [bool; 3]) -> (Written, Result<(), IoFault>) {
        self.now_ns += 1_000_000_000;
        let inputs = Inputs {
            now_ns: self.now_ns,
            phase: Phase::Run,
            commanded: &commanded,
            acknowledged: &self.acknowledged,
            feedback: &[],
            supply: SupplyReading::NotSensed,
            ambient: None,
        };
        self.guard.arbitrate(&inputs, &mut self.sink);
        let result = self.gpio.write(self.now_ns, self.guard.permitted(), &mut self.acknowledged);
        (self.log.take(), result)
    }
}

#[test]
fn offs_leave_on_all_chips_before_any_on() {
    let mut bench = Bench::new();
    // The first OFFs are written until they are acknowledged; b rests high.
    assert_eq!(bench.scan([false; 3]).0, [(0, vec![0, 1]), (1, vec![0])]);
    assert_eq!(bench.scan([false; 3]).0, []);
    assert_eq!(bench.scan([true, false, true]).0, [(0, vec![1, 1]), (1, vec![1])]);
    assert_eq!(bench.scan([true, false, true]).0, [], "nothing due, nothing written");
    // a and c go off, b comes on: both chips see the OFFs first.
    assert_eq!(bench.scan([false, true, false]).0, [(0, vec![0, 1]), (1, vec![0]), (0, vec![0, 0])]);
}

#[test]
fn a_failed_off_holds_back_every_on_and_is_not_acknowledged() {
    let mut bench = Bench::new();
    assert_eq!(bench.scan([false; 3]).1, Ok(()));
    assert_eq!(bench.scan([false, false, true]).1, Ok(()));
    assert_eq!(bench.scan([false, false, true]).1, Ok(()));
    *bench.fails.borrow_mut() = Some((1, libc::EIO));
    let before = bench.acknowledged.clone();
    let (written, result) = bench.scan([true, false, false]);
    assert_eq!(written, [(1, vec![0])], "no ON of chip 0 after the OFF of chip 1 failed");
    assert_eq!(result, Err(IoFault { code: IoCode::WriteFailed, chip: 1, errno: libc::EIO }));
    assert_eq!(bench.acknowledged, before);
    // The OFF is tried again until it is done; the ON that was held back is not: the scan it belonged to has failed.
    *bench.fails.borrow_mut() = None;
    let (written, result) = bench.scan([true, false, false]);
    assert_eq!((written, result), (vec![(1, vec![0])], Ok(())));
    assert_ne!(bench.acknowledged, before);
}

#[test]
fn inputs_are_inverted_here_and_false_when_unreadable() {
    let mut bench = Bench::new();
    let mut levels = [false];
    assert_eq!(bench.gpio.read(0, &mut levels), Ok(()));
    assert_eq!(levels, [true], "low means TRUE");
    *bench.fails.borrow_mut() = Some((0, libc::ENODEV));
    assert_eq!(bench.gpio.read(0, &mut levels), Err(IoFault { code: IoCode::ChipGone, chip: 0, errno: libc::ENODEV }));
    assert_eq!(levels, [false]);
}
