use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use weir_core::{
    Ack, Batch, Context, Flags, Interner, Lease, Out, PerSeries, Processor, Reason, Series, SeriesId,
    StreamId, UnixNanos, Verdict,
};
use weir_window::Period;

use super::{
    GaugeStatistic,
    cells::{Cell, Gathered, GatheredExplicit, GatheredExponential, GatheredNumber, GatheredSummary, Role},
    cut::{Limits, cut},
    statistics::Statistics,
};

/// How long a window stays open after its end for points on their way, at most; a tenth of it where that is less.
const LONGEST_GRACE: Duration = Duration::from_secs(5);
/// Beyond this many open windows the oldest closes early: a point more costs less than their memory.
const MAX_OPEN: usize = 64;

/// Makes one point a series and window of many.
pub(super) struct Windower {
    period: Period,
    grace: Duration,
    limits: Limits,
    context: Context,
    open: BTreeMap<u64, Open>,
    statistics: Statistics,
}

/// A window whose points still come.
struct Open {
    numbers: PerSeries<Cell<GatheredNumber>>,
    explicit: PerSeries<Cell<GatheredExplicit>>,
    exponential: PerSeries<Cell<GatheredExponential>>,
    summaries: PerSeries<Cell<GatheredSummary>>,
    /// What could not be one with what came later of its series.
    apart: Batch,
    ack: Ack,
    /// Points of all cells, and of `apart`.
    points: u64,
    due: UnixNanos,
}

impl Windower {
    pub(super) fn new(period: Period, gauges: &[GaugeStatistic], limits: Limits, context: Context) -> Self {
        let grace = (period.length() / 10).min(LONGEST_GRACE);
        let statistics = Statistics::new(gauges);
        Self { period, grace, limits, context, open: BTreeMap::new(), statistics }
    }

    fn close(&mut self, start: u64, out: &mut Out) {
        let Some(open) = self.open.remove(&start) else { return };
        let points = open.points;
        let (mut batch, numbers) = open.into_batch(&self.context.interner);
        self.context.ledger.merge(points - batch.points());
        let made = self.statistics.write(&numbers, &self.context.interner, &mut batch);
        self.context.ledger.make(made);
        cut(batch, self.limits, |piece| out.push(piece));
    }

    /// Closes the oldest window where there is one too many; answers which.
    fn close_surplus(&mut self, out: &mut Out) -> Option<u64> {
        let oldest = *self.open.keys().next().filter(|_| self.open.len() > MAX_OPEN)?;
        self.close(oldest, out);
        Some(oldest)
    }
}

impl Processor for Windower {
    fn process(&mut self, mut batch: Batch, out: &mut Out) {
        let now = self.context.clock.now();
        let mut ack = std::mem::take(&mut batch.ack);
        // From here on the window answers for the points (R10).
        ack.take_custody();
        let mut taking = Taking {
            windower: self,
            out,
            now,
            batch: &batch,
            ack: &ack,
            touched: Vec::new(),
            dropped: BTreeMap::new(),
        };
        for point in &batch.numbers {
            if taking.adds_up(point.series, point.value().as_f64()) {
                taking.take(point.series, point.flags, point, |open| &mut open.numbers);
            }
        }
        for point in &batch.histograms {
            if taking.adds_up(point.series, stated_sum(point.flags, point.sum)) {
                taking.take(point.series, point.flags, point, |open| &mut open.explicit);
            }
        }
        for point in &batch.exponential_histograms {
            if taking.adds_up(point.series, stated_sum(point.flags, point.sum)) {
                taking.take(point.series, point.flags, point, |open| &mut open.exponential);
            }
        }
        for point in &batch.summaries {
            taking.take(point.series, point.flags, point, |open| &mut open.summaries);
        }
        for (reason, points) in std::mem::take(&mut taking.dropped) {
            self.context.ledger.drop_points(reason, points);
        }
        // Every window that was touched has a part of its own; without any, all there was is counted as dropped.
        ack.settle(Verdict::Delivered);
        self.close_surplus(out);
    }

    fn tick(&mut self, now: UnixNanos, out: &mut Out) {
        self.statistics.forget_gone(&self.context.interner);
        let due = self.open.iter().filter(|(_, open)| open.due <= now);
        for start in due.map(|(start, _)| *start).collect::<Vec<_>>() {
            self.close(start, out);
        }
    }

    fn tick_every(&self) -> Option<Duration> {
        Some((self.period.length() / 10).min(Duration::from_secs(1)))
    }

    fn flush(&mut self, out: &mut Out) {
        for start in self.open.keys().copied().collect::<Vec<_>>() {
            self.close(start, out);
        }
    }

    fn held(&self) -> u64 {
        self.open.values().map(|open| open.points).sum()
    }
}

/// A batch on its way into windows.
struct Taking<'a> {
    windower: &'a mut Windower,
    out: &'a mut Out,
    now: UnixNanos,
    batch: &'a Batch,
    ack: &'a Ack,
    /// Windows that are open and have a part of the ack already: nearly always one.
    touched: Vec<u64>,
    dropped: BTreeMap<Reason, u64>,
}

impl Taking<'_> {
    /// Whether `value` may go into a sum: an increment that is no number would make the sum of all others nothing, and is counted.
    /// Of a gauge it is taken: the next reading replaces it.
    fn adds_up(&mut self, series: SeriesId, value: f64) -> bool {
        let is_delta = |series: Arc<Series>| Role::of(series.descriptor()) == Role::AddUp;
        let is_lost =
            !value.is_finite() && self.windower.context.interner.resolve(series).is_some_and(is_delta);
        if is_lost {
            *self.dropped.entry(Reason::NOT_FINITE).or_default() += 1;
        }
        !is_lost
    }

    fn take<G: Gathered>(
        &mut self,
        series: SeriesId,
        flags: Flags,
        point: &G::Point,
        table: impl Fn(&mut Open) -> &mut PerSeries<Cell<G>>,
    ) {
        if flags.has(Flags::NO_RECORDED_VALUE) {
            *self.dropped.entry(Reason::NO_RECORDED_VALUE).or_default() += 1;
            return;
        }
        let start = self.windower.period.start_of(G::time(point).0);
        if !self.touched.contains(&start) {
            self.touch(start);
        }
        let Windower { open, context, .. } = &mut *self.windower;
        let Some(open) = open.get_mut(&start) else { return }; // touched, and so open
        open.points += 1;
        if let Some(cell) = table(open).get_mut(series) {
            if cell.take(point, self.batch) {
                return;
            }
            // Other bounds, or more than 64 bits hold: what was gathered so far stays a point of its own.
            let fresh = Cell::begin(point, self.batch, cell.role);
            let before = std::mem::replace(cell, fresh);
            before.gathered.write(series, &mut open.apart);
            return;
        }
        // The batch's lease keeps the series resolvable (R1).
        let role =
            context.interner.resolve(series).map_or(Role::Last, |series| Role::of(series.descriptor()));
        table(open).insert(series, Cell::begin(point, self.batch, role));
    }
}

impl Taking<'_> {
    /// Opens the window that begins at `start`, if it is not, and gives it a part of the ack. A batch of many windows, such as what a
    /// sender has kept for a week, has one more of them open than may stay.
    fn touch(&mut self, start: u64) {
        if let Some(closed) = self.windower.close_surplus(self.out) {
            self.touched.retain(|touched| *touched != closed);
        }
        let Windower { period, grace, open, .. } = &mut *self.windower;
        let (now, lease) = (self.now, &self.batch.lease);
        let open = open.entry(start).or_insert_with(|| {
            // A window that is over already leaves with the one that is open; one far ahead does not wait for its own end, since
            // its lease would with it.
            let end = period.end_of(start.clamp(now.0, now.plus(period.length()).0));
            Open::new(lease.clone(), UnixNanos(end).plus(*grace))
        });
        open.ack.join(self.ack.clone());
        open.apart.lease.cover(lease);
        self.touched.push(start);
    }
}

/// The sum of a histogram, or zero where none is stated.
fn stated_sum(flags: Flags, sum: f64) -> f64 {
    if flags.has(Flags::SUM) { sum } else { 0.0 }
}

impl Open {
    fn new(lease: Lease, due: UnixNanos) -> Self {
        Self {
            numbers: PerSeries::default(),
            explicit: PerSeries::default(),
            exponential: PerSeries::default(),
            summaries: PerSeries::default(),
            apart: Batch::under(lease),
            ack: Ack::none(),
            points: 0,
            due,
        }
    }

    /// A point a series, under the newest name of its stream (R2).
    fn into_batch(self, interner: &Interner) -> (Batch, PerSeries<Cell<GatheredNumber>>) {
        let mut names = Names::default();
        names.note(&self.numbers, interner);
        names.note(&self.explicit, interner);
        names.note(&self.exponential, interner);
        names.note(&self.summaries, interner);
        let newest = names.newest();
        let mut batch = self.apart;
        batch.for_each_series(|id| *id = newest.get(id).copied().unwrap_or(*id));
        write(&self.numbers, &newest, &mut batch);
        write(&self.explicit, &newest, &mut batch);
        write(&self.exponential, &newest, &mut batch);
        write(&self.summaries, &newest, &mut batch);
        // It may be cut, and each piece carries it.
        batch.ack = self.ack.shared();
        (batch, self.numbers)
    }
}

fn write<G: Gathered>(table: &PerSeries<Cell<G>>, newest: &HashMap<SeriesId, SeriesId>, batch: &mut Batch) {
    for (id, cell) in table.iter() {
        cell.gathered.write(newest.get(&id).copied().unwrap_or(id), batch);
    }
}

/// Who was called what, and when.
#[derive(Default)]
struct Names(HashMap<StreamId, Vec<(UnixNanos, UnixNanos, Arc<Series>)>>);

impl Names {
    fn note<G>(&mut self, table: &PerSeries<Cell<G>>, interner: &Interner) {
        for (id, cell) in table.iter() {
            if let Some(series) = interner.resolve(id) {
                self.0.entry(series.stream()).or_default().push((cell.first, cell.last, series));
            }
        }
    }

    /// The newest name of each series whose stream was called something else later. Names that overlap in time are no change
    /// of name: two ways lead here, on which the stream is called differently.
    fn newest(self) -> HashMap<SeriesId, SeriesId> {
        let mut newest = HashMap::new();
        for mut names in self.0.into_values().filter(|names| names.len() > 1) {
            names.sort_by_key(|(first, ..)| *first);
            let mut name: Option<(UnixNanos, Arc<Series>)> = None;
            for (first, last, series) in names.into_iter().rev() {
                match &name {
                    Some((from, later)) if last < *from && is_same_kind(&series, later) => {
                        newest.insert(series.id(), later.id());
                        name = Some((first, Arc::clone(later)));
                    }
                    _ => name = Some((first, series)),
                }
            }
        }
        newest
    }
}

fn is_same_kind(one: &Series, other: &Series) -> bool {
    let (one, other) = (one.descriptor(), other.descriptor());
    (one.kind, one.temporality, one.monotonic) == (other.kind, other.temporality, other.monotonic)
        && one.unit == other.unit
}
