//! Undoing a body's compression under a cap.

use std::{
    fmt,
    io::{self, Read},
};

use bytes::Bytes;
use flate2::bufread::{MultiGzDecoder, ZlibDecoder};

use crate::body::BodyError;

#[cfg(test)]
mod tests;

/// What a body can be compressed with, by the names of `Content-Encoding` and `grpc-encoding`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Not at all.
    Identity,
    /// RFC 1952, of one or more members.
    Gzip,
    /// RFC 8878, of one or more frames.
    Zstd,
    /// Snappy in its framing format, or as one block: senders differ, and the first bytes tell.
    Snappy,
    /// RFC 1950 (zlib), which is what HTTP means by `deflate`.
    Deflate,
}

/// How a stream in Snappy's framing format begins.
const SNAPPY_STREAM: &[u8] = b"\xff\x06\x00\x00sNaPpY";
/// Snappy's densest element: 64 bytes by a copy of two bytes and an offset of one. What claims to inflate to more than this
/// times its length is no Snappy.
const SNAPPY_DENSEST: usize = 32;
/// The largest window of a zstd stream, as a power of two in bytes. Decoders must take 8 MiB (RFC 8878, 3.1.1.1.2); encoders in
/// use among Collectors go up to 32 MiB.
const ZSTD_WINDOW_LOG: u32 = 25;
/// What is made room for at first: metrics compress so well that four times is hardly ever too much.
const FIRST_GUESS: usize = 4;

impl Encoding {
    /// Every encoding, as `Accept-Encoding` and `grpc-accept-encoding` list them.
    pub const LIST: &str = "gzip, zstd, snappy, deflate, identity";

    /// By its name; `None` for one that is not known.
    pub fn of(name: &str) -> Option<Self> {
        Some(match name {
            "" | "identity" => Self::Identity,
            "gzip" | "x-gzip" => Self::Gzip,
            "zstd" => Self::Zstd,
            "snappy" | "x-snappy-framed" => Self::Snappy,
            "deflate" | "zlib" => Self::Deflate,
            _ => return None,
        })
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Snappy => "snappy",
            Self::Deflate => "deflate",
        }
    }

    /// Undoes it, to at most `max` bytes. A bomb costs the cap, and with zstd a window of at most 32 MiB.
    ///
    /// # Errors
    /// The bytes are not in this encoding, or more than `max` would come of them.
    pub fn decompress(self, body: Bytes, max: usize) -> Result<Bytes, BodyError> {
        let inflated = match self {
            Self::Identity if body.len() > max => return Err(BodyError::TooLarge { limit: max }),
            Self::Identity => return Ok(body),
            Self::Gzip => read(MultiGzDecoder::new(&*body), body.len(), max),
            Self::Deflate => read(ZlibDecoder::new(&*body), body.len(), max),
            Self::Zstd => zstd(&body, max),
            Self::Snappy if body.starts_with(SNAPPY_STREAM) => {
                read(snap::read::FrameDecoder::new(&*body), body.len(), max)
            }
            Self::Snappy => snappy_block(&body, max),
        };
        match inflated.map_err(|source| BodyError::Encoding { encoding: self, source })? {
            Some(inflated) => Ok(inflated.into()),
            None => Err(BodyError::TooLarge { limit: max }),
        }
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Reads all there is; `None` if that is more than `max` bytes.
fn read(mut from: impl Read, compressed: usize, max: usize) -> io::Result<Option<Vec<u8>>> {
    let mut inflated = Vec::with_capacity(compressed.saturating_mul(FIRST_GUESS).min(max));
    from.by_ref().take(max as u64).read_to_end(&mut inflated)?;
    // One byte past the cap tells "exactly full" from "more to come" without inflating the rest.
    let more = inflated.len() == max && from.read(&mut [0])? > 0;
    Ok((!more).then_some(inflated))
}

fn zstd(body: &[u8], max: usize) -> io::Result<Option<Vec<u8>>> {
    let mut decoder = zstd::stream::read::Decoder::with_buffer(body)?;
    decoder.window_log_max(ZSTD_WINDOW_LOG)?;
    read(decoder, body.len(), max)
}

fn snappy_block(body: &[u8], max: usize) -> io::Result<Option<Vec<u8>>> {
    let announced = snap::raw::decompress_len(body)?;
    if announced > body.len().saturating_mul(SNAPPY_DENSEST) {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it announces more than it can hold"));
    }
    if announced > max {
        return Ok(None);
    }
    Ok(Some(snap::raw::Decoder::new().decompress_vec(body)?))
}
