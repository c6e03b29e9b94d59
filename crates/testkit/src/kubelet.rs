//! A kubelet's pod-resources API: gRPC over a Unix socket, its messages written by hand from the protocol file.

use std::{
    fs, io, mem,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use http_body_util::{BodyExt, Full};
use hyper::{
    HeaderMap, Response,
    body::{Bytes, Incoming},
    header::HeaderValue,
    server::conn::http2,
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{net::UnixListener, task::JoinHandle};

/// That a container was given a device.
#[derive(Clone, Debug)]
pub struct Given(Vec<u8>);

impl Given {
    /// By a device plugin: `namespace/pod/container`, and the device's id.
    pub fn by_plugin(container: &str, id: &str) -> Self {
        let devices = [field(1, b"nvidia.com/gpu"), field(2, id.as_bytes())].concat();
        Self::to(container, &field(2, &devices))
    }

    /// By a resource claim of NVIDIA's driver: `namespace/pod/container`, and the device's name.
    pub fn by_claim(container: &str, device: &str) -> Self {
        let claim = [field(2, b"gpu.nvidia.com"), field(3, b"node-1"), field(4, device.as_bytes())].concat();
        let resource = [field(2, b"one-gpu"), field(4, &claim)].concat();
        Self::to(container, &field(5, &resource))
    }

    fn to(container: &str, given: &[u8]) -> Self {
        let mut names = container.split('/').map(str::as_bytes);
        let [namespace, pod, container] = [(); 3].map(|()| names.next().unwrap_or_default());
        let container = [&field(1, container), given].concat();
        let pod = [field(1, pod), field(2, namespace), field(3, &container)].concat();
        Self(field(1, &pod))
    }
}

/// A field of protobuf whose value is bytes.
fn field(number: u8, value: &[u8]) -> Vec<u8> {
    let mut bytes = vec![number << 3 | 2];
    let mut length = value.len();
    while length >= 0x80 {
        bytes.push(length as u8 | 0x80);
        length >>= 7;
    }
    bytes.push(length as u8);
    bytes.extend_from_slice(value);
    bytes
}

/// What it answers.
#[derive(Clone, Debug)]
enum Answer {
    Message(Bytes),
    /// A code of gRPC.
    Fails(u8),
    /// Never a word.
    Nothing,
}

#[derive(Debug)]
struct State {
    answer: Mutex<Answer>,
    asked: AtomicU64,
}

/// A kubelet that listens until it is dropped.
#[derive(Debug)]
pub struct Kubelet {
    socket: PathBuf,
    state: Arc<State>,
    accepting: JoinHandle<()>,
}

impl Kubelet {
    /// Listens at `socket`, and has given nothing to anybody.
    ///
    /// # Errors
    /// The socket cannot be made.
    pub fn at(socket: &Path) -> io::Result<Self> {
        let listener = UnixListener::bind(socket)?;
        let nothing = Mutex::new(Answer::Message(Bytes::new()));
        let state = Arc::new(State { answer: nothing, asked: AtomicU64::new(0) });
        let of_all = Arc::clone(&state);
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let state = Arc::clone(&of_all);
                let service = service_fn(move |_: hyper::Request<Incoming>| answer(Arc::clone(&state)));
                let server = http2::Builder::new(TokioExecutor::new());
                tokio::spawn(server.serve_connection(TokioIo::new(stream), service));
            }
        });
        Ok(Self { socket: socket.to_owned(), state, accepting })
    }

    /// These are what containers have, from now on.
    pub fn gives(&self, all: &[Given]) {
        let message: Vec<u8> = all.iter().flat_map(|given| given.0.iter().copied()).collect();
        self.set(Answer::Message(message.into()));
    }

    /// It answers these bytes, whatever they are.
    pub fn says(&self, message: Vec<u8>) {
        self.set(Answer::Message(message.into()));
    }

    /// It refuses with a code of gRPC.
    pub fn refuses(&self, code: u8) {
        self.set(Answer::Fails(code));
    }

    /// It takes questions and does not answer them.
    pub fn hangs(&self) {
        self.set(Answer::Nothing);
    }

    /// How often it was asked.
    pub fn asked(&self) -> u64 {
        self.state.asked.load(Relaxed)
    }

    fn set(&self, answer: Answer) {
        let mut place = self.state.answer.lock().unwrap_or_else(PoisonError::into_inner);
        drop(mem::replace(&mut *place, answer));
    }
}

impl Drop for Kubelet {
    fn drop(&mut self) {
        self.accepting.abort();
        let _ = fs::remove_file(&self.socket);
    }
}

async fn answer(
    state: Arc<State>,
) -> Result<Response<impl hyper::body::Body<Data = Bytes, Error = impl std::error::Error>>, hyper::http::Error>
{
    state.asked.fetch_add(1, Relaxed);
    let answer = state.answer.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let (frame, code) = match answer {
        Answer::Message(message) => {
            let length = (message.len() as u32).to_be_bytes();
            ([&[0], length.as_slice(), &message].concat(), 0)
        }
        Answer::Fails(code) => (Vec::new(), code),
        Answer::Nothing => std::future::pending().await,
    };
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from(u16::from(code)));
    let body = Full::new(Bytes::from(frame)).with_trailers(std::future::ready(Some(Ok(trailers))));
    Response::builder().header("content-type", "application/grpc").body(body)
}
