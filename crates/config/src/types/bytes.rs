//! Sizes in bytes.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::{Serialize, Serializer};

/// A number of bytes: `64MiB`, `10 MB`, `1.5GiB`, or a plain integer.
///
/// `KiB MiB GiB TiB` (and `Ki Mi Gi Ti`, as Kubernetes writes them) count in 1024, `kB MB GB TB` (and `k M G T`) in
/// 1000.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteSize(pub u64);

/// Why a text is no size.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ByteSizeError {
    /// There is no text.
    #[error("a size is missing; write for example `64MiB`")]
    Empty,
    /// Not a number with a unit.
    #[error("`{0}` is no size; write for example `64MiB`, `10MB` or a number of bytes")]
    Malformed(String),
    /// A unit that does not exist.
    #[error("unknown unit `{unit}` in size `{text}`; the units are B, KiB, MiB, GiB, TiB, kB, MB, GB and TB")]
    UnknownUnit {
        /// The whole text.
        text: String,
        /// The part that is no unit.
        unit: String,
    },
    /// Beyond 2⁶⁴−1 bytes.
    #[error("size `{0}` is larger than 16 EiB")]
    TooLarge(String),
}

/// Units by their lowercase name.
const UNITS: [(&str, u64); 18] = [
    ("", 1),
    ("b", 1),
    ("k", 1_000),
    ("kb", 1_000),
    ("ki", 1 << 10),
    ("kib", 1 << 10),
    ("m", 1_000_000),
    ("mb", 1_000_000),
    ("mi", 1 << 20),
    ("mib", 1 << 20),
    ("g", 1_000_000_000),
    ("gb", 1_000_000_000),
    ("gi", 1 << 30),
    ("gib", 1 << 30),
    ("t", 1_000_000_000_000),
    ("tb", 1_000_000_000_000),
    ("ti", 1 << 40),
    ("tib", 1 << 40),
];

/// What a size is written in again, largest first.
const WRITTEN: [(&str, u64); 4] = [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];

impl ByteSize {
    /// That many bytes.
    pub const fn new(bytes: u64) -> Self {
        Self(bytes)
    }

    /// That many times 1024² bytes.
    pub const fn from_mib(mib: u32) -> Self {
        Self((mib as u64) << 20)
    }

    /// The number of bytes.
    pub const fn bytes(self) -> u64 {
        self.0
    }

    /// The number of bytes as a length in memory; on a small machine at most what it can address.
    pub fn as_usize(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl From<u64> for ByteSize {
    fn from(bytes: u64) -> Self {
        Self(bytes)
    }
}

impl FromStr for ByteSize {
    type Err = ByteSizeError;

    fn from_str(text: &str) -> Result<Self, ByteSizeError> {
        let trimmed = text.trim();
        if trimmed.is_empty() {
            return Err(ByteSizeError::Empty);
        }
        let malformed = || ByteSizeError::Malformed(text.to_owned());
        let number =
            &trimmed[..trimmed.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(trimmed.len())];
        let unit = trimmed[number.len()..].trim_start();
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if whole.is_empty() || fraction.contains('.') || unit.contains(|c: char| !c.is_alphabetic()) {
            return Err(malformed());
        }
        let lower = unit.to_ascii_lowercase();
        let Some(&(_, scale)) = UNITS.iter().find(|(name, _)| *name == lower) else {
            return Err(ByteSizeError::UnknownUnit { text: text.to_owned(), unit: unit.to_owned() });
        };
        let too_large = || ByteSizeError::TooLarge(text.to_owned());
        let whole: u64 = whole.parse().map_err(|_| too_large())?;
        let whole = whole.checked_mul(scale).ok_or_else(too_large)?;
        whole.checked_add(fraction_of(fraction, scale)).map(Self).ok_or_else(too_large)
    }
}

/// `0.fraction` of the unit, cut below one byte.
fn fraction_of(fraction: &str, scale: u64) -> u64 {
    let (numerator, denominator) = fraction
        .bytes()
        .take(18)
        .fold((0_u128, 1_u128), |(sum, place), digit| (sum * 10 + u128::from(digit - b'0'), place * 10));
    (numerator * u128::from(scale) / denominator) as u64
}

/// The largest unit of 1024 that divides it; plain bytes otherwise.
impl fmt::Display for ByteSize {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match WRITTEN.iter().find(|(_, scale)| self.0 > 0 && self.0.is_multiple_of(*scale)) {
            Some((unit, scale)) => write!(formatter, "{}{unit}", self.0 / scale),
            None => write!(formatter, "{}", self.0),
        }
    }
}

impl Serialize for ByteSize {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ByteSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = ByteSize;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a size such as `64MiB`")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<ByteSize, E> {
                text.parse().map_err(E::custom)
            }

            fn visit_u64<E: de::Error>(self, bytes: u64) -> Result<ByteSize, E> {
                Ok(ByteSize(bytes))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

impl JsonSchema for ByteSize {
    fn schema_name() -> Cow<'static, str> {
        "ByteSize".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["string", "integer"],
            "format": "bytes",
            "minimum": 0,
            "description": "a size such as `64MiB` or `10 MB`, or a number of bytes"
        })
    }
}
