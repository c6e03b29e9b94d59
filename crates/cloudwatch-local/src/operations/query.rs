//! What GetMetricStatistics and GetMetricData share: the metric that is meant, and the periods that are wanted.
//!
//! Periods begin at the request's StartTime, rounded down as the service documents it, and not at multiples of the
//! period: a day's hours from 23:18 on are 00:18, 01:18, … (the example of `aws cloudwatch get-metric-statistics`).

use crate::{
    error::Findings,
    model::MetricId,
    rules::{self, RawDimension},
    store::{Range, floor_to},
};

const DAY_S: i64 = 24 * 3600;

/// A metric as a request names it.
pub(super) struct RawMetric {
    pub(super) namespace: Option<String>,
    pub(super) name: Option<String>,
    pub(super) dimensions: Option<Vec<RawDimension>>,
}

impl RawMetric {
    /// `prefix` is empty or ends with a full stop.
    pub(super) fn validate(self, prefix: &str, findings: &mut Findings) -> Option<MetricId> {
        let namespace = rules::namespace(self.namespace, format_args!("{prefix}Namespace"), findings);
        let name = rules::metric_name(self.name, format_args!("{prefix}MetricName"), findings);
        let dimensions = rules::dimensions(self.dimensions, format_args!("{prefix}Dimensions"), findings);
        Some(MetricId::new(namespace?, name?, dimensions?))
    }
}

/// A span of time in milliseconds since the Unix epoch, its start before its end.
#[derive(Clone, Copy)]
pub(super) struct Span {
    start_ms: i64,
    end_ms: i64,
}

pub(super) fn span(start_ms: Option<i64>, end_ms: Option<i64>, findings: &mut Findings) -> Option<Span> {
    if start_ms.is_none() {
        findings.missing("StartTime");
    }
    if end_ms.is_none() {
        findings.missing("EndTime");
    }
    let (start_ms, end_ms) = (start_ms?, end_ms?);
    match start_ms.cmp(&end_ms) {
        std::cmp::Ordering::Less => Some(Span { start_ms, end_ms }),
        std::cmp::Ordering::Equal => {
            findings.invalid("The parameter StartTime must not equal parameter EndTime.".to_owned());
            None
        }
        std::cmp::Ordering::Greater => {
            findings.invalid("The parameter EndTime must be greater than StartTime.".to_owned());
            None
        }
    }
}

/// A period: 1, 5, 10, 20, 30, or a multiple of 60 seconds.
pub(super) fn period(seconds: Option<i32>, path: &str, findings: &mut Findings) -> Option<i64> {
    let Some(seconds) = seconds else {
        findings.missing(path);
        return None;
    };
    let is_valid = matches!(seconds, 1 | 5 | 10 | 20 | 30) || (seconds > 0 && seconds % 60 == 0);
    if !is_valid {
        findings.invalid(format!(
            "The parameter {path} must be 1, 5, 10, 20, 30, or a multiple of 60, not {seconds}."
        ));
    }
    is_valid.then_some(i64::from(seconds))
}

impl Span {
    /// The periods of this span.
    pub(super) fn range(self, period_s: i64, now_ms: i64) -> Range {
        let now_s = now_ms.div_euclid(1000);
        let start_s = self.start_ms.div_euclid(1000);
        let rounding_s = match now_s.saturating_sub(start_s) {
            age if age > 63 * DAY_S => 3600,
            age if age > 15 * DAY_S => 300,
            _ => period_s.min(60),
        };
        // The end is exclusive, so a fraction of a second still belongs to the span.
        let end_s = self.end_ms.div_euclid(1000) + i64::from(self.end_ms.rem_euclid(1000) > 0);
        Range { start_s: floor_to(start_s, rounding_s), end_s, period_s, now_s }
    }
}
