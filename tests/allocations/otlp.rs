//! From the bytes of a request to the batch.

use opentelemetry_proto::tonic::{
    collector::metrics::v1::ExportMetricsServiceRequest,
    metrics::v1::{
        AggregationTemporality, Exemplar, ExponentialHistogram, ExponentialHistogramDataPoint, Gauge,
        Histogram, HistogramDataPoint, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Summary,
        SummaryDataPoint, exponential_histogram_data_point::Buckets, metric::Data, number_data_point,
        summary_data_point::ValueAtQuantile,
    },
};
use prost::Message as _;
use weir_counting_alloc::allocations;
use weir_receivers::otlp::resolve_bytes;
use weir_testkit::{Fixture, START, seconds};

use super::attribute;

/// Every kind of points, each with attributes and an exemplar where it may have one.
fn of_every_kind(points: usize) -> Vec<u8> {
    let attributes = |at: usize| vec![attribute("route", format!("/orders/{at}"))];
    let exemplars = || vec![Exemplar { filtered_attributes: attributes(1), ..Exemplar::default() }];
    let time_unix_nano = seconds(START).0;
    let number = |at| NumberDataPoint {
        attributes: attributes(at),
        time_unix_nano,
        exemplars: exemplars(),
        value: Some(number_data_point::Value::AsDouble(0.5)),
        ..NumberDataPoint::default()
    };
    let histogram = |at| HistogramDataPoint {
        attributes: attributes(at),
        time_unix_nano,
        exemplars: exemplars(),
        bucket_counts: vec![1, 2, 3],
        explicit_bounds: vec![0.5, 1.5],
        ..HistogramDataPoint::default()
    };
    let exponential = |at| ExponentialHistogramDataPoint {
        attributes: attributes(at),
        time_unix_nano,
        exemplars: exemplars(),
        positive: Some(Buckets { offset: 3, bucket_counts: vec![1, 2, 300] }),
        ..ExponentialHistogramDataPoint::default()
    };
    let summary = |at| SummaryDataPoint {
        attributes: attributes(at),
        time_unix_nano,
        quantile_values: vec![ValueAtQuantile { quantile: 0.5, value: 3.0 }],
        ..SummaryDataPoint::default()
    };
    let aggregation_temporality = AggregationTemporality::Delta as i32;
    let data = [
        Data::Gauge(Gauge { data_points: (0..points).map(number).collect() }),
        Data::Histogram(Histogram {
            data_points: (0..points).map(histogram).collect(),
            aggregation_temporality,
        }),
        Data::ExponentialHistogram(ExponentialHistogram {
            data_points: (0..points).map(exponential).collect(),
            aggregation_temporality,
        }),
        Data::Summary(Summary { data_points: (0..points).map(summary).collect() }),
    ];
    let metric = |data| Metric { name: "m".to_owned(), data: Some(data), ..Metric::default() };
    let scope = ScopeMetrics { metrics: data.map(metric).to_vec(), ..ScopeMetrics::default() };
    let resource = ResourceMetrics { scope_metrics: vec![scope], ..ResourceMetrics::default() };
    ExportMetricsServiceRequest { resource_metrics: vec![resource] }.encode_to_vec()
}

#[test]
fn a_known_point_of_any_kind_costs_no_allocation_of_its_own_from_its_bytes_to_the_batch() {
    let cost = |points: usize| {
        let door = Fixture::new().doors.open("otlp");
        let bytes = of_every_kind(points);
        for _ in 0..2 {
            resolve_bytes(&bytes, &door, None).unwrap();
        }
        let (count, decoded) = allocations(|| resolve_bytes(&bytes, &door, None).unwrap());
        assert_eq!(decoded.points, 4 * points as u64);
        assert_eq!((decoded.refused.points(), decoded.exemplars), (0, 3 * points as u64));
        count
    };
    // The batch's lists and its two arenas double as they grow: seven times more to a hundred times as many.
    let (ten, thousand) = (cost(10), cost(1000));
    assert!(thousand - ten <= 6 * 7, "{ten} and {thousand}");
}
