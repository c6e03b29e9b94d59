//! `otlp`: takes metrics in by OTLP, over gRPC and over HTTP.
//!
//! # Layout
//!
//! * [`config`]: the Collector's keys;
//! * `grpc`, `http`: the transports: they read a request and answer it. [`weir_net`] serves their connections;
//! * `arrival`, `room`: how its bytes come, and how many of all requests may be here at a time;
//! * `json`: OTLP's JSON, rewritten as protobuf; `metadata`, `peer`: who sent a request; `answer`: what its sender is told;
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
mod arrival;
mod grpc;
mod http;
mod intake;
mod json;
mod metadata;
mod peer;
mod resolve;
mod room;
#[cfg(test)]
mod tests;
mod tree;
mod walk;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use weir_core::{ComponentError, Context, Factory, Output, Receiver, ReceiverFactory};
use weir_net::{Authenticator, Endpoint, Limits, Listener, ServerTls, TlsServer, Versions};

pub use peer::Peer;
pub use resolve::{Decoded, Malformed, resolve_bytes};
pub use walk::{MAX_DEPTH, MAX_PART};

use config::{Auth, OtlpConfig};
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

/// A listener for each protocol that is on, and who checks its senders.
struct Listeners {
    grpc: Option<(Listener, Option<Arc<Authenticator>>)>,
    http: Option<(Listener, Option<Arc<Authenticator>>)>,
}

impl OtlpReceiver {
    async fn bind(&self) -> Result<Listeners, ComponentError> {
        let mut listeners = Listeners { grpc: None, http: None };
        if let Some(grpc) = self.config.grpc() {
            let listener =
                self.listen("grpc", grpc.endpoint(), grpc.limits(), grpc.versions(), grpc.tls.as_ref());
            listeners.grpc = Some((listener.await?, self.authenticator(grpc.auth.as_ref())?));
        }
        if let Some(http) = self.config.http() {
            let versions = config::http_versions();
            let listener = self.listen("http", http.endpoint(), http.limits(), versions, http.tls.as_ref());
            listeners.http = Some((listener.await?, self.authenticator(http.auth.as_ref())?));
        }
        Ok(listeners)
    }

    async fn listen(
        &self,
        protocol: &str,
        endpoint: Option<Endpoint>,
        limits: Limits,
        versions: Versions,
        tls: Option<&TlsServer>,
    ) -> Result<Listener, ComponentError> {
        let cannot = |error: String| ComponentError::Unavailable(format!("{protocol}: {error}"));
        // One that could not be read has been reported by the check.
        let endpoint = endpoint.ok_or_else(|| cannot("no address to listen on".to_owned()))?;
        let tls = tls.map(|keys| ServerTls::load(keys, versions)).transpose();
        let tls = tls.map_err(|error| cannot(format!("tls: {error}")))?;
        let bound = Listener::bind(endpoint).await;
        let listener = bound.map_err(|error| ComponentError::Unavailable(error.to_string()))?;
        let address = listener.local_addr();
        tracing::info!(component = %self.context.id, tls = tls.is_some(), "otlp listening on {address} ({protocol})");
        self.context.status.listening(address);
        let limits = Limits { drain_timeout: DRAIN, ..limits };
        Ok(listener.with_limits(limits).with_versions(versions).with_tls(tls))
    }

    fn authenticator(&self, auth: Option<&Auth>) -> Result<Option<Arc<Authenticator>>, ComponentError> {
        let Some(Auth { authenticator }) = auth else { return Ok(None) };
        let offered = self.context.offers.get(authenticator);
        // The plan has seen that it is there, so it is switched off. Then nobody can be known.
        let off =
            || ComponentError::Unavailable(format!("the authenticator `{authenticator}` is switched off"));
        offered.ok_or_else(off).map(Some)
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
        let intake = Arc::new(Intake::new(context.clone(), &config, output));
        let grpc = async {
            let (Some((listener, auth)), Some(config)) = (grpc, config.grpc()) else { return };
            let service = Arc::new(GrpcService {
                intake: Arc::clone(&intake),
                max_message: config.max_message_bytes(),
                auth,
                metadata: config.metadata(),
            });
            let answer =
                move |request| service.intake.requests.track_future(Arc::clone(&service).answer(request));
            listener.serve(answer, begun.clone()).await;
        };
        let http = async {
            let (Some((listener, auth)), Some(config)) = (http, config.http()) else { return };
            let service = Arc::new(HttpService {
                intake: Arc::clone(&intake),
                path: config.metrics_url_path.clone(),
                max_body: config.max_request_body_size.as_usize(),
                read_timeout: config.read_timeout.0,
                auth,
                cors: config.cors.clone(),
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
