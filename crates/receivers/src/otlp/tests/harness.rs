//! A receiver that listens, and what is behind it.

use std::{net::SocketAddr, time::Duration};

use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_client::MetricsServiceClient;
use prost::bytes::{Buf as _, BufMut as _, Bytes};
use tokio::{task::JoinHandle, time::timeout};
use tonic::{
    Request, Status,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    codegen::http::uri::PathAndQuery,
    transport::{Channel, Endpoint},
};
use weir_core::{Account, ComponentError, Context, Delivery, Inbox, Reason, ReceiverFactory as _};
use weir_testkit::{Fixture, way_out};

use crate::otlp::{
    Otlp,
    config::{Grpc, Http, OtlpConfig},
};

/// Far more than a test takes: what is not there by then will not come.
const PATIENCE: Duration = Duration::from_secs(20);

/// A configuration that listens on free ports.
pub(super) fn config() -> OtlpConfig {
    let endpoint = "127.0.0.1:0".to_owned();
    let mut config = OtlpConfig::default();
    config.protocols.grpc = Some(Grpc { endpoint: endpoint.clone(), ..Grpc::default() });
    config.protocols.http = Some(Http { endpoint, ..Http::default() });
    config
}

/// The section of a protocol that [`config`] lists.
pub(super) fn grpc(config: &mut OtlpConfig) -> &mut Grpc {
    config.protocols.grpc.as_mut().expect("a section")
}

/// The same of the other.
pub(super) fn http(config: &mut OtlpConfig) -> &mut Http {
    config.protocols.http.as_mut().expect("a section")
}

/// A running receiver with one edge behind it.
pub(super) struct Server {
    /// Of gRPC.
    pub(super) address: SocketAddr,
    /// Of HTTP.
    pub(super) http: SocketAddr,
    pub(super) context: Context,
    pub(super) inbox: Inbox,
    pub(super) running: JoinHandle<Result<(), ComponentError>>,
}

impl Server {
    /// With ample room behind it.
    pub(super) async fn start(config: OtlpConfig) -> Self {
        Self::before(config, 1 << 20).await
    }

    /// With an edge of `room` bytes behind it.
    pub(super) async fn before(config: OtlpConfig, room: u64) -> Self {
        Self::among(&Fixture::new(), config, room).await
    }

    /// In a process that there is already.
    pub(super) async fn among(fixture: &Fixture, config: OtlpConfig, room: u64) -> Self {
        let context = fixture.context("otlp");
        let mut receiver = Otlp::build(config, context.clone());
        receiver.start().await.expect("a free port");
        let [address, http] = &*context.status.read().listening else { panic!("two listeners") };
        let [address, http] = [address, http].map(|address| address.parse().expect("an address"));
        let (output, inbox) = way_out(&context, room);
        let running = tokio::spawn(receiver.run(output));
        Self { address, http, context, inbox, running }
    }

    pub(super) async fn channel(&self) -> Channel {
        self.endpoint().connect().await.expect("a connection")
    }

    pub(super) fn endpoint(&self) -> Endpoint {
        Endpoint::from_shared(format!("http://{}", self.address)).expect("an address")
    }

    pub(super) async fn client(&self) -> MetricsServiceClient<Channel> {
        MetricsServiceClient::new(self.channel().await)
    }

    pub(super) async fn delivery(&mut self) -> Delivery {
        timeout(PATIENCE, self.inbox.recv()).await.expect("a delivery in time").expect("an open inbox")
    }

    pub(super) fn account(&self) -> Account {
        self.context.ledger.read()
    }

    pub(super) fn refused(&self, reason: Reason) -> u64 {
        self.account().refused.get(&reason).copied().unwrap_or(0)
    }

    pub(super) async fn until_taken(&self, points: u64) {
        until(|| self.account().taken == points).await;
    }
}

/// Waits for something that other tasks bring about.
pub(super) async fn until(mut holds: impl FnMut() -> bool) {
    let wait = async {
        while !holds() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, wait).await.expect("it comes about in time");
}

/// A task's result, with patience.
pub(super) async fn joined<T>(task: JoinHandle<T>) -> T {
    timeout(PATIENCE, task).await.expect("an end in time").expect("no panic")
}

/// A call of any method with any bytes.
pub(super) async fn call(channel: Channel, path: &'static str, body: &'static [u8]) -> Result<Bytes, Status> {
    let mut client = tonic::client::Grpc::new(channel);
    client.ready().await.expect("a connection");
    let request = Request::new(Bytes::from_static(body));
    client.unary(request, PathAndQuery::from_static(path), Raw).await.map(tonic::Response::into_inner)
}

struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
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

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, body: Bytes, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        to.put(body);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, body: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(body.copy_to_bytes(body.remaining())))
    }
}
