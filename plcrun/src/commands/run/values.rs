//! Values a person types for inputs that are no BOOL: literals of IEC 61131-3, checked against the variable's type.

use bytecode::ScalarType;
use bytecode::scalar::Scalar;
use bytecode::types::Elementary;
use compiler::ast::{ExprKind, LiteralKind};
use relay::quantity::Duration;

/// The bits of a value as the variable stores them: `7`, `-5`, `16#FF`, `INT#7`, `3.5`, `T#2s`, `2 s`.
///
/// # Errors
/// What is wrong with the text, or which values the type has.
pub fn bits(elementary: Elementary, text: &str) -> Result<u64, String> {
    let name = elementary.name();
    let text = text.trim();
    let (minus, rest) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let is_time = matches!(elementary, Elementary::Time | Elementary::Ltime);
    if is_time && let Ok(duration) = rest.parse::<Duration>() {
        let ns = i64::try_from(duration.ns).map_err(|_| format!("`{text}` is longer than {name} reaches"))?;
        return Ok(if minus { ns.saturating_neg() } else { ns }.to_bits());
    }
    let unreadable = || format!("`{text}` is no value of {name}; write {}", example(elementary));
    let Ok(expression) = compiler::parser::parse_expression(rest) else { return Err(unreadable()) };
    let ExprKind::Literal(literal) = expression.kind else { return Err(unreadable()) };
    match (literal.kind, elementary.scalar()) {
        (LiteralKind::Duration { value_ns, .. }, _) if is_time => {
            Ok(if minus { value_ns.saturating_neg() } else { value_ns }.to_bits())
        }
        (LiteralKind::Int { prefix, negative, magnitude, .. }, Some(scalar)) if fits(prefix.as_ref(), name) => {
            let magnitude = i128::from(magnitude);
            let value = if minus == negative { magnitude } else { -magnitude };
            if scalar.is_float() {
                return Ok(real(scalar, to_f64(value)));
            }
            if !scalar.is_int() || is_time {
                return Err(unreadable());
            }
            whole(scalar, value).ok_or_else(|| {
                let (low, high) = range(scalar);
                format!("{name} is never {value}; its values lie between {low} and {high}")
            })
        }
        (LiteralKind::Real { prefix, value }, Some(scalar)) if scalar.is_float() && fits(prefix.as_ref(), name) => {
            Ok(real(scalar, if minus { -value } else { value }))
        }
        _ => Err(unreadable()),
    }
}

fn fits(prefix: Option<&compiler::ast::Ident>, name: &str) -> bool {
    prefix.is_none_or(|prefix| prefix.text.eq_ignore_ascii_case(name))
}

const fn example(elementary: Elementary) -> &'static str {
    match elementary {
        Elementary::Bool => "true or false",
        Elementary::Real | Elementary::Lreal => "a number such as 3.5",
        Elementary::Time | Elementary::Ltime => "a duration such as T#2s500ms",
        Elementary::Byte | Elementary::Word | Elementary::Dword | Elementary::Lword => "a number such as 16#0F or 15",
        Elementary::Sint
        | Elementary::Int
        | Elementary::Dint
        | Elementary::Lint
        | Elementary::Usint
        | Elementary::Uint
        | Elementary::Udint
        | Elementary::Ulint => "a whole number such as 7",
        Elementary::Date
        | Elementary::Ldate
        | Elementary::TimeOfDay
        | Elementary::LtimeOfDay
        | Elementary::DateAndTime
        | Elementary::LdateAndTime
        | Elementary::Char
        | Elementary::Wchar => "nothing: this version does not store that type",
    }
}

fn range(scalar: ScalarType) -> (i128, i128) {
    let bits = 8 * scalar.size();
    if scalar.is_signed() { (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) } else { (0, (1 << bits) - 1) }
}

/// Two's complement in the width of the type; `None` outside its range.
fn whole(scalar: ScalarType, value: i128) -> Option<u64> {
    let (low, high) = range(scalar);
    let mask = (1_i128 << (8 * scalar.size())) - 1;
    (low..=high).contains(&value).then(|| u64::try_from(value & mask).ok()).flatten()
}

#[allow(clippy::cast_precision_loss, reason = "a REAL takes the nearest value it has")]
const fn to_f64(value: i128) -> f64 {
    value as f64
}

#[allow(clippy::cast_possible_truncation, reason = "a REAL takes the nearest value it has")]
fn real(scalar: ScalarType, value: f64) -> u64 {
    if scalar == ScalarType::F32 { Scalar::to_bits(value as f32) } else { Scalar::to_bits(value) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytecode::path::show;

    #[test]
    fn literals_are_read_as_the_type_asks() {
        for (elementary, text, shown) in [
            (Elementary::Int, "7", "7"),
            (Elementary::Int, "-5", "-5"),
            (Elementary::Int, "INT#-32768", "-32768"),
            (Elementary::Word, "16#FF", "16#00FF"),
            (Elementary::Word, "word#255", "16#00FF"),
            (Elementary::Ulint, "18446744073709551615", "18446744073709551615"),
            (Elementary::Lint, "-9223372036854775808", "-9223372036854775808"),
            (Elementary::Real, "3.5", "3.5"),
            (Elementary::Lreal, "-2", "-2.0"),
            (Elementary::Time, "T#2s500ms", "T#2s500ms"),
            (Elementary::Time, "-2 s", "T#-2s"),
        ] {
            assert_eq!(show(elementary, bits(elementary, text).unwrap()), shown, "{text}");
        }
    }

    #[test]
    fn what_the_type_does_not_have_is_told() {
        for (elementary, text, words) in [
            (Elementary::Int, "32768", "between -32768 and 32767"),
            (Elementary::Usint, "-1", "between 0 and 255"),
            (Elementary::Int, "3.5", "a whole number"),
            (Elementary::Int, "DINT#3", "no value of INT"),
            (Elementary::Int, "TRUE", "no value of INT"),
            (Elementary::Int, "a + 1", "no value of INT"),
            (Elementary::Int, "", "no value of INT"),
            (Elementary::Time, "5", "a duration"),
            (Elementary::Word, "T#2s", "16#0F"),
        ] {
            let error = bits(elementary, text).unwrap_err();
            assert!(error.contains(words), "{text}: {error}");
        }
    }
}
