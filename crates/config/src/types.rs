//! Values that configurations have everywhere.

mod bytes;
mod duration;
mod secret;

pub use bytes::{ByteSize, ByteSizeError};
pub use duration::{Duration, DurationError};
pub use secret::Secret;
pub(crate) use secret::{REDACTED, SECRET_TYPE};
