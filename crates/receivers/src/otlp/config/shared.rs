//! What the sections of both protocols have in common.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_config::Check;
use weir_net::{Endpoint, TlsServer};

use crate::otlp::metadata::Metadata;

/// What carries the bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Transport {
    /// TCP; the endpoint is host:port.
    #[default]
    Tcp,
    /// A Unix socket; the endpoint is its path.
    Unix,
}

/// Who may send.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct Auth {
    /// The extension that checks senders: a `bearertokenauth` or a `basicauth`.
    pub authenticator: String,
}

/// The keys that both sections have.
pub(super) struct Shared<'c> {
    pub(super) endpoint: &'c str,
    pub(super) transport: Transport,
    pub(super) tls: Option<&'c TlsServer>,
    pub(super) auth: Option<&'c Auth>,
    pub(super) max_connections: usize,
    pub(super) include_metadata: bool,
    pub(super) metadata_keys: &'c [String],
}

impl Shared<'_> {
    /// Where to listen; `None` where that cannot be read.
    pub(super) fn endpoint(&self) -> Option<Endpoint> {
        match self.transport {
            Transport::Tcp => Endpoint::tcp(self.endpoint),
            Transport::Unix => (!self.endpoint.is_empty()).then(|| Endpoint::Unix(self.endpoint.into())),
        }
    }

    pub(super) fn metadata(&self) -> Metadata {
        match self.include_metadata {
            false => Metadata::Left,
            true => {
                Metadata::Included(self.metadata_keys.iter().filter_map(|key| key.parse().ok()).collect())
            }
        }
    }

    /// Whether only this machine's own processes can send: a Unix socket is a file of it.
    pub(super) fn is_of_this_host(&self) -> bool {
        self.transport == Transport::Unix || weir_core::is_loopback(self.endpoint)
    }

    /// Whether what is sent can be read on the way.
    pub(super) fn is_open(&self) -> bool {
        self.transport == Transport::Tcp && self.tls.is_none()
    }

    /// Reports what types cannot say; `usual` is the protocol's port.
    pub(super) fn check(&self, check: &mut Check<'_>, usual: u16) {
        if self.endpoint().is_none() {
            let message = format!("`{}` is not an address to listen on", self.endpoint);
            let help = match self.transport {
                Transport::Tcp => format!("write host:port, such as localhost:{usual} or 0.0.0.0:{usual}"),
                Transport::Unix => "write the path of a socket, such as /run/weir/otlp.sock".to_owned(),
            };
            check.error_with(&["endpoint"], message, help);
        }
        if let (Some(tls), Some(mut check)) = (self.tls, check.within(&["tls"])) {
            tls.check(&mut check);
        }
        check.not_taken(
            &["auth", "request_params"],
            "credentials are taken from headers only",
            "let senders put them into the header `Authorization`",
        );
        if self.max_connections == 0 {
            check.error(&["max_connections"], "0 would take no connection at all");
        }
        for (at, key) in self.metadata_keys.iter().enumerate() {
            if key.parse::<hyper::header::HeaderName>().is_err() {
                let message = format!("`{key}` is not the name of a header");
                check.error(&["metadata_keys", &at.to_string()], message);
            }
        }
        if !self.metadata_keys.is_empty() && !self.include_metadata {
            check.error_with(
                &["metadata_keys"],
                "headers are named, and `include_metadata` is off",
                "add `include_metadata: true`",
            );
        }
        check.not_taken(
            &["include_tls_metadata"],
            "what a certificate says names no series",
            "take it out; `include_metadata` tells senders apart",
        );
        check.not_taken(&["middlewares"], "there are none", "use `auth`, `tls` and the limits here");
    }
}
