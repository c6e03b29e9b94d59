//! Serving a peer: one listener, a task a connection, until it is dropped.

use std::{future::Future, net::SocketAddr};

use hyper::{Request, Response, body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use tokio::{net::TcpListener, task::JoinHandle};

use crate::Error;

/// What a peer may send of a request before it waits for the reader: large, so that the reader is never what is measured.
const WINDOW: u32 = 4 << 20;

/// A listener on a free port of this machine. Ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    accepting: JoinHandle<()>,
}

impl Server {
    /// Answers with `handle`, over HTTP/1.1 and HTTP/2.
    pub(crate) async fn start<H, F, B>(handle: H) -> Result<Self, Error>
    where
        H: Fn(Request<Incoming>) -> F + Clone + Send + 'static,
        F: Future<Output = Result<Response<B>, hyper::Error>> + Send + 'static,
        B: hyper::body::Body<Error: Into<Box<dyn std::error::Error + Send + Sync>>, Data: Send>
            + Send
            + 'static,
    {
        let failed = Error::io("cannot listen");
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(failed)?;
        let address = listener.local_addr().map_err(Error::io("no address"))?;
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // Only a matter of speed.
                let _ = stream.set_nodelay(true);
                let handle = handle.clone();
                tokio::spawn(async move {
                    let mut builder = auto::Builder::new(TokioExecutor::new());
                    builder.http2().initial_stream_window_size(WINDOW).initial_connection_window_size(WINDOW);
                    // A peer that breaks off is its own business.
                    let _ = builder.serve_connection(TokioIo::new(stream), service_fn(handle)).await;
                });
            }
        });
        Ok(Self { address, accepting })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}
