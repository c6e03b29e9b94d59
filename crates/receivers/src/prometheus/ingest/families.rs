//! Metric families: what the metadata of a target's body says, line by line.

use std::collections::HashMap;

use weir_exposition::{FamilyType, family::Part, text::Metadata};

/// How many families, in all their states, are remembered of a target: its metadata must not be what fills the memory.
pub(super) const MAX_FAMILIES: usize = 65_536;
/// How many bytes their names and units may have together: one alone may have a mebibyte.
const MAX_BYTES: usize = 16 << 20;
/// No metadata has come.
pub(super) const NO_FAMILY: u32 = weir_core::NO_NAME;

/// A family, as far as its metadata has come.
#[derive(Debug)]
pub(super) struct Family {
    pub(super) name: Box<str>,
    pub(super) kind: FamilyType,
    pub(super) unit: Box<str>,
    /// When it was in force last: the scrape, and the place in it.
    declared: (u32, u32),
}

impl Family {
    fn is(&self, name: &str, family_type: FamilyType, unit: &str) -> bool {
        *self.name == *name && self.kind == family_type && *self.unit == *unit
    }

    /// What a sample of this name is in this family. Beside OpenMetrics' names: a counter by the family's own name, which is how
    /// Prometheus's text format has it, and an info too.
    pub(super) fn part_of(&self, sample: &str) -> Option<Part> {
        let exact = match self.kind {
            FamilyType::Counter => Some(Part::Total),
            FamilyType::Info => Some(Part::Info),
            _ => None,
        };
        self.kind.part_of(&self.name, sample).or_else(|| exact.filter(|_| *self.name == *sample))
    }
}

/// The families of a target, each in every state that its metadata has brought it to: those are few, and the same in every scrape.
#[derive(Debug, Default)]
pub(super) struct Families {
    all: Vec<Family>,
    by_name: HashMap<Box<str>, Vec<u32>>,
    /// Of names and units.
    bytes: usize,
    /// How many were declared in the scrape at hand.
    place: u32,
}

impl Families {
    pub(super) fn get(&self, at: u32) -> Option<&Family> {
        self.all.get(at as usize)
    }

    pub(super) fn are_full(&self) -> bool {
        self.all.len() >= MAX_FAMILIES || self.bytes >= MAX_BYTES
    }

    /// The family that is in force after `metadata`, where `current` was before. `None` where there are too many.
    pub(super) fn after(&mut self, current: u32, metadata: &Metadata<'_>) -> Option<u32> {
        let name = metadata.family();
        let before = self.get(current).filter(|family| *family.name == *name);
        let (mut family_type, mut unit) =
            before.map_or((FamilyType::Unknown, ""), |family| (family.kind, &*family.unit));
        match metadata {
            Metadata::Help { .. } => {}
            Metadata::Type { family_type: stated, .. } => family_type = *stated,
            Metadata::Unit { unit: stated, .. } => unit = stated,
        }
        let unit = unit.to_owned();
        self.enter(name, family_type, &unit)
    }

    /// The family in this state.
    pub(super) fn enter(&mut self, name: &str, family_type: FamilyType, unit: &str) -> Option<u32> {
        let states = self.by_name.get(name).map_or(&[][..], |states| states);
        let known = states.iter().find(|at| self.all[**at as usize].is(name, family_type, unit));
        if let Some(known) = known {
            return Some(*known);
        }
        if self.are_full() {
            return None;
        }
        let at = self.all.len() as u32;
        self.bytes += name.len() + unit.len();
        self.all.push(Family { name: name.into(), kind: family_type, unit: unit.into(), declared: (0, 0) });
        self.by_name.entry(name.into()).or_default().push(at);
        Some(at)
    }

    /// The family as protobuf has it, all at once. Of a family that is too large to be held the unit is not known, and it is
    /// identity: so the one that the family had last is kept, none as well, until another one is stated in its place.
    pub(super) fn enter_whole(&mut self, name: &str, family_type: FamilyType, unit: &str) -> Option<u32> {
        let states = self.by_name.get(name).map_or(&[][..], |states| states);
        let last = states.iter().rev().find(|at| self.all[**at as usize].kind == family_type);
        match last {
            Some(last) if unit.is_empty() || self.all[*last as usize].unit.is_empty() => Some(*last),
            _ => self.enter(name, family_type, unit),
        }
    }

    /// The family comes into force in `scrape`.
    #[inline]
    pub(super) fn declare(&mut self, at: u32, scrape: u32) {
        self.place = self.place.wrapping_add(1);
        if let Some(family) = self.all.get_mut(at as usize) {
            family.declared = (scrape, self.place);
        }
    }

    /// A new scrape begins.
    pub(super) fn begin(&mut self) {
        self.place = 0;
    }

    /// The family that a sample belongs to which is not of the one in force: declared earlier in this scrape, under the sample's name
    /// or what is left of it without a suffix.
    pub(super) fn elsewhere(&self, sample: &str, scrape: u32) -> Option<(u32, Part)> {
        const SUFFIXES: [&str; 8] =
            ["", "_total", "_bucket", "_sum", "_count", "_created", "_gsum", "_gcount"];
        let of_suffix = |suffix: &str| {
            let states = self.by_name.get(sample.strip_suffix(suffix)?)?;
            let declared = states.iter().filter(|at| self.all[**at as usize].declared.0 == scrape);
            let latest = *declared.max_by_key(|at| self.all[**at as usize].declared.1)?;
            Some((latest, self.all[latest as usize].part_of(sample)?))
        };
        SUFFIXES.into_iter().chain(["_info"]).find_map(of_suffix)
    }
}
