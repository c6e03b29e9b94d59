//! The server: a request's way from the wire to the store and back, with the faults in between.

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use hyper::{HeaderMap, Request, body::Incoming};
use parking_lot::Mutex;
use tokio::{sync::watch, task::JoinHandle, time::timeout};
use tokio_util::sync::{CancellationToken, DropGuard};
use weir_net::{BodyError, Encoding, Limits, Listener, hang_up, read_body};

pub use weir_net::BindError;

use crate::{
    auth,
    counters::Counters,
    error::ApiError,
    faults::{Fault, Faults},
    operations::{self, Output, PUT_METRIC_DATA},
    protocol::{self, Call, Reply},
    store::{Retention, Store},
};

/// The largest body, in bytes after decompression.
///
/// The documentation says 1 MB and not whether before or after gzip. Counted after, and in powers of ten, this is the
/// strictest reading: what passes here passes under each of the others.
pub const MAX_BODY_BYTES: usize = 1_000_000;

/// Bodies are read and inflated up to this size before they are refused: a client that is refused in mid-body may see
/// a reset in place of the 413, and the answer names the size it found.
const READ_UP_TO_BYTES: usize = 16_000_000;

/// Longer than the minute between two flushes, so that a client's connection survives it.
const KEEP_ALIVE: Duration = Duration::from_secs(150);

/// The present, in nanoseconds since the Unix epoch.
pub type Now = Arc<dyn Fn() -> u64 + Send + Sync>;

/// How a server behaves.
#[derive(Clone)]
pub struct Options {
    /// The clock by which timestamps are too old or too new and data ages; a compressed one will do.
    pub now: Now,
    /// How much is kept.
    pub retention: Retention,
    /// Whether every accepted datum is recorded as it came, without bound: see [`Store::journal`].
    pub journal: bool,
}

impl Options {
    /// The default retention, no journal.
    pub fn new(now: Now) -> Self {
        Self { now, retention: Retention::default(), journal: false }
    }
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options")
            .field("retention", &self.retention)
            .field("journal", &self.journal)
            .finish_non_exhaustive()
    }
}

/// A running local CloudWatch. It stops when it is shut down or dropped.
#[derive(Debug)]
pub struct CloudWatchLocal {
    addr: SocketAddr,
    shared: Arc<Shared>,
    /// Cancels when dropped.
    shutdown: DropGuard,
    task: JoinHandle<()>,
}

impl CloudWatchLocal {
    /// Binds `addr` (port 0 for a free one) and begins to serve.
    pub async fn bind(addr: SocketAddr, options: Options) -> Result<Self, BindError> {
        let limits = Limits { header_read_timeout: KEEP_ALIVE, ..Limits::default() };
        let listener = Listener::bind(addr).await?.with_limits(limits);
        let addr = listener.tcp_addr().unwrap_or(addr);
        let shutdown = CancellationToken::new();
        let shared = Arc::new(Shared {
            store: Arc::new(Store::new(options.retention, options.journal)),
            now: options.now,
            faults: Faults::default(),
            counters: Mutex::default(),
            expired: Mutex::default(),
            request_ids: AtomicU64::new(0),
            handled: watch::Sender::new(()),
            shutdown: shutdown.clone(),
        });
        let handler = {
            let shared = shared.clone();
            move |request| {
                let shared = shared.clone();
                async move { shared.handle(request).await }
            }
        };
        let task = tokio::spawn(listener.serve(handler, shutdown.clone()));
        Ok(Self { addr, shared, shutdown: shutdown.drop_guard(), task })
    }

    /// The bound address.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The endpoint for SDKs: `http://127.0.0.1:port`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// What was published.
    pub fn store(&self) -> Arc<Store> {
        self.shared.store.clone()
    }

    /// The script of faults.
    pub fn faults(&self) -> &Faults {
        &self.shared.faults
    }

    /// From now on requests that are signed by the key of this id are refused as `ExpiredToken`.
    pub fn expire(&self, key_id: impl Into<String>) {
        self.shared.expired.lock().insert(key_id.into());
    }

    /// What was counted so far.
    pub fn counters(&self) -> Counters {
        self.shared.counters.lock().clone()
    }

    /// Waits until `reached` holds, asking again after each request that has been handled. It waits forever for what
    /// never happens; the caller knows how long is too long.
    pub async fn wait_until(&self, mut reached: impl FnMut(&Self) -> bool) {
        let mut handled = self.shared.handled.subscribe();
        while !reached(self) {
            // The sender lives in `self`, so this cannot fail.
            let _ = handled.changed().await;
        }
    }

    /// Stops: closes the socket, ends hanging requests, lets others end, and returns when all is done.
    pub async fn shutdown(self) {
        drop(self.shutdown);
        // The task ends by itself; if it panicked there is nothing left to stop.
        let _ = self.task.await;
    }
}

struct Shared {
    store: Arc<Store>,
    now: Now,
    faults: Faults,
    counters: Mutex<Counters>,
    /// Ids of keys whose session is over.
    expired: Mutex<BTreeSet<String>>,
    request_ids: AtomicU64,
    /// Wakes [`CloudWatchLocal::wait_until`].
    handled: watch::Sender<()>,
    shutdown: CancellationToken,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("faults", &self.faults).finish_non_exhaustive()
    }
}

/// What became of a call.
enum Outcome {
    Done(Output),
    Failed(ApiError),
    /// Swallowed by the fault of this name.
    Swallowed(&'static str),
}

/// How the client learns of it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Delivery {
    Answer,
    AnswerAfter(Duration),
    HangUp,
    Never,
}

impl Shared {
    async fn handle(&self, request: Request<Incoming>) -> Reply {
        self.counters.lock().requests += 1;
        let (parts, body) = request.into_parts();
        // A version 4 UUID in form, a serial number in fact.
        let number = self.request_ids.fetch_add(1, Ordering::Relaxed);
        let request_id = format!("00000000-0000-4000-8000-{number:012x}");
        let call = match Call::identify(&parts, &request_id) {
            Ok(call) => call,
            Err(reply) => {
                self.handled.send_replace(());
                return *reply;
            }
        };
        let is_put = call.operation == PUT_METRIC_DATA;
        if is_put {
            self.counters.lock().put_requests += 1;
        }
        // Read before any answer, so that the connection stays in order whatever the answer is.
        let body = self.read(&parts.headers, body).await;
        let (outcome, delivery) = self.decide(&call, &parts.headers, body);
        // Counted before it is delivered: a client that leaves takes the rest of this function with it.
        if is_put {
            self.count_put(&outcome, delivery);
        }
        self.handled.send_replace(());
        self.deliver(&call, outcome, delivery).await
    }

    /// A signature is missed before a fault is played: an unsigned request is a bug of the client that no script
    /// should hide.
    fn decide(&self, call: &Call, headers: &HeaderMap, body: Result<Bytes, ApiError>) -> (Outcome, Delivery) {
        let key = match auth::check(headers) {
            Ok(key) => key,
            Err(error) => return (Outcome::Failed(error), Delivery::Answer),
        };
        if call.operation == PUT_METRIC_DATA {
            *self.counters.lock().put_by_key.entry(key.clone()).or_default() += 1;
        }
        if self.expired.lock().contains(&key)
            && let Fault::Error(error) = Fault::expired_token()
        {
            return (Outcome::Failed(error), Delivery::Answer);
        }
        let run = || match body.and_then(|body| self.run(call, &body)) {
            Ok(output) => Outcome::Done(output),
            Err(error) => Outcome::Failed(error),
        };
        match self.faults.next(&call.operation) {
            None => (run(), Delivery::Answer),
            Some(Fault::Error(error)) => (Outcome::Failed(error), Delivery::Answer),
            Some(Fault::Delay(delay)) => (run(), Delivery::AnswerAfter(delay)),
            Some(Fault::Hang) => (Outcome::Swallowed("Hang"), Delivery::Never),
            Some(Fault::DropConnection) => (Outcome::Swallowed("DropConnection"), Delivery::HangUp),
            Some(Fault::StoreThenDrop) => match run() {
                outcome @ Outcome::Done(_) => (outcome, Delivery::HangUp),
                refused => (refused, Delivery::Answer),
            },
        }
    }

    async fn deliver(&self, call: &Call, outcome: Outcome, delivery: Delivery) -> Reply {
        match delivery {
            Delivery::Answer => {}
            Delivery::AnswerAfter(delay) => {
                // Whichever comes first; both end the wait.
                let _ = timeout(delay, self.shutdown.cancelled()).await;
            }
            Delivery::HangUp => return hang_up(),
            Delivery::Never => {
                self.shutdown.cancelled().await;
                return hang_up();
            }
        }
        match outcome {
            Outcome::Done(output) => {
                let mut reply = call.success(output.document);
                if let Some(failure) = output.entity_failure {
                    protocol::insert(&mut reply, "x-amzn-failure-message", failure);
                }
                reply
            }
            Outcome::Failed(error) => call.failure(&error),
            Outcome::Swallowed(_) => hang_up(),
        }
    }

    async fn read(&self, headers: &HeaderMap, body: Incoming) -> Result<Bytes, ApiError> {
        let refused = |error| match error {
            // Its true size is unknown: it was not read to its end.
            BodyError::TooLarge { limit } => too_large(limit),
            BodyError::Read(_) | BodyError::Encoding { .. } => ApiError::Serialization(error.to_string()),
        };
        let wire = read_body(body, READ_UP_TO_BYTES).await.map_err(refused)?;
        self.counters.lock().bytes_in += wire.len() as u64;
        let body =
            match headers.get("content-encoding").map(|encoding| encoding.to_str().unwrap_or("not ASCII")) {
                None | Some("identity") => wire,
                Some("gzip") => Encoding::Gzip.decompress(wire, READ_UP_TO_BYTES).map_err(refused)?,
                Some(other) => {
                    let message = format!("content encoding {other}: expected gzip or none");
                    return Err(ApiError::UnsupportedMediaType(message));
                }
            };
        if body.len() > MAX_BODY_BYTES {
            return Err(too_large(body.len()));
        }
        Ok(body)
    }

    fn run(&self, call: &Call, body: &[u8]) -> Result<Output, ApiError> {
        let now_ms = i64::try_from((self.now)() / 1_000_000).unwrap_or(i64::MAX);
        operations::run(&self.store, now_ms, &call.operation, call.protocol, body)
    }

    fn count_put(&self, outcome: &Outcome, delivery: Delivery) {
        let mut counters = self.counters.lock();
        match outcome {
            Outcome::Done(output) => {
                counters.put_accepted += 1;
                counters.datums += output.datums;
                counters.samples += output.samples;
                counters.answers_lost += u64::from(delivery == Delivery::HangUp);
            }
            Outcome::Failed(error) => {
                let code = error.code().map_or_else(|| error.status().to_string(), str::to_owned);
                *counters.put_failed.entry(code).or_default() += 1;
            }
            Outcome::Swallowed(fault) => *counters.put_failed.entry((*fault).to_owned()).or_default() += 1,
        }
    }
}

fn too_large(actual: usize) -> ApiError {
    ApiError::RequestEntityTooLarge { actual, allowed: MAX_BODY_BYTES }
}
