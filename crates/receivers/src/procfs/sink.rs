//! From a reading to a point: names are resolved at the receiver's door, values go into the batch.

use std::sync::Arc;

use weir_core::{
    Attributes, Batch, Descriptor, Identity, Interner, Number, NumberPoint, Scope, Sender, Temporality,
    UnixNanos, Value,
};

use super::conventions::{Conventions, Named};

/// A metric that a scraper reports.
#[derive(Debug)]
pub(super) struct Metric {
    scope: &'static str,
    name: &'static str,
    unit: &'static str,
    shape: Shape,
}

/// What a metric's points are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// A gauge.
    Gauge,
    /// A cumulative sum since boot that only grows.
    Counter,
    /// A cumulative sum that grows and falls.
    UpDown,
    /// What was added since the round before: a delta sum.
    Delta,
}

impl Metric {
    pub(super) const fn new(
        scope: &'static str,
        name: &'static str,
        unit: &'static str,
        shape: Shape,
    ) -> Self {
        Self { scope, name, unit, shape }
    }

    pub(super) fn name(&self) -> &'static str {
        self.name
    }
}

impl Shape {
    fn descriptor(self, name: &str, unit: &str) -> Descriptor {
        match self {
            Self::Gauge => Descriptor::gauge(name, unit),
            Self::Counter => Descriptor::sum(name, unit, Temporality::Cumulative, true),
            Self::UpDown => Descriptor::sum(name, unit, Temporality::Cumulative, false),
            Self::Delta => Descriptor::sum(name, unit, Temporality::Delta, true),
        }
    }
}

/// What a point is of, where that is not the machine: a process, a pod, a container.
pub(super) trait Origin {
    /// Names it among all of its kind, for ever. It begins with no metric's name.
    fn key(&self) -> &[u8];
    /// The attributes of its resource: asked for once a series.
    fn attributes(&self, interner: &Interner) -> Attributes;
}

/// Where scrapers put what they read.
#[derive(Debug)]
pub(super) struct Sink<'a> {
    pub(super) sender: Sender<'a>,
    pub(super) batch: Batch,
    /// A buffer for aliases.
    pub(super) alias: &'a mut Vec<u8>,
    pub(super) conventions: Conventions,
    /// When the machine was booted: the start of its counters. Zero if not known.
    pub(super) boot: UnixNanos,
    pub(super) now: UnixNanos,
    /// Points turned away by the cap on series.
    pub(super) over_cap: u64,
}

impl Sink<'_> {
    /// Puts a point in. A metric always comes with the same attributes in the same order.
    pub(super) fn put(&mut self, metric: &Metric, attributes: &[(&'static str, &[u8])], value: Number) {
        self.put_since(metric, attributes, value, self.boot);
    }

    /// Puts a point in that counts from `start` on; a gauge has no start.
    pub(super) fn put_since(
        &mut self,
        metric: &Metric,
        attributes: &[(&'static str, &[u8])],
        value: Number,
        start: UnixNanos,
    ) {
        self.put_of(None, metric, attributes, value, start);
    }

    /// The same of a resource of its own, where there is one.
    pub(super) fn put_of(
        &mut self,
        origin: Option<&dyn Origin>,
        metric: &Metric,
        attributes: &[(&'static str, &[u8])],
        value: Number,
        start: UnixNanos,
    ) {
        // The resource's key, the metric's name and the values name the series; the kernel's names hold no NUL.
        self.alias.clear();
        if let Some(origin) = origin {
            self.alias.extend_from_slice(origin.key());
            self.alias.push(0);
        }
        self.alias.extend_from_slice(metric.name.as_bytes());
        for (_, value) in attributes {
            self.alias.push(0);
            self.alias.extend_from_slice(value);
        }
        let conventions = self.conventions;
        let identify = |interner: &Interner| identify(origin, metric, attributes, conventions, interner);
        match self.sender.resolve(self.alias, identify) {
            Ok(resolved) => {
                let start = if metric.shape == Shape::Gauge { UnixNanos(0) } else { start };
                self.batch.numbers.push(NumberPoint::new(resolved.series, start, self.now, value));
            }
            Err(_) => self.over_cap += 1,
        }
    }

    /// Puts an integer in; what is above the range of OpenTelemetry's integers becomes the greatest of them.
    pub(super) fn put_int(&mut self, metric: &Metric, attributes: &[(&'static str, &[u8])], value: u64) {
        self.put(metric, attributes, Number::Int(i64::try_from(value).unwrap_or(i64::MAX)));
    }

    /// Puts a double in.
    pub(super) fn put_double(&mut self, metric: &Metric, attributes: &[(&'static str, &[u8])], value: f64) {
        self.put(metric, attributes, Number::Double(value));
    }
}

/// What a series is called: asked once a series, since known ones are found by their alias.
fn identify(
    origin: Option<&dyn Origin>,
    metric: &Metric,
    attributes: &[(&'static str, &[u8])],
    conventions: Conventions,
    interner: &Interner,
) -> Identity {
    let text = |(key, value): &(&'static str, &[u8])| (*key, Value::str(String::from_utf8_lossy(value)));
    let mut named =
        Named { metric: metric.name, unit: metric.unit, attributes: attributes.iter().map(text).collect() };
    if conventions == Conventions::V144 {
        named.rename();
    }
    let attributes = named.attributes.into_iter().map(|(key, value)| interner.attribute(key, value));
    let of_resource = origin.map_or_else(Attributes::default, |origin| origin.attributes(interner));
    Identity {
        resource: interner.resource(of_resource, ""),
        scope: interner.scope(Scope { name: Arc::from(metric.scope), ..Scope::default() }),
        descriptor: interner.descriptor(metric.shape.descriptor(named.metric, named.unit)),
        attributes: Attributes::new(attributes.collect()),
    }
}
