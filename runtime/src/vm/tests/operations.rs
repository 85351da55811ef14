//! Every pure operation on every type against `bytecode::scalar`, on all engines.

use super::rig::{Body, agree, constant, image, ins, main_array, ret};
use crate::vm::{Memory, TrapCode};
use bytecode::image::Place;
use bytecode::isa::{Extra, Role, Ty};
use bytecode::scalar::{self, Bits, Float, Integer, MathFn, Numeric, Scalar};
use bytecode::{Instr, Op, Operand, ScalarType};

const BASE: u32 = super::rig::MAIN_1;

/// Interesting values of a type, as bits.
fn samples(t: ScalarType) -> Vec<u64> {
    match t {
        ScalarType::Bool => vec![0, 1],
        ScalarType::F32 => [0.0, -0.0, 1.0, -2.5, 3.5, 1e20, -3e38, f32::INFINITY, f32::NAN, 16_777_217.0]
            .map(|x: f32| Scalar::to_bits(x))
            .to_vec(),
        ScalarType::F64 => [0.0, -0.0, 1.0, -2.5, 0.5, 1e20, -3e300, f64::NEG_INFINITY, f64::NAN, 4_294_967_297.5]
            .map(|x: f64| Scalar::to_bits(x))
            .to_vec(),
        _ => {
            let mask = u64::MAX >> (64 - t.bits());
            [0, 1, 2, 7, mask >> 1, (mask >> 1) + 1, mask - 1, mask].to_vec()
        }
    }
}

fn of<T: Scalar>(bits: u64) -> T {
    T::load(&bits.to_le_bytes())
}

/// The definition, written out once more from the meaning column of the table: `None` is division by zero.
fn expected(op: Op, ty: ScalarType, from: ScalarType, [a, b, c]: [u64; 3]) -> Option<u64> {
    macro_rules! with {
        ($ty:expr, $f:ident $(, $arg:expr)*) => {
            match $ty {
                ScalarType::Bool => $f::<bool>($($arg),*),
                ScalarType::I8 => $f::<i8>($($arg),*),
                ScalarType::U8 => $f::<u8>($($arg),*),
                ScalarType::I16 => $f::<i16>($($arg),*),
                ScalarType::U16 => $f::<u16>($($arg),*),
                ScalarType::I32 => $f::<i32>($($arg),*),
                ScalarType::U32 => $f::<u32>($($arg),*),
                ScalarType::I64 => $f::<i64>($($arg),*),
                ScalarType::U64 => $f::<u64>($($arg),*),
                ScalarType::F32 => $f::<f32>($($arg),*),
                ScalarType::F64 => $f::<f64>($($arg),*),
            }
        };
    }
    fn compare<T: Scalar>(op: Op, a: u64, b: u64) -> bool {
        let (a, b): (T, T) = (of(a), of(b));
        match op {
            Op::Eq => a == b,
            Op::Ne => a != b,
            Op::Lt => a < b,
            Op::Le => a <= b,
            Op::Gt => a > b,
            _ => a >= b,
        }
    }
    fn from_any<T: Scalar>(from: ScalarType, a: u64) -> u64 {
        fn to<A: Scalar, T: Scalar>(a: u64) -> u64 {
            scalar::convert::<A, T>(of(a)).to_bits()
        }
        match from {
            ScalarType::Bool => to::<bool, T>(a),
            ScalarType::I8 => to::<i8, T>(a),
            ScalarType::U8 => to::<u8, T>(a),
            ScalarType::I16 => to::<i16, T>(a),
            ScalarType::U16 => to::<u16, T>(a),
            ScalarType::I32 => to::<i32, T>(a),
            ScalarType::U32 => to::<u32, T>(a),
            ScalarType::I64 => to::<i64, T>(a),
            ScalarType::U64 => to::<u64, T>(a),
            ScalarType::F32 => to::<f32, T>(a),
            ScalarType::F64 => to::<f64, T>(a),
        }
    }
    fn truncated<T: Scalar>(from: ScalarType, a: u64) -> u64 {
        if from == ScalarType::F32 {
            scalar::truncate::<f32, T>(of(a)).to_bits()
        } else {
            scalar::truncate::<f64, T>(of(a)).to_bits()
        }
    }
    fn bits<T: Scalar>(a: u64) -> u64 {
        T::from_bits(a).to_bits()
    }
    macro_rules! numeric {
        ($f:ident $(, $arg:expr)*) => {
            match ty {
                ScalarType::I8 => $f::<i8>($($arg),*),
                ScalarType::U8 => $f::<u8>($($arg),*),
                ScalarType::I16 => $f::<i16>($($arg),*),
                ScalarType::U16 => $f::<u16>($($arg),*),
                ScalarType::I32 => $f::<i32>($($arg),*),
                ScalarType::U32 => $f::<u32>($($arg),*),
                ScalarType::I64 => $f::<i64>($($arg),*),
                ScalarType::U64 => $f::<u64>($($arg),*),
                ScalarType::F32 => $f::<f32>($($arg),*),
                _ => $f::<f64>($($arg),*),
            }
        };
    }
    fn arithmetic<T: Numeric>(op: Op, a: u64, b: u64) -> Option<u64> {
        let (a, b): (T, T) = (of(a), of(b));
        Some(
            match op {
                Op::Neg => a.neg(),
                Op::Abs => a.abs(),
                Op::Add => a.add(b),
                Op::Sub => a.sub(b),
                Op::Mul => a.mul(b),
                Op::Min => Numeric::min(a, b),
                Op::Max => Numeric::max(a, b),
                _ => a.div(b)?,
            }
            .to_bits(),
        )
    }
    fn rem<T: Integer>(a: u64, b: u64) -> Option<u64> {
        Some(of::<T>(a).rem(of(b))?.to_bits())
    }
    fn word<T: Bits>(op: Op, a: u64, b: u64) -> u64 {
        let (a, n): (T, u32) = (of(a), of(b));
        let b: T = of(b);
        match op {
            Op::Not => a.not(),
            Op::And => a.and(b),
            Op::Or => a.or(b),
            Op::Xor => a.xor(b),
            Op::AndNot => a.and(b.not()),
            Op::OrNot => a.or(b.not()),
            Op::Shl => a.shl(n),
            Op::Shr => a.shr(n),
            Op::Rol => a.rol(n),
            _ => a.ror(n),
        }
        .to_bits()
    }
    fn function<T: Float>(op: Op, a: u64, b: u64) -> u64 {
        let (a, b): (T, T) = (of(a), of(b));
        let f = match op {
            Op::Sqrt => MathFn::Sqrt,
            Op::Ln => MathFn::Ln,
            Op::Log => MathFn::Log,
            Op::Exp => MathFn::Exp,
            Op::Sin => MathFn::Sin,
            Op::Cos => MathFn::Cos,
            Op::Tan => MathFn::Tan,
            Op::Asin => MathFn::Asin,
            Op::Acos => MathFn::Acos,
            Op::Atan => MathFn::Atan,
            Op::Pow => return a.pow(b).to_bits(),
            _ => return a.atan2(b).to_bits(),
        };
        a.math(f).to_bits()
    }
    Some(match op {
        Op::Mov => a,
        Op::Sel => {
            if a == 0 {
                b
            } else {
                c
            }
        }
        Op::Eq | Op::Ne | Op::Lt | Op::Le | Op::Gt | Op::Ge => u64::from(with!(ty, compare, op, a, b)),
        Op::Cvt => with!(ty, from_any, from, a),
        Op::Trunc => with!(ty, truncated, from, a),
        Op::Bits => with!(ty, bits, a),
        Op::Neg | Op::Abs | Op::Add | Op::Sub | Op::Mul | Op::Div | Op::Min | Op::Max => {
            return numeric!(arithmetic, op, a, b);
        }
        Op::Mod => {
            return match ty {
                ScalarType::I8 => rem::<i8>(a, b),
                ScalarType::U8 => rem::<u8>(a, b),
                ScalarType::I16 => rem::<i16>(a, b),
                ScalarType::U16 => rem::<u16>(a, b),
                ScalarType::I32 => rem::<i32>(a, b),
                ScalarType::U32 => rem::<u32>(a, b),
                ScalarType::I64 => rem::<i64>(a, b),
                _ => rem::<u64>(a, b),
            };
        }
        Op::Not | Op::And | Op::Or | Op::Xor | Op::AndNot | Op::OrNot | Op::Shl | Op::Shr | Op::Rol | Op::Ror => {
            match ty {
                ScalarType::Bool => word::<u8>(op, a, b) & 1,
                ScalarType::U8 => word::<u8>(op, a, b),
                ScalarType::U16 => word::<u16>(op, a, b),
                ScalarType::U32 => word::<u32>(op, a, b),
                _ => word::<u64>(op, a, b),
            }
        }
        _ if ty == ScalarType::F32 => function::<f32>(op, a, b),
        _ => function::<f64>(op, a, b),
    })
}

fn is_tested(op: Op) -> bool {
    op.roles().iter().all(|r| matches!(r, Role::None | Role::Read(_) | Role::Write(_)))
        && op != Op::Time
        && matches!(op.roles()[0], Role::Write(_))
}

fn sources(op: Op, ty: ScalarType) -> Vec<ScalarType> {
    let admitted = |from: &ScalarType| match op {
        Op::Trunc => from.is_float(),
        Op::Bits => from.size() == ty.size() && *from != ScalarType::Bool && ty != ScalarType::Bool,
        _ => true,
    };
    if op.extra() == Extra::Scalar { ScalarType::ALL.into_iter().filter(admitted).collect() } else { vec![ty] }
}

/// One instruction with its operands in three banks of the instance; the result overwrites none of them.
fn check(op: Op, ty: ScalarType, from: ScalarType) {
    let mut instr = ins(op, ty, [0; 4]);
    if op.extra() == Extra::Scalar {
        instr = instr.with_extra(u16::from(from.code()));
    }
    let mut read_types = Vec::new();
    let mut result = ty;
    for (i, role) in op.roles().into_iter().enumerate() {
        let type_of = |t: Ty| instr.role_type(t).unwrap();
        match role {
            Role::Write(t) => {
                result = type_of(t);
                // Element 3 of the array of that type: no operand stands there.
                instr.w[0] = Operand::own(main_array(result) + 3 * result.size()).0;
            }
            Role::Read(t) => {
                let bank = read_types.len() as u32 * super::rig::BANK;
                read_types.push(type_of(t));
                instr.w[i] = Operand::own(bank + 8 * u32::from(type_of(t).code())).0;
            }
            _ => {}
        }
    }
    let program = image(vec![Body::main(vec![instr, ret()])]);
    let mut cases: Vec<[u64; 3]> = vec![[0; 3]];
    for (i, t) in read_types.iter().enumerate() {
        let values = samples(*t);
        cases = cases
            .iter()
            .flat_map(|case| {
                values.iter().map(move |v| {
                    let mut case = *case;
                    case[i] = *v;
                    case
                })
            })
            .collect();
    }
    for case in cases {
        let prepare = |_: u64, memory: &mut Memory| {
            // The wide copy of the image has its data elsewhere; its last bytes are the same.
            let base = memory.data().len() as u32 - (super::rig::DATA_BYTES - BASE);
            for program in [base, base + super::rig::MAIN_BYTES] {
                for (i, (t, bits)) in read_types.iter().zip(case).enumerate() {
                    let at = program + i as u32 * super::rig::BANK + 8 * u32::from(t.code());
                    assert!(memory.write(Place::Byte(at), *t, bits));
                }
            }
        };
        let (outcome, _, data) = agree(&program, 1, 100, prepare);
        let at = (super::rig::MAIN_2 + main_array(result) + 3 * result.size()) as usize;
        match expected(op, ty, from, case) {
            Some(bits) => {
                assert_eq!(outcome, Ok(()), "{instr:?} of {case:x?}");
                let got = &data[at..at + result.size() as usize];
                assert_eq!(got, &bits.to_le_bytes()[..result.size() as usize], "{instr:?} of {case:x?}");
            }
            None => {
                let trap = outcome.unwrap_err();
                assert_eq!((trap.code, trap.pc, trap.value), (TrapCode::DivisionByZero, 1, 0), "{instr:?}");
            }
        }
    }
}

#[test]
fn every_operation_on_every_type_means_what_the_table_says() {
    let mut tested = 0;
    for op in Op::ALL.iter().copied().filter(|op| is_tested(*op)) {
        for ty in ScalarType::ALL.into_iter().filter(|ty| op.class().admits(*ty)) {
            for from in sources(op, ty) {
                check(op, ty, from);
                tested += 1;
            }
        }
    }
    assert!(tested > 300, "only {tested} combinations");
}

#[test]
fn a_nan_copied_keeps_its_payload() {
    let t = ScalarType::F32;
    let to = Operand::own(main_array(t));
    let program = image(vec![Body::main(vec![ins(Op::Mov, t, [to.0, Operand::own(72).0, 0, 0]), ret()])]);
    let odd_nan = 0xffc0_0123_u64;
    let prepare = |_: u64, memory: &mut Memory| {
        let base = memory.data().len() as u32 - (super::rig::DATA_BYTES - BASE);
        for program in [base, base + super::rig::MAIN_BYTES] {
            memory.write(Place::Byte(program + 72), ScalarType::U32, odd_nan);
        }
    };
    let (_, _, data) = agree(&program, 1, 100, prepare);
    let at = (super::rig::MAIN_2 + main_array(t)) as usize;
    assert_eq!(data[at..at + 4], 0xffc0_0123_u32.to_le_bytes());
}

#[test]
fn bits_of_the_process_image_are_read_and_written_alone() {
    let code: Vec<Instr> = vec![
        ins(Op::LdBit, ScalarType::Bool, [Operand::own(0).0, Operand::data(1).0, 0, 0]).with_extra(6),
        ins(Op::StBit, ScalarType::Bool, [Operand::data(5).0, Operand::own(0).0, 0, 0]).with_extra(3),
        ins(Op::StBit, ScalarType::Bool, [Operand::data(6).0, constant(ScalarType::Bool, 0).0, 0, 0]).with_extra(7),
        ret(),
    ];
    let program = image(vec![Body::main(code)]);
    for (input, output) in [(0b0100_0000, 0b1010_1001), (0b1011_1111, 0b1010_0001)] {
        let prepare = |_: u64, memory: &mut Memory| {
            memory.inputs_mut().copy_from_slice(&[0xff, input, 0xff, 0xff]);
            memory.outputs_mut().copy_from_slice(&[0, 0b1010_0001, 0xff, 0]);
        };
        let (outcome, _, data) = agree(&program, 1, 100, prepare);
        assert_eq!(outcome, Ok(()));
        assert_eq!(data[4..8], [0, output, 0x7f, 0]);
        assert_eq!(data[super::rig::MAIN_2 as usize], u8::from(input & 0x40 != 0));
    }
}
