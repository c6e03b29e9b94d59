//! What an OpenMetrics 1.0 body must be beyond its single lines (OpenMetrics 1.0, "Text format" and "Metric types").
//!
//! A [`Checker`] sees every line of a body in order. It remembers names and label sets, so its memory grows with the body: strict
//! mode is for tests of exporters and for whoever asks for it.
//!
//! # Layout
//! - `family`: one metric family, its samples and their order; `histogram`: the buckets of one histogram.

mod family;
mod histogram;

use std::collections::HashSet;

use self::family::Family;
use crate::{
    FamilyType, Fault,
    family::Part,
    text::{Line, Metadata, Sample, Syntax, line},
};

/// Reads an OpenMetrics body line by line and finds what is wrong with it.
#[derive(Debug, Default)]
pub struct Checker {
    family: Option<Family>,
    /// Names that families have taken: their own, and those that their samples may have.
    taken: HashSet<String>,
    ended: bool,
}

impl Checker {
    /// Takes the next line, and reads it.
    ///
    /// # Errors
    /// It is not as the specification says.
    pub fn take<'a>(&mut self, text: &'a [u8]) -> Result<Line<'a>, Fault> {
        if self.ended {
            return Err(Fault::AfterEnd);
        }
        let line = line(text, Syntax { openmetrics: true, strict: true })?;
        match &line {
            Line::Metadata(metadata) => self.metadata(metadata)?,
            Line::Sample(sample) => self.sample(sample)?,
            Line::End => {
                self.close()?;
                self.ended = true;
            }
            Line::Blank | Line::Comment => return Err(Fault::BadMetadata),
        }
        Ok(line)
    }

    /// There are no more lines.
    ///
    /// # Errors
    /// The last was not `# EOF`.
    pub fn finish(&self) -> Result<(), Fault> {
        if self.ended { Ok(()) } else { Err(Fault::NoEnd) }
    }

    fn metadata(&mut self, metadata: &Metadata<'_>) -> Result<(), Fault> {
        if self.family.as_ref().is_none_or(|family| family.name != metadata.family()) {
            self.open(metadata.family())?;
        }
        let Some(family) = &mut self.family else { return Ok(()) };
        if family.has_samples() {
            return Err(Fault::rule(format!("metadata of `{}` after its samples", family.name)));
        }
        let is_first = match metadata {
            Metadata::Help { .. } => !std::mem::replace(&mut family.has_help, true),
            Metadata::Type { family_type, .. } => family.stated_type.replace(*family_type).is_none(),
            Metadata::Unit { unit, .. } => family.unit.replace((*unit).to_owned()).is_none(),
        };
        if is_first { Ok(()) } else { Err(Fault::rule(format!("metadata of `{}` twice", family.name))) }
    }

    fn sample(&mut self, sample: &Sample<'_>) -> Result<(), Fault> {
        if self.family.as_ref().is_none_or(|family| family.part_of(&sample.name).is_none()) {
            self.open(&sample.name)?;
        }
        self.family.as_mut().map_or(Ok(()), |family| family.take(sample))
    }

    fn open(&mut self, name: &str) -> Result<(), Fault> {
        self.close()?;
        self.family = Some(Family::new(name));
        Ok(())
    }

    fn close(&mut self) -> Result<(), Fault> {
        let Some(family) = self.family.take() else { return Ok(()) };
        let suffixes = family.family_type().parts().iter().map(|(suffix, _)| *suffix).chain([""]);
        let names: HashSet<String> = suffixes.map(|suffix| format!("{}{suffix}", family.name)).collect();
        family.check()?;
        if let Some(name) = names.iter().find(|name| self.taken.contains(*name)) {
            return Err(Fault::rule(format!("`{name}` belongs to two families")));
        }
        self.taken.extend(names);
        Ok(())
    }
}

/// Whether the value must be a count: not NaN, not negative.
const fn is_count(family_type: FamilyType, part: Part) -> bool {
    match part {
        Part::Total | Part::Bucket | Part::Count | Part::GaugeCount => true,
        Part::Sum => matches!(family_type, FamilyType::Histogram | FamilyType::Summary),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
