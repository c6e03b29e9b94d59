//! One connection, from its first byte to its end.

use std::{convert::Infallible, future::Future, io, net::IpAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use hyper::{Request, Response, body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use tokio::{sync::watch, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::{
    endpoint::Stream,
    listener::{Http2, Limits, Versions},
    stall::WriteTimeout,
    tls::ServerTls,
};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The address that a connection came from; none where it came by a Unix socket. An extension of every request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerAddress(pub Option<IpAddr>);

/// A response that is never sent: the listener closes the connection in its place.
///
/// For servers that play a broken peer.
pub fn hang_up<B: Default>() -> Response<B> {
    let mut response = Response::new(B::default());
    response.extensions_mut().insert(HangUp);
    response
}

#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the handler hung up")]
struct HangUp;

/// What all connections of a listener have in common.
pub(crate) struct Serving {
    builder: auto::Builder<TokioExecutor>,
    limits: Limits,
    tls: Option<ServerTls>,
}

impl Serving {
    pub(crate) fn new(limits: Limits, versions: Versions, tls: Option<ServerTls>) -> Self {
        let builder = auto::Builder::new(TokioExecutor::new());
        let (mut builder, http2) = match versions {
            Versions::Http1 => (builder.http1_only(), None),
            Versions::Http2(http2) => (builder.http2_only(), Some(http2)),
            Versions::Both(http2) => (builder, Some(http2)),
        };
        builder.http1().timer(TokioTimer::new()).header_read_timeout(limits.header_read_timeout);
        if let Some(Http2 { max_concurrent_streams, keepalive, keepalive_answer }) = http2 {
            builder
                .http2()
                .timer(TokioTimer::new())
                .initial_stream_window_size(STREAM_WINDOW)
                .initial_connection_window_size(CONNECTION_WINDOW)
                .max_frame_size(FRAME)
                .max_concurrent_streams(max_concurrent_streams)
                .max_header_list_size(HEADER_LIST_BYTES)
                .keep_alive_interval(Some(keepalive))
                .keep_alive_timeout(keepalive_answer);
        }
        Self { builder, limits, tls }
    }

    /// Keeps looking whether files have changed.
    pub(crate) async fn watch_files(&self) -> Infallible {
        match &self.tls {
            Some(tls) => tls.watch().await,
            None => std::future::pending().await,
        }
    }

    async fn secured(&self, stream: Box<dyn Stream>) -> io::Result<Box<dyn Stream>> {
        let Some(tls) = &self.tls else { return Ok(stream) };
        let handshake = timeout(self.limits.header_read_timeout, tls.accept(stream)).await;
        handshake.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }

    /// Answers the requests of one connection until it closes, or has to.
    pub(crate) async fn serve<H, F, B>(
        &self,
        stream: Box<dyn Stream>,
        peer: Option<IpAddr>,
        handler: H,
        shutdown: CancellationToken,
    ) where
        H: Fn(Request<Incoming>) -> F,
        F: Future<Output = Response<B>> + Send + 'static,
        B: hyper::body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let limits = &self.limits;
        let stream = tokio::select! {
            secured = self.secured(stream) => secured,
            () = shutdown.cancelled() => return,
        };
        let stream = match stream {
            Ok(stream) => stream,
            Err(error) => {
                tracing::debug!(%error, peer = ?peer, "no TLS session");
                return;
            }
        };
        let (activity, seen) = watch::channel(Activity::default());
        let activity = Arc::new(activity);
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(PeerAddress(peer));
            let under_way = UnderWay::begin(&activity);
            let response = handler(request);
            async move {
                let _under_way = under_way;
                let response = response.await;
                if response.extensions().get::<HangUp>().is_some() { Err(HangUp) } else { Ok(response) }
            }
        });
        let stream = TokioIo::new(WriteTimeout::new(stream, limits.write_timeout));
        let connection = self.builder.serve_connection(stream, service);
        tokio::pin!(connection);

        let ended = tokio::select! {
            ended = connection.as_mut() => Ok(ended),
            grace = until_it_has_to_close(seen, limits, &shutdown) => {
                connection.as_mut().graceful_shutdown();
                timeout(grace, connection).await
            }
        };
        match ended {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%error, "connection ended"),
            Err(_) => tracing::debug!("connection cut: a request outlasted its grace"),
        }
    }
}

/// What a peer may send of one request, in bytes, before it has to wait for the receiver. With HTTP/2's default of 64 KiB
/// a sender of large requests waits for a round trip every 64 KiB: 187k points a second where 3.4M are possible.
const STREAM_WINDOW: u32 = 1 << 20;
/// The same for all requests of a connection.
const CONNECTION_WINDOW: u32 = 4 << 20;
/// The largest frame that a peer may send, in bytes; HTTP/2's default is 16 KiB. A request of a thousand points then comes in one
/// piece, read to where it stays, from peers that make use of it: Rust's and C's gRPC do, Go's does not. A frame that is announced
/// and never sent takes this much of a connection.
const FRAME: u32 = 256 << 10;
/// What the headers of a request may take, in bytes as HTTP/2 counts them.
const HEADER_LIST_BYTES: u32 = 64 << 10;

/// Waits until the connection has to close, and answers how long its requests may still take.
async fn until_it_has_to_close(
    mut activity: watch::Receiver<Activity>,
    limits: &Limits,
    shutdown: &CancellationToken,
) -> Duration {
    let idle = async {
        let mut patience = Some(limits.header_read_timeout);
        let mut requests = 0;
        while let Ok(idle) = activity.wait_for(|now| now.under_way == 0).await.map(|now| *now) {
            if idle.requests != requests {
                (requests, patience) = (idle.requests, limits.idle_timeout);
            }
            let next = activity.wait_for(|now| now.requests != requests);
            let Some(patience) = patience else {
                let _ = next.await;
                continue;
            };
            if timeout(patience, next).await.is_err() {
                return;
            }
        }
    };
    let old = async {
        match limits.max_age {
            Some(age) => timeout(age, std::future::pending::<Infallible>()).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = shutdown.cancelled() => limits.drain_timeout,
        // Nothing is under way: what is still to be taken of an answer has as long as any write.
        () = idle => limits.write_timeout,
        _ = old => limits.age_grace,
    }
}

/// What a connection is doing.
#[derive(Clone, Copy, Debug, Default)]
struct Activity {
    /// Requests so far.
    requests: u64,
    /// Requests that are not answered yet.
    under_way: usize,
}

/// A request that is not answered yet.
struct UnderWay(Arc<watch::Sender<Activity>>);

impl UnderWay {
    fn begin(activity: &Arc<watch::Sender<Activity>>) -> Self {
        activity.send_modify(|now| {
            now.requests += 1;
            now.under_way += 1;
        });
        Self(Arc::clone(activity))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.send_modify(|now| now.under_way -= 1);
    }
}
