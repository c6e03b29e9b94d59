//! An agent and a gateway: two Weirs in a row, with `dimensions` and `delta` on either side, and totals that stay exact.
//!
//! The agent writes OTLP/JSON lines (`file`), and a tool here posts them to the gateway, a line a request, as a shipper of such files
//! does. Both are restarted in the middle.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Seek, SeekFrom, Write},
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
};

use crate::harness::{Application, FarEnd, LIMIT, Ledger, Weir};

const SERIES: usize = 40;
/// What the application calls its series, and what both Weirs make of that together.
const FROM_APPLICATION: &str = "{ key: shard, action: rename, from_attribute: number }";
const TO_CLOUDWATCH: &str = "{ key: series, action: rename, from_attribute: shard }";

/// One of the two.
struct Side {
    /// In order; `dimensions`, `delta`, both or none.
    processors: &'static str,
    actions: &'static [&'static str],
}

fn config(protocol: &str, side: &Side, exporter: &str, folder: &Path) -> String {
    // The agent answers when its line is written, so that the tool finds it.
    let acknowledge = if exporter.starts_with("file") { "exported" } else { "accepted" };
    format!(
        "receivers:
  otlp: {{ acknowledge: {acknowledge}, protocols: {{ {protocol}: {{ endpoint: 'localhost:0' }} }} }}
processors:
  dimensions: {{ actions: [{}] }}
  delta: {{ storage: file_storage }}
exporters:
  {exporter}
extensions:
  file_storage: {{ directory: '{}' }}
service:
  extensions: [file_storage]
  pipelines:
    metrics: {{ receivers: [otlp], processors: [{}], exporters: [{}] }}
",
        side.actions.join(", "),
        folder.join("state").display(),
        side.processors,
        exporter.split_once(':').unwrap().0,
    )
}

/// The tool in between: reads the lines that are new, and posts each.
struct Shipper {
    path: PathBuf,
    read: u64,
}

impl Shipper {
    fn ship(&mut self, to: SocketAddr) {
        let mut file = BufReader::new(fs::File::open(&self.path).unwrap());
        file.seek(SeekFrom::Start(self.read)).unwrap();
        let mut line = String::new();
        // A line without an end is still being written.
        while file.read_line(&mut line).unwrap() > 0 && line.ends_with('\n') {
            self.read += line.len() as u64;
            post(to, &line);
            line.clear();
        }
    }
}

fn post(to: SocketAddr, body: &str) {
    let mut stream = TcpStream::connect_timeout(&to, LIMIT).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    let head =
        "POST /v1/metrics HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\nContent-Type: application/json";
    write!(stream, "{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("\r\n\r\n{}"), "{answer}");
}

/// An application's counters through both. Answers the ledgers of the agent's and the gateway's last runs.
async fn totals_are_exact(name: &str, agent: Side, gateway: Side) -> [Ledger; 2] {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("two-weirs-{name}"));
    let _ = fs::remove_dir_all(&folder);
    let [agents, gateways] = ["agent", "gateway"].map(|side| folder.join(side));
    fs::create_dir_all(&agents).unwrap();
    fs::create_dir_all(&gateways).unwrap();
    let far = FarEnd::start().await;
    let lines = agents.join("metrics.jsonl");
    let file = format!("file: {{ path: '{}', append: true }}", lines.display());
    let agent_config = config("grpc", &agent, &file, &agents);
    let gateway_config = config("http", &gateway, &format!("cloudwatch: {}", far.exporter(&[])), &gateways);
    let mut shipper = Shipper { path: lines, read: 0 };

    let mut gateway = Weir::start(&gateway_config, &[]).await;
    let mut agent = Weir::start(&agent_config, &[]).await;
    let mut application = Application::start("number", SERIES);
    for restart in ["the agent", "the gateway", ""] {
        let mut sender = agent.sender().await;
        for _ in 0..10 {
            application.count();
            sender.send(application.export()).await;
            shipper.ship(gateway.otlp_address());
        }
        match restart {
            "the agent" => {
                agent.drain().await;
                agent = Weir::start(&agent_config, &[]).await;
            }
            "the gateway" => {
                gateway.drain().await;
                gateway = Weir::start(&gateway_config, &[]).await;
            }
            _ => {}
        }
    }
    let agents = agent.drain().await;
    shipper.ship(gateway.otlp_address());
    let gateways = gateway.drain().await;
    assert_eq!(application.too_much(&far), [0; SERIES], "{name}");
    [agents, gateways]
}

const BOTH: &[&str] = &[FROM_APPLICATION, TO_CLOUDWATCH];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dimensions_and_delta_on_both_sides() {
    let agent = Side { processors: "dimensions, delta", actions: &[FROM_APPLICATION] };
    let gateway = Side { processors: "delta, dimensions", actions: &[TO_CLOUDWATCH] };
    let [agent, gateway] = totals_are_exact("both", agent, gateway).await;
    // The last run of the agent made 20 rounds into increments, and the gateway's last run let ten of them pass.
    assert_eq!(agent.row("processor delta@metrics").out, 20 * SERIES as u64);
    assert_eq!(gateway.row("processor delta@metrics").out, 10 * SERIES as u64);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dimensions_and_delta_at_the_agent() {
    let agent = Side { processors: "delta, dimensions", actions: BOTH };
    let gateway = Side { processors: "", actions: &[] };
    totals_are_exact("agent", agent, gateway).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dimensions_and_delta_at_the_gateway() {
    let agent = Side { processors: "", actions: &[] };
    let gateway = Side { processors: "dimensions, delta", actions: BOTH };
    let [_, gateway] = totals_are_exact("gateway", agent, gateway).await;
    // Its last run goes on from the state that was saved: none of ten rounds is a first one.
    let delta = gateway.row("processor delta@metrics");
    assert_eq!((delta.out, delta.merged, delta.dropped), (10 * SERIES as u64, 0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dimensions_at_the_agent_and_delta_at_the_gateway() {
    let agent = Side { processors: "dimensions", actions: BOTH };
    let gateway = Side { processors: "delta", actions: &[] };
    totals_are_exact("split", agent, gateway).await;
}
