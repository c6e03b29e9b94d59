//! What stands around points: resources, scopes, metrics. Each is checked when its bytes are new to a sender, and becomes a
//! part of the interner's when a new series needs it.

use std::sync::Arc;

use weir_core::{Attributes, Descriptor, Interner, Kind, Reason, Resource, Scope, Temporality};

use super::{
    attributes::{self, Check},
    wire::{Fields, Odd, Split, sized, varint},
};
use crate::otlp::{
    peer::Peer,
    refusals::{NO_NAME, UNSPECIFIED_TEMPORALITY},
};

const SCHEMA_URL: u32 = sized(3);

/// A resource as `ResourceMetrics` has it around its scopes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ResourceHeader<'b> {
    resource: &'b [u8],
    schema_url: &'b str,
}

impl<'b> ResourceHeader<'b> {
    const RESOURCE: u32 = sized(1);
    const ATTRIBUTE: u32 = sized(1);
    const DROPPED_ATTRIBUTES: u32 = varint(2);
    const ENTITY: u32 = sized(3);

    /// Reads it without looking into the resource.
    pub(super) fn read(split: &Split<'b>) -> Result<Self, Odd> {
        let (mut header, mut resources) = (Self::default(), 0);
        for mut fields in split.rest() {
            while let Some(key) = fields.key()? {
                match key {
                    Self::RESOURCE => {
                        resources += 1;
                        header.resource = fields.sized()?;
                    }
                    SCHEMA_URL => header.schema_url = fields.text()?,
                    _ => fields.unknown(key, 1..=3)?,
                }
            }
        }
        // Several would be merged into one.
        if resources > 1 { Err(Odd) } else { Ok(header) }
    }

    pub(super) fn check(self, check: &mut Check) -> Result<(), Odd> {
        let mut fields = Fields::new(self.resource);
        while let Some(key) = fields.key()? {
            match key {
                Self::ATTRIBUTE => check.attribute(fields.sized()?)?,
                Self::DROPPED_ATTRIBUTES => _ = fields.varint()?,
                Self::ENTITY => check_entity(fields.sized()?)?,
                _ => fields.unknown(key, 1..=3)?,
            }
        }
        Ok(())
    }

    /// The resource, with what is known of the peer: that is no claim of the sender's, so it wins.
    pub(super) fn intern(self, interner: &Interner, peer: Option<&Peer>) -> Result<Arc<Resource>, Odd> {
        let mut list = list(interner, self.resource, Self::ATTRIBUTE)?;
        let known = peer.map(|peer| &*peer.attributes).unwrap_or_default();
        list.extend(known.iter().map(|kv| interner.attribute(&kv.key, kv.value.clone())));
        Ok(interner.resource(Attributes::new(list), self.schema_url))
    }
}

/// A reference to an entity is four kinds of texts. Weir does not use it.
fn check_entity(message: &[u8]) -> Result<(), Odd> {
    const FIRST: u32 = sized(1);
    const LAST: u32 = sized(4);
    let mut fields = Fields::new(message);
    while let Some(key) = fields.key()? {
        match key {
            FIRST..=LAST if key & 7 == 2 => _ = fields.text()?,
            _ => fields.unknown(key, 1..=4)?,
        }
    }
    Ok(())
}

/// A scope as `ScopeMetrics` has it around its metrics. None said is the empty one.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ScopeHeader<'b> {
    scope: &'b [u8],
    schema_url: &'b str,
}

impl<'b> ScopeHeader<'b> {
    const SCOPE: u32 = sized(1);
    const NAME: u32 = sized(1);
    const VERSION: u32 = sized(2);
    const ATTRIBUTE: u32 = sized(3);
    const DROPPED_ATTRIBUTES: u32 = varint(4);

    /// Reads it without looking into the scope.
    pub(super) fn read(split: &Split<'b>) -> Result<Self, Odd> {
        let (mut header, mut scopes) = (Self::default(), 0);
        for mut fields in split.rest() {
            while let Some(key) = fields.key()? {
                match key {
                    Self::SCOPE => {
                        scopes += 1;
                        header.scope = fields.sized()?;
                    }
                    SCHEMA_URL => header.schema_url = fields.text()?,
                    _ => fields.unknown(key, 1..=3)?,
                }
            }
        }
        if scopes > 1 { Err(Odd) } else { Ok(header) }
    }

    pub(super) fn check(self, check: &mut Check) -> Result<(), Odd> {
        let mut fields = Fields::new(self.scope);
        while let Some(key) = fields.key()? {
            match key {
                Self::NAME | Self::VERSION => _ = fields.text()?,
                Self::ATTRIBUTE => check.attribute(fields.sized()?)?,
                Self::DROPPED_ATTRIBUTES => _ = fields.varint()?,
                _ => fields.unknown(key, 1..=4)?,
            }
        }
        Ok(())
    }

    pub(super) fn intern(self, interner: &Interner) -> Result<Arc<Scope>, Odd> {
        let (mut name, mut version) = ("", "");
        let mut fields = Fields::new(self.scope);
        while let Some(key) = fields.key()? {
            match key {
                Self::NAME => name = fields.text()?,
                Self::VERSION => version = fields.text()?,
                _ => fields.pass(key)?,
            }
        }
        Ok(interner.scope(Scope {
            name: interner.string(name),
            version: interner.string(version),
            attributes: Attributes::new(list(interner, self.scope, Self::ATTRIBUTE)?),
            schema_url: interner.string(self.schema_url),
        }))
    }
}

/// The attributes in a message of which they are not the only fields.
fn list(interner: &Interner, message: &[u8], attribute: u32) -> Result<Vec<weir_core::KeyValue>, Odd> {
    let (mut list, none) = (Vec::new(), Attributes::default());
    let mut fields = Fields::new(message);
    while let Some(key) = fields.key()? {
        if key == attribute {
            list.push(attributes::attribute(interner, fields.sized()?, &none)?);
        } else {
            fields.pass(key)?;
        }
    }
    Ok(list)
}

/// What a metric says apart from its points.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct MetricHeader<'b> {
    pub(super) name: &'b str,
    pub(super) unit: &'b str,
}

impl<'b> MetricHeader<'b> {
    const NAME: u32 = sized(1);
    const DESCRIPTION: u32 = sized(2);
    const UNIT: u32 = sized(3);
    const METADATA: u32 = sized(12);

    /// Reads and checks it. Its metadata is well-formed, but may be anything: it names nothing.
    pub(super) fn read(split: &Split<'b>, mut check: Check) -> Result<Self, Odd> {
        let mut header = Self::default();
        for mut fields in split.rest() {
            while let Some(key) = fields.key()? {
                match key {
                    Self::NAME => header.name = fields.text()?,
                    Self::DESCRIPTION => _ = fields.text()?,
                    Self::UNIT => header.unit = fields.text()?,
                    Self::METADATA => check.attribute(fields.sized()?)?,
                    _ => fields.unknown(key, 1..=12)?,
                }
            }
        }
        Ok(header)
    }
}

/// What kind of a metric it is, as its series' identity has it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub(super) kind: Kind,
    temporality: Temporality,
    monotonic: bool,
}

impl Shape {
    const TEMPORALITY: u32 = varint(2);
    const MONOTONIC: u32 = varint(3);
    const POINT: u32 = sized(1);

    /// The kind of the metric whose points are in the field `key`.
    pub(super) fn kind(key: u32) -> Option<Kind> {
        const GAUGE: u32 = sized(5);
        const SUM: u32 = sized(7);
        const HISTOGRAM: u32 = sized(9);
        const EXPONENTIAL_HISTOGRAM: u32 = sized(10);
        const SUMMARY: u32 = sized(11);
        match key {
            GAUGE => Some(Kind::Gauge),
            SUM => Some(Kind::Sum),
            HISTOGRAM => Some(Kind::Histogram),
            EXPONENTIAL_HISTOGRAM => Some(Kind::ExponentialHistogram),
            SUMMARY => Some(Kind::Summary),
            _ => None,
        }
    }

    /// Reads the data of a metric but for its points; says how many these are.
    pub(super) fn read(kind: Kind, data: &[u8]) -> Result<(Self, usize), Odd> {
        let fields_of_kind = match kind {
            Kind::Gauge | Kind::Summary => 1,
            Kind::Histogram | Kind::ExponentialHistogram => 2,
            Kind::Sum => 3,
        };
        let mut shape = Self { kind, temporality: Temporality::Unspecified, monotonic: false };
        let mut points = 0;
        let mut fields = Fields::new(data);
        while let Some(key) = fields.key()? {
            match key {
                Self::POINT => {
                    fields.sized()?;
                    points += 1;
                }
                Self::TEMPORALITY if fields_of_kind >= 2 => {
                    shape.temporality = match fields.varint()? as i32 {
                        1 => Temporality::Delta,
                        2 => Temporality::Cumulative,
                        _ => Temporality::Unspecified,
                    };
                }
                Self::MONOTONIC if fields_of_kind >= 3 => shape.monotonic = fields.varint()? != 0,
                _ => fields.unknown(key, 1..=fields_of_kind)?,
            }
        }
        Ok((shape, points))
    }

    /// The next point of a metric's data.
    #[inline]
    pub(super) fn next_point<'b>(data: &mut Fields<'b>) -> Result<Option<&'b [u8]>, Odd> {
        while let Some(key) = data.key()? {
            if key == Self::POINT {
                return data.sized().map(Some);
            }
            data.pass(key)?;
        }
        Ok(None)
    }

    /// Three bytes that no other shape has.
    pub(super) fn bytes(self) -> [u8; 3] {
        [self.kind as u8, self.temporality as u8, u8::from(self.monotonic)]
    }

    /// Why no point of such a metric can be taken, if so.
    pub(super) fn check(self, header: MetricHeader<'_>) -> Result<(), Reason> {
        let timeless = matches!(self.kind, Kind::Gauge | Kind::Summary);
        if self.temporality == Temporality::Unspecified && !timeless {
            return Err(UNSPECIFIED_TEMPORALITY);
        }
        if header.name.is_empty() { Err(NO_NAME) } else { Ok(()) }
    }

    pub(super) fn intern(self, interner: &Interner, header: MetricHeader<'_>) -> Arc<Descriptor> {
        let (name, unit) = (interner.string(header.name), interner.string(header.unit));
        let Self { kind, temporality, monotonic } = self;
        interner.descriptor(Descriptor { name, unit, kind, temporality, monotonic })
    }
}
