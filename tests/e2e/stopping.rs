//! Signals, drains and exit codes.

use std::net::TcpListener;

use weir_cloudwatch_local::Fault;

use crate::harness::{FarEnd, Increment, Program, Stored, Weir, config_file, increments, now, until, within};

const COUNTER: &str = "e2e.events";

fn config(endpoint: &str, exporter: &str) -> String {
    format!(
        "receivers:
  otlp:
    protocols:
      grpc:
        endpoint: {endpoint}
processors:
  delta:
exporters:
  cloudwatch: {exporter}
service:
  telemetry: {{ metrics: {{ address: '127.0.0.1:0' }} }}
  shutdown_timeout: 60s
  pipelines:
    metrics:
      receivers: [otlp]
      processors: [delta]
      exporters: [cloudwatch]
"
    )
}

fn points(count: u32) -> Vec<Increment> {
    let time = now();
    (0..count).map(|series| Increment { series, time, value: 7 }).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_in_mid_window_delivers_the_open_window() {
    let far = FarEnd::start().await;
    // By itself it would close an hour from now.
    let weir = Weir::start(&config("localhost:0", &far.exporter(&["period: 1h"])), &[]).await;
    weir.sender().await.send(increments(COUNTER, points(2500))).await;
    assert_eq!(far.0.counters().requests, 0, "the window is open");
    let (ended, ledger) = weir.stop("TERM").await;

    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let stored = far.by_series(COUNTER);
    assert_eq!(stored.len(), 2500);
    assert!(stored.values().all(|stored| *stored == Stored { samples: 1.0, sum: 7.0 }));
    assert_eq!(ledger.row("exporter cloudwatch").out, 2500);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn once_interrupted_it_drains_and_twice_it_ends_at_once() {
    // Nothing listens there: the drain would go on for most of a minute.
    let exporter = "{ endpoint: 'http://127.0.0.1:1', period: 1s }";
    let weir = Weir::start(&config("localhost:0", exporter), &[]).await;
    weir.sender().await.send(increments(COUNTER, points(10))).await;
    weir.program.signal("INT");
    let draining = |line: &str| line.contains("interrupted; draining").then_some(());
    weir.program.stderr.wait_for("the drain", draining).await;
    until("readiness to end", || (weir.get("/ready").0 == 503).then_some(())).await;

    weir.program.signal("INT");
    let ended = weir.program.ended().await;
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert!(ended.stderr.contains("interrupted while draining"), "{}", ended.stderr);
}

/// Draining in time, with what could not be delivered counted, is no failure; running out of time is.
async fn a_drain_of(timeout: &str, code: i32) {
    let far = FarEnd::start().await;
    far.0.faults().push(Fault::Hang.always());
    let text = config("localhost:0", &far.exporter(&["timeout: 10m"]));
    let text = text.replace("shutdown_timeout: 60s", &format!("shutdown_timeout: {timeout}"));
    // The exporter ends two seconds before the deadline: half a second, which a busy machine has too.
    let weir = Weir::start(&text, &["--clock-rate", "4"]).await;
    weir.sender().await.send(increments(COUNTER, points(300))).await;
    let (ended, ledger) = weir.stop("TERM").await;

    assert_eq!(ended.code, Some(code), "{}", ended.stderr);
    assert_eq!(far.samples(), 0);
    let exporter = ledger.row("exporter cloudwatch");
    assert_eq!((exporter.taken, exporter.out, exporter.dropped_for("shutdown")), (300, 0, 300));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_exporter_gives_up_before_the_deadline_of_a_drain_and_counts_what_is_left() {
    a_drain_of("10s", 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drain_that_runs_out_of_time_is_1_and_counts_what_is_left() {
    // Attempts under way are let go on for three seconds.
    a_drain_of("2s", 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_configuration_is_2_for_run_and_for_validate_and_says_where() {
    let text = config("localhost:0", "{ perriod: 60s }")
        .replace("exporters: [cloudwatch]", "exporters: [cloudwatsh]");
    let file = config_file(&text);
    let path = file.to_str().unwrap();
    // Lines and columns as an editor counts them.
    let place = |token: &str| {
        let (line, content) = text.lines().enumerate().find(|(_, line)| line.contains(token)).unwrap();
        format!("{path}:{}:{}", line + 1, content.find(token).unwrap() + 1)
    };
    for command in ["run", "validate"] {
        let ended = Program::start([command, "-c", path]).ended().await;
        assert_eq!(ended.code, Some(2), "{command}: {}", ended.stderr);
        for token in ["perriod", "cloudwatsh"] {
            assert!(ended.stderr.contains(&place(token)), "{command}, {}: {}", place(token), ended.stderr);
        }
        assert!(ended.stderr.contains("2 errors"), "{command}: {}", ended.stderr);
    }
    let right = config_file(&config("localhost:0", "{ region: us-east-1 }"));
    let ended = Program::start(["validate", "-c", right.to_str().unwrap()]).ended().await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_in_use_is_1_and_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let file = config_file(&config(&format!("'{address}'"), "{ region: us-east-1 }"));
    let path = file.to_str().unwrap();
    let ended = Program::start(["validate", "-c", path]).ended().await;
    assert_eq!(ended.code, Some(0), "validate opens nothing: {}", ended.stderr);
    let ended = Program::start(["run", "-c", path]).ended().await;
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    let error = ended.stderr.lines().find(|line| line.starts_with("error:")).unwrap_or_default();
    assert!(error.contains(&address) && error.contains("receiver otlp"), "{}", ended.stderr);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_usage_is_2() {
    for arguments in [&["run"][..], &["run", "--no-such-flag"], &["validate", "-c", "no/such/file.yaml"]] {
        let ended = within("the end", Program::start(arguments).ended()).await;
        assert_eq!(ended.code, Some(2), "{arguments:?}: {}", ended.stderr);
    }
}
