//! The values of literals: numbers, durations, typed literals, addresses.
//!
//! The lexer finds where a literal ends; here its text is taken apart. A text that is no literal gives one precise
//! complaint and nothing else. Source: IEC 61131-3, tables 5, 6 and 8, and 6.5.5 for addresses.

use crate::ast::{Address, AddressSize, Area, Ident, LiteralKind};
use crate::diag::{Code, Diagnostic};
use crate::source::Span;

/// Nanoseconds of each unit of a duration, greatest first; the order a duration must keep.
const UNITS_NS: [(&str, i128); 7] = [
    ("d", 86_400_000_000_000),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

/// Type prefixes whose literals are numbers.
const NUMERIC_PREFIXES: [&str; 14] = [
    "BOOL", "BYTE", "WORD", "DWORD", "LWORD", "SINT", "INT", "DINT", "LINT", "USINT", "UINT", "UDINT", "ULINT", "REAL",
];

/// What kind of value stands behind `prefix#`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PrefixKind {
    /// A number or a boolean.
    Numeric,
    /// A duration.
    Duration {
        /// `LTIME`, `LT`
        long: bool,
    },
    /// A date, a time of day or both.
    Date,
    /// A text in quotes.
    Text,
    /// A value of an enumeration.
    Enum,
}

impl PrefixKind {
    /// The kind of a prefix, whatever its case.
    pub(crate) fn of(prefix: &str) -> Self {
        let upper = prefix.to_ascii_uppercase();
        match upper.as_str() {
            "T" | "TIME" => Self::Duration { long: false },
            "LT" | "LTIME" => Self::Duration { long: true },
            "D" | "DATE" | "LD" | "LDATE" | "TOD" | "TIME_OF_DAY" | "LTOD" | "LTIME_OF_DAY" | "DT"
            | "DATE_AND_TIME" | "LDT" | "LDATE_AND_TIME" => Self::Date,
            "STRING" | "WSTRING" | "CHAR" | "WCHAR" => Self::Text,
            "LREAL" => Self::Numeric,
            other if NUMERIC_PREFIXES.contains(&other) => Self::Numeric,
            _ => Self::Enum,
        }
    }
}

/// Takes the text of a literal apart.
///
/// # Errors
/// One finding (`E0104`, `E0105` or `E0109`) that says what is malformed.
pub fn decode(text: &str, span: Span) -> Result<LiteralKind, Box<Diagnostic>> {
    let Some(hash) = text.find('#') else { return number(text, None, span) };
    let (prefix, rest) = (text.get(..hash).unwrap_or(""), text.get(hash + 1..).unwrap_or(""));
    if prefix.starts_with(|first: char| first.is_ascii_digit()) {
        return number(text, None, span);
    }
    let hash_at = span.start + u32::try_from(hash).unwrap_or(0);
    let name = Ident { text: prefix.into(), span: Span { end: hash_at, ..span } };
    let rest_span = Span { start: hash_at + 1, ..span };
    match PrefixKind::of(prefix) {
        PrefixKind::Duration { long } => duration(rest, long, rest_span),
        PrefixKind::Date => date(rest, name, rest_span),
        PrefixKind::Text => Ok(LiteralKind::Text { wide: rest.starts_with('"'), prefix: Some(name) }),
        PrefixKind::Numeric if name.is("BOOL") => boolean(rest, rest_span),
        PrefixKind::Numeric => match rest {
            "" => Err(Box::new(
                Diagnostic::new(Code::MalformedLiteral, span, format!("no value behind `{prefix}#`"))
                    .help(format!("write the value without a space, for example `{prefix}#5`")),
            )),
            _ => number(rest, Some(name), rest_span),
        },
        PrefixKind::Enum => enumeration(rest, name, rest_span),
    }
}

fn enumeration(rest: &str, ty: Ident, span: Span) -> Result<LiteralKind, Box<Diagnostic>> {
    if !rest.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_') {
        let message = format!("`{}` is no type whose literals are numbers", ty.text);
        return Err(Box::new(
            Diagnostic::new(Code::MalformedLiteral, ty.span, message)
                .help("typed literals begin with BOOL#, INT#, WORD#, REAL#, T# and so on"),
        ));
    }
    Ok(LiteralKind::Enum { ty, value: Ident { text: rest.into(), span } })
}

fn boolean(rest: &str, span: Span) -> Result<LiteralKind, Box<Diagnostic>> {
    match rest.to_ascii_uppercase().as_str() {
        "1" | "TRUE" | "2#1" => Ok(LiteralKind::Bool { value: true }),
        "0" | "FALSE" | "2#0" => Ok(LiteralKind::Bool { value: false }),
        _ => Err(Box::new(
            Diagnostic::new(Code::MalformedLiteral, span, format!("`{rest}` is no value of BOOL"))
                .help("write BOOL#TRUE, BOOL#FALSE, BOOL#1 or BOOL#0"),
        )),
    }
}

fn date(rest: &str, prefix: Ident, span: Span) -> Result<LiteralKind, Box<Diagnostic>> {
    if rest.starts_with(|first: char| first.is_ascii_digit()) {
        return Ok(LiteralKind::Date { prefix });
    }
    let message = format!("no date behind `{}#`", prefix.text);
    Err(Box::new(
        Diagnostic::new(Code::MalformedLiteral, span, message).help("for example D#2026-11-23 or TOD#12:30:00"),
    ))
}

fn malformed(span: Span, message: String) -> Box<Diagnostic> {
    Box::new(Diagnostic::new(Code::MalformedNumber, span, message))
}

/// A number with an optional sign (only behind a type) and base.
fn number(text: &str, prefix: Option<Ident>, span: Span) -> Result<LiteralKind, Box<Diagnostic>> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if let Some((base, digits)) = digits.split_once('#') {
        return based(base, digits, negative, prefix, span);
    }
    let is_real = digits.contains('.') || prefix.as_ref().is_some_and(|name| name.is("REAL") || name.is("LREAL"));
    let exponent = digits.find(['e', 'E']).filter(|_| digits.starts_with(|first: char| first.is_ascii_digit()));
    if is_real || exponent.is_some() {
        return real(digits, negative, prefix, span);
    }
    if let Some(odd) = digits.chars().find(|digit| !digit.is_ascii_digit() && *digit != '_') {
        return Err(stray_letter(digits, odd, span));
    }
    let magnitude = magnitude(digits, 10, span)?;
    Ok(LiteralKind::Int { prefix, negative, magnitude, base: 10 })
}

/// The complaint about `12abc`, with the duration or the hexadecimal number that may be meant.
fn stray_letter(digits: &str, odd: char, span: Span) -> Box<Diagnostic> {
    let diagnostic = malformed(span, format!("`{odd}` in the number `{digits}`"));
    let unit = digits.trim_start_matches(|digit: char| digit.is_ascii_digit() || digit == '_').to_ascii_lowercase();
    Box::new(if UNITS_NS.iter().any(|(name, _)| *name == unit) {
        diagnostic.help(format!("a duration is written `T#{digits}`"))
    } else if digits.chars().all(|digit| digit.is_ascii_hexdigit() || digit == '_') {
        diagnostic.help(format!("a hexadecimal number is written `16#{digits}`"))
    } else if let Some(hex) = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        diagnostic.help(format!("a hexadecimal number is written `16#{hex}`"))
    } else {
        diagnostic.help("a number is digits; a name does not begin with a digit")
    })
}

fn based(
    base: &str,
    digits: &str,
    negative: bool,
    prefix: Option<Ident>,
    span: Span,
) -> Result<LiteralKind, Box<Diagnostic>> {
    let radix: u8 = match base {
        "2" => 2,
        "8" => 8,
        "10" => 10,
        "16" => 16,
        _ => {
            let diagnostic = malformed(span, format!("`{base}` is no base of a number"));
            return Err(Box::new(diagnostic.help("the bases are 2#, 8#, 10# and 16#")));
        }
    };
    if let Some(odd) = digits.chars().find(|digit| *digit != '_' && !digit.is_digit(u32::from(radix))) {
        let diagnostic = malformed(span, format!("`{odd}` is no digit of base {radix}"));
        return Err(match radix {
            2 => Box::new(diagnostic.help("binary numbers have the digits 0 and 1")),
            8 => Box::new(diagnostic.help("octal numbers have the digits 0 to 7")),
            10 => Box::new(diagnostic.help("decimal numbers have the digits 0 to 9")),
            _ => Box::new(diagnostic.help("hexadecimal numbers have the digits 0 to 9 and A to F")),
        });
    }
    let magnitude = magnitude(digits, u32::from(radix), span)?;
    Ok(LiteralKind::Int { prefix, negative, magnitude, base: radix })
}

/// Checks underscores and size.
fn magnitude(digits: &str, radix: u32, span: Span) -> Result<u64, Box<Diagnostic>> {
    underscores(digits, span)?;
    let bare: String = digits.chars().filter(|digit| *digit != '_').collect();
    u64::from_str_radix(&bare, radix).map_err(|_| {
        Box::new(
            malformed(span, "the number is too large for every integer type".to_owned())
                .help("the greatest integer is 18446744073709551615 (ULINT)"),
        )
    })
}

fn underscores(digits: &str, span: Span) -> Result<(), Box<Diagnostic>> {
    if digits.is_empty() {
        return Err(malformed(span, "the number has no digits".to_owned()));
    }
    if digits.starts_with('_') || digits.ends_with('_') || digits.contains("__") {
        let diagnostic = malformed(span, format!("misplaced underscore in `{digits}`"));
        return Err(Box::new(diagnostic.help("single underscores may stand between digits")));
    }
    Ok(())
}

fn real(digits: &str, negative: bool, prefix: Option<Ident>, span: Span) -> Result<LiteralKind, Box<Diagnostic>> {
    let (mantissa, exponent) = match digits.find(['e', 'E']) {
        Some(at) => (digits.get(..at).unwrap_or(""), digits.get(at + 1..)),
        None => (digits, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let unsigned = exponent.map(|text| text.strip_prefix(['+', '-']).unwrap_or(text));
    for part in [Some(whole), fraction, unsigned].into_iter().flatten() {
        if let Some(odd) = part.chars().find(|digit| !digit.is_ascii_digit() && *digit != '_') {
            let diagnostic = malformed(span, format!("`{odd}` in the number `{digits}`"));
            return Err(Box::new(diagnostic.help("a real number looks like 1.5 or 1.5E-3")));
        }
        underscores(part, span)?;
    }
    let bare: String = digits.chars().filter(|digit| *digit != '_').collect();
    let value: f64 = bare.parse().map_err(|_| malformed(span, format!("`{digits}` is no real number")))?;
    if value.is_infinite() {
        let diagnostic = malformed(span, "the number is too large for every real type".to_owned());
        return Err(Box::new(diagnostic.help("the greatest LREAL is about 1.797E308")));
    }
    Ok(LiteralKind::Real { prefix, value: if negative { -value } else { value } })
}

fn bad_duration(span: Span, message: String) -> Box<Diagnostic> {
    Box::new(
        Diagnostic::new(Code::MalformedDuration, span, message)
            .help("write numbers with units, greatest unit first: T#1h30m, T#2s500ms, T#1.5s"),
    )
}

/// The value behind `T#`.
fn duration(text: &str, long: bool, span: Span) -> Result<LiteralKind, Box<Diagnostic>> {
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest.is_empty() {
        return Err(bad_duration(span, "a duration without a value".to_owned()));
    }
    let mut total_ns: i128 = 0;
    let mut next_unit = 0;
    while !rest.is_empty() {
        let (number, after) = split(rest, |letter| letter.is_ascii_digit() || letter == '_' || letter == '.');
        let (unit, after) = split(after, |letter| letter.is_ascii_alphabetic());
        let number = number.trim_start_matches('_');
        if number.is_empty() {
            return Err(bad_duration(span, format!("a number is missing before `{rest}`")));
        }
        if unit.is_empty() {
            return Err(bad_duration(span, format!("the unit behind `{number}` is missing")));
        }
        let Some((index, unit_ns)) = unit_of(unit) else {
            return Err(bad_duration(span, format!("`{unit}` is no unit of time")));
        };
        if index < next_unit {
            return Err(bad_duration(span, format!("`{unit}` stands behind a smaller or the same unit")));
        }
        next_unit = index + 1;
        let last = after.trim_matches('_').is_empty();
        if number.contains('.') && !last {
            return Err(bad_duration(span, format!("only the last number may have a decimal point, not `{number}`")));
        }
        total_ns = total_ns.saturating_add(part_ns(number, unit_ns, span)?);
        rest = if last { "" } else { after };
    }
    let signed = if negative { -total_ns } else { total_ns };
    let value_ns = i64::try_from(signed)
        .map_err(|_| bad_duration(span, "the duration is longer than 292 years, the range of TIME".to_owned()))?;
    Ok(LiteralKind::Duration { long, value_ns })
}

/// Splits behind the longest beginning whose characters all fit.
fn split(text: &str, fits: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|letter| !fits(letter)).unwrap_or(text.len()))
}

/// The place of a unit in [`UNITS_NS`] and its length.
fn unit_of(unit: &str) -> Option<(usize, i128)> {
    UNITS_NS
        .iter()
        .enumerate()
        .find(|(_, (name, _))| name.eq_ignore_ascii_case(unit))
        .map(|(index, (_, unit_ns))| (index, *unit_ns))
}

/// `number * unit_ns`; parts of a nanosecond are cut off.
fn part_ns(number: &str, unit_ns: i128, span: Span) -> Result<i128, Box<Diagnostic>> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |part: &str| -> Result<String, Box<Diagnostic>> {
        let trimmed = part.strip_suffix('_').unwrap_or(part);
        let plain =
            underscores(trimmed, span).is_ok() && trimmed.chars().all(|digit| digit.is_ascii_digit() || digit == '_');
        if plain {
            Ok(trimmed.chars().filter(|digit| *digit != '_').collect())
        } else {
            Err(bad_duration(span, format!("`{number}` is no number")))
        }
    };
    let too_long = || bad_duration(span, "the duration is longer than 292 years, the range of TIME".to_owned());
    // Twenty digits are more than the greatest duration has nanoseconds; their product with a day stays far below i128.
    let whole = digits(whole)?;
    let whole: i128 = whole.trim_start_matches('0').chars().take(21).collect::<String>().parse().unwrap_or(0);
    if whole > i128::from(u64::MAX) {
        return Err(too_long());
    }
    // 18 places of a day are far below a nanosecond; the product stays below 1e18 * 86.4e12 < 1e32, well inside i128.
    let mut fraction_scaled: i128 = 0;
    let mut scale: i128 = 1;
    for digit in digits(fraction)?.chars().take(18) {
        fraction_scaled = fraction_scaled * 10 + i128::from(digit.to_digit(10).unwrap_or(0));
        scale *= 10;
    }
    Ok(whole * unit_ns + fraction_scaled * unit_ns / scale)
}

/// Takes the text of an address apart.
///
/// # Errors
/// `E0107` where it is malformed, `E0501` where its number is `*`.
pub fn address(text: &str, span: Span) -> Result<Address, Box<Diagnostic>> {
    let bad = |message: String| {
        Box::new(
            Diagnostic::new(Code::MalformedAddress, span, message)
                .help("addresses look like %IX0.0, %QX1.7, %QB2, %IW4, %MD8 or %ML16"),
        )
    };
    let mut letters = text.chars().skip(1).peekable();
    let area = match letters.next().map(|letter| letter.to_ascii_uppercase()) {
        Some('I') => Area::Input,
        Some('Q') => Area::Output,
        Some('M') => Area::Memory,
        Some(other) => {
            return Err(bad(format!("`{other}` is no area of the process image: inputs are I, outputs Q, memory M")));
        }
        None => return Err(bad("`%` without an area".to_owned())),
    };
    let size = match letters.peek().map(|letter| letter.to_ascii_uppercase()) {
        Some('X') => Some(AddressSize::Bit),
        Some('B') => Some(AddressSize::Byte),
        Some('W') => Some(AddressSize::Word),
        Some('D') => Some(AddressSize::Double),
        Some('L') => Some(AddressSize::Long),
        Some(other) if other.is_ascii_alphabetic() => {
            return Err(bad(format!(
                "`{other}` is no width: bits are X, bytes B, words W, double words D, long words L"
            )));
        }
        _ => None,
    };
    if size.is_some() {
        letters.next();
    }
    let numbers: String = letters.collect();
    if numbers == "*" {
        return Err(Box::new(
            Diagnostic::new(Code::IncompleteAddress, span, format!("the address `{text}` has no number"))
                .label("give the address here")
                .help("addresses to be filled in by a configuration are not supported; write for example %IX0.0"),
        ));
    }
    let mut path = Vec::new();
    for part in numbers.split('.') {
        let number: Option<u32> =
            if part.chars().all(|digit| digit.is_ascii_digit()) { part.parse().ok() } else { None };
        match number {
            Some(number) => path.push(number),
            None if part.is_empty() => return Err(bad(format!("a number is missing in the address `{text}`"))),
            None => return Err(bad(format!("`{part}` is no number of an address"))),
        }
    }
    Ok(Address { area, size: size.unwrap_or(AddressSize::Bit), path, text: text.to_owned(), span })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> LiteralKind {
        decode(text, Span::default()).unwrap()
    }

    fn ns(text: &str) -> i64 {
        let LiteralKind::Duration { value_ns, .. } = value(text) else { panic!("{text} is no duration") };
        value_ns
    }

    fn complaint(text: &str) -> (Code, String) {
        let diagnostic = decode(text, Span::default()).unwrap_err();
        (diagnostic.code, diagnostic.message.clone())
    }

    #[test]
    fn integers_of_every_base() {
        let int = |text: &str| {
            let LiteralKind::Int { magnitude, base, negative, .. } = value(text) else {
                panic!("{text} is no integer")
            };
            (magnitude, base, negative)
        };
        assert_eq!(int("1_000"), (1000, 10, false));
        assert_eq!(int("2#1010_0101"), (0xA5, 2, false));
        assert_eq!(int("8#17"), (15, 8, false));
        assert_eq!(int("16#fF"), (255, 16, false));
        assert_eq!(int("INT#-5"), (5, 10, true));
        assert_eq!(int("WORD#16#FFFF"), (0xFFFF, 16, false));
        assert_eq!(int("18446744073709551615"), (u64::MAX, 10, false));
    }

    #[test]
    fn reals_and_booleans() {
        assert_eq!(value("1.5E-3"), LiteralKind::Real { prefix: None, value: 0.0015 });
        assert_eq!(value("1e3"), LiteralKind::Real { prefix: None, value: 1000.0 });
        assert!(matches!(value("REAL#-2"), LiteralKind::Real { value, .. } if value == -2.0));
        assert_eq!(value("bool#True"), LiteralKind::Bool { value: true });
        assert_eq!(value("BOOL#0"), LiteralKind::Bool { value: false });
    }

    #[test]
    fn durations_in_nanoseconds() {
        assert_eq!(ns("T#1h2m3s500ms"), 3_723_500_000_000);
        assert_eq!(ns("TIME#-1.5s"), -1_500_000_000);
        assert_eq!(ns("t#25h_15m"), 90_900_000_000_000);
        assert_eq!(ns("LTIME#1us500ns"), 1_500);
        assert_eq!(ns("T#1.000000001s"), 1_000_000_001);
        assert_eq!(ns("T#0.1d"), 8_640_000_000_000);
        assert_eq!(ns("T#5000ms"), 5_000_000_000);
        assert_eq!(ns("T#9223372036854775807ns"), i64::MAX);
    }

    #[test]
    fn malformed_literals_say_what_is_wrong() {
        assert_eq!(complaint("2#1021"), (Code::MalformedNumber, "`2` is no digit of base 2".into()));
        assert_eq!(complaint("1__0").1, "misplaced underscore in `1__0`");
        assert_eq!(complaint("18446744073709551616").1, "the number is too large for every integer type");
        assert_eq!(complaint("1.0E999").1, "the number is too large for every real type");
        assert_eq!(complaint("T#500ms2s").1, "`s` stands behind a smaller or the same unit");
        assert_eq!(complaint("T#5").1, "the unit behind `5` is missing");
        assert_eq!(complaint("T#5min").1, "`min` is no unit of time");
        assert_eq!(complaint("T#1.5h3m").1, "only the last number may have a decimal point, not `1.5`");
        assert_eq!(complaint("T#999999999999999999999d").0, Code::MalformedDuration);
        assert_eq!(complaint("T#1.2.3s").1, "`1.2.3` is no number");
        assert_eq!(complaint("INT#").0, Code::MalformedLiteral);
        assert_eq!(complaint("BOOL#2").0, Code::MalformedLiteral);
        assert_eq!(complaint("7#1").1, "`7` is no base of a number");
        let help = decode("500ms", Span::default()).unwrap_err().helps.clone();
        assert_eq!(help, ["a duration is written `T#500ms`"]);
        let help = decode("0x1F", Span::default()).unwrap_err().helps.clone();
        assert_eq!(help, ["a hexadecimal number is written `16#1F`"]);
    }

    #[test]
    fn addresses() {
        let of = |text: &str| address(text, Span::default()).map(|address| (address.area, address.size, address.path));
        assert_eq!(of("%ix0.3").unwrap(), (Area::Input, AddressSize::Bit, vec![0, 3]));
        assert_eq!(of("%Q1.7").unwrap(), (Area::Output, AddressSize::Bit, vec![1, 7]));
        assert_eq!(of("%MD8").unwrap(), (Area::Memory, AddressSize::Double, vec![8]));
        assert_eq!(of("%I*").unwrap_err().code, Code::IncompleteAddress);
        assert_eq!(of("%IW*").unwrap_err().code, Code::IncompleteAddress);
        assert_eq!(of("%Z1").unwrap_err().code, Code::MalformedAddress);
        assert_eq!(of("%IX0.").unwrap_err().code, Code::MalformedAddress);
        assert_eq!(of("%QW99999999999").unwrap_err().code, Code::MalformedAddress);
    }
}
