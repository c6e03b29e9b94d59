//! From decoded documents to typed values: every type is checked, and an error says where.
//!
//! Both protocols decode to one document type, [`ciborium::Value`]. Members that are absent or null are `None`;
//! members that nobody asks for are ignored, as the service does.

use std::fmt;

use ciborium::Value;

use crate::{error::ApiError, protocol::Protocol};

/// CBOR's tag for seconds since the Unix epoch (RFC 8949 section 3.4.2).
const EPOCH_SECONDS: u64 = 1;

/// A value that is not of its member's type.
#[derive(Debug)]
pub(crate) struct Mismatch {
    /// Innermost part first.
    path: Vec<String>,
    problem: String,
}

impl Mismatch {
    fn expected(expected: &str, found: &Value) -> Self {
        Self { path: Vec::new(), problem: format!("expected {expected}, found {}", kind(found)) }
    }

    fn under(mut self, part: impl Into<String>) -> Self {
        self.path.push(part.into());
        self
    }
}

impl From<Mismatch> for ApiError {
    fn from(mismatch: Mismatch) -> Self {
        ApiError::Serialization(mismatch.to_string())
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path: Vec<&str> = self.path.iter().rev().map(String::as_str).collect();
        if path.is_empty() {
            write!(f, "the request: {}", self.problem)
        } else {
            write!(f, "{}: {}", path.join("."), self.problem)
        }
    }
}

type Decoded<T> = Result<T, Mismatch>;

/// A structure, given up member by member.
pub(crate) struct Object {
    members: Vec<(Value, Value)>,
    protocol: Protocol,
}

impl Object {
    pub(crate) fn new(value: Value, protocol: Protocol) -> Decoded<Self> {
        match value {
            Value::Map(members) => Ok(Self { members, protocol }),
            other => Err(Mismatch::expected("a structure", &other)),
        }
    }

    pub(crate) fn text(&mut self, name: &str) -> Decoded<Option<String>> {
        self.member(name, |value, _| text(value))
    }

    pub(crate) fn number(&mut self, name: &str) -> Decoded<Option<f64>> {
        self.member(name, number)
    }

    pub(crate) fn integer(&mut self, name: &str) -> Decoded<Option<i32>> {
        self.member(name, |value, _| match &value {
            // Every integer of this API is a 32-bit one in the service model.
            Value::Integer(integer) => {
                i32::try_from(*integer).map_err(|_| Mismatch::expected("a 32-bit integer", &value))
            }
            _ => Err(Mismatch::expected("an integer", &value)),
        })
    }

    pub(crate) fn boolean(&mut self, name: &str) -> Decoded<Option<bool>> {
        self.member(name, |value, _| match value {
            Value::Bool(boolean) => Ok(boolean),
            other => Err(Mismatch::expected("a boolean", &other)),
        })
    }

    /// A timestamp, in milliseconds since the Unix epoch.
    pub(crate) fn time_ms(&mut self, name: &str) -> Decoded<Option<i64>> {
        self.member(name, time_ms)
    }

    pub(crate) fn object<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&mut Object) -> Decoded<T>,
    ) -> Decoded<Option<T>> {
        self.member(name, |value, protocol| read(&mut Object::new(value, protocol)?))
    }

    /// A list of structures.
    pub(crate) fn objects<T>(
        &mut self,
        name: &str,
        mut read: impl FnMut(&mut Object) -> Decoded<T>,
    ) -> Decoded<Option<Vec<T>>> {
        self.list(name, |value, protocol| read(&mut Object::new(value, protocol)?))
    }

    pub(crate) fn numbers(&mut self, name: &str) -> Decoded<Option<Vec<f64>>> {
        self.list(name, number)
    }

    pub(crate) fn texts(&mut self, name: &str) -> Decoded<Option<Vec<String>>> {
        self.list(name, |value, _| text(value))
    }

    /// A map from text to text, as pairs in the order of the request.
    pub(crate) fn text_map(&mut self, name: &str) -> Decoded<Option<Vec<(String, String)>>> {
        self.member(name, |value, _| match value {
            Value::Map(entries) => {
                entries.into_iter().map(|(key, value)| Ok((text(key)?, text(value)?))).collect()
            }
            other => Err(Mismatch::expected("a map", &other)),
        })
    }

    fn list<T>(
        &mut self,
        name: &str,
        mut read: impl FnMut(Value, Protocol) -> Decoded<T>,
    ) -> Decoded<Option<Vec<T>>> {
        self.member(name, |value, protocol| match value {
            Value::Array(items) => items
                .into_iter()
                .enumerate()
                .map(|(index, item)| {
                    read(item, protocol).map_err(|error| error.under(format!("member.{}", index + 1)))
                })
                .collect(),
            other => Err(Mismatch::expected("a list", &other)),
        })
    }

    fn member<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(Value, Protocol) -> Decoded<T>,
    ) -> Decoded<Option<T>> {
        let is_member = |(key, _): &(Value, Value)| key.as_text() == Some(name);
        let Some(index) = self.members.iter().position(is_member) else { return Ok(None) };
        let (_, value) = self.members.swap_remove(index);
        if self.members.iter().any(is_member) {
            let problem = "given twice".to_owned();
            return Err(Mismatch { path: vec![name.to_owned()], problem });
        }
        if value.is_null() {
            return Ok(None);
        }
        read(value, self.protocol).map(Some).map_err(|error| error.under(name))
    }
}

fn text(value: Value) -> Decoded<String> {
    match value {
        Value::Text(text) => Ok(text),
        other => Err(Mismatch::expected("a string", &other)),
    }
}

fn number(value: Value, protocol: Protocol) -> Decoded<f64> {
    match &value {
        Value::Float(float) => Ok(*float),
        // Exact up to 2^53; beyond, the nearest double, as for any reader of a double.
        Value::Integer(integer) => Ok(i128::from(*integer) as f64),
        // JSON has no literal for these; Smithy's JSON protocols spell them so.
        Value::Text(text) if protocol == Protocol::Json => match text.as_str() {
            "NaN" => Ok(f64::NAN),
            "Infinity" => Ok(f64::INFINITY),
            "-Infinity" => Ok(f64::NEG_INFINITY),
            _ => Err(Mismatch::expected("a number", &value)),
        },
        _ => Err(Mismatch::expected("a number", &value)),
    }
}

fn time_ms(value: Value, protocol: Protocol) -> Decoded<i64> {
    let seconds = match (protocol, value) {
        (Protocol::Cbor, Value::Tag(EPOCH_SECONDS, seconds)) => *seconds,
        (Protocol::Cbor, other) => {
            return Err(Mismatch::expected("a timestamp (tag 1: seconds since the epoch)", &other));
        }
        (Protocol::Json, seconds) => seconds,
    };
    match seconds {
        Value::Integer(integer) => Ok((i128::from(integer) as f64 * 1000.0) as i64),
        Value::Float(float) if float.is_finite() => Ok((float * 1000.0).round() as i64),
        other => Err(Mismatch::expected("a timestamp in seconds since the epoch", &other)),
    }
}

/// A timestamp for an answer.
pub(crate) fn timestamp(seconds: i64) -> Value {
    Value::Tag(EPOCH_SECONDS, Box::new(Value::Float(seconds as f64)))
}

/// A structure for an answer.
pub(crate) fn structure<const N: usize>(members: [(&str, Value); N]) -> Value {
    Value::Map(members.into_iter().map(|(name, value)| (Value::from(name), value)).collect())
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Integer(_) => "an integer",
        Value::Bytes(_) => "a byte string",
        Value::Float(_) => "a number",
        Value::Text(_) => "a string",
        Value::Bool(_) => "a boolean",
        Value::Null => "null",
        Value::Tag(..) => "a tagged value",
        Value::Array(_) => "a list",
        Value::Map(_) => "a structure",
        _ => "a value of an unknown type",
    }
}
