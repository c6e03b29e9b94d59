//! What is written is read as what it was.
#![allow(clippy::unwrap_used, reason = "a test")]

use proptest::prelude::*;
use prost::Message as _;
use weir_exposition::{
    FamilyType, Format,
    protobuf::{
        Messages,
        messages::{Bucket, BucketSpan, Counter, Gauge, Histogram, LabelPair, Metric, MetricFamily, Untyped},
    },
    render::Writer,
    text::{Line, Metadata, Syntax, key_len, line, reading},
};

#[derive(Clone, Debug, PartialEq)]
struct Sample {
    name: String,
    labels: Vec<(String, String)>,
    value: u64,
    timestamp: Option<i64>,
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Z_:][a-zA-Z0-9_:]{0,12}",
        "\\PC{1,12}",
        any::<String>().prop_filter("a name", |name| !name.is_empty())
    ]
}

fn label_name() -> impl Strategy<Value = String> {
    prop_oneof!["[a-zA-Z_][a-zA-Z0-9_]{0,12}", "\\PC{1,8}"]
}

fn value() -> impl Strategy<Value = u64> {
    prop_oneof![
        any::<f64>().prop_map(f64::to_bits),
        (-1000_i32..1000).prop_map(|value| f64::from(value).to_bits()),
        Just(f64::NAN.to_bits()),
        Just(f64::INFINITY.to_bits()),
        Just((-0.0_f64).to_bits()),
    ]
}

fn samples() -> impl Strategy<Value = Vec<Sample>> {
    let labels = prop::collection::btree_map(label_name(), any::<String>(), 0..5);
    // Whole milliseconds: Prometheus's format has no finer times.
    let timestamp =
        prop::option::of((-4_000_000_000_000_i64..4_000_000_000_000).prop_map(|millis| millis * 1_000_000));
    let sample = (name(), labels, value(), timestamp).prop_map(|(name, labels, value, timestamp)| Sample {
        name,
        labels: labels.into_iter().collect(),
        value,
        timestamp,
    });
    prop::collection::vec(sample, 0..6)
}

fn metric() -> impl Strategy<Value = Metric> {
    let label = (any::<String>(), any::<String>()).prop_map(|(name, value)| LabelPair { name, value });
    let number = || any::<f64>().prop_filter("equal to itself", |number| !number.is_nan());
    let histogram = (any::<u64>(), number(), any::<Vec<i64>>(), prop::option::of(-4..=8_i32));
    let histogram = histogram.prop_map(|(sample_count, sample_sum, positive_delta, schema)| Histogram {
        sample_count,
        sample_sum,
        schema,
        bucket: vec![Bucket { cumulative_count: sample_count, upper_bound: sample_sum, ..Bucket::default() }],
        positive_span: vec![BucketSpan { offset: -1, length: positive_delta.len() as u32 }],
        positive_delta,
        ..Histogram::default()
    });
    let value = prop_oneof![
        number().prop_map(|value| Metric { gauge: Some(Gauge { value }), ..Metric::default() }),
        number().prop_map(|value| Metric {
            counter: Some(Counter { value, ..Counter::default() }),
            ..Metric::default()
        }),
        number().prop_map(|value| Metric { untyped: Some(Untyped { value }), ..Metric::default() }),
        histogram.prop_map(|histogram| Metric { histogram: Some(histogram), ..Metric::default() }),
    ];
    (prop::collection::vec(label, 0..4), value, any::<Option<i64>>())
        .prop_map(|(label, metric, timestamp_ms)| Metric { label, timestamp_ms, ..metric })
}

/// Not-a-number is one value, whatever its bits.
fn bits(value: f64) -> u64 {
    if value.is_nan() { f64::NAN.to_bits() } else { value.to_bits() }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn samples_are_read_as_they_were_written(samples in samples(), at in 0..4_usize) {
        let format = [Format::Text004, Format::Text100, Format::OpenMetrics001, Format::OpenMetrics100][at];
        let mut writer = Writer::new(format, true);
        for sample in &samples {
            let labels = sample.labels.iter().map(|(name, value)| (name.as_str(), value.as_str()));
            writer.sample(&sample.name, labels, f64::from_bits(sample.value), sample.timestamp);
        }
        let text = writer.finish();
        let syntax = Syntax::of(format, false);
        let mut read = Vec::new();
        for text in text.split_terminator('\n') {
            match line(text.as_bytes(), syntax).unwrap() {
                Line::Sample(found) => {
                    prop_assert_eq!(key_len(text.as_bytes()), Some(found.key_len));
                    let again = reading(&text.as_bytes()[found.key_len..], syntax).unwrap();
                    prop_assert_eq!(bits(again.value), bits(found.reading.value));
                    read.push(Sample {
                        name: found.name.into_owned(),
                        labels: found.labels.into_iter().map(|(name, value)| (name.into(), value.into())).collect(),
                        value: bits(found.reading.value),
                        timestamp: found.reading.timestamp,
                    });
                }
                other => prop_assert_eq!(other, Line::End),
            }
        }
        let expected: Vec<Sample> = samples.into_iter().map(|sample| Sample { value: bits(f64::from_bits(sample.value)), ..sample }).collect();
        prop_assert_eq!(read, expected);
    }

    #[test]
    fn metadata_is_read_as_it_was_written(name in name(), help in "[^\r]*", unit in "[a-z_]{1,8}") {
        let mut writer = Writer::new(Format::OpenMetrics100, true);
        writer.family(&name, FamilyType::StateSet, &help, &unit);
        let text = writer.finish();
        let syntax = Syntax::of(Format::OpenMetrics100, false);
        let mut of_type = None;
        for text in text.split_terminator('\n') {
            match line(text.as_bytes(), syntax).unwrap() {
                Line::Metadata(found) => {
                    prop_assert_eq!(found.family(), &name);
                    match found {
                        Metadata::Unit { unit: found, .. } => prop_assert_eq!(found, &unit),
                        Metadata::Type { family_type, .. } => of_type = Some(family_type),
                        Metadata::Help { .. } => {}
                    }
                }
                other => prop_assert_eq!(other, Line::End),
            }
        }
        prop_assert_eq!(of_type, Some(FamilyType::StateSet));
    }

    #[test]
    fn families_of_protobuf_are_read_as_they_were_written(
        families in prop::collection::vec((name(), 0..3_usize, any::<String>(), prop::collection::vec(metric(), 0..4)), 0..4),
        piece in 1..64_usize,
    ) {
        const TYPES: [(i32, FamilyType); 3] =
            [(0, FamilyType::Counter), (3, FamilyType::Unknown), (4, FamilyType::Histogram)];
        let (mut body, mut expected) = (Vec::new(), Vec::new());
        for (name, at, unit, metric) in families {
            let (r#type, family_type) = TYPES[at];
            expected.extend(metric.iter().map(|metric| (name.clone(), family_type, unit.clone(), metric.clone())));
            let family = MetricFamily { name, r#type, metric, unit, ..MetricFamily::default() };
            body.extend(family.encode_length_delimited_to_vec());
        }
        let (mut messages, mut read) = (Messages::default(), Vec::new());
        for piece in body.chunks(piece) {
            messages.feed(piece);
            while let Some((family, metric)) = messages.next_metric().unwrap() {
                read.push((family.name.clone(), family.family_type, family.unit.clone(), metric.unwrap()));
            }
        }
        messages.finish().unwrap();
        prop_assert_eq!(read, expected);
    }
}
