//! Return codes.

/// What was to be filled in has less room than is needed.
pub(crate) const INSUFFICIENT_SIZE: u32 = 7;

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// There is no driver library, or it cannot be loaded.
    #[error("cannot load {path}: {why}")]
    Load {
        /// The library.
        path: String,
        /// In the loader's words.
        why: String,
    },
    /// This driver's library has no such function.
    #[error("this driver's library has no {0}")]
    Missing(&'static str),
    /// The function returned an error.
    #[error("{function} returned {code} ({})", name(*code))]
    Code {
        /// The function.
        function: &'static str,
        /// The return code.
        code: u32,
    },
}

/// What an error means for whoever asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// This GPU or this driver has no such figure, and will not before it is opened anew.
    NotSupported,
    /// There is none at the moment.
    NoData,
    /// The GPU does not answer any more.
    Lost,
    /// NVML as a whole has to be opened anew.
    Session,
    /// Not allowed: devices or rights that the container lacks.
    NotAllowed,
    /// Anything else.
    Other,
}

impl Error {
    /// What the error means.
    pub fn class(&self) -> Class {
        match self {
            Self::Load { .. } => Class::Session,
            Self::Missing(_) => Class::NotSupported,
            Self::Code { code, .. } => match code {
                3 | 13 | 22 | 25 | 26 => Class::NotSupported,
                6 | 21 | 27 => Class::NoData,
                15 | 16 | 28 => Class::Lost,
                1 | 9 | 12 | 18 => Class::Session,
                4 | 17 => Class::NotAllowed,
                _ => Class::Other,
            },
        }
    }
}

/// NVML's own names, from `nvmlReturn_t`.
fn name(code: u32) -> &'static str {
    match code {
        1 => "uninitialized",
        2 => "invalid argument",
        3 => "not supported",
        4 => "no permission",
        6 => "not found",
        7 => "insufficient size",
        9 => "driver not loaded",
        10 => "timeout",
        12 => "library not found",
        13 => "function not found",
        14 => "corrupted inforom",
        15 => "gpu is lost",
        16 => "reset required",
        17 => "operating system",
        18 => "driver/library version mismatch",
        19 => "in use",
        20 => "memory",
        21 => "no data",
        22 => "vgpu ecc not supported",
        23 => "insufficient resources",
        25 => "argument version mismatch",
        26 => "deprecated",
        27 => "not ready",
        28 => "gpu not found",
        29 => "invalid state",
        _ => "unknown",
    }
}
