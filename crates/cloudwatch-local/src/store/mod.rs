//! What was published, in memory.
//!
//! Readings are aggregated as they come into datapoints of a second or a minute (by their resolution), per metric
//! and unit, each with its whole multiset of values. A query merges datapoints into its periods.

use std::collections::{BTreeMap, HashMap};

use parking_lot::Mutex;

use crate::model::{Datum, Dimension, MetricId, Occurrence, Resolution, Unit};

pub(crate) use aggregate::Aggregate;
use aggregate::CompensatedSum;

mod aggregate;
#[cfg(test)]
mod tests;

const HOUR_S: i64 = 3600;
const DAY_S: i64 = 24 * HOUR_S;

/// How much is kept. What is evicted is gone from queries, but not from the totals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Datapoints of one metric and unit; the oldest go first. 1440 by default: a day of minutes.
    pub datapoints_per_series: usize,
    /// Metrics; an eighth of them goes at a time, those longest not written to. 1,000,000 by default.
    pub metrics: usize,
}

impl Default for Retention {
    fn default() -> Self {
        Self { datapoints_per_series: 1440, metrics: 1_000_000 }
    }
}

/// The state of one metric in one unit.
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesSummary {
    /// The metric.
    pub metric: MetricId,
    /// The unit.
    pub unit: Unit,
    /// The newest datapoint.
    pub last: Datapoint,
    /// Samples ever stored.
    pub total_count: f64,
    /// Their sum.
    pub total_sum: f64,
}

/// A stored datapoint: a second or a minute of one metric in one unit.
#[derive(Clone, Debug, PartialEq)]
pub struct Datapoint {
    /// Its beginning, in seconds since the Unix epoch.
    pub start_s: i64,
    /// Its length.
    pub resolution: Resolution,
    /// The unit.
    pub unit: Unit,
    /// Samples.
    pub count: f64,
    /// Their sum.
    pub sum: f64,
    /// The least.
    pub minimum: f64,
    /// The greatest.
    pub maximum: f64,
    /// The distinct values in ascending order with their counts; `None` if a statistic set hid them.
    pub values: Option<Vec<Occurrence>>,
}

/// What was stored and evicted so far.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct StoreTotals {
    /// Datums accepted.
    pub datums: u64,
    /// Samples accepted.
    pub samples: f64,
    /// Datapoints that [`Retention`] removed.
    pub evicted_datapoints: u64,
    /// Metrics that [`Retention`] removed.
    pub evicted_metrics: u64,
}

/// A store of metrics. Shared with the server that fills it, and safe to read at any time.
#[derive(Debug)]
pub struct Store {
    retention: Retention,
    keeps_journal: bool,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    metrics: HashMap<MetricId, Metric>,
    totals: StoreTotals,
    journal: Vec<Datum>,
    /// Counts datums, to number metrics and to order them by their last write.
    clock: u64,
}

#[derive(Debug)]
struct Metric {
    /// Grows with every new metric: the order of `ListMetrics`, in which a page's end stays where it is.
    number: u64,
    last_write: u64,
    newest_s: i64,
    series: BTreeMap<Unit, Series>,
}

#[derive(Debug, Default)]
struct Series {
    datapoints: BTreeMap<(i64, Resolution), Aggregate>,
    total_count: f64,
    total_sum: CompensatedSum,
}

/// Which periods a query wants. Times are in seconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::struct_field_names, reason = "the unit belongs in the name")]
pub(crate) struct Range {
    /// The beginning of the first period.
    pub(crate) start_s: i64,
    /// Past the last datapoint.
    pub(crate) end_s: i64,
    /// The length of a period; above 0.
    pub(crate) period_s: i64,
    /// The present.
    pub(crate) now_s: i64,
}

impl Range {
    /// The period of a datapoint that the query may see.
    fn period_of(&self, start_s: i64, resolution: Resolution) -> Option<i64> {
        let wanted = (self.start_s..self.end_s).contains(&start_s) && self.is_retained(start_s, resolution);
        wanted.then(|| start_s - (start_s - self.start_s) % self.period_s)
    }

    /// CloudWatch's retention: the older the data, the longer the shortest period that shows it.
    fn is_retained(&self, start_s: i64, resolution: Resolution) -> bool {
        let shortest_period_s = match self.now_s - start_s {
            age if age > 455 * DAY_S => return false,
            age if age > 63 * DAY_S => HOUR_S,
            age if age > 15 * DAY_S => 300,
            age if age > 3 * HOUR_S => 60,
            _ => resolution.seconds(),
        };
        self.period_s % shortest_period_s == 0
    }
}

/// A metric as `ListMetrics` needs it.
#[derive(Debug)]
pub(crate) struct Listed {
    pub(crate) number: u64,
    pub(crate) metric: MetricId,
}

impl Store {
    /// An empty store.
    pub fn new(retention: Retention, keeps_journal: bool) -> Self {
        Self { retention, keeps_journal, inner: Mutex::default() }
    }

    /// Every metric and unit, sorted, with its newest datapoint and its totals.
    pub fn series(&self) -> Vec<SeriesSummary> {
        let inner = self.inner.lock();
        let mut summaries: Vec<_> =
            inner.metrics.iter().flat_map(|(id, metric)| metric.summaries(id)).collect();
        summaries.sort_by(|a, b| (&a.metric, a.unit).cmp(&(&b.metric, b.unit)));
        summaries
    }

    /// The stored datapoints of a metric in all its units, by time; dimensions in any order.
    pub fn datapoints(&self, namespace: &str, name: &str, dimensions: &[Dimension]) -> Vec<Datapoint> {
        let id = MetricId::new(namespace, name, dimensions);
        let inner = self.inner.lock();
        let Some(metric) = inner.metrics.get(&id) else { return Vec::new() };
        let mut datapoints: Vec<_> = metric
            .series
            .iter()
            .flat_map(|(unit, series)| {
                series.datapoints.iter().map(|(key, value)| datapoint(*unit, *key, value))
            })
            .collect();
        datapoints.sort_by_key(|datapoint| (datapoint.start_s, datapoint.unit));
        datapoints
    }

    /// Samples ever stored, over all metrics.
    pub fn total_samples(&self) -> f64 {
        self.totals().samples
    }

    /// What was stored and evicted so far.
    pub fn totals(&self) -> StoreTotals {
        self.inner.lock().totals
    }

    /// Every accepted datum in the order of acceptance, if the server was told to keep a journal. It is unbounded.
    pub fn journal(&self) -> Vec<Datum> {
        self.inner.lock().journal.clone()
    }

    /// Takes the journal's content, leaving it empty.
    pub fn take_journal(&self) -> Vec<Datum> {
        std::mem::take(&mut self.inner.lock().journal)
    }

    /// Stores the datums of one request, all at once for any reader.
    pub(crate) fn put(&self, datums: Vec<Datum>) {
        let mut inner = self.inner.lock();
        for datum in &datums {
            inner.put(datum, self.retention);
        }
        if self.keeps_journal {
            inner.journal.extend(datums);
        }
    }

    /// A metric's periods that have data, by unit; of one unit if it is given.
    pub(crate) fn periods(
        &self,
        id: &MetricId,
        unit: Option<Unit>,
        range: Range,
    ) -> BTreeMap<(i64, Unit), Aggregate> {
        let mut periods = BTreeMap::new();
        let inner = self.inner.lock();
        let Some(metric) = inner.metrics.get(id) else { return periods };
        for (of, series) in metric.series.iter().filter(|(of, _)| unit.is_none_or(|unit| unit == **of)) {
            for ((start_s, resolution), aggregate) in &series.datapoints {
                if let Some(period) = range.period_of(*start_s, *resolution) {
                    periods.entry((period, *of)).or_insert_with(Aggregate::empty).merge(aggregate);
                }
            }
        }
        periods
    }

    /// The metrics whose newest datapoint is at or after `since_s` and that pass the filter, in the order in which
    /// they were created, from after the one numbered `after`.
    pub(crate) fn list(
        &self,
        after: Option<u64>,
        since_s: i64,
        filter: impl Fn(&MetricId) -> bool,
    ) -> Vec<Listed> {
        let inner = self.inner.lock();
        let mut listed: Vec<_> = inner
            .metrics
            .iter()
            .filter(|(id, metric)| {
                after.is_none_or(|after| metric.number > after) && metric.newest_s >= since_s && filter(id)
            })
            .map(|(id, metric)| Listed { number: metric.number, metric: id.clone() })
            .collect();
        listed.sort_by_key(|listed| listed.number);
        listed
    }
}

impl Inner {
    fn put(&mut self, datum: &Datum, retention: Retention) {
        self.totals.datums += 1;
        self.totals.samples += datum.reading.sample_count();
        self.clock += 1;
        let clock = self.clock;
        if !self.metrics.contains_key(&datum.metric) {
            self.make_room(retention.metrics);
        }
        let start_s = floor_to(datum.time_ms.div_euclid(1000), datum.resolution.seconds());
        let metric = self.metrics.entry(datum.metric.clone()).or_insert_with(|| Metric {
            number: clock,
            last_write: clock,
            newest_s: start_s,
            series: BTreeMap::new(),
        });
        metric.last_write = clock;
        metric.newest_s = metric.newest_s.max(start_s);

        let reading = Aggregate::of(&datum.reading);
        let series = metric.series.entry(datum.unit).or_default();
        series.total_count += reading.count();
        series.total_sum.add(reading.sum());
        series.datapoints.entry((start_s, datum.resolution)).or_insert_with(Aggregate::empty).merge(&reading);
        while series.datapoints.len() > retention.datapoints_per_series.max(1) {
            series.datapoints.pop_first();
            self.totals.evicted_datapoints += 1;
        }
    }

    /// Evicts in bulk: a scan for each new metric would make a store at its cap quadratic.
    fn make_room(&mut self, cap: usize) {
        if self.metrics.len() < cap.max(1) {
            return;
        }
        let mut writes: Vec<u64> = self.metrics.values().map(|metric| metric.last_write).collect();
        let (_, newest_evicted, _) = writes.select_nth_unstable(self.metrics.len() / 8);
        let newest_evicted = *newest_evicted;
        let totals = &mut self.totals;
        self.metrics.retain(|_, metric| {
            let kept = metric.last_write > newest_evicted;
            if !kept {
                totals.evicted_metrics += 1;
                totals.evicted_datapoints +=
                    metric.series.values().map(|s| s.datapoints.len() as u64).sum::<u64>();
            }
            kept
        });
    }
}

impl Metric {
    fn summaries(&self, id: &MetricId) -> impl Iterator<Item = SeriesSummary> {
        self.series.iter().filter_map(|(unit, series)| {
            let (key, newest) = series.datapoints.last_key_value()?;
            Some(SeriesSummary {
                metric: id.clone(),
                unit: *unit,
                last: datapoint(*unit, *key, newest),
                total_count: series.total_count,
                total_sum: series.total_sum.value(),
            })
        })
    }
}

fn datapoint(unit: Unit, (start_s, resolution): (i64, Resolution), aggregate: &Aggregate) -> Datapoint {
    Datapoint {
        start_s,
        resolution,
        unit,
        count: aggregate.count(),
        sum: aggregate.sum(),
        minimum: aggregate.minimum(),
        maximum: aggregate.maximum(),
        values: aggregate.values(),
    }
}

/// The last multiple of `step` that is not after `time`.
pub(crate) fn floor_to(time: i64, step: i64) -> i64 {
    time - time.rem_euclid(step)
}
