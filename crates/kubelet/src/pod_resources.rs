//! The kubelet's pod-resources API: which container was given which device.
//!
//! A call opens a connection of its own, as Kubernetes advises: the kubelet makes its socket anew at each start.

use std::{
    io,
    path::{Path, PathBuf},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use http::{Uri, uri::PathAndQuery};
use hyper::{
    body::Incoming,
    client::conn::http2::{self, SendRequest},
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::UnixStream;
use tonic::{Code, Request, Status, body::Body, client::Grpc};
use tonic_prost::ProstCodec;
use tower_service::Service;
use weir_core::Clock;

use crate::{
    DeviceId,
    messages::{
        AllocatableResourcesResponse, ContainerDevices, ContainerResources, Everything,
        ListPodResourcesResponse,
    },
};

/// What a kubelet has that long to say is not worth waiting for: the next collection asks again.
const TIMEOUT: Duration = Duration::from_secs(10);
/// A node of 250 pods says less than one mebibyte.
const MAX_ANSWER: usize = 16 << 20;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No Kubernetes node, or the folder of the socket is not mounted: nothing to complain of.
    #[error("there is no socket at {}", .0.display())]
    Absent(PathBuf),
    /// There is a socket, and nobody behind it, or no right to use it.
    #[error("cannot connect to {}: {source}", path.display())]
    Connect {
        /// The socket.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The other end speaks no HTTP/2.
    #[error("the other end of {} is no kubelet: {source}", path.display())]
    Protocol {
        /// The socket.
        path: PathBuf,
        /// What went wrong.
        source: hyper::Error,
    },
    /// An older kubelet, or a feature gate that is off.
    #[error("this kubelet has no such call: {0}")]
    Unimplemented(String),
    /// The kubelet said no.
    #[error("the kubelet answered {code:?}: {message}")]
    Refused {
        /// The code of gRPC.
        code: Code,
        /// In the kubelet's words.
        message: String,
    },
    /// No answer in time.
    #[error("the kubelet did not answer within {} s", TIMEOUT.as_secs())]
    Timeout,
}

/// What a device is, by the two ways in which Kubernetes gives them away.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Device {
    /// A device plugin's.
    Plugin {
        /// Such as `nvidia.com/gpu`.
        resource: Arc<str>,
        /// Which one.
        id: DeviceId,
    },
    /// Dynamic resource allocation's.
    Claim(Claim),
}

/// A device that a resource claim was given.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Claim {
    /// The claim.
    pub name: String,
    /// Such as `gpu.nvidia.com`.
    pub driver: String,
    /// Mostly the node.
    pub pool: String,
    /// The device in its driver's words, such as `gpu-0`.
    pub device: String,
    /// Its names in the Container Device Interface, such as `k8s.gpu.nvidia.com/device=gpu-0`.
    pub cdi: Vec<String>,
}

/// That a container was given a device. It may have ended since: until its pod is gone, the kubelet lists it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Assignment {
    /// The pod's namespace.
    pub namespace: Arc<str>,
    /// The pod's name.
    pub pod: Arc<str>,
    /// The container's name.
    pub container: Arc<str>,
    /// What it was given.
    pub device: Device,
}

/// The kubelet of this node.
#[derive(Clone, Debug)]
pub struct PodResources {
    socket: PathBuf,
}

impl PodResources {
    /// Where the kubelet listens on every node.
    pub const SOCKET: &str = "/var/lib/kubelet/pod-resources/kubelet.sock";

    /// The kubelet behind `socket`.
    pub fn at(socket: impl Into<PathBuf>) -> Self {
        Self { socket: socket.into() }
    }

    /// Everything that is given to containers on this node, one row a device and container.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn list(&self, clock: &Clock) -> Result<Vec<Assignment>, Error> {
        let path = PathAndQuery::from_static("/v1.PodResourcesLister/List");
        let answer: ListPodResourcesResponse = self.ask(path, clock).await?;
        let mut all = Vec::new();
        for pod in answer.pod_resources {
            let (namespace, name) = (Arc::from(pod.namespace), Arc::from(pod.name));
            for container in pod.containers {
                let container_name = Arc::from(container.name.as_str());
                all.extend(devices(container).map(|device| Assignment {
                    namespace: Arc::clone(&namespace),
                    pod: Arc::clone(&name),
                    container: Arc::clone(&container_name),
                    device,
                }));
            }
        }
        Ok(all)
    }

    /// Every device that plugins have for containers on this node, given away or not; unhealthy ones are not among them.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn allocatable(&self, clock: &Clock) -> Result<Vec<Device>, Error> {
        let path = PathAndQuery::from_static("/v1.PodResourcesLister/GetAllocatableResources");
        let answer: AllocatableResourcesResponse = self.ask(path, clock).await?;
        Ok(answer.devices.into_iter().flat_map(of_plugin).collect())
    }

    async fn ask<T>(&self, path: PathAndQuery, clock: &Clock) -> Result<T, Error>
    where
        T: prost::Message + Default + Send + Sync + 'static,
    {
        tokio::select! {
            answer = call(&self.socket, path) => answer,
            () = clock.sleep(TIMEOUT) => Err(Error::Timeout),
        }
    }
}

fn devices(container: ContainerResources) -> impl Iterator<Item = Device> {
    let claims = container.dynamic_resources.into_iter().flat_map(|resource| {
        let name = resource.claim_name;
        resource.claim_resources.into_iter().map(move |given| {
            Device::Claim(Claim {
                name: name.clone(),
                driver: given.driver_name,
                pool: given.pool_name,
                device: given.device_name,
                cdi: given.cdi_devices.into_iter().map(|device| device.name).collect(),
            })
        })
    });
    container.devices.into_iter().flat_map(of_plugin).chain(claims)
}

fn of_plugin(given: ContainerDevices) -> impl Iterator<Item = Device> {
    let resource: Arc<str> = Arc::from(given.resource_name);
    let plugin =
        move |id: String| Device::Plugin { resource: Arc::clone(&resource), id: DeviceId::parse(&id) };
    given.device_ids.into_iter().map(plugin)
}

async fn call<T>(socket: &Path, path: PathAndQuery) -> Result<T, Error>
where
    T: prost::Message + Default + Send + Sync + 'static,
{
    let connection = Connection::to(socket).await?;
    // gRPC wants an authority, and the kubelet does not look at it.
    let mut client = Grpc::with_origin(connection, Uri::from_static("http://localhost"))
        .max_decoding_message_size(MAX_ANSWER);
    client.ready().await.map_err(|source| protocol(socket, source))?;
    let codec = ProstCodec::<Everything, T>::default();
    let answer = client.unary(Request::new(Everything {}), path, codec).await;
    answer.map(tonic::Response::into_inner).map_err(refused)
}

fn refused(status: Status) -> Error {
    let message = status.message().to_owned();
    match status.code() {
        Code::Unimplemented => Error::Unimplemented(message),
        code => Error::Refused { code, message },
    }
}

fn protocol(socket: &Path, source: hyper::Error) -> Error {
    Error::Protocol { path: socket.to_owned(), source }
}

/// HTTP/2 over the socket, in the form that tonic's client takes.
struct Connection(SendRequest<Body>);

impl Connection {
    async fn to(socket: &Path) -> Result<Self, Error> {
        let stream = UnixStream::connect(socket).await.map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => Error::Absent(socket.to_owned()),
            _ => Error::Connect { path: socket.to_owned(), source },
        })?;
        let shaken = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await;
        let (sender, driver) = shaken.map_err(|source| protocol(socket, source))?;
        // It ends when the sender is dropped; what went wrong comes back by the call.
        tokio::spawn(driver);
        Ok(Self(sender))
    }
}

impl Service<http::Request<Body>> for Connection {
    type Response = http::Response<Incoming>;
    type Error = hyper::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        Box::pin(self.0.send_request(request))
    }
}

#[cfg(test)]
mod tests;
