//! What points of all kinds have beside their values: attributes, which are the name of the series, and exemplars.

use weir_core::{Heading, Predicted, Sender};

use super::{
    attributes::Check,
    wire::{Fields, Odd, fixed, sized},
};

/// The attributes of a point.
#[derive(Clone, Copy, Debug)]
pub(super) enum Alias<'b> {
    /// Those that were expected.
    Predicted(Predicted),
    /// Others: the fields as they were sent.
    Run(&'b [u8]),
}

/// Takes in what a point has beside its values.
pub(super) struct Aside<'s, 'b> {
    sender: &'s Sender<'s>,
    heading: Option<Heading>,
    check: Check,
    alias: Option<Alias<'b>>,
    exemplars: u64,
}

impl<'s, 'b> Aside<'s, 'b> {
    /// For a point under `heading`, if that is known; `check` checks attributes.
    #[inline]
    pub(super) fn new(sender: &'s Sender<'s>, heading: Option<Heading>, check: Check) -> Self {
        Self { sender, heading, check, alias: None, exemplars: 0 }
    }

    /// Reads the attributes, of which the first begins at `start` and has its key, `key`, read.
    #[inline]
    pub(super) fn attributes(&mut self, fields: &mut Fields<'b>, start: usize, key: u32) -> Result<(), Odd> {
        if self.alias.is_some() {
            return Err(Odd); // other fields in between
        }
        let rest = fields.from(start);
        let predicted = self.heading.and_then(|heading| self.sender.predict(heading, rest));
        // The name that is expected must not be the beginning of a longer one. All attribute keys take one byte.
        if let Some(predicted) = predicted
            && predicted.len() > 0
            && rest.get(predicted.len()).is_none_or(|next| u32::from(*next) != key)
        {
            fields.go_to(start + predicted.len());
            self.alias = Some(Alias::Predicted(predicted));
        } else {
            self.alias = Some(Alias::Run(fields.run(start, key)?));
        }
        Ok(())
    }

    /// Reads an exemplar: it is counted, and must be well-formed.
    pub(super) fn exemplar(&mut self, fields: &mut Fields<'b>) -> Result<(), Odd> {
        const TIME: u32 = fixed(2);
        const DOUBLE: u32 = fixed(3);
        const SPAN: u32 = sized(4);
        const TRACE: u32 = sized(5);
        const INT: u32 = fixed(6);
        const ATTRIBUTE: u32 = sized(7);
        self.exemplars += 1;
        let mut fields = Fields::new(fields.sized()?);
        while let Some(key) = fields.key()? {
            match key {
                TIME | DOUBLE | INT => _ = fields.fixed()?,
                SPAN | TRACE => _ = fields.sized()?,
                // Whatever they are: they name nothing.
                ATTRIBUTE => {
                    let mut check = self.check;
                    check.attribute(fields.sized()?)?;
                }
                _ => fields.unknown(key, 2..=7)?,
            }
        }
        Ok(())
    }

    /// The attributes, and the number of exemplars.
    #[inline]
    pub(super) fn finish(self) -> (Alias<'b>, u64) {
        (self.alias.unwrap_or(Alias::Run(&[])), self.exemplars)
    }
}
