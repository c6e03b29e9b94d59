//! Nothing that a client can send makes the server panic.

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use crate::{
    error::ApiError,
    operations::run,
    protocol::Protocol,
    store::{Retention, Store},
};

const NOW_MS: i64 = 1_790_000_040_000;
const OPERATIONS: [&str; 5] =
    ["PutMetricData", "GetMetricStatistics", "GetMetricData", "ListMetrics", "Nothing"];

/// Runs every operation on a body; what matters is that each returns.
fn run_all(store: &Store, protocol: Protocol, body: &[u8]) -> Vec<Result<(), ApiError>> {
    OPERATIONS.iter().map(|operation| run(store, NOW_MS, operation, protocol, body).map(|_| ())).collect()
}

fn store() -> Store {
    Store::new(Retention { datapoints_per_series: 4, metrics: 8 }, true)
}

/// Every member name of the API, so that random documents get past the first look.
const NAMES: [&str; 34] = [
    "Namespace",
    "MetricData",
    "EntityMetricData",
    "Entity",
    "KeyAttributes",
    "Attributes",
    "StrictEntityValidation",
    "MetricName",
    "Dimensions",
    "Name",
    "Value",
    "Timestamp",
    "Values",
    "Counts",
    "StatisticValues",
    "SampleCount",
    "Sum",
    "Minimum",
    "Maximum",
    "Unit",
    "StorageResolution",
    "StartTime",
    "EndTime",
    "Period",
    "Statistics",
    "ExtendedStatistics",
    "MetricDataQueries",
    "Id",
    "MetricStat",
    "Metric",
    "Stat",
    "NextToken",
    "MaxDatapoints",
    "RecentlyActive",
];

/// A random document of the names and values of the API, in no sensible order.
fn documents() -> impl Strategy<Value = Json> {
    let numbers = prop_oneof![
        any::<f64>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<u64>().prop_map(Json::from),
        prop::sample::select(vec![0, 1, 60, NOW_MS / 1000, NOW_MS / 1000 - 600, i64::MAX])
            .prop_map(Json::from),
    ];
    let texts = prop_oneof![
        prop::sample::select(vec![
            "a",
            "None",
            "Bytes",
            "Sum",
            "p50",
            "NaN",
            "-Infinity",
            "PT3H",
            "metric-1",
            "datapoints-1",
            ":"
        ])
        .prop_map(Json::from),
        any::<String>().prop_map(Json::from),
    ];
    let leaf = prop_oneof![numbers, texts, any::<bool>().prop_map(Json::from), Just(Json::Null)];
    leaf.prop_recursive(6, 64, 8, |inner| {
        let members = prop::collection::vec((prop::sample::select(NAMES.to_vec()), inner.clone()), 0..8);
        prop_oneof![
            prop::collection::vec(inner, 0..6).prop_map(Json::from),
            members.prop_map(|members| Json::Object(
                members.into_iter().map(|(k, v)| (k.to_owned(), v)).collect()
            )),
        ]
    })
}

/// A valid request of every operation in one: each takes the members that it knows.
fn valid() -> Json {
    let now_s = NOW_MS / 1000;
    json!({
        "Namespace": "Test",
        "MetricData": [
            {"MetricName": "m", "Timestamp": now_s - 60, "Values": [1.0, 2.5], "Counts": [2.0, 1.0], "Unit": "Bytes",
             "StatisticValues": {"SampleCount": 3.0, "Sum": 4.5, "Minimum": 1.0, "Maximum": 2.5},
             "Dimensions": [{"Name": "a", "Value": "b"}], "StorageResolution": 1},
            {"MetricName": "m", "Value": 3.0},
        ],
        "MetricName": "m", "StartTime": now_s - 600, "EndTime": now_s, "Period": 60, "Statistics": ["Sum"],
        "Dimensions": [{"Name": "a", "Value": "b"}],
        "MetricDataQueries": [{"Id": "q", "MetricStat": {"Period": 1, "Stat": "p99.9",
            "Metric": {"Namespace": "Test", "MetricName": "m", "Dimensions": [{"Name": "a", "Value": "b"}]}}}],
    })
}

/// Replaces the `n`-th value of a document, counted in depth, by another.
fn replace(document: &mut Json, n: &mut usize, by: &Json) {
    if *n == 0 {
        *document = by.clone();
    }
    *n = n.wrapping_sub(1);
    match document {
        Json::Array(items) => items.iter_mut().for_each(|item| replace(item, n, by)),
        Json::Object(members) => members.values_mut().for_each(|member| replace(member, n, by)),
        _ => {}
    }
}

/// The document in CBOR, its numbers under time names tagged as timestamps.
fn cbor(document: &Json) -> Vec<u8> {
    fn value(name: &str, document: &Json) -> ciborium::Value {
        match document {
            Json::Number(number) if ["Timestamp", "StartTime", "EndTime"].contains(&name) => {
                ciborium::Value::Tag(1, Box::new(number.as_f64().unwrap_or(0.0).into()))
            }
            Json::Number(number) => match (number.as_i64(), number.as_u64()) {
                (Some(integer), _) => integer.into(),
                (_, Some(integer)) => integer.into(),
                _ => number.as_f64().unwrap().into(),
            },
            Json::String(text) => text.as_str().into(),
            Json::Bool(boolean) => (*boolean).into(),
            Json::Null => ciborium::Value::Null,
            Json::Array(items) => ciborium::Value::Array(items.iter().map(|item| value("", item)).collect()),
            Json::Object(members) => {
                ciborium::Value::Map(members.iter().map(|(k, v)| (k.as_str().into(), value(k, v))).collect())
            }
        }
    }
    let mut bytes = Vec::new();
    ciborium::into_writer(&value("", document), &mut bytes).unwrap();
    bytes
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(body in prop::collection::vec(any::<u8>(), 0..512)) {
        run_all(&store(), Protocol::Cbor, &body);
        run_all(&store(), Protocol::Json, &body);
    }

    #[test]
    fn arbitrary_documents_never_panic(document in documents()) {
        let store = store();
        run_all(&store, Protocol::Json, document.to_string().as_bytes());
        run_all(&store, Protocol::Cbor, &cbor(&document));
    }

    #[test]
    fn a_valid_request_with_one_value_replaced_never_panics(at in 0_usize..60, by in documents()) {
        let mut document = valid();
        replace(&mut document, &mut { at }, &by);
        let store = store();
        run_all(&store, Protocol::Json, document.to_string().as_bytes());
        run_all(&store, Protocol::Cbor, &cbor(&document));
    }

    #[test]
    fn a_valid_body_with_a_byte_changed_or_its_end_cut_never_panics(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        for (protocol, body) in [(Protocol::Json, valid().to_string().into_bytes()), (Protocol::Cbor, cbor(&valid()))] {
            let mut changed = body.clone();
            let at = at.index(body.len());
            changed[at] = byte;
            run_all(&store(), protocol, &changed);
            let cut = run_all(&store(), protocol, &body[..at]);
            prop_assert!(cut.iter().all(Result::is_err), "cut at {at}");
        }
    }
}

#[test]
fn the_valid_request_is_valid_in_both_protocols() {
    for (protocol, body) in
        [(Protocol::Json, valid().to_string().into_bytes()), (Protocol::Cbor, cbor(&valid()))]
    {
        let outcomes = run_all(&store(), protocol, &body);
        assert!(outcomes[..4].iter().all(Result::is_ok), "{outcomes:?}");
    }
}

#[test]
fn deep_nesting_and_false_lengths_are_refused() {
    let deep_json = "[".repeat(100_000);
    let deep_cbor = vec![0x81; 100_000];
    // An array, a map, a text and a byte string that claim 2^63 items.
    let lengths =
        [0x9b, 0xbb, 0x7b, 0x5b].map(|head| vec![head, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00]);
    for (protocol, body) in [(Protocol::Json, deep_json.into_bytes()), (Protocol::Cbor, deep_cbor)]
        .into_iter()
        .chain(lengths.into_iter().map(|body| (Protocol::Cbor, body)))
    {
        for outcome in &run_all(&store(), protocol, &body)[..4] {
            assert!(matches!(outcome, Err(ApiError::Serialization(_))), "{outcome:?}");
        }
    }
}

#[test]
fn bytes_after_the_document_are_refused() {
    for (protocol, mut body) in [(Protocol::Json, b"{}".to_vec()), (Protocol::Cbor, vec![0xa0])] {
        assert!(run(&store(), NOW_MS, "ListMetrics", protocol, &body).is_ok());
        body.extend_from_slice(&body.clone());
        let error = run(&store(), NOW_MS, "ListMetrics", protocol, &body).unwrap_err();
        assert!(matches!(error, ApiError::Serialization(_)), "{error}");
    }
}
