//! The eleven scalar representations every instruction is typed with, and what the operations on them mean.
//!
//! IEC elementary types map onto these: bit strings share the unsigned integers (`WORD` and `UINT` are both `U16`),
//! `TIME` and `LTIME` are `I64` nanoseconds. The arithmetic here is the one definition used by constant folding, by
//! every engine and by proofs:
//!
//! - integers wrap in two's complement, `MIN / -1` included; division and MOD by zero are traps;
//! - shifts by the width or more give 0, rotations take the amount modulo the width;
//! - floats are IEEE 754 binary32 and binary64; every NaN that leaves an operation is the one canonical quiet NaN;
//! - float to integer rounds half to even (`trunc` towards zero), saturates, and turns NaN into 0;
//! - transcendental functions come from one portable library, so results agree to the bit on every platform.

use core::fmt;

/// How a scalar is stored and computed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum ScalarType {
    /// One byte holding 0 or 1.
    Bool = 0,
    /// 8-bit signed (SINT).
    I8 = 1,
    /// 8-bit unsigned (USINT, BYTE).
    U8 = 2,
    /// 16-bit signed (INT).
    I16 = 3,
    /// 16-bit unsigned (UINT, WORD).
    U16 = 4,
    /// 32-bit signed (DINT).
    I32 = 5,
    /// 32-bit unsigned (UDINT, DWORD).
    U32 = 6,
    /// 64-bit signed (LINT, TIME, LTIME).
    I64 = 7,
    /// 64-bit unsigned (ULINT, LWORD).
    U64 = 8,
    /// IEEE 754 binary32 (REAL).
    F32 = 9,
    /// IEEE 754 binary64 (LREAL).
    F64 = 10,
}

impl ScalarType {
    /// Every scalar type, in the order of its code.
    pub const ALL: [Self; 11] = [
        Self::Bool,
        Self::I8,
        Self::U8,
        Self::I16,
        Self::U16,
        Self::I32,
        Self::U32,
        Self::I64,
        Self::U64,
        Self::F32,
        Self::F64,
    ];

    /// The type with this code, or `None`.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code)).copied()
    }

    /// The code stored in images.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// Size in bytes, which is also the alignment compilers use.
    #[must_use]
    pub const fn size(self) -> u32 {
        match self {
            Self::Bool | Self::I8 | Self::U8 => 1,
            Self::I16 | Self::U16 => 2,
            Self::I32 | Self::U32 | Self::F32 => 4,
            Self::I64 | Self::U64 | Self::F64 => 8,
        }
    }

    /// Width in bits; 1 for `Bool`.
    #[must_use]
    pub const fn bits(self) -> u32 {
        match self {
            Self::Bool => 1,
            Self::I8 | Self::U8 => 8,
            Self::I16 | Self::U16 => 16,
            Self::I32 | Self::U32 | Self::F32 => 32,
            Self::I64 | Self::U64 | Self::F64 => 64,
        }
    }

    /// Is this `F32` or `F64`?
    #[must_use]
    pub const fn is_float(self) -> bool {
        matches!(self, Self::F32 | Self::F64)
    }

    /// Is this a signed or unsigned integer (not `Bool`)?
    #[must_use]
    pub const fn is_int(self) -> bool {
        !matches!(self, Self::Bool | Self::F32 | Self::F64)
    }

    /// Is this a signed integer?
    #[must_use]
    pub const fn is_signed(self) -> bool {
        matches!(self, Self::I8 | Self::I16 | Self::I32 | Self::I64)
    }

    /// Is this an unsigned integer?
    #[must_use]
    pub const fn is_unsigned(self) -> bool {
        matches!(self, Self::U8 | Self::U16 | Self::U32 | Self::U64)
    }

    /// The name used in disassembly, such as `i32`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::I8 => "i8",
            Self::U8 => "u8",
            Self::I16 => "i16",
            Self::U16 => "u16",
            Self::I32 => "i32",
            Self::U32 => "u32",
            Self::I64 => "i64",
            Self::U64 => "u64",
            Self::F32 => "f32",
            Self::F64 => "f64",
        }
    }
}

impl fmt::Display for ScalarType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The canonical NaN of binary32, as bits.
pub const NAN32_BITS: u32 = 0x7fc0_0000;
/// The canonical NaN of binary64, as bits.
pub const NAN64_BITS: u64 = 0x7ff8_0000_0000_0000;

/// A Rust type that represents one [`ScalarType`]: bytes in, bytes out, and the shared arithmetic.
pub trait Scalar: Copy + PartialEq + PartialOrd + 'static {
    /// The scalar type this represents.
    const TYPE: ScalarType;
    /// Bits as a `u64`: zero-extended two's complement, 0 or 1, or the IEEE 754 pattern.
    fn to_bits(self) -> u64;
    /// From the low bits of a `u64`; a bool is true when any bit is set, a NaN becomes the canonical one.
    fn from_bits(bits: u64) -> Self;
    /// The value from its little-endian bytes; missing bytes read as 0.
    fn load(bytes: &[u8]) -> Self;
    /// The value as a float of double precision (exact but for 64-bit integers beyond 2^53).
    fn to_f64(self) -> f64;
    /// From a float: integers round half to even and saturate, NaN gives 0; bool is `!= 0`.
    fn round_from_f64(x: f64) -> Self;
    /// From a float: integers truncate towards zero and saturate, NaN gives 0; bool is `!= 0`.
    fn trunc_from_f64(x: f64) -> Self;
    /// The value as a wide integer; floats truncate.
    fn to_i128(self) -> i128;
    /// From a wide integer, wrapping to the width; bool is `!= 0`.
    fn wrap_from_i128(x: i128) -> Self;
}

/// Arithmetic on integers and floats.
pub trait Numeric: Scalar {
    /// Wrapping (or IEEE) addition.
    fn add(self, b: Self) -> Self;
    /// Wrapping (or IEEE) subtraction.
    fn sub(self, b: Self) -> Self;
    /// Wrapping (or IEEE) multiplication.
    fn mul(self, b: Self) -> Self;
    /// Division; `None` is integer division by zero.
    fn div(self, b: Self) -> Option<Self>;
    /// Negation, wrapping.
    fn neg(self) -> Self;
    /// Absolute value; `ABS(MIN)` wraps to `MIN`.
    fn abs(self) -> Self;
    /// `b` where `b < self`, else `self`.
    #[inline]
    fn min(self, b: Self) -> Self {
        if b < self { b } else { self }
    }
    /// `b` where `b > self`, else `self`.
    #[inline]
    fn max(self, b: Self) -> Self {
        if b > self { b } else { self }
    }
}

/// Integers only.
pub trait Integer: Numeric {
    /// Remainder with the sign of the dividend; `None` is MOD by zero.
    fn rem(self, b: Self) -> Option<Self>;
}

/// Bit strings: unsigned integers.
pub trait Bits: Integer {
    /// Bitwise NOT within the width.
    fn not(self) -> Self;
    /// Bitwise AND.
    fn and(self, b: Self) -> Self;
    /// Bitwise OR.
    fn or(self, b: Self) -> Self;
    /// Bitwise XOR.
    fn xor(self, b: Self) -> Self;
    /// Shift left; an amount of the width or more gives 0.
    fn shl(self, n: u32) -> Self;
    /// Shift right filling zeros; an amount of the width or more gives 0.
    fn shr(self, n: u32) -> Self;
    /// Rotate left, amount modulo the width.
    fn rol(self, n: u32) -> Self;
    /// Rotate right, amount modulo the width.
    fn ror(self, n: u32) -> Self;
}

/// Floats only.
pub trait Float: Numeric {
    /// Applies a function of double precision and canonicalises the result.
    /// `F32` uses the single-precision function where the library has one.
    fn math(self, f: MathFn) -> Self;
    /// `self` raised to `b` (EXPT).
    fn pow(self, b: Self) -> Self;
    /// Angle of the point (x = `b`, y = `self`).
    fn atan2(self, b: Self) -> Self;
}

/// The one-argument functions of a real number (IEC 61131-3 table 28).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MathFn {
    /// Square root.
    Sqrt,
    /// Natural logarithm.
    Ln,
    /// Logarithm to base 10.
    Log,
    /// Natural exponential.
    Exp,
    /// Sine of an angle in radians.
    Sin,
    /// Cosine.
    Cos,
    /// Tangent.
    Tan,
    /// Arc sine.
    Asin,
    /// Arc cosine.
    Acos,
    /// Arc tangent.
    Atan,
}

fn le_u64(bytes: &[u8], size: usize) -> u64 {
    let mut wide = [0u8; 8];
    for (to, from) in wide.iter_mut().zip(bytes.iter().take(size)) {
        *to = *from;
    }
    u64::from_le_bytes(wide)
}

impl Scalar for bool {
    const TYPE: ScalarType = ScalarType::Bool;
    #[inline]
    fn to_bits(self) -> u64 {
        u64::from(self)
    }
    #[inline]
    fn from_bits(bits: u64) -> Self {
        bits != 0
    }
    #[inline]
    fn load(bytes: &[u8]) -> Self {
        bytes.first().is_some_and(|b| *b != 0)
    }
    fn to_f64(self) -> f64 {
        f64::from(u8::from(self))
    }
    fn round_from_f64(x: f64) -> Self {
        x != 0.0
    }
    fn trunc_from_f64(x: f64) -> Self {
        x != 0.0
    }
    fn to_i128(self) -> i128 {
        i128::from(self)
    }
    fn wrap_from_i128(x: i128) -> Self {
        x != 0
    }
}

macro_rules! int {
    ($($t:ident $ty:ident $abs:ident),* $(,)?) => {$(
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_lossless)] // wrapping and saturating casts are the definition here
        impl Scalar for $t {
            const TYPE: ScalarType = ScalarType::$ty;
            #[inline]
            fn to_bits(self) -> u64 {
                // Through the unsigned type of the same width, so that the upper bits are zero.
                le_u64(&self.to_le_bytes(), size_of::<$t>())
            }
            #[inline]
            fn from_bits(bits: u64) -> Self { bits as $t }
            #[inline]
            fn load(bytes: &[u8]) -> Self {
                match bytes.first_chunk() {
                    Some(b) => <$t>::from_le_bytes(*b),
                    None => le_u64(bytes, size_of::<$t>()) as $t,
                }
            }
            #[inline]
            fn to_f64(self) -> f64 { self as f64 }
            #[inline]
            fn round_from_f64(x: f64) -> Self { libm::rint(x) as $t }
            #[inline]
            fn trunc_from_f64(x: f64) -> Self { x as $t }
            #[inline]
            fn to_i128(self) -> i128 { self as i128 }
            #[inline]
            fn wrap_from_i128(x: i128) -> Self { x as $t }
        }
        impl Numeric for $t {
            #[inline]
            fn add(self, b: Self) -> Self { self.wrapping_add(b) }
            #[inline]
            fn sub(self, b: Self) -> Self { self.wrapping_sub(b) }
            #[inline]
            fn mul(self, b: Self) -> Self { self.wrapping_mul(b) }
            #[inline]
            fn div(self, b: Self) -> Option<Self> { if b == 0 { None } else { Some(self.wrapping_div(b)) } }
            #[inline]
            fn neg(self) -> Self { self.wrapping_neg() }
            #[inline]
            fn abs(self) -> Self { int!(@abs $abs self) }
        }
        impl Integer for $t {
            #[inline]
            fn rem(self, b: Self) -> Option<Self> { if b == 0 { None } else { Some(self.wrapping_rem(b)) } }
        }
    )*};
    (@abs signed $x:expr) => { $x.wrapping_abs() };
    (@abs unsigned $x:expr) => { $x };
}
int!(i8 I8 signed, u8 U8 unsigned, i16 I16 signed, u16 U16 unsigned, i32 I32 signed, u32 U32 unsigned, i64 I64 signed, u64 U64 unsigned);

macro_rules! bits {
    ($($t:ident),*) => {$(
        impl Bits for $t {
            #[inline]
            fn not(self) -> Self { !self }
            #[inline]
            fn and(self, b: Self) -> Self { self & b }
            #[inline]
            fn or(self, b: Self) -> Self { self | b }
            #[inline]
            fn xor(self, b: Self) -> Self { self ^ b }
            #[inline]
            fn shl(self, n: u32) -> Self { self.checked_shl(n).unwrap_or(0) }
            #[inline]
            fn shr(self, n: u32) -> Self { self.checked_shr(n).unwrap_or(0) }
            #[inline]
            fn rol(self, n: u32) -> Self { self.rotate_left(n % <$t>::BITS) }
            #[inline]
            fn ror(self, n: u32) -> Self { self.rotate_right(n % <$t>::BITS) }
        }
    )*};
}
bits!(u8, u16, u32, u64);

macro_rules! float {
    ($($t:ident $bits:ident $ty:ident $nan:ident
       $sqrt:ident $ln:ident $log:ident $exp:ident $sin:ident $cos:ident $tan:ident $asin:ident $acos:ident $atan:ident $pow:ident $atan2:ident),* $(,)?) => {$(
        #[allow(clippy::cast_possible_truncation, clippy::cast_lossless, clippy::cast_precision_loss)] // rounding and saturating casts are the definition here
        impl Scalar for $t {
            const TYPE: ScalarType = ScalarType::$ty;
            #[inline]
            fn to_bits(self) -> u64 { u64::from(<$t>::to_bits(self)) }
            #[inline]
            fn from_bits(bits: u64) -> Self { canonical(<$t>::from_bits(bits as $bits)) }
            #[inline]
            fn load(bytes: &[u8]) -> Self {
                match bytes.first_chunk() {
                    Some(b) => <$t>::from_le_bytes(*b),
                    None => <$t>::from_bits(le_u64(bytes, size_of::<$t>()) as $bits),
                }
            }
            #[inline]
            fn to_f64(self) -> f64 { self as f64 }
            #[inline]
            fn round_from_f64(x: f64) -> Self { canonical(x as $t) }
            #[inline]
            fn trunc_from_f64(x: f64) -> Self { canonical(x as $t) }
            #[inline]
            fn to_i128(self) -> i128 { self as i128 }
            #[inline]
            fn wrap_from_i128(x: i128) -> Self { x as $t }
        }
        impl Canonical for $t {
            #[inline]
            fn canonical(self) -> Self { if self.is_nan() { <$t>::from_bits($nan) } else { self } }
        }
        impl Numeric for $t {
            #[inline]
            fn add(self, b: Self) -> Self { canonical(self + b) }
            #[inline]
            fn sub(self, b: Self) -> Self { canonical(self - b) }
            #[inline]
            fn mul(self, b: Self) -> Self { canonical(self * b) }
            #[inline]
            fn div(self, b: Self) -> Option<Self> { Some(canonical(self / b)) }
            #[inline]
            fn neg(self) -> Self { canonical(-self) }
            #[inline]
            fn abs(self) -> Self { canonical(<$t>::abs(self)) }
        }
        impl Float for $t {
            fn math(self, f: MathFn) -> Self {
                canonical(match f {
                    MathFn::Sqrt => libm::$sqrt(self),
                    MathFn::Ln => libm::$ln(self),
                    MathFn::Log => libm::$log(self),
                    MathFn::Exp => libm::$exp(self),
                    MathFn::Sin => libm::$sin(self),
                    MathFn::Cos => libm::$cos(self),
                    MathFn::Tan => libm::$tan(self),
                    MathFn::Asin => libm::$asin(self),
                    MathFn::Acos => libm::$acos(self),
                    MathFn::Atan => libm::$atan(self),
                })
            }
            fn pow(self, b: Self) -> Self { canonical(libm::$pow(self, b)) }
            fn atan2(self, b: Self) -> Self { canonical(libm::$atan2(self, b)) }
        }
    )*};
}

trait Canonical {
    fn canonical(self) -> Self;
}

#[inline]
fn canonical<T: Canonical>(x: T) -> T {
    x.canonical()
}

float!(
    f32 u32 F32 NAN32_BITS sqrtf logf log10f expf sinf cosf tanf asinf acosf atanf powf atan2f,
    f64 u64 F64 NAN64_BITS sqrt log log10 exp sin cos tan asin acos atan pow atan2,
);

/// Converts between any two scalar types: integers wrap, floats to integers round half to even and saturate,
/// anything to bool is `!= 0`.
#[inline]
#[must_use]
pub fn convert<A: Scalar, T: Scalar>(a: A) -> T {
    if A::TYPE.is_float() {
        T::round_from_f64(a.to_f64())
    } else {
        // One rounding only: 64-bit integers to binary32 must not pass through binary64.
        T::wrap_from_i128(a.to_i128())
    }
}

/// Converts a float to an integer by truncation towards zero, saturating; NaN gives 0.
#[inline]
#[must_use]
pub fn truncate<A: Scalar, T: Scalar>(a: A) -> T {
    T::trunc_from_f64(a.to_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_wrap_and_divide() {
        assert_eq!(Numeric::add(i8::MAX, 1), i8::MIN);
        assert_eq!(Numeric::div(i32::MIN, -1), Some(i32::MIN));
        assert_eq!(Numeric::div(7i16, 0), None);
        assert_eq!(Integer::rem(-7i16, 4), Some(-3));
        assert_eq!(Integer::rem(7u8, 0), None);
        assert_eq!(Numeric::abs(i64::MIN), i64::MIN);
    }

    #[test]
    fn shifts_beyond_the_width_give_zero_and_rotations_wrap() {
        assert_eq!(Bits::shl(0xffu8, 8), 0);
        assert_eq!(Bits::shr(0xffffu16, 99), 0);
        assert_eq!(Bits::rol(0x81u8, 9), 0x03);
        assert_eq!(Bits::ror(0x01u32, 33), 0x8000_0000);
    }

    #[test]
    fn float_to_integer_rounds_half_to_even_and_saturates() {
        assert_eq!(convert::<f32, i16>(2.5), 2);
        assert_eq!(convert::<f32, i16>(3.5), 4);
        assert_eq!(convert::<f64, i16>(-2.5), -2);
        assert_eq!(convert::<f64, u8>(300.0), 255);
        assert_eq!(convert::<f64, u8>(-1.0), 0);
        assert_eq!(convert::<f64, i32>(f64::NAN), 0);
        assert_eq!(truncate::<f64, i32>(-2.9), -2);
    }

    #[test]
    fn one_rounding_from_wide_integers() {
        // 2^24 + 1 + 2^-something would double-round through binary64 only for 64-bit values.
        let x: i64 = (1 << 54) + (1 << 30) + 1;
        assert_eq!(convert::<i64, f32>(x), x as f32);
    }

    #[test]
    fn every_nan_is_canonical() {
        let nan = Numeric::sub(f32::INFINITY, f32::INFINITY);
        assert_eq!(nan.to_bits(), NAN32_BITS);
        assert_eq!(Numeric::neg(f64::NAN).to_bits(), NAN64_BITS);
        assert_eq!(Float::math(-1.0f64, MathFn::Sqrt).to_bits(), NAN64_BITS);
        assert_eq!(<f32 as Scalar>::from_bits(0xffc0_0001).to_bits(), NAN32_BITS);
    }

    #[test]
    fn bits_are_zero_extended() {
        assert_eq!(Scalar::to_bits(-1i8), 0xff);
        assert_eq!(<i8 as Scalar>::from_bits(0xff), -1);
        assert_eq!(<i16 as Scalar>::load(&[0xfe]), 0xfe);
    }
}
