//! The scan thread does not allocate, nor does the guardian's loop: not on the simulated rack, not on a GPIO driver's buffers, not when it faults.
//!
//! A counting allocator counts for the thread that asks it to. One test function each, so that threads do not mix.
#![allow(unsafe_code, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use bytecode::ScalarType;
use common::{MS, Program, map};
use runtime::clock::{Clock, VirtualClock, Wake};
use runtime::config::{GpioLine, IoMap, Line};
use runtime::guardian::record::{BlackBox, Off};
use runtime::guardian::watch::{ChildState, End, Wakeup, watch};
use runtime::guardian::{Page, Phase, Places};
use runtime::io::expander::access::Access;
use runtime::io::gpio::{Held, InputRequest, Levels, OutputRequest, Port, RestLine};
use runtime::io::{Driver, ExpanderState, Expanders, Gpio, Rack};
use runtime::scan::real::{Ended, RunLimit, Snapshot, channels, run};
use runtime::scan::watch::Watch;
use runtime::scan::{Command, Mode, Plc};
use runtime::store::layout::Layout as Kept;
use runtime::store::tap;
use runtime::vm::{Budget, Engine, Interpreter, Memory, Native};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

struct Counting;

thread_local! {
    static COUNTING: Cell<bool> = const { Cell::new(false) };
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

fn note() {
    if COUNTING.with(Cell::get) {
        COUNT.with(|c| c.set(c.get() + 1));
    }
}

// SAFETY: every call goes on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note();
        // SAFETY: the caller's promise, passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        note();
        // SAFETY: the caller's promise, passed on.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note();
        // SAFETY: the caller's promise, passed on.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Allocator calls `work` makes on this thread.
fn allocations(work: impl FnOnce()) -> u64 {
    COUNT.with(|c| c.set(0));
    COUNTING.with(|c| c.set(true));
    work();
    COUNTING.with(|c| c.set(false));
    COUNT.with(Cell::get)
}

#[test]
fn the_counter_counts() {
    assert!(allocations(|| drop(std::hint::black_box(vec![1_u8; 100]))) >= 2);
    assert_eq!(allocations(|| ()), 0);
}

const MAP: &str = "relays: [wago.yaml]\nscan: { period: 1 ms }\nsupply: { voltage: 36 VDC, sensed: d }\n\
    inputs: { a: { debounce: 5 ms }, b: {}, c: {}, d: { sim: { initial: true } } }\noutputs:\n  \
    x: { relay: wago-859-386, feedback: { input: c } }\n  y: { relay: wago-859-386 }\n\
    interlocks: [{ name: dir, channels: [x, y], dead_time: 20 ms }]\n";

const GPIO_MAP: &str = "relays: [wago.yaml]\nscan: { period: 1 ms }\nsupply: { voltage: 36 VDC, sensed: d }\n\
    inputs:\n  a: { gpio: { chip: c0, line: 0 } }\n  b: { gpio: { chip: c0, line: 1 } }\n  c: { gpio: { chip: c0, line: 2 } }\n  d: { gpio: { chip: c0, line: 3, active: low } }\n\
    outputs:\n  x: { relay: wago-859-386, gpio: { chip: c0, line: 4 } }\n  y: { relay: wago-859-386, gpio: { chip: c0, line: 5, active: low } }\n\
    interlocks: [{ name: dir, channels: [x, y], dead_time: 20 ms }]\n";

fn program() -> Arc<bytecode::VerifiedImage> {
    Program::new(&["a", "b", "c", "d"], &["x", "y"]).build()
}

/// A run with commands, changes and snapshots: the loop of the product, the longest path there is.
fn steady<E: Engine, D: Driver>(plc: &mut Plc<E, D>, map: &IoMap) -> u64 {
    let clock = VirtualClock::new();
    let (a, b) = (map.input("a").unwrap(), map.input("b").unwrap());
    let mut watch = Watch::new(map);
    let mut snapshot = Snapshot::of(plc);
    let mut changes = 0_u64;
    let counted = allocations(|| {
        for scan in 0..2000_u64 {
            if scan % 97 == 0 {
                plc.apply(Command::ToggleInput(a));
            }
            if scan % 61 == 0 {
                plc.apply(Command::ToggleInput(b));
            }
            clock.sleep_until(scan * MS);
            plc.step(scan * MS, &clock);
            watch.compare(plc, |_| changes += 1);
            snapshot.take(plc);
        }
    });
    assert_eq!(plc.mode(), Mode::Running);
    assert!(changes > 20, "{changes}");
    assert_eq!(snapshot.scan, 2000);
    counted
}

#[test]
fn the_simulated_rack_does_not_allocate() {
    let image = program();
    let map = map(MAP, &image);
    let mut plc = Plc::<Interpreter, Rack>::simulated(Arc::clone(&image), Arc::clone(&map), 1);
    assert_eq!(steady(&mut plc, &map), 0);
    let mut plc = Plc::<Native, Rack>::simulated(image, Arc::clone(&map), 1);
    assert_eq!(steady(&mut plc, &map), 0);
}

/// Loops, elements, blocks, references, mathematics, a division by zero in the end.
const CALCULATION: &str = "FUNCTION_BLOCK Mean VAR_IN_OUT values : ARRAY [0..9] OF REAL; END_VAR \
    VAR_OUTPUT mean : REAL; END_VAR VAR i : INT; END_VAR \
    mean := 0.0; FOR i := 0 TO 9 DO mean := mean + SIN(values[i]); END_FOR; mean := mean / 10.0; END_FUNCTION_BLOCK \
    PROGRAM P VAR t : ARRAY [0..3] OF TON; v : ARRAY [0..9] OF REAL; m : Mean; n : INT; k : INT := 100; x : DINT; END_VAR \
    FOR n := 0 TO 3 DO t[n](IN := k MOD 7 > 3, PT := T#20ms); END_FOR; \
    FOR n := 0 TO 9 DO v[n] := INT_TO_REAL(n * k); END_FOR; \
    m(values := v); x := REAL_TO_DINT(m.mean * 1000.0); k := k - 1; x := x / k; END_PROGRAM";

fn calculation() -> bytecode::VerifiedImage {
    let mut sources = compiler::source::SourceMap::new();
    let file = sources.add("calculation.st", CALCULATION);
    let compiled = compiler::compile(&sources, &[file], compiler::Options::default());
    bytecode::verify(compiled.image.unwrap_or_else(|| panic!("{:?}", compiled.diagnostics))).unwrap()
}

fn runs_without_allocating<E: Engine>() {
    let image = calculation();
    let (mut engine, mut memory) = (E::load(&image), Memory::new(&image));
    let mut scans = 0_i64;
    let counted = allocations(|| {
        loop {
            let mut budget = Budget::new(100_000);
            scans += 1;
            if engine.run(&mut memory, 0, scans * 10_000_000, &mut budget).is_err() {
                break;
            }
        }
    });
    assert_eq!((scans, counted), (100, 0), "{}", engine.name());
}

#[test]
fn engines_do_not_allocate() {
    runs_without_allocating::<Interpreter>();
    runs_without_allocating::<Native>();
}

#[test]
fn the_run_loop_does_not_allocate() {
    let image = program();
    let map = map(MAP, &image);
    let mut plc = Plc::<Interpreter, Rack>::simulated(image, Arc::clone(&map), 1);
    let (mut ends, handle) = channels(&plc);
    handle.watch(true);
    let clock = VirtualClock::new();
    let a = map.input("a").unwrap();
    assert!(handle.command(Command::SetInput(a, true)));
    let mut ended = None;
    let counted = allocations(|| ended = Some(run(&mut plc, &clock, &mut ends, RunLimit { for_ns: Some(5000 * MS) })));
    assert_eq!(ended, Some(Ended::TimeOver));
    assert!(plc.stats().scans > 5000 && handle.change().is_some());
    assert_eq!(counted, 0);
}

#[test]
fn faults_do_not_allocate() {
    let image = program();
    let map = map(MAP, &image);
    let mut plc = Plc::<Interpreter, Rack>::simulated(Arc::clone(&image), Arc::clone(&map), 1);
    let clock = VirtualClock::new();
    let a = map.input("a").unwrap();
    plc.apply(Command::SetInput(a, true));
    let divisor = image.symbols.iter().find(|s| s.path == "main.divisor").unwrap().place;
    let mut watch = Watch::new(&map);
    let counted = allocations(|| {
        for scan in 0..400_u64 {
            if scan == 200 {
                plc.memory_mut().write(divisor, ScalarType::I32, 0);
            }
            clock.sleep_until(scan * MS);
            plc.step(scan * MS, &clock);
            watch.compare(&plc, |_| ());
        }
    });
    assert!(plc.fault().is_some());
    assert_eq!(counted, 0);
}

/// A chip in memory: levels to read, levels written, and an error after so many writes.
#[derive(Debug)]
struct FakeChip {
    levels: Levels,
    scans: u32,
    writes_left: u32,
}

impl Port for FakeChip {
    fn get(&mut self, levels: &mut Levels) -> Result<(), i32> {
        self.scans += 1;
        self.levels[0] = u8::from(self.scans / 90 % 2 == 1);
        self.levels[1] = u8::from(self.scans / 140 % 2 == 1);
        *levels = self.levels;
        Ok(())
    }

    fn set(&mut self, _levels: &Levels) -> Result<(), i32> {
        self.writes_left = self.writes_left.checked_sub(1).ok_or(5)?;
        Ok(())
    }
}

fn gpio(map: &IoMap, writes: u32) -> Gpio<FakeChip> {
    let chip = || FakeChip { levels: [0; 64], scans: 0, writes_left: writes };
    let inputs = map.input_ids().map(|id| (id, id.index() == 3)).collect();
    let outputs = map.channels.ids().map(|id| (id, id.index() == 1)).collect();
    Gpio::from_parts(
        vec!["c0".to_owned()],
        vec![InputRequest { port: chip(), chip: 0, lines: inputs, levels: [0; 64] }],
        vec![OutputRequest { port: chip(), chip: 0, lines: outputs, levels: [0; 64] }],
    )
}

#[test]
fn the_gpio_driver_does_not_allocate() {
    let image = program();
    let map = map(GPIO_MAP, &image);
    let mut plc = Plc::<Interpreter, Gpio<FakeChip>>::with_driver(image, Arc::clone(&map), gpio(&map, u32::MAX));
    assert_eq!(steady(&mut plc, &map), 0);
}

#[test]
fn a_failing_gpio_driver_does_not_allocate() {
    let image = program();
    let map = map(GPIO_MAP, &image);
    let mut plc = Plc::<Interpreter, Gpio<FakeChip>>::with_driver(image, Arc::clone(&map), gpio(&map, 2));
    let clock = VirtualClock::new();
    let counted = allocations(|| {
        for scan in 0..1000_u64 {
            clock.sleep_until(scan * MS);
            plc.step(scan * MS, &clock);
        }
    });
    assert!(plc.fault().is_some());
    assert_eq!(counted, 0);
}

#[test]
fn the_tap_of_the_store_does_not_allocate() {
    let image = retaining();
    let map = map(MAP, &image);
    let mut plc = Plc::<Interpreter, Rack>::simulated(Arc::clone(&image), Arc::clone(&map), 1);
    let kept = Arc::new(Kept::of(&image).unwrap());
    assert!(kept.len() >= 2, "values are kept");
    let (mut tap, mut keeper, mut control) = tap::ends(&plc, kept);
    let clock = VirtualClock::new();
    let a = map.input("a").unwrap();
    let (mut counted, mut copies) = (0, 0);
    for scan in 0..2000_u64 {
        // Both readers ask, as their threads do; the copies are made within the scan.
        if scan % 50 == 0 {
            keeper.ask();
            control.ask();
        }
        counted += allocations(|| {
            if scan == 200 {
                // The relay is switched on, so that counts and history grow.
                plc.apply(Command::SetInput(a, true));
            }
            clock.sleep_until(scan * MS);
            let step = plc.step(scan * MS, &clock);
            tap.after(&plc, &step);
        });
        copies += u32::from(keeper.newer().is_some()) + u32::from(control.newer().is_some());
    }
    assert_eq!(counted, 0);
    assert!(copies >= 80, "two every 50 scans: {copies}");
    let last = tap.last(&plc);
    assert!(last.bank.channels[0].wear.operations() > 0, "{:?}", last.bank.channels[0].wear);
    assert!(keeper.newest().bank.channels[0].wear.operations() > 0 && control.newest().channels[0].on);
}

/// The program whose counter and divisor are RETAIN.
fn retaining() -> Arc<bytecode::VerifiedImage> {
    let mut image = Program::new(&["a", "b", "c", "d"], &["x", "y"]).image();
    for symbol in image.symbols.iter_mut().filter(|s| s.path.ends_with(".count") || s.path.ends_with(".divisor")) {
        symbol.retention = bytecode::types::Retention::Retain;
    }
    Arc::new(bytecode::verify(image).unwrap())
}

/// The registers of a PCA9555 whose inputs change with each reading; it can be pulled off its bus.
#[derive(Clone, Default)]
struct FakeExpander(Rc<RefCell<([u8; 8], bool)>>);

impl Access for FakeExpander {
    fn read(&mut self, first: u8, to: &mut [u8]) -> Result<(), i32> {
        let (registers, gone) = &mut *self.0.borrow_mut();
        if *gone {
            return Err(6);
        }
        registers[0] = registers[0].wrapping_add(1);
        to.copy_from_slice(&registers[usize::from(first)..usize::from(first) + to.len()]);
        Ok(())
    }

    fn write(&mut self, first: u8, from: &[u8]) -> Result<(), i32> {
        let (registers, gone) = &mut *self.0.borrow_mut();
        registers[usize::from(first)..usize::from(first) + from.len()].copy_from_slice(from);
        if *gone { Err(6) } else { Ok(()) }
    }

    fn receive(&mut self, _to: &mut [u8]) -> Result<(), i32> {
        Err(95)
    }

    fn send(&mut self, _from: &[u8]) -> Result<(), i32> {
        Err(95)
    }
}

/// A virtual clock that the scan and the expanders' side share.
#[derive(Clone)]
struct Common(Rc<VirtualClock>);

impl Clock for Common {
    fn now_ns(&self) -> u64 {
        self.0.now_ns()
    }

    fn sleep_until(&self, deadline_ns: u64) -> Wake {
        self.0.sleep_until(deadline_ns)
    }
}

const EXPANDER_MAP: &str = "expanders: { io1: { kind: pca9555, bus: /dev/i2c-1, address: 0x20, poll: 10 ms, max_age: 50 ms } }\n\
    scan: { period: 1 ms }\ninputs:\n  a: { expander: { device: io1, line: 0 } }\n  b: { expander: { device: io1, line: 1 } }\n  \
    c: { expander: { device: io1, line: 2 } }\n  d: { expander: { device: io1, line: 3 } }\noutputs:\n  \
    x: { expander: { device: io1, line: 8 } }\n  y: { expander: { device: io1, line: 9 } }\n";

#[test]
fn expanders_do_not_make_the_scan_allocate() {
    let image = program();
    let map = map(EXPANDER_MAP, &image);
    let clock = Common(Rc::new(VirtualClock::new()));
    let chip = FakeExpander::default();
    let guard = relay::Guard::new(Arc::new(map.channels.clone()));
    let (expanders, mut polled) = Expanders::by_hand(&map, guard.permitted(), clock.clone(), [chip.clone()]);
    let mut plc = Plc::<Interpreter, Expanders<Common>>::with_guard(image, Arc::clone(&map), guard, expanders);
    let mut snapshot = Snapshot::of(&plc);
    let (mut counted, mut states, mut switched) = (0, Vec::new(), 0);
    for scan in 0..2000_u64 {
        // The chip goes away in the middle and comes back.
        chip.0.borrow_mut().1 = (900..1100).contains(&scan);
        if scan % 10 == 0 {
            let _ = polled[0].exchange(&clock);
        }
        counted += allocations(|| {
            clock.sleep_until(scan * MS);
            plc.step(scan * MS, &clock);
            snapshot.take(&plc);
        });
        states.push(snapshot.expanders[0].state);
        switched += u32::from(snapshot.channels.iter().any(|channel| channel.on));
    }
    assert!(states.contains(&ExpanderState::Working) && states.contains(&ExpanderState::Failed(6)), "{states:?}");
    assert_eq!(states.last(), Some(&ExpanderState::Working));
    assert!(switched > 100 && snapshot.expanders[0].counters.reads > 100, "{switched} {snapshot:?}");
    assert_eq!(counted, 0);
}

/// A guardian's hands on a file chip and a black box; the scan process dies after a thousand looks.
struct Hands {
    held: Held,
    failed: u32,
    looks: u64,
}

impl runtime::guardian::watch::Hands for Hands {
    fn now_ns(&self) -> u64 {
        self.looks * MS
    }

    fn wait(&mut self, _until_ns: u64) -> Wakeup {
        self.looks += 1;
        Wakeup::Time
    }

    fn child(&mut self) -> ChildState {
        if self.looks < 1000 { ChildState::Running } else { ChildState::Killed(9) }
    }

    fn forward(&mut self, _signal: runtime::rt::StopSignal) {}

    fn kill(&mut self) {}

    fn off(&mut self) -> u32 {
        let mut failed = 0;
        self.held.off(|_chip, written| failed += u32::from(written.is_err()));
        self.failed += failed;
        failed
    }

    fn look(&mut self, _now_ns: u64, _phase: Phase, _scans: u64) {}
}

#[test]
fn the_guardian_does_not_allocate_from_the_first_look_to_the_record() {
    use runtime::io::file_chip::{Failing, FileChip};
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chip");
    let line = GpioLine { chip: Some(format!("file:{}", path.display())), line: Line::Offset(3), active_low: true };
    let held = Held::open(&[RestLine { name: "k".to_owned(), line, energised: false }]).unwrap();
    let chip = FileChip::observe(&path).unwrap();
    assert_eq!(chip.levels(), 1 << 3, "active low, off");
    // The first OFF fails and is written again.
    chip.fail(Failing::Writes(5, 1));
    let page = Page::shared().unwrap();
    let places = Places::make().unwrap();
    places.fill(&program(), &[(3, 0)]).unwrap();
    let mut record = BlackBox::open(&folder.path().join("guardian.rec")).unwrap();
    let results = [Off::of("chip")];
    let mut hands = Hands { held, failed: 0, looks: 0 };
    let (mut end, mut written) = (None, None);
    let counted = allocations(|| {
        let ended = watch(page, &mut hands);
        if let End::Death(death) = &ended {
            written = Some(record.write(death, 7, &places.find(0, 3), &results));
        }
        end = Some(ended);
    });
    assert!(matches!(end, Some(End::Death(_))) && matches!(written, Some(Ok(()))), "{end:?} {written:?}");
    assert_eq!((hands.failed, chip.counts().writes), (1, 2), "when it was found dead, and again");
    assert_eq!(counted, 0);
}
