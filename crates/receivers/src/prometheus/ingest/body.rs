//! A scrape under way.

use weir_core::UnixNanos;
use weir_exposition::Format;

use super::{Failure, Scraped, Target};

/// A body that is being read. Dropped before its end, nothing of it counts.
#[derive(Debug)]
pub struct Body<'t> {
    _target: &'t mut Target,
    _time: UnixNanos,
    _format: Format,
}

impl<'t> Body<'t> {
    pub(super) fn new(target: &'t mut Target, time: UnixNanos, format: Format) -> Self {
        Self { _target: target, _time: time, _format: format }
    }

    /// Takes the next bytes, cut wherever they were.
    ///
    /// # Errors
    /// A limit is breached, or in strict mode something is not as the format says: the scrape has failed. Drop the body, and say
    /// so by [`Target::fail`].
    pub fn feed(&mut self, _bytes: &[u8]) -> Result<(), Failure> {
        Ok(())
    }

    /// The body is complete.
    ///
    /// # Errors
    /// As [`feed`](Self::feed), and where the end is missing (`# EOF`, or the rest of a message).
    pub fn finish(self) -> Result<Scraped, Failure> {
        Ok(Scraped::default())
    }
}
