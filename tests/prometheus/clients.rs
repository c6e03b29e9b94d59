//! Applications with the official clients, whose pages both scrapers get; and `node_exporter`.

use std::{
    io::{BufRead as _, BufReader},
    net::{SocketAddr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    thread,
};

use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{
        counter::Counter, exemplar::CounterWithExemplar, family::Family, gauge::Gauge, histogram::Histogram,
        info::Info,
    },
    registry::{Registry, Unit},
};

use crate::{peer, server::Answer};

/// A running application; killed when dropped.
pub(crate) struct Application {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Drop for Application {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Application {
    pub(crate) fn python(test: &str) -> Option<Self> {
        let mut command = Command::new(peer("WEIR_PYTHON", test)?);
        command.arg("tests/interop/scraped.py").env("PYTHONDONTWRITEBYTECODE", "1");
        Some(Self::that_says_where(command))
    }

    pub(crate) fn javascript(test: &str) -> Option<Self> {
        let mut command = Command::new("node");
        command.arg("tests/interop/js/scraped.js").env("NODE_PATH", peer("WEIR_NODE_MODULES", test)?);
        Some(Self::that_says_where(command))
    }

    pub(crate) fn go(test: &str) -> Option<Self> {
        Some(Self::that_says_where(Command::new(peer("WEIR_GO_SCRAPED", test)?)))
    }

    /// It takes a port but says none: one that was free a moment ago.
    pub(crate) fn node_exporter(test: &str) -> Option<Self> {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut command = Command::new(peer("WEIR_NODE_EXPORTER", test)?);
        command.arg(format!("--web.listen-address={address}")).stdout(Stdio::null()).stderr(Stdio::null());
        let mut started = Self { child: command.spawn().unwrap(), address };
        while TcpStream::connect(address).is_err() {
            assert_eq!(started.child.try_wait().unwrap(), None, "node_exporter has ended");
            thread::yield_now();
        }
        Some(started)
    }

    fn that_says_where(mut command: Command) -> Self {
        command.current_dir(env!("CARGO_MANIFEST_DIR")).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().parse().unwrap_or_else(|_| panic!("{command:?} says `{line}`"));
        Self { child, address }
    }
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Path {
    path: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Trace {
    trace_id: String,
}

/// Pages of the official client for Rust, in this process.
pub(crate) fn rust(rounds: usize) -> Vec<Answer> {
    let mut registry = Registry::default();
    let requests = Family::<Path, Counter>::default();
    let spent = CounterWithExemplar::<Trace, f64>::default();
    let queue = Gauge::<i64>::default();
    let ratio = Gauge::<f64, std::sync::atomic::AtomicU64>::default();
    let seconds = Histogram::new([0.1, 1.0, 10.0]);
    registry.register("requests", "Requests by path.", requests.clone());
    registry.register_with_unit("spent", "Time.", Unit::Seconds, spent.clone());
    registry.register("queue", "What waits.", queue.clone());
    registry.register_with_unit("used", "Of it.", Unit::Ratios, ratio.clone());
    registry.register("request_seconds", "Of requests.", seconds.clone());
    registry.register("build", "What runs.", Info::new(vec![("version", "1.2.3")]));
    let page = |round: usize| {
        let turn = round as f64 + 1.0;
        requests.get_or_create(&Path { path: "quoted \"\\\n line".to_owned() }).inc();
        requests.get_or_create(&Path { path: String::new() }).inc_by(round as u64);
        spent.inc_by(0.1 * turn, Some(Trace { trace_id: "0af7651916cd43dd".to_owned() }), None);
        queue.set(10 - round.cast_signed() as i64);
        ratio.set([0.5, f64::NAN, f64::INFINITY, f64::NEG_INFINITY][round % 4]);
        (1..40).for_each(|at| seconds.observe(f64::from(at) / 4.0 * turn));
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        Answer::page("application/openmetrics-text; version=1.0.0; charset=utf-8", text)
    };
    (0..rounds).map(page).collect()
}
