//! The body on its way to the ingest: decompressed and counted as it comes. Nothing of it is kept, so a body that never ends, or a
//! bomb, takes time and no memory.

use std::io::{self, Write as _};

use flate2::write::MultiGzDecoder;

use super::ScrapeError;
use crate::prometheus::ingest::{Body, Scraped};

/// A body that is being read.
pub(super) enum Reading<'t> {
    Plain(Box<Counted<'t>>),
    Gzip(Box<MultiGzDecoder<Counted<'t>>>),
}

/// Counts what is taken in, up to a limit.
pub(super) struct Counted<'t> {
    body: Body<'t>,
    /// In bytes; zero is none.
    limit: u64,
    size: u64,
    failure: Option<ScrapeError>,
}

impl<'t> Reading<'t> {
    pub(super) fn new(body: Body<'t>, limit: u64, is_gzip: bool) -> Self {
        let counted = Counted { body, limit, size: 0, failure: None };
        if is_gzip {
            Self::Gzip(Box::new(MultiGzDecoder::new(counted)))
        } else {
            Self::Plain(Box::new(counted))
        }
    }

    /// Takes the next bytes.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Result<(), ScrapeError> {
        match self {
            Self::Plain(counted) => counted.feed(bytes),
            Self::Gzip(decoder) => match decoder.write_all(bytes) {
                Ok(()) => Ok(()),
                Err(error) => Err(decoder.get_mut().failure.take().unwrap_or(of_gzip(&error))),
            },
        }
    }

    /// The body is complete: what came of it, and its size.
    pub(super) fn finish(self) -> Result<(Scraped, u64), ScrapeError> {
        let counted = match self {
            Self::Plain(counted) => *counted,
            Self::Gzip(mut decoder) => {
                if let Err(error) = decoder.try_finish() {
                    return Err(decoder.get_mut().failure.take().unwrap_or(of_gzip(&error)));
                }
                decoder.finish().map_err(|error| of_gzip(&error))?
            }
        };
        let size = counted.size;
        Ok((counted.body.finish()?, size))
    }
}

fn of_gzip(error: &io::Error) -> ScrapeError {
    ScrapeError::Gzip(match error.kind() {
        io::ErrorKind::UnexpectedEof => "it ends too early".to_owned(),
        _ => error.to_string(),
    })
}

impl Counted<'_> {
    fn feed(&mut self, bytes: &[u8]) -> Result<(), ScrapeError> {
        self.size += bytes.len() as u64;
        if self.limit > 0 && self.size > self.limit {
            return Err(ScrapeError::BodySize(self.limit));
        }
        Ok(self.body.feed(bytes)?)
    }
}

impl io::Write for Counted<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.feed(bytes) {
            Ok(()) => Ok(bytes.len()),
            Err(failure) => {
                self.failure = Some(failure);
                Err(io::ErrorKind::Other.into())
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
