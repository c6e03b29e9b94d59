use std::sync::Arc;

use weir_core::{Batch, Flags, Kind, Series, UnixNanos};
use weir_exposition::Format;
use weir_testkit::{Fixture, START, seconds};

use super::*;

mod counting;
mod failing;
mod leniency;
mod mapping;
mod naming;
mod protobuf;

/// A target, scraped by hand: each scrape is ten seconds after the last.
struct Rig {
    fixture: Fixture,
    target: Target,
    scrapes: u64,
}

const INTERVAL: u64 = 10;

impl Rig {
    fn new() -> Self {
        Self::with(Settings::default())
    }

    fn with(settings: Settings) -> Self {
        let labels = [("job", "shop"), ("instance", "10.0.0.1:9090")].into_iter().collect();
        Self::of(Identity { labels, ..Identity::default() }, settings)
    }

    fn of(identity: Identity, settings: Settings) -> Self {
        let fixture = Fixture::new();
        let door = fixture.doors.open("prometheus");
        Self { target: Target::new(door, identity, Arc::new(settings)), fixture, scrapes: 0 }
    }

    fn now(&self) -> UnixNanos {
        seconds(START + self.scrapes * INTERVAL)
    }

    fn try_scrape(&mut self, format: Format, body: &str) -> Result<Scraped, Failure> {
        self.scrapes += 1;
        let now = self.now();
        let mut scrape = self.target.begin(now, format);
        // Cut where it may hurt.
        for piece in body.as_bytes().chunks(7) {
            scrape.feed(piece)?;
        }
        scrape.finish()
    }

    /// Scrapes text, and says what points there are.
    fn text(&mut self, body: &str) -> Vec<String> {
        let scraped = self.try_scrape(Format::Text004, body).unwrap();
        self.describe(&scraped)
    }

    /// Scrapes OpenMetrics; `# EOF` is added.
    fn openmetrics(&mut self, body: &str) -> Vec<String> {
        let scraped = self.try_scrape(Format::OpenMetrics100, &format!("{body}# EOF\n")).unwrap();
        self.describe(&scraped)
    }

    /// The scrape fails; answers what that makes.
    fn fail(&mut self) -> Vec<String> {
        let failed = self.target.fail(self.now());
        assert_eq!(failed.made, failed.points());
        self.describe(&failed)
    }

    fn describe(&self, scraped: &Scraped) -> Vec<String> {
        let mut all: Vec<String> = scraped.batches.iter().flat_map(|batch| self.of_batch(batch)).collect();
        all.sort();
        all
    }

    fn of_batch(&self, batch: &Batch) -> Vec<String> {
        let numbers = batch.numbers.iter().map(|point| {
            let series = self.fixture.series(point.series);
            let value = point.value().as_f64();
            let kind = match (series.descriptor().kind, series.descriptor().monotonic) {
                (Kind::Gauge, _) => "gauge",
                (_, true) => "counter",
                (_, false) => "sum",
            };
            Self::one(&series, point.flags, point.start, point.time, &format!("{kind} {value}"))
        });
        let histograms = batch.histograms.iter().map(|point| {
            let sum = if point.flags.has(Flags::SUM) { point.sum.to_string() } else { "none".to_owned() };
            let (bounds, counts) = (batch.bounds(point.bounds), batch.counts(point.counts));
            let what = format!("histogram {} sum {sum} {bounds:?} {counts:?}", point.count);
            Self::one(&self.fixture.series(point.series), point.flags, point.start, point.time, &what)
        });
        let summaries = batch.summaries.iter().map(|point| {
            let quantiles = batch.bounds(point.quantiles);
            let what = format!("summary {} sum {} {quantiles:?}", point.count, point.sum);
            Self::one(&self.fixture.series(point.series), point.flags, point.start, point.time, &what)
        });
        let exponentials = batch.exponential_histograms.iter().map(|point| {
            let what = format!(
                "exponential {} sum {} scale {} zero {} ({}) from {} {:?} from {} {:?}",
                point.count,
                point.sum,
                point.scale,
                point.zero_count,
                point.zero_threshold,
                point.positive_offset,
                batch.counts(point.positive),
                point.negative_offset,
                batch.counts(point.negative),
            );
            Self::one(&self.fixture.series(point.series), point.flags, point.start, point.time, &what)
        });
        numbers.chain(histograms).chain(exponentials).chain(summaries).collect()
    }

    /// Times are in seconds after the start of the test.
    fn one(series: &Series, flags: Flags, start: UnixNanos, time: UnixNanos, what: &str) -> String {
        let attributes: Vec<String> =
            series.attributes().iter().map(|pair| format!("{}={}", pair.key, pair.value)).collect();
        let after = |time: UnixNanos| (time.0 as i64 - seconds(START).0 as i64) / 1_000_000_000;
        let metric = series.descriptor();
        let unit = if metric.unit.is_empty() { String::new() } else { format!(" {}", metric.unit) };
        let what = if flags.has(Flags::NO_RECORDED_VALUE) { "stale" } else { what };
        let since = if start.0 == 0 { String::new() } else { format!(" since {}", after(start)) };
        format!("{}{{{}}}{unit} {what} at {}{since}", metric.name, attributes.join(","), after(time))
    }
}

/// The resource attributes of each point's series, by metric.
fn resources(rig: &Rig, scraped: &Scraped) -> Vec<String> {
    let of_batch = |batch: &Batch| {
        let mut all = Vec::new();
        batch.clone().for_each_series(|id| {
            let series = rig.fixture.series(*id);
            let attributes: Vec<String> = series
                .resource()
                .attributes
                .iter()
                .map(|pair| format!("{}={}", pair.key, pair.value))
                .collect();
            all.push(format!("{}: {}", series.descriptor().name, attributes.join(",")));
        });
        all
    };
    scraped.batches.iter().flat_map(of_batch).collect()
}
