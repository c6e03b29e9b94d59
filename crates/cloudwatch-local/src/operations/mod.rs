//! The operations, each from a decoded document to an answer: no I/O, and no clock but the one given.

use ciborium::Value;

use crate::{error::ApiError, protocol::Protocol, store::Store};

mod get_metric_data;
mod get_metric_statistics;
mod list_metrics;
mod put_metric_data;
mod query;
#[cfg(test)]
mod tests;

/// The operation that faults concern unless told otherwise.
pub(crate) const PUT_METRIC_DATA: &str = "PutMetricData";

/// The answer to an operation that succeeded.
#[derive(Debug, Default)]
pub(crate) struct Output {
    /// The output document; `None` for an operation without one.
    pub(crate) document: Option<Value>,
    /// PutMetricData's verdict on invalid entities that it was told to tolerate (`X-Amzn-Failure-Message`).
    pub(crate) entity_failure: Option<&'static str>,
    /// Datums stored.
    pub(crate) datums: u64,
    /// Samples stored.
    pub(crate) samples: f64,
}

impl Output {
    fn document(document: Value) -> Self {
        Self { document: Some(document), ..Self::default() }
    }
}

/// Runs an operation on the store; `now_ms` is the present in milliseconds since the Unix epoch.
///
/// An error leaves the store as it was.
pub(crate) fn run(
    store: &Store,
    now_ms: i64,
    operation: &str,
    protocol: Protocol,
    body: &[u8],
) -> Result<Output, ApiError> {
    let run = match operation {
        PUT_METRIC_DATA => put_metric_data::run,
        "GetMetricStatistics" => get_metric_statistics::run,
        "GetMetricData" => get_metric_data::run,
        "ListMetrics" => list_metrics::run,
        other => return Err(ApiError::UnknownOperation(other.to_owned())),
    };
    let mut input = crate::decode::Object::new(protocol.decode(body)?, protocol)?;
    run(store, now_ms, &mut input)
}
