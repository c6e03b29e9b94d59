//! A value, and what a point makes of it. Where a point has the form of the one before, nothing is allocated.

use weir_core::{Batch, Flags, HistogramPoint, NumberPoint, SummaryPoint};

/// A value.
#[derive(Debug)]
pub(super) enum Value {
    Number(f64),
    Histogram { bounds: Vec<f64>, counts: Vec<u64>, count: u64, sum: Option<f64> },
    Summary { count: u64, sum: f64, quantiles: Vec<f64> },
}

impl Value {
    /// With `adds` it is what has come so far, and the point is added.
    pub(super) fn number(&mut self, point: &NumberPoint, adds: bool) {
        let value = point.value().as_f64();
        *self = match self {
            Self::Number(before) if adds => Self::Number(*before + value),
            _ => Self::Number(value),
        };
    }

    pub(super) fn histogram(&mut self, point: &HistogramPoint, batch: &Batch, adds: bool) {
        let (new_counts, new_bounds) = (batch.counts(point.counts), batch.bounds(point.bounds));
        let stated = point.flags.has(Flags::SUM).then_some(point.sum);
        if let Self::Histogram { bounds, counts, count, sum } = self
            && *bounds == *new_bounds
        {
            if adds {
                counts.iter_mut().zip(new_counts).for_each(|(so_far, added)| *so_far += added);
                *count += point.count;
                *sum = sum.zip(stated).map(|(sum, added)| sum + added);
            } else {
                counts.clear();
                counts.extend_from_slice(new_counts);
                (*count, *sum) = (point.count, stated);
            }
            return;
        }
        // Other bounds are another histogram: it begins anew, as after a restart.
        let (bounds, counts) = (new_bounds.to_vec(), new_counts.to_vec());
        *self = Self::Histogram { bounds, counts, count: point.count, sum: stated };
    }

    pub(super) fn summary(&mut self, point: &SummaryPoint, batch: &Batch) {
        let mut held = match self {
            Self::Summary { quantiles, .. } => std::mem::take(quantiles),
            _ => Vec::new(),
        };
        held.clear();
        held.extend_from_slice(batch.bounds(point.quantiles));
        *self = Self::Summary { count: point.count, sum: point.sum, quantiles: held };
    }
}
