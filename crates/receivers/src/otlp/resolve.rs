//! From a request to batches: every point is resolved to its series here, once (R1, R5).
//!
//! [`resolve_bytes`] is all that the transports know. It decodes by prost and walks the message; what replaces the decoder
//! replaces its body.

use std::sync::Arc;

use opentelemetry_proto::tonic::{
    collector::metrics::v1::ExportMetricsServiceRequest,
    common::v1::KeyValue,
    metrics::v1::{AggregationTemporality, Metric, ResourceMetrics, ScopeMetrics, metric::Data},
};
use prost::{DecodeError, Message as _};
use weir_core::{
    Batch, Descriptor, Door, Identity, Interner, Kind, MAX_POINTS, Reason, Resource, Scope, Sender,
    Temporality,
};

use super::{
    alias, identity,
    peer::Peer,
    points::DataPoint,
    refusals::{BAD_TIMESTAMP, NO_NAME, Refusals, UNSPECIFIED_TEMPORALITY},
};

/// What a request has become.
#[derive(Debug, Default)]
pub struct Decoded {
    /// The points that were taken, in batches of at most [`MAX_POINTS`], without acks yet.
    pub batches: Vec<Batch>,
    /// How many points the request brought, refused ones included.
    pub points: u64,
    /// How many exemplars were left behind.
    pub exemplars: u64,
    /// The points that were not taken.
    pub refused: Refusals,
}

/// Decodes an `ExportMetricsServiceRequest` and resolves its points at `door`. `peer` is who sent it, where that is part of
/// the sender.
///
/// # Errors
/// The bytes are not such a message.
pub fn resolve_bytes(body: &[u8], door: &Door, peer: Option<&Peer>) -> Result<Decoded, DecodeError> {
    Ok(resolve(&ExportMetricsServiceRequest::decode(body)?, door, peer))
}

/// Resolves the points of a decoded request at `door`.
pub fn resolve(request: &ExportMetricsServiceRequest, door: &Door, peer: Option<&Peer>) -> Decoded {
    let mut walk = Walk {
        alias: Vec::new(),
        batches: Batches {
            interner: door.interner(),
            full: Vec::new(),
            open: None,
            numbers: numbers(request),
        },
        decoded: Decoded::default(),
    };
    for message in &request.resource_metrics {
        walk.resource(door, peer, message);
    }
    walk.decoded.batches = walk.batches.finish();
    walk.decoded
}

/// How many gauges' and sums' points there are: what the batches make room for.
fn numbers(request: &ExportMetricsServiceRequest) -> usize {
    let scopes = request.resource_metrics.iter().flat_map(|resource| &resource.scope_metrics);
    let points = scopes.flat_map(|scope| &scope.metrics).map(|metric| match &metric.data {
        Some(Data::Gauge(gauge)) => gauge.data_points.len(),
        Some(Data::Sum(sum)) => sum.data_points.len(),
        _ => 0,
    });
    points.sum()
}

struct Walk<'d> {
    /// The alias of the point at hand: its scope's part, its metric's part, its own.
    alias: Vec<u8>,
    batches: Batches<'d>,
    decoded: Decoded,
}

impl Walk<'_> {
    fn resource(&mut self, door: &Door, peer: Option<&Peer>, message: &ResourceMetrics) {
        self.alias.clear();
        alias::text(&mut self.alias, &message.schema_url);
        let attributes = message.resource.as_ref().map(|resource| &*resource.attributes);
        let mut sender = alias::attributes(&mut self.alias, attributes.unwrap_or_default())
            .map(|()| door.sender(&self.alias, peer.map(|peer| &*peer.key)));
        let mut resource = Part::new(Origin { message, peer });
        for scope in &message.scope_metrics {
            self.scope(sender.as_mut().map_err(|reason| *reason), &mut resource, scope);
        }
    }

    fn scope<'m>(
        &mut self,
        mut sender: Result<&mut Sender<'_>, Reason>,
        resource: &mut Part<Origin<'m>, Resource>,
        message: &'m ScopeMetrics,
    ) {
        self.alias.clear();
        if let Err(reason) = alias_of_scope(&mut self.alias, message) {
            sender = Err(reason);
        }
        let end = self.alias.len();
        let mut scope = Part::new(message);
        for metric in &message.metrics {
            self.alias.truncate(end);
            let sender = sender.as_deref_mut().map_err(|reason| *reason);
            let name = Name { resource, scope: &mut scope, metric, descriptor: None };
            match &metric.data {
                None => {}
                Some(Data::Gauge(it)) => self.points(sender, name, Shape::GAUGE, &it.data_points),
                Some(Data::Sum(it)) => {
                    let shape = Shape::new(Kind::Sum, it.aggregation_temporality, it.is_monotonic);
                    self.points(sender, name, shape, &it.data_points);
                }
                Some(Data::Histogram(it)) => {
                    let shape = Shape::new(Kind::Histogram, it.aggregation_temporality, false);
                    self.points(sender, name, shape, &it.data_points);
                }
                Some(Data::ExponentialHistogram(it)) => {
                    let shape = Shape::new(Kind::ExponentialHistogram, it.aggregation_temporality, false);
                    self.points(sender, name, shape, &it.data_points);
                }
                Some(Data::Summary(it)) => self.points(sender, name, Shape::SUMMARY, &it.data_points),
            }
        }
    }

    fn points<P: DataPoint>(
        &mut self,
        sender: Result<&mut Sender<'_>, Reason>,
        mut name: Name<'_, '_>,
        shape: Shape,
        points: &[P],
    ) {
        let metric = name.metric;
        let mut sender = sender.and_then(|sender| shape.check(metric).map(|()| sender));
        alias_of_metric(&mut self.alias, metric, shape);
        let end = self.alias.len();
        self.decoded.points += points.len() as u64;
        for point in points {
            self.decoded.exemplars += point.exemplars() as u64;
            self.alias.truncate(end);
            let taken = match &mut sender {
                Ok(sender) => self.point(sender, &mut name, shape, point),
                Err(reason) => Err(*reason),
            };
            if let Err(reason) = taken {
                self.decoded.refused.add(reason, &metric.name);
            }
        }
    }

    fn point<P: DataPoint>(
        &mut self,
        sender: &mut Sender<'_>,
        name: &mut Name<'_, '_>,
        shape: Shape,
        point: &P,
    ) -> Result<(), Reason> {
        if point.time() == 0 {
            return Err(BAD_TIMESTAMP);
        }
        point.check()?;
        alias::attributes(&mut self.alias, point.attributes())?;
        // Open before the id is known: the lease comes first (R1).
        let batch = self.batches.open();
        let resolved = sender
            .resolve(&self.alias, |interner| name.identify(interner, shape, point.attributes()))
            .map_err(|_| Reason::SERIES_CAP)?;
        point.push(batch, resolved.series);
        Ok(())
    }
}

/// What kind of a metric it is, as its series' identity has it.
#[derive(Clone, Copy)]
struct Shape {
    kind: Kind,
    temporality: Temporality,
    monotonic: bool,
}

impl Shape {
    const GAUGE: Self = Self { kind: Kind::Gauge, temporality: Temporality::Unspecified, monotonic: false };
    const SUMMARY: Self = Self { kind: Kind::Summary, ..Self::GAUGE };

    fn new(kind: Kind, sent: i32, monotonic: bool) -> Self {
        let temporality = match AggregationTemporality::try_from(sent) {
            Ok(AggregationTemporality::Delta) => Temporality::Delta,
            Ok(AggregationTemporality::Cumulative) => Temporality::Cumulative,
            Ok(AggregationTemporality::Unspecified) | Err(_) => Temporality::Unspecified,
        };
        Self { kind, temporality, monotonic }
    }

    fn check(self, metric: &Metric) -> Result<(), Reason> {
        let timeless = matches!(self.kind, Kind::Gauge | Kind::Summary);
        if self.temporality == Temporality::Unspecified && !timeless {
            return Err(UNSPECIFIED_TEMPORALITY);
        }
        if metric.name.is_empty() { Err(NO_NAME) } else { Ok(()) }
    }
}

/// What the points at hand are called, but for their attributes. Its parts are interned when the first new series asks for
/// them, and kept for the next.
struct Name<'w, 'm> {
    resource: &'w mut Part<Origin<'m>, Resource>,
    scope: &'w mut Part<&'m ScopeMetrics, Scope>,
    metric: &'m Metric,
    descriptor: Option<Arc<Descriptor>>,
}

impl Name<'_, '_> {
    fn identify(&mut self, interner: &Interner, shape: Shape, attributes: &[KeyValue]) -> Identity {
        let Shape { kind, temporality, monotonic } = shape;
        let metric = self.metric;
        let descriptor = self.descriptor.get_or_insert_with(|| {
            let (name, unit) = (interner.string(&metric.name), interner.string(&metric.unit));
            interner.descriptor(Descriptor { name, unit, kind, temporality, monotonic })
        });
        Identity {
            resource: self.resource.get(|from| identity::resource(interner, from.message, from.peer)),
            scope: self.scope.get(|message| identity::scope(interner, message)),
            descriptor: Arc::clone(descriptor),
            attributes: identity::attributes(interner, attributes),
        }
    }
}

/// Where a resource comes from.
#[derive(Clone, Copy)]
struct Origin<'m> {
    message: &'m ResourceMetrics,
    peer: Option<&'m Peer>,
}

/// A part of the message, and what it was interned as.
struct Part<M, T> {
    from: M,
    interned: Option<Arc<T>>,
}

impl<M: Copy, T> Part<M, T> {
    fn new(from: M) -> Self {
        Self { from, interned: None }
    }

    fn get(&mut self, intern: impl FnOnce(M) -> Arc<T>) -> Arc<T> {
        Arc::clone(self.interned.get_or_insert_with(|| intern(self.from)))
    }
}

fn alias_of_scope(to: &mut Vec<u8>, message: &ScopeMetrics) -> Result<(), Reason> {
    alias::text(to, &message.schema_url);
    if let Some(scope) = &message.scope {
        alias::text(to, &scope.name);
        alias::text(to, &scope.version);
        alias::length(to, scope.attributes.len());
        alias::attributes(to, &scope.attributes)?;
    } else {
        // As an empty scope is written: it means the same.
        to.extend([0; 3]);
    }
    Ok(())
}

fn alias_of_metric(to: &mut Vec<u8>, metric: &Metric, shape: Shape) {
    alias::text(to, &metric.name);
    alias::text(to, &metric.unit);
    to.extend([shape.kind as u8, shape.temporality as u8, u8::from(shape.monotonic)]);
}

/// The batches of a request: one is open, the others are full.
struct Batches<'d> {
    interner: &'d Interner,
    full: Vec<Batch>,
    open: Option<Batch>,
    /// Gauges' and sums' points that may still come.
    numbers: usize,
}

impl Batches<'_> {
    /// The batch with room for one more point.
    fn open(&mut self) -> &mut Batch {
        if self.open.as_ref().is_some_and(|batch| batch.points() >= MAX_POINTS as u64) {
            self.full.extend(self.open.take());
        }
        self.open.get_or_insert_with(|| {
            let mut batch = Batch::new(self.interner);
            let room = self.numbers.min(MAX_POINTS);
            batch.numbers.reserve(room);
            self.numbers -= room;
            batch
        })
    }

    fn finish(mut self) -> Vec<Batch> {
        self.full.extend(self.open.filter(|batch| !batch.is_empty()));
        self.full
    }
}
