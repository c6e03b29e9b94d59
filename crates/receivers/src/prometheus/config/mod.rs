//! The configuration: Prometheus's `global` and `scrape_configs`, in the Collector's shape and without its outer key.
//!
//! Every key of a scrape configuration of Prometheus 3 is known here: taken, or refused with what to use instead.
//!
//! # Layout
//! - `job`: one entry of `scrape_configs`; `limits`: what `global` says for all; `http`: how servers are reached;
//! - `discovery`: where targets come from; `relabel`: a step of relabelling;
//! - `duration`, `sizes`: Prometheus's own syntax; `resolved`: a job with everything that `global` says.

mod discovery;
mod duration;
mod http;
mod job;
mod limits;
mod relabel;
mod resolved;
mod sizes;

use std::{collections::HashMap, path::PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_config::{Check, Diagnostics, Env, Source};
use weir_core::{Config, Facts};

use super::files;
use duration::never_zero;

pub use discovery::{DnsSd, FileSd, HttpSd, RecordType, StaticConfig};
pub use duration::PromDuration;
pub use http::{Authorization, BasicAuth, HeaderValues, Oauth2, TlsConfig, TlsVersionName};
pub use job::ScrapeConfig;
pub use limits::{Global, NameEscaping, NameValidation, ScrapeProtocol};
pub use relabel::{RelabelAction, RelabelConfig};
pub use sizes::PromSize;

pub(super) use http::{HttpConfig, ProxyConfig};
pub(super) use relabel::SEPARATOR;
pub(super) use resolved::Job;

/// Configuration of `prometheus`.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct PrometheusConfig {
    /// Prometheus's configuration, as the Collector has it; its keys may as well stand here, without `config`.
    #[serde(deserialize_with = "weir_config::present")]
    pub config: Option<Sections>,
    /// What holds for all jobs that do not say otherwise.
    pub global: Global,
    /// The jobs.
    pub scrape_configs: Vec<ScrapeConfig>,
    /// Files with more jobs, each under its own `scrape_configs`; `*` may stand in the name of the file. They are read at the start.
    pub scrape_config_files: Vec<String>,
    /// Whether a scrape fails as a whole when a line of it is not as its format says; otherwise the rest of it counts.
    pub strict: bool,
}

/// The sections of Prometheus's configuration that a receiver has a use for.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct Sections {
    /// What holds for all jobs that do not say otherwise.
    pub global: Global,
    /// The jobs.
    pub scrape_configs: Vec<ScrapeConfig>,
    /// Files with more jobs, each under its own `scrape_configs`; `*` may stand in the name of the file. They are read at the start.
    pub scrape_config_files: Vec<String>,
}

/// A file of `scrape_config_files`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct JobsFile {
    scrape_configs: Vec<ScrapeConfig>,
}

impl PrometheusConfig {
    /// The sections, wherever they stand, and the keys in front of them.
    fn sections(&self) -> (Sections, &'static [&'static str]) {
        match &self.config {
            Some(sections) => (sections.clone(), &["config"]),
            None => {
                let Self { global, scrape_configs, scrape_config_files, .. } = self.clone();
                (Sections { global, scrape_configs, scrape_config_files }, &[])
            }
        }
    }

    /// All jobs, those of files included.
    ///
    /// # Errors
    /// A file cannot be read, or is wrong: in words.
    pub(super) fn jobs(&self) -> Result<Vec<Job>, String> {
        let (sections, _) = self.sections();
        let mut jobs = sections.scrape_configs.clone();
        for pattern in &sections.scrape_config_files {
            jobs.extend(read_jobs(pattern, &sections.global)?);
        }
        Ok(jobs.into_iter().map(|job| Job::new(job, &sections.global)).collect())
    }
}

/// The jobs of the files that `pattern` names.
fn read_jobs(pattern: &str, global: &Global) -> Result<Vec<ScrapeConfig>, String> {
    let found = files::matching(&PathBuf::from(pattern));
    let mut jobs = Vec::new();
    for path in found.map_err(|error| format!("cannot look for `{pattern}`: {error}"))? {
        let mut diags = Diagnostics::new();
        let document = weir_config::load(&[Source::File(path.clone())], &[], &Env::process(), &mut diags);
        if let Some(file) = weir_config::from_node::<JobsFile>(document.root(), &mut diags) {
            let mut check = Check::new(document.root(), &mut diags);
            for (at, job) in file.scrape_configs.iter().enumerate() {
                if let Some(mut check) = check.within(&["scrape_configs", &at.to_string()]) {
                    job.check(global, &mut check);
                }
            }
            jobs.extend(file.scrape_configs);
        }
        if diags.has_errors() {
            return Err(format!(
                "`{}` is wrong:\n{}",
                path.display(),
                diags.render(document.sources(), false)
            ));
        }
    }
    Ok(jobs)
}

impl Config for PrometheusConfig {
    fn check(&self, check: &mut Check<'_>) {
        let (sections, front) = self.sections();
        if self.config.is_some() {
            for key in ["global", "scrape_configs", "scrape_config_files"] {
                if check.node().get(key).is_some() {
                    let message = format!("`{key}` stands beside `config`, which is another way to write it");
                    check.error_with(&[key], message, "move it into `config`");
                }
            }
        }
        check_collectors_keys(check);
        let Some(mut check) = check.within(front) else { return };
        sections.check(&mut check);
    }

    fn facts(&self) -> Facts {
        Facts { cumulative: true, collects: true, ..Facts::default() }
    }
}

impl Sections {
    fn check(&self, check: &mut Check<'_>) {
        if let Some(mut check) = check.within(&["global"]) {
            self.global.check(&mut check);
        }
        for (key, instead) in [
            ("alerting", "alarms are CloudWatch's"),
            ("rule_files", "alarms and metric math are CloudWatch's"),
            ("remote_write", "points go to the exporters of the pipeline"),
            ("remote_read", "nothing is stored here"),
            ("storage", "nothing is stored here"),
            ("tracing", "there are metrics only"),
            ("otlp", "use the receiver `otlp`"),
            ("runtime", "there is no Go runtime here"),
        ] {
            check.not_taken(&[key], "this receiver scrapes, and does nothing else", instead);
        }
        let mut names: HashMap<String, usize> = HashMap::new();
        for (at, config) in self.scrape_configs.iter().enumerate() {
            let index = at.to_string();
            let Some(mut check) = check.within(&["scrape_configs", &index]) else { continue };
            config.check(&self.global, &mut check);
            if let Some(first) = names.insert(config.job_name.clone(), at)
                && !config.job_name.is_empty()
            {
                let message = format!("`{}` is the name of job {} too", config.job_name, first + 1);
                check.error_with(&["job_name"], message, "give each job its own name");
            }
        }
        self.check_files(check, &names);
        // Jobs that could not be read were told of where they stand.
        let has_jobs = check.node().get("scrape_configs").is_some_and(|jobs| !jobs.items().is_empty());
        if !has_jobs && self.scrape_config_files.is_empty() {
            check.error_with(
                &["scrape_configs"],
                "there is nothing to scrape",
                "add a job to `scrape_configs`",
            );
        }
    }

    fn check_files(&self, check: &mut Check<'_>, names: &HashMap<String, usize>) {
        let mut names: Vec<String> = names.keys().cloned().collect();
        for (at, pattern) in self.scrape_config_files.iter().enumerate() {
            let at = at.to_string();
            match read_jobs(pattern, &self.global) {
                Err(error) => check.error(&["scrape_config_files", &at], error),
                Ok(jobs) => {
                    for job in jobs {
                        if names.contains(&job.job_name) {
                            let message =
                                format!("`{}` of `{pattern}` is the name of another job too", job.job_name);
                            check.error(&["scrape_config_files", &at], message);
                        }
                        names.push(job.job_name);
                    }
                }
            }
        }
    }
}

impl Global {
    fn check(&self, check: &mut Check<'_>) {
        job::check_protocols(self.scrape_protocols.as_deref(), check);
        let interval = self.scrape_interval.unwrap_or(resolved::INTERVAL);
        never_zero(self.scrape_interval, "scrape_interval", check);
        if self.scrape_timeout.is_some_and(|timeout| timeout > interval) {
            check.error_with(
                &["scrape_timeout"],
                format!("the timeout is longer than the interval of {interval}"),
                "make it as long as the interval, or shorter",
            );
        }
        if self.evaluation_interval.is_some() {
            let message = "`evaluation_interval` changes nothing: there are no rules here";
            check.warn_with(&["evaluation_interval"], message, "take it out");
        }
        for (key, instead) in [
            ("query_log_file", "nothing is queried here"),
            ("query_max_series", "nothing is queried here"),
            ("query_max_samples_read", "nothing is queried here"),
            ("query_max_duration", "nothing is queried here"),
            ("rule_query_offset", "there are no rules here"),
            (
                "scrape_failure_log_file",
                "why a scrape failed stands in the log, in `/targets` and in `weir targets`",
            ),
        ] {
            check.not_taken(&[key], instead, "take it out");
        }
    }
}

/// Keys of the Collector's receiver that are not taken.
fn check_collectors_keys(check: &mut Check<'_>) {
    check.not_taken(
        &["trim_metric_suffixes"],
        "metrics keep the names that their targets give them",
        "rename them in `metric_relabel_configs`, or with the processor `transform`",
    );
    check.not_taken(
        &["target_allocator"],
        "targets are not shared out between several Weirs by a third",
        "share them by `hashmod` in `relabel_configs`",
    );
    check.not_taken(&["api_server"], "`/targets` of the admin listener shows the targets", "take it out");
    for key in ["use_start_time_metric", "start_time_metric_regex"] {
        let why = "a start that is not told is the time of the scrape before a series appeared";
        check.not_taken(&[key], why, "take it out");
    }
    check.not_taken(
        &["report_extra_scrape_metrics"],
        "it belongs to Prometheus's own keys",
        "write `extra_scrape_metrics: true` in `global`",
    );
}
