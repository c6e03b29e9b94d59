//! What a person or a probe types beside a Weir that runs: `run --once`, `health`.

use crate::harness::{FarEnd, Ledger, Program, Weir, config_file};

fn host(exporter: &str) -> String {
    format!(
        "receivers: {{ procfs: {{ collection_interval: 1h, scrapers: {{ memory: , load: }} }} }}
exporters: {{ cloudwatch: {exporter} }}
service: {{ telemetry: {{ metrics: {{ address: '127.0.0.1:0' }} }}, pipelines: {{ metrics: {{ receivers: [procfs], exporters: [cloudwatch] }} }} }}"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn once_collects_sends_and_ends() {
    let far = FarEnd::start().await;
    let path = config_file(&host(&far.exporter(&[])));
    let ended = Program::start(["run", "--once", "-c", path.to_str().unwrap()]).ended().await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let ledger = Ledger::parse(&ended.stderr);
    ledger.assert_adds_up();
    // Three load averages, and at least the states that every kernel tells.
    let stored = far.0.store().series();
    let load =
        stored.iter().filter(|series| series.metric.name.starts_with("system.cpu.load_average.")).count();
    assert_eq!(load, 3);
    let samples: f64 = stored.iter().map(|series| series.total_count).sum();
    assert_eq!(samples, ledger.row("receiver procfs").out as f64, "each series has one sample");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn once_fails_when_what_was_collected_is_lost() {
    // Nobody listens where a socket was bound a moment ago.
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let exporter =
        format!("{{ endpoint: 'http://{nobody}', namespace: E2E, retry_on_failure: {{ enabled: false }} }}");
    let path = config_file(&host(&exporter));
    let ended = Program::start(["run", "--once", "-c", path.to_str().unwrap()]).ended().await;
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert!(ended.stderr.contains("points did not reach their destination"), "{}", ended.stderr);
    Ledger::parse(&ended.stderr).assert_adds_up();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn once_is_refused_where_a_receiver_waits_to_be_sent_to() {
    let path = config_file(
        "receivers: { otlp: { protocols: { grpc: { endpoint: 'localhost:0' } } } }
exporters: { debug: }
service: { pipelines: { metrics: { receivers: [otlp], exporters: [debug] } } }",
    );
    let ended = Program::start(["run", "--once", "-c", path.to_str().unwrap()]).ended().await;
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    assert!(ended.stderr.contains("`otlp` waits to be sent to"), "{}", ended.stderr);

    // With every receiver switched off there is nothing to wait for.
    let off = ["run", "--once", "--set", "receivers.otlp.enabled=false", "-c", path.to_str().unwrap()];
    let ended = Program::start(off).ended().await;
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn once_is_no_failure_where_a_rule_drops_what_was_collected() {
    let far = FarEnd::start().await;
    let rule = "rules: [{ metrics: [system.memory.*], drop: true }]";
    let path = config_file(&host(&far.exporter(&[rule])));
    let ended = Program::start(["run", "--once", "-c", path.to_str().unwrap()]).ended().await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(far.samples(), 3, "the load averages");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_probe_is_told_whether_weir_is_ready() {
    let far = FarEnd::start().await;
    let weir = Weir::start(&host(&far.exporter(&[])), &[]).await;
    let endpoint = weir.admin().to_string();
    let probe = Program::start(["health", "--endpoint", &endpoint]).ended().await;
    assert_eq!(probe.code, Some(0), "{}", probe.stderr);
    let probe = Program::start(["health", "--live", "--endpoint", &endpoint]).ended().await;
    assert_eq!(probe.code, Some(0), "{}", probe.stderr);
    weir.drain().await;
}
