//! The canonical encoding of a series (R6): by what saved state knows a stream again, in another process with other slots.
//!
//! Two series have the same encoding exactly if door and identity are equal. Every text and list has its length before it, every
//! value its type, integers are little-endian. State that was saved names streams by this: a change of it forgets them all.

use crate::{
    series::{Kind, Series, Temporality},
    value::{Attributes, Value},
};

impl Series {
    /// Appends the canonical encoding to `out`.
    pub fn canonical(&self, out: &mut Vec<u8>) {
        let (resource, scope, metric) = (self.resource(), self.scope(), self.descriptor());
        text(out, self.origin.as_deref().unwrap_or_default());
        attributes(out, &resource.attributes);
        text(out, &resource.schema_url);
        text(out, &scope.name);
        text(out, &scope.version);
        attributes(out, &scope.attributes);
        text(out, &scope.schema_url);
        text(out, &metric.name);
        text(out, &metric.unit);
        out.push(match metric.kind {
            Kind::Gauge => 0,
            Kind::Sum => 1,
            Kind::Histogram => 2,
            Kind::ExponentialHistogram => 3,
            Kind::Summary => 4,
        });
        out.push(match metric.temporality {
            Temporality::Unspecified => 0,
            Temporality::Delta => 1,
            Temporality::Cumulative => 2,
        });
        out.push(u8::from(metric.monotonic));
        attributes(out, self.attributes());
    }
}

fn length(out: &mut Vec<u8>, length: usize) {
    out.extend_from_slice(&(length as u64).to_le_bytes());
}

fn text(out: &mut Vec<u8>, text: &str) {
    length(out, text.len());
    out.extend_from_slice(text.as_bytes());
}

fn attributes(out: &mut Vec<u8>, list: &Attributes) {
    length(out, list.len());
    for attribute in list {
        text(out, &attribute.key);
        value(out, &attribute.value);
    }
}

fn value(out: &mut Vec<u8>, of: &Value) {
    match of {
        Value::Empty => out.push(0),
        Value::Str(words) => {
            out.push(1);
            text(out, words);
        }
        Value::Bool(truth) => out.extend_from_slice(&[2, u8::from(*truth)]),
        Value::Int(number) => {
            out.push(3);
            out.extend_from_slice(&number.to_le_bytes());
        }
        Value::Double(number) => {
            out.push(4);
            out.extend_from_slice(&number.to_bits().to_le_bytes());
        }
        Value::Bytes(bytes) => {
            out.push(5);
            length(out, bytes.len());
            out.extend_from_slice(bytes);
        }
        Value::Array(items) => {
            out.push(6);
            length(out, items.len());
            items.iter().for_each(|item| value(out, item));
        }
        Value::Map(entries) => {
            out.push(7);
            length(out, entries.len());
            for entry in entries.iter() {
                text(out, &entry.key);
                value(out, &entry.value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::{
        interner::Interner,
        series::{Descriptor, Identity, Scope},
        value::KeyValue,
    };

    fn encoded(series: &Series) -> Vec<u8> {
        let mut bytes = Vec::new();
        series.canonical(&mut bytes);
        bytes
    }

    fn series(interner: &Interner, door: &str, name: &str, attributes: Vec<KeyValue>) -> Arc<Series> {
        let identity = Identity {
            resource: interner.resource(Attributes::default(), ""),
            scope: interner.scope(Scope::default()),
            descriptor: interner.descriptor(Descriptor::sum(name, "", Temporality::Cumulative, true)),
            attributes: Attributes::new(attributes),
        };
        interner.stream(&Arc::from(door), identity).unwrap()
    }

    #[test]
    fn it_is_the_same_in_every_version() {
        let interner = Interner::new(1);
        let series = series(&interner, "otlp", "n", vec![KeyValue::new("k", Value::Int(258))]);
        let length = |n: u8| [n, 0, 0, 0, 0, 0, 0, 0];
        let mut expected = [&length(4)[..], b"otlp"].concat();
        // Resource attributes, schema; scope name, version, attributes, schema.
        expected.extend(length(0).repeat(6));
        expected.extend([&length(1)[..], b"n", &length(0), &[1, 2, 1]].concat());
        expected.extend([&length(1)[..], &length(1), b"k", &[3, 2, 1, 0, 0, 0, 0, 0, 0]].concat());
        assert_eq!(encoded(&series), expected);
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Empty),
            "[ab]{0,2}".prop_map(Value::str),
            any::<bool>().prop_map(Value::Bool),
            (0..3i64).prop_map(Value::Int),
            (0..3u8).prop_map(|n| Value::Double(f64::from(n))),
            prop::collection::vec(0..2u8, 0..3).prop_map(|bytes| Value::Bytes(bytes.into())),
        ];
        leaf.prop_recursive(2, 8, 3, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(|items| Value::Array(items.into())),
                prop::collection::vec(("[ab]{0,1}", inner), 0..2).prop_map(|entries| Value::Map(
                    entries.into_iter().map(|(key, value)| KeyValue::new(key, value)).collect()
                )),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn series_have_the_same_encoding_exactly_if_they_are_the_same(
            doors in prop::array::uniform2("[ab]{0,1}"),
            names in prop::array::uniform2("[ab]{1,2}"),
            lists in prop::array::uniform2(prop::collection::vec(("[ab]{0,1}", any_value()), 0..3)),
        ) {
            let interner = Interner::new(2);
            let [first, second] = [0, 1].map(|at| {
                let list = lists[at].iter().map(|(key, value)| KeyValue::new(key, value.clone()));
                series(&interner, &doors[at], &names[at], list.collect())
            });
            prop_assert_eq!(encoded(&first) == encoded(&second), first.id() == second.id());
        }
    }
}
