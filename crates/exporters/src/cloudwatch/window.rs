//! Open periods: what every series did since they began.
//!
//! State is kept by series and folded by stream when the period closes (R2): resolving a point costs nothing here, and a
//! stream whose name changed in mid-period is sent once, under its newest name. What tells a change of name from two
//! pipelines that name one stream differently is the points' time: a name that follows another has later points only.

mod cells;
mod points;

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use weir_core::{
    Ack, Batch, Interner, Lease, PerSeries, PerStream, Reason, Series, SeriesId, UnixNanos, Verdict,
};
use weir_window::{Distribution, Exponential, Period, Refused};

use super::summary::QUANTILE;
use cells::Cells;
use points::Point;

/// A point too far back for CloudWatch: more than two weeks (API reference, PutMetricData).
pub const TOO_OLD: Reason = Reason("too_old");
/// A point too far ahead for CloudWatch: more than two hours (API reference, PutMetricData).
pub const TOO_NEW: Reason = Reason("too_new");
/// A value beyond ±2^360, which CloudWatch refuses.
pub const OUT_OF_RANGE: Reason = Reason("out_of_range");
/// A histogram whose counts do not add up, whose bounds do not ascend, or of which nothing but a count is known.
pub const BAD_HISTOGRAM: Reason = Reason("bad_histogram");
/// A point whose series no one knows any more; leases make that impossible (R1).
pub const UNRESOLVED: Reason = Reason("unresolved");

/// The greatest magnitude that CloudWatch takes, 2^360 (crate documentation of `MetricDatum`).
pub const MAX_VALUE: f64 = f64::from_bits((1023 + 360) << 52);

/// How far back CloudWatch takes points.
pub const MAX_AGE: Duration = Duration::from_hours(14 * 24);
/// How far ahead CloudWatch takes points.
const MAX_LEAD: Duration = Duration::from_hours(2);
/// What a point at the far end of [`MAX_AGE`] needs for its way, besides the period that it waits for.
const MARGIN: Duration = Duration::from_mins(5);
/// Beyond this many open periods the oldest closes early: it costs a datum more, where memory would cost more than that.
const MAX_OPEN: usize = 64;

/// The open periods of an exporter.
#[derive(Debug)]
pub struct Window {
    period: Period,
    /// How long after its end a period closes.
    delay: Duration,
    open: BTreeMap<u64, Open>,
    /// The cells of the last period that closed, empty but allocated: the next period's series are mostly the same.
    spare: PerSeries<Cell>,
    /// How many batches were taken.
    batches: u64,
    /// Where exponential histograms are read into, so that a point allocates nothing.
    scratch: Exponential,
}

#[derive(Debug)]
struct Open {
    cells: Cells,
    /// Keeps every series of the cells resolvable: the oldest of the leases of the batches.
    lease: Lease,
    ack: Ack,
    /// The last batch whose ack was joined, by its number: one part a batch, however its points alternate between periods.
    joined: u64,
    points: u64,
    due: UnixNanos,
}

/// What one series did in one period.
#[derive(Clone, Debug, Default)]
struct Cell {
    distribution: Distribution,
    points: u64,
    first: UnixNanos,
    last: UnixNanos,
    /// The value at `last`, of a number.
    latest: f64,
}

/// Points that could not be taken into a window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Left {
    /// Reported as without a value.
    pub no_value: u64,
    /// NaN or infinite.
    pub not_finite: u64,
    /// Beyond ±2^360, or more than 2^53 samples in a period.
    pub out_of_range: u64,
    /// See [`BAD_HISTOGRAM`].
    pub bad_histogram: u64,
    /// More than two weeks back.
    pub too_old: u64,
    /// More than two hours ahead.
    pub too_new: u64,
}

impl Left {
    /// The reasons with their points.
    pub fn by_reason(&self) -> [(Reason, u64); 6] {
        [
            (Reason::NO_RECORDED_VALUE, self.no_value),
            (Reason::NOT_FINITE, self.not_finite),
            (OUT_OF_RANGE, self.out_of_range),
            (BAD_HISTOGRAM, self.bad_histogram),
            (TOO_OLD, self.too_old),
            (TOO_NEW, self.too_new),
        ]
    }

    fn add(&mut self, refused: Refused) {
        let left = match refused {
            Refused::NotFinite(_) => &mut self.not_finite,
            Refused::TooLarge(_) | Refused::TooMany { .. } => &mut self.out_of_range,
            Refused::Unequal { .. } | Refused::Bounds { .. } | Refused::Unknown(_) => &mut self.bad_histogram,
        };
        *left += 1;
    }
}

/// A period that is over.
#[derive(Debug)]
pub struct Closed {
    /// When it began.
    pub start: UnixNanos,
    /// When the next one began.
    pub end: UnixNanos,
    /// Its streams.
    pub streams: Vec<Stream>,
    /// The fate of every point of it.
    pub ack: Ack,
    /// Points that cannot be named: see [`UNRESOLVED`].
    pub unresolved: u64,
}

/// What one stream did in a period, under its newest name.
#[derive(Debug)]
pub struct Stream {
    /// The name.
    pub series: Arc<Series>,
    /// Its samples.
    pub distribution: Distribution,
    /// How many points it was made of.
    pub points: u64,
    /// The newest of its values, and its time.
    pub latest: (UnixNanos, f64),
    first: UnixNanos,
}

impl Window {
    /// No open periods. Each closes `delay` after its end.
    pub fn new(period: Period, delay: Duration) -> Self {
        let (spare, scratch) = (PerSeries::default(), Exponential::default());
        Self { period, delay, open: BTreeMap::new(), spare, batches: 0, scratch }
    }

    /// Takes a batch's points, less summaries, into their periods and `ack` into custody. `now` is the time on the wall.
    pub fn record(&mut self, batch: &Batch, ack: Ack, now: UnixNanos) -> Left {
        self.record_those(batch, ack, now, |_| true)
    }

    /// Takes in what a batch has of the series that are `mine`.
    pub fn record_those(
        &mut self,
        batch: &Batch,
        mut ack: Ack,
        now: UnixNanos,
        mine: impl Fn(SeriesId) -> bool,
    ) -> Left {
        let mut left = Left::default();
        ack.take_custody();
        self.batches += 1;
        self.take(&batch.numbers, batch, &ack, now, &mine, &mut left);
        self.take(&batch.histograms, batch, &ack, now, &mine, &mut left);
        self.take(&batch.exponential_histograms, batch, &ack, now, &mine, &mut left);
        // Every period that was touched has a part of its own; without any, all there was is counted as left out.
        ack.settle(Verdict::Delivered);
        self.close_surplus(now);
        left
    }

    fn take<P: Point>(
        &mut self,
        points: &[P],
        batch: &Batch,
        ack: &Ack,
        now: UnixNanos,
        mine: &impl Fn(SeriesId) -> bool,
        left: &mut Left,
    ) {
        let mut scratch = std::mem::take(&mut self.scratch);
        let gone = now.plus(self.period.length() + self.delay + MARGIN);
        let mut points = points.iter().filter(|point| mine(point.series())).peekable();
        while let Some(next) = points.peek() {
            let start = self.period.start_of(next.time().0);
            let last = start.saturating_add(self.period.length().as_nanos() as u64 - 1);
            let run = std::iter::from_fn(|| points.next_if(|point| (start..=last).contains(&point.time().0)));
            // By the start of the period, which becomes the time of the datum.
            if UnixNanos(start).plus(MAX_AGE) < gone {
                left.too_old += run.count() as u64;
            } else if UnixNanos(start) > now.plus(MAX_LEAD) {
                left.too_new += run.count() as u64;
            } else {
                let number = self.batches;
                let open = self.opened(start, &batch.lease, now);
                if open.joined != number {
                    open.ack.join(ack.clone());
                    open.joined = number;
                }
                run.for_each(|point| point.record(batch, open, &mut scratch, left));
            }
        }
        self.scratch = scratch;
    }

    fn opened(&mut self, start: u64, lease: &Lease, now: UnixNanos) -> &mut Open {
        let (period, delay, spare) = (self.period, self.delay, &mut self.spare);
        // Under way or next, where most series have points.
        let is_near = period.end_of(start) > now.0 && start <= now.plus(period.length()).0;
        let open = self.open.entry(start).or_insert_with(|| Open {
            cells: if is_near {
                Cells::Dense(std::mem::take(spare))
            } else {
                Cells::Sparse(HashMap::default())
            },
            lease: lease.clone(),
            ack: Ack::none(),
            joined: 0,
            points: 0,
            // A period that is over already waits for the one that is open: its datums then share the requests. One beyond
            // the next is a sender's whose clock is ahead: it does not wait for its own end, since a lease would with it.
            due: UnixNanos(period.end_of(start.clamp(now.0, now.plus(period.length()).0))).plus(delay),
        });
        open.lease.cover(lease);
        open
    }

    fn close_surplus(&mut self, now: UnixNanos) {
        let surplus = self.open.len().saturating_sub(MAX_OPEN);
        self.open.values_mut().take(surplus).for_each(|oldest| oldest.due = now);
    }

    /// When the next period closes.
    pub fn due(&self) -> Option<UnixNanos> {
        self.open.values().map(|open| open.due).min()
    }

    /// Points in open periods.
    pub fn points(&self) -> u64 {
        self.open.values().map(|open| open.points).sum()
    }

    /// Closes the periods that are due, the oldest first.
    pub fn close_due(&mut self, now: UnixNanos, interner: &Interner) -> Vec<Closed> {
        let due: Vec<u64> =
            self.open.iter().filter(|(_, open)| open.due <= now).map(|(start, _)| *start).collect();
        due.into_iter().filter_map(|start| self.close(start, interner)).collect()
    }

    /// Closes every period, the oldest first.
    pub fn close_all(&mut self, interner: &Interner) -> Vec<Closed> {
        let all: Vec<u64> = self.open.keys().copied().collect();
        all.into_iter().filter_map(|start| self.close(start, interner)).collect()
    }

    fn close(&mut self, start: u64, interner: &Interner) -> Option<Closed> {
        let open = self.open.remove(&start)?;
        let (streams, unresolved, emptied) = by_stream(open.cells, interner);
        if let Some(emptied) = emptied
            && emptied.len() >= self.spare.len()
        {
            self.spare = emptied;
        }
        // The lease is given up here, with everything resolved.
        let end = UnixNanos(self.period.end_of(start));
        Some(Closed { start: UnixNanos(start), end, streams, ack: open.ack, unresolved })
    }
}

/// Resolves the cells and folds those of one stream under its newest name. Answers with them the points that cannot be named, and
/// the emptied cells.
fn by_stream(cells: Cells, interner: &Interner) -> (Vec<Stream>, u64, Option<PerSeries<Cell>>) {
    let mut streams: Vec<Stream> = Vec::with_capacity(cells.len());
    let mut newest: PerStream<usize> = PerStream::default();
    let mut unresolved = 0;
    let emptied = cells.take(|id, cell| {
        let Some(series) = interner.resolve(id) else {
            unresolved += cell.points;
            return;
        };
        let at = *newest.get_or_insert_with(series.stream(), || streams.len());
        let stream = Stream {
            series,
            distribution: cell.distribution,
            points: cell.points,
            latest: (cell.last, cell.latest),
            first: cell.first,
        };
        match streams.get_mut(at) {
            Some(held) => {
                if let Some(other_branch) = held.follow(stream) {
                    streams.push(other_branch);
                }
            }
            None => streams.push(stream),
        }
    });
    (streams, unresolved, emptied)
}

impl Stream {
    /// Takes in what the same stream did under another name; gives it back where that is no change of name, but another
    /// pipeline's view of the same points.
    fn follow(&mut self, mut other: Stream) -> Option<Stream> {
        let (mine, theirs) = (self.series.descriptor(), other.series.descriptor());
        let same_kind = mine.unit == theirs.unit
            && mine.kind == theirs.kind
            && mine.temporality == theirs.temporality
            && mine.monotonic == theirs.monotonic;
        let apart = self.latest.0 < other.first || other.latest.0 < self.first;
        // Of a summary's quantiles, which are made of one stream, none follows another.
        let quantile = |stream: &Stream| stream.series.attributes().get(QUANTILE).cloned();
        if !same_kind || !apart || quantile(self) != quantile(&other) {
            return Some(other);
        }
        // What is newest gives the name.
        if self.latest.0 < other.first {
            std::mem::swap(self, &mut other);
        }
        if self.distribution.merge(&other.distribution).is_err() {
            return Some(other); // more than 2^53 samples: two datums hold them
        }
        self.points += other.points;
        self.first = self.first.min(other.first);
        None
    }
}

#[cfg(test)]
mod tests;
