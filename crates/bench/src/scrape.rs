//! What scrapes cost: targets whose pages are known by their numbers, the process under test in the middle, a sink that counts.

use std::{path::Path, time::Duration};

use crate::{
    Error, instant,
    pages::{Expected, Shape},
    process::{Peer, Weir},
    sink, start,
    targets::{self, Progress},
};

/// Series of pages begin so; those that Weir makes about its targets do not.
const OURS: &str = "bench_";
/// How often the targets are asked how far they are.
const LOOK: Duration = Duration::from_millis(20);
/// A period that a run lies within, mostly: no window closes while samples of known series are measured.
const ONE_WINDOW: &str = "24h";

/// One measurement.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// What it is called on the command line.
    pub name: &'static str,
    /// How many targets there are.
    pub targets: usize,
    /// What the page of each holds.
    pub shape: Shape,
    /// Whether pages are compressed.
    pub gzip: bool,
    /// How often each is scraped.
    pub scrapes: u32,
    /// How far apart that is.
    pub interval: Duration,
    /// The period of windows.
    pub period: &'static str,
    /// The design's number: CPU seconds a million samples of known series.
    pub goal: Option<f64>,
}

const HUNDRED: Scenario = Scenario {
    name: "scrape-100k-mixed",
    targets: 1,
    shape: Shape { counters: 40_002, gauges: 10_000, histograms: 3846 },
    gzip: false,
    scrapes: 21,
    interval: Duration::from_secs(4),
    period: ONE_WINDOW,
    goal: Some(0.15),
};

/// Every measurement, in the order in which they run.
pub const ALL: &[Scenario] = &[
    HUNDRED,
    Scenario { name: "scrape-100k-gzip", gzip: true, ..HUNDRED },
    Scenario {
        name: "scrape-100k-counters",
        shape: Shape { counters: 100_000, gauges: 0, histograms: 0 },
        ..HUNDRED
    },
    // 30 MiB.
    Scenario {
        name: "scrape-265k",
        shape: Shape { counters: 265_000, gauges: 0, histograms: 0 },
        scrapes: 4,
        interval: Duration::from_secs(15),
        goal: None,
        ..HUNDRED
    },
    Scenario {
        name: "scrape-fleet",
        targets: 1000,
        shape: Shape { counters: 700, gauges: 300, histograms: 0 },
        scrapes: 4,
        interval: Duration::from_secs(15),
        period: "60s",
        goal: None,
        ..HUNDRED
    },
];

/// CPU time, and what it was for.
#[derive(Clone, Copy, Debug)]
pub struct Spent {
    /// CPU time.
    pub cpu: Duration,
    /// Samples.
    pub samples: u64,
}

impl Spent {
    /// CPU seconds a million samples.
    pub fn a_million(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.samples as f64
    }
}

/// What one run showed.
#[derive(Clone, Debug)]
pub struct Figures {
    /// From when everything was ready to the end of each target's first scrape.
    pub first: Spent,
    /// From then to the end of each target's last scrape.
    pub known: Spent,
    /// From then to the end of the process, for all samples: windows close, and what they hold is sent.
    pub flush: Spent,
    /// The targets' own, for known samples.
    pub targets: Spent,
    /// Bytes in RAM before the first scrape.
    pub idle: u64,
    /// The most during the first scrapes.
    pub first_peak: u64,
    /// Bytes in RAM when those were over: idle, and what is held of the series.
    pub settled: u64,
    /// The most from then on, before the flush.
    pub peak: u64,
    /// How far the times between two scrapes of a target were from the interval, sorted.
    pub lateness: Vec<Duration>,
}

impl Scenario {
    /// Series in all.
    pub fn series(&self) -> u64 {
        self.shape.expected(0).series * self.targets as u64
    }

    /// Runs it once. What arrived must be what the pages say.
    pub async fn run(&self, binary: &Path, folder: &Path) -> Result<Figures, Error> {
        let shape = self.shape;
        let numbers = [shape.counters, shape.gauges, shape.histograms].map(|number| number.to_string());
        let mut words = vec!["targets", &numbers[0], &numbers[1], &numbers[2]];
        if self.gzip {
            words.push("--gzip");
        }
        let (targets, sink) = (Peer::start(&words).await?, Peer::start(&["sink"]).await?);
        let weir = Weir::start(binary, folder, &self.config(&targets, &sink), &[]).await?;
        let (idle, ready) = (weir.resident()?, weir.cpu()?);

        targets::allow(targets.address, 1).await?;
        let seen = self.until_scraped(1, &targets).await?;
        let (first, theirs) = (weir.cpu()?, targets.cpu()?);
        let first_peak = weir.peak()?;
        if self.targets == 1 {
            // The next scrape waits meanwhile.
            start::rest().await;
        }
        let settled = weir.resident()?;
        weir.forget_peak()?;

        let rested = weir.cpu()?;
        targets::allow(targets.address, self.scrapes).await?;
        let done = self.until_scraped(self.scrapes, &targets).await?;
        let (known, theirs) = (weir.cpu()?, targets.cpu()?.saturating_sub(theirs));
        let peak = weir.peak()?;
        let lateness = self.lateness(targets::gaps(targets.address).await?);

        let ended = weir.stop().await?;
        ended.check()?;
        let arrived = sink::ask(sink.address, OURS).await?;
        targets.end().await?;
        sink.end().await?;
        self.compare(&arrived)?;
        let spent = |cpu, scrapes| Spent { cpu, samples: scrapes * self.shape.lines() as u64 };
        Ok(Figures {
            first: spent(first.saturating_sub(ready), seen.served),
            known: spent(known.saturating_sub(rested), done.served - seen.served),
            flush: spent(ended.cpu.saturating_sub(known), done.served),
            targets: spent(theirs, done.served - seen.served),
            idle,
            first_peak,
            settled,
            peak,
            lateness,
        })
    }

    /// Waits until every target was scraped so often: the next scrape of one has come then.
    async fn until_scraped(&self, scrapes: u32, targets: &Peer) -> Result<Progress, Error> {
        let began = instant();
        let longest = self.interval * (scrapes + 4);
        while began.elapsed() < longest {
            let progress = targets::progress(targets.address).await?;
            if progress.asked > u64::from(scrapes) * self.targets as u64 {
                return Ok(progress);
            }
            pause().await;
        }
        Err(Error::Process(format!("{}: no {scrapes} scrapes within {longest:?}", self.name)))
    }

    fn lateness(&self, gaps: Vec<Duration>) -> Vec<Duration> {
        let mut late: Vec<Duration> = gaps.into_iter().map(|gap| gap.abs_diff(self.interval)).collect();
        late.sort_unstable();
        late
    }

    #[allow(clippy::float_cmp, reason = "multiples of a quarter, so sums are exact")]
    fn compare(&self, arrived: &sink::Answer) -> Result<(), Error> {
        let one = self.shape.expected(self.scrapes);
        let (series, all) = (self.series(), self.targets as f64);
        let expected = Expected { series, samples: one.samples * all, sum: one.sum * all };
        let found = Expected { series: arrived.series, samples: arrived.samples, sum: arrived.sum };
        match found == expected && arrived.broken == 0 {
            true => Ok(()),
            false => {
                Err(Error::Count(format!("{}: {expected:?} was scraped; arrived {arrived:?}", self.name)))
            }
        }
    }

    fn config(&self, targets: &Peer, sink: &Peer) -> String {
        let (address, path) = (targets.address, targets::TARGET);
        let one = |n| {
            format!(
                "          - {{ targets: ['{address}'], labels: {{ __metrics_path__: {path}{n}, instance: t{n} }} }}\n"
            )
        };
        let groups: String = (0..self.targets).map(one).collect();
        format!(
            "receivers:
  prometheus:
    scrape_configs:
      - job_name: bench
        scrape_interval: {millis}ms
        scrape_timeout: {millis}ms
        static_configs:
{groups}processors:
  dimensions:
    actions:
      - {{ key: service, action: insert, from_resource: service.name }}
      - {{ key: instance, action: insert, from_resource: service.instance.id }}
  delta:
exporters:
  cloudwatch: {{ endpoint: 'http://{sink}', namespace: Bench, period: {period} }}
service:
  limits: {{ series: 2000000 }}
  shutdown_timeout: 5m
  pipelines:
    metrics: {{ receivers: [prometheus], processors: [dimensions, delta], exporters: [cloudwatch] }}
",
            millis = self.interval.as_millis(),
            sink = sink.address,
            period = self.period,
        )
    }
}

#[allow(clippy::disallowed_methods, reason = "targets are scraped by the wall's clock")]
async fn pause() {
    tokio::time::sleep(LOOK).await;
}
