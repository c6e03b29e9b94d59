//! The walk over the bytes of a request, straight into batches.
//!
//! What a sender said before is known by its bytes: its resource names the sender, scope and metric are headings, and a point's
//! attributes are an alias under them. Equal bytes were checked when they were new, so a point of a known series costs a
//! comparison: no allocation, no look at its texts. What is new is checked, decoded and remembered.
//!
//! # Layout
//!
//! * `wire`: the fields of a message;
//! * `headers`: resources, scopes, metrics; `attributes`: theirs and those of points;
//! * `point`, with `numbers`, `histograms`, `summaries`: the fields of each kind; `aside`: what all have beside their values;
//! * `naming`: where the walk is, and what the series of a point is called there; `batches`: where points go.
//!
//! # Invariants
//!
//! * Whatever the walk takes, prost takes too, and it means the same. What it is not sure of is [`Odd`]: malformed, or legal and
//!   rare (a message in several parts, numbers that are not packed, fields in between the attributes of a point, groups).
//! * Whatever prost has written, the walk takes.
//! * Beside the batches it takes no memory that grows with the request.

mod aside;
mod attributes;
mod batches;
mod headers;
mod histograms;
mod naming;
mod numbers;
mod point;
mod summaries;
mod wire;

use weir_core::{Door, Kind, Reason};

pub use attributes::{MAX_DEPTH, MAX_PART};
pub(super) use wire::{Fields, Odd};

use self::{
    aside::{Alias, Aside},
    attributes::Check,
    batches::Batches,
    headers::{MetricHeader, ResourceHeader, ScopeHeader, Shape},
    histograms::{ExponentialFields, HistogramFields},
    naming::{At, MetricAt, Naming, ResourceAt, ScopeAt},
    numbers::NumberFields,
    point::Point,
    summaries::SummaryFields,
    wire::{Split, sized},
};
use super::{peer::Peer, refusals::BAD_TIMESTAMP, resolve::Decoded};

/// `ExportMetricsServiceRequest` has its resources in this field.
const RESOURCES: u32 = sized(1);
/// `ResourceMetrics` has its scopes in this field, `ScopeMetrics` its metrics.
const CONTENTS: u32 = sized(2);

/// Resolves the points of a request at `door`. `written_by_prost` says that the bytes are known to be well-formed.
///
/// # Errors
/// The walk cannot tell what the bytes mean. Then nothing was taken, though series may have been made.
pub(super) fn walk(
    body: &[u8],
    door: &Door,
    peer: Option<&Peer>,
    written_by_prost: bool,
) -> Result<Decoded, Odd> {
    let mut walk = Walk {
        naming: Naming::new(door, peer, Check::new(written_by_prost)),
        batches: Batches::new(door.interner()),
        unread: body.len(),
        decoded: Decoded::default(),
    };
    if let Err(odd) = walk.request(body) {
        door.forget_overflowed(walk.naming.overflowed());
        return Err(odd);
    }
    walk.decoded.overflowed = walk.naming.overflowed();
    walk.decoded.batches = walk.batches.finish();
    Ok(walk.decoded)
}

struct Walk<'d> {
    naming: Naming<'d>,
    batches: Batches<'d>,
    /// How many bytes of metrics may still come.
    unread: usize,
    decoded: Decoded,
}

impl Walk<'_> {
    fn request(&mut self, body: &[u8]) -> Result<(), Odd> {
        let mut fields = Fields::new(body);
        while let Some(key) = fields.key()? {
            match key {
                RESOURCES => self.resource(fields.sized()?)?,
                _ => fields.unknown(key, 1..=1)?,
            }
        }
        Ok(())
    }

    fn resource(&mut self, message: &[u8]) -> Result<(), Odd> {
        let split = Split::new(message, |key| key == CONTENTS)?;
        let sender = self.naming.sender(&split);
        let mut usable = Ok(());
        if sender.is_new() {
            let mut check = self.naming.check();
            ResourceHeader::read(&split)?.check(&mut check)?;
            usable = check.verdict(split.rest_len());
        }
        let mut resource = ResourceAt { split, sender, usable, interned: None };
        let mut scopes = Fields::new(split.run);
        while scopes.key()?.is_some() {
            self.scope(&mut resource, scopes.sized()?)?;
        }
        Ok(())
    }

    fn scope<'b>(&mut self, resource: &mut ResourceAt<'_, 'b>, message: &'b [u8]) -> Result<(), Odd> {
        let split = Split::new(message, |key| key == CONTENTS)?;
        let heading = self.naming.scope(&mut resource.sender, &split);
        let mut usable = resource.usable;
        if heading.is_none() {
            let mut check = self.naming.check();
            ScopeHeader::read(&split)?.check(&mut check)?;
            usable = usable.and(check.verdict(split.rest_len()));
        }
        let mut scope = ScopeAt { split, heading, usable, interned: None };
        let mut metrics = Fields::new(split.run);
        while metrics.key()?.is_some() {
            self.metric(resource, &mut scope, metrics.sized()?)?;
        }
        Ok(())
    }

    fn metric<'b>(
        &mut self,
        resource: &mut ResourceAt<'_, 'b>,
        scope: &mut ScopeAt<'b>,
        message: &'b [u8],
    ) -> Result<(), Odd> {
        let split = Split::new(message, |key| Shape::kind(key).is_some())?;
        let mut data = Fields::new(split.run);
        let Some(kind) = data.key()?.and_then(Shape::kind) else {
            // A metric without data has no points, but it may be malformed.
            return MetricHeader::read(&split, self.naming.check()).map(drop);
        };
        let points = data.sized()?;
        if data.key()?.is_some() {
            return Err(Odd); // of several data the last counts, or they are joined
        }
        let (shape, count) = Shape::read(kind, points)?;
        self.decoded.points += count as u64;
        let heading = self.naming.metric(&mut resource.sender, scope.heading, &split, shape);
        let mut usable = scope.usable;
        if heading.is_none() {
            let header = MetricHeader::read(&split, self.naming.check())?;
            let small = Check::new(true).verdict(split.rest_len());
            usable = usable.and(small).and(shape.check(header));
        }
        let mut metric = MetricAt { split, shape, heading, usable, interned: None };
        let at = &mut At { resource, scope, metric: &mut metric };
        match kind {
            Kind::Gauge | Kind::Sum => {
                self.batches.expect_numbers(count, message.len(), self.unread);
                self.points::<NumberFields>(at, points)?;
            }
            Kind::Histogram => self.points::<HistogramFields<'_>>(at, points)?,
            Kind::ExponentialHistogram => self.points::<ExponentialFields<'_>>(at, points)?,
            Kind::Summary => self.points::<SummaryFields<'_>>(at, points)?,
        }
        self.unread = self.unread.saturating_sub(message.len());
        Ok(())
    }

    fn points<'b, P: Point<'b>>(&mut self, at: &mut At<'_, '_, 'b>, data: &'b [u8]) -> Result<(), Odd> {
        let mut data = Fields::new(data);
        while let Some(point) = Shape::next_point(&mut data)? {
            let mut aside = Aside::new(&at.resource.sender, at.metric.heading, self.naming.check());
            let point = P::read(Fields::new(point), &mut aside)?;
            let (alias, exemplars) = aside.finish();
            self.decoded.exemplars += exemplars;
            if let Err(reason) = self.take(at, point, alias)? {
                let name = MetricHeader::read(&at.metric.split, self.naming.check())?.name;
                self.decoded.refused.add(reason, name);
            }
        }
        Ok(())
    }

    /// Takes a point, or says why it cannot.
    #[inline]
    fn take<'b>(
        &mut self,
        at: &mut At<'_, '_, 'b>,
        point: impl Point<'b>,
        alias: Alias<'b>,
    ) -> Result<Result<(), Reason>, Odd> {
        let time = if point.time() == 0 { Err(BAD_TIMESTAMP) } else { Ok(()) };
        if let Err(reason) = at.metric.usable.and(time).and_then(|()| point.check()) {
            if let Alias::Run(run) = alias {
                // It names nothing here, but may be malformed.
                let mut check = self.naming.check();
                check.run(run)?;
            }
            return Ok(Err(reason));
        }
        // Open before the id is known: the lease comes first (R1).
        let batch = self.batches.open();
        let sender = &mut at.resource.sender;
        let known = match alias {
            Alias::Predicted(predicted) => sender.take(predicted),
            Alias::Run(run) => at.metric.heading.and_then(|heading| sender.find(heading, run)),
        };
        let series = match (known, alias) {
            (Some(series), _) => series,
            (None, Alias::Run(run)) => match self.naming.admit(at, run)? {
                Ok(series) => series,
                Err(reason) => return Ok(Err(reason)),
            },
            // What was predicted is known.
            (None, Alias::Predicted(_)) => return Err(Odd),
        };
        point.push(batch, series);
        Ok(Ok(()))
    }
}
