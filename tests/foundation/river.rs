//! The scenario: two OTLP doors and a machine, into two branches that name everything differently, one of which holds batches
//! for longer than the aliases of their series live; series that come and go, and a name that becomes known late.

use std::{fs, path::Path, sync::Arc, time::Duration};

use tokio::{task::JoinSet, time::timeout};
use weir_cloudwatch_local::CloudWatchLocal;
use weir_core::{Clock, Interner, InternerStats, Process, UnixNanos, pressure};

use crate::{
    engine::{Engine, Stopped, address},
    far_end::{FarEnd, LATE},
    host::Host,
    senders::{CONNECTIONS, Doors, ROUND, Sender, Sent, connect},
    truth::{Kind, Number, SENDERS, Total},
};

/// How much faster than the real one the clock runs.
const RATE: f64 = 110.0;
/// Longer than this in real time is a hang.
const PATIENCE: Duration = Duration::from_secs(240);
/// When the late name becomes known.
const PUBLISHED: Duration = Duration::from_secs(18 * 60);
/// From then on memory must be flat: batches held long are gone, and as many series expire as come.
const SETTLED: Duration = Duration::from_secs(38 * 60);

/// An hour: most series ever made have expired by its end.
pub(crate) const LONG: Duration = Duration::from_secs(60 * 60);
/// As long as it takes for batches whose series have expired to be let go.
pub(crate) const SHORT: Duration = Duration::from_secs(23 * 60);

const YAML: &str = "
receivers:
  otlp: {protocols: {grpc: {endpoint: '127.0.0.1:0'}}}
  otlp/second: {protocols: {grpc: {endpoint: '127.0.0.1:0'}}}
  procfs: {collection_interval: 30s, root_path: 'ROOT', scrapers: {load: , memory: , network: }}
processors:
  hold: {long: 16m, relents: 20m, short: 30s}
  dimensions/direct:
    detectors: [k8s_downward]
    k8s_downward: {path: 'ROOT'}
    actions:
      - {key: service, action: insert, from_resource: service.name}
      - {key: host, action: insert, from_metadata: k8s.pod.uid}
  dimensions/held:
    resource:
      - {key: app, action: rename, from_attribute: service.name}
    actions:
      - {key: item, action: rename, from_attribute: series}
      - {key: app, action: insert, from_resource: app}
      - {key: branch, action: upsert, value: held}
  delta: {max_staleness: 15m}
exporters:
  cloudwatch/direct: {namespace: River/Direct, endpoint: ENDPOINT}
  cloudwatch/held: {namespace: River/Held, endpoint: ENDPOINT}
service:
  # The clock runs fast and the machine does not: what is fast enough in life must not look slow here.
  limits: {edge_bytes: 256MiB, edge_wait: 10m}
  shutdown_timeout: 3h
  pipelines:
    metrics/direct:
      receivers: [otlp, otlp/second, procfs]
      processors: [dimensions/direct, delta]
      exporters: [cloudwatch/direct]
    metrics/held:
      receivers: [otlp, otlp/second]
      processors: [hold, dimensions/held, delta]
      exporters: [cloudwatch/held]
";

/// What a run has shown.
#[derive(Debug)]
#[expect(dead_code, reason = "figures that the test prints")]
pub(crate) struct Outcome {
    /// What was wrong; empty if all went well.
    pub(crate) findings: Vec<String>,
    /// How long the river flowed, by its own clock: much longer than asked for where the machine is too slow.
    pub(crate) flowed: Duration,
    /// Streams, and names of them, that were ever made.
    pub(crate) made: Made,
    /// Until the river had settled, and from then on.
    pub(crate) memory: [Memory; 2],
    /// The interner's figures at the end.
    pub(crate) interner: InternerStats,
    /// Points that were sent.
    pub(crate) points: u64,
}

/// What an interner that forgot nothing would hold.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Made {
    /// Streams of the senders.
    pub(crate) streams: usize,
    /// Their names: at the door, in either branch, and of a counter also as a delta in either branch.
    pub(crate) names: usize,
}

impl Made {
    fn by(all: &[Total]) -> Self {
        let sent = all.iter().enumerate().filter(|(_, total)| total.samples > 0);
        let numbers = sent.map(|(number, _)| Number(number as u32));
        // The second door's counters are streams of their own.
        let streams = numbers.chain((0..SENDERS).map(Number::lasting_counter));
        streams.fold(Self::default(), |made, number| {
            let names = if number.kind() == Kind::Counter { 5 } else { 3 };
            Self { streams: made.streams + 1, names: made.names + names }
        })
    }
}

/// The most memory that a stretch of time has seen.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Memory {
    /// The interner's slots.
    pub(crate) slots: usize,
    /// The process's resident set, in bytes.
    pub(crate) resident: u64,
}

impl Memory {
    fn measure(&mut self, process: &Process) {
        self.slots = self.slots.max(process.interner.stats().slots);
        self.resident = self.resident.max(pressure::resident_bytes());
    }
}

/// Lets the river run for `length`, and reports.
pub(crate) async fn run(interner: Interner, length: Duration) -> Outcome {
    let host = Host::write(&format!("{}", length.as_secs()));
    let yaml = YAML.replace("ROOT", &host.root().display().to_string());
    let engine = Engine::new(Clock::compressed(RATE), interner, &yaml).await;
    let rounds = (length.as_secs() / ROUND.as_secs()) as u32;
    let far_end = FarEnd::new(Number::count(rounds));
    let flow = async |process: &Process, cloudwatch: &CloudWatchLocal| {
        flow(process, cloudwatch, far_end, rounds, host.root()).await
    };
    let running = engine.run(flow);
    let (stopped, flown) = timeout(PATIENCE, running).await.expect("a river that ends");
    judge(&stopped, flown, length)
}

/// What one run leaves behind.
struct Flown {
    far_end: FarEnd,
    sent: Vec<Sent>,
    flowed: Duration,
    memory: [Memory; 2],
    interner: InternerStats,
}

async fn flow(
    process: &Process,
    cloudwatch: &CloudWatchLocal,
    mut far_end: FarEnd,
    rounds: u32,
    volume: &Path,
) -> Flown {
    let first = connect(&address(process, "otlp"), CONNECTIONS).await;
    let second = connect(&address(process, "otlp/second"), 1).await.remove(0);
    let doors = Arc::new(Doors { first, second });
    let clock = &process.clock;
    let begin = clock.now();
    let mut senders = JoinSet::new();
    for id in 0..SENDERS {
        let sender = Sender::new(id, rounds, Arc::clone(&doors), clock.clone());
        senders.spawn(sender.run(rounds));
    }
    let (mut sent, mut memory) = (Vec::new(), [Memory::default(); 2]);
    loop {
        tokio::select! {
            ended = senders.join_next() => match ended {
                Some(ended) => sent.push(ended.expect("a sender that ends well")),
                None => break,
            },
            () = clock.sleep(ROUND) => {
                far_end.absorb(cloudwatch.store().take_journal());
                let passed = clock.now().since(begin);
                if passed >= PUBLISHED && far_end.published.is_none() {
                    far_end.published = Some(publish(process, volume).await);
                }
                memory[usize::from(passed >= SETTLED)].measure(process);
            }
        }
    }
    Flown { far_end, sent, flowed: clock.now().since(begin), memory, interner: process.interner.stats() }
}

/// Lets the kubelet write the late name into the volume; answers a time from which on every point must carry it.
async fn publish(process: &Process, volume: &Path) -> UnixNanos {
    let before = process.metadata.version();
    fs::write(volume.join("new"), LATE.1).expect("a file");
    fs::rename(volume.join("new"), volume.join("uid")).expect("a file beside it");
    while process.metadata.version() == before {
        process.clock.sleep(Duration::from_secs(1)).await;
    }
    process.clock.now()
}

fn judge(stopped: &Stopped, flown: Flown, length: Duration) -> Outcome {
    let Flown { mut far_end, mut sent, flowed, memory, interner } = flown;
    far_end.absorb(stopped.cloudwatch.store().take_journal());
    let mut findings = stopped.findings();
    findings.extend(stopped.losses());
    findings.extend(sent.iter_mut().flat_map(|sent| std::mem::take(&mut sent.refused)));
    findings.extend(counts(stopped, &far_end, &sent));
    if far_end.late.contains(&0) {
        findings.push(format!("datums with and without the late name: {:?}", far_end.late));
    }
    let all = by_number(&sent);
    let made = Made::by(&all);
    if length >= LONG {
        findings.extend(grown(memory, interner, made));
    }
    findings.extend(far_end.findings(&all));
    let points = sent.iter().map(|sent| sent.points[0] + sent.points[1]).sum();
    Outcome { findings, flowed, made, memory, interner, points }
}

/// Where the books of a node differ from what its outside counted.
fn counts(stopped: &Stopped, far_end: &FarEnd, sent: &[Sent]) -> Vec<String> {
    let door = |which: usize| sent.iter().map(|sent| sent.points[which]).sum::<u64>();
    let arrived = |branch: usize| far_end.totals[branch].iter().map(|total| total.samples).sum::<u64>();
    let taken = |node: &str| stopped.account(node).taken;
    let passed = |node: &str| stopped.account(node).passed;
    let baselines = stopped.account("processor delta@metrics/direct").merged;
    let pairs = [
        ("the first door took what was sent", taken("receiver otlp"), door(0)),
        ("the second door took what was sent", taken("receiver otlp/second"), door(1)),
        (
            "direct delivered what arrived",
            passed("exporter cloudwatch/direct"),
            arrived(0) + far_end.host_samples,
        ),
        ("held delivered what arrived", passed("exporter cloudwatch/held"), arrived(1)),
        ("the machine's points arrived", taken("receiver procfs"), far_end.host_samples + baselines),
    ];
    let differing = pairs.into_iter().filter(|(_, books, outside)| books != outside);
    differing.map(|(what, books, outside)| format!("not so: {what}: {books} and {outside}")).collect()
}

/// Where memory followed the number of series ever made, and not that of series alive.
fn grown([until, since]: [Memory; 2], end: InternerStats, made: Made) -> Vec<String> {
    let mut found = Vec::new();
    if end.streams * 2 > made.streams {
        found.push(format!("{} streams of {} ever made have not expired", end.streams, made.streams));
    }
    if end.slots * 2 > made.names {
        found.push(format!("{} slots for {} names ever made", end.slots, made.names));
    }
    if since.slots * 10 > until.slots * 11 {
        found.push(format!("slots grew from {} to {}", until.slots, since.slots));
    }
    if since.resident * 10 > until.resident * 12 {
        found.push(format!("resident memory grew from {} to {}", until.resident, since.resident));
    }
    found
}

fn by_number(sent: &[Sent]) -> Vec<Total> {
    let each = sent.first().map_or(0, |sent| sent.totals.len());
    let mut all = vec![Total::default(); each * SENDERS as usize];
    for sent in sent {
        for (place, total) in sent.totals.iter().enumerate().filter(|(_, total)| total.samples > 0) {
            all[place * SENDERS as usize + sent.id as usize] = *total;
        }
    }
    all
}
