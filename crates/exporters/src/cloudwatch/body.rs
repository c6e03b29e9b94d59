//! A request's body: written and compressed once, when its period closes, and kept so until its fate is known.
//!
//! As `MetricDatum`s a thousand datums of five dimensions take more than ten times the memory (a test compares), so that the
//! same queue bridges an outage ten times as long; and a second attempt encodes nothing.

use std::io::{self, Write as _};

use aws_sdk_cloudwatch::types::MetricDatum;
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use weir_net::Encoding;

use super::{pack::MAX_BYTES, wire};

/// How hard gzip tries. Of 244 kB, a thousand datums of five dimensions and six values, level 1 makes 37 kB in 0.41 ms, 2 29 kB
/// in 0.62 ms, and 6, the default, 28 kB in 1.5 ms (medians of 21, one of two shared cores).
const LEVEL: u32 = 2;

/// The bytes of a request.
#[derive(Clone, Debug)]
pub(super) struct Body {
    bytes: Bytes,
    is_gzip: bool,
    /// Where the first datum begins, before compression.
    head: usize,
    /// The length of each datum, before compression.
    lengths: Box<[u32]>,
}

impl Body {
    /// Writes the request of these datums.
    pub(super) fn of<'a>(namespace: &str, datums: impl ExactSizeIterator<Item = &'a MetricDatum>) -> Self {
        Self::write(namespace, datums.len(), |into| {
            datums.map(|datum| measured(into, |into| wire::write_datum(into, datum))).collect()
        })
    }

    /// Writes the request of datums that were written before.
    pub(super) fn of_written(namespace: &str, datums: &[&[u8]]) -> Self {
        Self::write(namespace, datums.len(), |into| {
            datums.iter().map(|datum| measured(into, |into| into.extend_from_slice(datum))).collect()
        })
    }

    fn write(namespace: &str, datums: usize, write: impl FnOnce(&mut Vec<u8>) -> Box<[u32]>) -> Self {
        let mut plain = Vec::new();
        wire::write_head(&mut plain, namespace, datums);
        let head = plain.len();
        let lengths = write(&mut plain);
        wire::write_end(&mut plain);
        // One small datum may be shorter as it is.
        let compressed = compress(&plain).ok().filter(|compressed| compressed.len() < plain.len());
        let is_gzip = compressed.is_some();
        // Boxed, so that no spare room is held, and counted memory is all there is.
        let bytes = compressed.unwrap_or(plain).into_boxed_slice().into();
        Self { bytes, is_gzip, head, lengths }
    }

    /// How many datums there are.
    pub(super) fn datums(&self) -> usize {
        self.lengths.len()
    }

    /// What is sent.
    pub(super) fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Whether it is compressed.
    pub(super) fn is_gzip(&self) -> bool {
        self.is_gzip
    }

    /// The memory that it takes beside its own size.
    pub(super) fn memory(&self) -> usize {
        self.bytes.len() + size_of_val(&*self.lengths)
    }

    /// The datums as they were written, uncompressed.
    pub(super) fn open(&self) -> io::Result<Opened<'_>> {
        Ok(Opened { plain: self.plain()?, head: self.head, lengths: &self.lengths })
    }

    /// The request before compression.
    pub(super) fn plain(&self) -> io::Result<Bytes> {
        if self.is_gzip {
            // A datum alone may be larger than what is packed with others.
            Encoding::Gzip.decompress(self.bytes.clone(), 2 * MAX_BYTES).map_err(io::Error::other)
        } else {
            Ok(self.bytes.clone())
        }
    }
}

fn compress(plain: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(LEVEL));
    encoder.write_all(plain)?;
    encoder.finish()
}

/// Says how much `write` appended.
fn measured(into: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) -> u32 {
    let before = into.len();
    write(into);
    (into.len() - before) as u32
}

/// A body that can be looked into.
#[derive(Debug)]
pub(super) struct Opened<'a> {
    plain: Bytes,
    head: usize,
    lengths: &'a [u32],
}

impl Opened<'_> {
    /// The bytes of each datum, in order.
    pub(super) fn datums(&self) -> impl Iterator<Item = &[u8]> {
        let mut at = self.head;
        self.lengths.iter().map(move |length| {
            let from = at;
            at += *length as usize;
            self.plain.get(from..at).unwrap_or_default()
        })
    }
}

#[cfg(test)]
mod tests;
