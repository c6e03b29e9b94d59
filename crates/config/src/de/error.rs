//! What stops a pass.

use std::fmt::{self, Display};

use serde::de::{Expected, Unexpected};

/// Why reading stopped.
#[derive(Debug)]
pub(super) enum Error {
    /// It has been recorded with its place.
    Recorded,
    /// A type's own words, without a place yet.
    Message(String),
    /// A required key that the map at hand lacks.
    Missing(&'static str),
    /// Two spellings of one key.
    Duplicate(&'static str),
    /// A stand-in could not become the type that was wanted.
    StandInRefused,
}

impl Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Recorded | Self::StandInRefused => formatter.write_str("the value cannot be read"),
            Self::Message(message) => formatter.write_str(message),
            Self::Missing(key) => write!(formatter, "missing key `{key}`"),
            Self::Duplicate(key) => write!(formatter, "duplicate key `{key}`"),
        }
    }
}

impl std::error::Error for Error {}

impl serde::de::Error for Error {
    fn custom<T: Display>(message: T) -> Self {
        Self::Message(message.to_string())
    }

    fn missing_field(field: &'static str) -> Self {
        Self::Missing(field)
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::Duplicate(field)
    }

    fn invalid_type(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::Message(format!("expected {expected}, found {}", found(unexpected)))
    }

    fn invalid_value(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::Message(format!("expected {expected}, found {}", found(unexpected)))
    }

    fn invalid_length(length: usize, expected: &dyn Expected) -> Self {
        Self::Message(format!("expected {expected}, found {length}"))
    }

    fn unknown_variant(variant: &str, known: &'static [&'static str]) -> Self {
        Self::Message(format!("unknown value `{variant}`, expected {}", one_of(known)))
    }
}

/// What was found, in the words of the rest of the crate.
fn found(unexpected: Unexpected<'_>) -> String {
    match unexpected {
        Unexpected::Bool(value) => format!("boolean `{value}`"),
        Unexpected::Unsigned(value) => format!("integer `{value}`"),
        Unexpected::Signed(value) => format!("integer `{value}`"),
        Unexpected::Float(value) => format!("number `{value}`"),
        Unexpected::Str(text) => format!("string `{text}`"),
        Unexpected::Unit | Unexpected::Option => "nothing".to_owned(),
        Unexpected::Seq => "a list".to_owned(),
        Unexpected::Map => "a map".to_owned(),
        other => other.to_string(),
    }
}

/// `a`, `b` or `c`.
pub(super) fn one_of(names: &[&str]) -> String {
    match names {
        [] => "nothing".to_owned(),
        [only] => format!("`{only}`"),
        [first @ .., last] => {
            let first: Vec<_> = first.iter().map(|name| format!("`{name}`")).collect();
            format!("{} or `{last}`", first.join(", "))
        }
    }
}
