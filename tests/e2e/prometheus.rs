//! Scrapes, by the real binary: `configs/prometheus.yaml`, and what a person is told of targets that are down.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener},
    path::Path,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    thread,
};

use crate::harness::{FarEnd, Weir, until};

/// A target whose counter has counted how often it was asked.
struct Target {
    address: SocketAddr,
    asked: Arc<AtomicU64>,
}

impl Target {
    fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&asked);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                let mut head = Vec::new();
                let mut byte = [0];
                while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|read| read == 1) {
                    head.push(byte[0]);
                }
                let body = format!(
                    "# TYPE orders_total counter\norders_total{{shop=\"one\"}} {}\n# TYPE go_goroutines gauge\ngo_goroutines 7\n",
                    counted.fetch_add(1, SeqCst) + 1
                );
                let head =
                    "HTTP/1.1 200 OK\r\ncontent-type: text/plain; version=0.0.4\r\nconnection: close\r\n";
                let _ = write!(stream, "{head}content-length: {}\r\n\r\n{body}", body.len());
            }
        });
        Self { address, asked }
    }

    fn asked(&self) -> u64 {
        self.asked.load(SeqCst)
    }
}

#[tokio::test]
async fn the_configuration_of_scrapes_brings_what_was_counted_to_cloudwatch() {
    let (far, target) = (FarEnd::start().await, Target::start());
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs/prometheus.yaml");
    // As it is, but for where the target is, and for what would take minutes.
    let text = fs::read_to_string(file).unwrap();
    let text = text
        .replace("localhost:8080", &target.address.to_string())
        .replace("scrape_interval: 15s", "scrape_interval: 500ms")
        .replace("period: 60s", "period: 1s");
    let endpoint = format!("exporters.cloudwatch.endpoint={}", far.0.endpoint());
    let region = [("AWS_REGION", "eu-west-1".to_owned())];
    let weir = Weir::start_with(&text, &["--set", &endpoint], &region).await;
    until("six scrapes", || (target.asked() >= 6).then_some(())).await;
    let ledger = weir.drain().await;
    ledger.assert_adds_up();

    let stored = far.0.store().series();
    let names: std::collections::BTreeSet<&str> = stored.iter().map(|one| one.metric.name.as_str()).collect();
    assert!(names.contains("up") && names.contains("orders_total"), "{names:?}");
    assert!(!names.iter().any(|name| name.starts_with("go_")), "left out by the configuration: {names:?}");
    let orders: Vec<_> = stored.iter().filter(|one| one.metric.name == "orders_total").collect();
    let [orders] = &*orders else { panic!("{orders:?}") };
    let dimensions: Vec<_> = orders.metric.dimensions.iter().map(|one| (&*one.name, &*one.value)).collect();
    assert_eq!(dimensions, [("shop", "one")]);
    // The first value is where counting begins; the target itself knows how often it has counted since.
    assert_eq!(orders.total_sum, (target.asked() - 1) as f64);
}

#[tokio::test]
async fn why_a_target_is_down_is_in_the_table_in_the_log_and_in_the_metrics() {
    let up = Target::start();
    let dead = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
    let config = format!(
        "receivers:\n  prometheus:\n    scrape_configs:\n      - job_name: apps\n        scrape_interval: 300ms\n        \
         static_configs: [{{targets: ['{}', '{dead}']}}]\nprocessors: {{delta: }}\nexporters: {{debug: }}\nservice:\n  \
         pipelines:\n    metrics: {{receivers: [prometheus], processors: [delta], exporters: [debug]}}\n",
        up.address
    );
    let weir = Weir::start(&config, &[]).await;
    let table = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_weir"));
        let endpoint = weir.admin().to_string();
        let ended = command.args(["targets", "--endpoint", &endpoint]).args(arguments).output().unwrap();
        (ended.status.code(), String::from_utf8(ended.stdout).unwrap())
    };
    let rows = |code: Option<i32>, text: &str| {
        let (up, down) = (text.contains("\nup "), text.contains("\ndown "));
        (code == Some(1) && up && down).then(|| text.to_owned())
    };
    let shown = until("both targets were scraped", || {
        let (code, text) = table(&[]);
        rows(code, &text)
    })
    .await;
    let line = shown.lines().find(|line| line.starts_with("down ")).unwrap();
    assert!(line.contains(&format!("http://{dead}/metrics")), "{line}");
    assert!(line.ends_with("refused: the connection was refused"), "{line}");
    let (code, text) = table(&["--down", "--json"]);
    assert!(
        code == Some(1)
            && text.contains("\"reason\": \"refused\"")
            && !text.contains(&up.address.to_string())
    );
    assert_eq!(table(&["--job", "other"]).0, Some(0));
    assert!(weir.metric("weir_scrapes", &["outcome=\"refused\""]) >= 1.0);
    assert_eq!(weir.metric("weir_targets", &["state=\"down\""]), 1.0);
    assert!(weir.get("/status").1.contains("the connection was refused"));
    let (ended, ledger) = weir.stop("TERM").await;
    ledger.assert_adds_up();
    let said = ended.stderr.lines().filter(|line| line.contains("scrape failed")).count();
    assert_eq!(said, 1, "a line a minute: {}", ended.stderr);
}
