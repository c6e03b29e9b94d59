//! The official OpenTelemetry SDKs, and a Collector: what an application records is what CloudWatch holds, number by number.
//!
//! - `plan`: what is recorded, and what must therefore arrive;
//! - `rust`: the SDK for Rust, in this process. Those for Python, JavaScript and Go are programs of `tests/interop`.

mod plan;
mod rust;

use std::{
    collections::BTreeMap,
    fs,
    net::{SocketAddr, TcpListener},
    path::PathBuf,
    process::Command,
};

use crate::{
    harness::{FarEnd, Program, Weir, config_file, issued, now},
    interop::{self, Question, ask_boto3, assert_statistics, minute, peer},
};
use plan::{Plan, Temporality, Tls};

/// Who records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sdk {
    Python,
    JavaScript,
    Rust,
    Go,
}

impl Sdk {
    /// Whether it is there; says that `test` is skipped otherwise.
    fn is_there(self, test: &str) -> bool {
        match self {
            Self::Python => peer(interop::PYTHON, test).is_some(),
            Self::JavaScript => peer(NODE_MODULES, test).is_some(),
            Self::Go => peer(GO_APP, test).is_some(),
            Self::Rust => true,
        }
    }

    /// Records the plan to its end. Every export must have been taken.
    async fn record(self, plan: Plan) {
        let program = |name: &str| std::env::var(name).unwrap();
        match self {
            Self::Rust => tokio::task::spawn_blocking(move || rust::record(&plan)).await.unwrap(),
            Self::Python => app(&program(interop::PYTHON), &["tests/interop/app.py"], &plan).await,
            Self::JavaScript => app("node", &["tests/interop/js/app.js"], &plan).await,
            Self::Go => app(&program(GO_APP), &[], &plan).await,
        }
    }
}

/// Names the modules of the SDK for JavaScript.
const NODE_MODULES: &str = "WEIR_NODE_MODULES";
/// Names the program with the SDK for Go.
const GO_APP: &str = "WEIR_GO_APP";
/// Names the Collector.
const COLLECTOR: &str = "WEIR_COLLECTOR";

/// Runs an application of `tests/interop`.
async fn app(program: &str, arguments: &[&str], plan: &Plan) {
    let file = config_file(&plan.json().to_string());
    let mut all = arguments.to_vec();
    all.push(file.to_str().unwrap());
    let ended = interop::run(program, &all).await;
    assert_eq!(ended.code, Some(0), "{program} {all:?}: {}{}", ended.stdout, ended.stderr);
}

/// The protocols, as a plan names them.
const GRPC: &str = "grpc";
const PROTOBUF: &str = "http/protobuf";
const JSON: &str = "http/json";

/// How Weir listens for a protocol, in plain text on a free port.
fn listening(protocol: &str) -> String {
    let section = if protocol == GRPC { GRPC } else { "http" };
    format!("{section}: {{ endpoint: 'localhost:0' }}")
}

fn config(listening: &str, processors: &str, exporter: &str) -> String {
    format!(
        "receivers: {{ otlp: {{ protocols: {{ {listening} }} }} }}
processors:
  delta:
  dimensions:
    actions:
      - {{ key: app, action: insert, from_resource: service.name }}
      - {{ key: http.request.method, action: rename, from_attribute: method }}
exporters: {{ cloudwatch: {exporter} }}
service:
  pipelines:
    metrics: {{ receivers: [otlp], processors: [{processors}], exporters: [cloudwatch] }}
"
    )
}

type Dimensions = BTreeMap<String, String>;

/// The processors of the pipeline, and what becomes of a series' dimensions there.
#[derive(Clone, Copy)]
struct Way {
    processors: &'static str,
    dimensions: fn(Dimensions) -> Dimensions,
}

const DELTA: Way = Way { processors: "delta", dimensions: std::convert::identity };

fn renamed(mut dimensions: Dimensions) -> Dimensions {
    if let Some(method) = dimensions.remove("method") {
        dimensions.insert("http.request.method".to_owned(), method);
    }
    dimensions.insert("app".to_owned(), "interop".to_owned());
    dimensions
}

/// How an SDK wants an endpoint to be written.
fn endpoint(sdk: Sdk, protocol: &str, address: SocketAddr) -> String {
    match (protocol, sdk) {
        (GRPC, Sdk::Go) => address.to_string(),
        (GRPC, _) => format!("http://{address}"),
        _ => format!("http://{address}/v1/metrics"),
    }
}

/// From the SDK to Weir, and back by boto3.
async fn what_is_recorded_arrives(sdk: Sdk, protocol: &'static str, temporality: Temporality) {
    what_is_recorded_passes(DELTA, sdk, protocol, temporality).await;
}

async fn what_is_recorded_passes(way: Way, sdk: Sdk, protocol: &'static str, temporality: Temporality) {
    let test = format!("the SDK for {sdk:?}, {protocol}, {temporality:?}");
    let (true, Some(python)) = (sdk.is_there(&test), peer(interop::PYTHON, &test)) else { return };
    let start = minute(now());
    let far = FarEnd::start().await;
    let weir =
        Weir::start(&config(&listening(protocol), way.processors, &far.exporter(&["period: 1s"])), &[]).await;
    // Of what is observed, the SDK for JavaScript gives the time of the first collection as its start: unknown, by OTLP.
    let states_start = sdk != Sdk::JavaScript;
    let endpoint = endpoint(sdk, protocol, weir.otlp_address());
    let plan = Plan::new(endpoint, protocol, temporality, states_start);
    sdk.record(plan.clone()).await;
    let ledger = weir.drain().await;

    assert_eq!(ledger.row("receiver otlp").out, plan.points(), "{test}: points that the SDK sent");
    let delta = ledger.row("processor delta@metrics");
    assert_eq!((delta.merged, delta.dropped), (plan.all_first_totals(), 0), "{test}: {delta:?}");
    compare(&plan, way, &far, &python, start, &test).await;
}

/// From the SDK for Python over gRPC, where Weir listens as `grpc` says, and the SDK is told `endpoint` and `tls`.
async fn python_reaches(grpc: &str, endpoint: impl Fn(&Weir) -> String, tls: Option<Tls>) {
    let test = format!("the SDK for Python, {grpc}");
    let Some(python) = peer(interop::PYTHON, &test) else { return };
    let start = minute(now());
    let far = FarEnd::start().await;
    let listening = format!("grpc: {{ {grpc} }}");
    let weir = Weir::start(&config(&listening, DELTA.processors, &far.exporter(&["period: 1s"])), &[]).await;
    let mut plan = Plan::new(endpoint(&weir), GRPC, Temporality::Delta, true);
    plan.tls = tls;
    Sdk::Python.record(plan.clone()).await;
    let ledger = weir.drain().await;

    assert_eq!(ledger.row("receiver otlp").out, plan.points(), "{test}: points that the SDK sent");
    compare(&plan, DELTA, &far, &python, start, &test).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn python_over_grpc_with_certificates_on_both_sides() {
    let folder = folder("sdks-tls");
    let written = |name: &str| {
        let issued = issued(&folder, name);
        let [certificate, key] = ["crt", "key"].map(|what| folder.join(name).with_extension(what));
        fs::write(&certificate, &issued.certificate).unwrap();
        fs::write(&key, &issued.key).unwrap();
        Tls { ca: issued.ca, certificate, key }
    };
    let (server, client) = (written("server"), written("client"));
    let grpc = format!(
        "endpoint: 'localhost:0', tls: {{ cert_file: '{}', key_file: '{}', client_ca_file: '{}' }}",
        server.certificate.display(),
        server.key.display(),
        client.ca.display(),
    );
    let endpoint = |weir: &Weir| format!("https://localhost:{}", weir.otlp_address().port());
    python_reaches(&grpc, endpoint, Some(Tls { ca: server.ca, ..client })).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn python_over_grpc_by_a_unix_socket() {
    let socket = folder("sdks-unix").join("otlp.sock");
    let grpc = format!("transport: unix, endpoint: '{}'", socket.display());
    // Two slashes would begin a host.
    python_reaches(&grpc, |_| format!("unix:{}", socket.display()), None).await;
}

/// A folder of a test's own.
fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// Compares what CloudWatch holds with what the plan says.
async fn compare(plan: &Plan, way: Way, far: &FarEnd, python: &str, start: u64, test: &str) {
    let (mut questions, mut expected) = (Vec::new(), Vec::new());
    for instrument in &plan.instruments {
        for series in &instrument.series {
            let name = instrument.name.to_owned();
            questions.push(Question { name, dimensions: (way.dimensions)(series.dimensions()), start });
            expected.push((instrument, plan.samples(instrument, series)));
        }
    }
    assert_eq!(far.0.store().series().len(), questions.len(), "{test}: and no others arrived");
    let answers = ask_boto3(python, &far.0.endpoint(), &questions).await;
    for ((question, answer), (instrument, samples)) in questions.iter().zip(&answers).zip(expected) {
        let what = format!("{} {:?}, {test}", question.name, question.dimensions);
        assert_statistics(answer, samples, instrument.unit.1, &plan.known(instrument), &what);
    }
}

/// A Collector before Weir, which sends on what it takes and answers when Weir has answered.
async fn collector(program: &str, exporter: &str) -> (Program, SocketAddr) {
    // It does not say which port it was given, so it is told one that was free a moment ago.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let config = config_file(&format!(
        "receivers: {{ otlp: {{ protocols: {{ grpc: {{ endpoint: '{address}' }} }} }} }}
exporters:
  {exporter}
service:
  telemetry: {{ metrics: {{ level: none }} }}
  pipelines: {{ metrics: {{ receivers: [otlp], exporters: [{}] }} }}
",
        exporter.split_once(':').unwrap().0
    ));
    let mut command = Command::new(program);
    command.arg("--config").arg(format!("file:{}", config.display())).env_clear();
    let collector = Program::spawn(command);
    let ready = |line: &str| line.contains("Everything is ready").then_some(());
    collector.stderr.wait_for("a ready Collector", ready).await;
    (collector, address)
}

/// From the SDK for Rust over a Collector to Weir, by `protocol` from there on.
async fn a_collector_hands_on_what_an_sdk_sent_it(protocol: &str) {
    let test = format!("a Collector, {protocol}");
    let (Some(program), Some(python)) = (peer(COLLECTOR, &test), peer(interop::PYTHON, &test)) else {
        return;
    };
    let start = minute(now());
    let far = FarEnd::start().await;
    let weir =
        Weir::start(&config(&listening(protocol), DELTA.processors, &far.exporter(&["period: 1s"])), &[])
            .await;
    let (name, to) = match protocol {
        GRPC => ("otlp", weir.otlp_address().to_string()),
        _ => ("otlphttp", format!("http://{}", weir.otlp_address())),
    };
    let exporter = format!(
        "{name}: {{ endpoint: '{to}', tls: {{ insecure: true }}, sending_queue: {{ enabled: false }} }}"
    );
    let (collector, address) = collector(&program, &exporter).await;
    let plan = Plan::new(endpoint(Sdk::Rust, GRPC, address), GRPC, Temporality::Delta, true);
    Sdk::Rust.record(plan.clone()).await;
    collector.signal("TERM");
    assert_eq!(collector.ended().await.code, Some(0));
    let ledger = weir.drain().await;

    assert_eq!(ledger.row("receiver otlp").out, plan.points(), "points that the SDK sent");
    compare(&plan, DELTA, &far, &python, start, &test).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn collector_over_grpc() {
    a_collector_hands_on_what_an_sdk_sent_it(GRPC).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn collector_over_http() {
    a_collector_hands_on_what_an_sdk_sent_it(PROTOBUF).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn python_over_grpc_cumulative() {
    what_is_recorded_arrives(Sdk::Python, GRPC, Temporality::Cumulative).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn python_to_a_gateway_with_dimensions_and_delta() {
    for processors in ["dimensions, delta", "delta, dimensions"] {
        for temporality in [Temporality::Cumulative, Temporality::Delta] {
            let way = Way { processors, dimensions: renamed };
            what_is_recorded_passes(way, Sdk::Python, GRPC, temporality).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn python_over_grpc_delta() {
    what_is_recorded_arrives(Sdk::Python, GRPC, Temporality::Delta).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn python_over_protobuf_cumulative() {
    what_is_recorded_arrives(Sdk::Python, PROTOBUF, Temporality::Cumulative).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn python_over_protobuf_delta() {
    what_is_recorded_arrives(Sdk::Python, PROTOBUF, Temporality::Delta).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn javascript_over_protobuf_cumulative() {
    what_is_recorded_arrives(Sdk::JavaScript, PROTOBUF, Temporality::Cumulative).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn javascript_over_protobuf_delta() {
    what_is_recorded_arrives(Sdk::JavaScript, PROTOBUF, Temporality::Delta).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn javascript_over_json_cumulative() {
    what_is_recorded_arrives(Sdk::JavaScript, JSON, Temporality::Cumulative).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn javascript_over_json_delta() {
    what_is_recorded_arrives(Sdk::JavaScript, JSON, Temporality::Delta).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rust_over_grpc_cumulative() {
    what_is_recorded_arrives(Sdk::Rust, GRPC, Temporality::Cumulative).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rust_over_grpc_delta() {
    what_is_recorded_arrives(Sdk::Rust, GRPC, Temporality::Delta).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rust_over_protobuf_cumulative() {
    what_is_recorded_arrives(Sdk::Rust, PROTOBUF, Temporality::Cumulative).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rust_over_protobuf_delta() {
    what_is_recorded_arrives(Sdk::Rust, PROTOBUF, Temporality::Delta).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn go_over_grpc_cumulative() {
    what_is_recorded_arrives(Sdk::Go, GRPC, Temporality::Cumulative).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn go_over_grpc_delta() {
    what_is_recorded_arrives(Sdk::Go, GRPC, Temporality::Delta).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn go_over_protobuf_cumulative() {
    what_is_recorded_arrives(Sdk::Go, PROTOBUF, Temporality::Cumulative).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn go_over_protobuf_delta() {
    what_is_recorded_arrives(Sdk::Go, PROTOBUF, Temporality::Delta).await;
}
