//! A target between its scrapes: what its lines stand for, and which series it had.

use std::sync::Arc;

use weir_core::{Door, UnixNanos};
use weir_exposition::Format;

use super::{Body, Labels, Scraped, Settings};

/// Who a target is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// Its labels after relabelling, `job` and `instance` among them and none that begins with `__`: they are on each series.
    pub labels: Labels,
    /// `server.address`, `server.port` and `url.scheme` of its resource, each where it is not empty.
    pub address: String,
    /// The port that is scraped.
    pub port: String,
    /// `http` or `https`.
    pub scheme: String,
}

/// A target: it lives as long as the target is discovered.
#[derive(Debug)]
#[expect(dead_code, reason = "the parsers come next")]
pub struct Target {
    pub(super) door: Arc<Door>,
    pub(super) identity: Identity,
    pub(super) settings: Arc<Settings>,
}

impl Target {
    /// A target whose points come in by `door`.
    pub fn new(door: Arc<Door>, identity: Identity, settings: Arc<Settings>) -> Self {
        Self { door, identity, settings }
    }

    /// Begins a scrape: `time` is that of samples without a timestamp.
    pub fn begin(&mut self, time: UnixNanos, format: Format) -> Body<'_> {
        Body::new(self, time, format)
    }

    /// The scrape at `time` failed, or the target is gone: every series of it is stale.
    ///
    /// The series of [`report`](Self::report) go on: call it after this one with `up` 0.
    pub fn fail(&mut self, _time: UnixNanos) -> Scraped {
        Scraped::default()
    }

    /// Gauges that the receiver makes about the target, such as `up`: name, unit, value.
    pub fn report(&mut self, _time: UnixNanos, _gauges: &[(&str, &str, f64)]) -> Scraped {
        Scraped::default()
    }

    /// The target is no longer discovered: everything about it is stale, the series of [`report`](Self::report) too.
    pub fn end(self, _time: UnixNanos) -> Scraped {
        Scraped::default()
    }
}
