//! Sizes as Prometheus writes them: `10MB` is 10 × 1024², as `10MiB` is.

use std::{borrow::Cow, fmt, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A number of bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct PromSize(pub u64);

/// Why a text is no size.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no size; write for example `100MB`: the units are B, KB, MB, GB, TB, PB and KiB to PiB, all of them in 1024"
)]
pub struct PromSizeError(String);

const UNITS: [(&str, u32); 6] = [("P", 50), ("T", 40), ("G", 30), ("M", 20), ("K", 10), ("", 0)];

impl FromStr for PromSize {
    type Err = PromSizeError;

    fn from_str(text: &str) -> Result<Self, PromSizeError> {
        let wrong = || PromSizeError(text.to_owned());
        if text == "0" {
            return Ok(Self(0));
        }
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let number: u64 = text[..digits].parse().map_err(|_| wrong())?;
        let unit = text[digits..].strip_suffix('B').ok_or_else(wrong)?;
        let unit = unit.strip_suffix('i').filter(|unit| !unit.is_empty()).unwrap_or(unit);
        let (_, shift) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?;
        number.checked_mul(1 << shift).map(Self).ok_or_else(wrong)
    }
}

impl fmt::Display for PromSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fits = |(_, shift): &&(&str, u32)| self.0 > 0 && self.0.is_multiple_of(1 << shift);
        match UNITS.iter().find(fits) {
            Some((unit, shift)) => write!(f, "{}{unit}B", self.0 >> shift),
            None => f.write_str("0"),
        }
    }
}

impl Serialize for PromSize {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PromSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl de::Visitor<'_> for Text {
            type Value = PromSize;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a size such as `100MB`")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<PromSize, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Text)
    }
}

impl JsonSchema for PromSize {
    fn schema_name() -> Cow<'static, str> {
        "PrometheusSize".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^(0|[0-9]+([KMGTP]i?)?B)$",
            "description": "a size such as `100MB`, in powers of 1024"
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_count_in_1024() {
        for (text, bytes, written) in [
            ("0", 0, "0"),
            ("10B", 10, "10B"),
            ("1KB", 1024, "1KB"),
            ("1MiB", 1 << 20, "1MB"),
            ("15GB", 15 << 30, "15GB"),
        ] {
            let size: PromSize = text.parse().unwrap();
            assert_eq!((size.0, size.to_string().as_str()), (bytes, written));
        }
        for text in ["", "10", "1.5MB", "MB", "1XB", "1iB", "99999999999TB"] {
            assert!(text.parse::<PromSize>().is_err(), "{text}");
        }
    }
}
