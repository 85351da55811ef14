//! Random numbers that a seed repeats: SplitMix64 (Steele, Lea, Flood 2014).

/// A sequence of numbers, one per round, so that a round can be repeated alone.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The sequence of a round of a series.
    pub fn new(seed: u64, series: &str, round: u32) -> Self {
        let mut random = Self(seed);
        for byte in series.bytes().chain(round.to_le_bytes()) {
            random.0 = random.next() ^ u64::from(byte);
        }
        random
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number from 0 to `end` - 1; 0 where `end` is 0. The tiny bias of the remainder matters to nobody here.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next().checked_rem(end).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_is_repeated_and_differs_from_others() {
        let numbers = |seed, series, round| {
            let mut random = Random::new(seed, series, round);
            [random.below(1 << 40), random.below(1 << 40)]
        };
        assert_eq!(numbers(1, "kill", 3), numbers(1, "kill", 3));
        let others = [numbers(2, "kill", 3), numbers(1, "stop", 3), numbers(1, "kill", 4)];
        assert!(others.iter().all(|other| *other != numbers(1, "kill", 3)));
        assert_eq!(Random::new(1, "", 0).below(0), 0);
    }
}
