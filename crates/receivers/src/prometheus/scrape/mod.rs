//! One scrape of one target: ask, read as it comes, report how it went.
//!
//! # Layout
//! - [`Scraper`]: a target with its rounds; [`JobScrape`]: what its job says of them;
//! - `body`: decompression and limits; [`error`](ScrapeError): why one failed.

mod body;
mod error;
mod job;

use std::{sync::Arc, time::Duration};

use http_body_util::BodyExt as _;
use hyper::{
    Uri,
    header::{CONNECTION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue},
};
use weir_core::{Context, UnixNanos};
use weir_exposition::Format;

use super::{
    identity::Spec,
    ingest::{Scraped, Target},
    targets::Last,
    within,
};
use body::Reading;

pub(super) use error::ScrapeError;
pub(super) use job::JobScrape;

/// A target and what it needs for its rounds.
#[derive(Debug)]
pub(super) struct Scraper {
    job: Arc<JobScrape>,
    spec: Arc<Spec>,
    uri: Uri,
    target: Target,
}

/// What a round gives.
#[derive(Debug)]
pub(super) struct Round {
    /// What came of the target's samples, and what is reported about the target.
    pub(super) scraped: [Scraped; 2],
    pub(super) last: Last,
}

/// What was read.
struct Read {
    scraped: Scraped,
    /// In bytes, after decompression.
    size: u64,
}

impl Scraper {
    pub(super) fn new(job: Arc<JobScrape>, spec: Arc<Spec>, context: &Context) -> Self {
        let door = context.doors.open(&context.id);
        let target = Target::new(door, spec.identity(), job.settings_of(&spec));
        // What is no URI was refused when the target was made.
        let uri = spec.url.parse().unwrap_or_default();
        Self { job, spec, uri, target }
    }

    /// Scrapes once. `is_last` closes the connection behind it.
    pub(super) async fn round(&mut self, context: &Context, is_last: bool) -> Round {
        let clock = &context.clock;
        let at = clock.now();
        let timeout = self.spec.timeout;
        let read = within(clock, timeout, self.read(at, context, is_last)).await;
        let read = read.unwrap_or(Err(ScrapeError::TimedOut(timeout)));
        let duration = clock.now().since(at);
        let (scraped, size, failure) = match read {
            Ok(Read { scraped, size }) => (scraped, Some(size), None),
            Err(failure) => (self.target.fail(at), None, Some(failure)),
        };
        let reported = self.report(at, duration, &scraped, size, failure.as_ref());
        let last = Last {
            at,
            duration,
            samples: scraped.samples,
            failure: failure.map(|failure| (failure.word(), failure.to_string())),
        };
        Round { scraped: [scraped, reported], last }
    }

    /// The target is no longer discovered.
    pub(super) fn end(self, at: UnixNanos) -> Scraped {
        self.target.end(at)
    }

    /// Where it is.
    pub(super) fn url(&self) -> &str {
        &self.spec.url
    }

    /// Its job.
    pub(super) fn job(&self) -> &Arc<JobScrape> {
        &self.job
    }

    async fn read(&mut self, at: UnixNanos, context: &Context, is_last: bool) -> Result<Read, ScrapeError> {
        self.job.check_targets()?;
        let mut headers = self.job.headers(self.spec.timeout);
        if is_last {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        let answer = self.job.asker.get(&self.uri, &headers, &context.clock).await?;
        if answer.status() != hyper::StatusCode::OK {
            return Err(ScrapeError::Status(answer.status()));
        }
        let format = format(answer.headers(), self.job.fallback)?;
        let is_gzip = is_gzip(answer.headers())?;
        let mut reading = Reading::new(self.target.begin(at, format), self.job.body_size_limit, is_gzip);
        let mut body = answer.into_body();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| ScrapeError::Cut(innermost(&error)))?;
            if let Some(bytes) = frame.data_ref() {
                reading.take(bytes)?;
            }
        }
        let (scraped, size) = reading.finish()?;
        Ok(Read { scraped, size })
    }

    /// The series that Prometheus makes about each target.
    fn report(
        &mut self,
        at: UnixNanos,
        duration: Duration,
        scraped: &Scraped,
        size: Option<u64>,
        failure: Option<&ScrapeError>,
    ) -> Scraped {
        let number = |number: u64| number as f64;
        let mut gauges = vec![
            ("up", "", if failure.is_none() { 1.0 } else { 0.0 }),
            ("scrape_duration_seconds", "s", duration.as_secs_f64()),
            ("scrape_samples_scraped", "", number(scraped.samples)),
            ("scrape_samples_post_metric_relabeling", "", number(scraped.samples_kept)),
            ("scrape_series_added", "", number(scraped.series_added)),
        ];
        if self.job.extra_metrics {
            // As in Prometheus: −1 where the limit was passed, 0 where there was no body.
            let over = matches!(failure, Some(ScrapeError::BodySize(_)));
            let size = if over { -1.0 } else { size.map_or(0.0, number) };
            gauges.extend([
                ("scrape_timeout_seconds", "s", self.spec.timeout.as_secs_f64()),
                ("scrape_sample_limit", "", number(self.job.settings.limits.samples)),
                ("scrape_body_size_bytes", "By", size),
            ]);
        }
        self.target.report(at, &gauges)
    }
}

/// The body's format: that of its Content-Type, or else the one that the job falls back to.
fn format(headers: &HeaderMap, fallback: Option<Format>) -> Result<Format, ScrapeError> {
    let kind = headers.get(CONTENT_TYPE).map(|kind| String::from_utf8_lossy(kind.as_bytes()));
    let kind = kind.unwrap_or_default();
    Format::of_content_type(&kind).or(fallback).ok_or_else(|| ScrapeError::ContentType(kind.into_owned()))
}

fn is_gzip(headers: &HeaderMap) -> Result<bool, ScrapeError> {
    let encoding = headers.get(CONTENT_ENCODING).map(|encoding| String::from_utf8_lossy(encoding.as_bytes()));
    match encoding.as_deref().map(str::trim) {
        None | Some("" | "identity") => Ok(false),
        Some("gzip" | "x-gzip") => Ok(true),
        Some(other) => Err(ScrapeError::Encoding(other.to_owned())),
    }
}

/// The innermost cause: what is around it says that a body was read, which is known.
fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
