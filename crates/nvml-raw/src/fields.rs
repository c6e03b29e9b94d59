//! Many fields of a GPU in one call.

use nvml_wrapper_sys::bindings::{nvmlFieldValue_t, nvmlValue_t};

use crate::{Device, Error, library::call};

/// A field to ask for, and its answer. Fields are matched by their place in the slice: drivers answer with translated ids.
///
/// The ids above 250 mean another thing before driver 580.82 than since: they are not to be asked for.
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
        Self(nvmlFieldValue_t {
            fieldId: id,
            scopeId: 0,
            timestamp: 0,
            latencyUsec: 0,
            valueType: 0,
            nvmlReturn: 3, // not supported, until it is answered
            value: nvmlValue_t { ullVal: 0 },
        })
    }

    /// The answer. A value that is negative or no number is none.
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
    /// Asks for all `fields` at once; each then has its own answer.
    ///
    /// # Errors
    /// None of them could be asked for.
    pub fn fields(&self, fields: &mut [Field]) -> Result<(), Error> {
        for field in &mut *fields {
            *field = Field::new(field.0.fieldId); // an answer of before is none
        }
        let count = i32::try_from(fields.len()).unwrap_or(i32::MAX);
        let mut asked = [Field::new(0).0; MOST];
        let asked = &mut asked[..fields.len().min(MOST)];
        asked.iter_mut().zip(&*fields).for_each(|(to, field)| *to = field.0);
        call!(
            self.nvml,
            nvmlDeviceGetFieldValues(self.handle(), count.min(MOST as i32), asked.as_mut_ptr())
        )?;
        fields.iter_mut().zip(asked).for_each(|(field, answer)| {
            answer.fieldId = field.0.fieldId;
            field.0 = *answer;
        });
        Ok(())
    }
}

/// More than are asked for anywhere.
const MOST: usize = 64;
