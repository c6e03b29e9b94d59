//! A request's body: compressed once, when its period closes, and kept so until its fate is known.
//!
//! As `MetricDatum`s a thousand datums of five dimensions take more than ten times the memory (a test compares), so that the
//! same queue bridges an outage ten times as long; and a second attempt encodes nothing.

use std::io::{self, Write as _};

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use weir_net::Encoding;

use super::{pack::MAX_BYTES, wire};

/// How hard gzip tries. Of 244 kB, a thousand datums of five dimensions and six values, level 1 makes 37 kB in 0.41 ms, 2 29 kB
/// in 0.62 ms, and 6, the default, 28 kB in 1.5 ms (medians of 21, one of two shared cores).
const LEVEL: u32 = 2;

/// More than the head and the end of a request take, of a namespace of usual length.
const ROOM_FOR_HEAD: usize = 64;

/// The bytes of a request.
#[derive(Clone, Debug)]
pub struct Body {
    bytes: Bytes,
    is_gzip: bool,
    /// Where the first datum begins, before compression.
    head: usize,
    /// The length of each datum, before compression.
    lengths: Box<[u32]>,
}

impl Body {
    /// Writes the request of datums that are written already.
    pub fn of(namespace: &str, datums: &[&[u8]]) -> Self {
        let mut plain =
            Vec::with_capacity(datums.iter().map(|datum| datum.len()).sum::<usize>() + ROOM_FOR_HEAD);
        wire::write_head(&mut plain, namespace, datums.len());
        let head = plain.len();
        datums.iter().for_each(|datum| plain.extend_from_slice(datum));
        wire::write_end(&mut plain);
        // One small datum may be shorter as it is.
        let compressed = compress(&plain).ok().filter(|compressed| compressed.len() < plain.len());
        let is_gzip = compressed.is_some();
        // Boxed, so that no spare room is held, and counted memory is all there is.
        let bytes = compressed.unwrap_or(plain).into_boxed_slice().into();
        let lengths = datums.iter().map(|datum| datum.len() as u32).collect();
        Self { bytes, is_gzip, head, lengths }
    }

    /// How many datums there are.
    pub(super) fn datums(&self) -> usize {
        self.lengths.len()
    }

    /// What is sent.
    pub fn bytes(&self) -> &Bytes {
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
pub(super) mod tests;
