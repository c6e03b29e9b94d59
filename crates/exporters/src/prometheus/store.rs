//! The newest value of every series.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use weir_core::{
    Batch, Flags, HistogramPoint, Interner, Kind, NumberPoint, PerSeries, Reason, Resource, Series, SeriesId,
    SummaryPoint, Temporality, UnixNanos,
};

use super::{
    Config, EXPONENTIAL_HISTOGRAM, TYPE_CONFLICT,
    names::{self, MetricName},
};

/// Sorted labels.
pub(super) type Labels = Vec<(String, String)>;

/// Families by name.
#[derive(Debug)]
pub(super) struct Store {
    pub(super) config: Config,
    pub(super) families: BTreeMap<String, Family>,
    entries: HashMap<u32, Entry>,
    next: u32,
    /// Which entry a series is; `None` where its name is of another type. Emptied when an entry goes: that is rare, and what is there
    /// is found again by its labels.
    places: PerSeries<Option<u32>>,
}

/// A family.
#[derive(Debug)]
pub(super) struct Family {
    pub(super) name: MetricName,
    pub(super) kind: Shown,
    entries: BTreeMap<Labels, u32>,
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
    pub(super) resource: Arc<Resource>,
    is_delta: bool,
    family: String,
    labels: Labels,
}

/// A value.
#[derive(Debug)]
pub(super) enum Value {
    Number(f64),
    Histogram { bounds: Vec<f64>, counts: Vec<u64>, count: u64, sum: Option<f64> },
    Summary { count: u64, sum: f64, quantiles: Vec<f64> },
}

/// Points that were not taken.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Dropped {
    exponential: u64,
    conflict: u64,
    no_value: u64,
}

impl Dropped {
    pub(super) fn by_reason(self) -> [(Reason, u64); 3] {
        [
            (EXPONENTIAL_HISTOGRAM, self.exponential),
            (TYPE_CONFLICT, self.conflict),
            (Reason::NO_RECORDED_VALUE, self.no_value),
        ]
    }
}

impl Store {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            config: config.clone(),
            families: BTreeMap::new(),
            entries: HashMap::new(),
            next: 0,
            places: PerSeries::default(),
        }
    }

    /// Takes the points of `batch`, which came at `now`; answers what was not taken.
    pub(super) fn take(&mut self, batch: &Batch, interner: &Interner, now: UnixNanos) -> Dropped {
        let mut dropped =
            Dropped { exponential: batch.exponential_histograms.len() as u64, ..Dropped::default() };
        let mut take = |id: SeriesId, flags: Flags, time: UnixNanos, change: &dyn Fn(&mut Entry)| {
            let Some(place) = self.place(id, interner) else {
                dropped.conflict += 1;
                return;
            };
            if flags.has(Flags::NO_RECORDED_VALUE) {
                dropped.no_value += 1;
                self.remove(place);
            } else if let Some(entry) = self.entries.get_mut(&place) {
                // An older point of a series that is not added up says nothing new.
                if entry.is_delta || time >= entry.time {
                    change(entry);
                    entry.time = time.max(entry.time);
                }
                entry.came = now;
            }
        };
        for point in &batch.numbers {
            take(point.series, point.flags, point.time, &|entry| entry.number(point));
        }
        for point in &batch.histograms {
            take(point.series, point.flags, point.time, &|entry| entry.histogram(point, batch));
        }
        for point in &batch.summaries {
            take(point.series, point.flags, point.time, &|entry| entry.summary(point, batch));
        }
        dropped
    }

    /// Lets go of series that have not come for as long as `metric_expiration`.
    pub(super) fn expire(&mut self, now: UnixNanos) {
        let longest = u64::try_from(self.config.metric_expiration.0.as_nanos()).unwrap_or(u64::MAX);
        let is_old = |entry: &Entry| now.0.saturating_sub(entry.came.0) >= longest;
        let old: Vec<u32> =
            self.entries.iter().filter(|(_, entry)| is_old(entry)).map(|(place, _)| *place).collect();
        old.into_iter().for_each(|place| self.remove(place));
    }

    /// The series of a family, in the order of their labels.
    pub(super) fn series_of<'a>(
        &'a self,
        family: &'a Family,
    ) -> impl Iterator<Item = (&'a Labels, &'a Entry)> {
        family.entries.iter().filter_map(|(labels, place)| Some((labels, self.entries.get(place)?)))
    }

    fn remove(&mut self, place: u32) {
        let Some(entry) = self.entries.remove(&place) else { return };
        self.places = PerSeries::default();
        if let Some(family) = self.families.get_mut(&entry.family) {
            family.entries.remove(&entry.labels);
            if family.entries.is_empty() {
                self.families.remove(&entry.family);
            }
        }
    }

    fn place(&mut self, id: SeriesId, interner: &Interner) -> Option<u32> {
        if let Some(place) = self.places.get(id) {
            return *place;
        }
        let place = self.enter(&*interner.resolve(id)?); // the batch's lease keeps the id resolvable (R1)
        self.places.insert(id, place);
        place
    }

    fn enter(&mut self, series: &Series) -> Option<u32> {
        let metric = series.descriptor();
        let name = names::metric(metric, &self.config.namespace, self.config.add_metric_suffixes);
        let kind = match metric.kind {
            Kind::Sum if metric.monotonic => Shown::Counter,
            Kind::Gauge | Kind::Sum => Shown::Gauge,
            Kind::Histogram => Shown::Histogram,
            Kind::Summary => Shown::Summary,
            Kind::ExponentialHistogram => return None,
        };
        let labels = self.labels(series);
        let key = name.family.clone();
        let new = || Family { name, kind, entries: BTreeMap::new() };
        let family = self.families.entry(key.clone()).or_insert_with(new);
        if family.kind != kind {
            return None;
        }
        if let Some(place) = family.entries.get(&labels) {
            return Some(*place);
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
                resource: Arc::clone(&series.identity().resource),
                is_delta: metric.temporality == Temporality::Delta,
                family: key,
                labels,
            },
        );
        Some(place)
    }

    /// The labels of a series. Two attributes that are one label are joined, as the Collector does.
    fn labels(&self, series: &Series) -> Labels {
        let mut labels: BTreeMap<String, String> = BTreeMap::new();
        let mut add = |name: String, value: String| {
            if !value.is_empty() {
                let known = labels.entry(name).or_default();
                *known = if known.is_empty() { value } else { format!("{known};{value}") };
            }
        };
        for pair in series.attributes() {
            add(names::label(&pair.key), pair.value.to_string());
        }
        if self.config.resource_to_telemetry_conversion.enabled {
            for pair in &series.resource().attributes {
                add(names::label(&pair.key), pair.value.to_string());
            }
        }
        if !self.config.without_scope_info {
            add("otel_scope_name".to_owned(), series.scope().name.to_string());
            add("otel_scope_version".to_owned(), series.scope().version.to_string());
        }
        labels.extend(who(series.resource()));
        labels.extend(self.config.const_labels.clone());
        labels.into_iter().collect()
    }
}

/// Who a resource is, as `job` and `instance`.
pub(super) fn who(resource: &Resource) -> Labels {
    let of = |name: &str| resource.attributes.get(name).map(ToString::to_string).unwrap_or_default();
    let (namespace, service, instance) =
        (of("service.namespace"), of("service.name"), of("service.instance.id"));
    let job = if namespace.is_empty() { service } else { format!("{namespace}/{service}") };
    let labels = [("instance", instance), ("job", job)];
    labels
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

impl Entry {
    fn number(&mut self, point: &NumberPoint) {
        let value = point.value().as_f64();
        self.value = match self.value {
            Value::Number(before) if self.is_delta => Value::Number(before + value),
            _ => Value::Number(value),
        };
    }

    fn histogram(&mut self, point: &HistogramPoint, batch: &Batch) {
        let (counts, bounds) = (batch.counts(point.counts), batch.bounds(point.bounds));
        let stated = point.flags.has(Flags::SUM).then_some(point.sum);
        if self.is_delta
            && let Value::Histogram { bounds: before, counts: so_far, count, sum } = &mut self.value
            && *before == *bounds
        {
            so_far.iter_mut().zip(counts).for_each(|(so_far, added)| *so_far += added);
            *count += point.count;
            *sum = sum.zip(stated).map(|(sum, added)| sum + added);
            return;
        }
        // Other bounds are another histogram: it begins anew, as after a restart.
        let (bounds, counts) = (bounds.to_vec(), counts.to_vec());
        self.value = Value::Histogram { bounds, counts, count: point.count, sum: stated };
    }

    fn summary(&mut self, point: &SummaryPoint, batch: &Batch) {
        let quantiles = batch.bounds(point.quantiles).to_vec();
        self.value = Value::Summary { count: point.count, sum: point.sum, quantiles };
    }
}
