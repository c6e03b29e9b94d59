//! What it costs to resolve a request from its bytes: points of known series in the order of the last request, shuffled, and
//! of new series; by the walk, by prost's tree (as a request in a rare encoding goes), and prost's tree alone.
//!
//! Requests have 1000 points with 5 + 5 attributes. A thousand series are one sender's; a hundred thousand are a hundred
//! senders', in turn. `allocations` beside each is of one request, and of its points by division.

#![allow(missing_docs, reason = "criterion's macros")]
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark")]

use std::{hint::black_box, sync::Arc};

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use opentelemetry_proto::tonic::{
    collector::metrics::v1::ExportMetricsServiceRequest,
    common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value::Value},
    metrics::v1::{
        ExponentialHistogram, ExponentialHistogramDataPoint, Histogram, HistogramDataPoint, Metric,
        NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, exponential_histogram_data_point::Buckets,
        metric::Data, number_data_point,
    },
    resource::v1::Resource,
};
use prost::Message as _;
use weir_core::{Clock, Door, Doors, Interner};
use weir_counting_alloc::{Counting, allocations};
use weir_receivers::otlp::resolve_bytes;

#[global_allocator]
static ALLOCATOR: Counting<mimalloc::MiMalloc> = Counting(mimalloc::MiMalloc);

const POINTS: usize = 1000;
const SENDERS: usize = 100;
const START: u64 = 1_800_000_000_000_000_000;
const TIME: u64 = 1_800_000_060_000_000_000;
const DELTA: i32 = 1;

fn attribute(key: &str, value: String) -> KeyValue {
    let value = Some(AnyValue { value: Some(Value::StringValue(value)) });
    KeyValue { key: key.to_owned(), value, ..KeyValue::default() }
}

/// The attributes of the point `at` of a metric.
fn attributes(at: usize) -> Vec<KeyValue> {
    vec![
        attribute("http.request.method", "GET".to_owned()),
        attribute("http.route", format!("/orders/{at}")),
        attribute("http.response.status_code", "200".to_owned()),
        attribute("server.address", "orders.internal".to_owned()),
        attribute("shard", format!("shard-{at}")),
    ]
}

fn sum(points: usize) -> Data {
    let point = |at: usize| NumberDataPoint {
        attributes: attributes(at),
        start_time_unix_nano: START,
        time_unix_nano: TIME,
        value: Some(number_data_point::Value::AsInt(at as i64)),
        ..NumberDataPoint::default()
    };
    Data::Sum(Sum {
        data_points: (0..points).map(point).collect(),
        aggregation_temporality: DELTA,
        is_monotonic: true,
    })
}

/// Makes the data of a metric, with as many points.
type Points = fn(usize) -> Data;

/// Fifteen bounds, as SDKs have by default.
fn histogram(points: usize) -> Data {
    let point = |at: usize| HistogramDataPoint {
        attributes: attributes(at),
        start_time_unix_nano: START,
        time_unix_nano: TIME,
        count: 120,
        sum: Some(1234.5),
        bucket_counts: (0..16).collect(),
        explicit_bounds: (0..15).map(|bound| f64::from(bound) * 10.0).collect(),
        min: Some(0.5),
        max: Some(99.0),
        ..HistogramDataPoint::default()
    };
    let data_points = (0..points).map(point).collect();
    Data::Histogram(Histogram { data_points, aggregation_temporality: DELTA })
}

/// Forty buckets of counts up to some thousands.
fn exponential(points: usize) -> Data {
    let point = |at: usize| ExponentialHistogramDataPoint {
        attributes: attributes(at),
        start_time_unix_nano: START,
        time_unix_nano: TIME,
        count: 31_200,
        sum: Some(1234.5),
        scale: 4,
        positive: Some(Buckets { offset: -7, bucket_counts: (0..40).map(|count| count * 40).collect() }),
        min: Some(0.5),
        max: Some(99.0),
        ..ExponentialHistogramDataPoint::default()
    };
    let data_points = (0..points).map(point).collect();
    Data::ExponentialHistogram(ExponentialHistogram { data_points, aggregation_temporality: DELTA })
}

/// A request of 1000 points. No other `sender` has its series.
fn request(sender: usize, per_metric: usize, data: Points) -> ExportMetricsServiceRequest {
    let metric = |at: usize| Metric {
        name: format!("http.server.requests.{at}"),
        description: "Requests that the server has answered.".to_owned(),
        unit: "{request}".to_owned(),
        data: Some(data(per_metric)),
        ..Metric::default()
    };
    let scope = InstrumentationScope {
        name: "io.opentelemetry.http".to_owned(),
        version: "2.1.0".to_owned(),
        ..InstrumentationScope::default()
    };
    let resource = ["service.name", "service.version", "k8s.node.name", "cloud.region"];
    let mut attributes = resource.map(|key| attribute(key, format!("value of {key}"))).to_vec();
    attributes.push(attribute("k8s.pod.name", format!("orders-{sender}")));
    ExportMetricsServiceRequest {
        resource_metrics: vec![ResourceMetrics {
            resource: Some(Resource { attributes, ..Resource::default() }),
            scope_metrics: vec![ScopeMetrics {
                scope: Some(scope),
                metrics: (0..POINTS / per_metric).map(metric).collect(),
                schema_url: String::new(),
            }],
            schema_url: String::new(),
        }],
    }
}

/// Metrics, and the points in them, in an order that chance gives.
fn shuffle(request: &mut ExportMetricsServiceRequest, seed: u64) {
    let mut chance = Chance(seed);
    for metrics in request.resource_metrics.iter_mut().flat_map(|resource| &mut resource.scope_metrics) {
        for metric in &mut metrics.metrics {
            if let Some(Data::Sum(sum)) = &mut metric.data {
                chance.shuffle(&mut sum.data_points);
            }
        }
        chance.shuffle(&mut metrics.metrics);
    }
}

/// A linear congruential generator.
struct Chance(u64);

impl Chance {
    fn shuffle<T>(&mut self, list: &mut [T]) {
        for at in (1..list.len()).rev() {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            list.swap(at, (self.0 >> 33) as usize % (at + 1));
        }
    }
}

fn door() -> Arc<Door> {
    let interner = Arc::new(Interner::new(10_000_000));
    Doors::new(interner, Clock::system()).open("otlp")
}

/// Resolves `bodies` in turn, each with known series.
fn known(criterion: &mut Criterion, name: &str, bodies: &[Vec<u8>]) {
    let door = door();
    for _ in 0..2 {
        bodies.iter().for_each(|body| drop(resolve_bytes(body, &door, None).unwrap()));
    }
    let (count, _) = allocations(|| resolve_bytes(&bodies[0], &door, None).unwrap());
    println!("{name}: {count} allocations a request of {POINTS} points");
    let mut group = criterion.benchmark_group("otlp");
    group.throughput(Throughput::Elements(POINTS as u64));
    let mut turn = (0..bodies.len()).cycle();
    group.bench_function(name, |bencher| {
        bencher.iter(|| {
            let body = &bodies[turn.next().unwrap_or(0)];
            resolve_bytes(black_box(body), &door, None).unwrap()
        });
    });
    group.finish();
}

/// prost's part alone: the tree is built and dropped.
fn tree(criterion: &mut Criterion, name: &str, body: &[u8]) {
    let decode = || ExportMetricsServiceRequest::decode(black_box(body)).unwrap();
    println!("{name}: {} allocations a request of {POINTS} points", allocations(decode).0);
    let mut group = criterion.benchmark_group("otlp");
    group.throughput(Throughput::Elements(POINTS as u64));
    group.bench_function(name, |bencher| bencher.iter(decode));
    group.finish();
}

fn otlp(criterion: &mut Criterion) {
    let body = |sender, per_metric, data| request(sender, per_metric, data).encode_to_vec();
    let kinds = ["sums", "histograms", "exponential histograms"];
    for (kind, data) in kinds.into_iter().zip([sum as Points, histogram, exponential]) {
        known(criterion, &format!("walk, 1k {kind}, 10 a metric"), &[body(0, 10, data)]);
        tree(criterion, &format!("prost alone, 1k {kind}, 10 a metric"), &body(0, 10, data));
    }
    known(criterion, "walk, 1k sums, 1 a metric", &[body(0, 1, sum)]);
    tree(criterion, "prost alone, 1k sums, 1 a metric", &body(0, 1, sum));
    // A group in a field that nobody knows: legal, and so rare that prost reads it.
    let mut rare = body(0, 10, sum);
    rare.extend([0x9b, 0x06, 0x9c, 0x06]);
    known(criterion, "by prost, 1k sums, 10 a metric", &[rare]);
    for per_metric in [10, 1] {
        let stable: Vec<_> = (0..SENDERS).map(|sender| body(sender, per_metric, sum)).collect();
        known(criterion, &format!("walk, 100k sums, {per_metric} a metric"), &stable);
    }
    for (name, senders) in [("1k", 1), ("100k", SENDERS)] {
        let shuffled = |at: usize| {
            let mut request = request(at % senders, 10, sum);
            shuffle(&mut request, at as u64);
            request.encode_to_vec()
        };
        let bodies: Vec<_> = (0..4 * senders.max(10)).map(shuffled).collect();
        known(criterion, &format!("walk, {name} sums shuffled, 10 a metric"), &bodies);
    }
    let mut group = criterion.benchmark_group("otlp");
    group.throughput(Throughput::Elements(POINTS as u64));
    let (cold, mut sender) = (door(), 0);
    group.bench_function("walk, new series", |bencher| {
        let fresh = || {
            sender += 1;
            body(sender, 10, sum)
        };
        bencher.iter_batched_ref(fresh, |body| resolve_bytes(body, &cold, None), BatchSize::SmallInput);
    });
    group.finish();
}

criterion_group!(benches, otlp);
criterion_main!(benches);
