use std::{collections::BTreeMap, sync::Arc};

use weir_core::{
    Attributes, Batch, Clock, Context, Descriptor, Detector, Doors, Drain, ExponentialHistogramPoint,
    Findings, Flags, Health, HistogramPoint, Identity, Interner, KeyValue, Kind, Ledger, Metadata,
    NodeLedger, Number, NumberPoint, Offers, Pressure, Scope, Series, Span, Status, Storages, Temporality,
    UnixNanos, Value,
};

/// Where a fixture's clock stands at first, in seconds since the Unix epoch.
pub const START: u64 = 1_700_000_000;

/// More series than any test makes: whoever tests the cap makes an interner of its own.
const SERIES: usize = 10_000_000;

/// A process around the component under test: what contexts are made of.
#[derive(Clone, Debug)]
pub struct Fixture {
    /// The interner of all contexts.
    pub interner: Arc<Interner>,
    /// A manual clock that stands at [`START`].
    pub clock: Clock,
    /// What detectors would publish into.
    pub metadata: Metadata,
    /// What components keep over restarts: nobody offers one at first.
    pub storages: Storages,
    /// What extensions offer: nobody does at first.
    pub offers: Offers,
    /// The memory signal.
    pub pressure: Pressure,
    /// The doors of all contexts.
    pub doors: Doors,
    /// The drain of all contexts.
    pub drain: Drain,
    door: Arc<str>,
}

impl Default for Fixture {
    fn default() -> Self {
        Self::new()
    }
}

impl Fixture {
    /// A process that has just started.
    pub fn new() -> Self {
        Self::with_clock(Clock::manual(seconds(START)))
    }

    /// The same with a clock of one's own.
    pub fn with_clock(clock: Clock) -> Self {
        let interner = Arc::new(Interner::new(SERIES));
        Self {
            doors: Doors::new(Arc::clone(&interner), clock.clone()),
            interner,
            clock,
            metadata: Metadata::default(),
            storages: Storages::default(),
            offers: Offers::default(),
            pressure: Pressure::default(),
            drain: Drain::default(),
            door: Arc::from("test"),
        }
    }

    /// The context of a component, with a ledger and a status row of its own.
    pub fn context(&self, id: &str) -> Context {
        Context {
            id: Arc::from(id),
            pipeline: Arc::from("metrics"),
            interner: Arc::clone(&self.interner),
            doors: self.doors.clone(),
            clock: self.clock.clone(),
            ledger: Arc::new(NodeLedger::default()),
            pressure: self.pressure.clone(),
            metadata: self.metadata.clone(),
            storages: self.storages.clone(),
            offers: self.offers.clone(),
            status: Status::new(self.clock.clone()),
            drain: self.drain.clone(),
        }
    }

    /// The detectors that were asked for, each with the place for its findings: a test may run them, or find in their place.
    pub fn detectors(&self) -> Vec<(Box<dyn Detector>, Findings)> {
        let health = Health::new(self.clock.clone(), Ledger::default(), self.pressure.clone());
        self.metadata.take_waiting(&self.clock, &health)
    }

    /// What comes in by the door of [`Fixture::stream`] is of this host.
    pub fn set_of_this_host(&self) {
        self.doors.set_of_this_host(&self.door);
    }

    /// Attributes with text values.
    pub fn attributes(&self, attributes: &[(&str, &str)]) -> Attributes {
        Attributes::new(attributes.iter().map(|(key, value)| self.text(key, value)).collect())
    }

    fn text(&self, key: &str, value: &str) -> KeyValue {
        self.interner.attribute(key, Value::str(value))
    }

    /// A name of a series: metric, resource attributes, point attributes.
    pub fn identity(
        &self,
        metric: Descriptor,
        resource: &[(&str, &str)],
        attributes: &[(&str, &str)],
    ) -> Identity {
        Identity {
            resource: self.interner.resource(self.attributes(resource), ""),
            scope: self.interner.scope(Scope::default()),
            descriptor: self.interner.descriptor(metric),
            attributes: self.attributes(attributes),
        }
    }

    /// A stream as a receiver would make it, without resource attributes. It lives while it is held.
    pub fn stream(&self, metric: Descriptor, attributes: &[(&str, &str)]) -> Arc<Series> {
        self.stream_of(self.identity(metric, &[], attributes))
    }

    /// A stream of this name as a receiver would make it.
    ///
    /// # Panics
    /// The fixture's ten million series are used up.
    #[allow(clippy::expect_used, reason = "a helper of tests")]
    pub fn stream_of(&self, identity: Identity) -> Arc<Series> {
        self.interner.stream(&self.door, identity).expect("within the cap")
    }

    /// A batch of number points under a lease of this moment.
    pub fn batch(&self, points: impl IntoIterator<Item = NumberPoint>) -> Batch {
        let mut batch = Batch::new(&self.interner);
        batch.numbers.extend(points);
        batch
    }

    /// The series that a point or a batch names.
    ///
    /// # Panics
    /// The id cannot be resolved: then no lease covered it.
    #[allow(clippy::expect_used, reason = "a helper of tests")]
    pub fn series(&self, id: weir_core::SeriesId) -> Arc<Series> {
        self.interner.resolve(id).expect("a series under a lease")
    }

    /// The value of each number point by `metric{attribute=value,…}`, behind what `before` says of its series.
    ///
    /// # Panics
    /// A name comes twice.
    pub fn readings(&self, batch: &Batch, before: impl Fn(&Series) -> String) -> BTreeMap<String, Number> {
        let mut readings = BTreeMap::new();
        for point in &batch.numbers {
            let series = self.series(point.series);
            let attributes = series.attributes().iter().map(|one| format!("{}={}", one.key, one.value));
            let attributes = attributes.collect::<Vec<_>>().join(",");
            let name = format!("{}{}{{{attributes}}}", before(&series), series.descriptor().name);
            let twice = readings.insert(name.clone(), point.value());
            assert_eq!(twice, None, "{name} comes twice");
        }
        readings
    }
}

/// A time in whole seconds.
pub fn seconds(seconds: u64) -> UnixNanos {
    UnixNanos(seconds * 1_000_000_000)
}

/// A number point; `start` and `time` in whole seconds, a start of zero is unknown.
pub fn point(series: &Series, start: u64, time: u64, value: Number) -> NumberPoint {
    NumberPoint::new(series.id(), seconds(start), seconds(time), value)
}

/// The metric of an explicit histogram.
pub fn histogram_of(name: &str, unit: &str, temporality: Temporality) -> Descriptor {
    Descriptor { kind: Kind::Histogram, temporality, ..Descriptor::gauge(name, unit) }
}

/// Puts an explicit histogram of these samples into a batch, with sum, minimum and maximum; `time` in whole seconds.
pub fn push_histogram(batch: &mut Batch, series: &Series, time: u64, bounds: &[f64], samples: &[f64]) {
    let mut counts = vec![0; bounds.len() + 1];
    samples.iter().for_each(|sample| counts[bounds.partition_point(|bound| bound < sample)] += 1);
    let (counts, bounds) = (batch.push_counts(counts), batch.push_bounds(bounds.iter().copied()));
    let told = if samples.is_empty() { Flags::SUM } else { Flags::SUM.with(Flags::MIN).with(Flags::MAX) };
    batch.histograms.push(HistogramPoint {
        series: series.id(),
        flags: told,
        start: UnixNanos(0),
        time: seconds(time),
        count: samples.len() as u64,
        sum: samples.iter().sum(),
        min: samples.iter().copied().reduce(f64::min).unwrap_or_default(),
        max: samples.iter().copied().reduce(f64::max).unwrap_or_default(),
        counts,
        bounds,
    });
}

/// The default bounds of explicit histograms in OpenTelemetry's SDKs.
pub const SDK_BOUNDS: [f64; 15] =
    [0.0, 5.0, 10.0, 25.0, 50.0, 75.0, 100.0, 250.0, 500.0, 750.0, 1000.0, 2500.0, 5000.0, 7500.0, 10_000.0];

/// Puts an explicit histogram of these counts into a batch, with a sum of one a value; `time` in whole seconds.
pub fn push_explicit(batch: &mut Batch, series: &Series, time: u64, bounds: &[f64], counts: &[u64]) {
    let count = counts.iter().sum();
    let (counts, bounds) =
        (batch.push_counts(counts.iter().copied()), batch.push_bounds(bounds.iter().copied()));
    batch.histograms.push(HistogramPoint {
        series: series.id(),
        flags: Flags::SUM,
        start: UnixNanos(0),
        time: seconds(time),
        count,
        sum: count as f64,
        min: 0.0,
        max: 0.0,
        counts,
        bounds,
    });
}

/// Puts an exponential histogram of these counts around 1, of scale 4, into a batch, with a sum of one a value; `time` in whole seconds.
pub fn push_exponential(batch: &mut Batch, series: &Series, time: u64, counts: &[u64]) {
    let count = counts.iter().sum();
    let positive = batch.push_counts(counts.iter().copied());
    batch.exponential_histograms.push(ExponentialHistogramPoint {
        series: series.id(),
        flags: Flags::SUM,
        start: UnixNanos(0),
        time: seconds(time),
        count,
        sum: count as f64,
        min: 0.0,
        max: 0.0,
        scale: 4,
        zero_count: 0,
        zero_threshold: 0.0,
        positive_offset: -(counts.len() as i32 / 2),
        positive,
        negative_offset: 0,
        negative: Span::default(),
    });
}
