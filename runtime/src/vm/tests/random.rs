//! Random verified programs: the reference engine and both forms of the interpreter must agree on every byte of the
//! data segment, the budget left and the trap.
//!
//! The generator writes what a compiler would not: stores nobody reads, loops without end, indices out of bounds,
//! references never bound, blocks called three ways. A failing case names its seed; `SEED=n cargo test -p runtime
//! random` runs that one.

use super::rig::*;
use crate::vm::Memory;
use bytecode::image::PouKind;
use bytecode::isa::{Class, Extra, Role, Ty};
use bytecode::{Image, Instr, Op, Operand, ScalarType, TypeId};

/// A small generator of its own, so that a seed means the same program for ever (xorshift64*).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }
    fn below(&mut self, n: u32) -> u32 {
        ((self.next() >> 33) % u64::from(n)) as u32
    }
    fn one_in(&mut self, n: u32) -> bool {
        self.below(n) == 0
    }
    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u32) as usize]
    }
}

/// What is known of each POU: function, inner block, outer block, program.
const FUNCTION: u32 = 0;
const INNER_POU: u32 = 1;
const OUTER_POU: u32 = 2;
const PROGRAM: u32 = 3;

fn references(pou: u32) -> Vec<TypeId> {
    match pou {
        FUNCTION => vec![TypeId(u32::from(ScalarType::I32.code())), INNER],
        INNER_POU => vec![TypeId(u32::from(ScalarType::Bool.code())), array_of(ScalarType::I32)],
        OUTER_POU => vec![TypeId(u32::from(ScalarType::F32.code())), INNER],
        _ => vec![],
    }
}

struct Generator {
    random: Random,
    pou: u32,
    code: Vec<Instr>,
    /// Offsets of the image's outputs and flags are not bool; bits of them are.
    depth: u32,
}

impl Generator {
    fn scalar_type(&mut self) -> ScalarType {
        if self.random.one_in(3) {
            return ScalarType::Bool;
        }
        self.random.pick(&ScalarType::ALL)
    }

    /// A scalar of this type that may be read.
    fn read(&mut self, t: ScalarType) -> Operand {
        if self.random.one_in(5) {
            return constant(t, self.random.below(CONSTANTS));
        }
        if t != ScalarType::Bool && t.size() <= INPUTS && self.random.one_in(12) {
            return Operand::data(self.random.below(INPUTS - t.size() + 1));
        }
        self.write(t)
    }

    /// A scalar of this type that may be written.
    fn write(&mut self, t: ScalarType) -> Operand {
        let at = 8 * u32::from(t.code());
        let scalar = TypeId(u32::from(t.code()));
        loop {
            match self.random.below(8) {
                0 if t != ScalarType::Bool => {
                    // Outputs at 4..8 and flags at 8..16; eight bytes fit the flags only.
                    let room = 8 - t.size() + 1;
                    return Operand::data(8 + self.random.below(room));
                }
                1 | 2 => return Operand::data(FRAMES + BANK * self.pou + at),
                3 if self.random.one_in(3) => return Operand::data(GLOBAL_INNER + at),
                4 | 5 if self.pou != FUNCTION => return Operand::own(at),
                6 => match self.pou {
                    OUTER_POU => return Operand::own(OUTER_INNER + at),
                    PROGRAM => return Operand::own(BANK * self.random.below(3) + at),
                    _ => {}
                },
                7 => {
                    let targets = references(self.pou);
                    if !targets.is_empty() {
                        let index = self.random.below(targets.len() as u32);
                        if targets[index as usize] == scalar {
                            return Operand::behind(index as u8, 0);
                        }
                        if targets[index as usize] == INNER {
                            return Operand::behind(index as u8, at);
                        }
                    }
                }
                _ => {}
            }
        }
    }

    fn push(&mut self, op: Op, t: ScalarType, w: [u32; 4]) {
        self.code.push(ins(op, t, w));
    }

    /// An index that is often inside the bounds `lower..lower + 5`.
    fn index(&mut self) -> u32 {
        if self.random.one_in(4) {
            return self.read(ScalarType::I32).0;
        }
        // 0, 1, 3 and -1: inside all but the sparse array.
        constant(ScalarType::I32, self.random.below(CONSTANTS)).0
    }

    fn pure(&mut self, op: Op, t: ScalarType) {
        let mut instr = ins(op, t, [0; 4]);
        if op.extra() == Extra::Scalar {
            let from = loop {
                let from = self.random.pick(&ScalarType::ALL);
                let admitted = match op {
                    Op::Trunc => from.is_float(),
                    Op::Bits => from.size() == t.size() && from != ScalarType::Bool && t != ScalarType::Bool,
                    _ => true,
                };
                if admitted {
                    break from;
                }
                if op == Op::Bits && t == ScalarType::Bool {
                    return;
                }
            };
            instr = instr.with_extra(u16::from(from.code()));
        }
        for (i, role) in op.roles().into_iter().enumerate() {
            let type_of = |t: Ty| instr.role_type(t).unwrap();
            match role {
                Role::Write(ty) => instr.w[i] = self.write(type_of(ty)).0,
                Role::Read(ty) => instr.w[i] = self.read(type_of(ty)).0,
                _ => {}
            }
        }
        self.code.push(instr);
    }

    fn any_pure(&mut self) {
        loop {
            let op = self.random.pick(Op::ALL);
            let roles = op.roles();
            let is_pure = roles.iter().all(|r| matches!(r, Role::None | Role::Read(_) | Role::Write(_)))
                && matches!(roles[0], Role::Write(_))
                && op.class() != Class::Long;
            let t = self.scalar_type();
            let traps = matches!(op, Op::Div | Op::Mod) && !self.random.one_in(4);
            if is_pure && op.class().admits(t) && !traps {
                return self.pure(op, t);
            }
        }
    }

    fn boolean_run(&mut self) {
        let ops = [Op::And, Op::Or, Op::Xor, Op::AndNot, Op::OrNot, Op::Not, Op::Mov, Op::Eq, Op::Lt, Op::Le, Op::Sel];
        for _ in 0..2 + self.random.below(14) {
            let op = self.random.pick(&ops);
            self.pure(op, ScalarType::Bool);
        }
    }

    fn bit(&mut self) {
        let bit = self.random.below(8) as u16;
        if self.random.one_in(2) {
            let (to, byte) = (self.write(ScalarType::Bool), self.random.below(IMAGE_BYTES));
            let instr = ins(Op::LdBit, ScalarType::Bool, [to.0, Operand::data(byte).0, 0, 0]);
            self.code.push(instr.with_extra(bit));
        } else {
            let from = self.read(ScalarType::Bool);
            let byte = INPUTS + self.random.below(IMAGE_BYTES - INPUTS);
            let instr = ins(Op::StBit, ScalarType::Bool, [Operand::data(byte).0, from.0, 0, 0]);
            self.code.push(instr.with_extra(bit));
        }
    }

    fn element(&mut self) {
        let (t, base, row) = match self.pou {
            FUNCTION => (ScalarType::I32, Operand::behind(1, INNER_ARRAY), ADJACENT + 2),
            INNER_POU if self.random.one_in(2) => (ScalarType::I32, Operand::behind(1, 0), ADJACENT + 2),
            INNER_POU => (ScalarType::I32, Operand::own(INNER_ARRAY), ADJACENT + 2),
            OUTER_POU => {
                // A field of every inner block of the array.
                let t = self.random.pick(&ScalarType::ALL);
                (t, Operand::own(OUTER_INNERS + 8 * u32::from(t.code())), INNER_ROW)
            }
            _ if self.random.one_in(6) => (ScalarType::I16, Operand::own(MAIN_SPARSE), SPARSE_ROW),
            _ => {
                let t = self.random.pick(&ScalarType::ALL);
                (t, Operand::own(main_array(t)), ADJACENT + t.size().trailing_zeros())
            }
        };
        let index = self.index();
        if self.random.one_in(2) {
            let to = self.write(t);
            self.push(Op::LdX, t, [to.0, base.0, index, row]);
        } else {
            let from = self.read(t);
            self.push(Op::StX, t, [base.0, index, row, from.0]);
        }
    }

    fn bound(&mut self) {
        let t = loop {
            let t = self.random.pick(&ScalarType::ALL);
            if t.is_int() {
                break t;
            }
        };
        let (to, from) = (self.write(ScalarType::I32), self.read(t));
        let lower = self.random.below(3) as i32 - 2;
        let upper = lower + self.random.pick(&[5, 300, i32::MAX - 1]);
        self.push(Op::Bound, t, [to.0, from.0, lower.cast_unsigned(), upper.cast_unsigned()]);
    }

    /// A place of type `INNER`.
    fn inner(&mut self) -> Operand {
        match (self.pou, self.random.below(3)) {
            (PROGRAM, 0) => Operand::own(MAIN_OUTER + OUTER_INNER),
            (PROGRAM, 1) => Operand::own(MAIN_INNERS + INNER_BYTES * self.random.below(3)),
            (OUTER_POU, 0) => Operand::own(OUTER_INNER),
            (OUTER_POU | FUNCTION, 1) => Operand::behind(1, 0),
            _ => Operand::data(GLOBAL_INNER),
        }
    }

    fn array_of_i32(&mut self) -> Operand {
        match self.pou {
            PROGRAM if self.random.one_in(2) => Operand::own(main_array(ScalarType::I32)),
            _ => {
                let inner = self.inner();
                match inner.window() {
                    Some(bytecode::Window::Ref) => Operand::behind(inner.reference(), inner.offset() + INNER_ARRAY),
                    _ => Operand(inner.0 + INNER_ARRAY),
                }
            }
        }
    }

    fn bind_references(&mut self, pou: u32) {
        for (number, target) in references(pou).into_iter().enumerate() {
            if self.random.one_in(12) {
                continue;
            }
            let place = if target == INNER {
                self.inner()
            } else if target == array_of(ScalarType::I32) {
                self.array_of_i32()
            } else {
                let t = ScalarType::ALL[target.0 as usize];
                loop {
                    let place = self.write(t);
                    let in_image = place.window() == Some(bytecode::Window::Data) && place.offset() < IMAGE_BYTES;
                    if !in_image {
                        break place;
                    }
                }
            };
            self.push(Op::Bind, ScalarType::Bool, [pou, number as u32, place.0, 0]);
        }
    }

    fn call(&mut self) {
        let callee = self.random.below(self.pou.max(1));
        if self.pou == FUNCTION {
            return;
        }
        self.bind_references(callee);
        match callee {
            FUNCTION => self.push(Op::Call, ScalarType::Bool, [FUNCTION, 0, 0, 0]),
            INNER_POU => {
                let inners = match self.pou {
                    PROGRAM => MAIN_INNERS,
                    _ => OUTER_INNERS,
                };
                if self.random.one_in(2) {
                    let index = self.index();
                    self.push(Op::CallX, ScalarType::Bool, [INNER_POU, Operand::own(inners).0, index, INNER_ROW]);
                } else {
                    let instance = self.inner();
                    self.push(Op::CallI, ScalarType::Bool, [INNER_POU, instance.0, 0, 0]);
                }
            }
            _ => self.push(Op::CallI, ScalarType::Bool, [OUTER_POU, Operand::own(MAIN_OUTER).0, 0, 0]),
        }
    }

    fn bind_element(&mut self) {
        let (reference, base, row) = match self.pou {
            FUNCTION => (0, Operand::behind(1, INNER_ARRAY), ADJACENT + 2),
            OUTER_POU => (1, Operand::own(OUTER_INNERS), INNER_ROW),
            _ => return,
        };
        let index = self.index();
        self.push(Op::BindX, ScalarType::Bool, [reference, base.0, index, row]);
    }

    fn copy(&mut self) {
        let (to, from) = (self.array_of_i32(), self.array_of_i32());
        self.push(Op::Copy, ScalarType::Bool, [to.0, from.0, array_of(ScalarType::I32).0, 0]);
    }

    /// Where the next instruction will stand, counted as [`image`] does: the charge at the start is number 0.
    fn here(&self) -> u32 {
        self.code.len() as u32 + 1
    }

    fn condition(&mut self) -> u32 {
        let t = self.random.pick(&[ScalarType::I32, ScalarType::I16, ScalarType::F32, ScalarType::I64, ScalarType::U8]);
        let to = self.write(ScalarType::Bool);
        if self.random.one_in(4) {
            return to.0;
        }
        let (a, b) = (self.read(t), self.read(t));
        let op = self.random.pick(&[Op::Eq, Op::Ne, Op::Lt, Op::Le, Op::Gt, Op::Ge]);
        self.push(op, t, [to.0, a.0, b.0, 0]);
        to.0
    }

    fn skip(&mut self) {
        let condition = self.condition();
        let at = self.code.len();
        let op = self.random.pick(&[Op::Jt, Op::Jf]);
        self.push(op, ScalarType::Bool, [0, condition, 0, 0]);
        let n = 1 + self.random.below(4);
        self.statements(n);
        self.code[at].w[0] = self.here();
    }

    fn repeat(&mut self) {
        let head = self.here();
        let at = self.code.len();
        self.push(Op::Charge, ScalarType::Bool, [0; 4]);
        let n = 1 + self.random.below(4);
        self.statements(n);
        if self.random.one_in(2) {
            // The shape of a FOR loop.
            let counter = Operand::data(FRAMES + BANK * self.pou + 8 * u32::from(ScalarType::I32.code()));
            self.push(Op::Add, ScalarType::I32, [counter.0, counter.0, constant(ScalarType::I32, 1).0, 0]);
            let test = self.write(ScalarType::Bool);
            let limit = self.read(ScalarType::I32);
            self.push(Op::Le, ScalarType::I32, [test.0, counter.0, limit.0, 0]);
            self.push(Op::Jt, ScalarType::Bool, [head, test.0, 0, 0]);
        } else if self.random.one_in(8) {
            self.push(Op::Jmp, ScalarType::Bool, [head, 0, 0, 0]);
        } else {
            let condition = self.condition();
            let op = self.random.pick(&[Op::Jt, Op::Jf]);
            self.push(op, ScalarType::Bool, [head, condition, 0, 0]);
        }
        self.code[at].w[0] = self.here() - head;
    }

    fn statements(&mut self, count: u32) {
        self.depth += 1;
        for _ in 0..count {
            match self.random.below(20) {
                0..=4 => self.any_pure(),
                5..=8 => self.boolean_run(),
                9 => self.bit(),
                10 | 11 => self.element(),
                12 if self.random.one_in(3) => self.bound(),
                13 => self.call(),
                14 => self.bind_element(),
                15 if self.random.one_in(2) => self.copy(),
                16 => {
                    let to = self.write(ScalarType::I64);
                    self.push(Op::Time, ScalarType::I64, [to.0, 0, 0, 0]);
                }
                17 | 18 if self.depth < 4 => self.skip(),
                19 if self.depth < 4 => self.repeat(),
                _ => self.any_pure(),
            }
        }
        self.depth -= 1;
    }
}

fn program(seed: u64) -> Image {
    // Neighbouring seeds must not give neighbouring programs.
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    for _ in 0..4 {
        random.next();
    }
    let mut bodies = Vec::new();
    for pou in [FUNCTION, INNER_POU, OUTER_POU, PROGRAM] {
        let mut generator = Generator { random, pou, code: Vec::new(), depth: 0 };
        let n = if pou == PROGRAM { 25 } else { 7 };
        let n = 1 + generator.random.below(n);
        generator.statements(n);
        generator.code.push(ret());
        let (kind, instance) = match pou {
            FUNCTION => (PouKind::Function, None),
            INNER_POU => (PouKind::FunctionBlock, Some(INNER)),
            OUTER_POU => (PouKind::FunctionBlock, Some(OUTER)),
            _ => (PouKind::Program, Some(MAIN)),
        };
        bodies.push(Body { kind, instance, references: references(pou), code: generator.code });
        random = generator.random;
    }
    image(bodies)
}

fn check(seed: u64) -> bool {
    let image = program(seed);
    let prepare = |scan: u64, memory: &mut Memory| {
        let mut random = Random((seed ^ scan << 32) | 1);
        random.next();
        let bytes = random.next().to_le_bytes();
        memory.inputs_mut().copy_from_slice(&bytes[..INPUTS as usize]);
    };
    agree(&image, 4, 3_000, prepare).0.is_ok()
}

#[test]
fn engines_agree_on_random_programs() {
    if let Some(seed) = std::env::var("SEED").ok().and_then(|s| s.parse().ok()) {
        check(seed);
        return;
    }
    let programs = std::env::var("PROGRAMS").ok().and_then(|s| s.parse().ok()).unwrap_or(1_500);
    let mut without_trap = 0;
    for seed in 0..programs {
        let outcome = std::panic::catch_unwind(|| check(seed));
        match outcome {
            Ok(ended) => without_trap += u64::from(ended),
            Err(panic) => {
                eprintln!("seed {seed}");
                std::panic::resume_unwind(panic);
            }
        }
    }
    // Programs that trap at once would test little.
    assert!(without_trap * 4 > programs, "only {without_trap} of {programs} ended without a trap");
}
