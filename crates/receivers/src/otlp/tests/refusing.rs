//! What is refused, and what the sender is told.

use opentelemetry_proto::tonic::{
    common::v1::{ArrayValue, any_value::Value as Any},
    metrics::v1::{
        ExponentialHistogram, ExponentialHistogramDataPoint, Histogram, HistogramDataPoint,
        exponential_histogram_data_point::Buckets,
    },
};
use weir_core::Reason;

use super::*;
use crate::otlp::{
    MAX_DEPTH, MAX_PART,
    refusals::{
        BAD_HISTOGRAM, BAD_TIMESTAMP, NO_NAME, NO_VALUE, TOO_DEEP, TOO_LARGE, UNSPECIFIED_TEMPORALITY,
        UNSUPPORTED_ATTRIBUTE,
    },
};

/// Beside a point that is taken, all of `bad` is refused for `reason`.
#[track_caller]
fn check(reason: Reason, bad: Metric, points: u64) {
    let door = door(10);
    let decoded = resolve(&request(vec![gauge("good", vec![int("a", 1)]), bad]), &door, None);
    assert_eq!((decoded.points, decoded.refused.points()), (points + 1, points));
    assert_eq!(decoded.refused.of(reason), points, "refused {}", decoded.refused);
    assert_eq!(decoded.batches[0].points(), 1);
    assert_eq!(door.interner().stats().streams, 1, "what is refused makes no series");
}

fn histogram(bucket_counts: Vec<u64>, explicit_bounds: Vec<f64>) -> Metric {
    let point = HistogramDataPoint {
        time_unix_nano: TIME,
        bucket_counts,
        explicit_bounds,
        ..HistogramDataPoint::default()
    };
    let histogram = Histogram { data_points: vec![point], aggregation_temporality: DELTA };
    metric("h", Data::Histogram(histogram))
}

/// Lists in lists around one value.
fn nested(depth: usize) -> Any {
    (0..depth).fold(Any::IntValue(1), |inner, _| Any::ArrayValue(ArrayValue { values: vec![wrapped(inner)] }))
}

fn with(attribute: KeyValue) -> Metric {
    gauge("g", vec![NumberDataPoint { attributes: vec![attribute], ..int("", 1) }])
}

#[test]
fn points_without_time_or_value() {
    let timeless = NumberDataPoint { time_unix_nano: 0, ..int("a", 1) };
    check(BAD_TIMESTAMP, gauge("g", vec![timeless.clone(), timeless]), 2);
    check(NO_VALUE, gauge("g", vec![NumberDataPoint { value: None, ..int("a", 1) }]), 1);
}

#[test]
fn metrics_without_temporality_or_name() {
    check(UNSPECIFIED_TEMPORALITY, counter("c", 0, vec![int("a", 1), int("b", 1)]), 2);
    check(UNSPECIFIED_TEMPORALITY, counter("c", 77, vec![int("a", 1)]), 1);
    check(NO_NAME, gauge("", vec![int("a", 1)]), 1);
}

#[test]
fn histograms_that_do_not_fit() {
    check(BAD_HISTOGRAM, histogram(vec![1, 2], vec![1.0, 2.0]), 1);
    check(BAD_HISTOGRAM, histogram(vec![], vec![1.0]), 1);
    check(BAD_HISTOGRAM, histogram(vec![1, 2, 3], vec![2.0, 1.0]), 1);
    check(BAD_HISTOGRAM, histogram(vec![1, 2, 3], vec![1.0, 1.0]), 1);
    check(BAD_HISTOGRAM, histogram(vec![1, 2], vec![f64::NAN]), 1);
    let beyond = ExponentialHistogramDataPoint {
        time_unix_nano: TIME,
        positive: Some(Buckets { offset: i32::MAX, bucket_counts: vec![1] }),
        ..ExponentialHistogramDataPoint::default()
    };
    let beyond = ExponentialHistogram { data_points: vec![beyond], aggregation_temporality: DELTA };
    check(BAD_HISTOGRAM, metric("e", Data::ExponentialHistogram(beyond)), 1);
}

#[test]
fn attributes_that_nest_too_deep_or_point_elsewhere() {
    let deepest = resolve(&request(vec![with(attribute("a", nested(MAX_DEPTH)))]), &door(10), None);
    assert_eq!((deepest.points, deepest.refused.points()), (1, 0));
    check(TOO_DEEP, with(attribute("a", nested(MAX_DEPTH + 1))), 1);
    check(UNSUPPORTED_ATTRIBUTE, with(attribute("a", Any::StringValueStrindex(0))), 1);
    check(UNSUPPORTED_ATTRIBUTE, with(KeyValue { key_strindex: 3, ..text("", "v") }), 1);
}

#[test]
fn a_resource_or_a_scope_that_cannot_be_named_takes_its_points_along_and_no_others() {
    let deep = || attribute("a", nested(MAX_DEPTH + 1));
    let mut bad_resource = from_service("bad", vec![gauge("g", vec![int("a", 1), int("b", 1)])]);
    bad_resource.resource.as_mut().unwrap().attributes.push(deep());
    let mut bad_scope = from_service("half", vec![gauge("g", vec![int("a", 1)])]);
    bad_scope.scope_metrics.push(bad_scope.scope_metrics[0].clone());
    bad_scope.scope_metrics[0].scope.as_mut().unwrap().attributes.push(deep());
    let request = ExportMetricsServiceRequest { resource_metrics: vec![bad_resource, bad_scope] };
    let decoded = resolve(&request, &door(10), None);
    assert_eq!((decoded.points, decoded.refused.of(TOO_DEEP)), (4, 3));
    assert_eq!(decoded.batches[0].points(), 1);
}

#[test]
fn over_the_cap_deltas_overflow_and_the_rest_is_refused() {
    let door = door(2);
    let points = |count: usize| (0..count).map(|at| int(&at.to_string(), 1)).collect();
    let metrics = vec![
        gauge("full", points(2)),
        gauge("gauge", points(1)),
        counter("cumulative", CUMULATIVE, points(2)),
        counter("delta", DELTA, points(3)),
    ];
    let decoded = resolve(&request(metrics), &door, None);
    assert_eq!((decoded.points, decoded.refused.of(Reason::SERIES_CAP)), (8, 3));
    let overflowed = &decoded.batches[0].numbers[2..];
    assert_eq!((overflowed.len(), door.overflowed()), (3, 3));
    assert!(overflowed.iter().all(|point| point.series == overflowed[0].series));
}

#[test]
fn the_sender_is_told_each_reason_with_its_count_and_an_example() {
    let long = "x".repeat(127) + "é"; // the 128th byte is in the middle of a character
    let metrics = vec![
        gauge("no.time", vec![NumberDataPoint { time_unix_nano: 0, ..int("a", 1) }]),
        gauge("no.time.either", vec![NumberDataPoint { time_unix_nano: 0, ..int("a", 1) }]),
        gauge(&long, vec![NumberDataPoint { value: None, ..int("a", 1) }]),
    ];
    let refused = resolve(&request(metrics), &door(10), None).refused;
    let expected = format!("bad_timestamp: 2 (such as no.time), no_value: 1 (such as {}…)", "x".repeat(127));
    assert_eq!(refused.to_string(), expected);
}

/// A text attribute that takes as many bytes.
fn of_size(bytes: usize) -> KeyValue {
    let shorter = text("a", &"x".repeat(bytes - 100));
    let len = bytes - (shorter.encoded_len() - (bytes - 100));
    text("a", &"x".repeat(len))
}

#[test]
fn a_part_of_a_name_that_is_too_large_takes_its_points_along_and_no_others() {
    // An attribute of a point has a key and a length of three bytes before it.
    let good = gauge("g", vec![NumberDataPoint { attributes: vec![of_size(MAX_PART - 4)], ..int("", 1) }]);
    let decoded = resolve(&request(vec![good]), &door(10), None);
    assert_eq!((decoded.points, decoded.refused.points()), (1, 0));
    check(TOO_LARGE, with(of_size(MAX_PART - 3)), 1);
    check(TOO_LARGE, gauge(&"x".repeat(MAX_PART), vec![int("a", 1), int("b", 2)]), 2);
    let described = Metric { description: "x".repeat(MAX_PART), ..gauge("g", vec![int("a", 1)]) };
    check(TOO_LARGE, described, 1);

    let mut resource = from_service("large", vec![gauge("g", vec![int("a", 1)])]);
    resource.resource.as_mut().unwrap().attributes.push(of_size(MAX_PART));
    let mut scope = from_service("half", vec![gauge("g", vec![int("a", 1)])]);
    scope.scope_metrics.push(scope.scope_metrics[0].clone());
    scope.scope_metrics[0].scope.as_mut().unwrap().version = "x".repeat(MAX_PART);
    let request = ExportMetricsServiceRequest { resource_metrics: vec![resource, scope] };
    let decoded = resolve(&request, &door(10), None);
    assert_eq!((decoded.points, decoded.refused.of(TOO_LARGE)), (3, 2));
    assert_eq!(decoded.batches[0].points(), 1);
}

#[test]
fn points_that_overflow_count_once_however_their_request_is_written() {
    let door = door(1);
    let points = (0..4).map(|at| int(&at.to_string(), 1)).collect();
    let mut bytes = request(vec![counter("c", DELTA, points)]).encode_to_vec();
    let group = [0x9b, 0x06, 0x9c, 0x06];
    bytes.extend(group);
    assert_eq!(resolve_bytes(&bytes, &door, None).unwrap().points, 4);
    assert_eq!(door.overflowed(), 3);
    bytes.push(0xff);
    assert!(resolve_bytes(&bytes, &door, None).is_err());
    assert_eq!(door.overflowed(), 3, "what is malformed has no points");
}
