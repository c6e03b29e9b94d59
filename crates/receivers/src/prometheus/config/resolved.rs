//! A job with everything that `global` says for it.

use std::collections::BTreeMap;

use super::{
    duration::PromDuration,
    job::ScrapeConfig,
    limits::{Global, NameEscaping, NameValidation, ScrapeProtocol},
};
use crate::prometheus::ingest::Limits;

/// How often targets are scraped by default.
pub(super) const INTERVAL: PromDuration = PromDuration::from_secs(60);
/// How long a scrape may take by default.
const TIMEOUT: PromDuration = PromDuration::from_secs(10);

/// A job as it is carried out.
#[derive(Clone, Debug)]
pub(in crate::prometheus) struct Job {
    /// As it is written.
    pub(in crate::prometheus) config: ScrapeConfig,
    pub(in crate::prometheus) interval: PromDuration,
    pub(in crate::prometheus) timeout: PromDuration,
    pub(in crate::prometheus) protocols: Vec<ScrapeProtocol>,
    pub(in crate::prometheus) external_labels: BTreeMap<String, String>,
    pub(in crate::prometheus) limits: Limits,
    /// In bytes; zero is none.
    pub(in crate::prometheus) body_size_limit: u64,
    /// Zero is none.
    pub(in crate::prometheus) target_limit: u64,
    pub(in crate::prometheus) keep_dropped_targets: u64,
    pub(in crate::prometheus) legacy_names: bool,
    pub(in crate::prometheus) escaping: NameEscaping,
    pub(in crate::prometheus) native_histograms: bool,
    pub(in crate::prometheus) always_classic_histograms: bool,
    pub(in crate::prometheus) custom_buckets: bool,
    pub(in crate::prometheus) extra_metrics: bool,
}

impl Job {
    pub(super) fn new(config: ScrapeConfig, global: &Global) -> Self {
        let interval = config.scrape_interval.or(global.scrape_interval).unwrap_or(INTERVAL);
        let of_all = global.scrape_timeout.unwrap_or(TIMEOUT);
        let number = |own: Option<u64>, of_all: Option<u64>| own.or(of_all).unwrap_or(0);
        let length = |own: Option<u64>, of_all| usize::try_from(number(own, of_all)).unwrap_or(usize::MAX);
        let is_on = |own: Option<bool>, of_all: Option<bool>| own.or(of_all).unwrap_or(false);
        let native_histograms = is_on(config.scrape_native_histograms, global.scrape_native_histograms);
        let own_validation = config.metric_name_validation_scheme;
        let validation = own_validation.or(global.metric_name_validation_scheme);
        let legacy_names = validation == Some(NameValidation::Legacy);
        let by_validation = if legacy_names { NameEscaping::Underscores } else { NameEscaping::AllowUtf8 };
        // What `global` says belongs to its own validation, so that `legacy` of a job does not meet `allow-utf-8` of all.
        let escaping_of_all = global.metric_name_escaping_scheme.filter(|_| own_validation.is_none());
        let protocols = config.scrape_protocols.clone().or_else(|| global.scrape_protocols.clone());
        Self {
            interval,
            timeout: config.scrape_timeout.unwrap_or(of_all.min(interval)),
            protocols: protocols.unwrap_or_else(|| default_protocols(native_histograms)),
            external_labels: global.external_labels.clone(),
            limits: Limits {
                samples: number(config.sample_limit, global.sample_limit),
                labels: length(config.label_limit, global.label_limit),
                label_name_length: length(config.label_name_length_limit, global.label_name_length_limit),
                label_value_length: length(config.label_value_length_limit, global.label_value_length_limit),
                native_buckets: usize::try_from(config.native_histogram_bucket_limit).unwrap_or(usize::MAX),
            },
            body_size_limit: config.body_size_limit.or(global.body_size_limit).unwrap_or_default().0,
            target_limit: number(config.target_limit, global.target_limit),
            keep_dropped_targets: number(config.keep_dropped_targets, global.keep_dropped_targets),
            legacy_names,
            escaping: config.metric_name_escaping_scheme.or(escaping_of_all).unwrap_or(by_validation),
            native_histograms,
            always_classic_histograms: is_on(
                config.always_scrape_classic_histograms,
                global.always_scrape_classic_histograms,
            ),
            custom_buckets: is_on(
                config.convert_classic_histograms_to_nhcb,
                global.convert_classic_histograms_to_nhcb,
            ),
            extra_metrics: is_on(config.extra_scrape_metrics, global.extra_scrape_metrics),
            config,
        }
    }
}

fn default_protocols(native_histograms: bool) -> Vec<ScrapeProtocol> {
    let proto = native_histograms.then_some(ScrapeProtocol::PrometheusProto);
    proto.into_iter().chain(ScrapeProtocol::TEXTS).collect()
}
