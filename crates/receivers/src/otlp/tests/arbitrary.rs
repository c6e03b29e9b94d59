//! Whatever a message holds: nothing panics, every point is accounted for, every id is resolvable.

use opentelemetry_proto::tonic::{
    common::v1::{ArrayValue, KeyValueList, any_value::Value as Any},
    metrics::v1::{
        ExponentialHistogram, ExponentialHistogramDataPoint, Histogram, HistogramDataPoint, Summary,
        SummaryDataPoint, exponential_histogram_data_point::Buckets, summary_data_point::ValueAtQuantile,
    },
};
use proptest::{collection::vec, option, prelude::*};

use super::*;

/// Few different texts, so that series meet again.
fn word() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), "[ab]{1,2}", ".{0,3}"]
}

fn value() -> impl Strategy<Value = AnyValue> {
    let leaf = prop_oneof![
        word().prop_map(Any::StringValue),
        any::<bool>().prop_map(Any::BoolValue),
        any::<i64>().prop_map(Any::IntValue),
        any::<f64>().prop_map(Any::DoubleValue),
        vec(any::<u8>(), 0..3).prop_map(Any::BytesValue),
        any::<i32>().prop_map(Any::StringValueStrindex),
    ];
    let leaf = option::of(leaf).prop_map(|value| AnyValue { value });
    leaf.prop_recursive(20, 40, 3, |inner| {
        let list = vec(inner.clone(), 0..3).prop_map(|values| Any::ArrayValue(ArrayValue { values }));
        let entry = (word(), option::of(inner));
        let entry = entry.prop_map(|(key, value)| KeyValue { key, value, ..KeyValue::default() });
        let map = vec(entry, 0..3).prop_map(|values| Any::KvlistValue(KeyValueList { values }));
        prop_oneof![list, map].prop_map(wrapped)
    })
}

fn attributes() -> impl Strategy<Value = Vec<KeyValue>> {
    let one = (word(), option::of(value()), prop_oneof![9 => Just(0), 1 => any::<i32>()]);
    vec(one.prop_map(|(key, value, key_strindex)| KeyValue { key, value, key_strindex }), 0..4)
}

fn time() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0), Just(TIME), any::<u64>()]
}

fn number() -> impl Strategy<Value = NumberDataPoint> {
    let value = prop_oneof![
        any::<i64>().prop_map(number_data_point::Value::AsInt),
        any::<f64>().prop_map(number_data_point::Value::AsDouble),
    ];
    (attributes(), time(), time(), any::<u32>(), option::of(value)).prop_map(
        |(attributes, start_time_unix_nano, time_unix_nano, flags, value)| NumberDataPoint {
            attributes,
            start_time_unix_nano,
            time_unix_nano,
            flags,
            value,
            ..NumberDataPoint::default()
        },
    )
}

fn histogram() -> impl Strategy<Value = HistogramDataPoint> {
    (attributes(), time(), vec(any::<u64>(), 0..4), vec(any::<f64>(), 0..4), option::of(any::<f64>()))
        .prop_map(|(attributes, time_unix_nano, bucket_counts, explicit_bounds, sum)| HistogramDataPoint {
            attributes,
            time_unix_nano,
            bucket_counts,
            explicit_bounds,
            sum,
            ..HistogramDataPoint::default()
        })
}

fn exponential() -> impl Strategy<Value = ExponentialHistogramDataPoint> {
    let buckets = (any::<i32>(), vec(any::<u64>(), 0..4));
    let buckets = option::of(buckets.prop_map(|(offset, bucket_counts)| Buckets { offset, bucket_counts }));
    (attributes(), time(), any::<i32>(), buckets).prop_map(|(attributes, time_unix_nano, scale, positive)| {
        ExponentialHistogramDataPoint {
            attributes,
            time_unix_nano,
            scale,
            positive,
            ..ExponentialHistogramDataPoint::default()
        }
    })
}

fn summary() -> impl Strategy<Value = SummaryDataPoint> {
    let pair = any::<(f64, f64)>().prop_map(|(quantile, value)| ValueAtQuantile { quantile, value });
    (attributes(), time(), vec(pair, 0..3)).prop_map(|(attributes, time_unix_nano, quantile_values)| {
        SummaryDataPoint { attributes, time_unix_nano, quantile_values, ..SummaryDataPoint::default() }
    })
}

fn data() -> impl Strategy<Value = Data> {
    let temporality = -1..4;
    prop_oneof![
        vec(number(), 0..4).prop_map(|data_points| Data::Gauge(Gauge { data_points })),
        (vec(number(), 0..4), temporality.clone(), any::<bool>()).prop_map(
            |(data_points, aggregation_temporality, is_monotonic)| {
                Data::Sum(Sum { data_points, aggregation_temporality, is_monotonic })
            }
        ),
        (vec(histogram(), 0..4), temporality.clone()).prop_map(|(data_points, aggregation_temporality)| {
            Data::Histogram(Histogram { data_points, aggregation_temporality })
        }),
        (vec(exponential(), 0..4), temporality).prop_map(|(data_points, aggregation_temporality)| {
            Data::ExponentialHistogram(ExponentialHistogram { data_points, aggregation_temporality })
        }),
        vec(summary(), 0..4).prop_map(|data_points| Data::Summary(Summary { data_points })),
    ]
}

fn message() -> impl Strategy<Value = ExportMetricsServiceRequest> {
    let metric = (word(), word(), option::of(data())).prop_map(|(name, unit, data)| Metric {
        name,
        unit,
        data,
        ..Metric::default()
    });
    let scope = (word(), attributes()).prop_map(|(name, attributes)| InstrumentationScope {
        name,
        attributes,
        ..InstrumentationScope::default()
    });
    let scopes = (option::of(scope), vec(metric, 0..4), word())
        .prop_map(|(scope, metrics, schema_url)| ScopeMetrics { scope, metrics, schema_url });
    let resource = attributes().prop_map(|attributes| Resource { attributes, ..Resource::default() });
    let resources = (option::of(resource), vec(scopes, 0..3), word()).prop_map(
        |(resource, scope_metrics, schema_url)| ResourceMetrics { resource, scope_metrics, schema_url },
    );
    vec(resources, 0..3).prop_map(|resource_metrics| ExportMetricsServiceRequest { resource_metrics })
}

/// How many points the message holds, counted another way than the walk does.
fn points(message: &ExportMetricsServiceRequest) -> u64 {
    let mut count = 0;
    for resource in &message.resource_metrics {
        for scope in &resource.scope_metrics {
            for metric in &scope.metrics {
                count += match &metric.data {
                    None => 0,
                    Some(Data::Gauge(data)) => data.data_points.len(),
                    Some(Data::Sum(data)) => data.data_points.len(),
                    Some(Data::Histogram(data)) => data.data_points.len(),
                    Some(Data::ExponentialHistogram(data)) => data.data_points.len(),
                    Some(Data::Summary(data)) => data.data_points.len(),
                };
            }
        }
    }
    count as u64
}

/// The names of the taken points' series in the order of their kinds.
fn ids(decoded: &Decoded) -> Vec<SeriesId> {
    let mut ids = Vec::new();
    for batch in &decoded.batches {
        batch.clone().for_each_series(|id| ids.push(*id));
    }
    ids
}

proptest! {
    #[test]
    fn every_point_is_taken_or_refused_and_resolves_alike_again(message in message(), cap in 1_usize..40) {
        let door = door(cap);
        let first = resolve(&message, &door, None);
        let taken: u64 = first.batches.iter().map(weir_core::Batch::points).sum();
        prop_assert_eq!(first.points, points(&message));
        prop_assert_eq!(first.points, taken + first.refused.points());
        let ids_of_first = ids(&first);
        for id in &ids_of_first {
            let _ = series(&door, *id);
        }
        let streams = door.interner().stats().streams;
        let again = resolve(&message, &door, None);
        prop_assert_eq!(ids(&again), ids_of_first, "a message means the same when it comes again");
        prop_assert_eq!(door.interner().stats().streams, streams);
    }

    #[test]
    fn broken_bytes_are_refused_or_decoded_and_never_panic(
        message in message(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = message.encode_to_vec();
        if !bytes.is_empty() {
            let at = at.index(bytes.len());
            bytes[at] = byte;
            bytes.truncate(cut.index(bytes.len()) + 1);
        }
        if let Ok(decoded) = resolve_bytes(&bytes, &door(20), None) {
            let taken: u64 = decoded.batches.iter().map(weir_core::Batch::points).sum();
            prop_assert_eq!(decoded.points, taken + decoded.refused.points());
        }
    }
}
