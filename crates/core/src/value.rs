//! Attribute values and sorted attribute sets, as OpenTelemetry's `AnyValue` and `KeyValue` have them.

use std::{
    fmt,
    hash::{Hash, Hasher},
    sync::Arc,
};

/// An attribute's value: every type of OpenTelemetry's `AnyValue`.
///
/// Equality and hashing compare doubles by their bits, so that a set of attributes can be an identity.
#[derive(Clone, Debug, Default)]
pub enum Value {
    /// No value; also what an unset `AnyValue` means.
    #[default]
    Empty,
    /// UTF-8 text.
    Str(Arc<str>),
    /// A truth value.
    Bool(bool),
    /// A signed integer.
    Int(i64),
    /// A double.
    Double(f64),
    /// Raw bytes.
    Bytes(Arc<[u8]>),
    /// A list of values.
    Array(Arc<[Value]>),
    /// Nested attributes, sorted by key.
    Map(Arc<[KeyValue]>),
}

impl Value {
    /// A text value.
    pub fn str(text: impl AsRef<str>) -> Self {
        Self::Str(Arc::from(text.as_ref()))
    }

    /// The text, if this is text.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Str(text) => Some(text),
            _ => None,
        }
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Empty, Self::Empty) => true,
            (Self::Str(a), Self::Str(b)) => Arc::ptr_eq(a, b) || a == b,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Int(a), Self::Int(b)) => a == b,
            (Self::Double(a), Self::Double(b)) => a.to_bits() == b.to_bits(),
            (Self::Bytes(a), Self::Bytes(b)) => a == b,
            (Self::Array(a), Self::Array(b)) => a == b,
            (Self::Map(a), Self::Map(b)) => a == b,
            _ => false,
        }
    }
}

impl Eq for Value {}

impl Hash for Value {
    fn hash<H: Hasher>(&self, state: &mut H) {
        std::mem::discriminant(self).hash(state);
        match self {
            Self::Empty => {}
            Self::Str(v) => v.hash(state),
            Self::Bool(v) => v.hash(state),
            Self::Int(v) => v.hash(state),
            Self::Double(v) => v.to_bits().hash(state),
            Self::Bytes(v) => v.hash(state),
            Self::Array(v) => v.hash(state),
            Self::Map(v) => v.hash(state),
        }
    }
}

/// The text form that a dimension or a label takes: strings as they are, the rest as JSON writes it.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => Ok(()),
            Self::Str(v) => f.write_str(v),
            Self::Bool(v) => write!(f, "{v}"),
            Self::Int(v) => write!(f, "{v}"),
            Self::Double(v) => write!(f, "{v}"),
            Self::Bytes(v) => v.iter().try_for_each(|byte| write!(f, "{byte:02x}")),
            Self::Array(items) => {
                f.write_str("[")?;
                for (i, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if i == 0 { "" } else { "," })?;
                }
                f.write_str("]")
            }
            Self::Map(entries) => {
                f.write_str("{")?;
                for (i, entry) in entries.iter().enumerate() {
                    write!(f, "{}{}={}", if i == 0 { "" } else { "," }, entry.key, entry.value)?;
                }
                f.write_str("}")
            }
        }
    }
}

/// One attribute.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KeyValue {
    /// The attribute's name.
    pub key: Arc<str>,
    /// The attribute's value.
    pub value: Value,
}

impl KeyValue {
    /// An attribute of this name and value.
    pub fn new(key: impl AsRef<str>, value: Value) -> Self {
        Self { key: Arc::from(key.as_ref()), value }
    }
}

/// Attributes sorted by key, each key once: two sets are the same identity exactly if they are equal. Copies share the list, so
/// that a series of the same attributes under another name costs no second one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Attributes(Arc<[KeyValue]>);

impl Attributes {
    /// Sorts, and keeps the last of several values under one key (the data model asks for unique keys; SDKs keep the last).
    pub fn new(mut list: Vec<KeyValue>) -> Self {
        list.sort_by(|a, b| a.key.cmp(&b.key));
        list.dedup_by(|later, earlier| {
            let same = later.key == earlier.key;
            if same {
                std::mem::swap(later, earlier);
            }
            same
        });
        Self(list.into())
    }

    /// The attribute under `key`.
    pub fn find(&self, key: &str) -> Option<&KeyValue> {
        self.0.binary_search_by(|kv| (*kv.key).cmp(key)).ok().map(|at| &self.0[at])
    }

    /// The value under `key`.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.find(key).map(|kv| &kv.value)
    }

    /// The attributes in the order of their keys.
    pub fn iter(&self) -> std::slice::Iter<'_, KeyValue> {
        self.0.iter()
    }

    /// How many attributes there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The attributes as a list that can be changed and made a set again.
    pub fn to_vec(&self) -> Vec<KeyValue> {
        self.0.to_vec()
    }
}

impl<'a> IntoIterator for &'a Attributes {
    type Item = &'a KeyValue;
    type IntoIter = std::slice::Iter<'a, KeyValue>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_sorted_and_the_last_value_of_a_key_stays() {
        let set = Attributes::new(vec![
            KeyValue::new("b", Value::Int(1)),
            KeyValue::new("a", Value::str("x")),
            KeyValue::new("b", Value::Int(2)),
        ]);
        let keys: Vec<&str> = set.iter().map(|kv| &*kv.key).collect();
        assert_eq!(keys, ["a", "b"]);
        assert_eq!(set.get("b"), Some(&Value::Int(2)));
        assert_eq!(set.get("c"), None);
    }

    #[test]
    fn a_nan_equals_itself_and_zero_is_not_minus_zero() {
        assert_eq!(Value::Double(f64::NAN), Value::Double(f64::NAN));
        assert_ne!(Value::Double(0.0), Value::Double(-0.0));
        assert_ne!(Value::Int(1), Value::Double(1.0));
    }
}
