//! An application with counters, which outlives Weir.

use std::ops::RangeBounds;

use opentelemetry_proto::tonic::{
    collector::metrics::v1::ExportMetricsServiceRequest,
    metrics::v1::{AggregationTemporality, NumberDataPoint, Sum, metric, number_data_point},
};

use super::{FarEnd, now, request, text};

const COUNTER: &str = "e2e.requests";

/// Counters that only grow, and what they have counted.
pub(crate) struct Application {
    started: u64,
    attribute: &'static str,
    totals: Vec<i64>,
    /// When it counted what, of all series together.
    counted: Vec<(u64, i64)>,
}

impl Application {
    /// So many series, told apart by `attribute`.
    pub(crate) fn start(attribute: &'static str, series: usize) -> Self {
        Self { started: now(), attribute, totals: vec![0; series], counted: Vec::new() }
    }

    /// Counts on, a different number for each series.
    pub(crate) fn count(&mut self) {
        let more = |series: usize| series as i64 % 7 + 1;
        self.totals.iter_mut().enumerate().for_each(|(series, total)| *total += more(series));
        self.counted.push((now(), (0..self.totals.len()).map(more).sum()));
    }

    /// What it exports now: running totals.
    pub(crate) fn export(&self) -> ExportMetricsServiceRequest {
        let time = now();
        let point = |(series, total): (usize, &i64)| NumberDataPoint {
            attributes: vec![text(self.attribute, series.to_string())],
            start_time_unix_nano: self.started,
            time_unix_nano: time,
            value: Some(number_data_point::Value::AsInt(*total)),
            ..NumberDataPoint::default()
        };
        let sum = Sum {
            data_points: self.totals.iter().enumerate().map(point).collect(),
            aggregation_temporality: AggregationTemporality::Cumulative.into(),
            is_monotonic: true,
        };
        request(COUNTER, metric::Data::Sum(sum))
    }

    /// What was counted within these times, of all series together.
    pub(crate) fn counted(&self, times: impl RangeBounds<u64>) -> i64 {
        self.counted.iter().filter(|(time, _)| times.contains(time)).map(|(_, points)| points).sum()
    }

    /// Each series as the far end has it, by the dimension `series`, less what was counted.
    pub(crate) fn too_much(&self, far: &FarEnd) -> Vec<i64> {
        let stored = far.by_series(COUNTER);
        assert_eq!(stored.len(), self.totals.len());
        stored.values().zip(&self.totals).map(|(stored, total)| stored.sum as i64 - total).collect()
    }
}
