//! A server of HTTP/1.1 and HTTP/2.

use std::{future::Future, io, net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use hyper::{Request, Response, body::Incoming};
use tokio::{sync::Semaphore, task::JoinSet, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::{
    connection::Serving,
    endpoint::{BindError, Endpoint, Socket},
    tls::ServerTls,
};

#[cfg(test)]
mod tests;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// How long accepting rests after an error of the process, such as too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);

/// What a listener grants its peers.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections open at once. More wait in the kernel's backlog, unaccepted.
    pub connections: usize,
    /// Time for the first request's head to arrive, counted from the connection's first moment: a TLS handshake is part of
    /// it. With HTTP/1.1 also the time for every later head, counted from the end of the previous request.
    pub header_read_timeout: Duration,
    /// How long a connection may be without a request; without one, for ever (but for HTTP/1.1: see above).
    pub idle_timeout: Option<Duration>,
    /// How long the peer may take nothing of an answer.
    pub write_timeout: Duration,
    /// How old a connection may become.
    pub max_age: Option<Duration>,
    /// How long the requests of a connection that is too old may take.
    pub age_grace: Duration,
    /// After shutdown, how long requests in progress may take before their connections are cut.
    pub drain_timeout: Duration,
}

impl Default for Limits {
    /// 1024 connections, 30 s for a head and to take an answer, no limit on idle time and age, 5 s to drain.
    fn default() -> Self {
        Self {
            connections: 1024,
            header_read_timeout: Duration::from_secs(30),
            idle_timeout: None,
            write_timeout: Duration::from_secs(30),
            max_age: None,
            age_grace: Duration::from_secs(5),
            drain_timeout: Duration::from_secs(5),
        }
    }
}

/// Which HTTP a listener speaks.
#[derive(Clone, Copy, Debug, Default)]
pub enum Versions {
    /// HTTP/1.1: what probes, scrapers and most SDKs speak.
    #[default]
    Http1,
    /// HTTP/2 alone, as gRPC does; without TLS by prior knowledge.
    Http2(Http2),
    /// Either, as the peer begins.
    Both(Http2),
}

/// How HTTP/2 is spoken.
#[derive(Clone, Copy, Debug)]
pub struct Http2 {
    /// Requests that one connection may have under way at a time.
    pub max_concurrent_streams: u32,
    /// How long a connection may be silent before it is asked whether it is still there.
    pub keepalive: Duration,
    /// How long it has to say so.
    pub keepalive_answer: Duration,
}

impl Default for Http2 {
    /// 100 requests; asked after a minute, 20 s to answer.
    fn default() -> Self {
        Self {
            max_concurrent_streams: 100,
            keepalive: Duration::from_mins(1),
            keepalive_answer: Duration::from_secs(20),
        }
    }
}

/// A bound socket, ready to [`serve`](Listener::serve).
///
/// Binding and serving are apart so that "started" can mean "bound", and so that port 0 is known before the first
/// request.
#[derive(Debug)]
pub struct Listener {
    socket: Socket,
    limits: Limits,
    versions: Versions,
    tls: Option<ServerTls>,
}

impl Listener {
    /// Binds an address or a path.
    pub async fn bind(endpoint: impl Into<Endpoint>) -> Result<Self, BindError> {
        let socket = endpoint.into().bind().await?;
        Ok(Self { socket, limits: Limits::default(), versions: Versions::default(), tls: None })
    }

    /// Replaces the default limits.
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Replaces the default version, HTTP/1.1.
    pub fn with_versions(mut self, versions: Versions) -> Self {
        self.versions = versions;
        self
    }

    /// Speaks TLS, with what was loaded for the same versions.
    pub fn with_tls(mut self, tls: Option<ServerTls>) -> Self {
        self.tls = tls;
        self
    }

    /// The address that is bound, with its real port; `None` for a Unix socket.
    pub fn tcp_addr(&self) -> Option<SocketAddr> {
        match &self.socket {
            Socket::Tcp { address, .. } => Some(*address),
            Socket::Unix { .. } => None,
        }
    }

    /// Where it listens, in words: an address with its real port, or `unix:` and a path.
    pub fn local_addr(&self) -> String {
        self.socket.to_string()
    }

    /// Answers requests until `shutdown`, then closes the socket, lets requests in progress end within
    /// [`Limits::drain_timeout`], and returns when every connection is gone. Dropping the future cuts them.
    ///
    /// A handler that panics costs its own connection only, with HTTP/2 its own request.
    pub async fn serve<H, F, B>(self, handler: H, shutdown: CancellationToken)
    where
        H: Fn(Request<Incoming>) -> F + Clone + Send + 'static,
        F: Future<Output = Response<B>> + Send + 'static,
        B: hyper::body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let Self { socket, limits, versions, tls } = self;
        let serving = Arc::new(Serving::new(limits, versions, tls));
        let watching = serving.watch_files();
        tokio::pin!(watching);
        let slots = Arc::new(Semaphore::new(limits.connections));
        let mut connections = JoinSet::new();
        loop {
            // The slot comes before the socket: a peer over the limit is left in the backlog.
            let next = async { (slots.clone().acquire_owned().await, socket.accept().await) };
            let (slot, accepted) = tokio::select! {
                () = shutdown.cancelled() => break,
                Some(_) = connections.join_next() => continue,
                never = watching.as_mut() => match never {},
                next = next => next,
            };
            match accepted {
                Ok((stream, peer)) => {
                    let (serving, handler, shutdown) =
                        (Arc::clone(&serving), handler.clone(), shutdown.clone());
                    connections.spawn(async move {
                        let _slot = slot;
                        serving.serve(stream, peer, handler, shutdown).await;
                    });
                }
                Err(error) if is_of_peer(&error) => {
                    tracing::debug!(%error, "peer left before it was accepted");
                }
                Err(error) => {
                    tracing::warn!(%error, address = %socket, "cannot accept connections");
                    let _ = timeout(ACCEPT_PAUSE, shutdown.cancelled()).await;
                }
            }
        }
        drop(socket);
        while connections.join_next().await.is_some() {}
    }
}

/// Whether an error of `accept` concerns that one connection, so that the next may be accepted at once.
fn is_of_peer(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
