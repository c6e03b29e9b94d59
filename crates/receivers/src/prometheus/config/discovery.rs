//! Where the targets of a job come from.

use std::{collections::BTreeMap, path::PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_config::{Check, Value};

use super::{
    duration::{PromDuration, never_zero},
    http::{
        Authorization, BasicAuth, HeaderValues, HttpConfig, Oauth2, TlsConfig, http_of, is_http, no_password,
    },
};

/// Targets that are written down, and labels for them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct StaticConfig {
    /// Addresses, host:port.
    pub targets: Vec<String>,
    /// Labels for all of them.
    pub labels: BTreeMap<String, String>,
}

/// Targets that stand in files.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct FileSd {
    /// JSON or YAML files; `*` may stand in the name of the file.
    pub files: Vec<String>,
    /// How often the files are looked for and read; never less often than every 5s.
    #[serde(default = "five_minutes")]
    pub refresh_interval: PromDuration,
}

/// Targets that a server tells.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct HttpSd {
    /// Where it is asked.
    pub url: String,
    /// How often it is asked.
    #[serde(default = "one_minute")]
    pub refresh_interval: PromDuration,
    /// A user's name and password.
    #[serde(default)]
    pub basic_auth: Option<BasicAuth>,
    /// A token.
    #[serde(default)]
    pub authorization: Option<Authorization>,
    /// A token of a token server.
    #[serde(default)]
    pub oauth2: Option<Oauth2>,
    /// TLS to the server.
    #[serde(default)]
    pub tls_config: TlsConfig,
    /// The proxy on the way.
    #[serde(default)]
    pub proxy_url: String,
    /// Hosts that are reached without it, separated by commas.
    #[serde(default)]
    pub no_proxy: String,
    /// Whether proxies are those of the environment.
    #[serde(default)]
    pub proxy_from_environment: bool,
    /// More headers to send.
    #[serde(default)]
    pub http_headers: BTreeMap<String, HeaderValues>,
    /// Whether redirects are followed, at most 10.
    #[serde(default = "yes")]
    pub follow_redirects: bool,
    /// Whether HTTP/2 is offered over TLS.
    #[serde(default = "yes")]
    pub enable_http2: bool,
}

/// Targets that DNS knows.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct DnsSd {
    /// Names that are asked for.
    pub names: Vec<String>,
    /// What is asked for.
    #[serde(rename = "type", default)]
    pub record: RecordType,
    /// The port of targets; SRV records have their own.
    #[serde(default)]
    pub port: u16,
    /// How often it is asked for.
    #[serde(default = "thirty_seconds")]
    pub refresh_interval: PromDuration,
}

/// A type of DNS records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum RecordType {
    /// Hosts with ports.
    #[default]
    #[serde(rename = "SRV", alias = "srv")]
    Srv,
    /// IPv4 addresses.
    #[serde(rename = "A", alias = "a")]
    A,
    /// IPv6 addresses.
    #[serde(rename = "AAAA", alias = "aaaa")]
    Aaaa,
    /// Mail servers.
    #[serde(rename = "MX", alias = "mx")]
    Mx,
    /// Name servers.
    #[serde(rename = "NS", alias = "ns")]
    Ns,
}

fn five_minutes() -> PromDuration {
    PromDuration::from_secs(300)
}

fn one_minute() -> PromDuration {
    PromDuration::from_secs(60)
}

fn thirty_seconds() -> PromDuration {
    PromDuration::from_secs(30)
}

fn yes() -> bool {
    true
}

impl StaticConfig {
    pub(super) fn check(&self, check: &mut Check<'_>) {
        if check.node().value == Value::Null {
            check.error_with(&[], "this entry is empty", "write `targets`, or take it out");
        }
        for (at, target) in self.targets.iter().enumerate() {
            if target.contains('/') {
                let at = at.to_string();
                check.error_with(
                    &["targets", &at],
                    format!("`{target}` is no address"),
                    "write host:port; the path is `metrics_path`, and https is `scheme`",
                );
            }
        }
    }
}

impl FileSd {
    pub(super) fn check(&self, check: &mut Check<'_>) {
        if self.files.is_empty() {
            check.error(&["files"], "`file_sd_configs` needs at least one file");
        }
        for (at, file) in self.files.iter().enumerate() {
            let (folder, name) = file.rsplit_once('/').unwrap_or(("", file));
            let is_known = [".json", ".yml", ".yaml"].iter().any(|ending| name.ends_with(ending));
            let at = at.to_string();
            if !is_known {
                let message = format!("`{file}` is neither JSON nor YAML by its name");
                check.error_with(&["files", &at], message, "the name ends with .json, .yml or .yaml");
            } else if folder.contains('*') {
                let message = "`*` stands in the name of the file, not in a folder's";
                check.error(&["files", &at], message);
            }
        }
        never_zero(Some(self.refresh_interval), "refresh_interval", check);
    }

    /// The files, as paths whose last part may be a pattern.
    pub(in crate::prometheus) fn patterns(&self) -> Vec<PathBuf> {
        self.files.iter().map(PathBuf::from).collect()
    }
}

impl HttpSd {
    pub(in crate::prometheus) fn http(&self) -> HttpConfig<'_> {
        http_of!(self)
    }

    pub(super) fn check(&self, check: &mut Check<'_>) {
        if !is_http(&self.url) {
            let message = format!("`{}` is no URL of a server", self.url);
            check.error_with(&["url"], message, "write one that begins with `http://` or `https://`");
        }
        no_password(&self.url, "url", check);
        never_zero(Some(self.refresh_interval), "refresh_interval", check);
        self.http().check(check);
    }
}

impl DnsSd {
    pub(super) fn check(&self, check: &mut Check<'_>) {
        if self.names.is_empty() {
            check.error(&["names"], "`dns_sd_configs` needs at least one name");
        }
        if self.record != RecordType::Srv && self.port == 0 {
            check.error_with(&["port"], "a port is needed: only SRV records have their own", "write `port`");
        }
        never_zero(Some(self.refresh_interval), "refresh_interval", check);
    }
}
