//! A value for a required key that is missing, so that the pass goes on to the next mistake. It never leaves the
//! deserializer.

use serde::Deserializer;
use serde::de::value::BorrowedStrDeserializer;
use serde::de::{self, DeserializeSeed, Visitor};

use super::error::Error;

/// Becomes whatever is asked for, as far as a plain value will do.
pub(super) struct StandIn;

fn settled<T>(read: Result<T, Error>) -> Result<T, Error> {
    read.map_err(|_| Error::StandInRefused)
}

macro_rules! scalars {
    ($($method:ident $visit:ident $value:expr),*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            settled(visitor.$visit($value))
        }
    )*};
}

impl<'de> Deserializer<'de> for StandIn {
    type Error = Error;

    // Text is "0" because that is also a duration and a size; numbers are 1 because 0 is refused more often.
    scalars!(
        deserialize_any visit_str "0", deserialize_str visit_str "0", deserialize_string visit_str "0",
        deserialize_char visit_str "0", deserialize_bytes visit_str "0", deserialize_byte_buf visit_str "0",
        deserialize_identifier visit_str "0", deserialize_bool visit_bool false,
        deserialize_i8 visit_u64 1, deserialize_i16 visit_u64 1, deserialize_i32 visit_u64 1,
        deserialize_i64 visit_u64 1, deserialize_i128 visit_u64 1, deserialize_u8 visit_u64 1,
        deserialize_u16 visit_u64 1, deserialize_u32 visit_u64 1, deserialize_u64 visit_u64 1,
        deserialize_u128 visit_u64 1, deserialize_f32 visit_f64 1.0, deserialize_f64 visit_f64 1.0
    );

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        settled(visitor.visit_none())
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        settled(visitor.visit_unit())
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        settled(visitor.visit_unit())
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        settled(visitor.visit_newtype_struct(self))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        settled(visitor.visit_seq(Items(0)))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Error> {
        settled(visitor.visit_seq(Items(length)))
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_tuple(length, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        settled(visitor.visit_map(NoEntries))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        // A derived struct also reads a sequence of its fields. Aliases count as fields here, and are left over.
        settled(visitor.visit_seq(Items(fields.len())))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let Some(first) = variants.first() else { return Err(Error::StandInRefused) };
        settled(visitor.visit_enum(Variant(first)))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        settled(visitor.visit_unit())
    }
}

/// That many stand-ins.
struct Items(usize);

impl<'de> de::SeqAccess<'de> for Items {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        match self.0.checked_sub(1) {
            Some(left) => {
                self.0 = left;
                seed.deserialize(StandIn).map(Some)
            }
            None => Ok(None),
        }
    }
}

struct NoEntries;

impl<'de> de::MapAccess<'de> for NoEntries {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, _: K) -> Result<Option<K::Value>, Error> {
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, _: V) -> Result<V::Value, Error> {
        Err(Error::StandInRefused)
    }
}

/// The first variant of an enum.
struct Variant(&'static str);

impl<'de> de::EnumAccess<'de> for Variant {
    type Error = Error;
    type Variant = StandIn;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, StandIn), Error> {
        Ok((seed.deserialize(BorrowedStrDeserializer::new(self.0))?, StandIn))
    }
}

impl<'de> de::VariantAccess<'de> for StandIn {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_tuple(length, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_struct("", fields, visitor)
    }
}
