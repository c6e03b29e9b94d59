//! The driver's library.

use std::{ffi::c_char, mem, path::Path, ptr, sync::Arc};

use nvml_wrapper_sys::bindings::NvmlLib;

use crate::{Device, Error, fields::Numbering};

/// NVML, loaded and initialised; shut down when the last that holds it is gone.
pub struct Nvml {
    pub(crate) lib: NvmlLib,
    pub(crate) numbering: Numbering,
}

impl std::fmt::Debug for Nvml {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Nvml")
    }
}

/// Calls a function of the library, if it has it. See the crate's documentation for why a call is sound.
macro_rules! call {
    ($nvml:expr, $symbol:ident($($argument:expr),* $(,)?)) => {
        match &$nvml.lib.$symbol {
            Err(_) => Err($crate::Error::Missing(stringify!($symbol))),
            // SAFETY: the type is NVML's own, the library is initialised, the pointers are of references that outlive the call.
            Ok(function) => match unsafe { function($($argument),*) } {
                0 => Ok(()),
                code => Err($crate::Error::Code { function: stringify!($symbol), code }),
            },
        }
    };
}
pub(crate) use call;

impl Nvml {
    /// Loads `path` and initialises it. Either can take seconds, or for ever where the driver is stuck.
    ///
    /// # Errors
    /// There is no such library, or it does not find its driver.
    pub fn open(path: &Path) -> Result<Arc<Self>, Error> {
        // SAFETY: `path` is the driver's library by the operator's word; its initialisers are those that every CUDA program runs.
        let lib = unsafe { NvmlLib::new(path) };
        let why = |error: &dyn std::fmt::Display| Error::Load {
            path: path.display().to_string(),
            why: error.to_string(),
        };
        let unopened = Unopened { lib: lib.map_err(|error| why(&error))? };
        call!(unopened, nvmlInit_v2())?;
        let mut nvml = Self { lib: unopened.lib, numbering: Numbering::Unknown };
        nvml.numbering = nvml.driver_version().map_or(Numbering::Unknown, |driver| Numbering::of(&driver));
        Ok(Arc::new(nvml))
    }

    /// How many GPUs the driver can reach.
    pub fn count(&self) -> Result<u32, Error> {
        let mut count = 0;
        call!(self, nvmlDeviceGetCount_v2(&raw mut count))?;
        Ok(count)
    }

    /// The GPU at `index`. The index is not the GPU's own: it may be another's after a restart.
    pub fn device(self: &Arc<Self>, index: u32) -> Result<Device, Error> {
        let mut handle = ptr::null_mut();
        call!(self, nvmlDeviceGetHandleByIndex_v2(index, &raw mut handle))?;
        Ok(Device::new(Arc::clone(self), handle))
    }

    /// The driver's version.
    pub fn driver_version(&self) -> Result<String, Error> {
        text::<80>(|to, room| call!(self, nvmlSystemGetDriverVersion(to, room)))
    }

    /// The version of CUDA that the driver has, times 1000.
    pub fn cuda_version(&self) -> Result<u32, Error> {
        let mut version = 0;
        call!(self, nvmlSystemGetCudaDriverVersion_v2(&raw mut version))?;
        Ok(u32::try_from(version).unwrap_or(0))
    }
}

impl Drop for Nvml {
    fn drop(&mut self) {
        let _ = call!(self, nvmlShutdown()); // there is nobody left to tell
    }
}

/// Loaded, not initialised: dropping it shuts nothing down.
struct Unopened {
    lib: NvmlLib,
}

/// What a structure's `version` is to say: its size, and which version of it this is.
pub(crate) fn version<T>(number: u32) -> u32 {
    mem::size_of::<T>() as u32 | (number << 24)
}

/// A text of less than `N` bytes.
pub(crate) fn text<const N: usize>(
    fill: impl FnOnce(*mut c_char, u32) -> Result<(), Error>,
) -> Result<String, Error> {
    let mut buffer = [0_u8; N];
    fill(buffer.as_mut_ptr().cast(), N as u32)?;
    let length = buffer.iter().position(|byte| *byte == 0).unwrap_or(N);
    Ok(String::from_utf8_lossy(&buffer[..length]).into_owned())
}
