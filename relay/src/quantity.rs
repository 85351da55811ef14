//! Quantities with units, as people write them in data sheets and I/O maps: `36 VDC`, `8 ms`, `10.1 mA`, `T#2s500ms`.
//!
//! Every quantity is an exact integer in one small unit (nanoseconds, millivolts, microamperes, microwatts, millidegrees, hundredths of a percent), so that
//! no rounding stands between a data sheet and a decision. Text that asks for a finer step than that unit is refused, not rounded.
//! Terms: *unit* is the text after the number. This module does not judge whether a value is sensible; the checks of the bank do.

use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// Why a text is no quantity. The message says what was found and how to write it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QuantityError {
    /// The text does not begin with a number, or the number is malformed.
    Number {
        /// The whole text.
        text: String,
        /// An example of the right form.
        example: &'static str,
    },
    /// The number stands without a unit.
    NoUnit {
        /// The whole text.
        text: String,
        /// An example of the right form.
        example: &'static str,
    },
    /// The unit is not one of this quantity.
    Unit {
        /// The whole text.
        text: String,
        /// The unit found.
        unit: String,
        /// The units that are known here.
        known: &'static str,
    },
    /// The value has more decimals than the product keeps.
    TooFine {
        /// The whole text.
        text: String,
        /// The finest step kept.
        step: &'static str,
    },
    /// The value is beyond the range the product keeps, or below zero where that has no meaning.
    Range {
        /// The whole text.
        text: String,
        /// The range in words.
        range: &'static str,
    },
}

impl fmt::Display for QuantityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number { text, example } => {
                write!(f, "`{text}` does not begin with a number; write it like `{example}`")
            }
            Self::NoUnit { text, example } => write!(f, "`{text}` has no unit; write it like `{example}`"),
            Self::Unit { text, unit, known } => {
                write!(f, "`{unit}` in `{text}` is not a unit known here; use one of {known}")
            }
            Self::TooFine { text, step } => {
                write!(f, "`{text}` is finer than {step}, the smallest step kept; write fewer decimals")
            }
            Self::Range { text, range } => write!(f, "`{text}` is out of range; it must be {range}"),
        }
    }
}

impl std::error::Error for QuantityError {}

/// A decimal number as written: `digits / 10^decimals`.
#[derive(Clone, Copy)]
struct Decimal {
    digits: i128,
    decimals: u32,
}

/// Longest number accepted: 19 digits write every duration in nanoseconds, and fit an `i128` after multiplication by the largest unit
/// (1e19 x 8.64e13 ns in a day = 8.64e32 < 1.7e38).
const NUMBER_DIGITS_MAX: usize = 19;

/// Reads a decimal number from the front of `text` and returns it with the rest. `_` may separate digits. `None` when there is none.
fn take_decimal(text: &str) -> Option<(Decimal, &str)> {
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let mut number = Decimal { digits: 0, decimals: 0 };
    let (mut count, mut point, mut last_digit) = (0_usize, false, false);
    while let Some(c) = rest.chars().next() {
        match c {
            '0'..='9' => {
                number.digits = number.digits * 10 + i128::from(c.to_digit(10)?);
                number.decimals += u32::from(point);
                count += 1;
                last_digit = true;
            }
            '_' if last_digit => last_digit = false,
            '.' if !point && last_digit => (point, last_digit) = (true, false),
            _ => break,
        }
        if count > NUMBER_DIGITS_MAX {
            return None;
        }
        rest = rest.get(c.len_utf8()..)?;
    }
    if !last_digit {
        return None;
    }
    if negative {
        number.digits = -number.digits;
    }
    Some((number, rest))
}

/// `number` times `factor`, exactly; `None` when a fraction of the small unit would remain.
fn scale(number: Decimal, factor: i128) -> Option<i128> {
    let divisor = 10_i128.checked_pow(number.decimals)?;
    let product = number.digits.checked_mul(factor)?;
    (product % divisor == 0).then_some(product / divisor)
}

/// What a family of units needs to be read.
struct Family {
    example: &'static str,
    known: &'static str,
    step: &'static str,
    range: &'static str,
}

/// Reads `number unit` where `factor_of` knows the unit. Returns the value in the small unit and the tag `factor_of` gave with it.
fn parse_single<T>(
    text: &str,
    family: &Family,
    factor_of: impl Fn(&str) -> Option<(i128, T)>,
) -> Result<(i128, T), QuantityError> {
    let trimmed = text.trim();
    let (number, rest) = take_decimal(trimmed)
        .ok_or_else(|| QuantityError::Number { text: text.to_owned(), example: family.example })?;
    let unit = rest.trim();
    if unit.is_empty() {
        return Err(QuantityError::NoUnit { text: text.to_owned(), example: family.example });
    }
    let (factor, tag) = factor_of(unit).ok_or_else(|| QuantityError::Unit {
        text: text.to_owned(),
        unit: unit.to_owned(),
        known: family.known,
    })?;
    let value =
        scale(number, factor).ok_or_else(|| QuantityError::TooFine { text: text.to_owned(), step: family.step })?;
    Ok((value, tag))
}

fn in_range<T: TryFrom<i128>>(value: i128, text: &str, family: &Family) -> Result<T, QuantityError> {
    T::try_from(value).map_err(|_| QuantityError::Range { text: text.to_owned(), range: family.range })
}

/// Writes `value / one` with as many decimals as are needed, no more. `one` is a power of ten.
fn write_scaled(f: &mut fmt::Formatter<'_>, value: i128, one: i128, unit: &str) -> fmt::Result {
    let sign = if value < 0 { "-" } else { "" };
    let (whole, mut part) = (value.abs() / one, value.abs() % one);
    if part == 0 {
        return write!(f, "{sign}{whole} {unit}");
    }
    let mut width = usize::try_from(one.ilog10()).unwrap_or(0);
    while part % 10 == 0 {
        part /= 10;
        width -= 1;
    }
    write!(f, "{sign}{whole}.{part:0width$} {unit}")
}

/// Implements text and serde forms of a quantity through its `FromStr` and `Display`.
macro_rules! serde_as_text {
    ($name:ident, $expecting:literal) => {
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Text;
                impl Visitor<'_> for Text {
                    type Value = $name;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($expecting)
                    }

                    fn visit_str<E: de::Error>(self, text: &str) -> Result<$name, E> {
                        text.parse().map_err(E::custom)
                    }
                }
                deserializer.deserialize_str(Text)
            }
        }
    };
}

/// A length of time in nanoseconds. Reads `25 ms`, `1.5 s`, `1 min 30 s`, `T#2s500ms`, `TIME#1h`; prints the largest unit that is exact, such as `1500 ms`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration {
    /// Nanoseconds.
    pub ns: u64,
}

const DURATION: Family = Family {
    example: "25 ms",
    known: "d, h, min (or m), s, ms, us, ns",
    step: "1 ns",
    range: "between 0 and 292 years",
};

impl Duration {
    /// A duration of so many nanoseconds.
    #[must_use]
    pub const fn from_ns(ns: u64) -> Self {
        Self { ns }
    }

    /// A duration of so many milliseconds, at most `u64::MAX` nanoseconds.
    #[must_use]
    pub const fn from_ms(ms: u64) -> Self {
        Self { ns: ms.saturating_mul(1_000_000) }
    }

    fn unit_ns(unit: &str) -> Option<i128> {
        match unit {
            "d" => Some(86_400_000_000_000),
            "h" => Some(3_600_000_000_000),
            "m" | "min" => Some(60_000_000_000),
            "s" => Some(1_000_000_000),
            "ms" => Some(1_000_000),
            "us" | "µs" | "μs" => Some(1_000),
            "ns" => Some(1),
            _ => None,
        }
    }
}

impl FromStr for Duration {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        let lower = text.trim().to_lowercase();
        let body =
            ["ltime#", "time#", "lt#", "t#"].iter().find_map(|prefix| lower.strip_prefix(prefix)).unwrap_or(&lower);
        let mut rest = body.trim();
        let mut total = 0_i128;
        loop {
            let (number, after) = take_decimal(rest)
                .ok_or_else(|| QuantityError::Number { text: text.to_owned(), example: DURATION.example })?;
            let after = after.trim_start();
            let unit_len = after.find(|c: char| !c.is_alphabetic()).unwrap_or(after.len());
            let (unit, next) = after.split_at(unit_len);
            if unit.is_empty() && next.is_empty() {
                return Err(QuantityError::NoUnit { text: text.to_owned(), example: DURATION.example });
            }
            let factor = Self::unit_ns(unit).ok_or_else(|| QuantityError::Unit {
                text: text.to_owned(),
                unit: if unit.is_empty() { next.to_owned() } else { unit.to_owned() },
                known: DURATION.known,
            })?;
            let part = scale(number, factor)
                .ok_or_else(|| QuantityError::TooFine { text: text.to_owned(), step: DURATION.step })?;
            if part < 0 {
                return Err(QuantityError::Range { text: text.to_owned(), range: DURATION.range });
            }
            total = total.saturating_add(part);
            rest = next.trim_start_matches(|c: char| c.is_whitespace() || c == '_');
            if rest.is_empty() {
                break;
            }
        }
        // The range of IEC LTIME, so that every duration can also be a TIME value in a program.
        let ns: i64 = in_range(total, text, &DURATION)?;
        in_range(i128::from(ns), text, &DURATION).map(Self::from_ns)
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units: [(u64, &str); 6] = [
            (3_600_000_000_000, "h"),
            (60_000_000_000, "min"),
            (1_000_000_000, "s"),
            (1_000_000, "ms"),
            (1_000, "us"),
            (1, "ns"),
        ];
        for (size, unit) in units {
            if self.ns >= size && self.ns.is_multiple_of(size) {
                return write!(f, "{} {unit}", self.ns / size);
            }
        }
        f.write_str("0 s")
    }
}

serde_as_text!(Duration, "a duration with unit such as `25 ms`, `2 s` or `T#1h30m`");

/// Whether a voltage is direct or alternating.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum VoltageKind {
    /// Direct voltage, `VDC`.
    Dc,
    /// Alternating voltage, root mean square, `VAC`.
    Ac,
    /// Just `V`: both, or not said.
    #[default]
    Unspecified,
}

/// A voltage in millivolts with its kind: `36 VDC`, `250 VAC`, `1 V`, `4 kV`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Voltage {
    /// Millivolts (rms where alternating), never below zero.
    pub millivolts: u64,
    /// Direct, alternating or not said.
    pub kind: VoltageKind,
}

const VOLTAGE: Family =
    Family { example: "24 VDC", known: "VDC, VAC, V, mV, kV", step: "1 mV", range: "between 0 V and 1 000 kV" };

impl FromStr for Voltage {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        let (value, kind) = parse_single(text, &VOLTAGE, |unit| {
            let unit = unit.replace(' ', "");
            let lower = unit.to_lowercase();
            let (stem, kind) = if let Some(stem) = lower.strip_suffix("dc") {
                (stem, VoltageKind::Dc)
            } else if let Some(stem) = lower.strip_suffix("ac") {
                (stem, VoltageKind::Ac)
            } else {
                (lower.as_str(), VoltageKind::Unspecified)
            };
            let factor = match stem {
                "v" => 1_000,
                "mv" if unit.starts_with('m') => 1,
                "kv" => 1_000_000,
                _ => return None,
            };
            Some((factor, kind))
        })?;
        if value > 1_000_000_000 {
            return Err(QuantityError::Range { text: text.to_owned(), range: VOLTAGE.range });
        }
        Ok(Self { millivolts: in_range(value, text, &VOLTAGE)?, kind })
    }
}

impl fmt::Display for Voltage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self.kind {
            VoltageKind::Dc => "VDC",
            VoltageKind::Ac => "VAC",
            VoltageKind::Unspecified => "V",
        };
        write_scaled(f, i128::from(self.millivolts), 1_000, unit)
    }
}

serde_as_text!(Voltage, "a voltage with unit such as `24 VDC`, `230 VAC` or `4 kV`");

/// A current in microamperes: `40 mA`, `5 A`, `10.1 mA`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Current {
    /// Microamperes (rms where alternating), never below zero.
    pub microamps: u64,
}

const CURRENT: Family =
    Family { example: "40 mA", known: "A, mA, uA", step: "1 uA", range: "between 0 A and 1 000 000 A" };

impl FromStr for Current {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        let (value, ()) = parse_single(text, &CURRENT, |unit| match unit {
            "A" => Some((1_000_000, ())),
            "mA" => Some((1_000, ())),
            "uA" | "µA" | "μA" => Some((1, ())),
            _ => None,
        })?;
        if value > 1_000_000_000_000 {
            return Err(QuantityError::Range { text: text.to_owned(), range: CURRENT.range });
        }
        Ok(Self { microamps: in_range(value, text, &CURRENT)? })
    }
}

impl fmt::Display for Current {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.microamps >= 1_000_000 {
            write_scaled(f, i128::from(self.microamps), 1_000_000, "A")
        } else {
            write_scaled(f, i128::from(self.microamps), 1_000, "mA")
        }
    }
}

serde_as_text!(Current, "a current with unit such as `40 mA` or `5 A`");

/// A power in microwatts (or microvoltamperes): `1250 VA`, `1 mW`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Power {
    /// Microwatts or microvoltamperes, never below zero.
    pub microwatts: u64,
    /// Whether it was written as apparent power (VA).
    pub apparent: bool,
}

const POWER: Family =
    Family { example: "1250 VA", known: "VA, W, mW, kVA, kW", step: "1 uW", range: "between 0 W and 1 000 kW" };

impl FromStr for Power {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        let (value, apparent) = parse_single(text, &POWER, |unit| match unit {
            "W" => Some((1_000_000, false)),
            "mW" => Some((1_000, false)),
            "kW" => Some((1_000_000_000, false)),
            "VA" => Some((1_000_000, true)),
            "kVA" => Some((1_000_000_000, true)),
            _ => None,
        })?;
        if value > 1_000_000_000_000 {
            return Err(QuantityError::Range { text: text.to_owned(), range: POWER.range });
        }
        Ok(Self { microwatts: in_range(value, text, &POWER)?, apparent })
    }
}

impl fmt::Display for Power {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.apparent, self.microwatts >= 1_000_000) {
            (true, _) => write_scaled(f, i128::from(self.microwatts), 1_000_000, "VA"),
            (false, true) => write_scaled(f, i128::from(self.microwatts), 1_000_000, "W"),
            (false, false) => write_scaled(f, i128::from(self.microwatts), 1_000, "mW"),
        }
    }
}

serde_as_text!(Power, "a power with unit such as `1250 VA` or `1 mW`");

/// A temperature in thousandths of a degree Celsius: `-40 degC`, `70 °C`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Temperature {
    /// Thousandths of a degree Celsius.
    pub millicelsius: i32,
}

const TEMPERATURE: Family =
    Family { example: "70 degC", known: "degC, °C", step: "0.001 degC", range: "between -273.15 degC and 1000 degC" };

impl FromStr for Temperature {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        let (value, ()) =
            parse_single(text, &TEMPERATURE, |unit| matches!(unit, "degC" | "°C").then_some((1_000, ())))?;
        if !(-273_150..=1_000_000).contains(&value) {
            return Err(QuantityError::Range { text: text.to_owned(), range: TEMPERATURE.range });
        }
        Ok(Self { millicelsius: in_range(value, text, &TEMPERATURE)? })
    }
}

impl fmt::Display for Temperature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_scaled(f, i128::from(self.millicelsius), 1_000, "degC")
    }
}

serde_as_text!(Temperature, "a temperature with unit such as `-40 degC`");

/// A share in hundredths of a percent: `-30 %`, `12.5 %`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Percent {
    /// Hundredths of a percent (1 % = 100).
    pub hundredths: i32,
}

const PERCENT: Family = Family { example: "50 %", known: "%", step: "0.01 %", range: "between -1000 % and 1000 %" };

impl FromStr for Percent {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        let (value, ()) = parse_single(text, &PERCENT, |unit| (unit == "%").then_some((100, ())))?;
        if !(-100_000..=100_000).contains(&value) {
            return Err(QuantityError::Range { text: text.to_owned(), range: PERCENT.range });
        }
        Ok(Self { hundredths: in_range(value, text, &PERCENT)? })
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_scaled(f, i128::from(self.hundredths), 100, "%")
    }
}

serde_as_text!(Percent, "a percentage such as `-30 %`");

/// Operations per minute: `6 /min`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PerMinute {
    /// Operations in 60 s.
    pub operations: u32,
}

const PER_MINUTE: Family = Family {
    example: "6 /min",
    known: "/min, per minute",
    step: "one operation per minute",
    range: "between 0 /min and 100 000 /min",
};

impl FromStr for PerMinute {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        let (value, ()) =
            parse_single(text, &PER_MINUTE, |unit| matches!(unit, "/min" | "per minute" | "1/min").then_some((1, ())))?;
        if value > 100_000 {
            return Err(QuantityError::Range { text: text.to_owned(), range: PER_MINUTE.range });
        }
        Ok(Self { operations: in_range(value, text, &PER_MINUTE)? })
    }
}

impl fmt::Display for PerMinute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} /min", self.operations)
    }
}

serde_as_text!(PerMinute, "a frequency such as `6 /min`");

#[cfg(test)]
mod tests;
