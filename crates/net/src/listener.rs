//! A small HTTP/1.1 server.

use std::{future::Future, io, net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

#[cfg(test)]
mod tests;

/// How long accepting rests after an error of the process, such as too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);

/// What a listener grants its peers.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections open at once. More wait in the kernel's backlog, unaccepted.
    pub connections: usize,
    /// Time for a request's head to arrive, counted from the end of the previous request; hence also how long an
    /// idle connection is kept.
    pub header_read_timeout: Duration,
    /// After shutdown, how long requests in progress may take before their connections are cut.
    pub drain_timeout: Duration,
}

impl Default for Limits {
    /// 1024 connections, 30 s for a head, 5 s to drain.
    fn default() -> Self {
        Self {
            connections: 1024,
            header_read_timeout: Duration::from_secs(30),
            drain_timeout: Duration::from_secs(5),
        }
    }
}

/// An address could not be listened on.
#[derive(Debug, thiserror::Error)]
#[error("could not listen on {address}: {source}")]
pub struct BindError {
    /// The address that was asked for.
    pub address: SocketAddr,
    /// The system's answer.
    pub source: io::Error,
}

/// A bound socket, ready to [`serve`](Listener::serve).
///
/// Binding and serving are apart so that "started" can mean "bound", and so that port 0 is known before the first
/// request.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    local_addr: SocketAddr,
    limits: Limits,
}

impl Listener {
    /// Binds `address`; port 0 takes a free one.
    pub async fn bind(address: SocketAddr) -> Result<Self, BindError> {
        let failed = |source| BindError { address, source };
        let socket = TcpListener::bind(address).await.map_err(failed)?;
        let local_addr = socket.local_addr().map_err(failed)?;
        Ok(Self { socket, local_addr, limits: Limits::default() })
    }

    /// Replaces the default limits.
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The address that is bound, with its real port.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Answers requests until `shutdown`, then closes the socket, lets requests in progress end within
    /// [`Limits::drain_timeout`], and returns when every connection is gone.
    ///
    /// A handler that panics costs its own connection only.
    pub async fn serve<H, F>(self, handler: H, shutdown: CancellationToken)
    where
        H: Fn(Request<Incoming>) -> F + Clone + Send + 'static,
        F: Future<Output = Response<Full<Bytes>>> + Send + 'static,
    {
        let slots = Arc::new(Semaphore::new(self.limits.connections));
        let connections = TaskTracker::new();
        loop {
            // The slot comes before the socket: a peer over the limit is left in the backlog.
            let next = async { (slots.clone().acquire_owned().await, self.socket.accept().await) };
            let (slot, accepted) = tokio::select! {
                () = shutdown.cancelled() => break,
                next = next => next,
            };
            match accepted {
                Ok((stream, _)) => {
                    let (handler, limits, shutdown) = (handler.clone(), self.limits, shutdown.clone());
                    connections.spawn(async move {
                        let _slot = slot;
                        serve_connection(stream, handler, limits, shutdown).await;
                    });
                }
                Err(error) if is_of_peer(&error) => {
                    tracing::debug!(%error, "peer left before it was accepted");
                }
                Err(error) => {
                    tracing::warn!(%error, address = %self.local_addr, "cannot accept connections");
                    let _ = timeout(ACCEPT_PAUSE, shutdown.cancelled()).await;
                }
            }
        }
        drop(self.socket);
        connections.close();
        connections.wait().await;
    }
}

/// A response that is never sent: the listener closes the connection in its place.
///
/// For servers that play a broken peer.
pub fn hang_up() -> Response<Full<Bytes>> {
    let mut response = Response::default();
    response.extensions_mut().insert(HangUp);
    response
}

#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the handler hung up")]
struct HangUp;

async fn serve_connection<H, F>(stream: TcpStream, handler: H, limits: Limits, shutdown: CancellationToken)
where
    H: Fn(Request<Incoming>) -> F,
    F: Future<Output = Response<Full<Bytes>>>,
{
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "could not set TCP_NODELAY");
    }
    let service = service_fn(move |request| {
        let response = handler(request);
        async {
            let response = response.await;
            if response.extensions().get::<HangUp>().is_some() { Err(HangUp) } else { Ok(response) }
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_read_timeout)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);

    let ended = tokio::select! {
        ended = connection.as_mut() => Ok(ended),
        () = shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            timeout(limits.drain_timeout, connection).await
        }
    };
    match ended {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "connection ended"),
        Err(_) => tracing::debug!("connection cut: its request outlasted the drain timeout"),
    }
}

/// Whether an error of `accept` concerns that one connection, so that the next may be accepted at once.
fn is_of_peer(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
