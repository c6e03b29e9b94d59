//! What is measured of the whole process, and how: a load, the process under test in the middle, a sink that counts.

use std::{path::Path, time::Duration};

use crate::{
    Error,
    client::{Packing, Protocol},
    load::{Load, Report},
    payload::{Kind, Order, Shape},
    process::{Ended, Peer, Weir},
    sink, unix_nanos,
};

/// The time between two rounds, as the points have it: a minute has sixty samples of each series.
const STEP: Duration = Duration::from_secs(1);
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
    rounds: 300,
    goal: None,
};
const HUNDRED: Scenario = Scenario { senders: 100, rounds: 30, ..PLAIN };
const HISTOGRAMS: Scenario = Scenario { shape: Shape { kind: Kind::Histogram, ..Shape::USUAL }, ..PLAIN };

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
    Scenario {
        name: "cloudwatch-100k-shuffled",
        shape: Shape { order: Order::Shuffled, ..Shape::USUAL },
        ..HUNDRED
    },
    Scenario { name: "cloudwatch-1m", senders: 1000, rounds: 5, goal: Some(0.60), ..PLAIN },
    Scenario { name: "cloudwatch-1m-gzip", senders: 1000, rounds: 5, packing: GZIP, ..PLAIN },
];

/// What one run showed.
#[derive(Clone, Debug)]
pub struct Figures {
    /// CPU time of the process under test, from the first request to its end: the flush is in it.
    pub cpu: Duration,
    /// What of it came after the last answer.
    pub flush: Duration,
    /// The most bytes in RAM.
    pub peak: u64,
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
}

impl Scenario {
    /// Series in all.
    pub fn series(&self) -> usize {
        self.senders * self.shape.points
    }

    fn load(&self) -> Load {
        let past = STEP * u32::try_from(self.rounds).unwrap_or(u32::MAX);
        Load {
            shape: self.shape,
            senders: self.senders,
            rounds: self.rounds,
            protocol: self.protocol,
            packing: self.packing,
            connections: CONNECTIONS,
            first: unix_nanos().saturating_sub(u64::try_from(past.as_nanos()).unwrap_or(u64::MAX)),
            step: STEP,
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
        let prepared = self.load().prepare();
        let floor = Peer::start("floor").await?;
        let before = floor.cpu()?;
        let report = prepared.run(floor.address).await?;
        let cpu = floor.cpu()?.saturating_sub(before);
        floor.end().await?;
        let flush = Duration::ZERO;
        Ok(Figures { cpu, flush, peak: 0, idle: 0, datums: 0, put_requests: 0, report })
    }

    async fn run_weir(&self, binary: &Path, folder: &Path) -> Result<Figures, Error> {
        let prepared = self.load().prepare();
        let sink = Peer::start("sink").await?;
        let weir = Weir::start(binary, folder, &self.config(&sink), &[]).await?;
        let (idle, before) = (weir.resident()?, weir.cpu()?);
        let to = weir.listening[usize::from(self.protocol == Protocol::Http)];
        let report = prepared.run(to).await?;
        let loaded = weir.cpu()?;
        let ended = weir.stop().await?;
        ended.check()?;
        let arrived = sink::ask(sink.address).await?;
        sink.end().await?;
        self.compare(&report, &arrived)?;
        let Ended { cpu, peak, .. } = ended;
        Ok(Figures {
            cpu: cpu.saturating_sub(before),
            flush: cpu.saturating_sub(loaded),
            peak,
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
