//! What a message becomes, field by field.

#![expect(clippy::float_cmp, reason = "no arithmetic has touched these values")]

use opentelemetry_proto::tonic::{
    common::v1::{ArrayValue, KeyValueList, any_value::Value as Any},
    metrics::v1::{
        Exemplar, ExponentialHistogram, ExponentialHistogramDataPoint, Histogram, HistogramDataPoint,
        Summary, SummaryDataPoint, exponential_histogram_data_point::Buckets,
        summary_data_point::ValueAtQuantile,
    },
};
use weir_core::{Flags, Kind, MAX_POINTS, Number, Temporality, Value};

use super::*;

fn resolved(door: &Door, metrics: Vec<Metric>) -> Decoded {
    let decoded = resolve(&request(metrics), door, None);
    assert!(decoded.refused.is_empty(), "refused {}", decoded.refused);
    decoded
}

#[test]
fn a_gauge_keeps_value_times_and_identity() {
    let door = door(10);
    let mut message = from_service("orders", vec![gauge("queue.size", vec![int("a", -7)])]);
    message.schema_url = "https://schemas/resource".to_owned();
    message.scope_metrics[0].schema_url = "https://schemas/scope".to_owned();
    let scope = message.scope_metrics[0].scope.as_mut().unwrap();
    (scope.version, scope.attributes) = ("1.2".to_owned(), vec![text("lang", "rust")]);
    let request = ExportMetricsServiceRequest { resource_metrics: vec![message] };

    let decoded = resolve(&request, &door, None);
    let [batch] = &*decoded.batches else { panic!("one batch, found {}", decoded.batches.len()) };
    let [point] = *batch.numbers else { panic!("one point, found {}", batch.numbers.len()) };
    assert_eq!((batch.points(), decoded.points, decoded.exemplars), (1, 1, 0));
    assert_eq!(point.value(), Number::Int(-7));
    assert_eq!((point.start, point.time), (UnixNanos(START), UnixNanos(TIME)));
    assert_eq!(point.flags, Flags::INTEGER);

    let series = series(&door, point.series);
    let (descriptor, resource, scope) = (series.descriptor(), series.resource(), series.scope());
    assert_eq!((&*descriptor.name, &*descriptor.unit), ("queue.size", "1"));
    assert_eq!(
        (descriptor.kind, descriptor.temporality, descriptor.monotonic),
        (Kind::Gauge, Temporality::Unspecified, false)
    );
    assert_eq!(resource.attributes.get("service.name"), Some(&Value::str("orders")));
    assert_eq!(&*resource.schema_url, "https://schemas/resource");
    assert_eq!((&*scope.name, &*scope.version), ("tests", "1.2"));
    assert_eq!(scope.attributes.get("lang"), Some(&Value::str("rust")));
    assert_eq!(&*scope.schema_url, "https://schemas/scope");
    assert_eq!(series.attributes().get("shard"), Some(&Value::str("a")));
    assert_eq!((series.attributes().len(), resource.attributes.len()), (1, 1));
}

#[test]
fn sums_keep_doubles_temporality_and_monotony() {
    let door = door(10);
    let double = NumberDataPoint { value: Some(number_data_point::Value::AsDouble(f64::NAN)), ..int("a", 0) };
    let mut falling = counter("falling", CUMULATIVE, vec![int("a", i64::MAX)]);
    if let Some(Data::Sum(sum)) = &mut falling.data {
        sum.is_monotonic = false;
    }
    let decoded = resolved(&door, vec![counter("rising", DELTA, vec![double]), falling]);
    let numbers = &decoded.batches[0].numbers;
    let [rising, falling] = **numbers else { panic!("two points, found {}", numbers.len()) };
    assert!(matches!(rising.value(), Number::Double(nan) if nan.is_nan()), "NaN is the exporter's matter");
    assert_eq!(falling.value(), Number::Int(i64::MAX), "integers stay integers");
    let shape = |id| {
        let series = series(&door, id);
        let descriptor = series.descriptor();
        (descriptor.kind, descriptor.temporality, descriptor.monotonic)
    };
    assert_eq!(shape(rising.series), (Kind::Sum, Temporality::Delta, true));
    assert_eq!(shape(falling.series), (Kind::Sum, Temporality::Cumulative, false));
}

#[test]
fn a_point_without_a_recorded_value_passes_with_its_flag() {
    let flagged = NumberDataPoint { value: None, flags: 0b101, ..int("a", 0) };
    let decoded = resolved(&door(10), vec![gauge("g", vec![flagged])]);
    assert_eq!(decoded.batches[0].numbers[0].flags, Flags::NO_RECORDED_VALUE, "reserved bits mean nothing");
}

#[test]
fn a_histogram_keeps_its_buckets_and_knows_what_is_not_set() {
    let door = door(10);
    let full = HistogramDataPoint {
        attributes: vec![text("shard", "a")],
        start_time_unix_nano: START,
        time_unix_nano: TIME,
        count: 6,
        sum: Some(12.5),
        bucket_counts: vec![1, 2, 3],
        explicit_bounds: vec![0.5, 10.0],
        exemplars: vec![Exemplar::default(), Exemplar::default()],
        min: Some(-0.25),
        max: Some(11.0),
        ..HistogramDataPoint::default()
    };
    let bare = HistogramDataPoint {
        attributes: vec![],
        sum: None,
        min: None,
        max: None,
        bucket_counts: vec![],
        explicit_bounds: vec![],
        exemplars: vec![],
        ..full.clone()
    };
    let histogram = Histogram { data_points: vec![full, bare], aggregation_temporality: DELTA };
    let decoded = resolved(&door, vec![metric("latency", Data::Histogram(histogram))]);
    assert_eq!(decoded.exemplars, 2);
    let batch = &decoded.batches[0];
    let [full, bare] = *batch.histograms else { panic!("two points, found {}", batch.histograms.len()) };
    assert_eq!(full.flags, Flags::SUM.with(Flags::MIN).with(Flags::MAX));
    assert_eq!((full.start, full.time, full.count), (UnixNanos(START), UnixNanos(TIME), 6));
    assert_eq!([full.sum, full.min, full.max], [12.5, -0.25, 11.0]);
    assert_eq!(batch.counts(full.counts), [1, 2, 3]);
    assert_eq!(batch.bounds(full.bounds), [0.5, 10.0]);
    assert_eq!((bare.flags, bare.count), (Flags::default(), 6));
    assert!(batch.counts(bare.counts).is_empty() && batch.bounds(bare.bounds).is_empty());
    let descriptor = series(&door, full.series);
    assert_eq!(
        (descriptor.descriptor().kind, descriptor.descriptor().temporality),
        (Kind::Histogram, Temporality::Delta)
    );
}

#[test]
fn an_exponential_histogram_keeps_both_sides() {
    let door = door(10);
    let point = ExponentialHistogramDataPoint {
        start_time_unix_nano: START,
        time_unix_nano: TIME,
        count: 17,
        sum: Some(3.0),
        scale: -2,
        zero_count: 4,
        positive: Some(Buckets { offset: 5, bucket_counts: vec![1, 0, 2] }),
        negative: Some(Buckets { offset: -9, bucket_counts: vec![10] }),
        exemplars: vec![Exemplar::default()],
        max: Some(9.0),
        zero_threshold: 0.125,
        ..ExponentialHistogramDataPoint::default()
    };
    let histogram = ExponentialHistogram { data_points: vec![point], aggregation_temporality: CUMULATIVE };
    let decoded = resolved(&door, vec![metric("latency", Data::ExponentialHistogram(histogram))]);
    assert_eq!(decoded.exemplars, 1);
    let batch = &decoded.batches[0];
    let point = batch.exponential_histograms[0];
    assert_eq!(point.flags, Flags::SUM.with(Flags::MAX));
    assert_eq!((point.start, point.time), (UnixNanos(START), UnixNanos(TIME)));
    assert_eq!((point.count, point.scale, point.zero_count), (17, -2, 4));
    assert_eq!([point.sum, point.max, point.zero_threshold], [3.0, 9.0, 0.125]);
    assert_eq!((point.positive_offset, batch.counts(point.positive)), (5, &[1, 0, 2][..]));
    assert_eq!((point.negative_offset, batch.counts(point.negative)), (-9, &[10][..]));
    let series = series(&door, point.series);
    assert_eq!(series.descriptor().kind, Kind::ExponentialHistogram);
    assert_eq!(series.descriptor().temporality, Temporality::Cumulative);
}

#[test]
fn a_summary_keeps_its_quantiles() {
    let door = door(10);
    let quantile = |quantile, value| ValueAtQuantile { quantile, value };
    let point = SummaryDataPoint {
        start_time_unix_nano: START,
        time_unix_nano: TIME,
        count: 100,
        sum: 250.0,
        quantile_values: vec![quantile(0.5, 2.0), quantile(0.99, 9.0)],
        ..SummaryDataPoint::default()
    };
    let decoded = resolved(&door, vec![metric("s", Data::Summary(Summary { data_points: vec![point] }))]);
    let batch = &decoded.batches[0];
    let point = batch.summaries[0];
    assert_eq!((point.flags, point.count, point.sum), (Flags::SUM, 100, 250.0));
    assert_eq!((point.start, point.time), (UnixNanos(START), UnixNanos(TIME)));
    assert_eq!(batch.bounds(point.quantiles), [0.5, 2.0, 0.99, 9.0]);
    assert_eq!(series(&door, point.series).descriptor().kind, Kind::Summary);
}

#[test]
fn attributes_of_every_type_arrive_sorted_with_the_last_of_a_key() {
    let door = door(10);
    let array = ArrayValue { values: vec![wrapped(Any::IntValue(1)), AnyValue::default()] };
    let map = KeyValueList { values: vec![text("z", "1"), text("a", "2")] };
    let attributes = vec![
        attribute("map", Any::KvlistValue(map)),
        attribute("array", Any::ArrayValue(array)),
        attribute("bytes", Any::BytesValue(vec![0, 255])),
        attribute("double", Any::DoubleValue(-0.0)),
        attribute("int", Any::IntValue(i64::MIN)),
        attribute("bool", Any::BoolValue(true)),
        KeyValue { key: "empty".to_owned(), ..KeyValue::default() },
        text("twice", "first"),
        text("twice", "last"),
    ];
    let point = NumberDataPoint { attributes, ..int("", 0) };
    let decoded = resolved(&door, vec![gauge("g", vec![point])]);
    let series = series(&door, decoded.batches[0].numbers[0].series);
    let found: Vec<_> = series.attributes().iter().map(|kv| (&*kv.key, kv.value.clone())).collect();
    let pair = |key: &str, value: &str| weir_core::KeyValue::new(key, Value::str(value));
    let expected = [
        ("array", Value::Array([Value::Int(1), Value::Empty].into())),
        ("bool", Value::Bool(true)),
        ("bytes", Value::Bytes([0, 255].into())),
        ("double", Value::Double(-0.0)),
        ("empty", Value::Empty),
        ("int", Value::Int(i64::MIN)),
        ("map", Value::Map([pair("a", "2"), pair("z", "1")].into())),
        ("twice", Value::str("last")),
    ];
    assert_eq!(found, expected);
}

#[test]
fn what_differs_in_anything_is_another_series_and_what_does_not_is_the_same() {
    let door = door(100);
    let of = |attributes: Vec<KeyValue>| NumberDataPoint { attributes, ..int("", 1) };
    let different = vec![
        of(vec![text("ab", "c")]),
        of(vec![text("a", "bc")]),
        of(vec![attribute("a", Any::IntValue(1))]),
        of(vec![attribute("a", Any::DoubleValue(1.0))]),
        of(vec![attribute("a", Any::BoolValue(true))]),
        of(vec![text("a", "1")]),
        of(vec![attribute("a", Any::BytesValue(b"1".to_vec()))]),
        of(vec![text("a", "1"), text("b", "2")]),
        of(vec![]),
        of(vec![text("long", &"x".repeat(300))]),
        of(vec![text("long", &"x".repeat(301))]),
    ];
    let count = different.len();
    let metrics = vec![
        gauge("g", different),
        gauge("other", vec![of(vec![])]),
        counter("g", DELTA, vec![of(vec![])]),
        counter("g", CUMULATIVE, vec![of(vec![])]),
    ];
    let decoded = resolved(&door, metrics);
    let mut ids: Vec<_> = decoded.batches[0].numbers.iter().map(|point| point.series).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), count + 3);

    let forth = of(vec![text("a", "1"), text("b", "2")]);
    let back = of(vec![text("b", "2"), text("a", "1")]);
    let decoded = resolved(&door, vec![gauge("g", vec![forth, back])]);
    let [forth, back] = *decoded.batches[0].numbers else { panic!("two points") };
    assert_eq!(forth.series, back.series, "the order of attributes is no identity");
}

#[test]
fn an_absent_scope_is_an_empty_one_and_an_absent_resource_has_no_attributes() {
    let door = door(10);
    let mut with = from_service("", vec![gauge("g", vec![int("a", 1)])]);
    with.resource = Some(Resource::default());
    with.scope_metrics[0].scope = Some(InstrumentationScope::default());
    let mut without = with.clone();
    (without.resource, without.scope_metrics[0].scope) = (None, None);
    let both = ExportMetricsServiceRequest { resource_metrics: vec![with, without] };
    let decoded = resolve(&both, &door, None);
    let [with, without] = *decoded.batches[0].numbers else { panic!("two points") };
    assert_eq!(with.series, without.series);
    assert_eq!(door.interner().stats().streams, 1);
}

#[test]
fn equal_senders_with_different_peers_are_different_streams_where_peers_count() {
    let door = door(10);
    let request = request(vec![gauge("g", vec![int("a", 1)])]);
    let id = |peer| resolve(&request, &door, peer).batches[0].numbers[0].series;
    let [one, other] = ["10.0.0.1", "10.0.0.2"].map(|key| Peer { key: key.to_owned(), attributes: vec![] });
    assert_ne!(id(Some(&one)), id(Some(&other)));
    assert_eq!(id(Some(&one)), id(Some(&one)));
    assert_eq!(id(None), id(None));
}

#[test]
fn what_is_known_of_a_peer_is_in_the_resource_and_wins_over_what_the_sender_claims() {
    let door = door(10);
    let mut message = from_service("orders", vec![gauge("g", vec![int("a", 1)])]);
    message.resource.as_mut().unwrap().attributes.push(text("client.address", "forged"));
    let request = ExportMetricsServiceRequest { resource_metrics: vec![message] };
    let address = weir_core::KeyValue::new("client.address", Value::str("10.0.0.1"));
    let peer = Peer { key: "10.0.0.1".to_owned(), attributes: vec![address] };
    let attributes = |peer| {
        let decoded = resolve(&request, &door, peer);
        let series = series(&door, decoded.batches[0].numbers[0].series);
        let list = series.resource().attributes.iter().map(|kv| (kv.key.to_string(), kv.value.to_string()));
        list.collect::<Vec<_>>()
    };
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let service = || pair("service.name", "orders");
    assert_eq!(attributes(Some(&peer)), [pair("client.address", "10.0.0.1"), service()]);
    assert_eq!(attributes(None), [pair("client.address", "forged"), service()]);
}

#[test]
fn a_large_request_is_cut_into_batches() {
    let door = door(100_000);
    let points = |count: usize| (0..count).map(|at| int(&at.to_string(), 1)).collect();
    let decoded = resolved(&door, vec![gauge("a", points(15_000)), gauge("b", points(5_000))]);
    let sizes: Vec<_> = decoded.batches.iter().map(weir_core::Batch::points).collect();
    assert_eq!(MAX_POINTS, 8192);
    assert_eq!((sizes, decoded.points), (vec![8192, 8192, 3616], 20_000));
}

#[test]
fn a_request_without_points_has_no_batch() {
    let empty = Metric { name: "nothing".to_owned(), ..Metric::default() };
    let decoded = resolved(&door(10), vec![empty, gauge("none", vec![])]);
    assert!(decoded.batches.is_empty() && decoded.points == 0);
}
