//! A sender of OTLP over gRPC that knows what it sent.

use std::net::SocketAddr;

use opentelemetry_proto::tonic::{
    collector::metrics::v1::{ExportMetricsServiceRequest, metrics_service_client::MetricsServiceClient},
    common::v1::{AnyValue, KeyValue, any_value},
    metrics::v1::{
        AggregationTemporality, Gauge, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, metric,
        number_data_point,
    },
};
use tonic::{
    Code, Status,
    transport::{Channel, Endpoint},
};

use super::{LIMIT, SECOND, within};

/// An increment of a counter.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Increment {
    /// Becomes the attribute `series`.
    pub(crate) series: u32,
    /// Nanoseconds since the epoch.
    pub(crate) time: u64,
    pub(crate) value: i64,
}

/// A request of delta increments of the counter `name`.
pub(crate) fn increments(
    name: &str,
    points: impl IntoIterator<Item = Increment>,
) -> ExportMetricsServiceRequest {
    let point = |Increment { series, time, value }| NumberDataPoint {
        attributes: vec![text("series", series.to_string())],
        start_time_unix_nano: time - SECOND,
        time_unix_nano: time,
        value: Some(number_data_point::Value::AsInt(value)),
        ..NumberDataPoint::default()
    };
    let sum = Sum {
        data_points: points.into_iter().map(point).collect(),
        aggregation_temporality: AggregationTemporality::Delta.into(),
        is_monotonic: true,
    };
    request(name, metric::Data::Sum(sum))
}

/// A request of readings of the gauge `name`, which has no attributes.
pub(crate) fn gauge(
    name: &str,
    readings: impl IntoIterator<Item = (u64, f64)>,
) -> ExportMetricsServiceRequest {
    let point = |(time, value)| NumberDataPoint {
        time_unix_nano: time,
        value: Some(number_data_point::Value::AsDouble(value)),
        ..NumberDataPoint::default()
    };
    request(name, metric::Data::Gauge(Gauge { data_points: readings.into_iter().map(point).collect() }))
}

/// A request of one metric.
pub(crate) fn request(name: &str, data: metric::Data) -> ExportMetricsServiceRequest {
    let metric = Metric { name: name.to_owned(), data: Some(data), ..Metric::default() };
    let scope = ScopeMetrics { metrics: vec![metric], ..ScopeMetrics::default() };
    let resource = ResourceMetrics { scope_metrics: vec![scope], ..ResourceMetrics::default() };
    ExportMetricsServiceRequest { resource_metrics: vec![resource] }
}

/// An attribute.
pub(crate) fn text(key: &str, value: String) -> KeyValue {
    let value = AnyValue { value: Some(any_value::Value::StringValue(value)) };
    KeyValue { key: key.to_owned(), value: Some(value), ..KeyValue::default() }
}

/// One connection.
#[derive(Clone)]
pub(crate) struct Sender(MetricsServiceClient<Channel>);

impl Sender {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap().timeout(LIMIT);
        let channel = within("a connection", endpoint.connect()).await.unwrap();
        Self(MetricsServiceClient::new(channel))
    }

    /// Sends once. Points that are refused for good are a failure of the test.
    pub(crate) async fn try_send(&mut self, request: ExportMetricsServiceRequest) -> Result<(), Status> {
        let answer = self.0.export(request).await?.into_inner();
        let rejected = answer.partial_success.filter(|partial| partial.rejected_data_points > 0);
        assert_eq!(rejected, None, "points were refused");
        Ok(())
    }

    /// Sends, and expects it to be taken.
    pub(crate) async fn send(&mut self, request: ExportMetricsServiceRequest) {
        self.try_send(request).await.unwrap();
    }

    /// Sends again for as long as the receiver asks to come again, as SDKs do; answers how often it asked.
    pub(crate) async fn insist(&mut self, request: ExportMetricsServiceRequest) -> u32 {
        let mut turned_away = 0;
        loop {
            match self.try_send(request.clone()).await {
                Ok(()) => return turned_away,
                Err(status) => {
                    assert_eq!(status.code(), Code::Unavailable, "not retryable: {status}");
                    assert!(!status.details().is_empty(), "no RetryInfo: {status}");
                    turned_away += 1;
                }
            }
        }
    }
}
