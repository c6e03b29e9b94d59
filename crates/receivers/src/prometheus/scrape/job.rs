//! What a job says of all its scrapes, made ready once.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use hyper::header::{ACCEPT, ACCEPT_ENCODING, HeaderMap, HeaderValue, USER_AGENT};
use weir_core::Quiet;
use weir_exposition::Format;
use weir_net::{LoadError, SystemRoots};

use super::ScrapeError;
use crate::prometheus::{
    AGENT,
    client::Asker,
    config::{Job, NameEscaping, ScrapeProtocol},
    identity::Spec,
    ingest::Settings,
    relabel::Relabel,
};

/// A job's scrapes.
#[derive(Debug)]
pub(in crate::prometheus) struct JobScrape {
    pub(in crate::prometheus) name: Arc<str>,
    pub(in crate::prometheus) asker: Asker,
    pub(in crate::prometheus) settings: Arc<Settings>,
    pub(super) fallback: Option<Format>,
    pub(super) body_size_limit: u64,
    pub(super) extra_metrics: bool,
    accept: HeaderValue,
    accept_encoding: HeaderValue,
    target_limit: u64,
    targets: AtomicU64,
    /// What is said in the log of scrapes that failed, and of lines that were refused.
    pub(in crate::prometheus) failures: Quiet,
    pub(in crate::prometheus) refusals: Quiet,
}

impl JobScrape {
    /// # Errors
    /// A file cannot be read, or does not hold what it should.
    pub(in crate::prometheus) fn new(
        job: &Job,
        series_relabel: Relabel,
        strict: bool,
        roots: &SystemRoots,
    ) -> Result<Self, LoadError> {
        let settings = Settings {
            relabel: series_relabel,
            external_labels: job.external_labels.iter().collect(),
            honor_labels: job.config.honor_labels,
            honor_timestamps: job.config.honor_timestamps,
            track_timestamps_staleness: job.config.track_timestamps_staleness,
            native_histograms: job.native_histograms,
            always_classic_histograms: job.always_classic_histograms,
            legacy_names: job.legacy_names,
            strict,
            limits: job.limits,
            ..Settings::default()
        };
        let encoding = if job.config.enable_compression { "gzip" } else { "identity" };
        let accept = HeaderValue::try_from(accept(&job.protocols, job.escaping));
        Ok(Self {
            name: Arc::from(job.config.job_name.as_str()),
            // A connection is kept until the next scrape, and the one after.
            asker: Asker::new(&job.config.http(), job.interval.0 * 2, roots)?,
            settings: Arc::new(settings),
            fallback: job.config.fallback_scrape_protocol.map(ScrapeProtocol::format),
            body_size_limit: job.body_size_limit,
            extra_metrics: job.extra_metrics,
            accept: accept.unwrap_or(HeaderValue::from_static("*/*")),
            accept_encoding: HeaderValue::from_static(encoding),
            target_limit: job.target_limit,
            targets: AtomicU64::new(0),
            failures: Quiet::default(),
            refusals: Quiet::default(),
        })
    }

    /// The settings of a target: its labels may say of its histograms what the job does not.
    pub(super) fn settings_of(&self, spec: &Spec) -> Arc<Settings> {
        let Spec { native_histograms, always_classic_histograms, .. } = *spec;
        let of_job = &self.settings;
        if (of_job.native_histograms, of_job.always_classic_histograms)
            == (native_histograms, always_classic_histograms)
        {
            return Arc::clone(of_job);
        }
        Arc::new(Settings { native_histograms, always_classic_histograms, ..Settings::clone(of_job) })
    }

    /// The job has so many targets now.
    pub(in crate::prometheus) fn set_targets(&self, targets: u64) {
        self.targets.store(targets, Relaxed);
    }

    /// As in Prometheus, too many targets fail every scrape of the job: which ones would be left out nobody could tell.
    pub(super) fn check_targets(&self) -> Result<(), ScrapeError> {
        let (found, limit) = (self.targets.load(Relaxed), self.target_limit);
        if limit > 0 && found > limit { Err(ScrapeError::Targets { found, limit }) } else { Ok(()) }
    }

    /// What is said with each request, beside what the section shows of itself.
    pub(super) fn headers(&self, timeout: Duration) -> HeaderMap {
        let mut headers = HeaderMap::with_capacity(5);
        headers.insert(ACCEPT, self.accept.clone());
        headers.insert(ACCEPT_ENCODING, self.accept_encoding.clone());
        headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
        if let Ok(seconds) = HeaderValue::try_from(timeout.as_secs_f64().to_string()) {
            headers.insert("x-prometheus-scrape-timeout-seconds", seconds);
        }
        headers
    }
}

/// Formats by preference; whatever else there is comes last.
fn accept(protocols: &[ScrapeProtocol], escaping: NameEscaping) -> String {
    // Every format has a digit of its own, also where fewer are asked for: proxies cache by this header.
    let mut weight = Format::ALL.len() + 1;
    let mut parts = Vec::new();
    for format in protocols.iter().map(|protocol| protocol.format()) {
        let escaping = match format {
            // Older formats know no other names than ASCII ones.
            Format::OpenMetrics100 | Format::Text100 => format!(";escaping={}", escaping.name()),
            _ => String::new(),
        };
        parts.push(format!("{}{escaping};q=0.{weight}", format.media_type()));
        weight -= 1;
    }
    parts.push(format!("*/*;q=0.{weight}"));
    parts.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_asked_for_in_their_order() {
        let asked = [
            ScrapeProtocol::PrometheusProto,
            ScrapeProtocol::OpenMetricsText100,
            ScrapeProtocol::PrometheusText004,
        ];
        assert_eq!(
            accept(&asked, NameEscaping::AllowUtf8),
            "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,\
             application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,\
             text/plain;version=0.0.4;q=0.4,*/*;q=0.3"
        );
        assert_eq!(
            accept(&[ScrapeProtocol::PrometheusText100], NameEscaping::Underscores),
            "text/plain;version=1.0.0;escaping=underscores;q=0.6,*/*;q=0.5"
        );
    }
}
