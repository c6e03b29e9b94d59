use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use tokio::io::AsyncWriteExt as _;
use weir_core::Clock;
use weir_testkit::{Fixture, way_out};

use super::*;
use crate::prometheus::{
    discovery::ADDRESS,
    receiver::{PrometheusReceiver, Ready},
    tests::{
        config::good,
        harness::{PATIENCE, peer, text},
    },
};

#[tokio::test]
async fn points_that_wait_for_room_keep_no_other_target_waiting() {
    let asked = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&asked);
    let target = peer(move |mut stream, _| {
        counted.fetch_add(1, Relaxed);
        async move {
            let _ = stream.write_all(text("a 1\n").as_bytes()).await;
        }
    });
    let target = target.await.to_string();
    let mut fixture = Fixture::with_clock(Clock::system());
    fixture.drain.once = true;
    let context = fixture.context("prometheus");
    // What comes first passes; the rest waits until that is taken.
    let (output, mut inbox) = way_out(&context, 1);
    let receiver = PrometheusReceiver::new(
        good("scrape_configs: [{job_name: job, static_configs: [{}]}]"),
        context.clone(),
    );
    let Ready { jobs, .. } = receiver.make_ready().unwrap();
    let mut manager = Manager::new(jobs, context, output);
    manager.places = Arc::new(Semaphore::new(1));
    let of_path = |path| [(ADDRESS, &*target), ("__metrics_path__", path)].into_iter().collect();
    let group = Group { targets: ["/1", "/2", "/3"].map(of_path).into(), ..Group::default() };
    let (updates, heard) = mpsc::channel(1);
    updates.send(Update { job: 0, source: 0, groups: vec![group] }).await.unwrap();
    let running = tokio::spawn(manager.run(heard));
    let all_were_asked = async {
        while asked.load(Relaxed) < 3 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, all_were_asked)
        .await
        .expect("three scrapes, though the points of one wait");
    while inbox.recv().await.is_some() {}
    running.await.unwrap().unwrap();
}
