//! `otlp`: takes metrics in by OTLP over gRPC.
//!
//! # Layout
//!
//! * [`config`]: the Collector's keys;
//! * `grpc`: the transport: reads a message, answers with the specification's statuses;
//! * `intake`: what happens to a request, whatever it came by: resolve, send, wait for custody, answer;
//! * `peer`: who sent it, beyond what the request says;
//! * `resolve`: the request's points become batches of resolved points, with `alias` (the bytes by which a sender calls a
//!   series), `identity` (what a new series is called) and `points` (each kind's fields);
//! * [`refusals`]: why points are refused; `retry`: "come again".
//!
//! # Invariants
//!
//! * A point is taken, and then passed on or refused with a named reason, however the request ends.
//! * A point of a known series costs no allocation of its own from the decoded message to the batch, which grows as a
//!   whole; prost's decoding allocates.
//! * Whatever cannot be taken now is answered UNAVAILABLE with a `RetryInfo`, never RESOURCE_EXHAUSTED, which is for what
//!   can never be taken.

pub mod config;
pub mod refusals;

mod alias;
mod grpc;
mod identity;
mod intake;
mod listen;
mod peer;
mod points;
mod resolve;
mod retry;
#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use tokio::net::TcpListener;
use tonic::transport::{Server, server::TcpIncoming};
use weir_core::{ComponentError, Context, Factory, Output, Receiver, ReceiverFactory};

pub use alias::MAX_DEPTH;
pub use peer::Peer;
pub use resolve::{Decoded, resolve, resolve_bytes};

use config::{Grpc, OtlpConfig};
use grpc::GrpcService;
use intake::Intake;

/// What a peer may send of one request, in bytes, before it has to wait for the receiver. With HTTP/2's default of 64 KiB
/// a sender of large requests waits for a round trip every 64 KiB: 187k points a second where 3.4M are possible.
const STREAM_WINDOW: u32 = 1 << 20;
/// The same for all requests of a connection.
const CONNECTION_WINDOW: u32 = 4 << 20;
/// How long a connection may be silent before it is asked whether it is still there.
const KEEPALIVE: Duration = Duration::from_mins(1);
/// How long it has to say so.
const KEEPALIVE_ANSWER: Duration = Duration::from_secs(20);

/// Makes `otlp` receivers.
#[derive(Debug)]
pub struct Otlp;

impl Factory for Otlp {
    type Config = OtlpConfig;
    const TYPE: &'static str = "otlp";
    const SUMMARY: &'static str = "takes metrics in by OTLP over gRPC";
}

impl ReceiverFactory for Otlp {
    fn build(config: OtlpConfig, context: Context) -> Box<dyn Receiver> {
        Box::new(OtlpReceiver { config, context, listener: None })
    }
}

struct OtlpReceiver {
    config: OtlpConfig,
    context: Context,
    listener: Option<TcpListener>,
}

#[async_trait]
impl Receiver for OtlpReceiver {
    async fn start(&mut self) -> Result<(), ComponentError> {
        let listener = listen::bind(&self.config.protocols.grpc.endpoint).await?;
        let address =
            listener.local_addr().map_err(|error| ComponentError::Unavailable(error.to_string()))?;
        tracing::info!(component = %self.context.id, "otlp listening on {address}");
        self.context.status.listening(address);
        self.listener = Some(listener);
        Ok(())
    }

    async fn run(mut self: Box<Self>, output: Output) -> Result<(), ComponentError> {
        if self.listener.is_none() {
            self.start().await?;
        }
        let Self { config, context, listener } = *self;
        let Some(listener) = listener else { return Ok(()) };
        let Grpc { max_concurrent_streams, include_metadata, .. } = config.protocols.grpc;
        let intake = Arc::new(Intake::new(context.clone(), config.acknowledge, output));
        let service = GrpcService {
            intake: Arc::clone(&intake),
            max_message: config.protocols.grpc.max_message_bytes(),
            include_peer: include_metadata,
        };
        let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
        let server = Server::builder()
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_concurrent_streams(max_concurrent_streams)
            .http2_keepalive_interval(Some(KEEPALIVE))
            .http2_keepalive_timeout(Some(KEEPALIVE_ANSWER))
            .serve_with_incoming_shutdown(service, incoming, context.drain.begun.clone().cancelled_owned());
        tokio::select! {
            served = server => served.map_err(|error| ComponentError::Failed(error.to_string())),
            () = intake.close() => Ok(()),
        }
    }
}
