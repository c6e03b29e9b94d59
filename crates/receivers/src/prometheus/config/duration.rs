//! Durations in Prometheus's syntax: `15s`, `1h30m`, `1d`. Units come from the largest to the smallest, each once, without fractions.

use std::{borrow::Cow, fmt, str::FromStr, time::Duration};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use weir_config::Check;

/// A span of time as Prometheus writes it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PromDuration(pub Duration);

/// Why a text is no duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no duration; write for example `15s`, `1h30m` or `500ms`, larger units first and without fractions"
)]
pub struct PromDurationError(String);

/// Units from the largest to the smallest, in milliseconds. A year has 365 days.
const UNITS: [(&str, u64); 7] = [
    ("y", 365 * 86_400_000),
    ("w", 7 * 86_400_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1000),
    ("ms", 1),
];

impl PromDuration {
    /// That many seconds.
    pub const fn from_secs(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }

    /// Whether it is none.
    pub const fn is_zero(self) -> bool {
        self.0.is_zero()
    }
}

impl FromStr for PromDuration {
    type Err = PromDurationError;

    fn from_str(text: &str) -> Result<Self, PromDurationError> {
        let wrong = || PromDurationError(text.to_owned());
        if text == "0" {
            return Ok(Self::default());
        }
        let mut rest = text;
        let mut millis = 0_u64;
        let mut units = UNITS.iter();
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            let number: u64 = rest[..digits].parse().map_err(|_| wrong())?;
            rest = &rest[digits..];
            let end = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
            let (_, scale) = units.find(|(unit, _)| *unit == &rest[..end]).ok_or_else(wrong)?;
            millis =
                number.checked_mul(*scale).and_then(|more| millis.checked_add(more)).ok_or_else(wrong)?;
            rest = &rest[end..];
        }
        // Prometheus's bound: 2⁶³−1 nanoseconds.
        let is_held = !text.is_empty() && millis <= i64::MAX.unsigned_abs() / 1_000_000;
        if is_held { Ok(Self(Duration::from_millis(millis))) } else { Err(wrong()) }
    }
}

/// As Prometheus writes it, which is what `__scrape_interval__` holds: years and weeks only where nothing is left over.
impl fmt::Display for PromDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut left = u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX);
        if left == 0 {
            return f.write_str("0s");
        }
        for (unit, scale) in UNITS {
            let exact_only = matches!(unit, "y" | "w");
            if left < scale || (exact_only && left % scale != 0) {
                continue;
            }
            write!(f, "{}{unit}", left / scale)?;
            left %= scale;
        }
        Ok(())
    }
}

impl Serialize for PromDuration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PromDuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl de::Visitor<'_> for Text {
            type Value = PromDuration;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a duration such as `15s`")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<PromDuration, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Text)
    }
}

impl JsonSchema for PromDuration {
    fn schema_name() -> Cow<'static, str> {
        "PrometheusDuration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "format": "duration",
            "pattern": "^(0|([0-9]+y)?([0-9]+w)?([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?)$",
            "description": "a duration such as `15s` or `1h30m`"
        })
    }
}

/// Reports an interval that leaves no pause.
pub(super) fn never_zero(interval: Option<PromDuration>, key: &str, check: &mut Check<'_>) {
    if interval.is_some_and(PromDuration::is_zero) {
        check.error(&[key], "an interval of 0 leaves no pause");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_written_as_prometheus_does() {
        // Text, milliseconds, written again: the examples of model/time_test.go in words of our own.
        for (text, millis, written) in [
            ("0", 0_u64, "0s"),
            ("0s", 0, "0s"),
            ("324ms", 324, "324ms"),
            ("3s", 3000, "3s"),
            ("5m", 300_000, "5m"),
            ("1h", 3_600_000, "1h"),
            ("4d", 4 * 86_400_000, "4d"),
            ("4d1h", 4 * 86_400_000 + 3_600_000, "4d1h"),
            ("14d", 14 * 86_400_000, "2w"),
            ("3w", 21 * 86_400_000, "3w"),
            ("3w2d1h", 23 * 86_400_000 + 3_600_000, "23d1h"),
            ("10y", 315_360_000_000, "10y"),
            ("1h30m", 5_400_000, "1h30m"),
            ("90s", 90_000, "1m30s"),
        ] {
            let read: PromDuration = text.parse().unwrap();
            assert_eq!(read.0.as_millis(), u128::from(millis), "{text}");
            assert_eq!(read.to_string(), written, "{text}");
        }
    }

    #[test]
    fn other_texts_are_no_durations() {
        for text in
            ["", "1", "1.5h", "-1s", "1s1m", "1s1s", "s", "1µs", " 1s", "500y", "99999999999999999999s"]
        {
            assert!(text.parse::<PromDuration>().is_err(), "{text}");
        }
    }
}
