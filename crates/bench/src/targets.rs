//! Targets that are scraped, all of them at one address and each under a path of its own. How often each is answered is said from
//! outside: a request beyond that waits, and that it has come shows that everything before it was taken.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use http_body_util::Full;
use hyper::{
    Request, Response,
    body::Incoming,
    header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderValue},
};
use parking_lot::Mutex;
use tokio::sync::watch;

use crate::{
    Error, client, instant, nanos,
    pages::{Pages, Shape},
    server::Server,
};

/// Where the path of each target begins.
pub const TARGET: &str = "/target/";
/// Where the number of scrapes of each target that are answered is told.
const ALLOW: &str = "/allow/";
/// Where is told how far it is.
const PROGRESS: &str = "/progress";
/// Where the times between scrapes are told.
const GAPS: &str = "/gaps";

/// How far it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Scrapes that have come, of all targets.
    pub asked: u64,
    /// Scrapes that were answered.
    pub served: u64,
}

/// Lets each target be scraped so many times in all.
pub async fn allow(targets: SocketAddr, scrapes: u32) -> Result<(), Error> {
    client::get(targets, &format!("{ALLOW}{scrapes}")).await.map(drop)
}

/// Asks how far it is.
pub async fn progress(targets: SocketAddr) -> Result<Progress, Error> {
    let found = numbers(targets, PROGRESS).await?;
    match found[..] {
        [asked, served] => Ok(Progress { asked, served }),
        _ => Err(Error::Process(format!("progress is {found:?}"))),
    }
}

/// Times between two scrapes of one target.
pub async fn gaps(targets: SocketAddr) -> Result<Vec<Duration>, Error> {
    Ok(numbers(targets, GAPS).await?.into_iter().map(Duration::from_nanos).collect())
}

/// Numbers, one a line.
async fn numbers(targets: SocketAddr, path: &str) -> Result<Vec<u64>, Error> {
    let body = client::get(targets, path).await?;
    let number = |line: &str| line.parse().map_err(|_| Error::Process(format!("{path} says `{line}`")));
    String::from_utf8_lossy(&body).lines().map(number).collect()
}

#[derive(Debug)]
struct Targets {
    pages: Pages,
    gzip: bool,
    allowed: watch::Sender<u32>,
    /// When each target was asked.
    asked: Mutex<HashMap<String, Vec<Instant>>>,
    served: AtomicU64,
}

/// Serves until the process is ended; says where to on standard output.
///
/// # Errors
/// It cannot listen.
#[allow(clippy::print_stdout, reason = "what starts it reads its address there")]
pub async fn serve(shape: Shape, gzip: bool) -> Result<(), Error> {
    let targets = Arc::new(Targets {
        pages: Pages::new(shape),
        gzip,
        allowed: watch::Sender::new(0),
        asked: Mutex::default(),
        served: AtomicU64::new(0),
    });
    let server = Server::start(move |request| {
        let targets = Arc::clone(&targets);
        async move { Ok(targets.answer(&request).await) }
    });
    let server = server.await?;
    println!("listening on {}", server.address);
    std::future::pending().await
}

impl Targets {
    async fn answer(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        let path = request.uri().path();
        if path.starts_with(TARGET) {
            return self.scrape(path).await;
        }
        if let Some(scrapes) = path.strip_prefix(ALLOW).and_then(|scrapes| scrapes.parse().ok()) {
            self.allowed.send_replace(scrapes);
        }
        let numbers: Vec<u64> = match path {
            PROGRESS => {
                let asked = self.asked.lock().values().map(|times| times.len() as u64).sum();
                vec![asked, self.served.load(Relaxed)]
            }
            GAPS => {
                let asked = self.asked.lock();
                let gaps = asked.values().flat_map(|times| times.windows(2).map(|two| two[1] - two[0]));
                gaps.map(nanos).collect()
            }
            _ => Vec::new(),
        };
        let lines: Vec<String> = numbers.iter().map(u64::to_string).collect();
        Response::new(Full::from(lines.join("\n")))
    }

    async fn scrape(&self, path: &str) -> Response<Full<Bytes>> {
        let scrape = {
            let mut asked = self.asked.lock();
            let times = asked.entry(path.to_owned()).or_default();
            times.push(instant());
            times.len() as u32
        };
        // The sender is here, so this ends only well.
        let _ = self.allowed.subscribe().wait_for(|allowed| scrape <= *allowed).await;
        let page = self.pages.page(scrape);
        self.served.fetch_add(1, Relaxed);
        let mut response = Response::new(Full::default());
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; version=0.0.4"));
        if self.gzip {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        *response.body_mut() = Full::from(if self.gzip { packed(&page) } else { page });
        response
    }
}

/// As Go's handler packs it, with the fastest level here: the server shares the machine.
fn packed(page: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    // Writing to memory cannot fail.
    let _ = encoder.write_all(page);
    encoder.finish().unwrap_or_default()
}
