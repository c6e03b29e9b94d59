//! Restarts with a storage: what `delta` remembers outlives the process, and how exactly.

use std::{fs, path::PathBuf};

use crate::harness::{Application, FarEnd, SECOND, Weir, now, until};

const SERIES: usize = 50;

/// A directory for state, empty at first.
fn folder(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("restarts-{name}"));
    let _ = fs::remove_dir_all(&path);
    path
}

fn config(far: &FarEnd, storage: &std::path::Path, processors: &str) -> String {
    format!(
        "receivers:
  otlp:
    protocols: {{ grpc: {{ endpoint: 'localhost:0' }} }}
processors:
  dimensions:
    actions: [{{ key: series, action: rename, from_attribute: number }}]
  delta: {{ storage: file_storage, save_interval: 1s }}
exporters:
  cloudwatch: {}
extensions:
  file_storage: {{ directory: '{}' }}
service:
  extensions: [file_storage]
  pipelines:
    metrics: {{ receivers: [otlp], processors: {processors}, exporters: [cloudwatch] }}
",
        far.exporter(&[]),
        storage.display(),
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_sigterm_in_mid_traffic_and_a_new_start_the_total_is_exact() {
    let (far, storage) = (FarEnd::start().await, folder("exact"));
    let mut program: Option<Application> = None;
    // What a series is called before and after `delta` changes with each process.
    for processors in ["[dimensions, delta]", "[delta, dimensions]", "[dimensions, delta]"] {
        let weir = Weir::start(&config(&far, &storage, processors), &[]).await;
        let program = program.get_or_insert_with(|| Application::start("number", SERIES));
        let mut sender = weir.sender().await;
        for _ in 0..20 {
            program.count();
            sender.send(program.export()).await;
        }
        let traffic = async {
            // Until Weir hangs up: some of these are taken, and some are not.
            loop {
                program.count();
                if sender.try_send(program.export()).await.is_err() {
                    break;
                }
            }
        };
        tokio::join!(weir.drain(), traffic);
    }
    let mut program = program.unwrap();
    let weir = Weir::start(&config(&far, &storage, "[delta, dimensions]"), &[]).await;
    program.count();
    weir.sender().await.send(program.export()).await;
    let (ended, ledger) = weir.stop("TERM").await;
    assert!(ended.stderr.contains("goes on from the state of an orderly end"), "{}", ended.stderr);
    assert_eq!(ledger.row("processor delta@metrics").out, SERIES as u64);
    assert_eq!(program.too_much(&far), [0; SERIES]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_kill_9_nothing_is_missing_and_what_counts_twice_came_after_the_saved_state() {
    let (far, storage) = (FarEnd::start().await, folder("killed"));
    let file = config(&far, &storage, "[dimensions, delta]");
    let weir = Weir::start(&file, &[]).await;
    let mut program = Application::start("number", SERIES);
    let mut sender = weir.sender().await;
    // The state of points that were exported is saved; then a further window is.
    while weir.metric("weir_storage_saves", &[]) < 3.0 {
        program.count();
        sender.send(program.export()).await;
    }
    let exported = far.samples();
    while far.samples() == exported {
        program.count();
        sender.send(program.export()).await;
    }
    let killed = now();
    weir.program.signal("KILL");
    weir.program.ended().await;

    let weir = Weir::start(&file, &[]).await;
    let restarted = now();
    let mut sender = weir.sender().await;
    for _ in 0..5 {
        program.count();
        sender.send(program.export()).await;
    }
    let age = |line: &str| {
        let line = line.contains("ended without a word").then_some(line)?;
        let age = line.split_once("\"age\":\"")?.1.split_once("s\"")?.0;
        age.parse::<u64>().ok()
    };
    // Written in whole seconds, rounded down.
    let age = weir.program.stderr.wait_for("the age of the state", age).await + 1;
    weir.drain().await;

    let too_much = program.too_much(&far);
    assert!(too_much.iter().all(|points| *points >= 0), "points are missing: {too_much:?}");
    let since = restarted - age * SECOND;
    let at_most = program.counted(since..=killed);
    assert!(too_much.iter().sum::<i64>() <= at_most, "{too_much:?} is more than {at_most} in {age} s");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_state_does_not_hold_up_the_start() {
    let (far, storage) = (FarEnd::start().await, folder("damaged"));
    let place = storage.join("delta@metrics");
    fs::create_dir_all(&place).unwrap();
    fs::write(place.join("state"), "weirstat, and then something else").unwrap();
    let weir = Weir::start(&config(&far, &storage, "[dimensions, delta]"), &[]).await;
    let mut program = Application::start("number", SERIES);
    program.count();
    weir.sender().await.send(program.export()).await;
    let failures = || (weir.metric("weir_storage_failures", &[]) >= 1.0).then_some(());
    until("the failure to be counted", failures).await;
    let (ended, _) = weir.stop("TERM").await;
    assert!(ended.stderr.contains("set aside"), "{}", ended.stderr);
    assert!(place.join("state.set_aside").exists() && place.join("state").exists());
    assert_eq!(program.too_much(&far), [0; SERIES]);
}
