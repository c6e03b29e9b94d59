//! A graph in this process: from a configuration to its end, and what its books say then.

use std::sync::Arc;

use tokio::sync::oneshot;
use weir_cloudwatch_local::{CloudWatchLocal, Options, Retention};
use weir_config::{Diagnostics, Env, Source, load};
use weir_core::{Account, Clock, Component, Ending, Graph, Interner, Plan, Process, plan};

use crate::hold::Hold;

/// A process with its graph's plan, and the CloudWatch that it sends to.
pub(crate) struct Engine {
    pub(crate) process: Process,
    pub(crate) cloudwatch: CloudWatchLocal,
    plan: Plan,
}

impl Engine {
    /// Reads `yaml`, where `ENDPOINT` stands for the CloudWatch's.
    pub(crate) async fn new(clock: Clock, interner: Interner, yaml: &str) -> Self {
        let now = clock.clone();
        // The journal is what is checked; a store that grew would look like a leak of Weir's.
        let retention = Retention { datapoints_per_series: 2, metrics: 1000 };
        let options = Options { retention, journal: true, ..Options::new(Arc::new(move || now.now().0)) };
        let cloudwatch =
            CloudWatchLocal::bind(([127, 0, 0, 1], 0).into(), options).await.expect("a free port");
        let yaml = yaml.replace("ENDPOINT", &cloudwatch.endpoint());
        Self { process: Process::new(clock, interner), plan: planned(yaml), cloudwatch }
    }

    /// Runs the graph while `act` acts, then drains it. Answers how the graph ended and what `act` returned; `act` does not
    /// begin before everything is started.
    pub(crate) async fn run<T>(self, act: impl AsyncFnOnce(&Process, &CloudWatchLocal) -> T) -> (Stopped, T) {
        let Self { process, cloudwatch, plan } = self;
        let graph = Graph::build(plan, &process);
        let (started, begin) = oneshot::channel();
        let (stop, stopped) = oneshot::channel();
        let stop_requested = async {
            // Acting may end by a panic, which stops the graph too.
            let _: Result<(), _> = stopped.await;
        };
        let acting = async {
            begin.await.expect("a graph that starts");
            let acted = act(&process, &cloudwatch).await;
            stop.send(()).expect("a graph that still runs");
            acted
        };
        let running = graph.run(stop_requested, || started.send(()).expect("somebody who waits"));
        let (ending, acted) = tokio::join!(running, acting);
        let ending = ending.expect("a graph that starts");
        (Stopped { process, cloudwatch, ending }, acted)
    }
}

fn planned(yaml: String) -> Plan {
    let mut registry = weir_receivers::registry();
    registry.extend(weir_processors::registry());
    registry.extend(weir_exporters::registry());
    registry.push(Component::processor::<Hold>());
    let mut diags = Diagnostics::new();
    let source = Source::Text { name: "foundation.yaml".to_owned(), text: yaml };
    let document = load(&[source], &[], &Env::from_pairs([("", "")]), &mut diags);
    let plan = plan(document.root(), &registry, &mut diags);
    assert!(!diags.has_errors(), "{}", diags.render(document.sources(), false));
    plan.expect("a plan without errors")
}

/// Where the receiver `id` listens.
pub(crate) fn address(process: &Process, id: &str) -> String {
    let report = process.health.report();
    let row = report.components.iter().find(|row| row.name == format!("receiver {id}")).expect("a receiver");
    format!("http://{}", row.row.listening.first().expect("an address"))
}

/// A graph that has ended.
pub(crate) struct Stopped {
    pub(crate) process: Process,
    pub(crate) cloudwatch: CloudWatchLocal,
    pub(crate) ending: Ending,
}

impl Stopped {
    /// The books of a node, such as `receiver otlp`.
    pub(crate) fn account(&self, name: &str) -> Account {
        let nodes = self.process.ledger.nodes();
        nodes.into_iter().find(|node| node.name() == name).expect("a node of this name").ledger.read()
    }

    /// What is wrong with the end: it is not an orderly one, the books do not add up, something is still held.
    pub(crate) fn findings(&self) -> Vec<String> {
        let mut found = self.process.ledger.discrepancies();
        if self.ending != Ending::Stopped {
            found.push(format!("the graph ended otherwise than by being stopped: {:?}", self.ending));
        }
        for node in self.process.ledger.nodes() {
            let held = node.ledger.read().held;
            if held > 0 {
                found.push(format!("{} still holds {held} points", node.name()));
            }
        }
        found
    }

    /// Every point that was dropped, refused, or missed by a branch.
    pub(crate) fn losses(&self) -> Vec<String> {
        let mut found = Vec::new();
        for node in self.process.ledger.nodes() {
            let Account { dropped, refused, .. } = node.ledger.read();
            for (what, reasons) in [("dropped", dropped), ("refused", refused)] {
                let words = reasons
                    .iter()
                    .map(|(reason, points)| format!("{} {what} {points} points: {reason}", node.name()));
                found.extend(words);
            }
        }
        for edge in self.process.ledger.edges() {
            for (reason, points) in edge.ledger.dropped() {
                found.push(format!("the edge from {} to {} missed {points}: {reason}", edge.from, edge.to));
            }
        }
        found
    }
}
