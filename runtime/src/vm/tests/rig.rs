//! Images built by hand: a table of types that every test shares, and a small assembler.

use crate::vm::{Budget, Engine, Interpreter, Memory, Native, Trap, reference::Reference};
use bytecode::image::{Access, DataSegment, Pou, PouKind, ProgramInstance, Slot};
use bytecode::scalar::Scalar;
use bytecode::types::{Dimension, Elementary, Field, FieldRole, PouId, Retention, Type, TypeKind};
use bytecode::{Image, Instr, Op, Operand, ScalarType, TypeId, VerifiedImage, verify};

/// The type table: the scalar types at their codes, then these.
pub(in crate::vm) const ARRAY_OF: u32 = 11;
pub(in crate::vm) const SPARSE: TypeId = TypeId(22);
pub(in crate::vm) const INNER: TypeId = TypeId(23);
pub(in crate::vm) const INNERS: TypeId = TypeId(24);
pub(in crate::vm) const OUTER: TypeId = TypeId(25);
pub(in crate::vm) const MAIN: TypeId = TypeId(26);

/// Elements of arrays: indices -1 to 3.
pub(in crate::vm) const ELEMENTS: u32 = 5;
pub(in crate::vm) const LOWER: i32 = -1;

/// Offsets within `INNER`, `OUTER` and `MAIN`. Scalars of type `t` stand at `8 * t` of each.
pub(in crate::vm) const INNER_ARRAY: u32 = 88;
pub(in crate::vm) const INNER_BYTES: u32 = 112;
pub(in crate::vm) const OUTER_INNER: u32 = 88;
pub(in crate::vm) const OUTER_INNERS: u32 = 200;
pub(in crate::vm) const OUTER_BYTES: u32 = 536;
pub(in crate::vm) const BANK: u32 = 88;
pub(in crate::vm) const MAIN_ARRAYS: u32 = 264;
pub(in crate::vm) const MAIN_SPARSE: u32 = 704;
pub(in crate::vm) const MAIN_OUTER: u32 = 736;
pub(in crate::vm) const MAIN_INNERS: u32 = 1272;
pub(in crate::vm) const MAIN_BYTES: u32 = 1608;

/// The data segment: process image (4 inputs, 4 outputs, 8 flags), frames of four POUs, two mains, an inner.
pub(in crate::vm) const INPUTS: u32 = 4;
pub(in crate::vm) const IMAGE_BYTES: u32 = 16;
pub(in crate::vm) const FRAMES: u32 = 16;
pub(in crate::vm) const MAIN_1: u32 = 368;
pub(in crate::vm) const MAIN_2: u32 = MAIN_1 + MAIN_BYTES;
pub(in crate::vm) const GLOBAL_INNER: u32 = MAIN_2 + MAIN_BYTES;
pub(in crate::vm) const DATA_BYTES: u32 = GLOBAL_INNER + INNER_BYTES;

/// Access rows.
pub(in crate::vm) const ADJACENT: u32 = 0; // + size code
pub(in crate::vm) const SPARSE_ROW: u32 = 4;
pub(in crate::vm) const INNER_ROW: u32 = 5;
pub(in crate::vm) const SPARSE_LOWER: i32 = 100_000;

/// Constants of each type, at `32 * type + 8 * number` of the pool.
pub(in crate::vm) const CONSTANTS: u32 = 4;

pub(in crate::vm) fn elementary(t: ScalarType) -> Elementary {
    match t {
        ScalarType::Bool => Elementary::Bool,
        ScalarType::I8 => Elementary::Sint,
        ScalarType::U8 => Elementary::Usint,
        ScalarType::I16 => Elementary::Int,
        ScalarType::U16 => Elementary::Uint,
        ScalarType::I32 => Elementary::Dint,
        ScalarType::U32 => Elementary::Udint,
        ScalarType::I64 => Elementary::Lint,
        ScalarType::U64 => Elementary::Ulint,
        ScalarType::F32 => Elementary::Real,
        ScalarType::F64 => Elementary::Lreal,
    }
}

fn field(offset: u32, ty: TypeId) -> Field {
    Field { name: format!("f{offset}"), offset, ty, role: FieldRole::Local, retention: Retention::Unstated }
}

fn scalars_at(start: u32) -> impl Iterator<Item = Field> {
    ScalarType::ALL.into_iter().map(move |t| field(start + 8 * u32::from(t.code()), TypeId(u32::from(t.code()))))
}

fn instance(name: &str, size: u32, fields: Vec<Field>) -> Type {
    Type { name: name.to_owned(), size, kind: TypeKind::Instance { fields } }
}

fn array(element: TypeId, stride: u32, count: u32, lower: i32) -> Type {
    let upper = lower + i32::try_from(count).unwrap() - 1;
    let kind = TypeKind::Array { element, dimensions: vec![Dimension { lower, upper }], stride };
    Type { name: "ARRAY".to_owned(), size: stride * count, kind }
}

fn types() -> Vec<Type> {
    let mut types: Vec<Type> = ScalarType::ALL
        .iter()
        .map(|t| Type { name: t.name().to_owned(), size: t.size(), kind: TypeKind::Elementary(elementary(*t)) })
        .collect();
    types.extend(ScalarType::ALL.iter().map(|t| array(TypeId(u32::from(t.code())), t.size(), ELEMENTS, LOWER)));
    types.push(array(TypeId(u32::from(ScalarType::I16.code())), 8, 4, SPARSE_LOWER));
    let inner = scalars_at(0).chain([field(INNER_ARRAY, array_of(ScalarType::I32))]).collect();
    types.push(instance("INNER", INNER_BYTES, inner));
    types.push(array(INNER, INNER_BYTES, 3, 0));
    let outer = scalars_at(0).chain([field(OUTER_INNER, INNER), field(OUTER_INNERS, INNERS)]).collect();
    types.push(instance("OUTER", OUTER_BYTES, outer));
    let main = scalars_at(0)
        .chain(scalars_at(BANK))
        .chain(scalars_at(2 * BANK))
        .chain(ScalarType::ALL.into_iter().map(|t| field(main_array(t), array_of(t))))
        .chain([field(MAIN_SPARSE, SPARSE), field(MAIN_OUTER, OUTER), field(MAIN_INNERS, INNERS)])
        .collect();
    types.push(instance("MAIN", MAIN_BYTES, main));
    types
}

pub(in crate::vm) fn array_of(t: ScalarType) -> TypeId {
    TypeId(ARRAY_OF + u32::from(t.code()))
}

pub(in crate::vm) fn main_array(t: ScalarType) -> u32 {
    MAIN_ARRAYS + 40 * u32::from(t.code())
}

/// Values worth computing with, as bits.
pub(in crate::vm) fn constant_bits(t: ScalarType, number: u32) -> u64 {
    let pick = |values: [u64; 4]| values[number as usize];
    match t {
        ScalarType::Bool => pick([0, 1, 0, 1]),
        ScalarType::F32 => pick([0.0f32, 1.5, -7.25, f32::INFINITY].map(Scalar::to_bits)),
        ScalarType::F64 => pick([0.0f64, 2.5, -1e10, f64::NAN].map(Scalar::to_bits)),
        _ => pick([0, 1, 3, u64::MAX >> (64 - t.bits())]),
    }
}

pub(in crate::vm) fn constant(t: ScalarType, number: u32) -> Operand {
    Operand::constant(32 * u32::from(t.code()) + 8 * number)
}

/// A POU as a test writes it; the charge at its start is added.
pub(in crate::vm) struct Body {
    pub kind: PouKind,
    pub instance: Option<TypeId>,
    pub references: Vec<TypeId>,
    pub code: Vec<Instr>,
}

impl Body {
    pub(in crate::vm) fn main(code: Vec<Instr>) -> Self {
        Self { kind: PouKind::Program, instance: Some(MAIN), references: Vec::new(), code }
    }
}

pub(in crate::vm) fn ins(op: Op, ty: ScalarType, w: [u32; 4]) -> Instr {
    Instr::new(op, ty, w)
}

pub(in crate::vm) fn ret() -> Instr {
    ins(Op::Ret, ScalarType::Bool, [0; 4])
}

/// An image of these POUs (targets of branches count from the body's first instruction, which is its charge); the
/// last one is the program, with two instances.
pub(in crate::vm) fn image(bodies: Vec<Body>) -> Image {
    let mut image = Image { name: "rig".to_owned(), types: types(), ..Image::default() };
    let mut slots = Vec::new();
    for frame in 0..4 {
        for t in ScalarType::ALL {
            let code = u32::from(t.code());
            slots.push(Slot { offset: FRAMES + frame * BANK + 8 * code, ty: TypeId(code) });
        }
    }
    slots.push(Slot { offset: MAIN_1, ty: MAIN });
    slots.push(Slot { offset: MAIN_2, ty: MAIN });
    slots.push(Slot { offset: GLOBAL_INNER, ty: INNER });
    image.data = DataSegment {
        input_bytes: INPUTS,
        output_bytes: 4,
        flag_bytes: 8,
        size: DATA_BYTES,
        slots,
        initial: Vec::new(),
    };
    for t in ScalarType::ALL {
        for number in 0..CONSTANTS {
            let at = image.constants.bytes.len() as u32;
            assert_eq!(at, constant(t, number).offset());
            image.constants.slots.push(Slot { offset: at, ty: TypeId(u32::from(t.code())) });
            image.constants.bytes.extend(constant_bits(t, number).to_le_bytes());
        }
    }
    for size in [1, 2, 4, 8] {
        image.accesses.push(Access { lower: LOWER, count: ELEMENTS, stride: size });
    }
    image.accesses.push(Access { lower: SPARSE_LOWER, count: 4, stride: 8 });
    image.accesses.push(Access { lower: 0, count: 3, stride: INNER_BYTES });
    let last = bodies.len() - 1;
    for (number, body) in bodies.into_iter().enumerate() {
        let entry = image.code.len() as u32;
        let weight = body.code.len() as u32 + 1;
        image.code.push(ins(Op::Charge, ScalarType::Bool, [weight, 0, 0, 0]));
        image.code.extend(body.code.into_iter().map(|mut i| {
            if i.op.is_branch() {
                i.w[0] += entry;
            }
            i
        }));
        image.pous.push(Pou {
            name: format!("pou{number}"),
            kind: body.kind,
            entry,
            end: image.code.len() as u32,
            instance: body.instance,
            references: body.references,
        });
    }
    for (name, offset) in [("one", MAIN_1), ("two", MAIN_2)] {
        image.programs.push(ProgramInstance { name: name.to_owned(), pou: PouId(last as u32), offset });
    }
    image
}

/// A copy of the image that needs the wide form: 70,000 bytes of data before everything that is not process image.
pub(in crate::vm) fn widened(image: &Image) -> Image {
    const SHIFT: u32 = 70_000;
    let moved = |offset: u32| if offset < IMAGE_BYTES { offset } else { offset + SHIFT };
    let mut wide = image.clone();
    wide.data.size += SHIFT;
    wide.data.slots.iter_mut().for_each(|s| s.offset = moved(s.offset));
    wide.data.initial.iter_mut().for_each(|(at, _)| *at = moved(*at));
    wide.programs.iter_mut().for_each(|p| p.offset = moved(p.offset));
    for i in &mut wide.code {
        for (role, word) in i.op.roles().into_iter().zip(&mut i.w) {
            use bytecode::isa::Role;
            let is_operand = !matches!(
                role,
                Role::None | Role::Access | Role::Target | Role::Pou | Role::Type | Role::RefIndex | Role::Number
            );
            if is_operand && Operand(*word).window() == Some(bytecode::Window::Data) {
                *word = moved(*word);
            }
        }
    }
    wide
}

pub(in crate::vm) fn verified(image: Image) -> VerifiedImage {
    match verify(image.clone()) {
        Ok(image) => image,
        Err(e) => panic!("{e}\n{}", bytecode::disasm::disassemble(&image)),
    }
}

/// The outcome of one run: trap, budget left, data segment.
pub(in crate::vm) type Outcome = (Result<(), Trap>, u64, Vec<u8>);

/// Runs one program instance once on an engine.
pub(in crate::vm) fn run_on<E: Engine>(engine: &mut E, memory: &mut Memory, program: usize, budget: u64) -> Outcome {
    let mut budget = Budget::new(budget);
    let result = engine.run(memory, program, 1_234_567_890_123, &mut budget);
    (result, budget.left(), memory.data().to_vec())
}

/// Native code of the image, which this machine must have where the build has it.
pub(in crate::vm) fn native(image: &VerifiedImage, inline: bool) -> Native {
    let engine = if inline { Native::load(image) } else { Native::load_without_inlining(image) };
    let expected = cfg!(all(feature = "native", any(target_arch = "x86_64", target_arch = "aarch64")));
    assert_eq!(engine.fallback().is_none(), expected, "{:?}", engine.fallback());
    engine
}

/// Runs both program instances `scans` times on the reference engine, on both forms of the interpreter and on native
/// code with and without inlining, with `prepare` writing to the data segment's start before each scan; all must agree.
/// Returns the outcome of the last run.
pub(in crate::vm) fn agree(image: &Image, scans: u64, budget: u64, prepare: impl Fn(u64, &mut Memory)) -> Outcome {
    let narrow = verified(image.clone());
    let wide = verified(widened(image));
    let mut reference = (Reference::load(&narrow), Memory::new(&narrow));
    let mut interpreter = (Interpreter::load(&narrow), Memory::new(&narrow));
    let mut far = (Interpreter::load(&wide), Memory::new(&wide));
    let mut natives = [true, false].map(|inline| (native(&narrow, inline), Memory::new(&narrow)));
    let mut last = None;
    for scan in 0..scans {
        for program in 0..2 {
            let [inlined, called] = &mut natives;
            for memory in [&mut reference.1, &mut interpreter.1, &mut far.1, &mut inlined.1, &mut called.1] {
                prepare(scan, memory);
            }
            let expected = run_on(&mut reference.0, &mut reference.1, program, budget);
            let got = run_on(&mut interpreter.0, &mut interpreter.1, program, budget);
            same(&expected, &got, image, "narrow", scan);
            let mut got = run_on(&mut far.0, &mut far.1, program, budget);
            got.2.drain(IMAGE_BYTES as usize..IMAGE_BYTES as usize + 70_000);
            same(&expected, &got, image, "wide", scan);
            for (form, (engine, memory)) in ["native", "native, nothing inlined"].into_iter().zip(&mut natives) {
                let mut got = run_on(engine, memory, program, budget);
                if expected.0.is_err() {
                    // After a trap, data are diagnostic, and native code leaves out what it need not store.
                    memory.data_mut().copy_from_slice(&expected.2);
                    got.2.copy_from_slice(&expected.2);
                }
                same(&expected, &got, image, form, scan);
            }
            last = Some(expected);
        }
    }
    last.unwrap()
}

fn same(expected: &Outcome, got: &Outcome, image: &Image, form: &str, scan: u64) {
    if expected != got {
        let differs: Vec<usize> =
            (0..expected.2.len()).filter(|i| expected.2.get(*i) != got.2.get(*i)).take(20).collect();
        panic!(
            "{form}, scan {scan}: expected {:?} {}, got {:?} {}, data differs at {differs:?}\n{}",
            expected.0,
            expected.1,
            got.0,
            got.1,
            bytecode::disasm::disassemble(image)
        );
    }
}
