//! Columns that stand under each other, and figures people can read.

use relay::quantity::Duration;
use relay::{Life, Wear};

/// Rows of cells as lines with aligned columns, two spaces between; numbers are aligned by the caller's choice of text.
#[must_use]
pub fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}

/// `50 000`: thousands apart, as ISO 80000 writes them.
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

/// A short time with three figures: `850 ns`, `3.25 us`, `12.5 ms`, `1.20 s`.
#[must_use]
pub fn short_time(ns: u64) -> String {
    // Each row: below this limit, this unit. The limit stands where three figures would round up to four.
    let (unit_ns, unit) = match ns {
        0..1_000 => return format!("{ns} ns"),
        1_000..999_500 => (1_000_f64, "us"),
        999_500..999_500_000 => (1e6, "ms"),
        _ => (1e9, "s"),
    };
    let value = ns as f64 / unit_ns;
    match value {
        v if v < 9.995 => format!("{value:.2} {unit}"),
        v if v < 99.95 => format!("{value:.1} {unit}"),
        _ => format!("{value:.0} {unit}"),
    }
}

/// A configured time, exact: `2 s`, `19.5 ms`, `100 us`.
#[must_use]
pub fn exact_time(ns: u64) -> String {
    let units = [(1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "us")];
    // Below a minute, decimals are easier to read than a smaller unit: 19.5 ms, not 19500 us.
    let unit = units.iter().find(|(size, _)| ns >= *size && ns < 60_000_000_000);
    match unit {
        Some((size, unit)) if ns.is_multiple_of(size / 1000) => {
            let thousandths = ns % size / (size / 1000);
            let decimals = format!(".{thousandths:03}");
            format!("{}{} {unit}", ns / size, decimals.trim_end_matches('0').trim_end_matches('.'))
        }
        Some(_) | None => Duration::from_ns(ns).to_string(),
    }
}

/// A moment of a run: `12.345 s`.
#[must_use]
pub fn moment(ns: u64) -> String {
    // Milliseconds are what relays and people notice; the trace has microseconds.
    format!("{}.{:03} s", ns / 1_000_000_000, ns / 1_000_000 % 1_000)
}

/// Used life: `0.024 % of 50 000 loaded, 0.000 % of 5 000 000 mechanical`; what counts is the greater one.
#[must_use]
pub fn used_life(wear: &Wear, life: &Life) -> String {
    if life.electrical == 0 || life.mechanical == 0 {
        return "no data sheet".to_owned();
    }
    let share = |count: u64, whole: u64| format!("{:.3} % of {}", 100.0 * count as f64 / whole as f64, grouped(whole));
    format!(
        "{} loaded, {} mechanical",
        share(wear.loaded_operations, life.electrical),
        share(wear.operations(), life.mechanical)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_under_each_other() {
        let rows = [vec!["a".to_owned(), "bb".to_owned()], vec!["ccc".to_owned(), "d".to_owned()]];
        assert_eq!(aligned(&rows), "a    bb\nccc  d\n");
        assert_eq!(aligned(&[]), "");
    }

    #[test]
    fn figures_are_readable() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(50_000), "50 000");
        assert_eq!(grouped(5_000_000), "5 000 000");
        assert_eq!(short_time(999), "999 ns");
        assert_eq!(short_time(3_250), "3.25 us");
        assert_eq!(short_time(99_960), "100 us");
        assert_eq!(short_time(999_499), "999 us");
        assert_eq!(short_time(999_500), "1.00 ms");
        assert_eq!(short_time(12_500_000), "12.5 ms");
        assert_eq!(short_time(1_200_000_000), "1.20 s");
        assert_eq!(exact_time(0), "0 s");
        assert_eq!(exact_time(2_000_000_000), "2 s");
        assert_eq!(exact_time(19_500_000), "19.5 ms");
        assert_eq!(exact_time(100_000), "100 us");
        assert_eq!(exact_time(1_000_000_001), "1000000001 ns");
        assert_eq!(exact_time(90_000_000_000), "90 s");
        assert_eq!(moment(61_234_999_999), "61.234 s");
    }

    #[test]
    fn used_life_names_both_figures() {
        let life =
            Life { electrical: 50_000, mechanical: 5_000_000, loaded: true, above_gold: false, needs_gold: false };
        let wear = Wear { loaded_operations: 12, ..Wear::default() };
        assert_eq!(used_life(&wear, &life), "0.024 % of 50 000 loaded, 0.000 % of 5 000 000 mechanical");
        let none = Life { electrical: 0, mechanical: 0, ..life };
        assert_eq!(used_life(&wear, &none), "no data sheet");
    }
}
