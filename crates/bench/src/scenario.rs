//! What is measured of the whole process, and how: a load, the process under test in the middle, a sink that counts.

use std::{path::Path, time::Duration};

use crate::{
    Error,
    client::{Packing, Protocol},
    load::{Load, PERIOD, Report},
    nanos,
    payload::{Kind, Order, Shape},
    process::{Ended, Peer, Weir},
    sink, unix_nanos,
};

/// The time between two rounds, as the points have it.
const STEP: Duration = Duration::from_secs(1);
/// Samples of a series in a period: as many as those had that the design's figures of other engines are of.
const SAMPLES: usize = 50;
/// So many points may take the better part of a minute. A load of more begins with one, so that it ends before the period of its
/// points does.
const MANY_POINTS: u64 = 10_000_000;
/// Connections of every load.
const CONNECTIONS: usize = 8;
/// What SDKs and Collectors gzip with.
const GZIP: Packing = Packing::Gzip(6);

/// Where the points go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// To a server that forgets them: [`floor`](crate::floor).
    Floor,
    /// Into Weir, to an exporter that is switched off: decoding, resolving, one edge.
    Dropped,
    /// Into Weir, over `dimensions`, `delta` and the window to CloudWatch.
    CloudWatch,
}

/// One measurement.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// What it is called on the command line.
    pub name: &'static str,
    /// Where the points go.
    pub way: Way,
    /// How the load is sent.
    pub protocol: Protocol,
    /// What it is packed with.
    pub packing: Packing,
    /// What the requests look like.
    pub shape: Shape,
    /// Thousands of series.
    pub senders: usize,
    /// How often each series is sent.
    pub rounds: usize,
    /// How often in each period.
    pub samples: usize,
    /// The design's number: CPU seconds a million points.
    pub goal: Option<f64>,
}

const PLAIN: Scenario = Scenario {
    name: "",
    way: Way::CloudWatch,
    protocol: Protocol::Grpc,
    packing: Packing::Plain,
    shape: Shape::USUAL,
    senders: 10,
    rounds: 6 * SAMPLES,
    samples: SAMPLES,
    goal: None,
};
const HUNDRED: Scenario = Scenario { senders: 100, rounds: SAMPLES, ..PLAIN };
const MILLION: Scenario = Scenario { senders: 1000, ..HUNDRED };
const HISTOGRAMS: Scenario = Scenario { shape: Shape { kind: Kind::Histogram, ..Shape::USUAL }, ..PLAIN };
const SHUFFLED: Shape = Shape { order: Order::Shuffled, ..Shape::USUAL };

/// What each series is sent in one period and never again, five times: the price of what is new, and of a datum of few samples.
const fn sparse(of: Scenario) -> Scenario {
    Scenario { rounds: 5, samples: 5, ..of }
}

/// Every measurement, in the order in which they run.
pub const ALL: &[Scenario] = &[
    Scenario { name: "floor-grpc", way: Way::Floor, ..PLAIN },
    Scenario { name: "floor-grpc-gzip", way: Way::Floor, packing: GZIP, ..PLAIN },
    Scenario { name: "floor-http", way: Way::Floor, protocol: Protocol::Http, ..PLAIN },
    Scenario { name: "dropped-10k", way: Way::Dropped, ..PLAIN },
    Scenario { name: "cloudwatch-10k", goal: Some(0.30), ..PLAIN },
    Scenario { name: "cloudwatch-10k-gzip", packing: GZIP, goal: Some(0.40), ..PLAIN },
    Scenario { name: "cloudwatch-10k-http", protocol: Protocol::Http, ..PLAIN },
    Scenario { name: "cloudwatch-10k-http-gzip", protocol: Protocol::Http, packing: GZIP, ..PLAIN },
    Scenario {
        name: "cloudwatch-10k-single",
        shape: Shape { points_per_metric: 1, ..Shape::USUAL },
        ..PLAIN
    },
    Scenario { name: "cloudwatch-10k-gauges", shape: Shape { kind: Kind::Gauge, ..Shape::USUAL }, ..PLAIN },
    Scenario { name: "cloudwatch-10k-histograms", ..HISTOGRAMS },
    Scenario { name: "cloudwatch-100k", goal: Some(0.30), ..HUNDRED },
    Scenario { name: "cloudwatch-100k-gzip", packing: GZIP, goal: Some(0.40), ..HUNDRED },
    Scenario { name: "cloudwatch-100k-shuffled", shape: SHUFFLED, ..HUNDRED },
    Scenario { name: "cloudwatch-100k-sparse", ..sparse(HUNDRED) },
    Scenario { name: "cloudwatch-1m", goal: Some(0.60), ..MILLION },
    Scenario { name: "cloudwatch-1m-sparse", ..sparse(MILLION) },
    Scenario { name: "cloudwatch-1m-sparse-gzip", packing: GZIP, ..sparse(MILLION) },
];

/// What one run showed.
#[derive(Clone, Debug)]
pub struct Figures {
    /// CPU time of the process under test, from the first request to its end: the flush is in it.
    pub cpu: Duration,
    /// What of it the first round took, in which every series is new.
    pub first_sight: Duration,
    /// What of it came after the last answer.
    pub flush: Duration,
    /// The most bytes in RAM.
    pub peak: u64,
    /// The most bytes in RAM before the end began.
    pub loaded: u64,
    /// Bytes in RAM before the first request.
    pub idle: u64,
    /// Datums that arrived.
    pub datums: u64,
    /// Requests that they arrived in.
    pub put_requests: u64,
    /// What the generator saw.
    pub report: Report,
}

impl Figures {
    /// CPU seconds a million points.
    pub fn cpu_a_million(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.report.taken.points as f64
    }

    /// What of the CPU time neither the first round nor the flush took: points of series that are known.
    pub fn known(&self) -> Duration {
        self.cpu.saturating_sub(self.first_sight + self.flush)
    }
}

impl Scenario {
    /// Series in all.
    pub fn series(&self) -> usize {
        self.senders * self.shape.points
    }

    /// A load whose last period is the next minute: it is open while the points of this minute come, as that of the points that
    /// come now is in life.
    async fn load(&self) -> Load {
        let points = (self.series() * self.rounds) as u64;
        if points > MANY_POINTS {
            until_the_next_minute().await;
        }
        let earlier = self.rounds.div_ceil(self.samples) as u64 - 1;
        let last = unix_nanos() / nanos(PERIOD) + 1;
        Load {
            shape: self.shape,
            senders: self.senders,
            rounds: self.rounds,
            protocol: self.protocol,
            packing: self.packing,
            connections: CONNECTIONS,
            first: (last - earlier) * nanos(PERIOD),
            step: STEP,
            rounds_a_minute: self.samples,
        }
    }

    /// Runs it once. Points and sums that arrived must be those that were sent.
    pub async fn run(&self, binary: &Path, folder: &Path) -> Result<Figures, Error> {
        match self.way {
            Way::Floor => self.run_floor().await,
            Way::Dropped | Way::CloudWatch => self.run_weir(binary, folder).await,
        }
    }

    async fn run_floor(&self) -> Result<Figures, Error> {
        let prepared = self.load().await.prepare();
        let floor = Peer::start(&["floor"]).await?;
        let before = floor.cpu()?;
        let report = prepared.run(floor.address).await?;
        let cpu = floor.cpu()?.saturating_sub(before);
        floor.end().await?;
        let (first_sight, flush) = (Duration::ZERO, Duration::ZERO);
        Ok(Figures {
            cpu,
            first_sight,
            flush,
            peak: 0,
            loaded: 0,
            idle: 0,
            datums: 0,
            put_requests: 0,
            report,
        })
    }

    async fn run_weir(&self, binary: &Path, folder: &Path) -> Result<Figures, Error> {
        let prepared = self.load().await.prepare();
        let sink = Peer::start(&["sink"]).await?;
        let weir = Weir::start(binary, folder, &self.config(&sink), &[]).await?;
        let (idle, before) = (weir.resident()?, weir.cpu()?);
        let to = weir.listening[usize::from(self.protocol == Protocol::Http)];
        let mut running = prepared.connect(to).await?;
        running.send(0..1).await?;
        let seen = weir.cpu()?;
        running.send(1..self.rounds).await?;
        let report = running.end()?;
        let (sent, loaded) = (weir.cpu()?, weir.peak()?);
        let ended = weir.stop().await?;
        ended.check()?;
        let arrived = sink::ask(sink.address, "").await?;
        sink.end().await?;
        self.compare(&report, &arrived)?;
        let Ended { cpu, peak, .. } = ended;
        Ok(Figures {
            cpu: cpu.saturating_sub(before),
            first_sight: seen.saturating_sub(before),
            flush: cpu.saturating_sub(sent),
            peak,
            loaded,
            idle,
            datums: arrived.datums,
            put_requests: arrived.requests,
            report,
        })
    }

    #[allow(clippy::float_cmp, reason = "multiples of a quarter, so sums are exact")]
    fn compare(&self, report: &Report, arrived: &sink::Answer) -> Result<(), Error> {
        if self.way == Way::Dropped {
            return Ok(());
        }
        // A histogram's point is as many samples as it counted.
        let by_points = match self.shape.kind {
            Kind::Counter | Kind::DeltaCounter | Kind::Gauge => arrived.samples == report.taken.points as f64,
            Kind::Histogram | Kind::ExponentialHistogram | Kind::Summary => true,
        };
        let same =
            by_points && arrived.sum == report.taken.sum && arrived.broken == 0 && report.rejected == 0;
        match same && arrived.series == self.series() as u64 {
            true => Ok(()),
            false => Err(Error::Count(format!(
                "{}: sent {:?} of {} series, {} rejected; arrived {arrived:?}",
                self.name,
                report.taken,
                self.series(),
                report.rejected,
            ))),
        }
    }

    fn config(&self, sink: &Peer) -> String {
        let (processors, enabled) = match self.way {
            Way::CloudWatch => ("[dimensions, delta]", true),
            _ => ("[]", false),
        };
        format!(
            "receivers:
  otlp: {{ protocols: {{ grpc: {{ endpoint: '127.0.0.1:0' }}{} }} }}
processors:
  dimensions:
    actions:
      - {{ key: service, action: insert, from_resource: service.name }}
      - {{ key: instance, action: insert, from_resource: service.instance.id }}
  delta: {{ initial_value: keep }}
exporters:
  cloudwatch: {{ endpoint: 'http://{}', namespace: Bench, period: 60s, enabled: {enabled} }}
service:
  limits: {{ series: 2000000 }}
  shutdown_timeout: 5m
  pipelines:
    metrics: {{ receivers: [otlp], processors: {processors}, exporters: [cloudwatch] }}
",
            match self.protocol {
                Protocol::Grpc => "",
                Protocol::Http => ", http: { endpoint: '127.0.0.1:0' }",
            },
            sink.address,
        )
    }
}

#[allow(clippy::disallowed_methods, reason = "waits for the wall's clock, as periods are aligned to it")]
async fn until_the_next_minute() {
    let left = nanos(PERIOD) - unix_nanos() % nanos(PERIOD);
    tokio::time::sleep(Duration::from_nanos(left)).await;
}
