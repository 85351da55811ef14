//! A small deterministic generator for the simulator: SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014).
//! Same seed, same numbers, on every platform. Not for secrets.

/// The generator.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SplitMix64 {
    state: u64,
}

impl SplitMix64 {
    /// A generator started with a seed; every seed is good.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The next number, uniform over all 64-bit values.
    pub fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number from 0 up to and including `most`. The bias of the multiplication is below `most` / 2^64.
    pub fn up_to(&mut self, most: u64) -> u64 {
        let wide = u128::from(self.next_u64()) * (u128::from(most) + 1);
        u64::try_from(wide >> 64).unwrap_or(most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_sequence_comes_out() {
        // First outputs of the authors' reference code for seed 1234567.
        let mut generator = SplitMix64::new(1_234_567);
        assert_eq!(
            [generator.next_u64(), generator.next_u64()],
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973]
        );
    }

    #[test]
    fn bounded_numbers_reach_both_ends_and_no_further() {
        let mut generator = SplitMix64::new(1);
        let numbers: Vec<u64> = (0..200).map(|_| generator.up_to(3)).collect();
        assert!((0..=3).all(|n| numbers.contains(&n)));
        assert!(numbers.iter().all(|&n| n <= 3));
        assert_eq!(generator.up_to(0), 0);
    }
}
