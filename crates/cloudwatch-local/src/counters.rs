//! What the server has counted, independently of any client.

use std::collections::BTreeMap;

/// A snapshot of the server's counts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Counters {
    /// HTTP requests of any kind, answered or not.
    pub requests: u64,
    /// Bytes of request bodies as they came over the wire, before decompression.
    pub bytes_in: u64,
    /// PutMetricData calls: the accepted, the failed, and those in progress.
    pub put_requests: u64,
    /// PutMetricData calls that stored their data, whether or not the client learnt of it.
    pub put_accepted: u64,
    /// PutMetricData calls that stored nothing, by error code; by status where an answer had no code; `Hang` and
    /// `DropConnection` where there was no answer.
    pub put_failed: BTreeMap<String, u64>,
    /// Accepted PutMetricData calls whose answer was withheld ([`Fault::StoreThenDrop`](crate::Fault)).
    pub answers_lost: u64,
    /// PutMetricData calls by the id of the key that signed them.
    pub put_by_key: BTreeMap<String, u64>,
    /// Datums stored.
    pub datums: u64,
    /// Samples stored: 1 for a value, the sum of the counts for a distribution, the sample count for a statistic set.
    pub samples: f64,
}

impl Counters {
    /// PutMetricData calls that failed with this code.
    pub fn failed(&self, code: &str) -> u64 {
        self.put_failed.get(code).copied().unwrap_or(0)
    }

    /// PutMetricData calls that failed, of any code.
    pub fn failed_total(&self) -> u64 {
        self.put_failed.values().sum()
    }
}
