//! Pages of targets in Prometheus's text. What names their samples is written once; for each scrape the values are put in anew.

use std::io::Write as _;

/// Samples of a family.
const OF_FAMILY: usize = 1000;
/// Buckets of a histogram that have a bound, each with one more value a scrape.
const BUCKETS: usize = 10;
/// Lines of a histogram: buckets, the one without a bound, sum, count.
const HISTOGRAM_LINES: usize = BUCKETS + 3;
/// What a histogram's sum grows by between two scrapes. All values are multiples of a quarter, so sums of them are exact.
const GROWTH: f64 = 3.25;

/// What a page holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Counters of five labels.
    pub counters: usize,
    /// Gauges of two labels.
    pub gauges: usize,
    /// Histograms of ten bounds and one label.
    pub histograms: usize,
}

/// What must be at the far end.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Expected {
    /// Series.
    pub series: u64,
    /// Samples of a gauge, increments of a counter, and all that histograms have counted.
    pub samples: f64,
    /// The sum of all these.
    pub sum: f64,
}

impl Shape {
    /// Samples of a page, as Prometheus counts them.
    pub fn lines(self) -> usize {
        self.counters + self.gauges + self.histograms * HISTOGRAM_LINES
    }

    /// What the first `scrapes` pages of a target bring. A counter's first value is where counting begins.
    pub fn expected(self, scrapes: u32) -> Expected {
        let increments = f64::from(scrapes.saturating_sub(1));
        let counters: f64 = (0..self.counters).map(|n| step(n) as f64).sum();
        let gauges: f64 = (0..self.gauges)
            .map(|n| (1..=scrapes).map(|scrape| gauge(n, u64::from(scrape))).sum::<f64>())
            .sum();
        let histograms = self.histograms as f64;
        Expected {
            series: (self.counters + self.gauges + self.histograms) as u64,
            samples: increments * (self.counters as f64 + histograms * BUCKETS as f64)
                + f64::from(scrapes) * self.gauges as f64,
            sum: increments * (counters + histograms * GROWTH) + gauges,
        }
    }
}

/// What the counter of this number grows by between two scrapes.
fn step(number: usize) -> u64 {
    number as u64 % 97 + 1
}

fn gauge(number: usize, scrape: u64) -> f64 {
    ((number as u64 + scrape) % 1000) as f64 + 0.25
}

/// A value of a page.
#[derive(Clone, Copy, Debug)]
enum Value {
    Counter(usize),
    Gauge(usize),
    /// What grows by so many.
    Count(u64),
    Sum,
}

/// The pages of a target.
#[derive(Debug)]
pub struct Pages {
    /// Everything but the values.
    text: Vec<u8>,
    /// Where each value stands in it.
    values: Vec<(usize, Value)>,
}

impl Pages {
    /// Writes what is the same in all of them.
    pub fn new(shape: Shape) -> Self {
        let mut pages = Self { text: Vec::new(), values: Vec::with_capacity(shape.lines()) };
        for n in 0..shape.counters {
            let (family, n_of_family) = (n / OF_FAMILY, n % OF_FAMILY);
            if n_of_family == 0 {
                pages.put(&format!(
                    "# HELP bench_requests_{family}_total Requests of the service.\n# TYPE bench_requests_{family}_total counter\n"
                ));
            }
            let key = format!(
                "bench_requests_{family}_total{{method=\"GET\",code=\"200\",handler=\"/api/v1/items/{n_of_family}\",zone=\"a\",pod=\"web-{family}-7f9c4d5b88\"}} "
            );
            pages.line(&key, Value::Counter(n));
        }
        for n in 0..shape.gauges {
            let (family, n_of_family) = (n / OF_FAMILY, n % OF_FAMILY);
            if n_of_family == 0 {
                pages.put(&format!("# TYPE bench_queue_{family} gauge\n"));
            }
            pages.line(
                &format!("bench_queue_{family}{{queue=\"q-{n_of_family}\",zone=\"a\"}} "),
                Value::Gauge(n),
            );
        }
        if shape.histograms > 0 {
            pages.put("# HELP bench_latency_seconds How long.\n# TYPE bench_latency_seconds histogram\n");
        }
        for n in 0..shape.histograms {
            for bucket in 0..BUCKETS {
                let (bound, count) = (bucket as f64 * 0.25 + 0.1, bucket as u64 + 1);
                let key =
                    format!("bench_latency_seconds_bucket{{handler=\"/api/v1/items/{n}\",le=\"{bound}\"}} ");
                pages.line(&key, Value::Count(count));
            }
            for (suffix, more, value) in [
                ("bucket", ",le=\"+Inf\"", Value::Count(BUCKETS as u64)),
                ("sum", "", Value::Sum),
                ("count", "", Value::Count(BUCKETS as u64)),
            ] {
                let key = format!("bench_latency_seconds_{suffix}{{handler=\"/api/v1/items/{n}\"{more}}} ");
                pages.line(&key, value);
            }
        }
        pages
    }

    fn put(&mut self, text: &str) {
        self.text.extend_from_slice(text.as_bytes());
    }

    fn line(&mut self, key: &str, value: Value) {
        self.put(key);
        self.values.push((self.text.len(), value));
        self.put("\n");
    }

    /// The page of a scrape; the first is 1.
    pub fn page(&self, scrape: u32) -> Vec<u8> {
        let scrape = u64::from(scrape);
        let mut page = Vec::with_capacity(self.text.len() + self.values.len() * 8);
        let mut from = 0;
        for (at, value) in &self.values {
            page.extend_from_slice(&self.text[from..*at]);
            from = *at;
            // Writing to memory cannot fail.
            let _ = match *value {
                Value::Counter(n) => write!(page, "{}", 1_000_000 + n as u64 + scrape * step(n)),
                Value::Gauge(n) => write!(page, "{}", gauge(n, scrape)),
                Value::Count(growth) => write!(page, "{}", scrape * growth),
                Value::Sum => write!(page, "{}", scrape as f64 * GROWTH),
            };
        }
        page.extend_from_slice(&self.text[from..]);
        page
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: Shape = Shape { counters: 1, gauges: 1, histograms: 1 };

    #[test]
    fn a_page_has_the_values_of_its_scrape() {
        let text = String::from_utf8(Pages::new(SMALL).page(2)).unwrap();
        let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(lines.len(), SMALL.lines());
        assert!(lines[0].starts_with("bench_requests_0_total{") && lines[0].ends_with("} 1000002"), "{text}");
        assert_eq!(lines[1], "bench_queue_0{queue=\"q-0\",zone=\"a\"} 2.25");
        assert_eq!(lines[2], "bench_latency_seconds_bucket{handler=\"/api/v1/items/0\",le=\"0.1\"} 2");
        let last = [
            "bench_latency_seconds_bucket{handler=\"/api/v1/items/0\",le=\"+Inf\"} 20",
            "bench_latency_seconds_sum{handler=\"/api/v1/items/0\"} 6.5",
            "bench_latency_seconds_count{handler=\"/api/v1/items/0\"} 20",
        ];
        assert_eq!(lines[12..], last);
    }

    #[test]
    fn what_is_expected_is_what_the_pages_say() {
        // Three scrapes: the counter grows by 1 twice, the gauge is 1.25, 2.25, 3.25, the histogram counts ten twice.
        let expected = Expected { series: 3, samples: 2.0 + 3.0 + 20.0, sum: 2.0 + 6.75 + 6.5 };
        assert_eq!(SMALL.expected(3), expected);
    }
}
