//! A small verified program for tests of the runtime, built by hand: output `n` follows input `n`, a counter counts
//! scans, a divisor and a flag make it trap or hang.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use bytecode::image::{Debug, Place, Pou, PouKind, ProgramInstance, Rung, Slot, SourcePlace, Symbol, SymbolRole, Task};
use bytecode::types::{Elementary, Field, FieldRole, Retention, Type, TypeKind};
use bytecode::{Image, Instr, Op, Operand, PouId, ScalarType, TypeId, VerifiedImage, verify};
use runtime::config::files::Texts;
use runtime::config::{IoMap, load, simulated};
use std::path::Path;
use std::sync::Arc;

pub const MS: u64 = 1_000_000;

const BOOL: TypeId = TypeId(0);
const DINT: TypeId = TypeId(1);
const MAIN: TypeId = TypeId(2);
const WORD: TypeId = TypeId(3);
/// Offsets in an instance of Main.
const TEMP: u32 = 0;
const HANG: u32 = 1;
const DIVISOR: u32 = 4;
const COUNT: u32 = 8;
const QUOTIENT: u32 = 12;
const INSTANCE_BYTES: u32 = 16;

/// Builds a program.
pub struct Program {
    pub inputs: Vec<&'static str>,
    pub outputs: Vec<&'static str>,
    /// Name, interval, priority, programs.
    pub tasks: Vec<(&'static str, u64, u32, Vec<u32>)>,
    pub programs: u32,
    /// Adds `level AT %QW1 : WORD`.
    pub word: bool,
    /// `hang` of every program is a CONSTANT.
    pub constant: bool,
}

impl Program {
    pub fn new(inputs: &[&'static str], outputs: &[&'static str]) -> Self {
        Self {
            inputs: inputs.to_vec(),
            outputs: outputs.to_vec(),
            tasks: Vec::new(),
            programs: 1,
            word: false,
            constant: false,
        }
    }

    pub fn build(&self) -> Arc<VerifiedImage> {
        Arc::new(verify(self.image()).unwrap())
    }

    pub fn image(&self) -> Image {
        let mut image = Image { name: "test".to_owned(), ..Image::default() };
        image.types = types();
        image.data.input_bytes = 2;
        image.data.output_bytes = 4;
        let order_at = 8;
        let instance_at = |p: u32| 12 + p * INSTANCE_BYTES;
        image.data.size = instance_at(self.programs);
        image.data.slots.push(Slot { offset: order_at, ty: DINT });
        image.constants.bytes = vec![1, 0, 0, 0, 10, 0, 0, 0];
        image.constants.slots = vec![Slot { offset: 0, ty: DINT }, Slot { offset: 4, ty: DINT }];
        image.code = self.code(order_at);
        image.debug = debug(image.code.len());
        let end = u32::try_from(image.code.len()).unwrap();
        let main = Pou {
            name: "Main".to_owned(),
            kind: PouKind::Program,
            entry: 0,
            end,
            instance: Some(MAIN),
            references: Vec::new(),
        };
        image.pous.push(main);
        for p in 0..self.programs {
            image.data.slots.push(Slot { offset: instance_at(p), ty: MAIN });
            image.data.initial.push((instance_at(p) + DIVISOR, vec![1]));
            let name = if p == 0 { "main".to_owned() } else { format!("main{p}") };
            image.programs.push(ProgramInstance { name: name.clone(), pou: PouId(0), offset: instance_at(p) });
            let mut add = |field: &str, at: u32, ty: TypeId| {
                let place = Place::Byte(instance_at(p) + at);
                image.symbols.push(symbol(&format!("{name}.{field}"), place, ty, SymbolRole::Variable, ""));
            };
            add("hang", HANG, BOOL);
            add("divisor", DIVISOR, DINT);
            add("count", COUNT, DINT);
        }
        image.symbols.push(symbol("order", Place::Byte(order_at), DINT, SymbolRole::Variable, ""));
        self.located(&mut image);
        for (name, interval_ns, priority, programs) in &self.tasks {
            image.tasks.push(Task {
                name: (*name).to_owned(),
                interval_ns: *interval_ns,
                priority: *priority,
                programs: programs.clone(),
            });
        }
        for symbol in image.symbols.iter_mut().filter(|s| s.path.ends_with(".hang")) {
            symbol.constant = self.constant;
        }
        image.symbols.sort_by(|a, b| a.path.cmp(&b.path));
        image
    }

    fn located(&self, image: &mut Image) {
        let bit = |base: u32, n: usize| Place::Bit { offset: base + n as u32 / 8, bit: (n % 8) as u8 };
        for (n, name) in self.inputs.iter().enumerate() {
            let address = format!("%IX{}.{}", n / 8, n % 8);
            image.symbols.push(symbol(&format!("main.{name}"), bit(0, n), BOOL, SymbolRole::Input, &address));
        }
        for (n, name) in self.outputs.iter().enumerate() {
            let address = format!("%QX{}.{}", n / 8, n % 8);
            image.symbols.push(symbol(&format!("main.{name}"), bit(2, n), BOOL, SymbolRole::Output, &address));
        }
        if self.word {
            image.symbols.push(symbol("main.level", Place::Byte(4), WORD, SymbolRole::Output, "%QW1"));
        }
    }

    fn code(&self, order_at: u32) -> Vec<Instr> {
        let own = |at: u32| Operand::own(at).0;
        let data = |at: u32| Operand::data(at).0;
        let constant = |at: u32| Operand::constant(at).0;
        let bool_op = |op: Op, w: [u32; 4]| Instr::new(op, ScalarType::Bool, w);
        let int_op = |op: Op, w: [u32; 4]| Instr::new(op, ScalarType::I32, w);
        let mut code = vec![bool_op(Op::Charge, [64, 0, 0, 0])];
        for n in 0..self.inputs.len().min(self.outputs.len()) {
            let (byte, bit) = (n as u32 / 8, (n % 8) as u16);
            code.push(bool_op(Op::LdBit, [own(TEMP), data(byte), 0, 0]).with_extra(bit));
            code.push(bool_op(Op::StBit, [data(2 + byte), own(TEMP), 0, 0]).with_extra(bit));
        }
        code.push(int_op(Op::Add, [own(COUNT), own(COUNT), constant(0), 0]));
        code.push(int_op(Op::Mul, [data(order_at), data(order_at), constant(4), 0]));
        code.push(int_op(Op::Add, [data(order_at), data(order_at), own(DIVISOR), 0]));
        code.push(int_op(Op::Div, [own(QUOTIENT), constant(0), own(DIVISOR), 0]));
        let top = code.len() as u32;
        code.push(bool_op(Op::Charge, [8, 0, 0, 0]));
        code.push(bool_op(Op::Jf, [top + 3, own(HANG), 0, 0]));
        code.push(bool_op(Op::Jmp, [top, 0, 0, 0]));
        code.push(bool_op(Op::Ret, [0; 4]));
        code
    }
}

fn types() -> Vec<Type> {
    let elementary = |name: &str, size, e| Type { name: name.to_owned(), size, kind: TypeKind::Elementary(e) };
    let field = |name: &str, offset, ty| Field {
        name: name.to_owned(),
        offset,
        ty,
        role: FieldRole::Local,
        retention: Retention::Unstated,
    };
    let fields = vec![
        field("temp", TEMP, BOOL),
        field("hang", HANG, BOOL),
        field("divisor", DIVISOR, DINT),
        field("count", COUNT, DINT),
        field("quotient", QUOTIENT, DINT),
    ];
    vec![
        elementary("BOOL", 1, Elementary::Bool),
        elementary("DINT", 4, Elementary::Dint),
        Type { name: "Main".to_owned(), size: INSTANCE_BYTES, kind: TypeKind::Instance { fields } },
        elementary("WORD", 2, Elementary::Word),
    ]
}

fn debug(instructions: usize) -> Debug {
    let place = |pc: usize| SourcePlace { pc: pc as u32, file: 0, line: 10 + pc as u32, column: 3, rung: 0 };
    Debug {
        files: vec!["test.ld".to_owned()],
        rungs: vec![Rung { pou: PouId(0), label: "copy".to_owned(), title: String::new(), file: 0, line: 9 }],
        places: (0..instructions).map(place).collect(),
    }
}

fn symbol(path: &str, place: Place, ty: TypeId, role: SymbolRole, address: &str) -> Symbol {
    Symbol {
        path: path.to_owned(),
        place,
        ty,
        role,
        retention: Retention::Unstated,
        constant: false,
        address: address.to_owned(),
        line: 1,
        file: 0,
    }
}

/// The WAGO sheet as the project ships it.
pub fn sheet() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../io-config/relays/wago-859-386.yaml");
    std::fs::read_to_string(path).unwrap()
}

/// Reads a map given as text, with the WAGO sheet as `wago.yaml` beside it; findings fail the test unless warnings.
pub fn map(text: &str, image: &Image) -> Arc<IoMap> {
    let files = Texts::new().with("map.yaml", text).with("wago.yaml", sheet());
    let loaded = load(Path::new("map.yaml"), &files, image);
    let shown: Vec<String> = loaded.findings.iter().map(ToString::to_string).collect();
    Arc::new(loaded.map.unwrap_or_else(|| panic!("{}", shown.join("\n"))))
}

/// The map of a program without one.
pub fn plain_map(image: &Image) -> Arc<IoMap> {
    Arc::new(simulated(image).unwrap())
}
