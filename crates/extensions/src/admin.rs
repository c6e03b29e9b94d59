//! The admin routes.
//!
//! | route | answers |
//! | --- | --- |
//! | `/live` | 200 while every node makes progress, else 503 |
//! | `/ready` | 200 while Weir can accept, else 503; CloudWatch being away is no reason |
//! | `/status` | JSON: each component with its last success, last error and counters |
//! | `/targets` | JSON: each target of the receivers that scrape, with its state and why its last scrape failed; on the admin listener only |
//! | `/metrics` | Weir's own metrics as Prometheus text, on the admin listener only |

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Method, Request, Response, StatusCode, header};
use tokio_util::sync::CancellationToken;
use weir_core::Health;
use weir_net::Listener;

/// Renders Weir's own metrics as Prometheus text.
pub type MetricsText = Arc<dyn Fn() -> String + Send + Sync>;

/// Serves the admin routes until `stop`; `/metrics` where `metrics` is given, `/` answers as `/ready` does.
pub async fn serve(
    listener: Listener,
    health: Health,
    metrics: Option<MetricsText>,
    stop: CancellationToken,
) {
    let handler = move |request: Request<hyper::body::Incoming>| {
        let answer = route(request.method(), request.uri().path(), &health, metrics.as_ref());
        async move { answer }
    };
    listener.serve(handler, stop).await;
}

fn route(
    method: &Method,
    path: &str,
    health: &Health,
    metrics: Option<&MetricsText>,
) -> Response<Full<Bytes>> {
    if method != Method::GET && method != Method::HEAD {
        return text(StatusCode::METHOD_NOT_ALLOWED, "text/plain", "only GET is answered here\n".to_owned());
    }
    match (path, metrics) {
        ("/live", _) => verdict(&health.life_problems()),
        ("/ready" | "/", _) => verdict(&health.readiness_problems()),
        ("/status", _) => {
            let report = serde_json::to_string_pretty(&health.report()).unwrap_or_default();
            text(StatusCode::OK, "application/json", report + "\n")
        }
        // Targets' URLs and labels tell much of a network: not for everybody whom a probe's listener answers.
        ("/targets", Some(_)) => {
            let targets = serde_json::to_string(&health.targets()).unwrap_or_default();
            text(StatusCode::OK, "application/json", targets + "\n")
        }
        ("/metrics", Some(metrics)) => {
            text(StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", metrics())
        }
        _ => {
            let known = "not found: there are /live, /ready, /status and, on the admin listener, /targets and /metrics\n";
            text(StatusCode::NOT_FOUND, "text/plain", known.to_owned())
        }
    }
}

fn verdict(problems: &[String]) -> Response<Full<Bytes>> {
    if problems.is_empty() {
        text(StatusCode::OK, "text/plain", "ok\n".to_owned())
    } else {
        text(StatusCode::SERVICE_UNAVAILABLE, "text/plain", problems.join("\n") + "\n")
    }
}

fn text(status: StatusCode, content_type: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(content_type));
    response
}

#[cfg(test)]
mod tests {
    use weir_core::{Clock, Interner, Process};

    use super::*;

    fn status(path: &str, process: &Process, metrics: Option<&MetricsText>) -> StatusCode {
        route(&Method::GET, path, &process.health, metrics).status()
    }

    #[test]
    fn a_starting_process_is_live_and_not_ready() {
        let process = Process::new(Clock::system(), Interner::new(1));
        assert_eq!(status("/live", &process, None), StatusCode::OK);
        assert_eq!(status("/ready", &process, None), StatusCode::SERVICE_UNAVAILABLE);
        process.health.set_started();
        assert_eq!(status("/ready", &process, None), StatusCode::OK);
        process.health.set_draining();
        assert_eq!(status("/", &process, None), StatusCode::SERVICE_UNAVAILABLE);
        process.health.set_failed("a node panicked".to_owned());
        assert_eq!(status("/live", &process, None), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(status("/status", &process, None), StatusCode::OK);
    }

    #[test]
    fn metrics_and_targets_are_there_on_the_admin_listener_only() {
        let process = Process::new(Clock::system(), Interner::new(1));
        let metrics: MetricsText = Arc::new(|| "a 1\n".to_owned());
        assert_eq!(status("/metrics", &process, Some(&metrics)), StatusCode::OK);
        assert_eq!(status("/metrics", &process, None), StatusCode::NOT_FOUND);
        assert_eq!(status("/targets", &process, Some(&metrics)), StatusCode::OK);
        assert_eq!(status("/targets", &process, None), StatusCode::NOT_FOUND);
        let posted = route(&Method::POST, "/live", &process.health, None);
        assert_eq!(posted.status(), StatusCode::METHOD_NOT_ALLOWED);
    }
}
