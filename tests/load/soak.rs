//! Four hours of Weir's clock, in which one per cent of the series is replaced every second, and clients vanish in the middle of
//! their requests. What is idle for a quarter of an hour is forgotten: memory reaches its level, and stays there.

use std::{collections::VecDeque, net::SocketAddr, time::Duration};

use tokio::{
    task::{JoinHandle, JoinSet},
    time::MissedTickBehavior,
};
use weir_bench::{
    client::{Connection, Packing, Protocol, body},
    load::{Progress, Report, insist},
    payload::{Amount, Kind, Order, Sender, Shape},
    process::Weir,
    sink::{Counted, Sink},
    unix_nanos,
};

use crate::{
    is_long, ledger, until,
    vanishing::{WINDOW, vanish},
    weir,
};

/// Who differ in the bytes of their resource. Six connections share each: more than a sender has tables of aliases.
const SENDERS: usize = 3;
const CONNECTIONS: usize = 18;
/// Groups of series that a connection sends at a time.
const GROUPS: usize = 10;
/// After so long the oldest group of each connection makes room for a new one: each series is there for a hundred seconds.
const REPLACED_EVERY: Duration = Duration::from_secs(10);
const POINTS_PER_METRIC: usize = 4;
/// Between two points of a series.
const ROUND: Duration = Duration::from_secs(20);
/// Series that are idle for longer are forgotten: the least that is possible.
const IDLE: Duration = Duration::from_mins(15);
/// Until an idle series is swept, at most: a sweep comes every ten seconds, may find the table of aliases in use, and is late where
/// the machine is busy (240 seconds are one).
const SWEPT_WITHIN: Duration = Duration::from_mins(5);
const SOAK: Duration = Duration::from_hours(4);
/// By then series have been forgotten for three quarters of an hour: as many of them are remembered as there ever are, and each
/// page of the allocator has blocks of all ages in it, which takes some lifetimes of a series. (Over ten hours the bytes in use were
/// level from 20 minutes on, and those in RAM from an hour on.)
const QUARTER: Duration = Duration::from_hours(1);
/// Between two readings.
const READ_EVERY: Duration = Duration::from_mins(5);
/// Readings that make the figure of a quarter, from there on, and of the end, up to there.
const MEASURED: usize = 5;
/// Sockets that the exporter may keep open to its far end, where one request is under way at a time.
const EXPORTERS: usize = 2;

/// How much faster Weir's clock runs: a minute is four hours; in the long form it takes sixteen minutes.
fn clock_rate() -> u32 {
    if is_long() { 15 } else { 240 }
}

/// What a group looks like: of all connections there are 1,440 series at a time, or 100,080.
fn shape() -> Shape {
    let points = if is_long() { 556 } else { 8 };
    Shape { kind: Kind::Counter, points, points_per_metric: POINTS_PER_METRIC, order: Order::Stable }
}

/// Each sender's counters are new ones, whose first total counts.
fn config(sink: &Sink) -> String {
    format!(
        "receivers:
  otlp: {{ protocols: {{ grpc: {{ endpoint: '127.0.0.1:0' }} }} }}
processors:
  dimensions: {{ actions: [{{ key: instance, action: insert, from_resource: service.instance.id }}] }}
  delta: {{ initial_value: keep, max_staleness: {}s }}
exporters:
  cloudwatch:
    endpoint: 'http://{}'
    namespace: Load
    period: 60s
    timeout: 2h
    sending_queue: {{ num_consumers: 1 }}
service:
  limits: {{ series: 2000000 }}
  shutdown_timeout: 24h
  pipelines:
    metrics: {{ receivers: [otlp], processors: [dimensions, delta], exporters: [cloudwatch] }}
",
        IDLE.as_secs(),
        sink.address(),
    )
}

/// Weir's clock, as seen from here: behind it by what the start took.
#[derive(Clone, Copy)]
struct Clock {
    start: u64,
}

impl Clock {
    fn start() -> Self {
        Self { start: unix_nanos() }
    }

    /// Since the start.
    fn elapsed(self) -> Duration {
        Duration::from_nanos(unix_nanos() - self.start) * clock_rate()
    }

    fn at(self, elapsed: Duration) -> u64 {
        self.start + u64::try_from(elapsed.as_nanos()).unwrap()
    }

    /// Comes again and again, after so much of Weir's time; what is late is not made up for.
    fn every(period: Duration) -> tokio::time::Interval {
        let mut often = tokio::time::interval(period / clock_rate());
        often.set_missed_tick_behavior(MissedTickBehavior::Delay);
        often
    }
}

/// The series of one connection.
struct Lane {
    number: usize,
    clock: Clock,
    groups: VecDeque<Sender>,
    /// The next group's number: the series of a number are there once.
    next: usize,
    /// Groups of which something was sent.
    sent: usize,
}

impl Lane {
    fn new(number: usize, clock: Clock) -> Self {
        Self { number, clock, groups: VecDeque::new(), next: 0, sent: 0 }
    }

    /// What the connection sends next: all its series, of which those that are due have been replaced.
    fn next(&mut self, elapsed: Duration) -> (Vec<u8>, Amount) {
        let end = (elapsed.as_secs() / REPLACED_EVERY.as_secs()) as usize + GROUPS;
        for group in self.next.max(end - GROUPS)..end {
            let group = self.group(group, elapsed);
            self.groups.push_back(group);
            self.sent += 1;
        }
        self.next = end;
        self.groups.drain(..self.groups.len() - GROUPS);
        // Protobuf messages in a row are one message, of all their resources.
        let (mut message, mut amount) = (Vec::new(), Amount::default());
        for group in &mut self.groups {
            let (bytes, of_group) = group.next(self.clock.at(elapsed));
            message.extend_from_slice(bytes);
            amount += of_group;
        }
        (message, amount)
    }

    fn group(&self, group: usize, elapsed: Duration) -> Sender {
        const OF_A_LANE: usize = 1 << 24;
        let first = self.number * OF_A_LANE + group * shape().points;
        Sender::with_series(shape(), self.number % SENDERS, first, self.clock.at(elapsed))
    }

    /// Sends until the end; answers what was seen, and how many groups there were.
    async fn run(mut self, to: SocketAddr) -> (Report, usize) {
        let mut connection = Connection::open(Protocol::Grpc, Packing::Plain, to).await.unwrap();
        let (mut report, progress) = (Report::default(), Progress::default());
        let mut often = Clock::every(ROUND);
        loop {
            often.tick().await;
            let elapsed = self.clock.elapsed();
            if elapsed >= SOAK {
                return (report, self.sent);
            }
            let (message, amount) = self.next(elapsed);
            let body = body(Protocol::Grpc, Packing::Plain, &message);
            insist(&mut connection, body, amount, &mut report, &progress).await.unwrap();
        }
    }
}

/// Until the end, one client after the other vanishes; answers how many. Nothing of what they began may arrive.
fn vanish_often(to: SocketAddr, clock: Clock) -> JoinHandle<usize> {
    let mut sender = Sender::new(Shape { points: 1000, ..shape() }, SENDERS, clock.at(Duration::ZERO));
    let whole = body(Protocol::Grpc, Packing::Plain, sender.next(clock.at(Duration::ZERO)).0);
    assert!(whole.len() > WINDOW, "no more than a part of it is sent");
    let part = whole.slice(..WINDOW);
    tokio::spawn(async move {
        let (mut vanished, mut often) = (0, Clock::every(ROUND));
        while clock.elapsed() < SOAK {
            often.tick().await;
            vanish(to, &part).await.unwrap();
            vanished += 1;
        }
        vanished
    })
}

/// Streams that can be live: what was sent since the oldest that is not swept yet.
fn live_at_most() -> usize {
    let groups = GROUPS + ((IDLE + SWEPT_WITHIN).as_secs() / REPLACED_EVERY.as_secs()) as usize + 1;
    groups * CONNECTIONS * shape().points
}

/// Reads what Weir has in RAM every five minutes of its clock, as long as the load lasts, and checks how many streams are live.
async fn resident(weir: &Weir, clock: Clock) -> Vec<(Duration, u64)> {
    let (mut read, mut often) = (Vec::new(), Clock::every(READ_EVERY));
    loop {
        often.tick().await;
        let elapsed = clock.elapsed();
        if elapsed >= SOAK {
            return read;
        }
        let (ram, streams) = (weir.resident().unwrap(), weir.metric("weir_interner_streams").await.unwrap());
        let slots = weir.metric("weir_interner_slots").await.unwrap();
        let aliases = weir.metric("weir_door_aliases").await.unwrap();
        println!(
            "{:>5} s: {:>7} KiB in RAM, {streams} streams, {slots} slots, {aliases} aliases",
            elapsed.as_secs(),
            ram >> 10
        );
        assert!(streams <= live_at_most() as f64, "{streams} streams after {elapsed:?}");
        read.push((elapsed, ram));
    }
}

/// Of what was read: one reading may be high or low by four per cent, as the allocator gives pages back when it likes.
fn median(read: &[(Duration, u64)]) -> u64 {
    let mut ram: Vec<u64> = read.iter().map(|(_, ram)| *ram).collect();
    ram.sort_unstable();
    ram[ram.len() / 2]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_stays_level_while_series_and_clients_come_and_go() {
    let sink = Sink::start().await.unwrap();
    let weir = weir(&config(&sink), &["--clock-rate", &clock_rate().to_string()]).await;
    let (to, clock, at_start) = (weir.listening[0], Clock::start(), weir.descriptors().unwrap());
    let mut lanes = JoinSet::new();
    for number in 0..CONNECTIONS {
        lanes.spawn(Lane::new(number, clock).run(to));
    }
    let vanishing = vanish_often(to, clock);
    let read = resident(&weir, clock).await;
    let vanished = vanishing.await.unwrap();
    let (mut report, mut groups) = (Report::default(), 0);
    for (seen, sent) in lanes.join_all().await {
        report.add(seen);
        groups += sent;
    }
    until("the sockets of those who vanished to be closed", || {
        weir.descriptors().unwrap() <= at_start + EXPORTERS
    })
    .await;
    let ended = weir.stop().await.unwrap();
    ended.check().unwrap();
    println!(
        "{} points of {} series, {vanished} clients vanished, {} requests turned away",
        report.taken.points,
        groups * shape().points,
        report.turned_away,
    );

    let arrived = sink.totals();
    assert_eq!((arrived.broken, report.rejected), (0, 0));
    assert_eq!(arrived.all(), Counted { samples: report.taken.points as f64, sum: report.taken.sum });
    assert_eq!(arrived.series.len(), groups * shape().points);
    let refused = report.turned_away * (GROUPS * shape().points) as u64;
    assert_eq!(ledger(&ended.log, "receiver otlp", "in"), report.taken.points + refused);
    assert_eq!(ledger(&ended.log, "receiver otlp", "refused"), refused);
    assert_eq!(ledger(&ended.log, "exporter cloudwatch", "out"), report.taken.points);
    // Otherwise nothing was to be seen here.
    assert!(groups * shape().points > 4 * live_at_most(), "only {groups} groups in all");
    assert!(vanished >= 100, "only {vanished} clients vanished");

    let from = read.iter().position(|(elapsed, _)| *elapsed >= QUARTER).unwrap();
    let (quarter, end) = (median(&read[from..from + MEASURED]), median(&read[read.len() - MEASURED..]));
    println!("{} KiB in RAM at a quarter, {} at the end", quarter >> 10, end >> 10);
    assert!(end * 10 <= quarter * 11, "from {quarter} to {end} bytes in RAM");
}
