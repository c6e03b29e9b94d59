//! A client of HTTP/1.1 and HTTP/2: pooled connections, TLS, proxies, and failures by their cause.
//!
//! # Layout
//! - [`HttpClient`]: sends requests; `connector`: makes connections; [`tls`]: what is shown to and asked of servers;
//! - [`error`]: why there is no answer.
//!
//! A request is one round: redirects are answers like any other, and time limits are the caller's, who drops the future.

mod connector;
pub mod error;
pub mod tls;

#[cfg(test)]
mod tests;

use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Request, Response, Uri, body::Incoming, header::PROXY_AUTHORIZATION};
use hyper_util::{
    client::{
        legacy::{Builder, Client},
        proxy::matcher::{Intercept, Matcher},
    },
    rt::{TokioExecutor, TokioTimer},
};

pub use error::ClientError;
pub use tls::{ClientTls, SystemRoots};

use crate::reload::LoadError;
use connector::Connector;

/// What an HTTP/1.1 connection reads at a time at most, and what the head of an answer may take, in bytes.
const READ_BUFFER: usize = 64 << 10;

/// How often an HTTP/2 connection that is in use is asked for a sign of life, and how long that may take.
const SIGN_OF_LIFE: Duration = Duration::from_secs(10);

/// Which proxy is on the way to a server: none by default.
#[derive(Debug)]
pub struct Proxies {
    matcher: Matcher,
    /// `localhost` and addresses of the loopback are reached without one: to the proxy they would be itself.
    except_loopback: bool,
}

impl Proxies {
    /// One proxy for all servers but those that `except` names: hosts, domains, addresses and networks, separated by commas.
    /// An empty `url` is no proxy. Where there are exceptions at all, the loopback is one (as for Go, and so Prometheus).
    pub fn fixed(url: &str, except: &str) -> Self {
        let matcher = Matcher::builder().all(url.to_owned()).no(except.to_owned()).build();
        Self { matcher, except_loopback: !except.is_empty() }
    }

    /// Those of the environment: HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY; never for the loopback.
    pub fn from_environment() -> Self {
        Self { matcher: Matcher::from_env(), except_loopback: true }
    }

    /// The proxy on the way to `uri`.
    fn on_the_way(&self, uri: &Uri) -> Option<Intercept> {
        if self.except_loopback && is_loopback(uri) { None } else { self.matcher.intercept(uri) }
    }
}

fn is_loopback(uri: &Uri) -> bool {
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

impl Default for Proxies {
    fn default() -> Self {
        Self::fixed("", "")
    }
}

/// What a client is made of.
#[derive(Debug)]
pub struct ClientSettings {
    /// TLS to servers.
    pub tls: ClientTls,
    /// Proxies on the way.
    pub proxies: Proxies,
    /// Whether HTTP/2 is offered over TLS.
    pub http2: bool,
    /// How long a connection is kept for the next request.
    pub idle: Duration,
}

/// A client. Cheap to clone; clones share their connections.
#[derive(Clone, Debug)]
pub struct HttpClient {
    client: Client<Connector, Full<Bytes>>,
    connector: Connector,
}

impl HttpClient {
    /// A client that has no connection yet. `roots` are shared by all clients that trust the system's CAs.
    ///
    /// # Errors
    /// Certificates or keys are not what they should be.
    pub fn new(settings: ClientSettings, roots: &SystemRoots) -> Result<Self, LoadError> {
        let ClientSettings { tls, proxies, http2, idle } = settings;
        let connector = Connector::new(tls.prepare(http2, roots)?, proxies);
        let mut builder: Builder = Client::builder(TokioExecutor::new());
        builder.pool_timer(TokioTimer::new()).pool_idle_timeout(idle).pool_max_idle_per_host(1);
        builder.http1_max_buf_size(READ_BUFFER).timer(TokioTimer::new());
        // Without it a peer that is gone without a word is asked in vain until the kernel gives the connection up.
        builder.http2_keep_alive_interval(SIGN_OF_LIFE).http2_keep_alive_timeout(SIGN_OF_LIFE);
        Ok(Self { client: builder.build(connector.clone()), connector })
    }

    /// Sends a request, whose URI is absolute, and waits for the head of the answer.
    ///
    /// # Errors
    /// See [`ClientError`]. A status that is no success is an answer.
    pub async fn send(&self, mut request: Request<Full<Bytes>>) -> Result<Response<Incoming>, ClientError> {
        if let Some(auth) = self.connector.plain_proxy_auth(request.uri()) {
            request.headers_mut().insert(PROXY_AUTHORIZATION, auth);
        }
        self.client.request(request).await.map_err(|error| ClientError::of(&error))
    }
}
