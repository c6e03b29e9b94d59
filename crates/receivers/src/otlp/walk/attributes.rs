//! Attributes: whether they are well-formed and can be an identity, and what they are as the interner has them.
//!
//! Checking costs no memory, however large they are. Decoding is for what was checked and found good.

use std::sync::Arc;

use weir_core::{Attributes, Interner, KeyValue, Reason, Value};

use super::wire::{Fields, Odd, fixed, sized, varint};
use crate::otlp::refusals::{TOO_DEEP, TOO_LARGE, UNSUPPORTED_ATTRIBUTE};

/// How deep the values of an attribute may nest: a list in a map in a list is 3.
pub const MAX_DEPTH: usize = 16;
/// How large one part of what names a series may be, as it is sent: a resource, a scope, what a metric is apart from its
/// points, the attributes of a point. In bytes.
pub const MAX_PART: usize = 64 * 1024;

const KEY: u32 = sized(1);
const VALUE: u32 = sized(2);
const KEY_INDEX: u32 = varint(3);

const STRING: u32 = sized(1);
const BOOL: u32 = varint(2);
const INT: u32 = varint(3);
const DOUBLE: u32 = fixed(4);
const ARRAY: u32 = sized(5);
const MAP: u32 = sized(6);
const BYTES: u32 = sized(7);
const STRING_INDEX: u32 = varint(8);

/// A list of values has them in this field, and a map its entries.
const ITEM: u32 = sized(1);

/// Checks attributes, and remembers why they cannot be an identity.
#[derive(Clone, Copy, Debug)]
pub(super) struct Check {
    /// prost has written the bytes: what is too deep to be looked at is well-formed.
    written_by_prost: bool,
    deep: bool,
    unsupported: bool,
}

impl Check {
    pub(super) fn new(written_by_prost: bool) -> Self {
        Self { written_by_prost, deep: false, unsupported: false }
    }

    /// Why what was checked cannot be (a part of) an identity, if it takes `len` bytes.
    pub(super) fn verdict(self, len: usize) -> Result<(), Reason> {
        match self {
            _ if len > MAX_PART => Err(TOO_LARGE),
            Self { deep: true, .. } => Err(TOO_DEEP),
            Self { unsupported: true, .. } => Err(UNSUPPORTED_ATTRIBUTE),
            _ => Ok(()),
        }
    }

    /// Checks a run of attributes.
    pub(super) fn run(&mut self, run: &[u8]) -> Result<(), Odd> {
        let mut fields = Fields::new(run);
        while fields.key()?.is_some() {
            self.attribute(fields.sized()?)?;
        }
        Ok(())
    }

    /// Checks one attribute.
    pub(super) fn attribute(&mut self, attribute: &[u8]) -> Result<(), Odd> {
        self.key_value(attribute, MAX_DEPTH)
    }

    fn key_value(&mut self, message: &[u8], depth: usize) -> Result<(), Odd> {
        let mut fields = Fields::new(message);
        let mut values = 0;
        while let Some(key) = fields.key()? {
            match key {
                KEY => _ = fields.text()?,
                VALUE => {
                    values += 1;
                    self.value(fields.sized()?, depth)?;
                }
                KEY_INDEX => self.unsupported |= fields.varint()? as i32 != 0,
                _ => fields.unknown(key, 1..=3)?,
            }
        }
        // Several would be merged into one.
        if values > 1 { Err(Odd) } else { Ok(()) }
    }

    fn value(&mut self, message: &[u8], depth: usize) -> Result<(), Odd> {
        let mut fields = Fields::new(message);
        let mut values = 0;
        while let Some(key) = fields.key()? {
            values += u32::from((1..=8).contains(&(key >> 3)));
            match key {
                STRING => _ = fields.text()?,
                BOOL | INT => _ = fields.varint()?,
                DOUBLE => _ = fields.fixed()?,
                BYTES => _ = fields.sized()?,
                ARRAY | MAP => self.nested(fields.sized()?, key, depth)?,
                STRING_INDEX => {
                    fields.varint()?;
                    self.unsupported = true;
                }
                _ => fields.unknown(key, 1..=8)?,
            }
        }
        if values > 1 { Err(Odd) } else { Ok(()) }
    }

    fn nested(&mut self, message: &[u8], kind: u32, depth: usize) -> Result<(), Odd> {
        let Some(depth) = depth.checked_sub(1) else {
            self.deep = true;
            return if self.written_by_prost { Ok(()) } else { Err(Odd) };
        };
        let mut fields = Fields::new(message);
        while let Some(key) = fields.key()? {
            match key {
                ITEM if kind == MAP => self.key_value(fields.sized()?, depth)?,
                ITEM => self.value(fields.sized()?, depth)?,
                _ => fields.unknown(key, 1..=1)?,
            }
        }
        Ok(())
    }
}

/// A run of attributes, in its order. Texts that `last` has too are shared with it: points of a metric mostly differ in one value,
/// and a look into the interner costs more than a comparison.
pub(super) fn decode(interner: &Interner, run: &[u8], last: &Attributes) -> Result<Vec<KeyValue>, Odd> {
    let mut list = Vec::with_capacity(last.len());
    let mut fields = Fields::new(run);
    while fields.key()?.is_some() {
        list.push(attribute(interner, fields.sized()?, last)?);
    }
    Ok(list)
}

/// One attribute.
pub(super) fn attribute(interner: &Interner, message: &[u8], last: &Attributes) -> Result<KeyValue, Odd> {
    let mut fields = Fields::new(message);
    let (mut name, mut value_at) = ("", None);
    while let Some(key) = fields.key()? {
        match key {
            KEY => name = fields.text()?,
            VALUE => value_at = Some(fields.sized()?),
            _ => fields.pass(key)?,
        }
    }
    let last = last.find(name);
    let value = value_at.map(|message| value(interner, message, last.map(|kv| &kv.value))).transpose()?;
    let key = last.map_or_else(|| interner.string(name), |kv| Arc::clone(&kv.key));
    Ok(KeyValue { key, value: value.unwrap_or_default() })
}

fn value(interner: &Interner, message: &[u8], last: Option<&Value>) -> Result<Value, Odd> {
    let mut fields = Fields::new(message);
    let mut found = Value::Empty;
    while let Some(key) = fields.key()? {
        found = match key {
            STRING => match (fields.text()?, last) {
                (text, Some(Value::Str(last))) if **last == *text => Value::Str(Arc::clone(last)),
                (text, _) => Value::Str(interner.string(text)),
            },
            BOOL => Value::Bool(fields.varint()? != 0),
            INT => Value::Int(fields.varint()? as i64),
            DOUBLE => Value::Double(fields.double()?),
            BYTES => Value::Bytes(Arc::from(fields.sized()?)),
            ARRAY => Value::Array(items(fields.sized()?, |item| value(interner, item, None))?.into()),
            MAP => {
                let none = Attributes::default();
                let entries = items(fields.sized()?, |item| attribute(interner, item, &none))?;
                Value::Map(Attributes::new(entries).to_vec().into())
            }
            _ => {
                fields.pass(key)?;
                continue;
            }
        };
    }
    Ok(found)
}

fn items<'b, T>(message: &'b [u8], item: impl Fn(&'b [u8]) -> Result<T, Odd>) -> Result<Vec<T>, Odd> {
    let mut list = Vec::new();
    let mut fields = Fields::new(message);
    while let Some(key) = fields.key()? {
        match key {
            ITEM => list.push(item(fields.sized()?)?),
            _ => fields.pass(key)?,
        }
    }
    Ok(list)
}
