//! What exporters that talk to a service share.
//!
//! - [`Queue`]: self-contained items between the encoder and the consumers, bounded in bytes (R6);
//! - [`RetryConfig`], [`Backoff`]: when to try again;
//! - [`Rate`]: how many requests a second go out, shared with senders that are not known.

mod backoff;
mod queue;
mod rate;

pub use backoff::RetryConfig;
pub(crate) use backoff::{Backoff, random_unit};
pub(crate) use queue::{Age, Item, Queue};
pub(crate) use rate::Rate;
