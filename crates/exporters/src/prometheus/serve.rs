//! Scrapes over HTTP.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    HeaderMap, Method, Request, Response, StatusCode,
    body::Incoming,
    header::{self, HeaderValue},
};
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;
use weir_core::Clock;
use weir_exposition::Format;
use weir_net::Listener;

use super::{page::page, store::Store};

const PATH: &str = "/metrics";

/// What a scrape sees.
#[derive(Clone)]
pub(super) struct Page {
    pub(super) store: Arc<Mutex<Store>>,
    pub(super) clock: Clock,
}

/// Answers scrapes until `stop`.
pub(super) async fn serve(listener: Listener, page: Page, stop: CancellationToken) {
    let handler = move |request: Request<Incoming>| {
        let answer = page.answer(request.method(), request.uri().path(), request.headers());
        async move { answer }
    };
    listener.serve(handler, stop).await;
}

impl Page {
    fn answer(&self, method: &Method, path: &str, headers: &HeaderMap) -> Response<Full<Bytes>> {
        if method != Method::GET && method != Method::HEAD {
            return text(
                StatusCode::METHOD_NOT_ALLOWED,
                "text/plain",
                "only GET is answered here\n".to_owned(),
            );
        }
        if path != PATH {
            return text(StatusCode::NOT_FOUND, "text/plain", "not found: there is /metrics\n".to_owned());
        }
        let mut store = self.store.lock();
        let accept = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
        let accept = accept.collect::<Vec<_>>().join(",");
        let format = if store.config.enable_open_metrics { preferred(&accept) } else { Format::Text004 };
        store.expire(self.clock.now());
        let content_type = format!("{}; charset=utf-8; escaping=underscores", format.media_type());
        text(StatusCode::OK, &content_type, page(&store, format))
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

fn text(status: StatusCode, content_type: &str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    if let Ok(content_type) = HeaderValue::from_str(content_type) {
        response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    }
    response
}
