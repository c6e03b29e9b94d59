//! From a node to a type, on past every mistake.
//!
//! A serde type stops at its first error. So an error is recorded with the place of its node, the node is *set aside*,
//! and the whole type is read again as if the node were not there, until a pass finds nothing new. A key that is
//! required and missing gets a *stand-in* the same way, so that the keys behind it are still read. What was made of
//! stand-ins is never handed out.

mod access;
mod context;
mod error;
mod stand_in;

use std::marker::PhantomData;

use serde::Deserializer;
use serde::de::{DeserializeOwned, DeserializeSeed, Expected, Visitor};

use crate::types::SECRET_TYPE;
use crate::{Diagnostics, Node, Value};
use access::{EnumAccess, MapAccess, SeqAccess};
use context::Context;
use error::Error;

/// How often one node is read at most: a list of ten thousand mistakes is not told in full.
const MAX_PASSES: usize = 500;

/// Reads a node into a type and reports **all** that is wrong with it: unknown keys, wrong types, values out of range,
/// missing keys, and what a type's own `Deserialize` says.
///
/// `Some` when a value could be made, be it with defaults where something wrong was written, so that later checks can
/// go on and find more; whether it may be *used* is what [`Diagnostics::has_errors`] says. `None` when a required part
/// is missing or wrong; then at least one error is in `diags`.
///
/// An empty section (`key:`) is a struct, map or list of defaults, and `None` to an `Option`; an empty scalar is as if
/// its key were not written. Types with `flatten` or `untagged` lose the places; `deny_unknown_fields` is not needed.
pub fn from_node<T: DeserializeOwned>(node: &Node, diags: &mut Diagnostics) -> Option<T> {
    let context = Context::default();
    let mut value = None;
    for _ in 0..MAX_PASSES {
        let before = context.changes();
        match NodeDeserializer::new(node, &context).read(PhantomData::<T>) {
            Ok(read) => {
                value = Some(read).filter(|_| !context.has_stand_ins());
                break;
            }
            Err(error) if context.changes() == before || context.is_set_aside(node) => {
                context.record_if_silent(node, error);
                break;
            }
            Err(_) => {}
        }
    }
    context.report_to(diags);
    value
}

/// Reads an `Option` whose presence alone means "with defaults": `grpc:` with nothing behind it is `Some`.
///
/// For `#[serde(default, deserialize_with = "weir_config::present")]`.
pub fn present<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: serde::Deserialize<'de>,
    D: Deserializer<'de>,
{
    T::deserialize(deserializer).map(Some)
}

/// What holds the node that is read, which decides what an empty scalar means.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Holder {
    /// A key of a struct: empty is as if not written.
    Struct,
    /// A map, a list, or nothing: a value must be there.
    Other,
}

#[derive(Clone, Copy)]
struct NodeDeserializer<'a> {
    node: &'a Node,
    context: &'a Context,
    holder: Holder,
    /// The key that holds the value names a secret.
    is_secret: bool,
}

impl<'a> NodeDeserializer<'a> {
    fn new(node: &'a Node, context: &'a Context) -> Self {
        Self { node, context, holder: Holder::Other, is_secret: false }
    }

    /// Reads the node. A type may still refuse what it was read from (`try_from`), which belongs to the node too.
    fn read<S: DeserializeSeed<'a>>(self, seed: S) -> Result<S::Value, Error> {
        self.settle(seed.deserialize(self))
    }

    /// Records an error that has no place yet at this node.
    fn settle<T>(self, result: Result<T, Error>) -> Result<T, Error> {
        let message = match result {
            Err(Error::Message(message)) => message,
            Err(Error::Missing(key)) => format!("missing key `{key}`"),
            Err(Error::Duplicate(key)) => format!("duplicate key `{key}`"),
            other => return other,
        };
        // A check over several keys, of which one is wrong or missing, sees a default or a stand-in.
        if !self.context.is_tainted(self.node) {
            let message = if self.is_secret { without(message, self.node) } else { message };
            self.context.record(self.node.span, message);
        }
        self.context.set_aside(self.node);
        Err(Error::Recorded)
    }

    /// The node is not what was wanted.
    fn mismatch(self, wanted: &str) -> Error {
        self.mismatch_with(wanted, self.node.span, None)
    }

    fn mismatch_with(self, wanted: &str, span: crate::Span, help: Option<String>) -> Error {
        if self.node.is_null() && self.holder == Holder::Struct {
            self.context.set_aside(self.node);
            return Error::Recorded;
        }
        let found = if self.is_secret { self.node.kind().to_owned() } else { self.node.described() };
        self.context.record_with(span, format!("expected {wanted}, found {found}"), help);
        self.context.set_aside(self.node);
        Error::Recorded
    }

    fn integer<V: Visitor<'a>>(self, min: i128, max: i128, visitor: V) -> Result<V::Value, Error> {
        let Some(integer) = self.node.integer() else {
            return Err(self.mismatch_with("an integer", self.node.span, self.number_help()));
        };
        if integer < min || integer > max {
            let help = format!("the value must be from {min} to {max}");
            self.context.record_with(self.node.span, format!("`{integer}` is out of range"), Some(help));
            self.context.set_aside(self.node);
            return Err(Error::Recorded);
        }
        self.settle(visit_integer(integer, visitor))
    }

    /// What to do about text that stands where a number is wanted.
    fn number_help(self) -> Option<String> {
        let text = self.node.as_str()?;
        if self.node.is_quoted() && matches!(crate::scalar::typed(text), Value::Int(_) | Value::Float(_)) {
            return Some("a number in quotes is text; remove the quotes".to_owned());
        }
        let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
        let has_zero =
            digits.len() > 1 && digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit());
        has_zero.then(|| "digits behind a zero are text; remove the leading zeros".to_owned())
    }

    fn float<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        self.settle(match self.node.value {
            Value::Int(integer) => visitor.visit_f64(integer as f64),
            Value::Float(float) => visitor.visit_f64(float),
            _ => return Err(self.mismatch_with("a number", self.node.span, self.number_help())),
        })
    }

    fn boolean_help(self) -> Option<String> {
        let meant = match self.node.text()?.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "y" | "1" => "true",
            "false" | "no" | "off" | "n" | "0" => "false",
            _ => return None,
        };
        Some(format!("write `{meant}`, without quotes"))
    }

    /// A map, for a struct with the keys it knows.
    fn map<V: Visitor<'a>>(
        self,
        known: Option<&'static [&'static str]>,
        visitor: V,
    ) -> Result<V::Value, Error> {
        match &self.node.value {
            Value::Map(_) | Value::Null => {}
            _ => {
                let help = known.and_then(|known| self.missing_space(known));
                return Err(self.mismatch_with("a map", self.node.span, help));
            }
        }
        if let Some(known) = known {
            self.context.report_unknown(self.node, known);
        }
        let access = MapAccess::new(self.node, self.context, known, self.is_secret);
        let last = access.last_entry();
        match visitor.visit_map(access) {
            Err(Error::Missing(key)) => Err(self.context.missing(self.node, key)),
            Err(Error::Duplicate(key)) => {
                let Some(entry) = last.get() else { return self.settle(Err(Error::Duplicate(key))) };
                let message = format!("`{}` is given, and so is another name of `{key}`", entry.key);
                self.context.record(entry.key_span, message);
                self.context.set_aside(&entry.value);
                Err(Error::Recorded)
            }
            Err(Error::StandInRefused) => {
                self.context.set_aside(self.node);
                Err(Error::Recorded)
            }
            other => self.settle(other),
        }
    }

    /// `endpoint:0.0.0.0` without a space is text where a map with `endpoint` was meant.
    fn missing_space(self, known: &[&str]) -> Option<String> {
        let (key, value) = self.node.as_str()?.split_once(':')?;
        let is_meant = known.contains(&key) && !self.is_secret;
        is_meant.then(|| format!("a space is missing behind the colon: `{key}: {value}`"))
    }
}

/// Gives a visitor the integer in the form that it knows best.
fn visit_integer<'a, V: Visitor<'a>>(integer: i128, visitor: V) -> Result<V::Value, Error> {
    match (u64::try_from(integer), i64::try_from(integer)) {
        (Ok(unsigned), _) => visitor.visit_u64(unsigned),
        (_, Ok(signed)) => visitor.visit_i64(signed),
        _ => visitor.visit_i128(integer),
    }
}

/// A message of a type's own without the secret that it quotes.
fn without(message: String, node: &Node) -> String {
    match node.text() {
        Some(secret) if !secret.is_empty() => message.replace(secret, crate::types::REDACTED),
        _ => message,
    }
}

macro_rules! integers {
    ($($method:ident $type:ty),*) => {$(
        fn $method<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
            self.integer(<$type>::MIN.into(), <$type>::MAX.into(), visitor)
        }
    )*};
}

impl<'a> Deserializer<'a> for NodeDeserializer<'a> {
    type Error = Error;

    integers!(
        deserialize_i8 i8, deserialize_i16 i16, deserialize_i32 i32, deserialize_i64 i64, deserialize_i128 i128,
        deserialize_u8 u8, deserialize_u16 u16, deserialize_u32 u32, deserialize_u64 u64
    );

    fn deserialize_u128<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        self.integer(0, i128::MAX, visitor)
    }

    fn deserialize_f32<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        self.float(visitor)
    }

    fn deserialize_f64<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        self.float(visitor)
    }

    fn deserialize_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.node.value {
            Value::Null => self.settle(visitor.visit_unit()),
            Value::Bool(value) => self.settle(visitor.visit_bool(*value)),
            Value::Int(_) => self.integer(i64::MIN.into(), i64::MAX.into(), visitor),
            Value::Float(_) if self.node.integer().is_some_and(|integer| u64::try_from(integer).is_ok()) => {
                self.integer(0, u64::MAX.into(), visitor)
            }
            Value::Float(value) => self.settle(visitor.visit_f64(*value)),
            Value::Str(text) => self.settle(visitor.visit_borrowed_str(text)),
            Value::Seq(_) => self.deserialize_seq(visitor),
            Value::Map(_) => self.map(None, visitor),
        }
    }

    fn deserialize_bool<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.node.value {
            Value::Bool(value) => self.settle(visitor.visit_bool(value)),
            _ => Err(self.mismatch_with("a boolean", self.node.span, self.boolean_help())),
        }
    }

    /// Any scalar is text where text is wanted, as it was written: `0x10` and `1.10` too.
    fn deserialize_str<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.node.text() {
            Some(text) if !self.node.is_null() => self.settle(visitor.visit_borrowed_str(text)),
            // What the type calls itself: a duration is more than any string.
            _ => Err(self.mismatch(&(&visitor as &dyn Expected).to_string())),
        }
    }

    fn deserialize_string<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_char<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_byte_buf<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_identifier<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        self.settle(if self.node.is_null() { visitor.visit_none() } else { visitor.visit_some(self) })
    }

    fn deserialize_unit<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        if !self.node.is_null() {
            return Err(self.mismatch("nothing"));
        }
        self.settle(visitor.visit_unit())
    }

    fn deserialize_unit_struct<V: Visitor<'a>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'a>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        let mut inner = self;
        if name == SECRET_TYPE {
            inner.is_secret = true;
            self.node.mark_secret();
            self.context.hide(self.node);
        }
        inner.settle(visitor.visit_newtype_struct(inner))
    }

    fn deserialize_seq<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        if !matches!(self.node.value, Value::Seq(_) | Value::Null) {
            let text =
                self.node.text().filter(|_| !self.is_secret && !matches!(self.node.value, Value::Map(_)));
            let help = text.map(|text| format!("a list of one is `[{text}]`"));
            return Err(self.mismatch_with("a list", self.node.span, help));
        }
        self.settle(visitor.visit_seq(SeqAccess::new(self.node, self.context, self.is_secret)))
    }

    fn deserialize_tuple<V: Visitor<'a>>(self, length: usize, visitor: V) -> Result<V::Value, Error> {
        let wanted = format!("a list of {length}");
        match &self.node.value {
            Value::Seq(items) if items.len() == length => {}
            Value::Seq(items) => {
                self.context.record(self.node.span, format!("expected {wanted}, found {}", items.len()));
                self.context.set_aside(self.node);
                return Err(Error::Recorded);
            }
            _ => return Err(self.mismatch(&wanted)),
        }
        match visitor.visit_seq(SeqAccess::tuple(self.node, self.context, self.is_secret)) {
            Err(Error::StandInRefused) => {
                self.context.set_aside(self.node);
                Err(Error::Recorded)
            }
            other => self.settle(other),
        }
    }

    fn deserialize_tuple_struct<V: Visitor<'a>>(
        self,
        _: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_tuple(length, visitor)
    }

    fn deserialize_map<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        self.map(None, visitor)
    }

    fn deserialize_struct<V: Visitor<'a>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.map(Some(fields), visitor)
    }

    fn deserialize_enum<V: Visitor<'a>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match EnumAccess::new(self, variants) {
            Ok(access) => self.settle(visitor.visit_enum(access)),
            Err(error) => Err(error),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        self.settle(visitor.visit_unit())
    }
}
