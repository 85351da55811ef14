//! From times to places on the axis: true to scale, with long quiet times cut short.

/// A place on the axis for each moment of the window.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// Times at which something changes, with both ends of the window.
    instants: Vec<u64>,
    /// The place of each.
    places: Vec<usize>,
    /// The stretch behind it is cut short.
    cut: Vec<bool>,
}

impl Axis {
    /// An axis of `width` units. Moments stand at least `apart` units from each other, those of one scan at least one; no
    /// quiet time takes more than a `quiet`th part.
    #[must_use]
    pub fn new(instants: &[u64], tick_ns: u64, width: usize, apart: usize, quiet: usize) -> Self {
        let gaps: Vec<u64> =
            instants.iter().zip(instants.iter().skip(1)).map(|(from, to)| to.saturating_sub(*from)).collect();
        let least: Vec<usize> = gaps.iter().map(|gap| if *gap < tick_ns { apart.div_ceil(2) } else { apart }).collect();
        // Where only few things happen, each may take more.
        let most = (width / quiet.max(1)).max(2 * width / (gaps.len() + 1)).max(apart);
        // The greatest scale (units per tick, in thousandths) at which everything fits.
        let lengths = |scale: u64| -> Vec<usize> {
            let length = |(gap, least): (&u64, &usize)| {
                let units = u128::from(*gap) * u128::from(scale) / (u128::from(tick_ns.max(1)) * 1000);
                usize::try_from(units).unwrap_or(usize::MAX).clamp(*least, most.max(*least))
            };
            gaps.iter().zip(&least).map(length).collect()
        };
        let (mut low, mut high) = (0_u64, 1 << 40);
        while low < high {
            let middle = low + (high - low).div_ceil(2);
            if lengths(middle).iter().sum::<usize>() <= width { low = middle } else { high = middle - 1 }
        }
        let lengths = lengths(low);
        let mut places = vec![0];
        let mut at = 0;
        for length in &lengths {
            at += length;
            places.push(at);
        }
        let cut = gaps
            .iter()
            .zip(&lengths)
            .map(|(gap, length)| {
                let units = u128::from(*gap) * u128::from(low) / (u128::from(tick_ns.max(1)) * 1000);
                u128::try_from(*length).is_ok_and(|length| units > length)
            })
            .collect();
        Self { instants: instants.to_vec(), places, cut }
    }

    /// The place of a time; between two moments in proportion.
    #[must_use]
    pub fn place(&self, time_ns: u64) -> usize {
        let after = self.instants.partition_point(|instant| *instant <= time_ns);
        let Some(index) = after.checked_sub(1) else { return 0 };
        let at = |list: &[usize], index: usize| list.get(index).copied();
        let from = at(&self.places, index).unwrap_or(0);
        let Some(to) = at(&self.places, index + 1) else { return from };
        let (start, end) = (self.instants.get(index), self.instants.get(index + 1));
        let (Some(start), Some(end)) = (start, end) else { return from };
        let part = u128::from(time_ns - start) * (to - from) as u128 / u128::from((end - start).max(1));
        from + usize::try_from(part).unwrap_or(0)
    }

    /// Where it ends.
    #[must_use]
    pub fn width(&self) -> usize {
        self.places.last().copied().unwrap_or(0)
    }

    /// The moments with their places.
    pub fn instants(&self) -> impl Iterator<Item = (u64, usize)> {
        self.instants.iter().copied().zip(self.places.iter().copied())
    }

    /// From where to where the axis is cut short.
    pub fn cuts(&self) -> impl Iterator<Item = (usize, usize)> {
        let stretches = self.places.iter().zip(self.places.iter().skip(1)).zip(&self.cut);
        stretches.filter(|(_, cut)| **cut).map(|((from, to), _)| (*from, *to))
    }
}

/// Seconds with as many decimals as there are, at least a digit: `3`, `3.04`, `0.0415`.
#[must_use]
pub(super) fn seconds(time_ns: u64) -> String {
    let (whole, rest) = (time_ns / 1_000_000_000, time_ns % 1_000_000_000);
    // Tenths of a millisecond: finer than any contact.
    let decimals = format!("{:04}", rest / 100_000);
    let decimals = decimals.trim_end_matches('0');
    if decimals.is_empty() { whole.to_string() } else { format!("{whole}.{decimals}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    #[test]
    fn moments_keep_apart_and_long_pauses_are_cut() {
        let instants = [0, 3_000 * MS, 3_040 * MS, 3_041 * MS, 3_200 * MS];
        let axis = Axis::new(&instants, 10 * MS, 60, 2, 4);
        let places: Vec<usize> = axis.instants().map(|(_, place)| place).collect();
        assert!(places.windows(2).all(|pair| pair[0] < pair[1]), "{places:?}");
        assert!(axis.width() <= 60);
        assert_eq!(axis.cuts().next(), Some((0, places[1])), "three quiet seconds are cut short");
        assert!(places[1] <= 24, "{places:?}");
        assert!(places[2] - places[1] < places[4] - places[3], "40 ms are shorter than 159 ms: {places:?}");
        assert_eq!(axis.place(3_040 * MS), places[2]);
    }

    #[test]
    fn seconds_are_short() {
        assert_eq!([seconds(0), seconds(3_040 * MS), seconds(41_500_000)], ["0", "3.04", "0.0415"]);
    }
}
