//! What actions do to values: hash, convert, and the table of a map.

use std::{
    collections::{BTreeMap, HashMap},
    fmt::Write as _,
};

use sha2::{Digest, Sha256};
use weir_core::Value;

use super::{action::ConvertedType, literal::Literal};

/// SHA-256 in hexadecimal, over the bytes that the Collector hashes: of text its UTF-8, of numbers eight bytes in little endian, of a truth
/// value one byte; of the rest, which the Collector empties, the text form. Nothing stays nothing.
pub(super) fn hashed(value: &Value) -> Value {
    let bytes = match value {
        Value::Str(text) => text.as_bytes().to_vec(),
        Value::Bool(value) => vec![u8::from(*value)],
        Value::Int(value) => value.to_le_bytes().to_vec(),
        Value::Double(value) => value.to_bits().to_le_bytes().to_vec(),
        other => other.to_string().into_bytes(),
    };
    let mut text = String::new();
    if !bytes.is_empty() {
        for byte in Sha256::digest(&bytes) {
            let _ = write!(text, "{byte:02x}");
        }
    }
    Value::str(text)
}

/// `value` as the type; `None` where it is that already, or cannot be.
pub(super) fn converted(value: &Value, to: ConvertedType) -> Option<Value> {
    match (to, value) {
        (ConvertedType::String, Value::Str(_)) => None,
        (ConvertedType::String, other) => Some(Value::str(other.to_string())),
        (ConvertedType::Int, Value::Double(value)) => Some(Value::Int(*value as i64)),
        (ConvertedType::Int, Value::Bool(value)) => Some(Value::Int(i64::from(*value))),
        (ConvertedType::Int, Value::Str(text)) => text.parse().ok().map(Value::Int),
        (ConvertedType::Double, Value::Int(value)) => Some(Value::Double(*value as f64)),
        (ConvertedType::Double, Value::Bool(value)) => Some(Value::Double(f64::from(u8::from(*value)))),
        (ConvertedType::Double, Value::Str(text)) => text.parse().ok().map(Value::Double),
        _ => None,
    }
}

/// What becomes of a value: of some texts, and of numbers in ranges.
#[derive(Clone, Debug)]
pub(super) struct Table {
    texts: HashMap<String, Value>,
    /// From, to (included), and what becomes of numbers between them; in ascending order, without overlaps.
    ranges: Vec<(f64, f64, Value)>,
    other: Option<Value>,
}

/// What is wrong with a table: the row, and why.
pub(super) struct BadRow {
    pub(super) row: String,
    pub(super) why: String,
}

impl Table {
    pub(super) fn new(rows: &BTreeMap<String, Literal>, other: Option<&Literal>) -> Result<Self, BadRow> {
        let mut texts = HashMap::new();
        let mut ranges: Vec<(f64, f64, Value)> = Vec::new();
        for (row, to) in rows {
            match range(row) {
                None => drop(texts.insert(row.clone(), to.0.clone())),
                Some((low, high)) if low > high => {
                    return Err(BadRow { row: row.clone(), why: format!("{low} is above {high}") });
                }
                Some((low, high)) => {
                    if let Some((from, to, _)) =
                        ranges.iter().find(|(from, to, _)| *from <= high && low <= *to)
                    {
                        let why = format!("it overlaps with {from}-{to}");
                        return Err(BadRow { row: row.clone(), why });
                    }
                    ranges.push((low, high, to.0.clone()));
                }
            }
        }
        ranges.sort_by(|a, b| a.0.total_cmp(&b.0));
        Ok(Self { texts, ranges, other: other.map(|literal| literal.0.clone()) })
    }

    /// What becomes of `value`; a text that stands in the table goes before a range.
    pub(super) fn get(&self, value: &Value) -> Option<&Value> {
        self.texts.get(&value.to_string()).or_else(|| self.in_range(number(value)?)).or(self.other.as_ref())
    }

    fn in_range(&self, number: f64) -> Option<&Value> {
        let at = self.ranges.partition_point(|(from, ..)| *from <= number).checked_sub(1)?;
        let (_, to, value) = &self.ranges[at];
        (number <= *to).then_some(value)
    }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Int(value) => Some(*value as f64),
        Value::Double(value) => Some(*value),
        Value::Str(text) => text.parse().ok(),
        _ => None,
    }
}

/// `low-high`, both of digits and at most one point.
fn range(text: &str) -> Option<(f64, f64)> {
    let bound = |text: &str| {
        let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        is_plain.then(|| text.parse().ok()).flatten()
    };
    let (low, high) = text.split_once('-')?;
    Some((bound(low)?, bound(high)?))
}
