//! How a scrape ends: what came of it, and what is stale.

use std::{collections::HashMap, sync::Arc};

use weir_core::{
    Batch, ExponentialHistogramPoint, Flags, HistogramPoint, Identity, Kind, Number, NumberPoint, Series,
    SeriesId, Span, SummaryPoint, UnixNanos,
};

use super::{Failure, Scraped, Target, body::Work, naming, points::Points, table::Held};

impl Work<'_> {
    /// All has come, and is good.
    ///
    /// # Errors
    /// In strict mode, a histogram or summary that is none.
    pub(super) fn end(mut self) -> Result<Scraped, Failure> {
        let touched = std::mem::take(&mut self.target.touched);
        let put_together = touched.iter().try_for_each(|assembly| self.put_together(*assembly));
        self.target.touched = touched;
        put_together?;
        if let Some(info) = self.info.take().filter(|info| *info != self.target.info) {
            self.target.info = info;
            self.target.rename(&mut self.points);
        }
        let numbers = self.points.numbers();
        let made = self.target.mark_live(&mut self.points, self.time);
        let target = self.target;
        (target.succeeded, target.succeeded_at, target.numbers) = (target.scrape, self.time, numbers);
        Ok(Scraped {
            batches: self.points.finish(),
            samples: self.samples,
            samples_kept: self.samples - self.left_out,
            series_added: self.series_added,
            exemplars: self.exemplars,
            made,
            refused: self.refused,
            example: self.example,
        })
    }
}

impl Target {
    /// What a series is called with what `target_info` says. Its stream is that of its name at the door.
    pub(super) fn with_info(&self, at_door: &Arc<Series>) -> Arc<Series> {
        if self.info.is_empty() {
            return Arc::clone(at_door);
        }
        let interner = self.door.interner();
        let resource = naming::with_info(at_door.resource(), &self.info, interner);
        interner.rewritten(at_door, Identity { resource, ..at_door.identity().clone() })
    }

    /// `target_info` has come, or has changed: every series is called anew, the points of this scrape too.
    fn rename(&mut self, points: &mut Points) {
        let mut table = std::mem::take(&mut self.table);
        let mut renamed: HashMap<SeriesId, SeriesId> = HashMap::new();
        for (_, held) in table.iter_mut() {
            let named = self.with_info(&held.at_door);
            renamed.insert(held.id, named.id());
            (held.id, held.named) = (named.id(), named);
        }
        self.table = table;
        let rename = |id: &mut SeriesId| *id = renamed.get(id).copied().unwrap_or(*id);
        points.batches_mut().iter_mut().for_each(|batch| batch.for_each_series(rename));
    }

    /// What this scrape had is live; what only the last one had is stale. Answers how many points that made.
    fn mark_live(&mut self, points: &mut Points, time: UnixNanos) -> u64 {
        let mut stale = 0;
        if !self.presence.is_whole() {
            let interner = self.door.interner();
            for (place, held) in self.table.iter_mut().filter(|(_, held)| held.seen != self.scrape) {
                held.sent = self.presence.sent(held);
                let is_reported = self.reported.iter().any(|report| report.place == place);
                if self.presence.is_live(held) && !is_reported {
                    stale += 1;
                    push_stale(points.open(interner), held, time);
                }
            }
        }
        self.presence.succeed(self.scrape);
        stale
    }

    /// Everything is stale, what is reported about the target too if `reports_too`.
    pub(super) fn all_stale(&mut self, time: UnixNanos, reports_too: bool) -> Scraped {
        let interner = self.door.interner();
        let mut points = Points::new(interner, 0);
        let mut made = 0;
        for (place, held) in self.table.iter_mut() {
            held.sent = self.presence.sent(held);
            let report = self.reported.iter().find(|report| report.place == place);
            let is_live = self.presence.is_live(held) || report.is_some_and(|report| report.was_made);
            if is_live && (reports_too || report.is_none()) {
                made += 1;
                push_stale(points.open(interner), held, time);
            }
        }
        self.presence.fail();
        Scraped { batches: points.finish(), made, ..Scraped::default() }
    }
}

/// Puts the point in that says that a series has no value any more.
fn push_stale(batch: &mut Batch, held: &Held, time: UnixNanos) {
    const NO_VALUE: Flags = Flags::NO_RECORDED_VALUE;
    let (series, flags, start) = (held.id, NO_VALUE, UnixNanos(0));
    let none = Span::default();
    match held.named.descriptor().kind {
        Kind::Gauge | Kind::Sum => {
            let mut point = NumberPoint::new(series, start, time, Number::Double(0.0));
            point.flags = point.flags.with(NO_VALUE);
            batch.numbers.push(point);
        }
        Kind::Histogram => batch.histograms.push(HistogramPoint {
            series,
            flags,
            start,
            time,
            count: 0,
            sum: 0.0,
            min: 0.0,
            max: 0.0,
            counts: none,
            bounds: none,
        }),
        Kind::ExponentialHistogram => batch.exponential_histograms.push(ExponentialHistogramPoint {
            series,
            flags,
            start,
            time,
            count: 0,
            sum: 0.0,
            min: 0.0,
            max: 0.0,
            scale: 0,
            zero_count: 0,
            zero_threshold: 0.0,
            positive_offset: 0,
            positive: none,
            negative_offset: 0,
            negative: none,
        }),
        Kind::Summary => batch.summaries.push(SummaryPoint {
            series,
            flags,
            start,
            time,
            count: 0,
            sum: 0.0,
            quantiles: none,
        }),
    }
}
