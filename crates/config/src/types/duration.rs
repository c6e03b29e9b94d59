//! Durations in the syntax of Go, which is the Collector's.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;
use std::str::FromStr;
use std::time::Duration as StdDuration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::{Serialize, Serializer};

/// A span of time as configurations write it: `300ms`, `1.5h`, `1m30s`, or `0`.
///
/// It is never negative and at most 2⁶³−1 nanoseconds (292 years), which is Go's bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration(pub StdDuration);

/// Why a text is no duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DurationError {
    /// There is no text.
    #[error("a duration is missing; write for example `30s`")]
    Empty,
    /// A number alone: seconds to some, milliseconds or nanoseconds to others.
    #[error("duration `{0}` has no unit; write `{0}s` for seconds or `{0}ms` for milliseconds")]
    NoUnit(String),
    /// A unit that Go does not have.
    #[error("unknown unit `{unit}` in duration `{text}`; the units are ns, us, µs, ms, s, m and h{hint}")]
    UnknownUnit {
        /// The whole text.
        text: String,
        /// The part that is no unit.
        unit: String,
        /// The way out where one is known, with a comma before it.
        hint: &'static str,
    },
    /// Not a sequence of numbers with units.
    #[error("`{0}` is no duration; write for example `300ms`, `1.5h` or `1m30s`")]
    Malformed(String),
    /// Below zero.
    #[error("duration `{0}` is negative")]
    Negative(String),
    /// Beyond 2⁶³−1 nanoseconds.
    #[error("duration `{0}` is longer than 292 years")]
    TooLong(String),
}

const UNITS: [(&str, u64); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000), // U+03BC beside U+00B5: keyboards have either
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

impl Duration {
    /// No time at all.
    pub const ZERO: Self = Self(StdDuration::ZERO);

    /// That many milliseconds.
    pub const fn from_millis(millis: u64) -> Self {
        Self(StdDuration::from_millis(millis))
    }

    /// That many seconds.
    pub const fn from_secs(secs: u64) -> Self {
        Self(StdDuration::from_secs(secs))
    }

    /// The standard library's duration.
    pub const fn as_std(self) -> StdDuration {
        self.0
    }
}

impl Deref for Duration {
    type Target = StdDuration;

    fn deref(&self) -> &StdDuration {
        &self.0
    }
}

impl From<StdDuration> for Duration {
    fn from(duration: StdDuration) -> Self {
        Self(duration)
    }
}

impl From<Duration> for StdDuration {
    fn from(duration: Duration) -> Self {
        duration.0
    }
}

impl FromStr for Duration {
    type Err = DurationError;

    fn from_str(text: &str) -> Result<Self, DurationError> {
        let unsigned = text.strip_prefix('+').unwrap_or(text);
        if unsigned.is_empty() {
            return Err(DurationError::Empty);
        }
        if unsigned.starts_with('-') {
            return Err(DurationError::Negative(text.to_owned()));
        }
        if unsigned.bytes().all(|byte| byte == b'0') {
            return Ok(Self::ZERO);
        }
        let mut nanos = 0_u128;
        let mut rest = unsigned;
        while !rest.is_empty() {
            let (part, behind) = part(rest, text)?;
            nanos = nanos.saturating_add(part);
            rest = behind;
        }
        let nanos = i64::try_from(nanos).map_err(|_| DurationError::TooLong(text.to_owned()))?;
        Ok(Self(StdDuration::from_nanos(nanos.unsigned_abs())))
    }
}

/// The nanoseconds of the first number with its unit, and what follows.
fn part<'a>(rest: &'a str, text: &str) -> Result<(u128, &'a str), DurationError> {
    let malformed = || DurationError::Malformed(text.to_owned());
    let number = &rest[..rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len())];
    let behind = &rest[number.len()..];
    let unit = &behind[..behind.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(behind.len())];
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.len() + fraction.len() == 0 || fraction.contains('.') {
        return Err(malformed());
    }
    if unit.is_empty() {
        return Err(DurationError::NoUnit(text.to_owned()));
    }
    if !unit.chars().all(char::is_alphabetic) {
        return Err(malformed());
    }
    let Some(&(_, scale)) = UNITS.iter().find(|(name, _)| *name == unit) else {
        let (text, unit) = (text.to_owned(), unit.to_owned());
        return Err(DurationError::UnknownUnit { hint: hint(&unit), text, unit });
    };
    let too_long = || DurationError::TooLong(text.to_owned());
    let whole = if whole.is_empty() { 0 } else { whole.parse::<u64>().map_err(|_| too_long())? };
    Ok((u128::from(whole) * u128::from(scale) + fraction_of(fraction, scale), &behind[unit.len()..]))
}

/// `0.fraction` of the unit, in nanoseconds, cut below one.
fn fraction_of(fraction: &str, scale: u64) -> u128 {
    let mut nanos = 0_u128;
    let mut place = u128::from(scale) * 1_000_000_000;
    for digit in fraction.bytes() {
        place /= 10;
        nanos += u128::from(digit - b'0') * place;
    }
    nanos / 1_000_000_000
}

fn hint(unit: &str) -> &'static str {
    match unit {
        "d" | "day" | "days" => ", and a day is `24h`",
        "w" | "week" | "weeks" => ", and a week is `168h`",
        "sec" | "secs" | "second" | "seconds" | "S" => ", and a second is `1s`",
        "min" | "mins" | "minute" | "minutes" | "M" => ", and a minute is `1m`",
        "hr" | "hrs" | "hour" | "hours" | "H" => ", and an hour is `1h`",
        _ => "",
    }
}

/// The shortest text that reads back as the same duration: `1m30s`, `300ms`, `1.5s`.
impl fmt::Display for Duration {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0.as_nanos();
        if nanos == 0 {
            return formatter.write_str("0s");
        }
        if nanos < 1_000_000_000 {
            let (unit, scale) = match nanos {
                1_000_000.. => ("ms", 1_000_000),
                1_000.. => ("us", 1_000),
                _ => ("ns", 1),
            };
            return write_decimal(formatter, nanos, scale, unit);
        }
        let (hours, minutes) = (nanos / 3_600_000_000_000, nanos / 60_000_000_000 % 60);
        if hours > 0 {
            write!(formatter, "{hours}h")?;
        }
        if minutes > 0 {
            write!(formatter, "{minutes}m")?;
        }
        match nanos % 60_000_000_000 {
            0 => Ok(()),
            rest => write_decimal(formatter, rest, 1_000_000_000, "s"),
        }
    }
}

fn write_decimal(formatter: &mut fmt::Formatter<'_>, nanos: u128, scale: u128, unit: &str) -> fmt::Result {
    write!(formatter, "{}", nanos / scale)?;
    let fraction = nanos % scale;
    if fraction > 0 {
        let width = scale.ilog10() as usize;
        let digits = format!("{fraction:0width$}");
        write!(formatter, ".{}", digits.trim_end_matches('0'))?;
    }
    formatter.write_str(unit)
}

impl Serialize for Duration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Duration;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a duration such as `30s`")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Duration, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Text)
    }
}

impl JsonSchema for Duration {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "format": "duration",
            "pattern": "^\\+?(0+|([0-9]+(\\.[0-9]*)?|\\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+$",
            "description": "a duration such as `300ms`, `1.5h` or `1m30s`"
        })
    }
}
