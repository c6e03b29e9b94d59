//! Histograms and summaries, which come in many lines and are one point.

use weir_core::{Batch, Flags, HistogramPoint, Reason, SeriesId, SummaryPoint, UnixNanos};

use super::reasons::{BAD_HISTOGRAM, BAD_SUMMARY};

/// How many buckets or quantiles one may have: a new one is compared with all of them.
pub(super) const MAX_CELLS: usize = 4096;

/// One bucket or quantile.
#[derive(Clone, Copy, Debug)]
struct Cell {
    /// The upper bound, or the quantile.
    key: f64,
    value: f64,
    /// The last scrape that it was in.
    seen: u32,
}

/// A histogram or summary: what of it has come in this scrape.
#[derive(Debug)]
pub(super) struct Assembly {
    /// The place of its series in the table.
    pub(super) place: u32,
    is_summary: bool,
    /// In the order of their first coming.
    cells: Vec<Cell>,
    /// Whether that is the order of their keys.
    ascends: bool,
    /// The time that its samples have, where they have one.
    pub(super) stated: Option<UnixNanos>,
    count: Option<f64>,
    sum: Option<f64>,
    /// The scrape that all this is of.
    pub(super) seen: u32,
}

/// The part of an assembly that a sample is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Piece {
    Cell(u32),
    Sum,
    Count,
}

/// When a point is of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    pub(super) start: UnixNanos,
    pub(super) time: UnixNanos,
}

impl Assembly {
    pub(super) fn new(place: u32, is_summary: bool) -> Self {
        Self {
            place,
            is_summary,
            cells: Vec::new(),
            ascends: true,
            stated: None,
            count: None,
            sum: None,
            seen: 0,
        }
    }

    /// The number of the cell with this key; `None` where there is no room for another one.
    pub(super) fn cell(&mut self, key: f64) -> Option<u32> {
        let known = self.cells.iter().position(|cell| cell.key.to_bits() == key.to_bits());
        if known.is_none() {
            if self.is_full() {
                return None;
            }
            self.ascends &= self.cells.last().is_none_or(|last| last.key < key);
            self.cells.push(Cell { key, value: 0.0, seen: 0 });
        }
        Some(known.unwrap_or(self.cells.len() - 1) as u32)
    }

    pub(super) fn is_full(&self) -> bool {
        self.cells.len() >= MAX_CELLS
    }

    /// Forgets the cells. No line may remember the number of one.
    pub(super) fn empty(&mut self) {
        (self.cells, self.ascends) = (Vec::new(), true);
    }

    /// Begins anew in `scrape`.
    #[inline]
    pub(super) fn begin(&mut self, scrape: u32, stated: Option<UnixNanos>) {
        // A second time in one scrape: what came the first time is of another time.
        if self.seen == scrape {
            self.cells.iter_mut().for_each(|cell| cell.seen = 0);
        }
        (self.seen, self.stated, self.count, self.sum) = (scrape, stated, None, None);
    }

    /// Puts a sample in; `false` where it is there already.
    #[inline]
    pub(super) fn put(&mut self, piece: Piece, value: f64) -> bool {
        let once = |place: &mut Option<f64>| {
            let is_free = place.is_none();
            place.get_or_insert(value);
            is_free
        };
        match piece {
            Piece::Sum => once(&mut self.sum),
            Piece::Count => once(&mut self.count),
            Piece::Cell(at) => {
                let Some(cell) = self.cells.get_mut(at as usize) else { return false };
                if cell.seen == self.seen {
                    return false;
                }
                (cell.value, cell.seen) = (value, self.seen);
                true
            }
        }
    }

    /// Puts the point into `batch`, or says why there is none.
    pub(super) fn push(&mut self, batch: &mut Batch, series: SeriesId, times: Times) -> Result<(), Reason> {
        if !self.ascends {
            // The numbers of cells are in use: their lines are looked up, not their order.
            return self.in_order().push(batch, series, times);
        }
        if self.is_summary {
            self.push_summary(batch, series, times)
        } else {
            self.push_histogram(batch, series, times)
        }
    }

    /// The same with its cells in order.
    fn in_order(&self) -> Self {
        let mut cells = self.cells.clone();
        cells.sort_by(|a, b| a.key.total_cmp(&b.key));
        Self { cells, ascends: true, ..*self }
    }

    /// The cells that came in this scrape.
    fn present(&self) -> impl Iterator<Item = &Cell> {
        self.cells.iter().filter(|cell| cell.seen == self.seen)
    }

    /// What OpenTelemetry says of "Histograms": without a count there is none, without a sum it has none. Where the count is missing
    /// the bucket of +Inf is the count by definition (OpenMetrics 1.0, "Histogram").
    fn push_histogram(&self, batch: &mut Batch, series: SeriesId, times: Times) -> Result<(), Reason> {
        let whole = self.present().last().filter(|cell| cell.key == f64::INFINITY).map(|cell| cell.value);
        let count = count(self.count.or(whole).ok_or(BAD_HISTOGRAM)?).ok_or(BAD_HISTOGRAM)?;
        let mut below = 0;
        for cell in self.present() {
            let up_to = self::count(cell.value).filter(|up_to| (below..=count).contains(up_to));
            below = up_to.ok_or(BAD_HISTOGRAM)?;
        }
        let finite = || self.present().filter(|cell| cell.key < f64::INFINITY);
        let bounds = batch.push_bounds(finite().map(|cell| cell.key));
        let mut below = 0;
        let up_to = finite().map(|cell| cell.value as u64).chain([count]);
        let counts = batch.push_counts(up_to.map(|up_to| up_to - std::mem::replace(&mut below, up_to)));
        batch.histograms.push(HistogramPoint {
            series,
            flags: if self.sum.is_some() { Flags::SUM } else { Flags::default() },
            start: times.start,
            time: times.time,
            count,
            sum: self.sum.unwrap_or_default(),
            min: 0.0,
            max: 0.0,
            counts,
            bounds,
        });
        Ok(())
    }

    /// "Summaries": without a count there is none, without a sum it is zero.
    fn push_summary(&self, batch: &mut Batch, series: SeriesId, times: Times) -> Result<(), Reason> {
        let count = count(self.count.ok_or(BAD_SUMMARY)?).ok_or(BAD_SUMMARY)?;
        let quantiles = batch.push_bounds(self.present().flat_map(|cell| [cell.key, cell.value]));
        batch.summaries.push(SummaryPoint {
            series,
            flags: Flags::default(),
            start: times.start,
            time: times.time,
            count,
            sum: self.sum.unwrap_or_default(),
            quantiles,
        });
        Ok(())
    }
}

/// A count that came as a double; `None` where it is none.
fn count(value: f64) -> Option<u64> {
    (0.0..=u64::MAX as f64).contains(&value).then_some(value as u64)
}
