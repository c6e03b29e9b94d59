//! A job: one entry of `scrape_configs`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_config::Check;

use super::{
    discovery::{DnsSd, FileSd, HttpSd, StaticConfig},
    duration::{PromDuration, never_zero},
    http::{Authorization, BasicAuth, HeaderValues, HttpConfig, Oauth2, TlsConfig, http_of},
    limits::{Global, NameEscaping, NameValidation, ScrapeProtocol},
    relabel::{RelabelConfig, check_steps},
    resolved::Job,
    sizes::PromSize,
};

/// Targets that are scraped in the same way.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct ScrapeConfig {
    /// The label `job` of its series; no two jobs have the same.
    pub job_name: String,
    /// How often; left out, as `global` says.
    pub scrape_interval: Option<PromDuration>,
    /// How long a scrape may take; left out, as `global` says.
    pub scrape_timeout: Option<PromDuration>,
    /// Formats to ask for, best first; left out, as `global` says.
    pub scrape_protocols: Option<Vec<ScrapeProtocol>>,
    /// The format of a body whose Content-Type is missing or names none; left out, such a scrape fails.
    pub fallback_scrape_protocol: Option<ScrapeProtocol>,
    /// The path.
    pub metrics_path: String,
    /// `http` or `https`.
    pub scheme: String,
    /// Parameters of the URL.
    pub params: BTreeMap<String, Vec<String>>,
    /// Whether a label of a sample stays where the target has one of the same name; otherwise it becomes `exported_<name>`.
    pub honor_labels: bool,
    /// Whether timestamps in the body count.
    pub honor_timestamps: bool,
    /// Whether series that bring timestamps go stale as others do.
    pub track_timestamps_staleness: bool,
    /// Whether bodies may come compressed with gzip.
    pub enable_compression: bool,
    /// A user's name and password.
    pub basic_auth: Option<BasicAuth>,
    /// A token.
    pub authorization: Option<Authorization>,
    /// A token of a token server.
    pub oauth2: Option<Oauth2>,
    /// TLS to targets.
    pub tls_config: TlsConfig,
    /// The proxy on the way.
    pub proxy_url: String,
    /// Hosts that are reached without it, separated by commas.
    pub no_proxy: String,
    /// Whether proxies are those of the environment.
    pub proxy_from_environment: bool,
    /// More headers to send.
    pub http_headers: BTreeMap<String, HeaderValues>,
    /// Whether redirects are followed, at most 10.
    pub follow_redirects: bool,
    /// Whether HTTP/2 is offered over TLS.
    pub enable_http2: bool,
    /// Targets that are written down.
    pub static_configs: Vec<StaticConfig>,
    /// Targets that stand in files.
    pub file_sd_configs: Vec<FileSd>,
    /// Targets that a server tells.
    pub http_sd_configs: Vec<HttpSd>,
    /// Targets that DNS knows.
    pub dns_sd_configs: Vec<DnsSd>,
    /// What targets are called, and which are left out.
    pub relabel_configs: Vec<RelabelConfig>,
    /// What series are called, and which are left out.
    pub metric_relabel_configs: Vec<RelabelConfig>,
    /// The largest body, after decompression; 0 is no limit.
    pub body_size_limit: Option<PromSize>,
    /// The most samples of a scrape, after relabelling; 0 is no limit.
    pub sample_limit: Option<u64>,
    /// The most targets; 0 is no limit. Beyond it, every scrape of the job fails.
    pub target_limit: Option<u64>,
    /// The most labels of a series; 0 is no limit.
    pub label_limit: Option<u64>,
    /// The longest name of a label, in bytes; 0 is no limit.
    pub label_name_length_limit: Option<u64>,
    /// The longest value of a label, in bytes; 0 is no limit.
    pub label_value_length_limit: Option<u64>,
    /// How many targets that relabelling leaves out are shown; 0 is no limit.
    pub keep_dropped_targets: Option<u64>,
    /// The most buckets of a native histogram, which is made coarser beyond; 0 is no limit.
    pub native_histogram_bucket_limit: u64,
    /// Which names metrics may have; left out, as `global` says.
    pub metric_name_validation_scheme: Option<NameValidation>,
    /// What targets are asked to do with names that are not ASCII; left out, as `global` says, or as the job's own validation has it.
    pub metric_name_escaping_scheme: Option<NameEscaping>,
    /// Whether native histograms are scraped; left out, as `global` says.
    pub scrape_native_histograms: Option<bool>,
    /// Whether the classic form of a native histogram is scraped too; left out, as `global` says.
    #[serde(alias = "scrape_classic_histograms")]
    pub always_scrape_classic_histograms: Option<bool>,
    /// Whether classic histograms become histograms with custom buckets. Both become the same explicit histogram here.
    pub convert_classic_histograms_to_nhcb: Option<bool>,
    /// Whether each target has `scrape_timeout_seconds`, `scrape_sample_limit` and `scrape_body_size_bytes` too.
    pub extra_scrape_metrics: Option<bool>,
}

impl Default for ScrapeConfig {
    fn default() -> Self {
        Self {
            job_name: String::new(),
            scrape_interval: None,
            scrape_timeout: None,
            scrape_protocols: None,
            fallback_scrape_protocol: None,
            metrics_path: "/metrics".to_owned(),
            scheme: "http".to_owned(),
            params: BTreeMap::new(),
            honor_labels: false,
            honor_timestamps: true,
            track_timestamps_staleness: false,
            enable_compression: true,
            basic_auth: None,
            authorization: None,
            oauth2: None,
            tls_config: TlsConfig::default(),
            proxy_url: String::new(),
            no_proxy: String::new(),
            proxy_from_environment: false,
            http_headers: BTreeMap::new(),
            follow_redirects: true,
            enable_http2: true,
            static_configs: Vec::new(),
            file_sd_configs: Vec::new(),
            http_sd_configs: Vec::new(),
            dns_sd_configs: Vec::new(),
            relabel_configs: Vec::new(),
            metric_relabel_configs: Vec::new(),
            body_size_limit: None,
            sample_limit: None,
            target_limit: None,
            label_limit: None,
            label_name_length_limit: None,
            label_value_length_limit: None,
            keep_dropped_targets: None,
            native_histogram_bucket_limit: 0,
            metric_name_validation_scheme: None,
            metric_name_escaping_scheme: None,
            scrape_native_histograms: None,
            always_scrape_classic_histograms: None,
            convert_classic_histograms_to_nhcb: None,
            extra_scrape_metrics: None,
        }
    }
}

/// Ways to discover targets that Prometheus has and Weir has not.
const OTHER_DISCOVERIES: [&str; 32] = [
    "aws_sd_configs",
    "azure_sd_configs",
    "consul_sd_configs",
    "digitalocean_sd_configs",
    "docker_sd_configs",
    "dockerswarm_sd_configs",
    "ec2_sd_configs",
    "ecs_sd_configs",
    "elasticache_sd_configs",
    "eureka_sd_configs",
    "gce_sd_configs",
    "hetzner_sd_configs",
    "ionos_sd_configs",
    "kuma_sd_configs",
    "lightsail_sd_configs",
    "linode_sd_configs",
    "marathon_sd_configs",
    "msk_sd_configs",
    "nerve_sd_configs",
    "nomad_sd_configs",
    "oci_sd_configs",
    "openstack_sd_configs",
    "outscale_sd_configs",
    "ovhcloud_sd_configs",
    "puppetdb_sd_configs",
    "rds_sd_configs",
    "scaleway_sd_configs",
    "serverset_sd_configs",
    "stackit_sd_configs",
    "triton_sd_configs",
    "uyuni_sd_configs",
    "vultr_sd_configs",
];

impl ScrapeConfig {
    pub(in crate::prometheus) fn http(&self) -> HttpConfig<'_> {
        http_of!(self)
    }

    /// Reports what types cannot say, with what `global` says for the job; `check` is of the job.
    pub(super) fn check(&self, global: &Global, check: &mut Check<'_>) {
        if self.job_name.is_empty() {
            check.error_with(
                &["job_name"],
                "a job needs a `job_name`",
                "write what its series' `job` is to be",
            );
        }
        if !["http", "https"].contains(&self.scheme.as_str()) {
            let message = format!("unknown scheme `{}`", self.scheme);
            check.error_with(&["scheme"], message, "write `http` or `https`");
        }
        check_protocols(self.scrape_protocols.as_deref(), check);
        self.http().check(check);
        check_steps(&self.relabel_configs, "relabel_configs", check);
        check_steps(&self.metric_relabel_configs, "metric_relabel_configs", check);
        each(check, "static_configs", &self.static_configs, StaticConfig::check);
        each(check, "file_sd_configs", &self.file_sd_configs, FileSd::check);
        each(check, "http_sd_configs", &self.http_sd_configs, HttpSd::check);
        each(check, "dns_sd_configs", &self.dns_sd_configs, DnsSd::check);
        check_not_taken(check);
        self.check_with(global, check);
    }

    fn check_with(&self, global: &Global, check: &mut Check<'_>) {
        let job = Job::new(self.clone(), global);
        if job.timeout > job.interval {
            check.error_with(
                &["scrape_timeout"],
                format!("the timeout of {} is longer than the interval of {}", job.timeout, job.interval),
                "make it as long as the interval, or shorter",
            );
        }
        never_zero(self.scrape_interval, "scrape_interval", check);
        if job.native_histograms && !job.protocols.contains(&ScrapeProtocol::PrometheusProto) {
            check.warn_with(
                &["scrape_protocols"],
                "native histograms come by protobuf only, which is not asked for: there will be none",
                "add `PrometheusProto`, or leave `scrape_protocols` out",
            );
        }
        if job.legacy_names && job.escaping == NameEscaping::AllowUtf8 {
            check.error_with(
                &["metric_name_escaping_scheme"],
                "names that are not ASCII are asked for, and refused by `metric_name_validation_scheme: legacy`",
                "write `underscores`, or `metric_name_validation_scheme: utf8`",
            );
        }
    }
}

/// Keys of Prometheus that have another way here.
fn check_not_taken(check: &mut Check<'_>) {
    check.not_taken(
        &["kubernetes_sd_configs"],
        "pods and services are not discovered yet",
        "name a headless Service in `dns_sd_configs`, or let something write `file_sd_configs`",
    );
    for key in OTHER_DISCOVERIES {
        let why = "targets are discovered in static lists, files, over HTTP and in DNS";
        check.not_taken(&[key], why, "use `file_sd_configs` or `http_sd_configs`");
    }
    check.not_taken(
        &["scrape_failure_log_file"],
        "why a scrape failed stands in the log, in `/targets` and in `weir targets`",
        "take it out",
    );
    check.not_taken(
        &["native_histogram_min_bucket_factor"],
        "it would make histograms coarser where they need not be",
        "use `native_histogram_bucket_limit`",
    );
}

/// Reports formats that are named twice, or not at all.
pub(super) fn check_protocols(protocols: Option<&[ScrapeProtocol]>, check: &mut Check<'_>) {
    let Some(protocols) = protocols else { return };
    if protocols.is_empty() {
        let message = "no format is left to ask for";
        check.error_with(&["scrape_protocols"], message, "name one, or leave the key out");
    }
    for (at, protocol) in protocols.iter().enumerate() {
        if protocols[..at].contains(protocol) {
            let at = at.to_string();
            check.error(&["scrape_protocols", &at], "this format is named twice");
        }
    }
}

fn each<T>(check: &mut Check<'_>, key: &str, items: &[T], of_one: impl Fn(&T, &mut Check<'_>)) {
    for (at, item) in items.iter().enumerate() {
        if let Some(mut check) = check.within(&[key, &at.to_string()]) {
            of_one(item, &mut check);
        }
    }
}
