//! Tests of `otlp`: each message is written here as a sender would, each expectation by hand.

mod bounded;
mod config;
mod connections;
mod guarded;
mod harness;
mod http;
mod json;
mod mapping;
mod messages;
mod oracle;
mod refusing;
mod rewriting;
mod serving;
mod standing;
mod walking;
mod writing;

use std::sync::Arc;

use opentelemetry_proto::tonic::{
    collector::metrics::v1::ExportMetricsServiceRequest,
    common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value},
    metrics::v1::{
        Gauge, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, metric::Data, number_data_point,
    },
    resource::v1::Resource,
};
use prost::Message as _;
use weir_core::{Clock, Door, Doors, Interner, Series, SeriesId, UnixNanos};

use super::{Decoded, Peer, resolve_bytes};

const START: u64 = 1_700_000_000_000_000_000;
const TIME: u64 = 1_700_000_060_000_000_000;
const DELTA: i32 = 1;
const CUMULATIVE: i32 = 2;

fn door(cap: usize) -> Arc<Door> {
    let clock = Clock::manual(UnixNanos(TIME));
    Doors::new(Arc::new(Interner::new(cap)), clock).open("otlp")
}

fn series(door: &Door, id: SeriesId) -> Arc<Series> {
    door.interner().resolve(id).expect("a resolvable id")
}

/// What `request` becomes as its bytes.
#[track_caller]
fn resolve(request: &ExportMetricsServiceRequest, door: &Door, peer: Option<&Peer>) -> Decoded {
    resolve_bytes(&request.encode_to_vec(), door, peer).expect("a well-formed request")
}

fn wrapped(value: any_value::Value) -> AnyValue {
    AnyValue { value: Some(value) }
}

fn attribute(key: &str, value: any_value::Value) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(wrapped(value)), ..KeyValue::default() }
}

fn text(key: &str, value: &str) -> KeyValue {
    attribute(key, any_value::Value::StringValue(value.to_owned()))
}

/// A point of one attribute.
fn int(shard: &str, value: i64) -> NumberDataPoint {
    NumberDataPoint {
        attributes: vec![text("shard", shard)],
        start_time_unix_nano: START,
        time_unix_nano: TIME,
        value: Some(number_data_point::Value::AsInt(value)),
        ..NumberDataPoint::default()
    }
}

fn metric(name: &str, data: Data) -> Metric {
    Metric { name: name.to_owned(), unit: "1".to_owned(), data: Some(data), ..Metric::default() }
}

fn gauge(name: &str, data_points: Vec<NumberDataPoint>) -> Metric {
    metric(name, Data::Gauge(Gauge { data_points }))
}

fn counter(name: &str, temporality: i32, data_points: Vec<NumberDataPoint>) -> Metric {
    let sum = Sum { data_points, aggregation_temporality: temporality, is_monotonic: true };
    metric(name, Data::Sum(sum))
}

fn from_service(service: &str, metrics: Vec<Metric>) -> ResourceMetrics {
    ResourceMetrics {
        resource: Some(Resource { attributes: vec![text("service.name", service)], ..Resource::default() }),
        scope_metrics: vec![ScopeMetrics {
            scope: Some(InstrumentationScope { name: "tests".to_owned(), ..InstrumentationScope::default() }),
            metrics,
            schema_url: String::new(),
        }],
        schema_url: String::new(),
    }
}

fn request(metrics: Vec<Metric>) -> ExportMetricsServiceRequest {
    ExportMetricsServiceRequest { resource_metrics: vec![from_service("orders", metrics)] }
}
