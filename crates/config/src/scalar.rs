//! What a plain scalar means: the core schema of YAML 1.2, with the two additions of the libraries that people know
//! (`0b` and a sign before a radix), and with digits after a leading zero as text: `0123` is an account number here,
//! 83 to a YAML 1.1 reader, 123 to the letter of 1.2, so no reading of it as a number is safe.

use crate::Value;

/// The value of a scalar that was written without quotes.
pub(crate) fn typed(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Value::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => Value::Float(f64::NEG_INFINITY),
        ".nan" | ".NaN" | ".NAN" => Value::Float(f64::NAN),
        _ => number(text).unwrap_or_else(|| Value::Str(text.to_owned())),
    }
}

fn number(text: &str) -> Option<Value> {
    if let Some(integer) = integer(text) {
        // An integer that only fits an unsigned 64-bit key keeps its text; the deserializer reads it from there.
        return Some(i64::try_from(integer).map_or(Value::Float(integer as f64), Value::Int));
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let is_decimal =
        unsigned.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-'));
    if !is_decimal || !unsigned.bytes().any(|byte| byte.is_ascii_digit()) || has_leading_zero(unsigned) {
        return None;
    }
    text.parse().ok().filter(|float: &f64| float.is_finite()).map(Value::Float)
}

/// The integer that the text spells, decimal, `0x`, `0o` or `0b`.
pub(crate) fn integer(text: &str) -> Option<i128> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (radix, digits) = match digits.get(..2) {
        Some("0x") => (16, &digits[2..]),
        Some("0o") => (8, &digits[2..]),
        Some("0b") => (2, &digits[2..]),
        _ if has_leading_zero(digits) => return None,
        _ => (10, digits),
    };
    if digits.starts_with(['+', '-']) {
        return None;
    }
    let magnitude = i128::from_str_radix(digits, radix).ok()?;
    Some(if negative { -magnitude } else { magnitude })
}

fn has_leading_zero(digits: &str) -> bool {
    digits.len() > 1 && digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit())
}
