//! Bodies under a cap.

use std::io;

use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::Body;

use crate::compression::Encoding;

#[cfg(test)]
mod tests;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why a body could not be had.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// The body, or what it inflates to, exceeds the cap.
    #[error("body is larger than {limit} bytes")]
    TooLarge {
        /// The cap in bytes.
        limit: usize,
    },
    /// The peer broke off, or broke the framing.
    #[error("body could not be read: {0}")]
    Read(#[source] BoxError),
    /// The bytes are not what their encoding says.
    #[error("body is not {encoding}: {source}")]
    Encoding {
        /// What it should be.
        encoding: Encoding,
        /// What is wrong with it.
        source: io::Error,
    },
}

/// Collects a whole body of at most `max` bytes.
///
/// A body that announces more than `max` bytes is refused before any of it is read.
pub async fn read_body<B>(body: B, max: usize) -> Result<Bytes, BodyError>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    let too_large = BodyError::TooLarge { limit: max };
    if body.size_hint().lower() > max as u64 {
        return Err(too_large);
    }
    match Limited::new(body, max).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_large),
        Err(error) => Err(BodyError::Read(error)),
    }
}
