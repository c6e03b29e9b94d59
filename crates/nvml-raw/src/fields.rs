//! Many fields of a GPU in one call.

use nvml_wrapper_sys::bindings::{nvmlFieldValue_t, nvmlValue_t};

use crate::{Device, Error, library::call};

/// A field to ask for, and its answer. Fields are matched by their place in the slice: drivers answer with translated ids.
///
/// An id is the driver's own: [`Device::field_id`] says it for those that were renumbered.
#[derive(Clone, Copy)]
pub struct Field(nvmlFieldValue_t);

impl std::fmt::Debug for Field {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Field").field(&self.0.fieldId).field(&self.value()).finish()
    }
}

impl Field {
    /// The field of this id, of the GPU as a whole.
    pub fn new(id: u32) -> Self {
        Self::of(id, 0)
    }

    /// The field of this id, of a part of the GPU: a link by its number, [`ALL_LINKS`], 1 for the module's power.
    pub fn of(id: u32, scope: u32) -> Self {
        Self(nvmlFieldValue_t {
            fieldId: id,
            scopeId: scope,
            timestamp: 0,
            latencyUsec: 0,
            valueType: 0,
            nvmlReturn: 3, // not supported, until it is answered
            value: nvmlValue_t { ullVal: 0 },
        })
    }

    /// The answer.
    ///
    /// # Errors
    /// The field's own return code.
    pub fn value(&self) -> Result<f64, Error> {
        if self.0.nvmlReturn != 0 {
            return Err(Error::Code { function: "nvmlDeviceGetFieldValues", code: self.0.nvmlReturn });
        }
        let value = self.0.value;
        Ok(match self.0.valueType {
            // SAFETY: every bit pattern is a double, and all of the union's eight bytes were initialised.
            0 => unsafe { value.dVal },
            // SAFETY: every bit pattern is an unsigned int.
            1 => f64::from(unsafe { value.uiVal }),
            // SAFETY: every bit pattern is a signed long long.
            4 => (unsafe { value.sllVal }) as f64,
            // SAFETY: every bit pattern is a signed int.
            5 => f64::from(unsafe { value.siVal }),
            // SAFETY: every bit pattern is an unsigned long long; `unsigned long` is as long on every system that Weir runs on.
            _ => (unsafe { value.ullVal }) as f64,
        })
    }
}

impl Device {
    /// The id that this driver has for a field of `nvml.h` before driver 580.82; `None` where that is not known.
    pub fn field_id(&self, id: u32) -> Option<u32> {
        self.nvml.numbering.id(id)
    }

    /// How many NVLinks the GPU has.
    pub fn link_count(&self) -> Result<u32, Error> {
        let mut count = [Field::new(LINK_COUNT)];
        self.fields(&mut count)?;
        count[0].value().map(|count| count as u32)
    }

    /// Asks for all `fields`, in as few calls as it takes; each then has its own answer.
    ///
    /// # Errors
    /// Some of them could not be asked for.
    pub fn fields(&self, fields: &mut [Field]) -> Result<(), Error> {
        fields.chunks_mut(MOST).try_for_each(|some| self.some_fields(some))
    }

    /// At most [`MOST`].
    fn some_fields(&self, fields: &mut [Field]) -> Result<(), Error> {
        let mut asked = [Field::new(0).0; MOST];
        let asked = &mut asked[..fields.len().min(MOST)];
        for (to, field) in asked.iter_mut().zip(&mut *fields) {
            *field = Field::of(field.0.fieldId, field.0.scopeId); // an answer of before is none
            *to = field.0;
        }
        let count = i32::try_from(asked.len()).unwrap_or(0);
        call!(self.nvml, nvmlDeviceGetFieldValues(self.handle(), count, asked.as_mut_ptr()))?;
        fields.iter_mut().zip(asked).for_each(|(field, answer)| {
            answer.fieldId = field.0.fieldId;
            field.0 = *answer;
        });
        Ok(())
    }
}

/// As a field's scope: the sum over all NVLinks.
pub const ALL_LINKS: u32 = u32::MAX;
/// `NVML_FI_DEV_NVLINK_LINK_COUNT`.
const LINK_COUNT: u32 = 91;
/// Fields in one call. More than a tier has of a GPU as a whole; drivers take as many as there are ids (`NVML_FI_MAX`, 274).
const MOST: usize = 128;

/// What the ids 251 to 273 mean to a driver: 580.82 (CUDA 13.0, update 1) gave them to other fields ("Known issues" of NVML's
/// documentation).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Numbering {
    /// Reasons of clocks from 251, power smoothing from 256.
    Before,
    /// Power smoothing from 251, reasons of clocks from 269.
    Since,
    /// The driver does not say which it is.
    Unknown,
}

impl Numbering {
    /// Of a driver by its version, such as `580.82.07`.
    pub(crate) fn of(driver: &str) -> Self {
        let mut parts = driver.split('.').map(str::parse::<u32>);
        match (parts.next(), parts.next()) {
            (Some(Ok(major)), Some(Ok(minor))) if (major, minor) >= (580, 82) => Self::Since,
            (Some(Ok(_)), Some(Ok(_))) => Self::Before,
            _ => Self::Unknown,
        }
    }

    fn id(self, id: u32) -> Option<u32> {
        match (self, id) {
            (_, ..=250) | (Self::Before, ..=273) => Some(id),
            (Self::Since, 251..=255) => Some(id + 18),
            (Self::Since, 256..=273) => Some(id - 5),
            (Self::Unknown, ..=273) | (_, 274..) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Numbering;

    #[test]
    fn ids_are_those_of_the_driver_and_none_where_it_is_not_known() {
        for (driver, sw_thermal, smoothing) in [
            ("535.183.01", Some(251), Some(256)),
            ("575.57.08", Some(251), Some(256)),
            ("580.65.06", Some(251), Some(256)),
            ("580.82.07", Some(269), Some(251)),
            ("580.126.09", Some(269), Some(251)),
            ("590.48.01", Some(269), Some(251)),
            ("580", None, None),
            ("", None, None),
            ("rel-x.y", None, None),
        ] {
            let numbering = Numbering::of(driver);
            assert_eq!((numbering.id(251), numbering.id(256)), (sw_thermal, smoothing), "{driver}");
            assert_eq!((numbering.id(250), numbering.id(274)), (Some(250), None), "{driver}");
        }
    }
}
