//! `otlp`: takes metrics in by OTLP, over gRPC and over HTTP.
//!
//! # Layout
//!
//! * [`config`]: the Collector's keys;
//! * `grpc`, `http`: the transports: they read a request and answer it. [`weir_net`] serves their connections;
//! * `json`: OTLP's JSON, rewritten as protobuf; `metadata`: who sent a request; `answer`: what its sender is told;
//! * `intake`: what happens to a request, whatever it came by: resolve, send, wait for custody;
//! * `resolve`: a request's bytes become batches of resolved points, by `walk`; `tree` bounds what prost may take;
//! * [`refusals`]: why points are refused.
//!
//! # Invariants
//!
//! * A point is taken, and then passed on or refused with a named reason, however the request ends.
//! * A point of a known series costs no allocation of its own from the bytes to the batch, which grows as a whole.
//! * Whatever cannot be taken now is answered UNAVAILABLE with a `RetryInfo` or 503 with a `Retry-After`, never
//!   RESOURCE_EXHAUSTED or 429; 413 is for what can never be taken.

pub mod config;
pub mod refusals;

mod answer;
mod grpc;
mod http;
mod intake;
mod json;
mod metadata;
mod peer;
mod resolve;
#[cfg(test)]
mod tests;
mod tree;
mod walk;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use weir_core::{ComponentError, Context, Factory, Output, Receiver, ReceiverFactory};
use weir_net::{BindError, Endpoint, Limits, Listener, Versions};

pub use peer::Peer;
pub use resolve::{Decoded, Malformed, resolve_bytes};
pub use walk::{MAX_DEPTH, MAX_PART};

use config::OtlpConfig;
use grpc::GrpcService;
use http::HttpService;
use intake::Intake;

/// How long the connections may take to drain: longer than the intake lets them, which decides.
const DRAIN: Duration = Duration::from_hours(1);

/// Makes `otlp` receivers.
#[derive(Debug)]
pub struct Otlp;

impl Factory for Otlp {
    type Config = OtlpConfig;
    const TYPE: &'static str = "otlp";
    const SUMMARY: &'static str = "takes metrics in by OTLP, over gRPC and HTTP";
}

impl ReceiverFactory for Otlp {
    fn build(config: OtlpConfig, context: Context) -> Box<dyn Receiver> {
        Box::new(OtlpReceiver { config, context, listeners: None })
    }
}

struct OtlpReceiver {
    config: OtlpConfig,
    context: Context,
    listeners: Option<Listeners>,
}

/// A listener for each protocol that is on.
struct Listeners {
    grpc: Option<Listener>,
    http: Option<Listener>,
}

impl OtlpReceiver {
    async fn bind(&self) -> Result<Listeners, ComponentError> {
        let mut listeners = Listeners { grpc: None, http: None };
        if let Some(grpc) = self.config.grpc() {
            listeners.grpc = self.listen("grpc", grpc.endpoint(), grpc.limits(), grpc.versions()).await?;
        }
        if let Some(http) = self.config.http() {
            listeners.http = self.listen("http", http.endpoint(), http.limits(), http.versions()).await?;
        }
        Ok(listeners)
    }

    async fn listen(
        &self,
        protocol: &str,
        endpoint: Option<Endpoint>,
        limits: Limits,
        versions: Versions,
    ) -> Result<Option<Listener>, ComponentError> {
        let cannot = |error: BindError| ComponentError::Unavailable(error.to_string());
        // One that could not be read has been reported by the check.
        let Some(endpoint) = endpoint else { return Ok(None) };
        let listener = Listener::bind(endpoint).await.map_err(cannot)?;
        let address = listener.local_addr();
        tracing::info!(component = %self.context.id, "otlp listening on {address} ({protocol})");
        self.context.status.listening(address);
        let limits = Limits { drain_timeout: DRAIN, ..limits };
        Ok(Some(listener.with_limits(limits).with_versions(versions)))
    }
}

#[async_trait]
impl Receiver for OtlpReceiver {
    async fn start(&mut self) -> Result<(), ComponentError> {
        self.listeners = Some(self.bind().await?);
        Ok(())
    }

    async fn run(mut self: Box<Self>, output: Output) -> Result<(), ComponentError> {
        if self.listeners.is_none() {
            self.start().await?;
        }
        let Self { config, context, listeners } = *self;
        let Some(Listeners { grpc, http }) = listeners else { return Ok(()) };
        let begun = &context.drain.begun;
        let intake = Arc::new(Intake::new(context.clone(), config.acknowledge, output));
        let grpc = async {
            let (Some(listener), Some(config)) = (grpc, config.grpc()) else { return };
            let service = Arc::new(GrpcService {
                intake: Arc::clone(&intake),
                max_message: config.max_message_bytes(),
                metadata: config.metadata(),
            });
            let answer =
                move |request| service.intake.requests.track_future(Arc::clone(&service).answer(request));
            listener.serve(answer, begun.clone()).await;
        };
        let http = async {
            let (Some(listener), Some(config)) = (http, config.http()) else { return };
            let service = Arc::new(HttpService {
                intake: Arc::clone(&intake),
                path: config.metrics_url_path.clone(),
                max_body: config.max_request_body_size.as_usize(),
                read_timeout: config.read_timeout.0,
                metadata: config.metadata(),
            });
            let answer =
                move |request| service.intake.requests.track_future(Arc::clone(&service).answer(request));
            listener.serve(answer, begun.clone()).await;
        };
        let serving = async { tokio::join!(grpc, http) };
        tokio::select! {
            _ = serving => Ok(()),
            () = intake.close() => Ok(()),
        }
    }
}
