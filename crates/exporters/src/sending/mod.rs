//! What exporters that talk to a service share.
//!
//! - [`Queue`]: self-contained items between the encoder and the consumers, bounded in bytes (R6);
//! - [`RetryConfig`], [`Backoff`]: when to try again;
//! - [`Quiet`]: one log line a minute, however often something fails.

mod backoff;
mod queue;
mod quiet;

pub use backoff::RetryConfig;
pub(crate) use backoff::{Backoff, random_unit};
pub(crate) use queue::{Item, Queue};
pub(crate) use quiet::Quiet;
