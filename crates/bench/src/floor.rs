//! The floor: an OTLP server that reads a request, inflates it if it must, and forgets it. No receiver of any make can take
//! fewer cycles with these libraries, so a figure of Weir less this one is what Weir itself takes.

use std::io::Read as _;

use bytes::{Buf as _, Bytes};
use flate2::read::GzDecoder;
use futures::stream;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::{
    HeaderMap, Request, Response,
    body::{Frame, Incoming},
    header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderValue},
};

use crate::{Error, server::Server};

/// The gRPC message that says "all taken": a frame of no bytes.
const NOTHING: [u8; 5] = [0; 5];

/// Serves until the process is ended; says where to on standard output.
///
/// # Errors
/// It cannot listen.
#[allow(clippy::print_stdout, reason = "what starts it reads its address there")]
pub async fn serve() -> Result<(), Error> {
    let server = Server::start(answer).await?;
    println!("listening on {}", server.address);
    std::future::pending().await
}

type Body = http_body_util::combinators::BoxBody<Bytes, std::convert::Infallible>;

async fn answer(request: Request<Incoming>) -> Result<Response<Body>, hyper::Error> {
    let (head, body) = request.into_parts();
    let is_grpc = head.headers.get(CONTENT_TYPE).is_some_and(|value| value == "application/grpc");
    let is_packed = head.headers.contains_key("grpc-encoding") || head.headers.contains_key(CONTENT_ENCODING);
    let mut body = body.collect().await?.aggregate();
    if is_grpc {
        body.advance(NOTHING.len().min(body.remaining()));
    }
    let mut message = Vec::with_capacity(body.remaining());
    if is_packed {
        // A load that is broken shows in its own tests.
        let _ = GzDecoder::new(body.reader()).read_to_end(&mut message);
    } else {
        // As a decoder of one piece needs it.
        let _ = body.reader().read_to_end(&mut message);
    }
    std::hint::black_box(&message);
    if !is_grpc {
        return Ok(Response::new(Full::default().boxed()));
    }
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    let frames = [Ok(Frame::data(Bytes::from_static(&NOTHING))), Ok(Frame::trailers(trailers))];
    let mut response = Response::new(StreamBody::new(stream::iter(frames)).boxed());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    Ok(response)
}
