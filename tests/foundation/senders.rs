//! The senders: what they send over gRPC, and their own count of it.

use std::{sync::Arc, time::Duration};

use opentelemetry_proto::tonic::{
    collector::metrics::v1::{
        ExportMetricsPartialSuccess, ExportMetricsServiceRequest,
        metrics_service_client::MetricsServiceClient,
    },
    common::v1::{AnyValue, KeyValue, any_value::Value},
    metrics::v1::{
        AggregationTemporality, Gauge, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum,
        metric::Data, number_data_point,
    },
    resource::v1::Resource,
};
use tonic::{
    Code,
    transport::{Channel, Endpoint},
};
use weir_core::{Clock, UnixNanos};

use crate::truth::{Kind, NEW_A_ROUND, Number, SENDERS, Total, service};

/// Connections to the first door.
pub(crate) const CONNECTIONS: usize = 16;
/// How often each sender sends.
pub(crate) const ROUND: Duration = Duration::from_secs(10);
/// Rounds between two points of a sleeper: more than the 15 minutes after which its alias expires.
const SLEEP_ROUNDS: u32 = 105;
/// How often a request is sent again before the sender gives up.
const TRIES: u32 = 500;

/// A client of a door.
pub(crate) type Client = MetricsServiceClient<Channel>;

/// Opens `count` connections to `address`.
pub(crate) async fn connect(address: &str, count: usize) -> Vec<Client> {
    let mut clients = Vec::new();
    for _ in 0..count {
        let endpoint = Endpoint::from_shared(address.to_owned()).expect("an address");
        clients.push(Client::new(endpoint.connect().await.expect("a connection")));
    }
    clients
}

/// A point to send.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Point {
    /// Of which series.
    pub(crate) number: Number,
    /// Start of what it counts; zero for a gauge.
    pub(crate) start: UnixNanos,
    /// When it was taken.
    pub(crate) time: UnixNanos,
    /// Its value.
    pub(crate) value: i64,
}

/// A request of one sender.
pub(crate) fn request(sender: u32, points: &[Point]) -> ExportMetricsServiceRequest {
    let metrics = [Kind::Gauge, Kind::Delta, Kind::Counter].into_iter().filter_map(|kind| {
        let of_kind = points.iter().filter(|point| point.number.kind() == kind);
        let data_points: Vec<_> = of_kind.map(data_point).collect();
        (!data_points.is_empty()).then(|| metric(kind, data_points))
    });
    let scope = ScopeMetrics { metrics: metrics.collect(), ..ScopeMetrics::default() };
    let attributes = vec![attribute("service.name", service(sender))];
    let resource = Some(Resource { attributes, ..Resource::default() });
    ExportMetricsServiceRequest {
        resource_metrics: vec![ResourceMetrics {
            resource,
            scope_metrics: vec![scope],
            ..Default::default()
        }],
    }
}

fn metric(kind: Kind, data_points: Vec<NumberDataPoint>) -> Metric {
    let sum = |temporality: AggregationTemporality, data_points| {
        Data::Sum(Sum { data_points, aggregation_temporality: temporality as i32, is_monotonic: true })
    };
    let data = match kind {
        Kind::Gauge => Data::Gauge(Gauge { data_points }),
        Kind::Delta => sum(AggregationTemporality::Delta, data_points),
        Kind::Counter => sum(AggregationTemporality::Cumulative, data_points),
    };
    Metric { name: kind.metric().to_owned(), unit: "1".to_owned(), data: Some(data), ..Metric::default() }
}

fn data_point(point: &Point) -> NumberDataPoint {
    NumberDataPoint {
        attributes: vec![attribute("series", point.number.0.to_string())],
        start_time_unix_nano: point.start.0,
        time_unix_nano: point.time.0,
        value: Some(number_data_point::Value::AsInt(point.value)),
        ..NumberDataPoint::default()
    }
}

fn attribute(key: &str, value: String) -> KeyValue {
    let value = Some(AnyValue { value: Some(Value::StringValue(value)) });
    KeyValue { key: key.to_owned(), value, ..KeyValue::default() }
}

/// Sends until the door has taken the request, as OTLP asks of a sender; answers what it says it has refused.
pub(crate) async fn send(
    mut client: Client,
    request: ExportMetricsServiceRequest,
    clock: &Clock,
) -> Option<ExportMetricsPartialSuccess> {
    for _ in 0..TRIES {
        match client.export(request.clone()).await {
            Ok(answer) => return answer.into_inner().partial_success,
            Err(status) if status.code() == Code::Unavailable => clock.sleep(Duration::from_secs(1)).await,
            Err(status) => panic!("the door answered {status}"),
        }
    }
    panic!("the door took nothing in {TRIES} tries");
}

/// Where senders send to.
#[derive(Debug)]
pub(crate) struct Doors {
    /// Connections to the first door, which all senders share.
    pub(crate) first: Vec<Client>,
    /// One to the second door.
    pub(crate) second: Client,
}

/// What a sender has sent.
#[derive(Debug)]
pub(crate) struct Sent {
    /// Who.
    pub(crate) id: u32,
    /// By the series' place among the sender's.
    pub(crate) totals: Vec<Total>,
    /// Points sent to the first and to the second door.
    pub(crate) points: [u64; 2],
    /// What a door refused, in its words.
    pub(crate) refused: Vec<String>,
}

/// A sender: a few lasting series, and some that come and go.
pub(crate) struct Sender {
    id: u32,
    clock: Clock,
    doors: Arc<Doors>,
    /// The lasting counter, of each door.
    lasting: [Cumulative; 2],
    /// The counter that was begun in the last round.
    passing: Cumulative,
    sent: Sent,
}

#[derive(Clone, Copy, Debug, Default)]
struct Cumulative {
    start: UnixNanos,
    value: i64,
    points: u32,
}

impl Sender {
    /// The sender `id`, which begins now and sends `rounds` times at most.
    pub(crate) fn new(id: u32, rounds: u32, doors: Arc<Doors>, clock: Clock) -> Self {
        let begin = clock.now();
        let begun = Cumulative { start: begin, ..Cumulative::default() };
        // Made now, so that what the test itself needs does not look like growth later.
        let totals = vec![Total::default(); Number::count(rounds) / SENDERS as usize];
        Self {
            id,
            lasting: [begun; 2],
            passing: begun,
            sent: Sent { id, totals, points: [0; 2], refused: Vec::new() },
            clock,
            doors,
        }
    }

    /// Sends `rounds` times, a round apart. What a slow machine has missed is not made up for: more series would be alive then.
    pub(crate) async fn run(mut self, rounds: u32) -> Sent {
        let mut next = self.clock.now().plus(ROUND * self.id / SENDERS);
        for round in 0..rounds {
            self.clock.sleep_until(next).await;
            next = next.plus(ROUND).max(self.clock.now());
            self.round(round).await;
        }
        self.sent
    }

    async fn round(&mut self, round: u32) {
        let lasting = self.lasting_points(round);
        let passing = self.passing_points(round);
        let (one, other) = (round + self.id, round * 5 + self.id + 3);
        if round.is_multiple_of(4) {
            // Two requests of one sender at a time, over two connections.
            let sends = (self.first(one), self.first(other));
            let (a, b) = tokio::join!(sends.0.send(&lasting), sends.1.send(&passing));
            self.note(a.into_iter().chain(b));
        } else {
            let all: Vec<Point> = lasting.into_iter().chain(passing).collect();
            let refused = self.first(other).send(&all).await;
            self.note(refused);
        }
        if round % 3 == self.id % 3 {
            let point = self.count(1, Number::lasting_counter(self.id));
            self.sent.points[1] += 1;
            let way = Way { sender: self.id, client: self.doors.second.clone(), clock: self.clock.clone() };
            let refused = way.send(&[point]).await;
            self.note(refused);
        }
    }

    fn lasting_points(&mut self, round: u32) -> Vec<Point> {
        let mut points =
            vec![self.count(0, Number::lasting_counter(self.id)), self.gauge(Number::lasting_gauge(self.id))];
        if round % SLEEP_ROUNDS == self.id {
            points.push(self.delta(Number::sleeper(self.id), round));
        }
        self.sent.points[0] += points.len() as u64;
        points
    }

    fn passing_points(&mut self, round: u32) -> Vec<Point> {
        let number = |round, nth| Number::passing(self.id, round, nth);
        let new: [Number; NEW_A_ROUND as usize] = std::array::from_fn(|nth| number(round, nth as u32));
        let old = round.checked_sub(1).map(|last| (number(last, 2), number(last, 3)));
        let mut points = Vec::new();
        if let Some((counter, delta)) = old {
            points.push(self.count_passing(counter));
            points.push(self.delta(delta, 1));
        }
        self.passing = Cumulative { start: self.clock.now(), ..Cumulative::default() };
        points.push(self.gauge(new[0]));
        points.push(self.delta(new[1], 0));
        points.push(self.count_passing(new[2]));
        points.push(self.delta(new[3], 0));
        self.sent.points[0] += points.len() as u64;
        points
    }

    fn gauge(&mut self, number: Number) -> Point {
        self.point(number, UnixNanos(0), number.level(), number.level())
    }

    fn delta(&mut self, number: Number, nth: u32) -> Point {
        let added = number.increment(0, nth);
        self.point(number, UnixNanos(0), added, added)
    }

    fn count(&mut self, door: u32, number: Number) -> Point {
        let mut counter = self.lasting[door as usize];
        let added = counter.step(number, door);
        self.lasting[door as usize] = counter;
        self.point(number, counter.start, counter.value, added)
    }

    fn count_passing(&mut self, number: Number) -> Point {
        let added = self.passing.step(number, 0);
        let counter = self.passing;
        self.point(number, counter.start, counter.value, added)
    }

    /// A point of this moment, entered into the count.
    fn point(&mut self, number: Number, start: UnixNanos, value: i64, counts: i64) -> Point {
        self.sent.totals[(number.0 / SENDERS) as usize].add(counts);
        let time = self.clock.now().max(start.plus(Duration::from_nanos(1)));
        Point { number, start, time, value }
    }

    fn first(&self, which: u32) -> Way {
        let client = self.doors.first[which as usize % CONNECTIONS].clone();
        Way { sender: self.id, client, clock: self.clock.clone() }
    }

    fn note(&mut self, refused: impl IntoIterator<Item = String>) {
        self.sent.refused.extend(refused);
    }
}

impl Cumulative {
    /// Counts on; answers what was added.
    fn step(&mut self, number: Number, door: u32) -> i64 {
        let added = number.increment(door, self.points);
        self.points += 1;
        self.value += added;
        added
    }
}

/// One connection's end.
struct Way {
    sender: u32,
    client: Client,
    clock: Clock,
}

impl Way {
    async fn send(self, points: &[Point]) -> Option<String> {
        let refused = send(self.client, request(self.sender, points), &self.clock).await;
        refused.map(|refused| {
            format!("a door refused {}: {}", refused.rejected_data_points, refused.error_message)
        })
    }
}
