//! The keys of `tls` for a server, as the Collector has them.

use std::{path::PathBuf, time::Duration as StdDuration};

use rustls::SupportedProtocolVersion;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_config::{Check, Duration, Secret};

/// TLS for a listener.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct TlsServer {
    /// The certificate, with those between it and its CA behind it, in PEM.
    pub cert_file: Option<PathBuf>,
    /// The same as a text.
    pub cert_pem: String,
    /// The certificate's private key, in PEM.
    pub key_file: Option<PathBuf>,
    /// The same as a text.
    pub key_pem: Secret,
    /// The CAs whose clients may connect (mTLS), in PEM; without it, any client may.
    pub client_ca_file: Option<PathBuf>,
    /// The oldest version that is spoken.
    pub min_version: TlsVersion,
    /// The newest version that is spoken.
    pub max_version: TlsVersion,
    /// How often the files are looked at, to be read again when they have changed; 0 never.
    pub reload_interval: Duration,
}

impl Default for TlsServer {
    fn default() -> Self {
        Self {
            cert_file: None,
            cert_pem: String::new(),
            key_file: None,
            key_pem: Secret::default(),
            client_ca_file: None,
            min_version: TlsVersion::V1_2,
            max_version: TlsVersion::V1_3,
            // Certificates of a day are common, and a Secret of Kubernetes takes about a minute to arrive itself.
            reload_interval: Duration(StdDuration::from_mins(1)),
        }
    }
}

/// A version of TLS that is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema)]
pub enum TlsVersion {
    /// 1.2
    #[serde(rename = "1.2")]
    V1_2,
    /// 1.3
    #[serde(rename = "1.3")]
    V1_3,
}

impl TlsVersion {
    pub(crate) const ALL: [Self; 2] = [Self::V1_2, Self::V1_3];

    pub(crate) fn of_rustls(self) -> &'static SupportedProtocolVersion {
        match self {
            Self::V1_2 => &rustls::version::TLS12,
            Self::V1_3 => &rustls::version::TLS13,
        }
    }
}

impl TlsServer {
    /// Reports what does not fit together. `check` is of the section `tls`.
    pub fn check(&self, check: &mut Check<'_>) {
        let secret = self.key_pem.expose();
        for (file, is_file, pem, is_pem) in [
            ("cert_file", self.cert_file.is_some(), "cert_pem", !self.cert_pem.is_empty()),
            ("key_file", self.key_file.is_some(), "key_pem", !secret.is_empty()),
        ] {
            if is_file == is_pem {
                let found = if is_file { "both are there" } else { "neither is there" };
                check.error_with(
                    &[pem],
                    format!("TLS needs `{file}` or `{pem}`, and {found}"),
                    "write one of them",
                );
            }
        }
        if self.min_version > self.max_version {
            check.error(&["min_version"], "`min_version` is newer than `max_version`");
        }
        let of_client = "it is for clients, which check a server with it";
        let client_ca = "name the CAs of clients in `client_ca_file`";
        check.not_taken(&["ca_file"], of_client, client_ca);
        check.not_taken(&["ca_pem"], of_client, client_ca);
        check.not_taken(&["include_system_ca_certs_pool"], of_client, client_ca);
        check.not_taken(
            &["client_ca_file_reload"],
            "`client_ca_file` is read again like the other files",
            "set `reload_interval`, or leave it at 1m",
        );
        let suites = "every suite and curve that is spoken is a good one";
        check.not_taken(&["cipher_suites"], suites, "take it out; `min_version: \"1.3\"` narrows the choice");
        check.not_taken(&["curve_preferences"], suites, "take it out");
        check.not_taken(&["tpm"], "keys in a TPM are not supported", "use `key_file`");
    }
}
