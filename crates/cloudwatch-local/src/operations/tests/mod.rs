//! The operations, in both protocols, without a wire.

#![allow(clippy::float_cmp, reason = "exactness is what is tested")]

use ciborium::Value;
use serde_json::{Map, Value as Json, json};

use super::{Output, run};
use crate::{
    error::ApiError,
    protocol::Protocol,
    store::{Retention, Store},
};

mod limits;
mod put;
mod reads;

/// The present in these tests: a whole minute.
const NOW_S: i64 = 1_790_000_040;

fn store() -> Store {
    Store::new(Retention::default(), true)
}

/// Runs an operation in JSON.
fn call(store: &Store, operation: &str, input: &Json) -> Result<Output, ApiError> {
    run(store, NOW_S * 1000, operation, Protocol::Json, input.to_string().as_bytes())
}

/// Runs an operation in CBOR.
fn call_cbor(store: &Store, operation: &str, input: &Json) -> Result<Output, ApiError> {
    run(store, NOW_S * 1000, operation, Protocol::Cbor, &cbor(input))
}

/// The CBOR of the same request: timestamps are tagged, and the numbers that JSON cannot write are numbers.
fn cbor(input: &Json) -> Vec<u8> {
    fn value(name: &str, input: &Json) -> Value {
        match input {
            Json::Number(seconds) if ["Timestamp", "StartTime", "EndTime"].contains(&name) => {
                Value::Tag(1, Box::new(Value::Float(seconds.as_f64().unwrap())))
            }
            Json::Number(number) => {
                number.as_i64().map_or_else(|| number.as_f64().unwrap().into(), Value::from)
            }
            Json::String(text) => match text.as_str() {
                "NaN" => f64::NAN.into(),
                "Infinity" => f64::INFINITY.into(),
                "-Infinity" => f64::NEG_INFINITY.into(),
                _ => text.as_str().into(),
            },
            Json::Bool(boolean) => (*boolean).into(),
            Json::Null => Value::Null,
            Json::Array(items) => Value::Array(items.iter().map(|item| value("", item)).collect()),
            Json::Object(members) => Value::Map(
                members.iter().map(|(name, member)| (name.as_str().into(), value(name, member))).collect(),
            ),
        }
    }
    let mut bytes = Vec::new();
    ciborium::into_writer(&value("", input), &mut bytes).unwrap();
    bytes
}

/// A valid datum with some members replaced; null removes one.
fn datum(changes: &Json) -> Json {
    let mut datum = json!({"MetricName": "m", "Timestamp": NOW_S, "Value": 1.0});
    for (name, value) in changes.as_object().unwrap() {
        datum[name] = value.clone();
    }
    let members: Map<String, Json> = datum
        .as_object()
        .unwrap()
        .iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect();
    members.into()
}

fn request(datums: &[Json]) -> Json {
    json!({"Namespace": "Test", "MetricData": datums})
}

/// The answer's document as JSON.
#[track_caller]
fn document(output: Result<Output, ApiError>) -> Json {
    json(output.expect("an answer").document.expect("a document"))
}

fn json(value: Value) -> Json {
    match value {
        Value::Tag(1, seconds) => json(*seconds),
        Value::Float(float) => float.into(),
        Value::Text(text) => text.into(),
        Value::Array(items) => items.into_iter().map(json).collect(),
        Value::Map(members) => {
            Json::Object(members.into_iter().map(|(k, v)| (k.into_text().unwrap(), json(v))).collect())
        }
        other => panic!("not in an answer: {other:?}"),
    }
}
