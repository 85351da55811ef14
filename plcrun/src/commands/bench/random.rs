//! Random inputs that are the same for the same seed on every machine.

use bytecode::ScalarType;
use bytecode::scalar::Scalar as _;
use runtime::config::{IoMap, Source};
use runtime::io::Driver;
use runtime::scan::{Command, Plc};
use runtime::vm::Engine;

/// Xorshift64: no cryptography, but no pattern a scan could fall into step with.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The numbers of a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        // One step of SplitMix64, which is a permutation: seeds that differ stay different, and small ones do not begin alike.
        let mixed = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        let mixed = mixed ^ (mixed >> 31);
        // 0 would stay 0.
        Self(if mixed == 0 { 1 } else { mixed })
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// True once in `n` times.
    fn once_in(&mut self, n: u64) -> bool {
        (self.next() >> 32).is_multiple_of(n)
    }

    /// Changes about one in five inputs, so that timers get somewhere between two changes.
    pub fn change<E: Engine, D: Driver>(&mut self, plc: &mut Plc<E, D>, map: &IoMap) {
        for (id, input) in map.input_ids().zip(&map.inputs) {
            if !matches!(input.source, Source::Channel(..)) && self.once_in(5) {
                let level = self.once_in(2);
                // A force reaches every input, also one whose line is not touched here.
                plc.apply(Command::ForceInput(id, Some(level)));
            }
        }
        for (index, word) in (0_u16..).zip(&map.words) {
            if word.input && self.once_in(5) {
                let bits = self.bits(word.ty);
                plc.apply(Command::SetWord(index, bits));
            }
        }
    }

    /// A value of a type: any integer, small ones as often as large ones; reals between -1000 and 1000.
    fn bits(&mut self, ty: ScalarType) -> u64 {
        let any = self.next();
        #[allow(clippy::cast_precision_loss, reason = "below 2^21")]
        let real = || (any >> 43) as f64 / 1048.576 - 1000.0;
        match ty {
            ScalarType::Bool => any >> 63,
            #[allow(clippy::cast_possible_truncation, reason = "any REAL near it will do")]
            ScalarType::F32 => (real() as f32).to_bits().into(),
            ScalarType::F64 => real().to_bits(),
            ScalarType::I8
            | ScalarType::U8
            | ScalarType::I16
            | ScalarType::U16
            | ScalarType::I32
            | ScalarType::U32
            | ScalarType::I64
            | ScalarType::U64 => {
                let width = u64::from(ty.size()) * 8;
                let bits = self.next() % width + 1;
                u64::wrap_from_i128(i128::from(any >> (64 - bits)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_numbers_and_values_fit_their_type() {
        let numbers = |seed| {
            let mut random = Random::new(seed);
            (0..100).map(|_| random.next()).collect::<Vec<_>>()
        };
        assert_eq!(numbers(7), numbers(7));
        assert_ne!(numbers(7), numbers(8));
        assert_ne!(numbers(0), numbers(1));
        let mut random = Random::new(3);
        for _ in 0..1000 {
            assert!(random.bits(ScalarType::Bool) <= 1);
            assert!(random.bits(ScalarType::U16) <= 0xFFFF);
            assert!(f64::from_bits(random.bits(ScalarType::F64)).abs() <= 1000.0);
            let real = u32::try_from(random.bits(ScalarType::F32)).unwrap();
            assert!(f32::from_bits(real).abs() <= 1000.0);
        }
    }
}
