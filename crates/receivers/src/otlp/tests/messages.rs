//! Arbitrary requests: few different texts, so that series meet again; every field set or not; every kind of value.

use opentelemetry_proto::tonic::{
    common::v1::{ArrayValue, EntityRef, KeyValueList, any_value::Value as Any},
    metrics::v1::{
        Exemplar, ExponentialHistogram, ExponentialHistogramDataPoint, Histogram, HistogramDataPoint,
        Summary, SummaryDataPoint, exemplar, exponential_histogram_data_point::Buckets,
        summary_data_point::ValueAtQuantile,
    },
};
use proptest::{collection::vec, option, prelude::*};

use super::*;

fn word() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), "[ab]{1,2}", ".{0,3}"]
}

fn value() -> impl Strategy<Value = AnyValue> {
    let leaf = prop_oneof![
        4 => word().prop_map(Any::StringValue),
        1 => any::<bool>().prop_map(Any::BoolValue),
        1 => any::<i64>().prop_map(Any::IntValue),
        1 => any::<f64>().prop_map(Any::DoubleValue),
        1 => vec(any::<u8>(), 0..3).prop_map(Any::BytesValue),
        1 => (0..2).prop_map(Any::StringValueStrindex),
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
    let one = (word(), option::of(value()), prop_oneof![19 => Just(0), 1 => any::<i32>()]);
    vec(one.prop_map(|(key, value, key_strindex)| KeyValue { key, value, key_strindex }), 0..4)
}

fn time() -> impl Strategy<Value = u64> {
    prop_oneof![1 => Just(0), 4 => Just(TIME), 1 => any::<u64>()]
}

fn exemplars() -> impl Strategy<Value = Vec<Exemplar>> {
    let value = prop_oneof![
        any::<f64>().prop_map(exemplar::Value::AsDouble),
        any::<i64>().prop_map(exemplar::Value::AsInt),
    ];
    let one = (attributes(), time(), vec(any::<u8>(), 0..3), option::of(value));
    let one = one.prop_map(|(filtered_attributes, time_unix_nano, id, value)| Exemplar {
        filtered_attributes,
        time_unix_nano,
        span_id: id.clone(),
        trace_id: id,
        value,
    });
    prop_oneof![4 => Just(vec![]), 1 => vec(one, 1..3)]
}

prop_compose! {
    fn number()(
        attributes in attributes(),
        start_time_unix_nano in time(),
        time_unix_nano in time(),
        flags in 0..4_u32,
        exemplars in exemplars(),
        value in option::of(prop_oneof![
            any::<i64>().prop_map(number_data_point::Value::AsInt),
            any::<f64>().prop_map(number_data_point::Value::AsDouble),
        ]),
    ) -> NumberDataPoint {
        NumberDataPoint { attributes, start_time_unix_nano, time_unix_nano, exemplars, flags, value }
    }
}

prop_compose! {
    fn histogram()(
        attributes in attributes(),
        time_unix_nano in time(),
        (count, flags) in (any::<u64>(), 0..4_u32),
        (sum, min, max) in (option::of(any::<f64>()), option::of(any::<f64>()), option::of(any::<f64>())),
        bucket_counts in vec(any::<u64>(), 0..4),
        explicit_bounds in prop_oneof![
            vec(any::<f64>(), 0..3),
            (0..3_u8).prop_map(|bounds| (0..bounds).map(f64::from).collect()),
        ],
        exemplars in exemplars(),
    ) -> HistogramDataPoint {
        let start_time_unix_nano = START;
        HistogramDataPoint {
            attributes, start_time_unix_nano, time_unix_nano, count, sum, bucket_counts, explicit_bounds,
            exemplars, flags, min, max,
        }
    }
}

fn buckets() -> impl Strategy<Value = Option<Buckets>> {
    let counts = vec(prop_oneof![0..300_u64, any::<u64>()], 0..4);
    let offset = prop_oneof![-9..9, any::<i32>()];
    option::of((offset, counts).prop_map(|(offset, bucket_counts)| Buckets { offset, bucket_counts }))
}

prop_compose! {
    fn exponential()(
        attributes in attributes(),
        time_unix_nano in time(),
        (count, zero_count, flags) in (any::<u64>(), any::<u64>(), 0..4_u32),
        (sum, min, max) in (option::of(any::<f64>()), option::of(any::<f64>()), option::of(any::<f64>())),
        (scale, zero_threshold) in (any::<i32>(), any::<f64>()),
        (positive, negative) in (buckets(), buckets()),
        exemplars in exemplars(),
    ) -> ExponentialHistogramDataPoint {
        let start_time_unix_nano = START;
        ExponentialHistogramDataPoint {
            attributes, start_time_unix_nano, time_unix_nano, count, sum, scale, zero_count, positive,
            negative, flags, exemplars, min, max, zero_threshold,
        }
    }
}

prop_compose! {
    fn summary()(
        attributes in attributes(),
        time_unix_nano in time(),
        (count, sum, flags) in (any::<u64>(), any::<f64>(), 0..4_u32),
        pairs in vec(any::<(f64, f64)>(), 0..3),
    ) -> SummaryDataPoint {
        let pair = |(quantile, value)| ValueAtQuantile { quantile, value };
        let quantile_values = pairs.into_iter().map(pair).collect();
        let start_time_unix_nano = START;
        SummaryDataPoint { attributes, start_time_unix_nano, time_unix_nano, count, sum, quantile_values, flags }
    }
}

fn data() -> impl Strategy<Value = Data> {
    let temporality = || prop_oneof![8 => 1..3, 1 => -1..4];
    prop_oneof![
        vec(number(), 0..4).prop_map(|data_points| Data::Gauge(Gauge { data_points })),
        (vec(number(), 0..4), temporality(), any::<bool>()).prop_map(
            |(data_points, aggregation_temporality, is_monotonic)| {
                Data::Sum(Sum { data_points, aggregation_temporality, is_monotonic })
            }
        ),
        (vec(histogram(), 0..4), temporality()).prop_map(|(data_points, aggregation_temporality)| {
            Data::Histogram(Histogram { data_points, aggregation_temporality })
        }),
        (vec(exponential(), 0..4), temporality()).prop_map(|(data_points, aggregation_temporality)| {
            Data::ExponentialHistogram(ExponentialHistogram { data_points, aggregation_temporality })
        }),
        vec(summary(), 0..4).prop_map(|data_points| Data::Summary(Summary { data_points })),
    ]
}

prop_compose! {
    fn a_metric()(
        name in prop_oneof![4 => "[ab]{1,2}", 1 => word()],
        (description, unit) in (word(), word()),
        metadata in prop_oneof![4 => Just(vec![]), 1 => attributes()],
        data in option::weighted(0.9, data()),
    ) -> Metric {
        Metric { name, description, unit, metadata, data }
    }
}

prop_compose! {
    fn scope()(
        scope in option::of((word(), word(), attributes(), 0..3_u32)),
        metrics in vec(a_metric(), 0..4),
        schema_url in word(),
    ) -> ScopeMetrics {
        let scope = scope.map(|(name, version, attributes, dropped_attributes_count)| {
            InstrumentationScope { name, version, attributes, dropped_attributes_count }
        });
        ScopeMetrics { scope, metrics, schema_url }
    }
}

prop_compose! {
    fn resource()(
        resource in option::of((attributes(), 0..3_u32, option::of(word()))),
        scope_metrics in vec(scope(), 0..3),
        schema_url in word(),
    ) -> ResourceMetrics {
        let resource = resource.map(|(attributes, dropped_attributes_count, entity)| Resource {
            attributes,
            dropped_attributes_count,
            entity_refs: entity.into_iter().map(entity_called).collect(),
        });
        ResourceMetrics { resource, scope_metrics, schema_url }
    }
}

fn entity_called(r#type: String) -> EntityRef {
    EntityRef { schema_url: r#type.clone(), id_keys: vec![r#type.clone()], description_keys: vec![], r#type }
}

/// A request of up to some dozens of points.
pub(super) fn message() -> impl Strategy<Value = ExportMetricsServiceRequest> {
    vec(resource(), 0..3).prop_map(|resource_metrics| ExportMetricsServiceRequest { resource_metrics })
}
