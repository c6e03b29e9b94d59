//! What it costs to resolve a decoded request of 1000 points with 5 + 5 attributes: points of known series in the order of
//! the last request, in another order, and of new series; and with prost's decoding before it. A thousand series, except
//! where each request brings new ones.

#![allow(missing_docs, reason = "criterion's macros")]
#![allow(clippy::unwrap_used, reason = "a benchmark")]

use std::{hint::black_box, sync::Arc};

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use opentelemetry_proto::tonic::{
    collector::metrics::v1::ExportMetricsServiceRequest,
    common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value::Value},
    metrics::v1::{
        Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, metric::Data, number_data_point,
    },
    resource::v1::Resource,
};
use prost::Message as _;
use weir_core::{Clock, Door, Doors, Interner};
use weir_receivers::otlp::{resolve, resolve_bytes};

const METRICS: usize = 100;
const POINTS_PER_METRIC: usize = 10;
const POINTS: usize = METRICS * POINTS_PER_METRIC;

fn attribute(key: &str, value: String) -> KeyValue {
    let value = Some(AnyValue { value: Some(Value::StringValue(value)) });
    KeyValue { key: key.to_owned(), value, ..KeyValue::default() }
}

/// A request whose series no other `epoch` has.
fn request(epoch: usize) -> ExportMetricsServiceRequest {
    let point = |at: usize| NumberDataPoint {
        attributes: vec![
            attribute("http.request.method", "GET".to_owned()),
            attribute("http.route", format!("/orders/{at}")),
            attribute("http.response.status_code", "200".to_owned()),
            attribute("server.address", "orders.internal".to_owned()),
            attribute("shard", format!("{epoch}-{at}")),
        ],
        start_time_unix_nano: 1_800_000_000_000_000_000,
        time_unix_nano: 1_800_000_060_000_000_000,
        value: Some(number_data_point::Value::AsInt(at as i64)),
        ..NumberDataPoint::default()
    };
    let metric = |at: usize| Metric {
        name: format!("http.server.requests.{at}"),
        unit: "{request}".to_owned(),
        data: Some(Data::Sum(Sum {
            data_points: (0..POINTS_PER_METRIC).map(point).collect(),
            aggregation_temporality: 1,
            is_monotonic: true,
        })),
        ..Metric::default()
    };
    let scope = InstrumentationScope {
        name: "io.opentelemetry.http".to_owned(),
        version: "2.1.0".to_owned(),
        ..InstrumentationScope::default()
    };
    let resource = ["service.name", "service.version", "k8s.pod.name", "k8s.node.name", "cloud.region"];
    let attributes = resource.map(|key| attribute(key, format!("value of {key}"))).to_vec();
    ExportMetricsServiceRequest {
        resource_metrics: vec![ResourceMetrics {
            resource: Some(Resource { attributes, ..Resource::default() }),
            scope_metrics: vec![ScopeMetrics {
                scope: Some(scope),
                metrics: (0..METRICS).map(metric).collect(),
                schema_url: String::new(),
            }],
            schema_url: String::new(),
        }],
    }
}

fn door() -> Arc<Door> {
    let interner = Arc::new(Interner::new(10_000_000));
    Doors::new(interner, Clock::system()).open("otlp")
}

fn otlp(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("otlp");
    group.throughput(Throughput::Elements(POINTS as u64));

    let known = request(0);
    let mut reversed = known.clone();
    reversed.resource_metrics[0].scope_metrics[0].metrics.reverse();
    let warm = door();
    resolve(&known, &warm, None);

    group.bench_function("resolve, known series", |bencher| {
        bencher.iter(|| resolve(black_box(&known), &warm, None));
    });
    group.bench_function("resolve, known series, another order each time", |bencher| {
        let mut turn = false;
        bencher.iter(|| {
            turn = !turn;
            resolve(black_box(if turn { &known } else { &reversed }), &warm, None)
        });
    });
    let body = known.encode_to_vec();
    group.bench_function("decode and resolve, known series", |bencher| {
        bencher.iter(|| resolve_bytes(black_box(&body), &warm, None).unwrap());
    });
    let cold = door();
    let mut epoch = 0;
    group.bench_function("resolve, new series", |bencher| {
        let fresh = || {
            epoch += 1;
            request(epoch)
        };
        bencher.iter_batched_ref(fresh, |request| resolve(request, &cold, None), BatchSize::SmallInput);
    });
    group.finish();
}

criterion_group!(benches, otlp);
criterion_main!(benches);
