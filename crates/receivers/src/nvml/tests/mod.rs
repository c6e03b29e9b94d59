mod cards;
mod check;
mod config;
mod failures;
mod health;
mod instances;
mod page;
mod parts;
mod pods;
mod processes;
mod profiles;
mod release;
mod rows;
mod script;
mod xids;

use std::{collections::BTreeMap, time::Duration};

use tokio::task::JoinHandle;
use weir_config::Duration as ConfigDuration;
use weir_core::{Batch, ComponentError, Context, Inbox, Number, ReceiverFactory};
use weir_nvml_stub::{Node, Stub};
use weir_testkit::{Fixture, ROOM, way_out};

use super::{Nvml, NvmlConfig};

/// A receiver at work over a stub.
struct Watched {
    fixture: Fixture,
    stub: Stub,
    context: Context,
    inbox: Inbox,
    task: JoinHandle<Result<(), ComponentError>>,
}

impl Watched {
    fn over(stub: Stub, change: impl FnOnce(&mut NvmlConfig)) -> Self {
        let fixture = Fixture::new();
        let context = fixture.context("nvml");
        let (output, inbox) = way_out(&context, ROOM);
        let mut config = NvmlConfig {
            library: stub.path(),
            driver_folder: stub.folder().join("driver"),
            initial_delay: ConfigDuration::from_secs(0),
            ..NvmlConfig::default()
        };
        change(&mut config);
        let task = tokio::spawn(Nvml::build(config, context.clone()).run(output));
        Self { fixture, stub, context, inbox, task }
    }

    fn of(node: Node) -> Self {
        Self::over(Stub::new(node).unwrap(), |_| {})
    }

    /// The next batch; the clock stands still, so it is of a round that was due.
    async fn batch(&mut self) -> Batch {
        self.inbox.recv().await.expect("the receiver runs").into_batch()
    }

    /// What the next round of all tiers says: the first one, or the one of a minute later.
    async fn round(&mut self) -> BTreeMap<String, Number> {
        let batch = self.batch().await;
        readings(&self.fixture, &batch)
    }

    /// GPUs that the driver lists.
    fn lists(stub: &Stub, gpus: usize) {
        for gpu in 0..gpus {
            std::fs::create_dir_all(stub.folder().join(format!("driver/gpus/0000:{gpu:02x}:00.0"))).unwrap();
        }
    }

    /// Moves the clock to the next full minute, and answers that round.
    async fn minute_later(&mut self) -> BTreeMap<String, Number> {
        let batch = self.minutes_batch().await;
        readings(&self.fixture, &batch)
    }

    async fn minutes_batch(&mut self) -> Batch {
        let now = self.fixture.clock.now();
        self.fixture.clock.advance(Duration::from_nanos(60_000_000_000 - now.0 % 60_000_000_000));
        let due = self.fixture.clock.now();
        loop {
            let batch = self.batch().await;
            if batch.numbers.first().is_some_and(|point| point.time >= due) {
                return batch;
            }
        }
    }

    async fn ends(self) {
        self.context.drain.begun.cancel();
        self.task.await.unwrap().unwrap();
        let account = self.context.ledger.read();
        assert!(account.balances(), "{account:?}");
    }
}

/// A receiver that publishes every metric.
fn all(node: Node) -> Watched {
    Watched::over(Stub::new(node).unwrap(), |config| config.metrics = vec!["all".to_owned()])
}

/// The value of each point by `index metric{attribute=value,…}`.
fn readings(fixture: &Fixture, batch: &Batch) -> BTreeMap<String, Number> {
    fixture.readings(batch, |series| {
        let index = series.resource().attributes.get("gpu.index").map_or("-".to_owned(), ToString::to_string);
        format!("{index} ")
    })
}

/// Moves the clock by steps until there is a batch: of a round that waits until its time is over.
async fn late(watched: &mut Watched) -> BTreeMap<String, Number> {
    let clock = watched.fixture.clock.clone();
    let batch = loop {
        tokio::select! {
            biased;
            delivery = watched.inbox.recv() => break delivery.unwrap().into_batch(),
            () = tokio::task::yield_now() => clock.advance(Duration::from_millis(10)),
        }
    };
    readings(&watched.fixture, &batch)
}

fn has(readings: &BTreeMap<String, Number>, start: &str) -> bool {
    readings.keys().any(|name| name.starts_with(start))
}

fn int(readings: &BTreeMap<String, Number>, name: &str) -> i64 {
    match readings.get(name) {
        Some(Number::Int(value)) => *value,
        other => panic!("{name} is {other:?} among {:#?}", readings.keys()),
    }
}
