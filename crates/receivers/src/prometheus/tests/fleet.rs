//! Many targets, a third of them dead: each of the others is scraped when it is due.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::io::AsyncWriteExt as _;
use weir_core::{Clock, ReceiverFactory as _, TargetState};
use weir_testkit::{Fixture, ROOM, way_out};

use super::{
    config::good,
    harness::{nobody, peer, text},
};
use crate::prometheus::Prometheus;

const TARGETS: usize = 600;
/// So many intervals of ten seconds are watched, on a clock that runs twice as fast.
const INTERVALS: usize = 3;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_target_is_scraped_once_an_interval_though_others_refuse_and_hang() {
    let asked: Arc<Mutex<HashMap<String, Vec<u64>>>> = Arc::default();
    let fixture = Fixture::with_clock(Clock::compressed(2.0));
    let context = fixture.context("prometheus");
    let (noted, clock) = (Arc::clone(&asked), context.clock.clone());
    let live = peer(move |mut stream, head| {
        let path = head.split_whitespace().nth(1).unwrap_or_default().to_owned();
        noted.lock().unwrap().entry(path).or_default().push(clock.now().0);
        async move {
            let _ = stream.write_all(text("a 1\n").as_bytes()).await;
        }
    });
    let silent = peer(|stream, _| async move {
        std::future::pending::<()>().await;
        drop(stream);
    });
    let (live, silent, refusing) = (live.await, silent.await, nobody().await);
    let mut groups = String::new();
    for number in 0..TARGETS {
        let address = [live, live, live, live, refusing, silent][number % 6];
        groups += &format!("      - {{targets: ['{address}'], labels: {{__metrics_path__: /{number}}}}}\n");
    }
    let job = "scrape_configs:\n  - job_name: fleet\n    scrape_interval: 10s\n    scrape_timeout: 10s\n    static_configs:\n";
    let (output, mut inbox) = way_out(&context, ROOM);
    let running =
        tokio::spawn(Prometheus::build(good(&format!("{job}{groups}")), context.clone()).run(output));
    let emptied = tokio::spawn(async move { while inbox.recv().await.is_some() {} });
    context.clock.sleep(Duration::from_secs(10 * INTERVALS as u64 + 5)).await;
    let targets = context.status.targets().unwrap();
    let states = targets.states();
    let outcomes = targets.outcomes();
    context.drain.begun.cancel();
    running.await.unwrap().unwrap();
    emptied.await.unwrap();

    let asked = asked.lock().unwrap();
    assert_eq!(asked.len(), TARGETS * 4 / 6, "every live target was asked");
    for (path, times) in asked.iter() {
        // A window of three and a half intervals holds three or four moments of each offset.
        assert!((INTERVALS..=INTERVALS + 1).contains(&times.len()), "{path}: {times:?}");
    }
    assert_eq!(states[&TargetState::Up] as usize, TARGETS * 4 / 6);
    assert_eq!(states[&TargetState::Down] as usize, TARGETS * 2 / 6);
    assert!(!outcomes.contains_key("missed"), "{outcomes:?}");
    assert!(outcomes["refused"] >= (INTERVALS * TARGETS / 6) as u64, "{outcomes:?}");
    assert!(outcomes["timeout"] >= ((INTERVALS - 1) * TARGETS / 6) as u64, "{outcomes:?}");
}
