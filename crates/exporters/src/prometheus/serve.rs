//! Scrapes over HTTP.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, combinators::UnsyncBoxBody};
use hyper::{
    HeaderMap, Method, Request, Response, StatusCode,
    body::{Frame, Incoming},
    header::{self, HeaderValue},
};
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;
use weir_core::Clock;
use weir_exposition::Format;
use weir_net::Listener;

use super::{page::Page, store::Store};

const PATH: &str = "/metrics";

type Body = UnsyncBoxBody<Bytes, Infallible>;

/// What scrapes see.
#[derive(Clone)]
pub(super) struct Pages {
    pub(super) store: Arc<Mutex<Store>>,
    pub(super) clock: Clock,
}

/// Answers scrapes until `stop`.
pub(super) async fn serve(listener: Listener, pages: Pages, stop: CancellationToken) {
    let handler = move |request: Request<Incoming>| {
        let answer = pages.answer(request.method(), request.uri().path(), request.headers());
        std::future::ready(answer)
    };
    listener.serve(handler, stop).await;
}

impl Pages {
    fn answer(&self, method: &Method, path: &str, headers: &HeaderMap) -> Response<Body> {
        if method != Method::GET && method != Method::HEAD {
            return refusal(StatusCode::METHOD_NOT_ALLOWED, "only GET is answered here\n");
        }
        if path != PATH {
            return refusal(StatusCode::NOT_FOUND, "not found: there is /metrics\n");
        }
        let accept = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
        let accept = accept.collect::<Vec<_>>().join(",");
        let has_open_metrics = self.store.lock().config.enable_open_metrics;
        let format = if has_open_metrics { preferred(&accept) } else { Format::Text004 };
        let content_type = format!("{}; charset=utf-8; escaping=underscores", format.media_type());
        let page = Page::new(&self.store, format, self.clock.now());
        response(StatusCode::OK, &content_type, Pieces::new(page))
    }
}

/// A page as a body.
pub(super) struct Pieces {
    page: Page,
    /// The runtime's thread has had its turn at something else since the last piece.
    is_due: bool,
}

impl Pieces {
    pub(super) fn new(page: Page) -> Self {
        Self { page, is_due: true }
    }
}

impl hyper::body::Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    /// It is asked for when there is room for more on the way to the reader. Between two pieces other tasks have their turn, as a fast
    /// reader always has room.
    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let is_due = std::mem::replace(&mut self.is_due, true);
        if !is_due {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.is_due = false;
        Poll::Ready(self.page.next().map(|piece| Ok(Frame::data(Bytes::from(piece)))))
    }
}

/// The format that an `Accept` header prefers among those that are written; Prometheus's text where it names none.
pub(super) fn preferred(accept: &str) -> Format {
    let mut best = (0.0, Format::Text004);
    for range in accept.split(',') {
        let mut weight = range.split(';').filter_map(|part| part.trim().strip_prefix("q="));
        let weight: f32 = weight.next().and_then(|weight| weight.trim().parse().ok()).unwrap_or(1.0);
        let format = Format::of_content_type(range.trim()).filter(|format| *format != Format::Protobuf);
        // Of version 0.0.1 the escapes and the rules are those of 1.0.0, and so is its content type only.
        if let Some(format) = format
            && weight > best.0
        {
            best = (weight, format);
        }
    }
    best.1
}

fn refusal(status: StatusCode, why: &'static str) -> Response<Body> {
    response(status, "text/plain", Full::from(why))
}

fn response(
    status: StatusCode,
    content_type: &str,
    body: impl hyper::body::Body<Data = Bytes, Error = Infallible> + Send + 'static,
) -> Response<Body> {
    let mut response = Response::new(body.boxed_unsync());
    *response.status_mut() = status;
    if let Ok(content_type) = HeaderValue::from_str(content_type) {
        response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    }
    response
}
