//! 10,000 targets, a third of them dead: half of the dead refuse, the others hang until their time is up. Each live target is asked
//! once an interval, and memory stays where it was. In the short form 1,000 targets.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use crate::{is_long, until, weir};

/// In seconds; each target has a moment of its own in it.
const INTERVAL: u64 = 10;
/// How long the memory of the second half may grow over that of the first: a dead target's scrapes leave nothing behind.
const GROWTH: f64 = 1.15;

/// When each path was asked for.
type Asked = Arc<Mutex<HashMap<String, Vec<Instant>>>>;

async fn answer(mut stream: TcpStream, asked: Asked) {
    let mut head = Vec::with_capacity(512);
    let mut bytes = [0; 512];
    while let Ok(read @ 1..) = stream.read(&mut bytes).await {
        head.extend_from_slice(&bytes[..read]);
        if !head.ends_with(b"\r\n\r\n") {
            continue;
        }
        let path = String::from_utf8_lossy(&head).split_whitespace().nth(1).unwrap_or_default().to_owned();
        #[expect(clippy::disallowed_methods, reason = "a far end lives by the machine's time")]
        asked.lock().unwrap().entry(path).or_default().push(Instant::now());
        head.clear();
        let body = "# TYPE a counter\na{b=\"c\"} 1\na{b=\"d\"} 2\n# TYPE e gauge\ne 3\n";
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/plain; version=0.0.4\r\n";
        let answer = format!("{head}content-length: {}\r\n\r\n{body}", body.len());
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fleet_of_which_a_third_is_dead_is_scraped_when_it_is_due() {
    let (targets, rounds) = if is_long() { (10_000, 6) } else { (1_000, 2) };
    let of_live = (0..targets).filter(|number| number % 6 < 4).count();
    let asked = Asked::default();
    let live = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let silent = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let refusing = TcpListener::bind(("127.0.0.1", 0)).await.unwrap().local_addr().unwrap();
    let addresses = [live.local_addr().unwrap(), silent.local_addr().unwrap(), refusing];
    let noted = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((stream, _)) = live.accept().await {
            tokio::spawn(answer(stream, Arc::clone(&noted)));
        }
    });
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = silent.accept().await {
            // It takes what is sent, and never answers.
            tokio::spawn(async move { while stream.read(&mut [0; 512]).await.is_ok_and(|read| read > 0) {} });
        }
    });
    let mut groups = String::new();
    for number in 0..targets {
        let address = addresses[[0, 0, 0, 0, 1, 2][number % 6]];
        groups +=
            &format!("            - {{targets: ['{address}'], labels: {{__metrics_path__: /{number}}}}}\n");
    }
    let yaml = format!(
        "receivers:\n  prometheus:\n    scrape_configs:\n      - job_name: fleet\n        scrape_interval: {INTERVAL}s\n        \
         static_configs:\n{groups}processors: {{delta: }}\nexporters: {{file: {{path: /dev/null}}}}\nservice:\n  \
         pipelines:\n    metrics: {{receivers: [prometheus], processors: [delta], exporters: [file]}}\n"
    );
    let weir = weir(&yaml, &[]).await;
    let scrapes = |rounds: usize| {
        let asked = Arc::clone(&asked);
        move || asked.lock().unwrap().values().map(Vec::len).sum::<usize>() >= rounds * of_live
    };
    until("as often as half of that", scrapes(rounds / 2)).await;
    let early = weir.resident().unwrap();
    until("as often as is watched", scrapes(rounds)).await;
    let late = weir.resident().unwrap();
    weir.stop().await.unwrap();

    let asked = asked.lock().unwrap();
    assert_eq!(asked.len(), of_live);
    let gaps: Vec<Duration> =
        asked.values().flat_map(|times| times.windows(2).map(|pair| pair[1] - pair[0])).collect();
    let mean = gaps.iter().sum::<Duration>() / gaps.len() as u32;
    let worst = gaps.iter().max().unwrap();
    println!(
        "{targets} targets: gaps of {mean:?} in the mean, {worst:?} at most; RSS {early} then {late} bytes"
    );
    // No scrape was left out: the gap would be two intervals.
    assert!(*worst < Duration::from_secs(INTERVAL * 2 - 1), "a gap of {worst:?}");
    assert!(late as f64 <= early as f64 * GROWTH, "{early} bytes, then {late}");
}
