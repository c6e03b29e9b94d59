//! OTLP over gRPC: what tonic generates for a service, written by hand for what it cannot say. The handler reads the message
//! itself, so it can refuse before reading; it gets the bytes, not a tree; and statuses are those of the specification.

use std::{
    convert::Infallible,
    future::ready,
    sync::Arc,
    task::{Context, Poll},
};

use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsPartialSuccess, ExportMetricsServiceResponse,
};
use prost::{
    Message as _,
    bytes::{Buf as _, Bytes},
};
use tonic::{
    Code, Request, Response, Status, Streaming,
    body::Body,
    codec::{Codec, CompressionEncoding, DecodeBuf, Decoder, EncodeBuf, Encoder},
    codegen::{BoxFuture, Service, http},
    server::{ClientStreamingService, Grpc},
};

use super::{
    intake::{Intake, NotTakenIn},
    peer::Peer,
    refusals::Refusals,
    retry,
};

const EXPORT: &str = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";

/// The gRPC services of the receiver, by path.
#[derive(Clone)]
pub(super) struct GrpcService {
    pub(super) intake: Arc<Intake>,
    /// The largest message in bytes, compressed or not.
    pub(super) max_message: usize,
    /// Whether the peer's address tells senders apart.
    pub(super) include_peer: bool,
}

impl Service<http::Request<Body>> for GrpcService {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Infallible>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        if request.uri().path() != EXPORT {
            return Box::pin(ready(Ok(unimplemented(request.uri().path()).into_http())));
        }
        let mut grpc = Grpc::new(OtlpCodec)
            .accept_compressed(CompressionEncoding::Gzip)
            .max_decoding_message_size(self.max_message);
        let service = self.clone();
        // The same as unary on the wire.
        let answer = async move { Ok(grpc.client_streaming(Export(service), request).await) };
        Box::pin(self.intake.requests.track_future(answer))
    }
}

/// The traces and logs that SDKs send to the same endpoint get a reason that their log will show.
fn unimplemented(path: &str) -> Status {
    let signal = ["trace", "logs", "profiles"]
        .into_iter()
        .find(|signal| path.starts_with(&format!("/opentelemetry.proto.collector.{signal}.")));
    Status::unimplemented(match signal {
        Some(signal) => format!(
            "Weir takes metrics only, not {signal}: send these elsewhere or switch their exporter off"
        ),
        None => "Weir takes OTLP metrics only".to_owned(),
    })
}

struct Export(GrpcService);

impl ClientStreamingService<Bytes> for Export {
    type Response = ExportMetricsServiceResponse;
    type Future = BoxFuture<Response<ExportMetricsServiceResponse>, Status>;

    fn call(&mut self, request: Request<Streaming<Bytes>>) -> Self::Future {
        let service = self.0.clone();
        Box::pin(service.export(request))
    }
}

impl GrpcService {
    async fn export(
        self,
        request: Request<Streaming<Bytes>>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        let address = request.remote_addr().filter(|_| self.include_peer).map(|peer| peer.ip().to_string());
        let peer = address.map(|key| Peer { key, ..Peer::default() });
        let output = self.intake.admit()?;
        let mut messages = request.into_inner();
        let message = self.intake.arriving(messages.message()).await?;
        let body = message
            .map_err(|status| unreadable(&status, self.max_message))?
            .ok_or_else(|| Status::invalid_argument("the request has no message"))?;
        let refused = self.intake.take_in(body, peer.as_ref(), output).await?;
        Ok(Response::new(answer(&refused)))
    }
}

fn answer(refused: &Refusals) -> ExportMetricsServiceResponse {
    let partial_success = (!refused.is_empty()).then(|| ExportMetricsPartialSuccess {
        rejected_data_points: i64::try_from(refused.points()).unwrap_or(i64::MAX),
        error_message: refused.to_string(),
    });
    ExportMetricsServiceResponse { partial_success }
}

/// tonic's status for a message that could not be read, as the OTLP specification has it.
fn unreadable(status: &Status, max_message: usize) -> Status {
    match status.code() {
        // tonic calls a message that announces too much OUT_OF_RANGE, which OTLP senders retry for ever.
        Code::OutOfRange | Code::ResourceExhausted => Status::resource_exhausted(format!(
            "the request is larger than {max_message} bytes (max_recv_msg_size_mib)"
        )),
        // Broken framing or compression is the sender's.
        Code::Internal => Status::invalid_argument(status.message()),
        code => Status::new(code, status.message()),
    }
}

impl From<NotTakenIn> for Status {
    fn from(error: NotTakenIn) -> Self {
        match error {
            NotTakenIn::Malformed(_) => Self::invalid_argument(error.to_string()),
            NotTakenIn::ComeAgain(_) => retry::unavailable(&error.to_string()),
        }
    }
}

/// Requests as bytes, answers as messages.
struct OtlpCodec;

impl Codec for OtlpCodec {
    type Encode = ExportMetricsServiceResponse;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Decoder for OtlpCodec {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, message: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(message.copy_to_bytes(message.remaining())))
    }
}

impl Encoder for OtlpCodec {
    type Item = ExportMetricsServiceResponse;
    type Error = Status;

    fn encode(&mut self, answer: Self::Item, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        answer.encode(to).map_err(|error| Status::internal(error.to_string()))
    }
}
