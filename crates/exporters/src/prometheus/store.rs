//! The newest value of every series.

use std::{
    collections::{BTreeMap, HashMap},
    ops::Bound,
    sync::Arc,
    time::Duration,
};

use weir_core::{
    Batch, Flags, Identity, Interner, Kind, PerSeries, Reason, Resource, Series, SeriesId, StreamId,
    Temporality, UnixNanos,
};

use super::{
    Config, EXPONENTIAL_HISTOGRAM, SERIES_CONFLICT, TYPE_CONFLICT,
    labels::{self, Labels},
    names::{self, MetricName},
    value::Value,
};

/// A series that comes more often than this is not forgotten at the doors, however many there are (R4).
const FORGOTTEN: Duration = Duration::from_secs(5 * 60);

/// Families by name.
#[derive(Debug)]
pub struct Store {
    pub(super) config: Config,
    families: BTreeMap<String, Family>,
    entries: HashMap<u64, Entry>,
    /// The number of the next entry: none is given twice.
    next: u64,
    /// How many entries have gone.
    gone: u64,
    places: PerSeries<Place>,
}

/// Where the points of a series go.
#[derive(Clone, Copy, Debug)]
enum Place {
    /// To the entry of this number, as long as it is there and takes this stream.
    Entry(u64, StreamId),
    /// Nowhere, as long as no more entries than so many have gone: one of them is in the way, and may be silent some time after `since`.
    Nowhere { reason: Reason, gone: u64, since: UnixNanos },
}

#[derive(Debug)]
struct Family {
    head: Head,
    entries: BTreeMap<Labels, u64>,
}

/// What is written of a family before its series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) name: MetricName,
    pub(super) kind: Shown,
}

/// What a metric is to Prometheus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    Gauge,
    Counter,
    Histogram,
    Summary,
}

/// A series.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) value: Value,
    /// The time of its newest point.
    pub(super) time: UnixNanos,
    /// When that came.
    came: UnixNanos,
    /// What is shown here.
    identity: Identity,
    stream: StreamId,
    family: String,
    labels: Labels,
}

impl Entry {
    pub(super) fn resource(&self) -> &Arc<Resource> {
        &self.identity.resource
    }

    fn is_delta(&self) -> bool {
        self.identity.descriptor.temporality == Temporality::Delta
    }

    /// Whether a point of `stream`, which was shown here before, goes on here: another may have taken its place since.
    fn takes(&self, stream: StreamId) -> bool {
        self.is_delta() || self.stream == stream
    }

    /// Whether `series` is shown here too. Streams are not merged (R2) but for increments of what is the same by its identity: these add
    /// up. A series that was forgotten and comes back is another stream, and has been silent before.
    fn shows(&self, series: &Series, now: UnixNanos) -> bool {
        let is_silent = now.since(self.came) >= FORGOTTEN;
        self.stream == series.stream()
            || (self.identity == *series.identity() && (self.is_delta() || is_silent))
    }
}

/// How many points were not taken, and why.
pub type Dropped = BTreeMap<Reason, u64>;

impl Store {
    /// Nothing yet.
    pub fn new(config: &Config) -> Self {
        Self {
            config: config.clone(),
            families: BTreeMap::new(),
            entries: HashMap::new(),
            next: 0,
            gone: 0,
            places: PerSeries::default(),
        }
    }

    /// Takes the points of `batch`, which came at `now`; answers what was not taken.
    pub fn take(&mut self, batch: &Batch, interner: &Interner, now: UnixNanos) -> Dropped {
        let mut dropped = Dropped::new();
        let exponential = batch.exponential_histograms.len() as u64;
        if exponential > 0 {
            dropped.insert(EXPONENTIAL_HISTOGRAM, exponential);
        }
        let mut take = |id: SeriesId, flags: Flags, time: UnixNanos, change: &dyn Fn(&mut Value, bool)| {
            let place = match self.place(id, interner, now) {
                Ok(place) => place,
                Err(reason) => return *dropped.entry(reason).or_default() += 1,
            };
            if flags.has(Flags::NO_RECORDED_VALUE) {
                *dropped.entry(Reason::NO_RECORDED_VALUE).or_default() += 1;
                self.remove(place);
            } else if let Some(entry) = self.entries.get_mut(&place) {
                // An older point of a series that is not added up says nothing new.
                let is_delta = entry.is_delta();
                if is_delta || time >= entry.time {
                    change(&mut entry.value, is_delta);
                    entry.time = time.max(entry.time);
                }
                entry.came = now;
            }
        };
        for point in &batch.numbers {
            take(point.series, point.flags, point.time, &|value, adds| value.number(point, adds));
        }
        for point in &batch.histograms {
            take(point.series, point.flags, point.time, &|value, adds| value.histogram(point, batch, adds));
        }
        for point in &batch.summaries {
            take(point.series, point.flags, point.time, &|value, _| value.summary(point, batch));
        }
        dropped
    }

    /// Lets go of series that have not come for as long as `metric_expiration`.
    pub(super) fn expire(&mut self, now: UnixNanos) {
        let old = self.entries.iter().filter(|(_, entry)| self.is_old(entry, now));
        let old: Vec<u64> = old.map(|(place, _)| *place).collect();
        if old.is_empty() {
            return;
        }
        old.into_iter().for_each(|place| self.remove(place));
        let entries = &self.entries;
        self.places.retain(|_, place| matches!(place, Place::Entry(place, _) if entries.contains_key(place)));
    }

    fn is_old(&self, entry: &Entry, now: UnixNanos) -> bool {
        now.since(entry.came) >= self.config.metric_expiration.0
    }

    /// The family whose name comes after `last` in the order of names.
    pub(super) fn family_after(&self, last: Option<&str>) -> Option<Head> {
        let from = last.map_or(Bound::Unbounded, Bound::Excluded);
        let mut families = self.families.range::<str, _>((from, Bound::Unbounded));
        families.next().map(|(_, family)| family.head.clone())
    }

    /// The series of a family that are shown at `now`, in the order of their labels, from behind `last` on.
    pub(super) fn series_after<'s>(
        &'s self,
        head: &Head,
        last: Option<&Labels>,
        now: UnixNanos,
    ) -> impl Iterator<Item = (&'s Labels, &'s Entry)> {
        let family = self.families.get(&head.name.family).filter(|family| family.head == *head);
        let from = last.map_or(Bound::Unbounded, Bound::Excluded);
        let entries = family
            .into_iter()
            .flat_map(move |family| family.entries.range::<Labels, _>((from, Bound::Unbounded)));
        let entries = entries.filter_map(|(labels, place)| Some((labels, self.entries.get(place)?)));
        entries.filter(move |(_, entry)| !self.is_old(entry, now))
    }

    fn remove(&mut self, place: u64) {
        let Some(entry) = self.entries.remove(&place) else { return };
        self.gone += 1;
        if let Some(family) = self.families.get_mut(&entry.family) {
            family.entries.remove(&entry.labels);
            if family.entries.is_empty() {
                self.families.remove(&entry.family);
            }
        }
    }

    /// The entry that a series is shown as, or why it is not.
    fn place(&mut self, id: SeriesId, interner: &Interner, now: UnixNanos) -> Result<u64, Reason> {
        match self.places.get(id) {
            Some(Place::Entry(place, stream))
                if self.entries.get(place).is_some_and(|e| e.takes(*stream)) =>
            {
                return Ok(*place);
            }
            Some(Place::Nowhere { reason, gone, since })
                if *gone == self.gone && now.since(*since) < FORGOTTEN =>
            {
                return Err(*reason);
            }
            _ => {}
        }
        // The batch's lease keeps the id resolvable (R1).
        let series = interner.resolve(id).ok_or(SERIES_CONFLICT)?;
        let entered = self.enter(&series, now);
        let place = match entered {
            Ok(place) => Place::Entry(place, series.stream()),
            Err(reason) => Place::Nowhere { reason, gone: self.gone, since: now },
        };
        self.places.insert(id, place);
        entered
    }

    fn enter(&mut self, series: &Series, now: UnixNanos) -> Result<u64, Reason> {
        let metric = series.descriptor();
        let name = names::metric(metric, &self.config.namespace, self.config.add_metric_suffixes);
        let kind = match metric.kind {
            Kind::Sum if metric.monotonic => Shown::Counter,
            Kind::Gauge | Kind::Sum => Shown::Gauge,
            Kind::Histogram => Shown::Histogram,
            Kind::Summary => Shown::Summary,
            Kind::ExponentialHistogram => return Err(EXPONENTIAL_HISTOGRAM),
        };
        let labels = labels::of(series, kind, &self.config);
        let key = name.family.clone();
        let new = || Family { head: Head { name, kind }, entries: BTreeMap::new() };
        let family = self.families.entry(key.clone()).or_insert_with(new);
        if family.head.kind != kind {
            return Err(TYPE_CONFLICT);
        }
        if let Some((place, entry)) =
            family.entries.get(&labels).and_then(|place| Some((*place, self.entries.get_mut(place)?)))
        {
            if !entry.shows(series, now) {
                return Err(SERIES_CONFLICT);
            }
            entry.stream = series.stream();
            return Ok(place);
        }
        let place = self.next;
        self.next += 1;
        family.entries.insert(labels.clone(), place);
        self.entries.insert(
            place,
            Entry {
                value: Value::Number(0.0),
                time: UnixNanos(0),
                came: UnixNanos(0),
                identity: series.identity().clone(),
                stream: series.stream(),
                family: key,
                labels,
            },
        );
        Ok(place)
    }
}
