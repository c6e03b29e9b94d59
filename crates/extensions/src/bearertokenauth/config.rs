//! The configuration of `bearertokenauth`.

use std::{path::PathBuf, time::Duration as StdDuration};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_config::{Check, Duration, Secret};
use weir_core::{Config, Facts};

/// Checks senders by a bearer token.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct BearerTokenAuthConfig {
    /// The header that holds the token.
    pub header: String,
    /// What stands before the token; empty where it stands alone.
    pub scheme: String,
    /// The token.
    pub token: Secret,
    /// Tokens of which each is good: an old one and a new one while senders change.
    pub tokens: Vec<Secret>,
    /// A file with a token a line.
    pub filename: Option<PathBuf>,
    /// How often the file is looked at, to be read again when it has changed; 0 never.
    pub reload_interval: Duration,
}

impl Default for BearerTokenAuthConfig {
    fn default() -> Self {
        Self {
            header: "Authorization".to_owned(),
            scheme: "Bearer".to_owned(),
            token: Secret::default(),
            tokens: Vec::new(),
            filename: None,
            reload_interval: Duration(StdDuration::from_secs(10)),
        }
    }
}

impl BearerTokenAuthConfig {
    /// The tokens that stand in the configuration itself.
    pub(super) fn tokens(&self) -> Vec<Secret> {
        let all = std::iter::once(&self.token).chain(&self.tokens);
        all.filter(|token| !token.is_empty()).cloned().collect()
    }
}

impl Config for BearerTokenAuthConfig {
    fn check(&self, check: &mut Check<'_>) {
        if self.header.parse::<hyper::header::HeaderName>().is_err() {
            check.error(&["header"], format!("`{}` is not the name of a header", self.header));
        }
        if self.tokens().is_empty() && self.filename.is_none() {
            check.error_with(
                &["token"],
                "there is no token, so nobody could send",
                "write `token: ${env:WEIR_TOKEN}`, `tokens` or `filename`",
            );
        }
    }

    fn facts(&self) -> Facts {
        Facts { authenticates: true, ..Facts::default() }
    }
}
