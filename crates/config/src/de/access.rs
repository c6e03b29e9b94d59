//! Walking the items of lists, the entries of maps, and the variants of enums.

use std::cell::Cell;
use std::rc::Rc;
use std::slice::Iter;

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{self, DeserializeSeed, Visitor};
use serde::{Deserializer, forward_to_deserialize_any};

use super::context::Context;
use super::error::{Error, one_of};
use super::stand_in::StandIn;
use super::{Holder, NodeDeserializer, visit_integer};
use crate::print::looks_secret;
use crate::{Entry, Node, Value, nearest, scalar};

/// The items of a list that are not set aside.
pub(super) struct SeqAccess<'a> {
    items: Iter<'a, Node>,
    context: &'a Context,
    is_secret: bool,
    /// Every item has its own type, so one that is set aside is stood in for.
    is_tuple: bool,
}

impl<'a> SeqAccess<'a> {
    pub(super) fn new(node: &'a Node, context: &'a Context, is_secret: bool) -> Self {
        Self { items: node.items().iter(), context, is_secret, is_tuple: false }
    }

    pub(super) fn tuple(node: &'a Node, context: &'a Context, is_secret: bool) -> Self {
        Self { is_tuple: true, ..Self::new(node, context, is_secret) }
    }
}

impl<'a> de::SeqAccess<'a> for SeqAccess<'a> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'a>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        let is_read = |item: &&Node| self.is_tuple || !self.context.is_set_aside(item);
        let Some(item) = self.items.by_ref().find(is_read) else { return Ok(None) };
        if self.context.is_set_aside(item) {
            self.context.stand_in();
            return seed.deserialize(StandIn).map(Some).map_err(|_| Error::StandInRefused);
        }
        let mut deserializer = NodeDeserializer::new(item, self.context);
        deserializer.is_secret = self.is_secret;
        deserializer.read(seed).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len())
    }
}

/// The entries of a map that are known and not set aside, and behind them the stand-ins.
pub(super) struct MapAccess<'a> {
    entries: Iter<'a, Entry>,
    stand_ins: std::vec::IntoIter<&'static str>,
    known: Option<&'static [&'static str]>,
    context: &'a Context,
    is_secret: bool,
    last: Rc<Cell<Option<&'a Entry>>>,
}

impl<'a> MapAccess<'a> {
    pub(super) fn new(
        node: &'a Node,
        context: &'a Context,
        known: Option<&'static [&'static str]>,
        is_secret: bool,
    ) -> Self {
        let stand_ins = context.stand_ins_of(node).into_iter();
        Self { entries: node.entries().iter(), stand_ins, known, context, is_secret, last: Rc::default() }
    }

    /// Where the entry that was read last can be asked for, after the walk too.
    pub(super) fn last_entry(&self) -> Rc<Cell<Option<&'a Entry>>> {
        Rc::clone(&self.last)
    }
}

impl<'a> de::MapAccess<'a> for MapAccess<'a> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'a>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        let is_read = |entry: &&Entry| {
            self.known.is_none_or(|known| known.contains(&entry.key.as_str()))
                && !self.context.is_set_aside(&entry.value)
        };
        let entry = self.entries.by_ref().find(is_read);
        self.last.set(entry);
        match entry {
            Some(entry) => seed.deserialize(KeyDeserializer { entry, context: self.context }).map(Some),
            None => match self.stand_ins.as_slice().first() {
                Some(key) => seed.deserialize(BorrowedStrDeserializer::new(key)).map(Some),
                None => Ok(None),
            },
        }
    }

    fn next_value_seed<V: DeserializeSeed<'a>>(&mut self, seed: V) -> Result<V::Value, Error> {
        let Some(entry) = self.last.get() else {
            self.stand_ins.next();
            return seed.deserialize(StandIn).map_err(|_| Error::StandInRefused);
        };
        let mut deserializer = NodeDeserializer::new(&entry.value, self.context);
        deserializer.is_secret = self.is_secret || looks_secret(&entry.key);
        deserializer.holder = if self.known.is_some() { Holder::Struct } else { Holder::Other };
        deserializer.read(seed)
    }
}

/// A key: text, or a number where the map has such keys.
struct KeyDeserializer<'a> {
    entry: &'a Entry,
    context: &'a Context,
}

impl KeyDeserializer<'_> {
    fn settle<T>(&self, result: Result<T, Error>) -> Result<T, Error> {
        result.map_err(|error| {
            if let Error::Message(message) = error {
                self.context.record(self.entry.key_span, message);
            }
            self.context.set_aside(&self.entry.value);
            Error::Recorded
        })
    }
}

macro_rules! number_keys {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
            let read = match (scalar::integer(&self.entry.key), scalar::typed(&self.entry.key)) {
                (Some(integer), _) => visit_integer(integer, visitor),
                (None, Value::Float(float)) => visitor.visit_f64(float),
                (None, Value::Bool(value)) => visitor.visit_bool(value),
                _ => visitor.visit_borrowed_str(&self.entry.key),
            };
            self.settle(read)
        }
    )*};
}

impl<'a> Deserializer<'a> for KeyDeserializer<'a> {
    type Error = Error;

    number_keys!(
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
        deserialize_f32 deserialize_f64
    );

    fn deserialize_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        let read = visitor.visit_borrowed_str(&self.entry.key);
        self.settle(read)
    }

    fn deserialize_newtype_struct<V: Visitor<'a>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'a>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let read = BorrowedStrDeserializer::new(&self.entry.key).deserialize_enum(name, variants, visitor);
        self.settle(read)
    }

    forward_to_deserialize_any! {
        <W: Visitor<'a>>
        char str string bytes byte_buf option unit unit_struct seq tuple tuple_struct map struct identifier
        ignored_any
    }
}

/// A variant by its name (`detailed`), or by a map of one key (`basic: {…}`).
pub(super) struct EnumAccess<'a> {
    outer: NodeDeserializer<'a>,
    variant: &'a str,
    content: Option<&'a Entry>,
}

impl<'a> EnumAccess<'a> {
    /// Finds the variant; one that does not exist is recorded at its own token.
    pub(super) fn new(outer: NodeDeserializer<'a>, variants: &'static [&'static str]) -> Result<Self, Error> {
        let (variant, content, span) = match (&outer.node.value, outer.node.text()) {
            (Value::Map(entries), _) => match entries.as_slice() {
                [entry] => (entry.key.as_str(), Some(entry), entry.key_span),
                _ => return Err(outer.mismatch(&format!("one key, {}", one_of(variants)))),
            },
            (Value::Null | Value::Seq(_), _) | (_, None) => return Err(outer.mismatch(&one_of(variants))),
            (_, Some(text)) => (text, None, outer.node.span),
        };
        if !variants.contains(&variant) {
            let help = match nearest(variant, variants.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("expected {}", one_of(variants)),
            };
            let shown = if outer.is_secret { "" } else { variant };
            outer.context.record_with(span, format!("unknown value `{shown}`"), Some(help));
            outer.context.set_aside(outer.node);
            return Err(Error::Recorded);
        }
        Ok(Self { outer, variant, content })
    }

    /// The content of a variant that needs one.
    fn content(self) -> Result<NodeDeserializer<'a>, Error> {
        let Some(entry) = self.content else {
            let help = Some(format!("write `{}: …`", self.variant));
            let message = format!("`{}` needs a value", self.variant);
            self.outer.context.record_with(self.outer.node.span, message, help);
            self.outer.context.set_aside(self.outer.node);
            return Err(Error::Recorded);
        };
        if self.outer.context.is_set_aside(&entry.value) {
            self.outer.context.set_aside(self.outer.node);
            return Err(Error::Recorded);
        }
        let mut inner = NodeDeserializer::new(&entry.value, self.outer.context);
        inner.is_secret = self.outer.is_secret || looks_secret(&entry.key);
        Ok(inner)
    }
}

impl<'a> de::EnumAccess<'a> for EnumAccess<'a> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'a>>(self, seed: V) -> Result<(V::Value, Self), Error> {
        let variant = seed.deserialize(BorrowedStrDeserializer::new(self.variant))?;
        Ok((variant, self))
    }
}

impl<'a> de::VariantAccess<'a> for EnumAccess<'a> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        let Some(entry) = self.content.filter(|entry| !entry.value.is_null()) else { return Ok(()) };
        let help = Some(format!("write `{}` alone", self.variant));
        self.outer.context.record_with(entry.value.span, format!("`{}` takes no value", self.variant), help);
        self.outer.context.set_aside(self.outer.node);
        Err(Error::Recorded)
    }

    fn newtype_variant_seed<T: DeserializeSeed<'a>>(self, seed: T) -> Result<T::Value, Error> {
        self.content()?.read(seed)
    }

    fn tuple_variant<V: Visitor<'a>>(self, length: usize, visitor: V) -> Result<V::Value, Error> {
        self.content()?.deserialize_tuple(length, visitor)
    }

    fn struct_variant<V: Visitor<'a>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.content()?.map(Some(fields), visitor)
    }
}
