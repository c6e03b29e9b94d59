//! OTLP requests, encoded once.
//!
//! A [`Sender`] is one application with series of its own. Its message is encoded by prost before anything is measured, with
//! marks where a round differs from the one before: the time and the value of each point, which OTLP encodes as eight
//! bytes of fixed width. A round writes these in place.

use opentelemetry_proto::tonic::{
    collector::metrics::v1::ExportMetricsServiceRequest,
    common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value},
    metrics::v1::{
        AggregationTemporality, ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram,
        HistogramDataPoint, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, Summary,
        SummaryDataPoint, exponential_histogram_data_point::Buckets, metric::Data, number_data_point::Value,
        summary_data_point::ValueAtQuantile,
    },
    resource::v1::Resource,
};
use prost::Message as _;

#[cfg(test)]
mod tests;

/// Stands for a point's time until a round writes it.
const TIME: u64 = 0x5EED_0000_7131_E5ED;
/// Stands for a number's value. As a double it is finite, so that both number types can carry it.
const VALUE: u64 = 0x3EED_0000_0A1E_E5ED;
/// Orders in which a shuffled sender has its points, in turn.
const ORDERS: usize = 4;

/// What points are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Cumulative counters, as SDKs send them unless told otherwise.
    Counter,
    /// Counters that send increments.
    DeltaCounter,
    /// Gauges of floating point.
    Gauge,
    /// Explicit histograms of increments, with the SDKs' 15 default bounds.
    Histogram,
    /// Exponential histograms of increments, with 20 buckets.
    ExponentialHistogram,
    /// Summaries with three quantiles.
    Summary,
}

/// In which order a request has its points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The same in each round.
    Stable,
    /// Another in each round.
    Shuffled,
}

/// What the requests of a load look like.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// What the points are.
    pub kind: Kind,
    /// Points of a request: each is of another series.
    pub points: usize,
    /// Points of a metric.
    pub points_per_metric: usize,
    /// Their order.
    pub order: Order,
}

impl Shape {
    /// A thousand cumulative counters, ten to a metric, in the same order each time.
    pub const USUAL: Self =
        Self { kind: Kind::Counter, points: 1000, points_per_metric: 10, order: Order::Stable };
}

/// What a message holds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Amount {
    /// Points.
    pub points: u64,
    /// What the destination must have added up for them: increments of counters, values of gauges, sums of histograms.
    /// Exact: all of it is multiples of a quarter.
    pub sum: f64,
}

impl std::ops::AddAssign for Amount {
    fn add_assign(&mut self, other: Self) {
        self.points += other.points;
        self.sum += other.sum;
    }
}

/// Where a point's changing bytes are.
#[derive(Clone, Copy, Debug)]
struct Place {
    /// Which of the sender's series it is of.
    series: usize,
    time: usize,
    /// Only numbers change.
    value: Option<usize>,
}

/// The message in one order of its points.
#[derive(Clone, Debug)]
struct Encoded {
    bytes: Vec<u8>,
    places: Vec<Place>,
}

/// One application, and its message.
#[derive(Clone, Debug)]
pub struct Sender {
    kind: Kind,
    number: usize,
    round: usize,
    orders: Vec<Encoded>,
    /// What each counter stands at.
    totals: Vec<u64>,
}

impl Sender {
    /// The `number`th sender of a load, whose counters began at `start`.
    pub fn new(shape: Shape, number: usize, start: u64) -> Self {
        Self::with_series(shape, number, 0, start)
    }

    /// The same, with other series: their numbers begin with `first`, a multiple of the points of a metric.
    pub fn with_series(shape: Shape, number: usize, first: usize, start: u64) -> Self {
        let orders = match shape.order {
            Order::Stable => 1,
            Order::Shuffled => ORDERS,
        };
        let orders = (0..orders).map(|order| encoded(shape, number, first, start, order)).collect();
        Self { kind: shape.kind, number, round: 0, orders, totals: vec![0; shape.points] }
    }

    /// The next round's message, whose points are of `time`.
    pub fn next(&mut self, time: u64) -> (&[u8], Amount) {
        let at = self.round % self.orders.len();
        let Encoded { bytes, places } = &mut self.orders[at];
        let mut amount = Amount { points: places.len() as u64, sum: 0.0 };
        for place in &*places {
            write(bytes, place.time, time);
            let step = step(self.number, place.series, self.round);
            let sum = match (self.kind, place.value) {
                (Kind::Counter, Some(value)) => {
                    self.totals[place.series] += step;
                    write(bytes, value, self.totals[place.series]);
                    step as f64
                }
                (Kind::DeltaCounter, Some(value)) => {
                    write(bytes, value, step);
                    step as f64
                }
                (Kind::Gauge, Some(value)) => {
                    let level = step as f64 / 4.0;
                    write(bytes, value, level.to_bits());
                    level
                }
                (Kind::Histogram, _) => HISTOGRAM_SUM,
                (Kind::ExponentialHistogram, _) => EXPONENTIAL_SUM,
                // The destination has a metric a quantile, and no sum of the samples.
                _ => 0.0,
            };
            amount.sum += sum;
        }
        self.round += 1;
        (bytes, amount)
    }
}

fn write(bytes: &mut [u8], at: usize, value: u64) {
    bytes[at..at + 8].copy_from_slice(&value.to_le_bytes());
}

/// What a series grows by in a round: at most 41 values, which differ from series to series and round to round.
fn step(sender: usize, series: usize, round: usize) -> u64 {
    1 + ((sender * 13 + series * 7 + round * 11) % 41) as u64
}

fn encoded(shape: Shape, number: usize, first: usize, start: u64, order: usize) -> Encoded {
    let metrics = ordered(shape, order);
    let named = |series: &Vec<usize>| series.iter().map(|series| first + series).collect();
    let bytes = request(shape, number, start, &metrics.iter().map(named).collect::<Vec<_>>()).encode_to_vec();
    let times = marks(&bytes, TIME);
    let values = marks(&bytes, VALUE);
    let has_value = matches!(shape.kind, Kind::Counter | Kind::DeltaCounter | Kind::Gauge);
    let expected = (shape.points, if has_value { shape.points } else { 0 });
    assert_eq!((times.len(), values.len()), expected, "a mark where none was set");
    let place =
        |(at, series): (usize, usize)| Place { series, time: times[at], value: values.get(at).copied() };
    let places = metrics.into_iter().flatten().enumerate().map(place).collect();
    Encoded { bytes, places }
}

/// The series of each metric, in the `order`th order: the first is their own; in others metrics are shuffled, and the
/// series of each.
fn ordered(shape: Shape, order: usize) -> Vec<Vec<usize>> {
    let series: Vec<usize> = (0..shape.points).collect();
    let mut metrics: Vec<Vec<usize>> =
        series.chunks(shape.points_per_metric).map(<[usize]>::to_vec).collect();
    if order > 0 {
        // A linear congruential generator: the same orders in each run.
        let mut state = order as u64;
        metrics.iter_mut().for_each(|series| shuffle(series, &mut state));
        shuffle(&mut metrics, &mut state);
    }
    metrics
}

/// As Fisher and Yates do it.
fn shuffle<T>(items: &mut [T], state: &mut u64) {
    for last in (1..items.len()).rev() {
        *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        items.swap(last, (*state >> 33) as usize % (last + 1));
    }
}

/// Where the bytes of a mark are.
fn marks(bytes: &[u8], mark: u64) -> Vec<usize> {
    let mark = mark.to_le_bytes();
    bytes.windows(8).enumerate().filter(|(_, eight)| *eight == mark).map(|(at, _)| at).collect()
}

fn request(shape: Shape, number: usize, start: u64, metrics: &[Vec<usize>]) -> ExportMetricsServiceRequest {
    let metrics = metrics
        .iter()
        .map(|series| Metric {
            name: format!(
                "http.server.request.{}",
                series.iter().min().unwrap_or(&0) / shape.points_per_metric
            ),
            description: "Requests that the server has answered.".to_owned(),
            unit: "{request}".to_owned(),
            data: Some(data(shape.kind, start, series)),
            ..Metric::default()
        })
        .collect();
    let scope = InstrumentationScope {
        name: "io.opentelemetry.http".to_owned(),
        version: "2.1.0".to_owned(),
        ..InstrumentationScope::default()
    };
    let resource = Resource {
        attributes: vec![
            text("service.name", format!("shop-{}", number % 7)),
            text("service.namespace", "retail".to_owned()),
            text("service.instance.id", format!("shop-7d4b9c-{number:06}")),
            text("k8s.pod.name", format!("shop-7d4b9c-{number:06}-x2x9z")),
            text("deployment.environment.name", "production".to_owned()),
        ],
        ..Resource::default()
    };
    let scope_metrics = vec![ScopeMetrics { scope: Some(scope), metrics, ..ScopeMetrics::default() }];
    ExportMetricsServiceRequest {
        resource_metrics: vec![ResourceMetrics {
            resource: Some(resource),
            scope_metrics,
            ..ResourceMetrics::default()
        }],
    }
}

/// The sum of a histogram's point.
const HISTOGRAM_SUM: f64 = 1234.5;
/// The sum of an exponential histogram's point.
const EXPONENTIAL_SUM: f64 = 2345.25;
/// The explicit bounds that the specification gives SDKs by default.
const BOUNDS: [f64; 15] =
    [0.0, 5.0, 10.0, 25.0, 50.0, 75.0, 100.0, 250.0, 500.0, 750.0, 1000.0, 2500.0, 5000.0, 7500.0, 10000.0];

fn data(kind: Kind, start: u64, series: &[usize]) -> Data {
    let delta = AggregationTemporality::Delta.into();
    let number = |value: Value| {
        let point = move |series: &usize| NumberDataPoint {
            attributes: attributes(*series),
            start_time_unix_nano: start,
            time_unix_nano: TIME,
            value: Some(value),
            ..NumberDataPoint::default()
        };
        series.iter().map(point).collect::<Vec<_>>()
    };
    let integer = Value::AsInt(VALUE.cast_signed());
    match kind {
        Kind::Counter | Kind::DeltaCounter => Data::Sum(Sum {
            data_points: number(integer),
            aggregation_temporality: match kind {
                Kind::Counter => AggregationTemporality::Cumulative.into(),
                _ => delta,
            },
            is_monotonic: true,
        }),
        Kind::Gauge => Data::Gauge(Gauge { data_points: number(Value::AsDouble(f64::from_bits(VALUE))) }),
        Kind::Histogram => Data::Histogram(Histogram {
            data_points: series.iter().map(|series| histogram(*series, start)).collect(),
            aggregation_temporality: delta,
        }),
        Kind::ExponentialHistogram => Data::ExponentialHistogram(ExponentialHistogram {
            data_points: series.iter().map(|series| exponential(*series, start)).collect(),
            aggregation_temporality: delta,
        }),
        Kind::Summary => Data::Summary(Summary {
            data_points: series.iter().map(|series| summary(*series, start)).collect(),
        }),
    }
}

fn histogram(series: usize, start: u64) -> HistogramDataPoint {
    HistogramDataPoint {
        attributes: attributes(series),
        start_time_unix_nano: start,
        time_unix_nano: TIME,
        count: 15,
        sum: Some(HISTOGRAM_SUM),
        bucket_counts: vec![0, 1, 2, 3, 3, 2, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0],
        explicit_bounds: BOUNDS.to_vec(),
        min: Some(2.5),
        max: Some(620.0),
        ..HistogramDataPoint::default()
    }
}

fn exponential(series: usize, start: u64) -> ExponentialHistogramDataPoint {
    ExponentialHistogramDataPoint {
        attributes: attributes(series),
        start_time_unix_nano: start,
        time_unix_nano: TIME,
        count: 40,
        sum: Some(EXPONENTIAL_SUM),
        scale: 3,
        positive: Some(Buckets { offset: 32, bucket_counts: vec![2; 20] }),
        min: Some(17.0),
        max: Some(90.0),
        ..ExponentialHistogramDataPoint::default()
    }
}

fn summary(series: usize, start: u64) -> SummaryDataPoint {
    let at = |quantile, value| ValueAtQuantile { quantile, value };
    SummaryDataPoint {
        attributes: attributes(series),
        start_time_unix_nano: start,
        time_unix_nano: TIME,
        count: 15,
        sum: HISTOGRAM_SUM,
        quantile_values: vec![at(0.5, 70.0), at(0.9, 400.0), at(0.99, 620.0)],
        ..SummaryDataPoint::default()
    }
}

fn attributes(series: usize) -> Vec<KeyValue> {
    const METHODS: [&str; 4] = ["GET", "PUT", "POST", "DELETE"];
    vec![
        text("http.request.method", METHODS[series % 4].to_owned()),
        text("http.route", format!("/api/v1/orders/{series}")),
        integer("http.response.status_code", [200, 204, 404, 503][series / 4 % 4]),
        text("server.address", "shop.example.com".to_owned()),
        text("network.protocol.version", "1.1".to_owned()),
    ]
}

fn text(key: &str, value: String) -> KeyValue {
    key_value(key, any_value::Value::StringValue(value))
}

fn integer(key: &str, value: i64) -> KeyValue {
    key_value(key, any_value::Value::IntValue(value))
}

fn key_value(key: &str, value: any_value::Value) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}
