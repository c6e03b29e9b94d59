//! Values and timestamps in text.

/// Powers of ten that a double holds exactly.
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
    1e19, 1e20, 1e21, 1e22,
];
/// The greatest integer up to which a double holds all.
const EXACT: u64 = 1 << 53;
const NANOS: i64 = 1_000_000_000;
const NANOS_PER_MILLI: i64 = 1_000_000;

/// A value: a decimal number, `NaN`, or infinity in the spellings that Go and OpenMetrics have. Neither hexadecimal numbers nor
/// digits grouped by `_`.
#[inline]
pub fn value(text: &[u8]) -> Option<f64> {
    simple(text).or_else(|| any(text))
}

/// What most values are: few digits, which a double holds, times a power of ten, which it holds too. Then one operation
/// rounds correctly (Clinger 1990).
#[inline]
fn simple(text: &[u8]) -> Option<f64> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, text),
    };
    let (mut mantissa, mut at, mut scale) = (0_u64, 0, 0_i32);
    while let Some(digit) = digit(digits, at) {
        mantissa = mantissa.wrapping_mul(10).wrapping_add(digit);
        at += 1;
    }
    let mut seen = at;
    if digits.get(at) == Some(&b'.') {
        at += 1;
        while let Some(digit) = digit(digits, at) {
            mantissa = mantissa.wrapping_mul(10).wrapping_add(digit);
            (at, scale, seen) = (at + 1, scale - 1, seen + 1);
        }
    }
    if let Some(b'e' | b'E') = digits.get(at) {
        at += 1;
        let minus = digits.get(at) == Some(&b'-');
        at += usize::from(matches!(digits.get(at), Some(b'+' | b'-')));
        let (mut exponent, from) = (0_i32, at);
        while let Some(digit) = digit(digits, at) {
            exponent = exponent.checked_mul(10)?.checked_add(digit as i32)?;
            at += 1;
        }
        if at == from {
            return None;
        }
        scale = scale.checked_add(if minus { -exponent } else { exponent })?;
    }
    // 19 digits fit 64 bits.
    if at != digits.len() || seen == 0 || seen > 19 || mantissa > EXACT {
        return None;
    }
    let power = *POWERS.get(scale.unsigned_abs() as usize)?;
    let value = if scale < 0 { mantissa as f64 / power } else { mantissa as f64 * power };
    Some(if negative { -value } else { value })
}

#[inline]
fn digit(text: &[u8], at: usize) -> Option<u64> {
    text.get(at).map(|byte| byte.wrapping_sub(b'0')).filter(|digit| *digit < 10).map(u64::from)
}

fn any(text: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(text).ok()?;
    if text.eq_ignore_ascii_case("nan") {
        return Some(f64::NAN);
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if unsigned.eq_ignore_ascii_case("inf") || unsigned.eq_ignore_ascii_case("infinity") {
        return Some(if text.starts_with('-') { f64::NEG_INFINITY } else { f64::INFINITY });
    }
    if !unsigned.starts_with(|first: char| first.is_ascii_digit() || first == '.') {
        return None;
    }
    // Beyond the range of doubles it would be infinite, which the text does not say: Go refuses it too.
    text.parse().ok().filter(|value: &f64| value.is_finite())
}

/// A timestamp of Prometheus's text format: whole milliseconds since the epoch. Answers nanoseconds, within their range.
pub fn milliseconds(text: &[u8]) -> Option<i64> {
    let millis: i64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    Some(millis.saturating_mul(NANOS_PER_MILLI))
}

/// A timestamp of OpenMetrics: seconds since the epoch, finite. Answers nanoseconds, within their range; digits below them are cut.
pub fn seconds(text: &[u8]) -> Option<i64> {
    exact_seconds(text).or_else(|| {
        let seconds = value(text).filter(|seconds| seconds.is_finite())?;
        Some((seconds * NANOS as f64) as i64) // casts saturate
    })
}

/// Without exponent, and in range: no digit is lost to a double.
fn exact_seconds(text: &[u8]) -> Option<i64> {
    let (sign, digits) = match text {
        [b'-', rest @ ..] => (-1, rest),
        _ => (1, text),
    };
    let (whole, fraction) = match digits.iter().position(|byte| *byte == b'.') {
        Some(at) => (&digits[..at], &digits[at + 1..]),
        None => (digits, &[][..]),
    };
    let mut seconds = 0_i64;
    for at in 0..whole.len() {
        seconds = seconds.checked_mul(10)?.checked_add(digit(whole, at)? as i64)?;
    }
    let mut nanos = 0;
    for at in 0..fraction.len().max(9) {
        let digit = if at < fraction.len() { digit(fraction, at)? as i64 } else { 0 };
        if at < 9 {
            nanos = nanos * 10 + digit;
        }
    }
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    Some(sign * seconds.checked_mul(NANOS)?.checked_add(nanos)?)
}

/// A number as Prometheus 3 has it in the labels `le` and `quantile`, however the page writes it: Go's shortest form, with a point or an
/// exponent, `1.0` and `2.5e+06` (Prometheus, formatOpenMetricsFloat).
pub fn in_label(value: f64) -> String {
    let mut text = String::new();
    crate::render::push_value(&mut text, value);
    if !value.is_finite() {
        return text;
    }
    let scientific = format!("{value:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    match exponent.parse::<i32>() {
        Ok(exponent) if !(-4..6).contains(&exponent) => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{digits}e{sign}{:02}", exponent.unsigned_abs())
        }
        _ => format!("{value:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_what_the_standard_library_reads() {
        for text in [
            "0",
            "-0",
            "1",
            "00012",
            "1.5",
            ".5",
            "5.",
            "-1.25e-7",
            "1e22",
            "1e+06",
            "1.7976931348623157e308",
            "9007199254740993",
            "0.1",
            "123456789.123456789",
            "3.0e-23",
            "4.9e-324",
            "18446744073709551616",
            "0000000000000000000000000000000000000000001.2e-1",
            "2.2250738585072011e-308",
            "1E5",
            "+7",
        ] {
            let expected: f64 = text.parse().unwrap();
            assert_eq!(value(text.as_bytes()).map(f64::to_bits), Some(expected.to_bits()), "{text}");
        }
    }

    #[test]
    fn not_numbers_and_infinities_have_their_spellings() {
        assert!(value(b"NaN").unwrap().is_nan() && value(b"nan").unwrap().is_nan());
        assert_eq!([value(b"+Inf"), value(b"inf"), value(b"Infinity")], [Some(f64::INFINITY); 3]);
        assert_eq!(value(b"-INF"), Some(f64::NEG_INFINITY));
    }

    #[test]
    fn what_is_no_number_is_none() {
        for text in [
            "", "-", "+", ".", "e5", "1e", "1e+", "1_2", "0x1", "0x1p-3", "0b1", "1 ", " 1", "1a", "--1",
            "+nan", "1e999", "1.1.1",
        ] {
            assert_eq!(value(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn timestamps_are_nanoseconds() {
        assert_eq!(milliseconds(b"1395066363000"), Some(1_395_066_363_000_000_000));
        assert_eq!(milliseconds(b"-1"), Some(-1_000_000));
        assert_eq!([milliseconds(b"1.5"), milliseconds(b""), milliseconds(b"1e3")], [None; 3]);
        assert_eq!(seconds(b"1520879607.789"), Some(1_520_879_607_789_000_000));
        assert_eq!(seconds(b"1520879607.789123456789"), Some(1_520_879_607_789_123_456));
        assert_eq!(seconds(b"-1.1"), Some(-1_100_000_000));
        assert_eq!(seconds(b"1.5e3"), Some(1_500_000_000_000));
        assert_eq!(seconds(b"12345678901234567890.1"), Some(i64::MAX));
        assert_eq!(
            [seconds(b"NaN"), seconds(b"Inf"), seconds(b"1z"), seconds(b""), seconds(b".")],
            [None; 5]
        );
    }

    #[test]
    fn numbers_in_labels_are_as_go_writes_them() {
        // What Go's strconv.FormatFloat(x, 'g', -1, 64) prints, and `.0` where that has neither point nor exponent.
        for (value, text) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (-5.0, "-5.0"),
            (0.25, "0.25"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (100_000.0, "100000.0"),
            (999_999.5, "999999.5"),
            (1_000_000.0, "1e+06"),
            (2_500_000.0, "2.5e+06"),
            (1e100, "1e+100"),
            (5e-324, "5e-324"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(in_label(value), text, "{value:e}");
        }
    }
}
