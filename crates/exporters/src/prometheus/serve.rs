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
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use weir_core::Clock;
use weir_exposition::Format;
use weir_net::Listener;

use super::{page::page, store::Store};

const PATH: &str = "/metrics";

/// What a scrape sees.
#[derive(Clone)]
pub(super) struct Page {
    store: Arc<Mutex<Store>>,
    clock: Clock,
    /// One page is made at a time: many scrapers take time and no memory.
    turn: Arc<Semaphore>,
}

/// Answers scrapes until `stop`.
pub(super) async fn serve(listener: Listener, page: Page, stop: CancellationToken) {
    let handler = move |request: Request<Incoming>| {
        let page = page.clone();
        async move { page.answer(request.method(), request.uri().path(), request.headers()).await }
    };
    listener.serve(handler, stop).await;
}

impl Page {
    pub(super) fn new(store: Arc<Mutex<Store>>, clock: Clock) -> Self {
        Self { store, clock, turn: Arc::new(Semaphore::new(1)) }
    }

    async fn answer(&self, method: &Method, path: &str, headers: &HeaderMap) -> Response<Full<Bytes>> {
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
        let accept = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
        let accept = accept.collect::<Vec<_>>().join(",");
        let has_open_metrics = self.store.lock().config.enable_open_metrics;
        let format = if has_open_metrics { preferred(&accept) } else { Format::Text004 };
        let content_type = format!("{}; charset=utf-8; escaping=underscores", format.media_type());
        let (store, now, turn) = (Arc::clone(&self.store), self.clock.now(), Arc::clone(&self.turn));
        // A page of many series takes long to write: not on a thread that others wait for.
        let made = async {
            let turn = turn.acquire_owned().await.ok()?;
            let write = move || {
                let _turn = turn;
                page(&store, format, now)
            };
            tokio::task::spawn_blocking(write).await.ok()
        };
        match made.await {
            Some(page) => text(StatusCode::OK, &content_type, page),
            None => text(StatusCode::INTERNAL_SERVER_ERROR, "text/plain", "the page broke off\n".to_owned()),
        }
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
