//! Whole graphs of small components: what reaches whom, what is counted, and how the end comes about.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::Relaxed},
};

use async_trait::async_trait;
use parking_lot::{Condvar, Mutex};
use schemars::JsonSchema;
use serde::Deserialize;
use weir_config::{Diagnostics, Env, Source, load};

use super::*;
use crate::{
    Attributes, Batch, Clock, Component, ComponentError, Config, Context, Descriptor, Exporter,
    ExporterFactory, Factory, Identity, Inbox, Interner, Number, NumberPoint, Out, Output, Processor,
    ProcessorFactory, Receiver, ReceiverFactory, Scope, State, UnixNanos, Verdict, plan,
};

#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
struct Options {
    /// Batches to send, or to take before it acts.
    batches: u64,
    /// Points a batch.
    points: u64,
    /// What goes wrong.
    fault: String,
}

impl Config for Options {}

/// Sends its batches, or goes on until told to stop when there is no number of them.
struct Source_(Options, Context);

#[async_trait]
impl Receiver for Source_ {
    async fn start(&mut self) -> Result<(), ComponentError> {
        match self.0.fault.as_str() {
            "start" => Err(ComponentError::Unavailable("the address is in use".to_owned())),
            _ => Ok(()),
        }
    }

    async fn run(self: Box<Self>, output: Output) -> Result<(), ComponentError> {
        let Self(options, context) = *self;
        let door = context.doors.open(&context.id);
        let mut sent = 0;
        while !context.drain.begun.is_cancelled() && (options.batches == 0 || sent < options.batches) {
            let mut batch = Batch::new(&context.interner);
            let mut sender = door.sender(b"", None);
            for i in 0..options.points {
                let name = format!("{i}");
                let series = sender.resolve(name.as_bytes(), |interner| Identity {
                    resource: interner.resource(Attributes::default(), ""),
                    scope: interner.scope(Scope::default()),
                    descriptor: interner.descriptor(Descriptor::gauge(&name, "1")),
                    attributes: Attributes::default(),
                });
                let (now, id) = (context.clock.now(), series.unwrap().series);
                batch.numbers.push(NumberPoint::new(id, UnixNanos(0), now, Number::Int(1)));
            }
            drop(sender);
            context.ledger.take(options.points);
            if let Err(refused) = output.send(batch).await {
                context.ledger.refuse(refused.reason, refused.points);
            }
            sent += 1;
            tokio::task::yield_now().await;
        }
        if options.fault != "ends" {
            context.drain.begun.cancelled().await;
        }
        Ok(())
    }
}

/// Passes batches on, holding the last one back until the next.
struct Keeper(Options, Vec<Batch>);

impl Processor for Keeper {
    fn process(&mut self, batch: Batch, out: &mut Out) {
        assert!(self.0.fault != "panic", "on purpose");
        self.flush(out);
        self.1.push(batch);
    }

    fn flush(&mut self, out: &mut Out) {
        self.1.drain(..).for_each(|batch| out.push(batch));
    }

    fn held(&self) -> u64 {
        self.1.iter().map(Batch::points).sum()
    }
}

/// What arrived, by exporter id: the independent count.
static ARRIVED: Mutex<Vec<(String, u64)>> = Mutex::new(Vec::new());

fn arrived(id: &str) -> u64 {
    ARRIVED.lock().iter().filter(|(name, _)| name == id).map(|(_, points)| points).sum()
}

/// Frees the sink that blocks its thread.
static BLOCKED: (Mutex<bool>, Condvar) = (Mutex::new(false), Condvar::new());

struct Sink(Options, Context);

#[async_trait]
impl Exporter for Sink {
    async fn run(self: Box<Self>, mut inbox: Inbox) -> Result<(), ComponentError> {
        let Self(options, context) = *self;
        if options.fault == "stuck" {
            std::future::pending::<()>().await;
        }
        if options.fault == "stalls" {
            context.clock.sleep(Duration::from_secs(20)).await;
        }
        if options.fault == "blocks" {
            let mut freed = BLOCKED.0.lock();
            BLOCKED.1.wait_while(&mut freed, |freed| !*freed);
        }
        let mut taken = 0;
        while let Some(delivery) = inbox.recv().await {
            taken += 1;
            let points = delivery.batch.points();
            if options.fault == "holds" {
                context.ledger.hold(taken * points);
                if taken == options.batches {
                    return Err(ComponentError::Failed("lost it".to_owned()));
                }
                continue;
            }
            ARRIVED.lock().push((context.id.to_string(), points));
            context.ledger.pass(points);
            delivery.ack.settle(Verdict::Delivered);
            if options.fault == "fails" && taken == options.batches {
                return Err(ComponentError::Failed("the disk is full".to_owned()));
            }
        }
        Ok(())
    }
}

macro_rules! factories {
    ($($factory:ident $name:literal $trait:ident $what:ident ($config:ident, $context:ident $(, $prior:ident)?) $make:expr;)*) => {$(
        struct $factory;
        impl Factory for $factory {
            type Config = Options;
            const TYPE: &'static str = $name;
            const SUMMARY: &'static str = "for tests";
        }
        impl $trait for $factory {
            fn build($config: Options, $context: Context $(, $prior: Option<State>)?) -> Box<dyn $what> {
                Box::new($make)
            }
        }
    )*};
}

factories! {
    SourceFactory "source" ReceiverFactory Receiver (config, context) Source_(config, context);
    KeeperFactory "keeper" ProcessorFactory Processor (config, _context, _prior) Keeper(config, Vec::new());
    SinkFactory "sink" ExporterFactory Exporter (config, context) Sink(config, context);
}

struct Run {
    process: Process,
    ending: Result<Ending, StartError>,
}

/// Runs `yaml` under a clock 100 times as fast until `until` says so.
async fn run(yaml: &str, until: impl Fn(&Process) -> bool) -> Run {
    let registry = [
        Component::receiver::<SourceFactory>(),
        Component::processor::<KeeperFactory>(),
        Component::connector::<KeeperFactory>(),
        Component::exporter::<SinkFactory>(),
    ];
    let mut diags = Diagnostics::new();
    let source = Source::Text { name: "t.yaml".to_owned(), text: yaml.to_owned() };
    let document = load(&[source], &[], &Env::from_pairs([("", "")]), &mut diags);
    let plan = plan(document.root(), &registry, &mut diags);
    assert!(!diags.has_errors(), "{}", diags.render(document.sources(), false));
    let process = Process::new(Clock::compressed(100.0), Interner::new(1000));
    let graph = Graph::build(plan.unwrap(), &process);
    let stop = async {
        while !until(&process) {
            tokio::task::yield_now().await;
        }
    };
    let started = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&started);
    let ending = graph.run(stop, move || flag.store(true, Relaxed)).await;
    assert_eq!(started.load(Relaxed), ending.is_ok());
    Run { process, ending }
}

fn account(process: &Process, name: &str) -> crate::Account {
    process.ledger.nodes().into_iter().find(|node| node.name() == name).unwrap().ledger.read()
}

fn never(_: &Process) -> bool {
    false
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_sent_arrives_and_what_is_held_is_flushed() {
    let yaml = "
receivers: {source: {batches: 50, points: 7}}
processors: {keeper: }
exporters: {sink/flush: }
service: {pipelines: {metrics: {receivers: [source], processors: [keeper], exporters: [sink/flush]}}}";
    let done = |p: &Process| account(p, "receiver source").passed == 350;
    let run = run(yaml, done).await;
    assert_eq!(run.ending.unwrap(), Ending::Stopped);
    assert_eq!(arrived("sink/flush"), 350);
    assert_eq!(run.process.ledger.discrepancies(), [""; 0]);
    assert!(!run.process.health.report().ready, "drained");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_pipelines_share_a_receiver_and_a_dead_exporter_does_not_stop_the_other() {
    let yaml = "
receivers: {source: {points: 100}}
exporters: {sink/alive: , sink/dead: {fault: stuck}}
service:
  limits: {edge_bytes: 64KiB, edge_wait: 100ms}
  shutdown_timeout: 2s
  pipelines:
    metrics/a: {receivers: [source], exporters: [sink/alive]}
    metrics/b: {receivers: [source], exporters: [sink/dead]}";
    let run = run(yaml, |_| arrived("sink/alive") > 10_000).await;
    assert_eq!(run.ending.unwrap(), Ending::TimedOut, "the dead one never ends by itself");
    let process = &run.process;
    assert_eq!(process.ledger.discrepancies(), [""; 0]);
    assert_eq!(arrived("sink/alive"), account(process, "receiver source").passed);
    let edges = process.ledger.edges();
    let dead = edges.iter().find(|edge| &*edge.to == "exporter sink/dead").unwrap();
    assert!(dead.ledger.dropped()[&Reason::QUEUE_FULL] > 0);
    assert!(dead.ledger.passed() * 40 <= 64 * 1024, "bounded by the edge's bytes");
    assert_eq!(account(process, "exporter sink/dead").dropped[&Reason::NODE_ENDED], dead.ledger.passed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_a_processor_branches_that_all_stand_still_are_waited_for() {
    let yaml = "
receivers: {source: {batches: 50, points: 100}}
processors: {keeper: }
exporters: {sink/one: {fault: stalls}, sink/two: {fault: stalls}}
service:
  limits: {edge_bytes: 16KiB, edge_wait: 1s}
  pipelines: {metrics: {receivers: [source], processors: [keeper], exporters: [sink/one, sink/two]}}";
    let run = run(yaml, |p| account(p, "receiver source").passed == 5000).await;
    assert_eq!(run.ending.unwrap(), Ending::Stopped);
    let process = &run.process;
    assert_eq!(process.ledger.discrepancies(), [""; 0]);
    assert_eq!(account(process, "processor keeper@metrics").passed, 5000, "nothing is dropped");
    let edges = process.ledger.edges();
    for name in ["sink/one", "sink/two"] {
        let edge = edges.iter().find(|edge| *edge.to == *format!("exporter {name}")).unwrap();
        let missed: u64 = edge.ledger.dropped().values().sum();
        assert_eq!(arrived(name) + missed, 5000);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_processor_that_panics_ends_the_process_drained_and_unhealthy() {
    let yaml = "
receivers: {source: {points: 10}}
processors: {keeper: {fault: panic}}
exporters: {sink/panic: , sink/other: }
service:
  pipelines:
    metrics/bad: {receivers: [source], processors: [keeper], exporters: [sink/panic]}
    metrics/good: {receivers: [source], exporters: [sink/other]}";
    let run = run(yaml, never).await;
    let words = "processor keeper@metrics/bad panicked: on purpose";
    assert_eq!(run.ending.unwrap(), Ending::Failed(words.to_owned()));
    assert!(run.process.health.life_problems().contains(&words.to_owned()));
    assert_eq!(run.process.ledger.discrepancies(), [""; 0]);
    assert_eq!(arrived("sink/panic"), 0);
    assert_eq!(arrived("sink/other"), account(&run.process, "receiver source").passed);
    let keeper = account(&run.process, "processor keeper@metrics/bad");
    assert_eq!(keeper.dropped[&Reason::PANICKED], 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_ends_by_itself_is_a_failure() {
    let yaml = "
receivers: {source: {batches: 1, points: 1, fault: ends}}
exporters: {sink/early: }
service: {pipelines: {metrics: {receivers: [source], exporters: [sink/early]}}}";
    let ended = run(yaml, never).await;
    assert_eq!(ended.ending.unwrap(), Ending::Failed("receiver source ended by itself".to_owned()));
    let yaml = "
receivers: {source: {points: 1}}
exporters: {sink/fails: {fault: fails, batches: 3}}
service: {pipelines: {metrics: {receivers: [source], exporters: [sink/fails]}}}";
    let failed = run(yaml, never).await;
    assert_eq!(
        failed.ending.unwrap(),
        Ending::Failed("exporter sink/fails failed: the disk is full".to_owned())
    );
    assert_eq!(failed.process.ledger.discrepancies(), [""; 0]);
}

#[tokio::test]
async fn what_cannot_start_names_itself() {
    let yaml = "
receivers: {source: {fault: start}}
exporters: {sink: }
service: {pipelines: {metrics: {receivers: [source], exporters: [sink]}}}";
    let error = run(yaml, never).await.ending.unwrap_err();
    assert_eq!(error.to_string(), "receiver source cannot start: the address is in use");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connectors_join_pipelines_and_disabled_components_count_or_pass() {
    let yaml = "
receivers: {source: {batches: 5, points: 4}, source/off: {enabled: false}}
processors: {keeper: {enabled: false}}
connectors: {keeper/join: }
exporters: {sink/joined: , sink/off: {enabled: false}}
service:
  pipelines:
    metrics/in: {receivers: [source, source/off], processors: [keeper], exporters: [keeper/join, sink/off]}
    metrics/out: {receivers: [keeper/join], exporters: [sink/joined]}";
    let run = run(yaml, |p| account(p, "receiver source").passed == 20).await;
    assert_eq!(run.ending.unwrap(), Ending::Stopped);
    assert_eq!(arrived("sink/joined"), 20);
    assert_eq!(account(&run.process, "exporter sink/off").dropped[&Reason::DISABLED], 20);
    assert_eq!(run.process.ledger.discrepancies(), [""; 0]);
    assert!(run.process.ledger.nodes().iter().all(|node| !node.name().contains("source/off")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_every_receiver_switched_off_the_process_waits() {
    let yaml = "
receivers: {source: {enabled: false}}
processors: {keeper: }
exporters: {sink/idle: }
service: {pipelines: {metrics: {receivers: [source], processors: [keeper], exporters: [sink/idle]}}}";
    let clock = Clock::compressed(100.0);
    let start = clock.now();
    let run = run(yaml, |_| clock.now().since(start) > Duration::from_secs(5)).await;
    assert_eq!(run.ending.unwrap(), Ending::Stopped);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_for_room_when_the_time_to_drain_runs_out_is_counted() {
    let yaml = "
receivers: {source: {points: 10}}
processors: {keeper: }
exporters: {sink/full: {fault: stuck}}
service:
  limits: {edge_bytes: 1KiB}
  shutdown_timeout: 2s
  pipelines: {metrics: {receivers: [source], processors: [keeper], exporters: [sink/full]}}";
    let keeper = "processor keeper@metrics";
    let full = |p: &Process| {
        let account = account(p, keeper);
        // The edge took one; of the others one waits for room, one is held, and one waits in the edge before.
        account.taken >= 30 && account.held == 10
    };
    let run = run(yaml, full).await;
    assert_eq!(run.ending.unwrap(), Ending::TimedOut);
    let account = account(&run.process, keeper);
    assert!(account.balances() && account.held == 0, "{account:?}");
    // The abort of the exporter may reach the keeper before its own does: then its neighbour has ended.
    let lost = [Reason::SHUTDOWN, Reason::NODE_ENDED]
        .map(|reason| account.dropped.get(&reason).copied().unwrap_or(0));
    assert!(lost[0] + lost[1] >= 20 && account.dropped_total() == lost[0] + lost[1], "{account:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_node_held_when_it_failed_is_counted_as_lost() {
    let yaml = "
receivers: {source: {batches: 9, points: 7}}
exporters: {sink/holds: {fault: holds, batches: 2}}
service: {pipelines: {metrics: {receivers: [source], exporters: [sink/holds]}}}";
    let run = run(yaml, never).await;
    assert_eq!(run.ending.unwrap(), Ending::Failed("exporter sink/holds failed: lost it".to_owned()));
    let account = account(&run.process, "exporter sink/holds");
    assert!(account.balances() && account.held == 0, "{account:?}");
    assert_eq!(account.dropped_total(), account.taken, "{account:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_node_that_blocks_its_thread_is_left_behind() {
    let yaml = "
receivers: {source: {batches: 1, points: 1}}
exporters: {sink/blocks: {fault: blocks}}
service:
  shutdown_timeout: 2s
  pipelines: {metrics: {receivers: [source], exporters: [sink/blocks]}}";
    let run = run(yaml, |p| account(p, "receiver source").passed == 1).await;
    assert_eq!(run.ending.unwrap(), Ending::TimedOut);
    *BLOCKED.0.lock() = true;
    BLOCKED.1.notify_all();
}
