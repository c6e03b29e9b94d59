//! One `GET` over plain HTTP/1.1, for probes: a container image needs no `curl` then.

use std::{io, time::Duration};

use bytes::Bytes;
use http_body_util::Empty;
use hyper::{Request, StatusCode, client::conn::http1, header::HOST};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, time::timeout};

use crate::body::{BodyError, read_body};

/// No answer was to be had.
#[derive(Debug, thiserror::Error)]
pub enum GetError {
    /// Nobody listens there, or the connection broke.
    #[error("cannot connect to {address}: {source}")]
    Connect {
        /// The address that was asked for.
        address: String,
        /// The system's answer.
        source: io::Error,
    },
    /// What came back is no HTTP.
    #[error("no HTTP answer: {0}")]
    Http(#[from] hyper::Error),
    /// The path or the address cannot be part of a request.
    #[error("not a request: {0}")]
    Request(#[from] hyper::http::Error),
    /// The answer's body broke off, or is too large.
    #[error("no whole answer: {0}")]
    Body(#[from] BodyError),
    /// The time was up.
    #[error("no answer within {0:?}")]
    TimedOut(Duration),
}

/// Asks `address` (host:port) for `path`: the status and the body, of at most `max` bytes.
///
/// # Errors
/// See [`GetError`]. A status that is no success is an answer.
pub async fn get(
    address: &str,
    path: &str,
    max: usize,
    patience: Duration,
) -> Result<(StatusCode, Bytes), GetError> {
    match timeout(patience, ask(address, path, max)).await {
        Ok(answer) => answer,
        Err(_) => Err(GetError::TimedOut(patience)),
    }
}

async fn ask(address: &str, path: &str, max: usize) -> Result<(StatusCode, Bytes), GetError> {
    let failed = |source| GetError::Connect { address: address.to_owned(), source };
    let stream = TcpStream::connect(address).await.map_err(failed)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let request = Request::get(path).header(HOST, address).body(Empty::<Bytes>::new())?;
    let answer = async {
        let answer = sender.send_request(request).await?;
        let status = answer.status();
        Ok((status, read_body(answer.into_body(), max).await?))
    };
    tokio::pin!(connection);
    tokio::pin!(answer);
    tokio::select! {
        answer = &mut answer => answer,
        // The connection may end before the answer has been looked at.
        ended = &mut connection => match ended {
            Ok(()) => answer.await,
            Err(error) => Err(error.into()),
        },
    }
}
