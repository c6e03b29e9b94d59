//! The messages of `io.prometheus.client` (prometheus/client_model, metrics.proto), as far as a scraper needs them.

/// A label.
#[derive(Clone, PartialEq, prost::Message)]
pub struct LabelPair {
    /// Its name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Its value.
    #[prost(string, tag = "2")]
    pub value: String,
}

/// A gauge.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub struct Gauge {
    /// Its value.
    #[prost(double, tag = "1")]
    pub value: f64,
}

/// A number of no type.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub struct Untyped {
    /// Its value.
    #[prost(double, tag = "1")]
    pub value: f64,
}

/// A counter.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Counter {
    /// Its value.
    #[prost(double, tag = "1")]
    pub value: f64,
    /// An exemplar.
    #[prost(message, optional, tag = "2")]
    pub exemplar: Option<Exemplar>,
    /// When it began to count.
    #[prost(message, optional, tag = "3")]
    pub created_timestamp: Option<Timestamp>,
}

/// A quantile of a summary.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub struct Quantile {
    /// Which, from 0 to 1.
    #[prost(double, tag = "1")]
    pub quantile: f64,
    /// Its value.
    #[prost(double, tag = "2")]
    pub value: f64,
}

/// A summary.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Summary {
    /// How many values.
    #[prost(uint64, tag = "1")]
    pub sample_count: u64,
    /// Their sum.
    #[prost(double, tag = "2")]
    pub sample_sum: f64,
    /// Quantiles.
    #[prost(message, repeated, tag = "3")]
    pub quantile: Vec<Quantile>,
    /// When it began to count.
    #[prost(message, optional, tag = "4")]
    pub created_timestamp: Option<Timestamp>,
}

/// A histogram: classic, native, or both.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Histogram {
    /// How many values.
    #[prost(uint64, tag = "1")]
    pub sample_count: u64,
    /// Their sum.
    #[prost(double, tag = "2")]
    pub sample_sum: f64,
    /// Classic buckets.
    #[prost(message, repeated, tag = "3")]
    pub bucket: Vec<Bucket>,
    /// How many values, where they are no integers.
    #[prost(double, tag = "4")]
    pub sample_count_float: f64,
    /// The resolution of native buckets: the base is 2^(2^-schema).
    #[prost(sint32, optional, tag = "5")]
    pub schema: Option<i32>,
    /// The width of the zero bucket.
    #[prost(double, tag = "6")]
    pub zero_threshold: f64,
    /// How many values are in it.
    #[prost(uint64, tag = "7")]
    pub zero_count: u64,
    /// The same, where they are no integers.
    #[prost(double, tag = "8")]
    pub zero_count_float: f64,
    /// Runs of negative buckets.
    #[prost(message, repeated, tag = "9")]
    pub negative_span: Vec<BucketSpan>,
    /// Their counts, each as the difference to the one before.
    #[prost(sint64, repeated, packed = "false", tag = "10")]
    pub negative_delta: Vec<i64>,
    /// Their counts, where they are no integers.
    #[prost(double, repeated, packed = "false", tag = "11")]
    pub negative_count: Vec<f64>,
    /// Runs of positive buckets.
    #[prost(message, repeated, tag = "12")]
    pub positive_span: Vec<BucketSpan>,
    /// Their counts, each as the difference to the one before.
    #[prost(sint64, repeated, packed = "false", tag = "13")]
    pub positive_delta: Vec<i64>,
    /// Their counts, where they are no integers.
    #[prost(double, repeated, packed = "false", tag = "14")]
    pub positive_count: Vec<f64>,
    /// When it began to count.
    #[prost(message, optional, tag = "15")]
    pub created_timestamp: Option<Timestamp>,
    /// Exemplars of native buckets.
    #[prost(message, repeated, tag = "16")]
    pub exemplars: Vec<Exemplar>,
}

impl Histogram {
    /// Whether its counts are no integers.
    pub fn is_of_floats(&self) -> bool {
        self.sample_count_float > 0.0 || !self.positive_count.is_empty() || !self.negative_count.is_empty()
    }
}

/// A classic bucket.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Bucket {
    /// How many values are at most the upper bound.
    #[prost(uint64, tag = "1")]
    pub cumulative_count: u64,
    /// The upper bound.
    #[prost(double, tag = "2")]
    pub upper_bound: f64,
    /// An exemplar.
    #[prost(message, optional, tag = "3")]
    pub exemplar: Option<Exemplar>,
    /// The count, where it is no integer.
    #[prost(double, tag = "4")]
    pub cumulative_count_float: f64,
}

/// A run of native buckets.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub struct BucketSpan {
    /// How many buckets lie between the run before and this one; of the first run, its index.
    #[prost(sint32, tag = "1")]
    pub offset: i32,
    /// How many buckets it has.
    #[prost(uint32, tag = "2")]
    pub length: u32,
}

/// An exemplar.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Exemplar {
    /// Its labels.
    #[prost(message, repeated, tag = "1")]
    pub label: Vec<LabelPair>,
    /// Its value.
    #[prost(double, tag = "2")]
    pub value: f64,
    /// Its time.
    #[prost(message, optional, tag = "3")]
    pub timestamp: Option<Timestamp>,
}

/// A time (`google.protobuf.Timestamp`).
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub struct Timestamp {
    /// Seconds since the epoch.
    #[prost(int64, tag = "1")]
    pub seconds: i64,
    /// Nanoseconds beyond them.
    #[prost(int32, tag = "2")]
    pub nanos: i32,
}

/// One metric of a family.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Metric {
    /// Its labels.
    #[prost(message, repeated, tag = "1")]
    pub label: Vec<LabelPair>,
    /// As a gauge.
    #[prost(message, optional, tag = "2")]
    pub gauge: Option<Gauge>,
    /// As a counter.
    #[prost(message, optional, tag = "3")]
    pub counter: Option<Counter>,
    /// As a summary.
    #[prost(message, optional, tag = "4")]
    pub summary: Option<Summary>,
    /// As a number of no type.
    #[prost(message, optional, tag = "5")]
    pub untyped: Option<Untyped>,
    /// Its time, in milliseconds since the epoch.
    #[prost(int64, optional, tag = "6")]
    pub timestamp_ms: Option<i64>,
    /// As a histogram.
    #[prost(message, optional, tag = "7")]
    pub histogram: Option<Histogram>,
}

/// A family: read in parts by [`Messages`](super::Messages), and written whole by who exposes it.
#[derive(Clone, PartialEq, prost::Message)]
pub struct MetricFamily {
    /// Its name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// What it is, in words.
    #[prost(string, tag = "2")]
    pub help: String,
    /// Its type: counter 0, gauge 1, summary 2, untyped 3, histogram 4, gauge histogram 5.
    #[prost(int32, tag = "3")]
    pub r#type: i32,
    /// Its metrics.
    #[prost(message, repeated, tag = "4")]
    pub metric: Vec<Metric>,
    /// Its unit.
    #[prost(string, tag = "5")]
    pub unit: String,
}
