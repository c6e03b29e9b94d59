use std::sync::atomic::{AtomicU32, Ordering};

use http_body_util::{BodyExt, Full, StreamBody, combinators::BoxBody};
use hyper::{
    Response,
    body::{Bytes, Frame},
    service::service_fn,
};
use prost::Message;
use tokio::net::UnixListener;
use weir_core::UnixNanos;

use super::*;
use crate::messages::{CdiDevice, ClaimResource, DynamicResource, PodResources as Pod};

/// What a fake kubelet says to a path: a message, or a code and its words; `None`: never a word.
type Answer = Option<Result<Vec<u8>, (u32, &'static str)>>;

/// A kubelet of this test alone; it ends with the test's runtime.
fn kubelet(answer: impl Fn(&str) -> Answer + Copy + Send + Sync + 'static) -> PodResources {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let socket = std::env::temp_dir().join(format!("weir-kubelet-{}-{number}.sock", std::process::id()));
    let _ = std::fs::remove_file(&socket);
    let listener = UnixListener::bind(&socket).unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = service_fn(move |request: hyper::Request<Incoming>| async move {
                match answer(request.uri().path()) {
                    Some(answer) => Ok::<_, hyper::Error>(response(answer)),
                    None => std::future::pending().await,
                }
            });
            let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            tokio::spawn(server.serve_connection(TokioIo::new(stream), service));
        }
    });
    PodResources::at(socket)
}

/// As gRPC over HTTP/2 has it, written by hand: a frame and a trailer, or the trailer's fields alone.
fn response(
    answer: Result<Vec<u8>, (u32, &'static str)>,
) -> Response<BoxBody<Bytes, std::convert::Infallible>> {
    let builder = Response::builder().header("content-type", "application/grpc");
    match answer {
        Ok(message) => {
            let mut frame = vec![0];
            frame.extend(u32::try_from(message.len()).unwrap().to_be_bytes());
            frame.extend(message);
            let trailers =
                http::HeaderMap::from_iter([("grpc-status".parse().unwrap(), "0".parse().unwrap())]);
            let frames = [Ok(Frame::data(Bytes::from(frame))), Ok(Frame::trailers(trailers))];
            builder.body(StreamBody::new(futures::stream::iter(frames)).boxed()).unwrap()
        }
        Err((code, words)) => {
            let builder = builder.header("grpc-status", code).header("grpc-message", words);
            builder.body(Full::default().boxed()).unwrap()
        }
    }
}

fn plugin(resource: &str, ids: &[&str]) -> ContainerDevices {
    let device_ids = ids.iter().map(|id| (*id).to_owned()).collect();
    ContainerDevices { resource_name: resource.to_owned(), device_ids }
}

fn given(resource: &str, id: &str) -> Device {
    Device::Plugin { resource: resource.into(), id: DeviceId::parse(id) }
}

#[tokio::test]
async fn each_device_of_each_container_is_a_row() {
    let kubelet = kubelet(|path| {
        assert_eq!(path, "/v1.PodResourcesLister/List");
        let claim = ClaimResource {
            cdi_devices: vec![CdiDevice { name: "k8s.gpu.nvidia.com/device=gpu-3".to_owned() }],
            driver_name: "gpu.nvidia.com".to_owned(),
            pool_name: "node-1".to_owned(),
            device_name: "gpu-3".to_owned(),
        };
        let trainer = ContainerResources {
            name: "trainer".to_owned(),
            devices: vec![
                plugin("nvidia.com/gpu", &["GPU-a", "GPU-b"]),
                plugin("vpc.amazonaws.com/efa", &["efa0"]),
            ],
            dynamic_resources: vec![],
        };
        let server = ContainerResources {
            name: "server".to_owned(),
            devices: vec![],
            dynamic_resources: vec![DynamicResource {
                claim_name: "one-gpu".to_owned(),
                claim_resources: vec![claim],
            }],
        };
        let pod =
            Pod { name: "job-0".to_owned(), namespace: "ml".to_owned(), containers: vec![trainer, server] };
        let idle = Pod { name: "dns".to_owned(), namespace: "kube-system".to_owned(), containers: vec![] };
        let answer = ListPodResourcesResponse { pod_resources: vec![pod, idle] };
        Some(Ok(answer.encode_to_vec()))
    });
    let row = |container: &str, device| Assignment {
        namespace: "ml".into(),
        pod: "job-0".into(),
        container: container.into(),
        device,
    };
    let claim = Claim {
        name: "one-gpu".to_owned(),
        driver: "gpu.nvidia.com".to_owned(),
        pool: "node-1".to_owned(),
        device: "gpu-3".to_owned(),
        cdi: vec!["k8s.gpu.nvidia.com/device=gpu-3".to_owned()],
    };
    let expected = [
        row("trainer", given("nvidia.com/gpu", "GPU-a")),
        row("trainer", given("nvidia.com/gpu", "GPU-b")),
        row("trainer", given("vpc.amazonaws.com/efa", "efa0")),
        row("server", Device::Claim(claim)),
    ];
    assert_eq!(kubelet.list(&Clock::system()).await.unwrap(), expected);
}

#[tokio::test]
async fn bytes_of_the_wire_are_read_and_what_is_new_in_them_is_skipped() {
    // Written by hand from the protocol file: {pod_resources: [{name: "p", namespace: "n", containers: [{name: "c", devices:
    // [{resource_name: "r", device_ids: ["GPU-1"], topology: {nodes: [{ID: 0}]}}], cpu_ids: [1, 2], memory: [{}]}], field 9: 1}]}
    const WIRE: &[u8] = &[
        0x0a, 0x23, 0x0a, 1, b'p', 0x12, 1, b'n', 0x1a, 0x19, 0x0a, 1, b'c', 0x12, 0x0e, 0x0a, 1, b'r', 0x12,
        5, b'G', b'P', b'U', b'-', b'1', 0x1a, 2, 0x0a, 0, 0x1a, 2, 1, 2, 0x22, 0, 0x48, 1,
    ];
    let kubelet = kubelet(|_| Some(Ok(WIRE.to_vec())));
    let all = kubelet.list(&Clock::system()).await.unwrap();
    let row = Assignment {
        namespace: "n".into(),
        pod: "p".into(),
        container: "c".into(),
        device: given("r", "GPU-1"),
    };
    assert_eq!(all, [row]);
}

#[tokio::test]
async fn devices_that_nobody_was_given_are_listed_too() {
    let kubelet = kubelet(|path| {
        assert_eq!(path, "/v1.PodResourcesLister/GetAllocatableResources");
        let devices = vec![plugin("nvidia.com/gpu", &["GPU-a", "GPU-b"])];
        Some(Ok(AllocatableResourcesResponse { devices }.encode_to_vec()))
    });
    let expected = [given("nvidia.com/gpu", "GPU-a"), given("nvidia.com/gpu", "GPU-b")];
    assert_eq!(kubelet.allocatable(&Clock::system()).await.unwrap(), expected);
}

#[tokio::test]
async fn what_goes_wrong_has_its_name() {
    let clock = Clock::system();
    let absent = PodResources::at("/no/such/kubelet.sock").list(&clock).await.unwrap_err();
    assert!(matches!(absent, Error::Absent(_)), "{absent}");

    let old = kubelet(|_| Some(Err((12, "unknown method List"))));
    let old = old.list(&clock).await.unwrap_err();
    assert!(matches!(&old, Error::Unimplemented(words) if words == "unknown method List"), "{old}");

    let busy = kubelet(|_| Some(Err((8, "rejected by rate limit")))).list(&clock).await.unwrap_err();
    assert_eq!(busy.to_string(), "the kubelet answered ResourceExhausted: rejected by rate limit");

    let garbage = kubelet(|_| Some(Ok(vec![0xff; 9]))).list(&clock).await.unwrap_err();
    assert!(matches!(garbage, Error::Refused { code: Code::Internal, .. }), "{garbage}");

    let bomb = kubelet(|_| Some(Ok(vec![0; MAX_ANSWER + 1]))).list(&clock).await.unwrap_err();
    assert!(matches!(bomb, Error::Refused { code: Code::OutOfRange, .. }), "{bomb}");

    let gone = std::env::temp_dir().join(format!("weir-kubelet-{}-gone.sock", std::process::id()));
    let _ = std::fs::remove_file(&gone);
    drop(std::os::unix::net::UnixListener::bind(&gone).unwrap());
    let gone = PodResources::at(gone).list(&clock).await.unwrap_err();
    assert!(matches!(gone, Error::Connect { .. }), "{gone}");
}

#[tokio::test]
async fn a_kubelet_that_says_nothing_is_not_waited_for() {
    let (clock, kubelet) = (Clock::manual(UnixNanos(0)), kubelet(|_| None));
    let hand = clock.clone();
    let asking = tokio::spawn(async move { kubelet.list(&clock).await });
    // However late the call begins to wait.
    while !asking.is_finished() {
        hand.advance(TIMEOUT);
        tokio::task::yield_now().await;
    }
    assert!(matches!(asking.await.unwrap(), Err(Error::Timeout)));
}
