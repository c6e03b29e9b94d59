//! What a point's numbers belong to: resource, scope, descriptor, attributes; and the small ids that stand for them.

use std::sync::Arc;

use crate::value::Attributes;

/// The entity that produced telemetry (OpenTelemetry's Resource).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Resource {
    /// The resource's attributes.
    pub attributes: Attributes,
    /// The schema URL of the resource, empty where there is none.
    pub schema_url: Arc<str>,
}

/// The instrumentation scope.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Scope {
    /// The scope's name.
    pub name: Arc<str>,
    /// The scope's version.
    pub version: Arc<str>,
    /// The scope's attributes.
    pub attributes: Attributes,
    /// The schema URL of the scope's metrics, empty where there is none.
    pub schema_url: Arc<str>,
}

/// The kind of a metric's points (OpenTelemetry's metric data).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The last value.
    Gauge,
    /// A sum over a time range.
    Sum,
    /// A histogram with explicit bounds.
    Histogram,
    /// An exponential histogram.
    ExponentialHistogram,
    /// Quantiles computed by the sender.
    Summary,
}

/// Over what time range a sum or a histogram counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Temporality {
    /// Not stated, or without meaning for the kind (gauge, summary).
    #[default]
    Unspecified,
    /// Since the previous point.
    Delta,
    /// Since a fixed start.
    Cumulative,
}

/// What a metric is. Description and bucket bounds are not identity.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Descriptor {
    /// The metric's name.
    pub name: Arc<str>,
    /// The unit, in UCUM.
    pub unit: Arc<str>,
    /// The kind of its points.
    pub kind: Kind,
    /// Delta or cumulative.
    pub temporality: Temporality,
    /// Whether a sum only grows.
    pub monotonic: bool,
}

impl Descriptor {
    /// A gauge.
    pub fn gauge(name: impl AsRef<str>, unit: impl AsRef<str>) -> Self {
        Self {
            name: Arc::from(name.as_ref()),
            unit: Arc::from(unit.as_ref()),
            kind: Kind::Gauge,
            temporality: Temporality::Unspecified,
            monotonic: false,
        }
    }

    /// A sum.
    pub fn sum(
        name: impl AsRef<str>,
        unit: impl AsRef<str>,
        temporality: Temporality,
        monotonic: bool,
    ) -> Self {
        Self { kind: Kind::Sum, temporality, monotonic, ..Self::gauge(name, unit) }
    }

    /// Whether points of it count from a fixed start and only grow: what `delta` converts.
    pub fn is_cumulative_counter(&self) -> bool {
        self.temporality == Temporality::Cumulative
            && match self.kind {
                Kind::Sum => self.monotonic,
                Kind::Histogram | Kind::ExponentialHistogram => true,
                Kind::Gauge | Kind::Summary => false,
            }
    }
}

/// A small number that stands for a series within this process (R1, R6): what a point carries.
///
/// It may be resolved for as long as a [`Lease`](crate::Lease) taken before it was written is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SeriesId {
    pub(crate) slot: u32,
    pub(crate) generation: u32,
}

/// The stream that a series is (a name of): given at the door, kept by every rewrite (R2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamId(pub(crate) SeriesId);

/// What a series is called: the parts that an interner holds once each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Who produced it.
    pub resource: Arc<Resource>,
    /// By which instrumentation.
    pub scope: Arc<Scope>,
    /// Which metric.
    pub descriptor: Arc<Descriptor>,
    /// The point's attributes.
    pub attributes: Attributes,
}

/// An interned series: immutable, each part shared.
#[derive(Debug)]
pub struct Series {
    pub(crate) id: SeriesId,
    pub(crate) stream: StreamId,
    /// The door it came in by; `None` for a series made by a rewrite.
    pub(crate) origin: Option<Arc<str>>,
    pub(crate) identity: Identity,
}

impl Series {
    /// The id that points carry.
    pub fn id(&self) -> SeriesId {
        self.id
    }

    /// The stream it is a name of.
    pub fn stream(&self) -> StreamId {
        self.stream
    }

    /// What it is called.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The metric.
    pub fn descriptor(&self) -> &Descriptor {
        &self.identity.descriptor
    }

    /// The point attributes.
    pub fn attributes(&self) -> &Attributes {
        &self.identity.attributes
    }

    /// The resource.
    pub fn resource(&self) -> &Resource {
        &self.identity.resource
    }

    /// The instrumentation scope.
    pub fn scope(&self) -> &Scope {
        &self.identity.scope
    }
}
