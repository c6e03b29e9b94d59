//! The configuration of `basicauth`.

use std::{path::PathBuf, time::Duration as StdDuration};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_config::{Check, Duration, Secret};
use weir_core::{Config, Facts};
use weir_net::auth::basic::Users;

/// Checks senders by a name and a password.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct BasicAuthConfig {
    /// Who is known.
    pub htpasswd: Htpasswd,
}

/// Lines of `name:password`, the password plain or hashed by bcrypt (`htpasswd -B`).
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct Htpasswd {
    /// A file of such lines.
    pub file: Option<PathBuf>,
    /// Such lines as a text, which count where the file has the same name too.
    pub inline: Secret,
    /// How often the file is looked at, to be read again when it has changed; 0 never.
    pub reload_interval: Duration,
}

impl Default for Htpasswd {
    fn default() -> Self {
        Self { file: None, inline: Secret::default(), reload_interval: Duration(StdDuration::from_secs(10)) }
    }
}

impl Config for BasicAuthConfig {
    fn check(&self, check: &mut Check<'_>) {
        check.not_taken(
            &["client_auth"],
            "it is for exporters, and none of today takes it",
            "take it out; `htpasswd` is for receivers",
        );
        let Htpasswd { file, inline, .. } = &self.htpasswd;
        if inline.is_empty() && file.is_none() {
            check.error_with(
                &["htpasswd"],
                "there is no name and password, so nobody could send",
                "write `htpasswd: {file: /etc/weir/htpasswd}`, or `inline`",
            );
        } else if !inline.is_empty()
            && let Err(error) = Users::of(&[inline.expose().as_bytes()])
        {
            check.error(&["htpasswd", "inline"], error.to_string());
        }
    }

    fn facts(&self) -> Facts {
        Facts { authenticates: true, ..Facts::default() }
    }
}
