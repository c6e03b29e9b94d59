//! What exporters that talk to a service share.
//!
//! - [`Queue`]: self-contained items between the encoder and the consumers, bounded in bytes (R6);
//! - [`RetryConfig`], [`Backoff`]: when to try again.

mod backoff;
mod queue;

pub use backoff::RetryConfig;
pub(crate) use backoff::{Backoff, random_unit};
pub(crate) use queue::{Item, Queue};
