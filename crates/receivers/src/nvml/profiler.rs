//! GPM: two samples of a GPU or of a MIG instance are held, and compared.

use weir_nvml_raw::{Class, Device, Error, Gpm};

use super::{
    catalogue::PROFILE,
    gpu::{Part, Reading, goes_on},
    plan::PlannedProfile,
};

/// The GPM of a GPU, or of an instance of it.
#[derive(Debug, Default)]
pub(super) enum Profiler {
    /// Not asked for yet.
    #[default]
    Unknown,
    /// The GPU, or its driver, has none.
    Unsupported,
    /// At work.
    Open(Gpm),
}

impl Profiler {
    /// What was counted since the last time; nothing at the first.
    ///
    /// # Errors
    /// The GPU is lost, or NVML has to be opened anew.
    pub(super) fn read(
        &mut self,
        device: &Device,
        planned: &PlannedProfile,
        part: Part,
        into: &mut Vec<Reading>,
    ) -> Result<(), Error> {
        if planned.rows.is_empty() {
            return Ok(());
        }
        match self.next(device, planned, part, into) {
            Err(error) if error.class() == Class::NotSupported => {
                *self = Self::Unsupported;
                Ok(())
            }
            Err(error) => goes_on(error),
            Ok(()) => Ok(()),
        }
    }

    fn next(
        &mut self,
        device: &Device,
        planned: &PlannedProfile,
        part: Part,
        into: &mut Vec<Reading>,
    ) -> Result<(), Error> {
        if matches!(self, Self::Unknown) {
            let instance = match part {
                Part::Instance(id) => Some(id),
                Part::Whole | Part::Link(_) => None,
            };
            *self = Self::Open(Gpm::of(device, instance)?);
        }
        let Self::Open(gpm) = self else { return Ok(()) };
        let mut values = [None; PROFILE.len()];
        gpm.next(&planned.ask, &mut values)?;
        let figures = planned.rows.iter().zip(values);
        into.extend(figures.filter_map(|(row, value)| Some(Reading { row: *row, part, value: value? })));
        Ok(())
    }
}
