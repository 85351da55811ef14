//! Standard blocks as instructions against the bodies they stand for, run by the reference engine.

// Listings contain few of the roles and types there are.
#![allow(clippy::wildcard_enum_match_arm)]

use crate::vm::standard::listing::listing;
use crate::vm::standard::{BODIES, Standard, recognise};
use crate::vm::{Budget, Engine, Interpreter, Memory, TrapCode, reference::Reference};
use bytecode::image::{Access, DataSegment, Place, Pou, PouKind, ProgramInstance, Slot, Symbol, SymbolRole};
use bytecode::isa::{Extra, Role};
use bytecode::types::{Field, FieldRole, PouId, Retention, Type, TypeKind};
use bytecode::{Image, Instr, Op, Operand, ScalarType, TypeId, verify};
use std::collections::HashMap;

/// Where the program instance, the two instances of the block and its temporaries stand.
const PROGRAM: u32 = 0;
const FIRST: u32 = 64;
const SECOND: u32 = 128;
const TEMPORARIES: u32 = 192;
const BLOCK: TypeId = TypeId(11);
const AROUND: TypeId = TypeId(12);
const MAIN: TypeId = TypeId(13);

/// The bodies of the file: name, size, fields, lines.
fn sections() -> Vec<(&'static str, Vec<&'static str>)> {
    let sections = BODIES.split("block ").filter(|s| !s.trim().is_empty());
    let parsed = |s: &'static str| {
        let mut lines = s.lines().filter(|l| !l.trim().is_empty());
        (lines.next().unwrap().trim(), lines.collect())
    };
    sections.map(parsed).collect()
}

/// The same with the blocks they are.
fn blocks() -> Vec<(Standard, Vec<&'static str>)> {
    let named = |name| Standard::ALL.into_iter().find(|(n, _)| *n == name).unwrap().1;
    sections().into_iter().map(|(name, lines)| (named(name), lines)).collect()
}

fn scalar(name: &str) -> ScalarType {
    ScalarType::ALL.into_iter().find(|t| t.name() == name).unwrap()
}

fn field(offset: u32, ty: TypeId) -> Field {
    Field { name: format!("f{offset}"), offset, ty, role: FieldRole::Local, retention: Retention::Unstated }
}

fn instance(name: &str, size: u32, fields: Vec<Field>) -> Type {
    Type { name: name.to_owned(), size, kind: TypeKind::Instance { fields } }
}

/// Reads a listing back.
struct Assembler {
    image: Image,
    constants: HashMap<(ScalarType, u64), u32>,
    temporaries: HashMap<u32, ScalarType>,
}

impl Assembler {
    fn word(&mut self, text: &str, role: Role, instr: &Instr, pc: u32) -> u32 {
        match role {
            Role::Target => pc.wrapping_add_signed(text.parse().unwrap()),
            Role::Number => text.parse().unwrap(),
            Role::Read(ty) | Role::Write(ty) => {
                let ty = instr.role_type(ty).unwrap();
                match text.split_at(1) {
                    ("o", at) => Operand::own(at.parse().unwrap()).0,
                    ("t", number) => {
                        let number: u32 = number.parse().unwrap();
                        assert_eq!(*self.temporaries.entry(number).or_insert(ty), ty);
                        Operand::data(TEMPORARIES + 8 * number).0
                    }
                    ("=", bits) => self.constant(ty, u64::from_str_radix(bits, 16).unwrap()),
                    _ => panic!("{text}"),
                }
            }
            _ => panic!("{text}"),
        }
    }

    fn constant(&mut self, ty: ScalarType, bits: u64) -> u32 {
        let pool = &mut self.image.constants;
        let at = *self.constants.entry((ty, bits)).or_insert_with(|| {
            let at = pool.bytes.len() as u32;
            pool.slots.push(Slot { offset: at, ty: TypeId(u32::from(ty.code())) });
            pool.bytes.extend(bits.to_le_bytes());
            at
        });
        Operand::constant(at).0
    }

    fn line(&mut self, line: &str) {
        let mut words = line.split(' ');
        let mnemonic = words.next().unwrap();
        let op = Op::ALL.iter().copied().find(|o| o.mnemonic() == mnemonic).unwrap();
        let mut instr = Instr::new(op, scalar(words.next().unwrap()), [0; 4]);
        if op.extra() == Extra::Scalar {
            instr = instr.with_extra(u16::from(scalar(words.next().unwrap()).code()));
        }
        let pc = self.image.code.len() as u32;
        for (i, role) in op.roles().into_iter().enumerate() {
            if role != Role::None {
                instr.w[i] = self.word(words.next().unwrap(), role, &instr, pc);
            }
        }
        assert_eq!(words.next(), None, "{line}");
        self.image.code.push(instr);
    }
}

/// How the program calls the block.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    /// By name.
    Named,
    /// From the body of a block around it, which runs on an element of an array.
    Inside,
}

/// An image whose program moves the block's inputs from its own fields and calls it on the first instance. The fields
/// of the program that feed the inputs have the inputs' offsets.
fn image(lines: &[&str], block: Standard, way: Way) -> Image {
    let mut header = lines[0].split(' ');
    let size: u32 = header.next().unwrap().parse().unwrap();
    let mut types: Vec<Type> = ScalarType::ALL
        .iter()
        .map(|t| Type {
            name: t.name().to_owned(),
            size: t.size(),
            kind: TypeKind::Elementary(crate::vm::tests::rig::elementary(*t)),
        })
        .collect();
    let fields = header
        .skip(1)
        .map(|text| {
            let (ty, at) = text.split_once('@').unwrap();
            field(at.parse().unwrap(), TypeId(u32::from(scalar(ty).code())))
        })
        .collect();
    types.push(instance("BLOCK", size, fields));
    types.push(instance("AROUND", size, vec![field(0, BLOCK)]));
    let inputs = block.inputs();
    types.push(instance("MAIN", 64, inputs.iter().map(|(at, t)| field(*at, TypeId(u32::from(t.code())))).collect()));
    let mut assembler = Assembler {
        image: Image { name: "standard".to_owned(), types, ..Image::default() },
        constants: HashMap::new(),
        temporaries: HashMap::new(),
    };
    lines[1..].iter().for_each(|line| assembler.line(line));
    let body_end = assembler.image.code.len() as u32;
    let zero_index = Operand(assembler.constant(ScalarType::I32, 0));
    let mut image = assembler.image;
    let mut code = vec![Instr::new(Op::Charge, ScalarType::Bool, [inputs.len() as u32 + 3, 0, 0, 0])];
    code.extend(
        inputs.iter().map(|(at, t)| Instr::new(Op::Mov, *t, [Operand::data(FIRST + at).0, Operand::own(*at).0, 0, 0])),
    );
    let index = zero_index.0;
    code.push(match way {
        Way::Named => Instr::new(Op::CallI, ScalarType::Bool, [0, Operand::data(FIRST).0, 0, 0]),
        Way::Inside => Instr::new(Op::CallX, ScalarType::Bool, [1, Operand::data(FIRST).0, index, 0]),
    });
    code.push(Instr::new(Op::Ret, ScalarType::Bool, [0; 4]));
    image.code.extend([
        Instr::new(Op::Charge, ScalarType::Bool, [3, 0, 0, 0]),
        Instr::new(Op::CallI, ScalarType::Bool, [0, Operand::own(0).0, 0, 0]),
        Instr::new(Op::Ret, ScalarType::Bool, [0; 4]),
    ]);
    let around_end = image.code.len() as u32;
    image.code.extend(code);
    image.accesses.push(Access { lower: 0, count: 1, stride: size });
    let mut slots: Vec<Slot> = vec![
        Slot { offset: PROGRAM, ty: MAIN },
        Slot { offset: FIRST, ty: AROUND },
        Slot { offset: SECOND, ty: BLOCK },
    ];
    let mut temporaries: Vec<(u32, ScalarType)> = assembler.temporaries.into_iter().collect();
    temporaries.sort_unstable();
    slots
        .extend(temporaries.iter().map(|(n, t)| Slot { offset: TEMPORARIES + 8 * n, ty: TypeId(u32::from(t.code())) }));
    image.data = DataSegment { size: TEMPORARIES + 256, slots, ..DataSegment::default() };
    let pou = |name: &str, kind, entry, end, ty| Pou {
        name: name.to_owned(),
        kind,
        entry,
        end,
        instance: Some(ty),
        references: vec![],
    };
    image.pous = vec![
        pou("block", PouKind::FunctionBlock, 0, body_end, BLOCK),
        pou("around", PouKind::FunctionBlock, body_end, around_end, AROUND),
        pou("main", PouKind::Program, around_end, image.code.len() as u32, MAIN),
    ];
    image.programs = vec![ProgramInstance { name: "main".to_owned(), pou: PouId(2), offset: PROGRAM }];
    image
}

/// Values worth starting a field with.
fn values(ty: ScalarType, field_offset: u32) -> Vec<i64> {
    match ty {
        ScalarType::Bool => vec![0, 1],
        ScalarType::I16 => vec![i64::from(i16::MIN), -1, 0, 1, 2, i64::from(i16::MAX)],
        // Preset, elapsed time, start.
        ScalarType::I64 if field_offset == 24 => vec![0, 7],
        ScalarType::I64 => vec![i64::MIN, -5, 0, 1, 10, 990, 999, 1000, 1001, i64::MAX],
        _ => panic!("{ty}"),
    }
}

#[test]
fn every_block_of_the_list_has_a_body_and_is_recognised() {
    let names: Vec<&str> = sections().iter().map(|(name, _)| *name).collect();
    for (name, _) in Standard::ALL {
        assert!(names.contains(&name), "{name}: {names:?}");
    }
    for (block, lines) in blocks() {
        let found = recognise(&image(&lines, block, Way::Named));
        assert_eq!(found[0].map(|f| f.block), Some(block));
        assert!(found[1].is_none());
    }
}

/// The library's blocks in one program; the compiler leaves out what nobody uses.
fn library(optimise: bool) -> Image {
    let declared: String = Standard::ALL.iter().map(|(name, _)| format!("i_{name} : {name};\n")).collect();
    let calls: String = Standard::ALL.iter().map(|(name, _)| format!("i_{name}();\n")).collect();
    let text = format!("PROGRAM p\nVAR\n{declared}END_VAR\n{calls}END_PROGRAM\n");
    let mut sources = compiler::source::SourceMap::new();
    let file = sources.add("library.st", text);
    let compiled = compiler::compile(&sources, &[file], compiler::Options { optimise });
    compiled.image.unwrap_or_else(|| panic!("{:?}", compiled.diagnostics))
}

/// What the file should hold: optimised bodies, and where they differ the others too.
fn expected_bodies() -> String {
    let (optimised, plain) = (library(true), library(false));
    let mut text = String::new();
    for (name, _) in Standard::ALL {
        let listed = |image: &Image| {
            let pou = image.pous.iter().find(|p| p.name == name).unwrap_or_else(|| panic!("no {name}"));
            listing(image, pou).unwrap_or_else(|| panic!("{name} holds more than scalar operations"))
        };
        let mut variants = vec![listed(&optimised), listed(&plain)];
        variants.dedup();
        variants.iter().for_each(|body| text.push_str(&format!("block {name}\n{body}")));
    }
    text
}

#[test]
fn the_blocks_of_a_compiled_program_are_recognised() {
    let image = library(true);
    let found = recognise(&image);
    for (name, block) in Standard::ALL {
        let number = image.pous.iter().position(|p| p.name == name).unwrap();
        assert_eq!(found[number].map(|f| f.block), Some(block), "{name}");
    }
}

/// When this fails, the library or the compiler changed. `UPDATE_BODIES=1 cargo test -p runtime standard` writes the
/// file anew; the other tests here then say whether the instructions still do the same.
#[test]
fn the_list_is_what_the_compiler_makes_of_the_library() {
    let expected = expected_bodies();
    if std::env::var_os("UPDATE_BODIES").is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/vm/standard/bodies.txt");
        std::fs::write(path, &expected).unwrap();
        return;
    }
    for (number, (expected, held)) in expected.lines().zip(BODIES.lines()).enumerate() {
        assert_eq!(expected, held, "line {}", number + 1);
    }
    assert_eq!(expected.lines().count(), BODIES.lines().count());
}

#[test]
fn a_block_does_what_its_body_does_in_every_state() {
    let ways = [Way::Named, Way::Inside];
    for ((block, lines), way) in blocks().into_iter().flat_map(|b| ways.map(|way| (b.clone(), way))) {
        let image = verify(image(&lines, block, way)).unwrap();
        let fields: Vec<(u32, ScalarType)> =
            image.types[11].fields().iter().map(|f| (f.offset, image.ty(f.ty).unwrap().scalar().unwrap())).collect();
        let inputs = block.inputs();
        let (mut reference, mut interpreter) = (Reference::load(&image), Interpreter::load(&image));
        let (mut expected, mut got) = (Memory::new(&image), Memory::new(&image));
        let choices: Vec<Vec<i64>> = fields.iter().map(|(at, ty)| values(*ty, *at)).collect();
        let states: usize = choices.iter().map(Vec::len).product();
        for state in 0..states {
            let mut rest = state;
            for ((at, ty), choice) in fields.iter().zip(&choices) {
                let bits = choice[rest % choice.len()].cast_unsigned();
                rest /= choice.len();
                for memory in [&mut expected, &mut got] {
                    // What the program moves comes from the program; the field itself starts with something else.
                    let is_input = inputs.contains(&(*at, *ty));
                    let place = |base| bytecode::image::Place::Byte(base + at);
                    assert!(memory.write(place(FIRST), *ty, if is_input { 1 - (bits & 1) } else { bits }));
                    if is_input {
                        assert!(memory.write(place(PROGRAM), *ty, bits));
                    }
                }
            }
            for now_ns in [1000, i64::MAX] {
                let (mut left, mut left_too) = (Budget::new(80), Budget::new(80));
                let one = reference.run(&mut expected, 0, now_ns, &mut left);
                let two = interpreter.run(&mut got, 0, now_ns, &mut left_too);
                assert_eq!((one, left), (two, left_too), "{block:?} {way:?}, state {state}");
                assert_eq!(one, Ok(()), "{block:?}");
                let own = FIRST as usize..FIRST as usize + image.types[11].size as usize;
                assert_eq!(
                    expected.data()[own.clone()],
                    got.data()[own],
                    "{block:?} {way:?}, state {state}, now {now_ns}"
                );
            }
        }
    }
}

#[test]
fn a_spent_budget_stops_at_the_body_of_the_block() {
    let ways = [(Way::Named, 10), (Way::Inside, 13)];
    for ((block, lines), (way, units)) in blocks().into_iter().flat_map(|b| ways.map(|way| (b.clone(), way))) {
        let image = verify(image(&lines, block, way)).unwrap();
        let mut outcomes = Vec::new();
        let engines: [Box<dyn Engine>; 2] = [Box::new(Reference::load(&image)), Box::new(Interpreter::load(&image))];
        for mut engine in engines {
            // The charges around are paid for, the block's not always.
            let mut budget = Budget::new(units);
            outcomes.push((engine.run(&mut Memory::new(&image), 0, 0, &mut budget), budget));
        }
        assert_eq!(outcomes[0], outcomes[1], "{block:?}");
        if outcomes[0].0.is_err() {
            let trap = outcomes[0].0.map_err(|t| (t.code, t.pc, t.value));
            assert_eq!(trap, Err((TrapCode::BudgetSpent, 0, 0)), "{block:?}");
            // The body is at the start of the code, the call that led there is not.
            assert!(outcomes[0].0.is_err_and(|t| t.via > 0), "{block:?}");
        }
    }
}

#[test]
fn a_body_whose_temporaries_another_pou_reads_runs_as_code() {
    let (block, lines) = blocks().into_iter().find(|(_, l)| l.iter().any(|l| l.contains(" t0"))).unwrap();
    let mut image = image(&lines, block, Way::Named);
    assert!(recognise(&image)[0].is_some());
    let temporary = image.data.slots[3];
    let ty = image.types[temporary.ty.0 as usize].scalar().unwrap();
    let end = image.code.len() - 1;
    let to = Operand::data(TEMPORARIES + 8 * 20).0;
    image.data.slots.push(Slot { offset: TEMPORARIES + 8 * 20, ty: temporary.ty });
    image.code.insert(end, Instr::new(Op::Mov, ty, [to, Operand::data(temporary.offset).0, 0, 0]));
    image.pous[2].end += 1;
    assert!(recognise(&image)[0].is_none());
}

#[test]
fn a_temporary_with_a_name_or_within_something_larger_is_written() {
    let (block, lines) = blocks().into_iter().find(|(_, l)| l.iter().any(|l| l.contains(" t0"))).unwrap();
    let image = image(&lines, block, Way::Named);
    let temporary = image.data.slots[3];
    let mut named = image.clone();
    named.symbols.push(Symbol {
        path: "main.temporary".to_owned(),
        place: Place::Byte(temporary.offset),
        ty: temporary.ty,
        role: SymbolRole::Variable,
        retention: Retention::Unstated,
        constant: false,
        address: String::new(),
        line: 1,
        file: 0,
    });
    assert!(recognise(&named)[0].is_none());
    let mut larger = image;
    larger.data.slots[3].ty = BLOCK;
    assert!(recognise(&larger)[0].is_none());
}

#[test]
fn one_instruction_more_and_it_is_another_block() {
    let (_, lines) = sections().into_iter().find(|(n, _)| *n == "TON").unwrap();
    let mut longer = lines.clone();
    longer.insert(2, "mov bool o16 o16");
    assert!(recognise(&image(&longer, Standard::Ton, Way::Named))[0].is_none());
    // The same code on another layout is another block too.
    let moved = lines[0].replace("bool@32", "bool@33");
    let mut elsewhere = lines.clone();
    elsewhere[0] = &moved;
    assert!(recognise(&image(&elsewhere, Standard::Ton, Way::Named))[0].is_none());
}
