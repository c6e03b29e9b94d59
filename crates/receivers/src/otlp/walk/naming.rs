//! Where the walk is, and what is called by the bytes around it.

use std::sync::Arc;

use weir_core::{
    Attributes, Descriptor, Door, Heading, Identity, Interner, Reason, Resource, Scope, Sender, SeriesId,
    Under,
};

use super::{
    attributes::{self, Check},
    headers::{MetricHeader, ResourceHeader, ScopeHeader, Shape},
    wire::{Odd, Split},
};
use crate::otlp::peer::Peer;

/// Finds senders, headings and series by the bytes at hand, and makes new ones.
pub(super) struct Naming<'d> {
    door: &'d Door,
    peer: Option<&'d Peer>,
    check: Check,
    overflowed: u64,
    keys: Keys,
    /// The attributes of the last series that was new.
    last: Attributes,
}

/// The bytes by which a sender calls what is at hand.
#[derive(Default)]
struct Keys {
    resource: Vec<u8>,
    scope: Vec<u8>,
    metric: Vec<u8>,
}

/// A resource at hand, and who sent it.
pub(super) struct ResourceAt<'d, 'b> {
    pub(super) split: Split<'b>,
    pub(super) sender: Sender<'d>,
    /// Why it cannot name anything, if so.
    pub(super) usable: Result<(), Reason>,
    pub(super) interned: Option<Arc<Resource>>,
}

/// A scope at hand.
pub(super) struct ScopeAt<'b> {
    pub(super) split: Split<'b>,
    pub(super) heading: Option<Heading>,
    pub(super) usable: Result<(), Reason>,
    pub(super) interned: Option<Arc<Scope>>,
}

/// A metric at hand.
pub(super) struct MetricAt<'b> {
    pub(super) split: Split<'b>,
    pub(super) shape: Shape,
    pub(super) heading: Option<Heading>,
    pub(super) usable: Result<(), Reason>,
    pub(super) interned: Option<Arc<Descriptor>>,
}

impl<'d> Naming<'d> {
    pub(super) fn new(door: &'d Door, peer: Option<&'d Peer>, check: Check) -> Self {
        Self { door, peer, check, overflowed: 0, keys: Keys::default(), last: Attributes::default() }
    }

    /// What a check of attributes begins with.
    #[inline]
    pub(super) fn check(&self) -> Check {
        self.check
    }

    /// How many points went to overflow series.
    pub(super) fn overflowed(&self) -> u64 {
        self.overflowed
    }

    pub(super) fn sender(&mut self, resource: &Split<'_>) -> Sender<'d> {
        resource.write_rest(&mut self.keys.resource);
        self.door.sender(&self.keys.resource, self.peer.map(|peer| &*peer.key))
    }

    pub(super) fn scope(&mut self, sender: &mut Sender<'_>, scope: &Split<'_>) -> Option<Heading> {
        scope.write_rest(&mut self.keys.scope);
        sender.heading(Heading::NONE, &self.keys.scope)
    }

    pub(super) fn metric(
        &mut self,
        sender: &mut Sender<'_>,
        scope: Option<Heading>,
        metric: &Split<'_>,
        shape: Shape,
    ) -> Option<Heading> {
        metric.write_rest(&mut self.keys.metric);
        self.keys.metric.extend(shape.bytes());
        sender.heading(scope?, &self.keys.metric)
    }

    /// The series that is called `run` under the headings at hand, which the sender has not named before.
    #[cold]
    pub(super) fn admit<'b>(
        &mut self,
        at: &mut At<'_, '_, 'b>,
        run: &'b [u8],
    ) -> Result<Result<SeriesId, Reason>, Odd> {
        let mut check = self.check;
        check.run(run)?;
        if let Err(reason) = check.verdict(run.len()) {
            return Ok(Err(reason));
        }
        let interner = self.door.interner();
        let attributes = Attributes::new(attributes::decode(interner, run, &self.last)?);
        self.last = attributes.clone();
        let identity = at.identify(interner, self.peer, self.check, attributes)?;
        let sender = &mut at.resource.sender;
        let headings = [&*self.keys.scope, &*self.keys.metric];
        let under = at.metric.heading.map_or(Under::New(&headings), Under::Known);
        let Ok(admitted) = sender.admit(under, run, identity) else {
            return Ok(Err(Reason::SERIES_CAP));
        };
        self.overflowed += u64::from(admitted.overflow);
        if at.metric.heading.is_none() {
            // The first alias under a heading makes it known.
            at.scope.heading = sender.heading(Heading::NONE, headings[0]);
            at.metric.heading = at.scope.heading.and_then(|scope| sender.heading(scope, headings[1]));
        }
        Ok(Ok(admitted.series))
    }
}

/// Where the walk is.
pub(super) struct At<'w, 'd, 'b> {
    pub(super) resource: &'w mut ResourceAt<'d, 'b>,
    pub(super) scope: &'w mut ScopeAt<'b>,
    pub(super) metric: &'w mut MetricAt<'b>,
}

impl At<'_, '_, '_> {
    /// What a point with these attributes is called. The parts around it are kept for the next.
    fn identify(
        &mut self,
        interner: &Interner,
        peer: Option<&Peer>,
        check: Check,
        attributes: Attributes,
    ) -> Result<Identity, Odd> {
        let Self { resource, scope, metric } = self;
        let resource =
            kept(&mut resource.interned, || ResourceHeader::read(&resource.split)?.intern(interner, peer))?;
        let scope = kept(&mut scope.interned, || ScopeHeader::read(&scope.split)?.intern(interner))?;
        let descriptor = kept(&mut metric.interned, || {
            Ok(metric.shape.intern(interner, MetricHeader::read(&metric.split, check)?))
        })?;
        Ok(Identity { resource, scope, descriptor, attributes })
    }
}

fn kept<T>(place: &mut Option<Arc<T>>, make: impl FnOnce() -> Result<Arc<T>, Odd>) -> Result<Arc<T>, Odd> {
    match place {
        Some(kept) => Ok(Arc::clone(kept)),
        None => Ok(Arc::clone(place.insert(make()?))),
    }
}
