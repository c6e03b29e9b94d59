//! What a scraper says that it took, in Prometheus's form: series by name and labels, and their samples.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt,
    sync::Arc,
};

/// Names and values.
pub(crate) type Labels = BTreeMap<String, String>;

/// Everything that was taken.
#[derive(Debug, Default)]
pub(crate) struct Told(HashMap<Key, Series>);

/// A series of a target. The target is told by the labels of its `up`: relabelling may leave a series nothing of them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key {
    pub(crate) target: Arc<Labels>,
    pub(crate) labels: Labels,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Series {
    kind: Kind,
    unit: String,
    samples: Vec<Sample>,
}

/// The types of OpenTelemetry's mapping, which are fewer than Prometheus's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Gauges, and what has no known type.
    #[default]
    Gauge,
    Counter,
    /// Info and state sets.
    State,
    Histogram,
    Summary,
    GaugeHistogram,
}

#[derive(Clone, Debug)]
pub(crate) struct Sample {
    pub(crate) when: When,
    pub(crate) what: What,
    /// Since when it counts, in milliseconds; 0 where that is not said.
    pub(crate) start: u64,
}

/// The time of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// That of a scrape of the target: the first is 0.
    Scrape(usize),
    /// Its own, in milliseconds.
    Stated(i64),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum What {
    /// The bits of a double.
    Value(u64),
    /// A native histogram.
    Native(Native),
    Stale,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Native {
    pub(crate) schema: i64,
    pub(crate) zero_threshold: f64,
    pub(crate) zero_count: u64,
    pub(crate) count: u64,
    pub(crate) sum: u64,
    /// Counts by Prometheus's index.
    pub(crate) positive: BTreeMap<i64, u64>,
    pub(crate) negative: BTreeMap<i64, u64>,
}

impl What {
    pub(crate) fn value(value: f64) -> Self {
        // Every NaN is the same one, but for the marker.
        Self::Value(if value.is_nan() { f64::NAN.to_bits() } else { value.to_bits() })
    }
}

/// What Prometheus reports about each target; how long a scrape took is nobody's but its own.
const REPORTED: [&str; 8] = [
    "up",
    "scrape_duration_seconds",
    "scrape_samples_scraped",
    "scrape_samples_post_metric_relabeling",
    "scrape_series_added",
    "scrape_timeout_seconds",
    "scrape_sample_limit",
    "scrape_body_size_bytes",
];

/// Those of them that count samples.
const COUNTS: [&str; 3] =
    ["scrape_samples_scraped", "scrape_samples_post_metric_relabeling", "scrape_series_added"];

impl Told {
    /// Takes a sample down. `le` and `quantile` may be written in several ways: here they are numbers.
    pub(crate) fn take(&mut self, mut key: Key, kind: Kind, unit: &str, mut sample: Sample) {
        for label in ["le", "quantile"] {
            if let Some(number) = key.labels.get(label).and_then(|text| text.parse::<f64>().ok()) {
                key.labels.insert(label.to_owned(), number.to_string());
            }
        }
        let name = key.labels.get("__name__").map_or("", String::as_str);
        let is_reported = REPORTED.contains(&name);
        if name == "scrape_duration_seconds" && sample.what != What::Stale {
            sample.what = What::value(0.0);
        }
        let series = self.0.entry(key).or_default();
        if sample.what != What::Stale {
            series.kind = kind;
            // Prometheus has units for them that its documentation does not name, such as `targets`.
            series.unit = if is_reported { String::new() } else { unit.to_owned() };
        }
        series.samples.push(sample);
    }

    /// How many series there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// How many samples there are that are no markers.
    pub(crate) fn values(&self) -> usize {
        let values =
            |series: &Series| series.samples.iter().filter(|sample| sample.what != What::Stale).count();
        self.0.values().map(values).sum()
    }

    /// The same without what only version 3 tells: types, units, and since when.
    pub(crate) fn untyped(mut self) -> Self {
        for series in self.0.values_mut() {
            (series.kind, series.unit) = (Kind::default(), String::new());
        }
        self
    }

    /// The series that are stale at the end.
    pub(crate) fn stale(&self) -> BTreeSet<&Key> {
        let is_stale = |series: &Series| series.samples.last().is_some_and(|last| last.what == What::Stale);
        self.0.iter().filter(|(_, series)| is_stale(series)).map(|(key, _)| key).collect()
    }

    /// Leaves out what came after the first `rounds` scrapes of each target.
    pub(crate) fn within(mut self, rounds: impl Fn(&Labels) -> usize) -> Self {
        self.0.retain(|key, series| {
            let rounds = rounds(&key.target);
            series.samples.retain(|sample| !matches!(sample.when, When::Scrape(at) if at >= rounds));
            !series.samples.is_empty()
        });
        self
    }

    /// Leaves out how many samples there were in scrapes of these jobs.
    pub(crate) fn without_counts_of(mut self, jobs: &BTreeSet<&str>) -> Self {
        self.0.retain(|key, _| {
            let is_count = key.labels.get("__name__").is_some_and(|name| COUNTS.contains(&name.as_str()));
            !is_count || key.target.get("job").is_none_or(|job| !jobs.contains(job.as_str()))
        });
        self
    }

    /// The names of jobs, by the label of targets.
    pub(crate) fn jobs(&self) -> BTreeSet<&str> {
        self.0.keys().filter_map(|key| key.target.get("job")).map(String::as_str).collect()
    }

    /// What is not the same in both, job by job: a line for each series of each side, `weir` or `prometheus` first.
    pub(crate) fn differences(&self, prometheus: &Self) -> BTreeMap<String, Vec<String>> {
        let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let theirs_alone = prometheus.0.keys().filter(|key| !self.0.contains_key(key));
        for key in self.0.keys().chain(theirs_alone) {
            let (ours, theirs) = (self.0.get(key), prometheus.0.get(key));
            if let (Some(ours), Some(theirs)) = (ours, theirs)
                && ours.is_as(theirs)
            {
                continue;
            }
            let lines = found.entry(key.target.get("job").cloned().unwrap_or_default()).or_default();
            let has_start = theirs.is_some_and(|series| series.samples.iter().any(|sample| sample.start > 0));
            for (who, series) in [("weir", ours), ("prometheus", theirs)] {
                if let Some(series) = series {
                    lines.push(format!("{who}: {key} {}", series.written(has_start)));
                }
            }
        }
        found
    }
}

impl Series {
    fn is_as(&self, prometheus: &Self) -> bool {
        let all = self.samples.iter().zip(&prometheus.samples);
        self.kind == prometheus.kind
            && self.unit == prometheus.unit
            && self.samples.len() == prometheus.samples.len()
            && all.clone().all(|(ours, theirs)| ours.is_as(theirs))
    }
}

impl Sample {
    /// Weir knows a start more often (since the last scrape, which did not have the series). One that Prometheus read is the same, to the
    /// millisecond that it is rounded to. A client that makes a counter while it is scraped first may say that it began after that scrape
    /// did, which is no start to Weir.
    fn is_as(&self, prometheus: &Self) -> bool {
        let made_meanwhile = self.start == 0 && self.when == When::Scrape(0);
        let starts_alike =
            prometheus.start == 0 || made_meanwhile || self.start.abs_diff(prometheus.start) <= 1;
        self.when == prometheus.when && self.what == prometheus.what && starts_alike
    }
}

impl fmt::Display for Key {
    /// Labels that say which target it is are left out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.labels.get("__name__").map_or("", String::as_str);
        write!(f, "{name}{{")?;
        let own = |(label, value): &(&String, &String)| {
            *label != "__name__" && self.target.get(*label).is_none_or(|of_target| of_target != *value)
        };
        for (at, (label, value)) in self.labels.iter().filter(own).enumerate() {
            let comma = if at > 0 { "," } else { "" };
            let value: String = value.chars().take(40).collect();
            write!(f, "{comma}{label}={value:?}")?;
        }
        write!(f, "}}")
    }
}

impl Series {
    /// In words; with since when it counts where that is in question.
    fn written(&self, with_start: bool) -> String {
        let mut text = format!("{:?}", self.kind);
        if !self.unit.is_empty() {
            text.push_str(&format!(" in {}", self.unit));
        }
        for sample in &self.samples {
            text.push_str(&match sample.when {
                When::Scrape(at) => format!(" {at}:"),
                When::Stated(at) => format!(" @{at}:"),
            });
            text.push_str(&match &sample.what {
                What::Value(bits) => format!("{:?}", f64::from_bits(*bits)),
                What::Native(native) => format!("{native:?}"),
                What::Stale => "stale".to_owned(),
            });
            if with_start && sample.start > 0 {
                text.push_str(&format!(" since {}", sample.start));
            }
        }
        text
    }
}
