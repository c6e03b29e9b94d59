//! A receiver that scrapes peers on the loopback, and what is behind it.

use std::{collections::BTreeMap, future::Future, net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    time::timeout,
};
use weir_core::{Account, Clock, Number, ReceiverFactory as _, TargetRow};
use weir_testkit::{Fixture, ROOM, way_out};

use super::config::good;
use crate::prometheus::Prometheus;

/// Longer than anything here takes.
pub(in crate::prometheus) const PATIENCE: Duration = Duration::from_secs(120);

/// What came of a receiver that scraped each of its targets once.
pub(super) struct Once {
    pub(super) rows: Vec<TargetRow>,
    /// The numbers by name and attributes, such as `a{b="c"}`, each with its target's instance behind it.
    pub(super) numbers: BTreeMap<String, f64>,
    pub(super) account: Account,
    pub(super) outcomes: BTreeMap<&'static str, u64>,
}

impl Once {
    /// The row of the only target.
    #[track_caller]
    pub(super) fn row(&self) -> &TargetRow {
        let [row] = &*self.rows else { panic!("one target, not {:?}", self.rows) };
        row
    }

    /// The value of the only series of this name.
    #[track_caller]
    pub(super) fn value(&self, name: &str) -> f64 {
        let is_of = |key: &&String| key.split(['{', '@']).next() == Some(name);
        let found: Vec<&String> = self.numbers.keys().filter(is_of).collect();
        let [only] = &*found else { panic!("one `{name}` in {:?}", self.numbers) };
        self.numbers[*only]
    }
}

/// Scrapes every target of the configuration once.
pub(super) async fn once(configuration: &str) -> Once {
    let mut fixture = Fixture::with_clock(Clock::system());
    fixture.drain.once = true;
    let context = fixture.context("prometheus");
    let (output, mut inbox) = way_out(&context, ROOM);
    let running = Prometheus::build(good(configuration), context.clone()).run(output);
    let mut numbers = BTreeMap::new();
    let gathering = async {
        while let Some(delivery) = inbox.recv().await {
            let batch = delivery.into_batch();
            for point in &batch.numbers {
                let series = fixture.series(point.series);
                let attributes = series.attributes().iter().map(|one| format!("{}={:?}", one.key, one.value));
                let instance =
                    series.resource().attributes.iter().find(|one| &*one.key == "service.instance.id");
                let instance = instance.map(|one| format!("{:?}", one.value)).unwrap_or_default();
                let attributes: Vec<String> = attributes.collect();
                let key = format!("{}{{{}}}@{instance}", series.descriptor().name, attributes.join(","));
                let value = match point.value() {
                    Number::Int(value) => value as f64,
                    Number::Double(value) => value,
                };
                numbers.insert(key, value);
            }
        }
    };
    let (ended, ()) =
        timeout(PATIENCE, async { tokio::join!(running, gathering) }).await.expect("an end in time");
    ended.expect("a receiver that ends well");
    let account = context.ledger.read();
    let gone = account.passed + account.dropped.values().sum::<u64>() + account.refused.values().sum::<u64>();
    assert_eq!(account.taken + account.made, gone, "{account:?}");
    let targets = context.status.targets().expect("a table of targets");
    Once { rows: targets.rows(), numbers, account, outcomes: targets.outcomes() }
}

/// A configuration with one job for one target, and more keys of the job.
pub(super) fn job(target: impl std::fmt::Display, keys: &str) -> String {
    format!(
        "global: {{scrape_timeout: 5s}}\nscrape_configs:\n  - job_name: job\n    static_configs: [{{targets: ['{target}']}}]\n    {}\n",
        keys.replace('\n', "\n    ")
    )
}

/// A peer that reads the head of each request and then does as `with` says, with the path that was asked for.
pub(in crate::prometheus) async fn peer<F>(
    with: impl Fn(TcpStream, String) -> F + Send + Sync + 'static,
) -> SocketAddr
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let with = Arc::new(with);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let with = Arc::clone(&with);
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    let mut byte = [0];
                    match stream.read(&mut byte).await {
                        Ok(1) => head.push(byte[0]),
                        _ => return,
                    }
                }
                with(stream, String::from_utf8(head).unwrap()).await;
            });
        }
    });
    address
}

/// A peer that answers every request with these bytes and closes.
pub(super) async fn says(answer: impl Into<Vec<u8>>) -> SocketAddr {
    let answer: Arc<[u8]> = answer.into().into();
    peer(move |mut stream, _| {
        let answer = Arc::clone(&answer);
        async move {
            let _ = stream.write_all(&answer).await;
        }
    })
    .await
}

/// An answer of text, version 0.0.4.
pub(in crate::prometheus) fn text(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-type: text/plain; version=0.0.4\r\nconnection: close\r\n\r\n{body}")
}

/// An address that nobody listens at.
pub(super) async fn nobody() -> SocketAddr {
    TcpListener::bind(("127.0.0.1", 0)).await.unwrap().local_addr().unwrap()
}
