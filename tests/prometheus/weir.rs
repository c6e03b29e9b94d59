//! The real binary, and what it took: lines of OTLP/JSON, turned back into Prometheus's form.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
};

use serde_json::{Value, json};

use crate::told::{Key, Kind, Labels, Native, Sample, Told, What, When};

/// The scope of what names no other.
const SCOPE: &str = "weir/prometheus";

/// It is running.
pub(crate) struct Weir {
    child: Child,
    out: PathBuf,
}

impl Weir {
    /// Starts it with these receivers, by what follows `prometheus` in their names.
    pub(crate) fn start(folder: &Path, receivers: &[(&str, Value)]) -> Self {
        let (file, out) = (folder.join("weir.yaml"), folder.join("weir.jsonl"));
        let names: Vec<String> = receivers.iter().map(|(name, _)| format!("prometheus{name}")).collect();
        let receivers: BTreeMap<&String, &Value> =
            names.iter().zip(receivers.iter().map(|(_, keys)| keys)).collect();
        let config = json!({
            "receivers": receivers,
            "exporters": { "file": { "path": out } },
            "service": {
                "telemetry": { "metrics": { "address": "127.0.0.1:0" } },
                "pipelines": { "metrics": { "receivers": names, "exporters": ["file"] } },
            },
        });
        // JSON is YAML.
        fs::write(&file, config.to_string()).unwrap();
        let log = fs::File::create(folder.join("weir.log")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_weir"));
        command.arg("run").arg("-c").arg(file).env_clear().stdin(Stdio::null()).stdout(Stdio::null());
        Self { child: command.stderr(log).spawn().unwrap(), out }
    }

    /// Ends it, and reads what it took.
    pub(crate) fn end(mut self) -> Told {
        let kill = format!("kill -TERM {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
        let status = self.child.wait().unwrap();
        let log = fs::read_to_string(self.out.with_extension("log")).unwrap();
        assert!(status.success() && log.contains("every node adds up"), "{log}");
        told(&fs::read_to_string(&self.out).unwrap())
    }
}

impl Drop for Weir {
    fn drop(&mut self) {
        // It has ended already, or must now.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn told(text: &str) -> Told {
    let points: Vec<Point> = text.lines().flat_map(points).collect();
    // `up` comes behind the samples of its scrape.
    let mut scrapes = Scrapes::default();
    points.iter().filter(|point| point.name == "up").for_each(|up| scrapes.enter(up));
    let mut reader = Reader { told: Told::default(), scrapes, parts: HashMap::new() };
    points.iter().for_each(|point| reader.read(point));
    reader.told
}

/// The scrapes that there were, as `up` tells them.
#[derive(Default)]
struct Scrapes {
    /// By nanosecond, of which one scrape has all but always one of its own.
    by_time: HashMap<u64, Vec<(Arc<Labels>, usize)>>,
    /// In order, so that a point of several targets is always that of the first.
    counts: BTreeMap<Arc<Labels>, usize>,
}

impl Scrapes {
    fn enter(&mut self, up: &Point) {
        let target = Arc::new(up.labels());
        let round = self.counts.entry(Arc::clone(&target)).or_default();
        self.by_time.entry(up.time).or_default().push((target, *round));
        *round += 1;
    }

    /// The target and time of a point. One with a time of its own is of the target with its job and instance, and so is one at whose
    /// time there were two scrapes.
    fn of(&self, point: &Point) -> (Arc<Labels>, When) {
        let scrapes = self.by_time.get(&point.time).map_or(&[][..], Vec::as_slice);
        if let [(target, round)] = scrapes {
            return (Arc::clone(target), When::Scrape(*round));
        }
        let labels = point.labels();
        let is_its = |target: &Labels| {
            ["job", "instance"].iter().all(|label| target.get(*label) == labels.get(*label))
        };
        if let Some((target, round)) = scrapes.iter().find(|(target, _)| is_its(target)) {
            return (Arc::clone(target), When::Scrape(*round));
        }
        let target = self.counts.keys().find(|target| is_its(target));
        let target = target.unwrap_or_else(|| panic!("of no scrape: {point:?}"));
        (Arc::clone(target), When::Stated((point.time / 1_000_000).cast_signed()))
    }
}

/// A sample that a point stands for: what follows its name, one more label, and the value.
type Part = (&'static str, Option<(&'static str, f64)>, What);

/// A point with its name.
#[derive(Debug)]
struct Point {
    resource: Arc<Labels>,
    scope: Arc<Labels>,
    name: String,
    unit: String,
    /// What the metric is called in OTLP, and the rest of it.
    shape: &'static str,
    is_monotonic: bool,
    attributes: Labels,
    time: u64,
    start: u64,
    is_stale: bool,
    /// All of it.
    data: Value,
}

const SHAPES: [&str; 5] = ["gauge", "sum", "histogram", "exponentialHistogram", "summary"];

/// The points of a line.
fn points(line: &str) -> Vec<Point> {
    let mut points = Vec::new();
    let mut request: Value = serde_json::from_str(line).unwrap();
    for mut of_resource in all(&mut request, "resourceMetrics") {
        let resource = Arc::new(attributes(&of_resource["resource"]));
        for mut of_scope in all(&mut of_resource, "scopeMetrics") {
            let scope = Arc::new(scope(&of_scope["scope"]));
            for mut metric in all(&mut of_scope, "metrics") {
                let shape = SHAPES.into_iter().find(|shape| metric.get(shape).is_some()).unwrap();
                let is_monotonic = metric[shape]["isMonotonic"].as_bool().unwrap_or_default();
                for point in all(&mut metric[shape], "dataPoints") {
                    points.push(Point {
                        resource: Arc::clone(&resource),
                        scope: Arc::clone(&scope),
                        name: text(&metric["name"]),
                        unit: text(&metric["unit"]),
                        shape,
                        is_monotonic,
                        attributes: attributes(&point),
                        time: integer(&point["timeUnixNano"]),
                        start: integer(&point["startTimeUnixNano"]) / 1_000_000,
                        is_stale: point["flags"].as_u64().unwrap_or_default() & 1 == 1,
                        data: point,
                    });
                }
            }
        }
    }
    points
}

impl Point {
    /// As Prometheus has it, without a name: what OpenTelemetry keeps elsewhere is a label again.
    fn labels(&self) -> Labels {
        let mut labels = self.attributes.clone();
        labels.extend(Labels::clone(&self.scope));
        for (attribute, label) in [("service.name", "job"), ("service.instance.id", "instance")] {
            if let Some(value) = self.resource.get(attribute) {
                labels.insert(label.to_owned(), value.clone());
            }
        }
        labels
    }

    /// What the resource has beside what each target has: what `target_info` said.
    fn target_info(&self) -> Labels {
        const OF_TARGET: [&str; 5] =
            ["service.name", "service.instance.id", "server.address", "server.port", "url.scheme"];
        self.resource
            .iter()
            .filter(|(name, _)| !OF_TARGET.contains(&name.as_str()))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    }

    fn kind(&self) -> Kind {
        match self.shape {
            "gauge" => Kind::Gauge,
            "sum" if self.is_monotonic => Kind::Counter,
            "sum" => Kind::State,
            "summary" => Kind::Summary,
            _ => Kind::Histogram,
        }
    }

    /// The samples that it stands for.
    fn parts(&self) -> Vec<Part> {
        let point = &self.data;
        let count = |key: &str| What::value(integer(&point[key]) as f64);
        match self.shape {
            "exponentialHistogram" => vec![("", None, What::Native(native(point)))],
            "histogram" => {
                let bounds = array(&point["explicitBounds"]).iter().map(double).chain([f64::INFINITY]);
                let mut below = 0;
                let up_to = array(&point["bucketCounts"]).iter().map(|count| {
                    below += integer(count);
                    What::value(below as f64)
                });
                let mut parts: Vec<_> =
                    bounds.zip(up_to).map(|(bound, up_to)| ("_bucket", Some(("le", bound)), up_to)).collect();
                parts.push(("_count", None, count("count")));
                parts.extend(point.get("sum").map(|sum| ("_sum", None, What::value(double(sum)))));
                parts
            }
            "summary" => {
                let quantile = |one: &Value| {
                    ("", Some(("quantile", double(&one["quantile"]))), What::value(double(&one["value"])))
                };
                let mut parts: Vec<_> = array(&point["quantileValues"]).iter().map(quantile).collect();
                parts.extend([
                    ("_count", None, count("count")),
                    ("_sum", None, What::value(double(&point["sum"]))),
                ]);
                parts
            }
            _ => vec![("", None, What::value(number(point)))],
        }
    }
}

struct Reader {
    told: Told,
    scrapes: Scrapes,
    /// The series that a point stood for the last time, by its name and labels and what it is in OTLP.
    parts: HashMap<(Key, &'static str), Vec<Key>>,
}

impl Reader {
    fn read(&mut self, point: &Point) {
        let (target, when) = self.scrapes.of(point);
        let named = |suffix: &str| {
            let mut labels = point.labels();
            labels.insert("__name__".to_owned(), format!("{}{suffix}", point.name));
            Key { target: Arc::clone(&target), labels }
        };
        let mut now = Vec::new();
        let parts = if point.is_stale { Vec::new() } else { point.parts() };
        for (suffix, label, what) in parts {
            let mut key = named(suffix);
            key.labels.extend(label.map(|(label, value)| (label.to_owned(), value.to_string())));
            now.push(key.clone());
            self.told.take(key, point.kind(), &point.unit, Sample { when, what, start: point.start });
        }
        // What the last point had and this one has not is stale: a bucket, or all of it.
        let before = self.parts.insert((named(""), point.shape), now.clone()).unwrap_or_default();
        for key in before.iter().filter(|key| !now.contains(key)) {
            let gone = Sample { when, what: What::Stale, start: 0 };
            self.told.take(key.clone(), point.kind(), &point.unit, gone);
        }
        self.read_info(point, &target, when);
    }

    /// Of a scrape with `target_info`, each point has it in its resource: `up` stands for them.
    fn read_info(&mut self, point: &Point, target: &Arc<Labels>, when: When) {
        let info = point.target_info();
        if point.name != "up" || info.is_empty() {
            return;
        }
        let mut labels = Labels::clone(target);
        labels.insert("__name__".to_owned(), "target_info".to_owned());
        labels.extend(info);
        let key = Key { target: Arc::clone(target), labels };
        self.told.take(key, Kind::State, "", Sample { when, what: What::value(1.0), start: 0 });
    }
}

fn native(point: &Value) -> Native {
    let counts = |side: &Value| {
        let first = side["offset"].as_i64().unwrap_or_default();
        let counts = array(&side["bucketCounts"]).iter().map(integer);
        // Prometheus numbers a bucket by its upper bound, OpenTelemetry by its lower one.
        counts.zip(first + 1..).filter(|(count, _)| *count > 0).map(|(count, index)| (index, count)).collect()
    };
    Native {
        schema: point["scale"].as_i64().unwrap_or_default(),
        zero_threshold: point.get("zeroThreshold").map(double).unwrap_or_default(),
        zero_count: integer(&point["zeroCount"]),
        count: integer(&point["count"]),
        sum: double(&point["sum"]).to_bits(),
        positive: counts(&point["positive"]),
        negative: counts(&point["negative"]),
    }
}

fn scope(scope: &Value) -> Labels {
    let mut labels: Labels =
        attributes(scope).into_iter().map(|(name, value)| (format!("otel_scope_{name}"), value)).collect();
    for part in ["name", "version"] {
        let value = text(&scope[part]);
        if !value.is_empty() && value != SCOPE {
            labels.insert(format!("otel_scope_{part}"), value);
        }
    }
    labels
}

fn attributes(of: &Value) -> Labels {
    let attribute = |one: &Value| (text(&one["key"]), text(&one["value"]["stringValue"]));
    array(&of["attributes"]).iter().map(attribute).collect()
}

/// Takes a list out. An empty one is left out by OTLP/JSON.
fn all(parent: &mut Value, key: &str) -> Vec<Value> {
    match parent.get_mut(key).map(Value::take) {
        Some(Value::Array(all)) => all,
        _ => Vec::new(),
    }
}

fn array(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// OTLP/JSON writes integers of 64 bits as text, and leaves out what is zero.
fn integer(value: &Value) -> u64 {
    value.as_str().map_or(0, |text| text.parse().unwrap())
}

/// And doubles as numbers, but for those that JSON has not.
fn double(value: &Value) -> f64 {
    match value {
        Value::Number(number) => number.as_f64().unwrap(),
        Value::String(text) => text.parse().unwrap(),
        _ => 0.0,
    }
}

fn number(point: &Value) -> f64 {
    match point.get("asInt") {
        Some(integer) => integer.as_str().unwrap().parse().unwrap(),
        None => double(&point["asDouble"]),
    }
}
