//! A strict Amazon CloudWatch in memory: the far end of Weir's tests, and of `weir run --local`.
//!
//! It is independent on purpose: it shares no code with Weir's exporter, so a mistake made there is not made here a
//! second time. It speaks what SDKs speak, enforces every limit of `PutMetricData` with CloudWatch's codes and words,
//! refuses whole requests, answers statistics and percentiles, plays faults from a script, and lets sessions expire.
//!
//! ```no_run
//! use std::sync::Arc;
//! use weir_cloudwatch_local::{CloudWatchLocal, Fault, Options};
//!
//! # async fn run() -> Result<(), weir_cloudwatch_local::BindError> {
//! let now = Arc::new(|| 1_790_000_000_000_000_000); // any clock, in nanoseconds since the epoch
//! let server = CloudWatchLocal::bind(([127, 0, 0, 1], 0).into(), Options::new(now)).await?;
//! server.faults().push(Fault::throttling().times(2));
//! // … point an SDK at server.endpoint(), with any credentials and region …
//! server.wait_until(|server| server.counters().datums > 0).await;
//! assert_eq!(server.store().series().len(), 1);
//! server.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! # Layout
//!
//! * [`server`]: a request's way from the wire to the store and back; body limits, counts;
//! * `protocol`: RPC v2 CBOR and AWS JSON 1.0; `decode`: documents to typed values; `auth`: SigV4 headers;
//! * `operations`: one file an operation; `rules`: the limits that they share; [`error`](ApiError): refusals;
//! * [`store`]: datapoints with their whole multiset of values, and the percentile's definition; `statistic`: names; `math`: expressions;
//! * [`faults`]: the script; [`counters`]: what was counted; [`model`]: metrics, units, readings.
//!
//! # What is decided here because CloudWatch does not say
//!
//! * 1 MB is 1,000,000 bytes after decompression: [`server::MAX_BODY_BYTES`].
//! * `Values` together with `StatisticValues` are accepted: count, sum, minimum and maximum from the statistics,
//!   percentiles from the values, `InvalidParameterCombination` if the two contradict each other
//!   (`operations/put_metric_data.rs`, with the other decisions about datums).
//! * A percentile interpolates linearly between neighbours at rank `p / 100 * (n - 1)` (`store/aggregate.rs`).
//! * Data is visible at once; CloudWatch takes up to 15 minutes to list a new metric.
//!
//! # Not here
//!
//! Metrics Insights, metric math beyond arithmetic and `FILL`, alarms, dashboards, extended statistics other than percentiles, the older query protocol, and the
//! verification of signatures (there are no secrets to verify them with).

pub mod counters;
pub mod faults;
pub mod model;
pub mod server;
pub mod store;

mod auth;
mod decode;
mod error;
mod math;
mod operations;
mod protocol;
mod rules;
mod statistic;
#[cfg(test)]
mod tests;

pub use counters::Counters;
pub use error::ApiError;
pub use faults::{Fault, FaultId, FaultRule, Faults};
pub use model::{Datum, Dimension, MetricId, Occurrence, Reading, Resolution, StatisticSet, Unit};
pub use server::{BindError, CloudWatchLocal, Now, Options};
pub use store::{Datapoint, Retention, SeriesSummary, Store, StoreTotals};
