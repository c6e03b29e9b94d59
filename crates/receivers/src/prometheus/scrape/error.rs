//! Why a scrape failed: a word for metrics, and a line for people.

use std::time::Duration;

use hyper::StatusCode;

use crate::prometheus::{client::AskError, ingest};

/// Why a scrape failed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(in crate::prometheus) enum ScrapeError {
    /// No answer.
    #[error(transparent)]
    Ask(#[from] AskError),
    /// The answer is no success.
    #[error("it answered {0}")]
    Status(StatusCode),
    /// Not the whole answer came in time.
    #[error("no whole answer within {0:?} (scrape_timeout)")]
    TimedOut(Duration),
    /// The answer broke off.
    #[error("the body broke off: {0}")]
    Cut(String),
    /// Nothing says what the body is.
    #[error("no format of metrics has the Content-Type `{0}`; `fallback_scrape_protocol` can name one")]
    ContentType(String),
    /// The body is compressed in a way that was not asked for.
    #[error("the body is compressed with `{0}`, which was not asked for")]
    Encoding(String),
    /// The body is not what its encoding says.
    #[error("the body is no gzip: {0}")]
    Gzip(String),
    /// The body is too large.
    #[error("the body is larger than {0} bytes (body_size_limit)")]
    BodySize(u64),
    /// The job has too many targets.
    #[error("the job has {found} targets, more than {limit} (target_limit)")]
    Targets {
        /// How many.
        found: u64,
        /// The limit.
        limit: u64,
    },
    /// Its samples cannot be taken.
    #[error(transparent)]
    Ingest(#[from] ingest::Failure),
}

impl ScrapeError {
    /// One word, for the label of a metric: a word of `docs/telemetry.md`.
    pub(in crate::prometheus) fn word(&self) -> &'static str {
        match self {
            Self::Ask(error) => error.word(),
            Self::Status(_) => "status",
            Self::TimedOut(_) => "timeout",
            Self::Cut(_) => "cut",
            Self::ContentType(_) => "content_type",
            Self::Encoding(_) | Self::Gzip(_) => "encoding",
            Self::BodySize(_) => "body_size_limit",
            Self::Targets { .. } => "target_limit",
            Self::Ingest(failure) => failure.word(),
        }
    }
}
