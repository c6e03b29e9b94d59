//! Fields: those of one tier are asked for in one call.

use weir_nvml_raw::{Class, Device, Error, Field};

use super::{
    catalogue::{FieldRow, Scope},
    gpu::{Part, Reading, goes_on},
    plan::{Plan, PlannedField, Row},
};

/// More links than any GPU has.
const MOST_LINKS: u32 = 64;

/// The fields of a tier that a GPU is asked for.
#[derive(Debug, Default)]
pub(super) struct Asked {
    /// By place in `ask`. Several of one figure stand side by side.
    figures: Vec<Figure>,
    ask: Vec<Field>,
}

#[derive(Clone, Copy, Debug)]
struct Figure {
    row: Row,
    part: Part,
    convert: fn(f64) -> f64,
}

impl Asked {
    /// What `plan` asks this GPU for, by tier. Makes a call where links are asked for one by one.
    ///
    /// # Errors
    /// The GPU is lost, or NVML has to be opened anew.
    pub(super) fn of(device: &Device, plan: &Plan) -> Result<[Self; 3], Error> {
        let is_of_links = |planned: &PlannedField| planned.field.of == Scope::EachLink;
        let links = if plan.fields.iter().flatten().any(is_of_links) { count_links(device)? } else { 0 };
        Ok([0, 1, 2].map(|tier| {
            let mut asked = Self::default();
            for PlannedField { row, field } in &plan.fields[tier] {
                match field.of.number() {
                    Some(scope) => asked.add(device, field, *row, Part::Whole, scope),
                    None => {
                        (0..links).for_each(|link| asked.add(device, field, *row, Part::Link(link), link));
                    }
                }
            }
            asked
        }))
    }

    fn add(&mut self, device: &Device, field: &FieldRow, row: Row, part: Part, scope: u32) {
        for source in field.sources {
            // What a number means to a driver of an unknown version is not known: it is not asked for.
            if let Some(id) = device.field_id(source.id) {
                self.figures.push(Figure { row, part, convert: source.convert });
                self.ask.push(Field::of(id, scope));
            }
        }
    }

    /// Asks for all in one call. What the GPU does not support is not asked for again, nor are other sources of a figure once one has
    /// answered: they may count otherwise.
    ///
    /// # Errors
    /// The GPU is lost, or NVML has to be opened anew.
    pub(super) fn read(&mut self, device: &Device, into: &mut Vec<Reading>) -> Result<(), Error> {
        if self.ask.is_empty() {
            return Ok(());
        }
        if let Err(error) = device.fields(&mut self.ask) {
            return goes_on(error);
        }
        let (mut latest, mut before, mut is_settled) = (None, None, true);
        for (figure, field) in self.figures.iter().zip(&self.ask) {
            let Figure { row, part, convert } = *figure;
            let this = Some((row, part));
            match field.value() {
                // The first source that answers counts.
                Ok(value) if latest != this => {
                    is_settled &= before != this;
                    latest = this;
                    into.push(Reading { row, part, value: convert(value) });
                }
                Err(error) if error.class() == Class::NotSupported => is_settled = false,
                Ok(_) | Err(_) => is_settled &= latest != this,
            }
            before = this;
        }
        if !is_settled {
            self.settle();
        }
        Ok(())
    }

    /// Keeps of each figure the source that answered, and where none did, those that may do so yet.
    fn settle(&mut self) {
        let Self { figures, ask } = std::mem::take(self);
        let answers = |at: &usize| ask.get(*at).is_some_and(|field| field.value().is_ok());
        for (at, (figure, field)) in figures.iter().zip(&ask).enumerate() {
            let is_same = |other: &&Figure| (other.row, other.part) == (figure.row, figure.part);
            let first = at - figures[..at].iter().rev().take_while(is_same).count();
            let end = at + figures[at..].iter().take_while(is_same).count();
            let keeps = match (first..end).find(answers) {
                Some(chosen) => chosen == at,
                None => !field.value().is_err_and(|error| error.class() == Class::NotSupported),
            };
            if keeps {
                self.figures.push(*figure);
                self.ask.push(*field);
            }
        }
    }
}

/// 0 where the GPU does not say.
fn count_links(device: &Device) -> Result<u32, Error> {
    match device.link_count() {
        Ok(links) => Ok(links.min(MOST_LINKS)),
        Err(error) => goes_on(error).map(|()| 0),
    }
}
