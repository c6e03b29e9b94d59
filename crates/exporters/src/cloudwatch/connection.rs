//! The keys about how AWS is reached.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_config::Check;

use super::config::Config;

/// How the far end's certificate is checked.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct TlsConfig {
    /// PEM file of the authorities that are believed, in place of the system's; else `AWS_CA_BUNDLE`.
    pub ca_file: Option<PathBuf>,
}

impl Config {
    pub(super) fn check_connection(&self, check: &mut Check<'_>) {
        if let Some(endpoint) = &self.endpoint
            && host(endpoint).is_none()
        {
            let message = format!("endpoint `{endpoint}` is not a URL");
            check.error_with(&["endpoint"], message, "write it as https://host or http://127.0.0.1:port");
        }
        for (key, value) in [("region", &self.region), ("profile", &self.profile)] {
            if value.as_ref().is_some_and(|value| value.trim().is_empty()) {
                check.error_with(&[key], format!("{key} is empty"), "name one, or take the key out");
            }
        }
        if self.external_id.is_some() && self.role_arn.is_none() {
            check.error(&["external_id"], "external_id is for a role: role_arn is missing");
        }
        if let Some(role) = &self.role_arn
            && !(role.starts_with("arn:") && role.contains(":role/"))
        {
            let message = format!("role_arn `{role}` is not the ARN of a role");
            check.error_with(&["role_arn"], message, "such as arn:aws:iam::123456789012:role/name");
        }
        if self.endpoint.is_some() {
            for (key, set) in [("use_fips", self.use_fips), ("use_dual_stack", self.use_dual_stack)] {
                if set == Some(true) {
                    let message =
                        format!("{key} chooses among AWS's endpoints, and `endpoint` names another");
                    check.error_with(&[key], message, "leave one of them out");
                }
            }
        }
    }

    /// Whether the endpoint is on this machine.
    pub(crate) fn is_local(&self) -> bool {
        self.endpoint.as_deref().and_then(host).is_some_and(|host| {
            host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
        })
    }

    /// Whether the far end is no AWS at all: on this machine, and nobody named whose credentials to use.
    pub(super) fn is_stand_in(&self) -> bool {
        self.is_local() && self.profile.is_none() && self.role_arn.is_none()
    }
}

/// The host of an `http` or `https` URL.
fn host(url: &str) -> Option<&str> {
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"))?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next()?,
        None => authority.split(':').next()?,
    };
    (!host.is_empty() && !authority.contains('@')).then_some(host)
}
