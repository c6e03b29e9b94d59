//! Why samples of a scrape are refused, or left out.

use weir_core::Reason;

/// A line or a message that is not of the format.
pub const BAD_LINE: Reason = Reason("bad_line");
/// A sample that came before in the same scrape, or whose timestamp is not after the last one.
pub const DUPLICATE_SAMPLE: Reason = Reason("duplicate_sample");
/// A sample whose own timestamp is not after that of the scrape before: it was sent already.
pub const REPEATED_SAMPLE: Reason = Reason("repeated_sample");
/// A sample whose own timestamp is more than ten minutes ahead of the scrape.
pub const FUTURE_SAMPLE: Reason = Reason("future_sample");
/// A sample of a gauge histogram, which OpenTelemetry has no kind for.
pub const GAUGE_HISTOGRAM: Reason = Reason("gauge_histogram");
/// A native histogram of floating-point counts.
pub const FLOAT_HISTOGRAM: Reason = Reason("float_histogram");
/// A histogram without a count, or whose buckets fall, have no bound, or count more than the whole.
pub const BAD_HISTOGRAM: Reason = Reason("bad_histogram");
/// A summary without a count, or a quantile that is not within 0 and 1.
pub const BAD_SUMMARY: Reason = Reason("bad_summary");
/// A bucket or quantile of a histogram or summary that has as many as are taken.
pub const TOO_MANY_BUCKETS: Reason = Reason("too_many_buckets");
/// A timestamp before the epoch.
pub const BAD_TIMESTAMP: Reason = Reason("bad_timestamp");
/// A metric that relabelling has left without a name.
pub const NO_NAME: Reason = Reason("no_name");
/// A name that `metric_name_validation_scheme: legacy` does not allow.
pub const BAD_NAME: Reason = Reason("bad_name");
/// Metadata of more families than a target may have.
pub const TOO_MANY_FAMILIES: Reason = Reason("too_many_families");
/// A sample that `metric_relabel_configs` leave out.
pub const RELABELLED: Reason = Reason("relabelled");
