//! The scenario at the cap on series (R4): series that are there go on, new delta sums go to the overflow series, other new
//! points are refused, told to the sender and counted; and when series are idle for five minutes, new ones take their places.

use std::{collections::BTreeMap, time::Duration};

use tokio::time::timeout;
use weir_cloudwatch_local::{CloudWatchLocal, Datum, Reading};
use weir_core::{Clock, Interner, Process, Reason, UnixNanos};

use crate::{
    engine::{Engine, address},
    senders::{Client, Point, connect, request, send},
    truth::{Kind, NEW_A_ROUND, Number, service},
};

const RATE: f64 = 200.0;
const PATIENCE: Duration = Duration::from_secs(60);
/// Rounds of series that fit under the cap.
const FITTING: u32 = 8;
/// As many series as fit.
const CAP: u32 = FITTING * NEW_A_ROUND;
/// After which idle series give way at the cap is 5 minutes; aliases would expire by themselves after 15.
const IDLE: Duration = Duration::from_secs(6 * 60);
/// Points of each series.
const POINTS: u32 = 3;
/// The sender whose series fit, and another.
const SENDERS: [u32; 2] = [0, 1];

const YAML: &str = "
receivers:
  otlp: {protocols: {grpc: {endpoint: '127.0.0.1:0'}}}
processors:
  dimensions: {actions: [{key: service, action: insert, from_resource: service.name}]}
  delta:
exporters:
  cloudwatch: {namespace: Cap, endpoint: ENDPOINT}
service:
  limits: {edge_bytes: 256MiB, edge_wait: 10m}
  shutdown_timeout: 3h
  pipelines:
    metrics: {receivers: [otlp], processors: [dimensions, delta], exporters: [cloudwatch]}
";

/// What a name stands for at the far end: a series, or what overflowed of a sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Name {
    Series(u32),
    Overflow(u32),
}

/// Samples and their sum, by name.
type Totals = BTreeMap<Name, (u64, i64)>;

/// Runs it and asserts.
pub(crate) async fn run() {
    let engine = Engine::new(Clock::compressed(RATE), Interner::new(CAP as usize), YAML).await;
    let running = engine.run(async |process: &Process, _: &CloudWatchLocal| {
        let client = connect(&address(process, "otlp"), 1).await.remove(0);
        let mut sending =
            Sending { client, clock: process.clock.clone(), expected: Totals::new(), refused: 0 };
        let begun = process.clock.now();
        let fitting: Vec<Number> = series(SENDERS[0], 0).collect();
        assert_eq!(sending.send(SENDERS[0], &fitting, 0, begun, false).await, 0, "as many as the cap allows");
        for (nth, sender) in (1..POINTS).zip(SENDERS) {
            assert_eq!(sending.send(SENDERS[0], &fitting, nth, begun, false).await, 0, "known series go on");
            let over: Vec<Number> = series(sender, FITTING).collect();
            let refused = sending.send(sender, &over, 0, begun, true).await;
            assert_eq!(refused, u64::from(CAP / 2), "new gauges and counters of sender {sender}");
        }
        process.clock.sleep(IDLE).await;
        let begun = process.clock.now();
        let later: Vec<Number> = series(SENDERS[0], 2 * FITTING).collect();
        for nth in 0..POINTS {
            assert_eq!(sending.send(SENDERS[0], &later, nth, begun, false).await, 0, "the idle gave way");
        }
        (sending.expected, sending.refused)
    });
    let (stopped, (expected, refused)) = timeout(PATIENCE, running).await.expect("an end in time");

    assert_eq!(stopped.findings(), [""; 0]);
    let counted = stopped.account("receiver otlp").refused;
    assert_eq!(counted, BTreeMap::from([(Reason::SERIES_CAP, refused)]));
    assert_eq!(stopped.losses().len(), 1, "nothing else was lost: {:?}", stopped.losses());
    let mut arrived = Totals::new();
    for datum in stopped.cloudwatch.store().take_journal() {
        let (samples, sum) = arrived.entry(name(&datum)).or_default();
        let (more, added) = reading(&datum);
        (*samples, *sum) = (*samples + more, *sum + added);
    }
    assert_eq!(arrived, expected);
}

/// The series of as many rounds as fit, from `round` on.
fn series(sender: u32, round: u32) -> impl Iterator<Item = Number> {
    let rounds = round..round + FITTING;
    rounds.flat_map(move |round| (0..NEW_A_ROUND).map(move |nth| Number::passing(sender, round, nth)))
}

struct Sending {
    client: Client,
    clock: Clock,
    /// What must arrive.
    expected: Totals,
    /// Points that the door said it refused.
    refused: u64,
}

impl Sending {
    /// Sends the `nth` point of each series; counters have counted since `begun`. Answers how many points were refused.
    async fn send(
        &mut self,
        sender: u32,
        series: &[Number],
        nth: u32,
        begun: UnixNanos,
        over_the_cap: bool,
    ) -> u64 {
        let time = self.clock.now().max(begun.plus(Duration::from_nanos(1)));
        let mut points = Vec::new();
        for number in series.iter().copied() {
            let added = number.increment(0, nth);
            let so_far = (0..=nth).map(|nth| number.increment(0, nth)).sum();
            let (start, value, counts) = match number.kind() {
                Kind::Gauge => (UnixNanos(0), number.level(), number.level()),
                Kind::Delta => (UnixNanos(0), added, added),
                Kind::Counter => (begun, so_far, added),
            };
            points.push(Point { number, start, time, value });
            let name = match (over_the_cap, number.kind()) {
                (false, _) => Name::Series(number.0),
                (true, Kind::Delta) => Name::Overflow(sender),
                (true, _) => continue,
            };
            let (samples, sum) = self.expected.entry(name).or_default();
            (*samples, *sum) = (*samples + 1, *sum + counts);
        }
        let Some(answer) = send(self.client.clone(), request(sender, &points), &self.clock).await else {
            return 0;
        };
        assert!(answer.error_message.contains("series_cap"), "{}", answer.error_message);
        let refused = u64::try_from(answer.rejected_data_points).expect("a number of points");
        self.refused += refused;
        refused
    }
}

fn name(datum: &Datum) -> Name {
    let of = |key: &str| {
        let found = datum.metric.dimensions.iter().find(|dimension| dimension.name == key);
        found.map(|dimension| dimension.value.as_str())
    };
    assert_eq!(datum.metric.dimensions.len(), 2, "{datum:?}");
    if of("otel.metric.overflow") == Some("true") {
        assert_eq!(datum.metric.name, Kind::Delta.metric());
        let sender = SENDERS.into_iter().find(|sender| of("service") == Some(&*service(*sender)));
        return Name::Overflow(sender.expect("a sender"));
    }
    let number = Number(of("series").expect("a series").parse().expect("a number"));
    assert_eq!(datum.metric.name, number.kind().metric());
    assert_eq!(of("service"), Some(&*service(number.sender())));
    Name::Series(number.0)
}

/// Samples and their sum.
fn reading(datum: &Datum) -> (u64, i64) {
    match &datum.reading {
        Reading::Value(value) => (1, *value as i64),
        Reading::Distribution { values, .. } => values.iter().fold((0, 0), |(samples, sum), one| {
            (samples + one.count as u64, sum + (one.value * one.count) as i64)
        }),
        Reading::Statistics(_) => panic!("statistics without values: {datum:?}"),
    }
}
