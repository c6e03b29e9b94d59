//! Cumulative histograms, which cannot be sent: they count since the sender's start, and each period would count all of it
//! again.

use std::sync::Arc;

use weir_core::{Batch, Interner, PerSeries, Reason, SeriesId, Temporality};

/// A cumulative histogram: `delta` before this exporter makes it one of increments.
pub const CUMULATIVE_HISTOGRAM: Reason = Reason("cumulative_histogram");

/// Which series are cumulative histograms, found out once each.
#[derive(Debug, Default)]
pub struct CumulativeHistograms(PerSeries<bool>);

/// Histograms that were taken out.
#[derive(Debug)]
pub struct TakenOut {
    /// How many.
    pub points: u64,
    /// One of their metrics.
    pub metric: Arc<str>,
}

impl CumulativeHistograms {
    /// Takes them out of a batch, which is copied only where there are some and others read it too.
    pub fn take_out(&mut self, batch: &mut Arc<Batch>, interner: &Interner) -> Option<TakenOut> {
        let histograms = batch.histograms.iter().map(|point| point.series);
        let exponential = batch.exponential_histograms.iter().map(|point| point.series);
        let found = histograms.chain(exponential).find(|id| self.is_one(*id, interner))?;
        let metric = Arc::clone(&interner.resolve(found)?.descriptor().name);
        let before = batch.points();
        let batch = Arc::make_mut(batch);
        batch.histograms.retain(|point| !self.is_one(point.series, interner));
        batch.exponential_histograms.retain(|point| !self.is_one(point.series, interner));
        Some(TakenOut { points: before - batch.points(), metric })
    }

    /// Forgets series that no one can name any more.
    pub fn forget_gone(&mut self, interner: &Interner) {
        self.0.forget_gone(interner);
    }

    fn is_one(&mut self, id: SeriesId, interner: &Interner) -> bool {
        let is_delta = || {
            interner.resolve(id).is_none_or(|series| series.descriptor().temporality == Temporality::Delta)
        };
        *self.0.get_or_insert_with(id, || !is_delta())
    }
}
