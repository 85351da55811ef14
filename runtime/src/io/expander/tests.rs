use super::access::{Access, OnI2c, OnSpi};
use super::bus::{PAUSE_MAX_NS, Polled, attend};
use super::chip::{Chip, Reading};
use super::shared::Shared;
use super::*;
use crate::clock::{NS_PER_MS, Wake};
use crate::config::files::Texts;
use crate::config::load;
use bytecode::image::{Place, Symbol, SymbolRole};
use bytecode::types::{Elementary, Type, TypeKind};
use bytecode::{Image, TypeId};
use embedded_hal::i2c::{ErrorKind, NoAcknowledgeSource, Operation};
use embedded_hal_mock::eh1::i2c::{Mock as I2cMock, Transaction as I2cStep};
use embedded_hal_mock::eh1::spi::{Mock as SpiMock, Transaction as SpiStep};
use relay::{EventSink, Guard, Inputs, Phase, SupplyReading};
use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A clock that a test sets; a sleep takes it to its end.
#[derive(Clone, Default)]
struct Hand(Arc<AtomicU64>);

impl Hand {
    fn advance(&self, by_ms: u64) {
        self.0.fetch_add(by_ms * NS_PER_MS, Ordering::Relaxed);
    }
}

impl Clock for Hand {
    fn now_ns(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn sleep_until(&self, deadline_ns: u64) -> Wake {
        self.0.fetch_max(deadline_ns, Ordering::Relaxed);
        Wake::OnTime
    }
}

const fn chip(kind: ExpanderKind, outputs: u16, pull_ups: u16) -> Chip {
    Chip { kind, outputs, pull_ups }
}

/// Runs something against exact transfers on I2C.
fn on_i2c<T>(address: u8, steps: &[I2cStep], act: impl FnOnce(&mut OnI2c<I2cMock>) -> T) -> T {
    let mut mock = I2cMock::new(steps);
    let result = act(&mut OnI2c::new(mock.clone(), address));
    mock.done();
    result
}

#[test]
fn mcp23017_gets_levels_before_directions_and_both_ports_at_once() {
    let steps = [
        I2cStep::write(0x21, vec![0x14, 0x00, 0x80]),
        I2cStep::write(0x21, vec![0x02, 0x00, 0x00]),
        I2cStep::write(0x21, vec![0x0C, 0x01, 0x00]),
        I2cStep::write(0x21, vec![0x00, 0xFF, 0x7F]),
        I2cStep::write_read(0x21, vec![0x00], vec![0xFF, 0x7F]),
        I2cStep::write_read(0x21, vec![0x14], vec![0x00, 0x80]),
        I2cStep::write_read(0x21, vec![0x0C], vec![0x01, 0x00]),
        I2cStep::write_read(0x21, vec![0x12], vec![0x5A, 0xC3]),
    ];
    let chip = chip(ExpanderKind::Mcp23017, 0x8000, 0x0001);
    let read = on_i2c(0x21, &steps, |bus| {
        chip.start(bus, 0x8000).unwrap();
        chip.read(bus, 0x8000)
    });
    assert_eq!(read, Ok(Reading::Levels(0xC35A)));
}

#[test]
fn mcp23s17_heeds_its_address_pins_first() {
    let step = |write: [u8; 2], then: SpiStep<u8>| {
        vec![SpiStep::transaction_start(), SpiStep::write_vec(write.to_vec()), then, SpiStep::transaction_end()]
    };
    let steps: Vec<_> = [
        // Before that setting every chip answers to 0x40, whatever its pins say.
        step([0x40, 0x0A], SpiStep::write_vec(vec![0x08])),
        step([0x46, 0x0A], SpiStep::write_vec(vec![0x08])),
        step([0x46, 0x14], SpiStep::write_vec(vec![0x00, 0x00])),
        step([0x46, 0x02], SpiStep::write_vec(vec![0x00, 0x00])),
        step([0x46, 0x0C], SpiStep::write_vec(vec![0x00, 0x00])),
        step([0x46, 0x00], SpiStep::write_vec(vec![0xFF, 0xFF])),
        step([0x47, 0x0A], SpiStep::read_vec(vec![0x08])),
        step([0x47, 0x00], SpiStep::read_vec(vec![0xFF, 0xFF])),
        step([0x47, 0x12], SpiStep::read_vec(vec![0x01, 0x02])),
        // Nothing there: the line back stays high.
        step([0x47, 0x0A], SpiStep::read_vec(vec![0xFF])),
    ]
    .concat();
    let mut mock = SpiMock::new(&steps);
    let mut bus = OnSpi::new(mock.clone(), 0x23);
    let chip = chip(ExpanderKind::Mcp23s17, 0, 0);
    chip.start(&mut bus, 0).unwrap();
    assert_eq!(chip.read(&mut bus, 0), Ok(Reading::Levels(0x0201)));
    assert_eq!(chip.read(&mut bus, 0), Ok(Reading::Lost));
    mock.done();
}

#[test]
fn pca9555_and_its_kin_use_their_own_registers() {
    let steps = [
        I2cStep::write(0x20, vec![2, 0x01, 0x00]),
        I2cStep::write(0x20, vec![4, 0, 0]),
        I2cStep::write(0x20, vec![6, 0xFC, 0xFF]),
        I2cStep::write(0x20, vec![2, 0x03, 0x00]),
        I2cStep::write_read(0x20, vec![6], vec![0xFC, 0xFF]),
        I2cStep::write_read(0x20, vec![2], vec![0x03, 0x00]),
        I2cStep::write_read(0x20, vec![0], vec![0x13, 0x80]),
    ];
    let two_ports = chip(ExpanderKind::Pca9555, 0x0003, 0);
    let read = on_i2c(0x20, &steps, |bus| {
        two_ports.start(bus, 1).unwrap();
        two_ports.write(bus, 3).unwrap();
        two_ports.read(bus, 3)
    });
    assert_eq!(read, Ok(Reading::Levels(0x8013)));
    let steps = [
        I2cStep::write(0x38, vec![1, 0x00]),
        I2cStep::write(0x38, vec![2, 0]),
        I2cStep::write(0x38, vec![3, 0xFF]),
        I2cStep::write_read(0x38, vec![3], vec![0xFF]),
        I2cStep::write_read(0x38, vec![0], vec![0x42]),
    ];
    let one_port = chip(ExpanderKind::Pca9554a, 0, 0);
    let read = on_i2c(0x38, &steps, |bus| {
        one_port.start(bus, 0).unwrap();
        one_port.read(bus, 0)
    });
    assert_eq!(read, Ok(Reading::Levels(0x42)));
}

#[test]
fn pcf8574_keeps_its_inputs_high_and_shows_its_loss_by_a_high_output() {
    // Lines 0 and 1 are outputs; every other line is held high to be read.
    let steps = [I2cStep::write(0x27, vec![0xFD]), I2cStep::read(0x27, vec![0x41]), I2cStep::read(0x27, vec![0xFF])];
    let outputs = chip(ExpanderKind::Pcf8574, 0x03, 0);
    on_i2c(0x27, &steps, |bus| {
        outputs.start(bus, 0x01).unwrap();
        assert_eq!(outputs.read(bus, 0x01), Ok(Reading::Levels(0x41)));
        assert_eq!(outputs.read(bus, 0x01), Ok(Reading::Lost));
    });
    let steps = [I2cStep::write(0x20, vec![0xFF, 0xFF]), I2cStep::read(0x20, vec![0x34, 0x12])];
    let inputs = chip(ExpanderKind::Pcf8575, 0, 0);
    let read = on_i2c(0x20, &steps, |bus| {
        inputs.start(bus, 0).unwrap();
        inputs.read(bus, 0)
    });
    assert_eq!(read, Ok(Reading::Levels(0x1234)));
}

/// Registers of an imagined chip on an imagined bus, for tests that go on for long: it can be pulled out and plugged in,
/// and loses what was written to it meanwhile.
#[derive(Clone)]
struct Socket(Rc<RefCell<Plugged>>);

struct Plugged {
    kind: ExpanderKind,
    registers: [u8; 32],
    /// Levels that come from outside.
    wires: u16,
    present: bool,
    /// So many transfers fail.
    disturbed: u32,
    transfers: u32,
    writes: Vec<Vec<u8>>,
}

impl Socket {
    fn new(kind: ExpanderKind) -> Self {
        let plugged = Plugged {
            kind,
            registers: [0; 32],
            wires: 0,
            present: true,
            disturbed: 0,
            transfers: 0,
            writes: Vec::new(),
        };
        let socket = Self(Rc::new(RefCell::new(plugged)));
        socket.power_up();
        socket
    }

    /// As after its supply came: every line an input.
    fn power_up(&self) {
        let mut plugged = self.0.borrow_mut();
        let direction = usize::from(plugged.kind.registers().unwrap().direction);
        plugged.registers = [0; 32];
        let ports = plugged.kind.ports();
        plugged.registers[direction..direction + ports].fill(0xFF);
    }

    fn set_present(&self, present: bool) {
        self.0.borrow_mut().present = present;
    }

    /// The levels on its pins: outputs by their latch, the rest by the wires.
    fn pins(&self) -> u16 {
        let plugged = self.0.borrow();
        let registers = plugged.kind.registers().unwrap();
        let word = |first: u8| {
            let at = usize::from(first);
            let high = if plugged.kind.ports() == 2 { plugged.registers[at + 1] } else { 0 };
            u16::from_le_bytes([plugged.registers[at], high])
        };
        let inputs = word(registers.direction);
        word(registers.latch) & !inputs | plugged.wires & inputs
    }
}

impl embedded_hal::i2c::ErrorType for Socket {
    type Error = ErrorKind;
}

impl embedded_hal::i2c::I2c for Socket {
    fn transaction(&mut self, _address: u8, operations: &mut [Operation<'_>]) -> Result<(), ErrorKind> {
        self.0.borrow_mut().transfers += 1;
        if self.0.borrow().disturbed > 0 {
            self.0.borrow_mut().disturbed -= 1;
            return Err(ErrorKind::Bus);
        }
        if !self.0.borrow().present {
            return Err(ErrorKind::NoAcknowledge(NoAcknowledgeSource::Address));
        }
        let pins = self.pins().to_le_bytes();
        let mut plugged = self.0.borrow_mut();
        let input = usize::from(plugged.kind.registers().unwrap().input);
        let mut first = 0;
        for operation in operations {
            match operation {
                Operation::Write(bytes) => {
                    first = usize::from(bytes[0]);
                    for (n, byte) in bytes[1..].iter().enumerate() {
                        plugged.registers[first + n] = *byte;
                    }
                    if bytes.len() > 1 {
                        plugged.writes.push(bytes.to_vec());
                    }
                }
                Operation::Read(bytes) => {
                    for (n, byte) in bytes.iter_mut().enumerate() {
                        let register = first + n;
                        let pin = register.checked_sub(input).and_then(|port| pins.get(port));
                        *byte = *pin.unwrap_or(&plugged.registers[register]);
                    }
                }
            }
        }
        Ok(())
    }
}

/// Somebody else's driver of the same chip sees the levels we write, and we see those it writes: the register tables of
/// both agree.
#[test]
fn the_register_tables_are_those_of_another_driver() {
    let socket = Socket::new(ExpanderKind::Mcp23017);
    let chip_of_ours = chip(ExpanderKind::Mcp23017, 0x0102, 0);
    let mut ours = OnI2c::new(socket.clone(), 0x20);
    chip_of_ours.start(&mut ours, 0x0100).unwrap();
    {
        let mut theirs = port_expander::Mcp23x17::new_mcp23017(socket.clone(), false, false, false);
        let pins = theirs.split();
        assert_eq!((pins.gpb0.is_high().unwrap(), pins.gpa1.is_high().unwrap()), (true, false));
        chip_of_ours.write(&mut ours, 0x0002).unwrap();
        assert_eq!((pins.gpb0.is_high().unwrap(), pins.gpa1.is_high().unwrap()), (false, true));
        socket.0.borrow_mut().wires = 0x8010;
        assert!(pins.gpb7.is_high().unwrap() && pins.gpa4.is_high().unwrap() && pins.gpa3.is_low().unwrap());
    }
    assert_eq!(chip_of_ours.read(&mut ours, 0x0002), Ok(Reading::Levels(0x8012)));

    let socket = Socket::new(ExpanderKind::Pca9555);
    {
        let mut theirs = port_expander::Pca9555::new(socket.clone(), false, false, false);
        let pins = theirs.split();
        pins.io1_5.into_output_high().unwrap();
        pins.io0_2.into_output().unwrap();
    }
    let mut ours = OnI2c::new(socket.clone(), 0x20);
    let chip_of_ours = chip(ExpanderKind::Pca9555, 0x2004, 0);
    socket.0.borrow_mut().wires = 0x0001;
    // Directions and levels are as ours would be, but for the latch, which that driver sets whole.
    let latch = u16::from_le_bytes([socket.0.borrow().registers[2], socket.0.borrow().registers[3]]);
    assert_eq!(latch & 0x2004, 0x2000);
    socket.0.borrow_mut().registers[2..4].copy_from_slice(&[0x00, 0x20]);
    assert_eq!(chip_of_ours.read(&mut ours, 0x2000), Ok(Reading::Levels(0x2001)));
}

/// A map with an expander `io1`: inputs `a` (line 0) and `b` (line 1, active low), outputs `lamp` (line 8, restart auto), `fan`
/// (line 9) and `horn` (line 10, active low). The scan's side and the bus thread's side, without a thread.
struct Bench {
    clock: Hand,
    socket: Socket,
    bus: Polled<OnI2c<Socket>>,
    expanders: Expanders<Hand>,
    guard: Guard,
    sink: EventSink,
    acknowledged: Vec<WriteId>,
}

const LAMP: u16 = 0x0100;
const FAN: u16 = 0x0200;
const HORN: u16 = 0x0400;

fn image() -> Image {
    let symbol = |path: &str, offset: u32, bit: u8, role: SymbolRole| Symbol {
        path: path.to_owned(),
        place: Place::Bit { offset, bit },
        ty: TypeId(0),
        role,
        retention: bytecode::types::Retention::Unstated,
        constant: false,
        address: format!("%{path}"),
        line: 1,
        file: 0,
    };
    let ty = Type { name: "BOOL".to_owned(), size: 1, kind: TypeKind::Elementary(Elementary::Bool) };
    let symbols = vec![
        symbol("a", 0, 0, SymbolRole::Input),
        symbol("b", 0, 1, SymbolRole::Input),
        symbol("lamp", 1, 0, SymbolRole::Output),
        symbol("fan", 1, 1, SymbolRole::Output),
        symbol("horn", 1, 2, SymbolRole::Output),
    ];
    Image { types: vec![ty], symbols, ..Image::default() }
}

impl Bench {
    fn new() -> Self {
        let text = "expanders: { io1: { kind: pca9555, bus: /dev/i2c-1, address: 0x20, poll: 10 ms, max_age: 50 ms } }\n\
            inputs:\n  a: { expander: { device: io1, line: 0, pull: down } }\n  \
            b: { expander: { device: io1, line: 1, active: low } }\noutputs:\n  \
            lamp: { expander: { device: io1, line: 8 }, restart: auto, restart_reason: t }\n  \
            fan: { expander: { device: io1, line: 9 } }\n  horn: { expander: { device: io1, line: 10, active: low } }\n";
        let loaded = load(Path::new("m"), &Texts::new().with("m", text), &image());
        let map = loaded.map.unwrap_or_else(|| panic!("{:?}", loaded.findings));
        assert!(map.has_real_lines());
        let guard = Guard::new(Arc::new(map.channels.clone()));
        let clock = Hand::default();
        let expanders = Expanders::new(&map, guard.permitted(), clock.clone());
        let socket = Socket::new(ExpanderKind::Pca9555);
        let seen = &expanders.chips[0];
        let access = OnI2c::new(socket.clone(), 0x20);
        let bus =
            Polled::new(access, seen.chip(ExpanderKind::Pca9555), Arc::clone(&seen.shared), 10 * NS_PER_MS, seen.rest);
        let sink = EventSink::for_table(guard.table());
        let mut bench = Self { clock, socket, bus, expanders, guard, sink, acknowledged: vec![WriteId::NONE; 3] };
        bench.bus.exchange(&bench.clock).unwrap();
        bench
    }

    /// A scan, without the bus.
    fn scan(&mut self, commanded: [bool; 3]) -> [bool; 2] {
        let mut levels = [true; 2];
        self.expanders.read(0, &mut levels).unwrap();
        let inputs = Inputs {
            now_ns: self.clock.now_ns(),
            phase: Phase::Run,
            commanded: &commanded,
            acknowledged: &self.acknowledged,
            feedback: &[],
            supply: SupplyReading::NotSensed,
            ambient: None,
        };
        self.guard.arbitrate(&inputs, &mut self.sink);
        self.expanders.write(0, self.guard.permitted(), &mut self.acknowledged).unwrap();
        levels
    }

    /// A scan, then the bus, 10 ms later the next.
    fn turn(&mut self, commanded: [bool; 3]) -> [bool; 2] {
        let levels = self.scan(commanded);
        let _ = self.bus.exchange(&self.clock);
        self.clock.advance(10);
        levels
    }

    fn state(&self) -> ExpanderState {
        self.expanders.statuses()[0].state
    }

    fn outputs(&self) -> u16 {
        self.socket.pins() & (LAMP | FAN | HORN)
    }
}

#[test]
fn inputs_follow_the_wires_and_active_low_is_inverted_here() {
    let mut bench = Bench::new();
    assert_eq!(bench.turn([false; 3]), [false, true]);
    bench.socket.0.borrow_mut().wires = 0b11;
    let _ = bench.turn([false; 3]);
    assert_eq!(bench.turn([false; 3]), [true, false]);
    assert_eq!(bench.state(), ExpanderState::Working);
}

#[test]
fn old_levels_read_false_whatever_they_were() {
    let mut bench = Bench::new();
    bench.socket.0.borrow_mut().wires = 0b01;
    let _ = bench.turn([false; 3]);
    assert_eq!(bench.scan([false; 3]), [true, true]);
    // The bus hangs: nothing is published any more.
    bench.clock.advance(40);
    assert_eq!(bench.scan([false; 3]), [true, true], "50 ms old");
    bench.clock.advance(1);
    assert_eq!(bench.scan([false; 3]), [false, false], "51 ms old");
    assert_eq!(bench.state(), ExpanderState::Late);
    assert_eq!(bench.expanders.statuses()[0].counters.late, 1);
    bench.bus.exchange(&bench.clock).unwrap();
    assert_eq!(bench.scan([false; 3]), [true, true]);
}

#[test]
fn a_disturbed_transfer_is_repeated_and_a_failing_chip_reads_false_at_once() {
    let mut bench = Bench::new();
    bench.socket.0.borrow_mut().wires = 0b01;
    bench.socket.0.borrow_mut().disturbed = 1;
    let _ = bench.turn([false; 3]);
    assert_eq!(bench.scan([false; 3]), [true, true]);
    bench.socket.set_present(false);
    let _ = bench.bus.exchange(&bench.clock);
    assert_eq!(bench.scan([false; 3]), [false, false]);
    assert_eq!(bench.state(), ExpanderState::Failed(libc::ENXIO));
    bench.socket.set_present(true);
    let _ = bench.bus.exchange(&bench.clock);
    assert_eq!(bench.scan([false; 3]), [true, true]);
    let counters = bench.expanders.statuses()[0].counters;
    assert_eq!((counters.failures, counters.returns), (1, 1));
}

#[test]
fn outputs_are_acknowledged_once_they_are_written_and_only_changes_are() {
    let mut bench = Bench::new();
    assert_eq!(bench.outputs(), HORN, "every output off: the horn rests high");
    // The first OFFs are asked for, carried out by the bus, and then known to the guard.
    let _ = bench.scan([false; 3]);
    assert_eq!(bench.acknowledged, [WriteId::NONE; 3]);
    bench.bus.exchange(&bench.clock).unwrap();
    let _ = bench.scan([false; 3]);
    assert!(bench.acknowledged.iter().all(|id| *id != WriteId::NONE));
    for _ in 0..5 {
        let _ = bench.turn([false; 3]);
    }
    bench.socket.0.borrow_mut().writes.clear();
    for _ in 0..5 {
        let _ = bench.turn([false, true, true]);
    }
    assert_eq!(bench.outputs(), FAN);
    assert_eq!(bench.socket.0.borrow().writes, [vec![2, 0x00, 0x02]], "one write for both, none without a change");
    assert_eq!(
        bench.acknowledged,
        [0, 1, 2].map(|n| {
            let id = bench.guard.table().ids().nth(n).unwrap();
            bench.guard.permitted().channel(id).id
        })
    );
}

#[test]
fn an_off_that_never_arrives_is_the_guards_fault() {
    let mut bench = Bench::new();
    for _ in 0..5 {
        let _ = bench.turn([false; 3]);
    }
    for _ in 0..5 {
        let _ = bench.turn([false, true, false]);
    }
    bench.socket.set_present(false);
    let mut fault = None;
    for _ in 0..200 {
        bench.sink.clear();
        let _ = bench.turn([false; 3]);
        fault =
            fault.or_else(|| bench.sink.events().iter().map(|e| e.code.text()).find(|t| t.contains("acknowledged")));
    }
    assert!(fault.is_some());
}

#[test]
fn a_chip_that_lost_its_supply_starts_off_and_only_auto_comes_back_by_itself() {
    let mut bench = Bench::new();
    for _ in 0..3 {
        let _ = bench.turn([false; 3]);
    }
    for _ in 0..3 {
        let _ = bench.turn([true, true, true]);
    }
    assert_eq!(bench.outputs(), LAMP | FAN);
    // A disturbance alone drops nothing.
    bench.socket.set_present(false);
    let _ = bench.turn([true, true, true]);
    bench.socket.set_present(true);
    let _ = bench.turn([true, true, true]);
    assert_eq!(bench.outputs(), LAMP | FAN);
    // The supply goes and comes back between two polls: all lines are inputs.
    bench.socket.power_up();
    let _ = bench.bus.exchange(&bench.clock);
    assert_eq!(bench.outputs(), HORN, "set up again with every output off");
    for _ in 0..5 {
        let _ = bench.turn([true, true, true]);
    }
    assert_eq!(bench.outputs(), LAMP | HORN, "the lamp has `restart: auto`");
    assert_eq!(bench.expanders.statuses()[0].counters.starts, 2);
    for _ in 0..3 {
        let _ = bench.turn([true, false, false]);
    }
    for _ in 0..3 {
        let _ = bench.turn([true, true, true]);
    }
    assert_eq!(bench.outputs(), LAMP | FAN, "commanded off and on");
}

#[test]
fn a_failing_chip_is_asked_ever_more_rarely() {
    let bench = Bench::new();
    bench.socket.set_present(false);
    bench.socket.0.borrow_mut().transfers = 0;
    // Two transfers for each attempt, at 0, 10, 30, 70, 150, 310, 630, 1270, 2270, ... ms.
    let stopper = Arc::clone(&bench.expanders.chips[0].shared);
    let end = Hand::default();
    struct Until(Hand, Arc<Shared>, u64);
    impl Clock for Until {
        fn now_ns(&self) -> u64 {
            self.0.now_ns()
        }
        fn sleep_until(&self, deadline_ns: u64) -> Wake {
            if deadline_ns >= self.2 {
                self.1.stop();
            }
            self.0.sleep_until(deadline_ns)
        }
    }
    let mut chips = [bench.bus];
    attend(&mut chips, &Until(end, stopper, 5 * PAUSE_MAX_NS));
    // Eleven attempts of two transfers, then two attempts to write OFF.
    assert_eq!(bench.socket.0.borrow().transfers, 11 * 2 + 2);
}

#[test]
fn at_the_end_every_output_is_off() {
    let mut bench = Bench::new();
    for _ in 0..3 {
        let _ = bench.turn([false; 3]);
    }
    for _ in 0..3 {
        let _ = bench.turn([true; 3]);
    }
    assert_eq!(bench.outputs(), LAMP | FAN);
    drop(bench.expanders);
    let mut chips = [bench.bus];
    attend(&mut chips, &bench.clock);
    assert_eq!(bench.socket.pins() & (LAMP | FAN | HORN), HORN);
}

#[test]
fn plain_bytes_do_not_exist_on_spi() {
    let mut mock = SpiMock::<u8>::new(&[]);
    let mut bus = OnSpi::new(mock.clone(), 0x20);
    assert_eq!((bus.receive(&mut [0]), bus.send(&[0])), (Err(libc::EOPNOTSUPP), Err(libc::EOPNOTSUPP)));
    mock.done();
}
