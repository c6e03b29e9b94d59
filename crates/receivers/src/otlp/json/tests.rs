//! Bodies as senders write them, against prost's own reading of what came of them. Whole messages, in every layout and mutated:
//! `otlp::tests::json`.

use opentelemetry_proto::tonic::{
    collector::metrics::v1::ExportMetricsServiceRequest,
    common::v1::{AnyValue, any_value::Value as Any},
    metrics::v1::{Metric, metric::Data, number_data_point},
};
use prost::Message as _;
use serde_json::{Value, json};

use super::{JsonError, to_protobuf};

const MAX: usize = 1 << 20;

fn read(json: &str) -> ExportMetricsServiceRequest {
    let bytes = to_protobuf(json.as_bytes(), MAX).unwrap_or_else(|error| panic!("{error}: {json}"));
    ExportMetricsServiceRequest::decode(&*bytes).unwrap()
}

fn error(json: &str) -> String {
    to_protobuf(json.as_bytes(), MAX).unwrap_err().to_string()
}

/// A request of one metric.
fn of_metric(metric: Value) -> String {
    json!({"resourceMetrics": [{"scopeMetrics": [{"metrics": [metric]}]}]}).to_string()
}

fn metric(json: Value) -> Metric {
    read(&of_metric(json)).resource_metrics[0].scope_metrics[0].metrics[0].clone()
}

/// The value of a gauge's point of these fields.
fn number(point: Value) -> Option<number_data_point::Value> {
    match metric(json!({"gauge": {"dataPoints": [point]}})).data {
        Some(Data::Gauge(gauge)) => gauge.data_points[0].value,
        other => panic!("{other:?}"),
    }
}

/// The value of an attribute.
fn any(value: Value) -> Option<Any> {
    let json = json!({"resourceMetrics": [{"resource": {"attributes": [{"key": "k", "value": value}]}}]});
    let request = read(&json.to_string());
    let attribute = &request.resource_metrics[0].resource.as_ref().unwrap().attributes[0];
    assert_eq!(attribute.key, "k");
    attribute.value.clone().and_then(|any| any.value)
}

#[test]
fn integers_are_texts_or_numbers() {
    use number_data_point::Value::{AsDouble, AsInt};
    for (written, value) in [
        (json!("42"), 42),
        (json!(42), 42),
        (json!("-9223372036854775808"), i64::MIN),
        (json!(i64::MAX), i64::MAX),
        (json!(3.0), 3),
        (json!(1e3), 1000),
        (json!("1e3"), 1000),
        (json!("-2.0"), -2),
        (json!(0), 0),
    ] {
        assert_eq!(number(json!({"asInt": written})), Some(AsInt(value)), "{written}");
    }
    assert_eq!(number(json!({"asDouble": 1.5})), Some(AsDouble(1.5)));
    assert_eq!(number(json!({"asDouble": -2})), Some(AsDouble(-2.0)));
    assert_eq!(number(json!({"asDouble": "0.25"})), Some(AsDouble(0.25)));
    assert_eq!(number(json!({"asDouble": "-Infinity"})), Some(AsDouble(f64::NEG_INFINITY)));
    assert!(matches!(number(json!({"asDouble": "NaN"})), Some(AsDouble(number)) if number.is_nan()));
    assert_eq!(number(json!({})), None);
    assert_eq!(number(json!({"asInt": null})), None, "null is as if it were not there");
}

#[test]
fn every_kind_of_attribute_is_read() {
    assert_eq!(
        any(json!({"stringValue": "é\n\u{1f600}"})),
        Some(Any::StringValue("é\n\u{1f600}".to_owned()))
    );
    assert_eq!(any(json!({"boolValue": false})), Some(Any::BoolValue(false)));
    assert_eq!(any(json!({"intValue": "-1"})), Some(Any::IntValue(-1)));
    assert_eq!(any(json!({"intValue": 7})), Some(Any::IntValue(7)));
    assert_eq!(any(json!({"doubleValue": 7})), Some(Any::DoubleValue(7.0)));
    for written in ["AQL/+w==", "AQL/+w", "AQL_-w==", "AQL_-w"] {
        let bytes = Some(Any::BytesValue(vec![1, 2, 255, 251]));
        assert_eq!(any(json!({"bytesValue": written})), bytes, "{written}");
    }
    let values = |any: Option<Any>| match any {
        Some(Any::ArrayValue(array)) => array.values,
        other => panic!("{other:?}"),
    };
    let one = AnyValue { value: Some(Any::IntValue(1)) };
    assert_eq!(
        values(any(json!({"arrayValue": {"values": [{"intValue": 1}, {}]}}))),
        [one.clone(), AnyValue::default()]
    );
    let map = any(json!({"kvlistValue": {"values": [{"key": "a", "value": {"intValue": 1}}]}}));
    assert!(
        matches!(map, Some(Any::KvlistValue(map)) if map.values[0].key == "a" && map.values[0].value == Some(one))
    );
    assert_eq!(any(json!({})), None);
}

#[test]
fn histograms_of_both_kinds_are_read() {
    let data = metric(json!({"histogram": {"aggregationTemporality": 1, "dataPoints": [{
        "count": "3", "sum": 2.5, "bucketCounts": ["1", 2, "0"], "explicitBounds": [1, 2.5], "min": 0, "flags": 1,
        "exemplars": [{"asDouble": 1.0, "traceId": "0102030405060708090a0b0c0d0e0fFF", "spanId": "0102030405060708"}],
    }]}}));
    let Some(Data::Histogram(histogram)) = data.data else { panic!("a histogram") };
    let point = &histogram.data_points[0];
    assert_eq!(
        (histogram.aggregation_temporality, point.count, point.sum, point.flags),
        (1, 3, Some(2.5), 1)
    );
    assert_eq!((&*point.bucket_counts, &*point.explicit_bounds), (&[1, 2, 0][..], &[1.0, 2.5][..]));
    assert_eq!((point.min, point.max), (Some(0.0), None), "zero is not the same as nothing");
    assert_eq!(point.exemplars[0].trace_id, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 255]);

    let data = metric(json!({"exponentialHistogram": {"aggregationTemporality": 2, "dataPoints": [{
        "scale": -3, "zeroCount": "4", "positive": {"offset": -2, "bucketCounts": ["18446744073709551615", "1"]},
    }]}}));
    let Some(Data::ExponentialHistogram(histogram)) = data.data else { panic!("an exponential histogram") };
    let point = &histogram.data_points[0];
    let positive = point.positive.as_ref().unwrap();
    assert_eq!((point.scale, point.zero_count, positive.offset), (-3, 4, -2));
    assert_eq!(positive.bucket_counts, [u64::MAX, 1]);
}

#[test]
fn unknown_names_are_ignored_and_so_are_those_of_the_proto_files() {
    let known = metric(json!({"name": "a", "later": {"deep": [1, {"x": null}]}, "gauge": {}}));
    assert_eq!((&*known.name, known.data.is_some()), ("a", true));
    assert_eq!(read(r#"{"resource_metrics": [{}]}"#).resource_metrics, []);
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    for (point, said) in [
        (json!({"asInt": "x"}), "invalid value: string \"x\", expected an integer for `asInt`"),
        (json!({"asInt": 1.5}), "invalid value: floating point `1.5`, expected an integer for `asInt`"),
        (json!({"asInt": true}), "invalid type: boolean `true`, expected an integer for `asInt`"),
        (json!({"asInt": "9223372036854775808"}), "9223372036854775808 is not an integer for `asInt`"),
        (json!({"timeUnixNano": -1}), "-1 is not an integer that is not negative for `timeUnixNano`"),
        (json!({"asInt": "1.5"}), "invalid value: string \"1.5\", expected an integer for `asInt`"),
        (
            json!({"asInt": "9007199254740993.0"}),
            "invalid value: string \"9007199254740993.0\", expected an integer for `asInt`",
        ),
        (json!({"asInt": "Infinity"}), "invalid value: string \"Infinity\", expected an integer for `asInt`"),
        (json!({"asDouble": "1e999"}), "invalid value: string \"1e999\", expected a number for `asDouble`"),
        (json!({"asDouble": "inf"}), "invalid value: string \"inf\", expected a number for `asDouble`"),
        (json!({"attributes": {}}), "expected an array for `attributes`"),
        (json!({"attributes": [null]}), "invalid type: null, expected an object for `attributes`"),
        (json!({"attributes": [[]]}), "invalid type: sequence, expected an object for `attributes`"),
        (
            json!({"exemplars": [{"spanId": "0"}]}),
            "invalid value: string \"0\", expected hexadecimal digits for `spanId`",
        ),
    ] {
        let found = error(&of_metric(json!({"gauge": {"dataPoints": [point]}})));
        assert!(found.starts_with(said) && found.contains(" at line 1 column "), "{found}");
    }
    let temporality = json!({"sum": {"aggregationTemporality": "AGGREGATION_TEMPORALITY_DELTA"}});
    assert!(error(&of_metric(temporality)).contains("expected an integer for `aggregationTemporality`"));
    for broken in ["", "{", "[]", "7", "{} {}", "{\"resourceMetrics\": [", "\u{0}"] {
        assert!(!error(broken).is_empty());
    }
}

#[test]
fn nesting_is_bounded() {
    let deep = |depth: usize| {
        let value = r#"{"arrayValue": {"values": ["#.repeat(depth) + "{}" + &"]}}".repeat(depth);
        let attributes = format!(r#"[{{"key": "k", "value": {value}}}]"#);
        format!(r#"{{"resourceMetrics": [{{"resource": {{"attributes": {attributes}}}}}]}}"#)
    };
    read(&deep(30));
    assert!(error(&deep(10_000)).contains("recursion limit"));
}

#[test]
fn the_cap_holds_for_what_is_longer_as_protobuf() {
    let bounds = "0,".repeat(100_000) + "0";
    let json = of_metric(json!({"histogram": {"dataPoints": [{"explicitBounds": []}]}}))
        .replace("[]", &format!("[{bounds}]"));
    let refused = to_protobuf(json.as_bytes(), 500_000);
    assert!(matches!(refused, Err(JsonError::TooLarge(500_000))), "{refused:?}");
    assert_eq!(to_protobuf(json.as_bytes(), MAX).unwrap().len(), 800_008 + 6 * 4, "six keys and lengths");
}
