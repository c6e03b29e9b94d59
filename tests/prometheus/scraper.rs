//! Prometheus's own scraping (`tests/interop/go/scraper`), and what it took.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
};

use serde::Deserialize;
use serde_json::Value;

use crate::told::{Key, Kind, Labels, Native, Sample, Told, What, When};

/// Names the program.
pub(crate) const PROGRAM: &str = "WEIR_PROMETHEUS_SCRAPER";

/// The bits of Prometheus's marker of staleness (model/value).
const STALE: u64 = 0x7ff0_0000_0000_0002;

/// It is running.
pub(crate) struct Scraper {
    child: Child,
    out: PathBuf,
}

#[derive(Deserialize)]
struct Line {
    labels: Labels,
    time: i64,
    #[serde(default)]
    start: u64,
    #[serde(default)]
    bits: String,
    native: Option<OfNative>,
    #[serde(rename = "type")]
    family_type: String,
    unit: String,
}

#[derive(Deserialize)]
struct OfNative {
    schema: i64,
    zero_threshold: f64,
    zero_count: u64,
    count: u64,
    sum: String,
    positive: HashMap<String, u64>,
    negative: HashMap<String, u64>,
}

impl Scraper {
    /// Starts it with these jobs.
    pub(crate) fn start(program: &str, folder: &Path, config: &Value) -> Self {
        let (file, out) = (folder.join("prometheus.yml"), folder.join("prometheus.jsonl"));
        // JSON is YAML.
        fs::write(&file, config.to_string()).unwrap();
        let log = fs::File::create(folder.join("prometheus.log")).unwrap();
        let mut command = Command::new(program);
        command.args([&file, &out]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(log);
        Self { child: command.spawn().unwrap(), out }
    }

    /// Ends it, and reads what it took.
    pub(crate) fn end(mut self) -> Told {
        drop(self.child.stdin.take());
        let status = self.child.wait().unwrap();
        let log = fs::read_to_string(self.out.with_extension("log")).unwrap();
        assert!(status.success(), "{log}");
        told(&fs::read_to_string(&self.out).unwrap())
    }
}

impl Drop for Scraper {
    fn drop(&mut self) {
        // It has ended already, or must now.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn told(text: &str) -> Told {
    let mut told = Told::default();
    let mut rounds: HashMap<Arc<Labels>, usize> = HashMap::new();
    for line in text.lines() {
        let samples: Vec<Line> = serde_json::from_str(line).unwrap();
        let Some(up) = samples.iter().find(|sample| sample.labels["__name__"] == "up") else {
            panic!("a scrape without `up`: {line}");
        };
        let mut target = up.labels.clone();
        target.remove("__name__");
        let target = Arc::new(target);
        let round = rounds.entry(Arc::clone(&target)).or_default();
        let now = up.time;
        for sample in samples {
            let when = if sample.time == now { When::Scrape(*round) } else { When::Stated(sample.time) };
            let taken = Sample { when, what: sample.what(), start: sample.start };
            let key = Key { target: Arc::clone(&target), labels: sample.labels };
            told.take(key, kind(&sample.family_type), in_ucum(&sample.unit), taken);
        }
        *round += 1;
    }
    told
}

impl Line {
    fn what(&self) -> What {
        let Some(native) = &self.native else {
            return match bits(&self.bits) {
                STALE => What::Stale,
                bits => What::value(f64::from_bits(bits)),
            };
        };
        let counts = |of: &HashMap<String, u64>| {
            of.iter().map(|(index, count)| (index.parse().unwrap(), *count)).collect()
        };
        What::Native(Native {
            schema: native.schema,
            zero_threshold: native.zero_threshold,
            zero_count: native.zero_count,
            count: native.count,
            sum: bits(&native.sum),
            positive: counts(&native.positive),
            negative: counts(&native.negative),
        })
    }
}

fn bits(text: &str) -> u64 {
    u64::from_str_radix(text, 16).unwrap()
}

fn kind(family_type: &str) -> Kind {
    match family_type {
        "" | "gauge" | "unknown" => Kind::Gauge,
        "counter" => Kind::Counter,
        "info" | "stateset" => Kind::State,
        "histogram" => Kind::Histogram,
        "summary" => Kind::Summary,
        "gaugehistogram" => Kind::GaugeHistogram,
        other => panic!("`{other}` is no type of Prometheus's"),
    }
}

/// The units of the pages here.
fn in_ucum(unit: &str) -> &str {
    match unit {
        "seconds" => "s",
        "bytes" => "By",
        "ratio" => "1",
        other => other,
    }
}
