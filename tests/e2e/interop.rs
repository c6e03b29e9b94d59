//! Peers that are not ours: boto3 and the AWS CLI read back.
//!
//! What is expected comes from the tests' own samples, and nothing of it from Weir. `cargo xtask test` installs the peers and names them; without them these tests say that they are skipped.

use std::{collections::BTreeMap, process::Command};

use serde_json::{Value, json};

use crate::harness::{Ended, FarEnd, Program, SECOND, Weir, gauge, now};

pub(crate) const PYTHON: &str = "WEIR_PYTHON";
pub(crate) const AWS: &str = "WEIR_AWS";

/// From OTLP over `delta` to one exporter of these keys.
fn config(exporter: &str) -> String {
    format!(
        "receivers: {{ otlp: {{ protocols: {{ grpc: {{ endpoint: 'localhost:0' }} }} }} }}
processors: {{ delta: }}
exporters: {{ cloudwatch: {exporter} }}
service:
  pipelines:
    metrics: {{ receivers: [otlp], processors: [delta], exporters: [cloudwatch] }}
"
    )
}

/// The program that a variable names, if there is one; says that `test` is skipped otherwise.
pub(crate) fn peer(variable: &str, test: &str) -> Option<String> {
    let found = std::env::var(variable).ok();
    if found.is_none() {
        println!("skipped: {test} ({variable} is not set: run `cargo xtask test`)");
    }
    found
}

/// Runs a peer to its end with these arguments, with nothing of the environment that could change what it does.
pub(crate) async fn run(program: &str, arguments: &[&str]) -> Ended {
    let mut command = Command::new(program);
    command.args(arguments).env_clear().current_dir(env!("CARGO_MANIFEST_DIR"));
    let passed_on = [("PATH", "PATH"), ("WEIR_NODE_MODULES", "NODE_PATH")];
    command.envs(passed_on.iter().filter_map(|(from, to)| Some((*to, std::env::var_os(from)?))));
    command.envs([("PYTHONDONTWRITEBYTECODE", "1"), ("AWS_EC2_METADATA_DISABLED", "true")]);
    command.envs([("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"), ("AWS_SECRET_ACCESS_KEY", "example")]);
    command.envs([("AWS_CONFIG_FILE", "/dev/null"), ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")]);
    Program::spawn(command).ended().await
}

/// The same, for a peer that must succeed and answer JSON.
pub(crate) async fn answer(program: &str, arguments: &[&str]) -> Value {
    let ended = run(program, arguments).await;
    assert_eq!(ended.code, Some(0), "{program} {arguments:?}: {}", ended.stderr);
    serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {}", ended.stdout))
}

/// What to ask for: an hour in one piece, begun before the test sent anything.
pub(crate) struct Question {
    pub(crate) name: String,
    pub(crate) dimensions: BTreeMap<String, String>,
    pub(crate) start: u64,
}

impl Question {
    fn json(&self) -> Value {
        json!({
            "Namespace": "E2E", "MetricName": self.name, "Dimensions": self.dimensions,
            "StartTime": self.start, "EndTime": self.start + 3600, "Period": 3600,
        })
    }
}

/// The minute in which nanosecond `time` lies, in seconds.
pub(crate) fn minute(time: u64) -> u64 {
    time / SECOND / 60 * 60
}

pub(crate) async fn ask_boto3(python: &str, endpoint: &str, questions: &[Question]) -> Vec<Value> {
    let query = Value::from(questions.iter().map(Question::json).collect::<Vec<_>>()).to_string();
    let arguments = ["tests/interop/read_back.py", "--endpoint", endpoint, "--query", &query];
    answer(python, &arguments).await.as_array().unwrap().clone()
}

/// Asks the AWS CLI the same as [`ask_boto3`] asks boto3, in the same two calls.
pub(crate) async fn ask_aws(aws: &str, endpoint: &str, question: &Question) -> Value {
    let (start, end) = (question.start.to_string(), (question.start + 3600).to_string());
    let dimensions: Vec<String> =
        question.dimensions.iter().map(|(name, value)| format!("Name={name},Value={value}")).collect();
    let mut fixed = vec!["cloudwatch", "get-metric-statistics", "--endpoint-url", endpoint];
    fixed.extend(["--region", "us-east-1", "--output", "json", "--namespace", "E2E"]);
    fixed.extend(["--metric-name", &question.name, "--period", "3600"]);
    fixed.extend(["--start-time", &start, "--end-time", &end]);
    if !dimensions.is_empty() {
        fixed.push("--dimensions");
        fixed.extend(dimensions.iter().map(String::as_str));
    }
    let ask = async |wanted: &[&str]| answer(aws, &[&fixed, wanted].concat()).await;
    let mut all = ask(&["--statistics", "Average", "Minimum", "Maximum", "Sum", "SampleCount"]).await;
    let percentiles = ask(&["--extended-statistics", "p50", "p90", "p95", "p99"]).await;
    if let Some(found) = percentiles["Datapoints"][0]["ExtendedStatistics"].as_object() {
        all["Datapoints"][0].as_object_mut().unwrap().extend(found.clone());
    }
    all
}

/// How much of the samples can be known at CloudWatch. Their count and sum are always exact.
pub(crate) enum Known {
    /// All of them.
    Exactly,
    /// Their percentiles within this share of themselves.
    Within(f64),
    /// In which bucket each lies, and with `extremes` the least and the greatest.
    InBuckets { of: Box<dyn Fn(f64) -> (f64, f64)>, extremes: bool },
}

impl Known {
    /// Between what a percentile must lie, whose ranks are those of two samples.
    fn percentile(&self, (below, above): (f64, f64), exact: f64) -> (f64, f64) {
        let near = |share: f64| (exact - share * exact.abs(), exact + share * exact.abs());
        match self {
            Self::Exactly => near(1e-12),
            Self::Within(share) => near(*share),
            Self::InBuckets { of, .. } => (of(below).0, of(above).1),
        }
    }

    /// Between what the least or the greatest sample must lie.
    fn extreme(&self, sample: f64) -> (f64, f64) {
        match self {
            Self::InBuckets { of, extremes: false } => of(sample),
            _ => (sample, sample),
        }
    }
}

/// Compares the one datapoint of an answer with the samples themselves.
pub(crate) fn assert_statistics(
    answer: &Value,
    mut samples: Vec<f64>,
    unit: &str,
    known: &Known,
    what: &str,
) {
    let points = answer["Datapoints"].as_array().unwrap();
    assert_eq!(points.len(), 1, "{what}: {answer}");
    let point = &points[0];
    samples.sort_by(f64::total_cmp);
    let (count, sum) = (samples.len() as f64, samples.iter().sum::<f64>());
    for (statistic, expected) in [("SampleCount", count), ("Sum", sum), ("Average", sum / count)] {
        assert_eq!(point[statistic].as_f64(), Some(expected), "{statistic} of {what}: {point}");
    }
    assert_eq!(point["Unit"], unit, "{what}");
    let lies = |name: &str, (low, high): (f64, f64)| {
        let found = point[name].as_f64().unwrap_or_else(|| panic!("no {name} of {what}: {point}"));
        assert!((low..=high).contains(&found), "{name} of {what}: {found}, expected {low} to {high}");
    };
    lies("Minimum", known.extreme(samples[0]));
    lies("Maximum", known.extreme(samples[samples.len() - 1]));
    for (name, p) in [("p50", 50.0), ("p95", 95.0)] {
        if samples[0] < 0.0 {
            let none = "CloudWatch has no percentiles of negative values";
            assert!(point[name].is_null(), "{none}; {what}: {point}");
            continue;
        }
        lies(name, known.percentile(ranks(&samples, p), percentile(&samples, p)));
    }
}

/// The percentile of sorted samples, interpolated linearly at rank `p / 100 × (n − 1)`.
pub(crate) fn percentile(sorted: &[f64], p: f64) -> f64 {
    let (below, above) = ranks(sorted, p);
    below + (above - below) * rank(sorted, p).fract()
}

/// The samples below and above that rank.
fn ranks(sorted: &[f64], p: f64) -> (f64, f64) {
    let rank = rank(sorted, p);
    (sorted[rank.floor() as usize], sorted[rank.ceil() as usize])
}

fn rank(sorted: &[f64], p: f64) -> f64 {
    p / 100.0 * (sorted.len() - 1) as f64
}

/// Numbers that look random and are the same in every run (a linear congruential generator modulo 2^31).
pub(crate) fn numbers(seed: u64) -> impl Iterator<Item = u64> {
    std::iter::successors(Some(seed), |x| Some((x * 1_103_515_245 + 12_345) % (1 << 31)))
        .skip(1)
        .map(|x| x >> 8)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn percentiles_survive_the_way_to_cloudwatch() {
    let test = "percentiles of raw samples";
    let (Some(python), Some(aws)) = (peer(PYTHON, test), peer(AWS, test)) else { return };
    // A second of the past, so that all samples share a period.
    let time = (now() / SECOND - 30) * SECOND;
    // At most 150 distinct values are sent as they are; more are merged, which may move a percentile by a hundredth.
    let few: Vec<f64> = numbers(1).take(1500).map(|n| (n % 140) as f64 / 4.0).collect();
    let many: Vec<f64> = numbers(2).take(4000).map(|n| 100.0 + (n % 100_000) as f64 / 16.0).collect();
    let far = FarEnd::start().await;
    let weir = Weir::start(&config(&far.exporter(&["period: 1s"])), &[]).await;
    let mut sender = weir.sender().await;
    for (name, samples) in [("e2e.few", &few), ("e2e.many", &many)] {
        sender.send(gauge(name, (0..).zip(samples).map(|(at, value)| (time + at, *value)))).await;
    }
    let ledger = weir.drain().await;

    assert_eq!(far.0.counters().datums, 2, "one datum a series and period");
    assert_eq!((far.samples(), ledger.row("exporter cloudwatch").out), (5500, 5500));
    let question =
        |name: &str| Question { name: name.to_owned(), dimensions: BTreeMap::new(), start: minute(time) };
    let questions = [question("e2e.few"), question("e2e.many")];
    let by_boto3 = ask_boto3(&python, &far.0.endpoint(), &questions).await;
    let cases = [(few, Known::Exactly), (many, Known::Within(0.01))];
    for ((question, answer), (samples, known)) in questions.iter().zip(&by_boto3).zip(cases) {
        assert_statistics(answer, samples.clone(), "None", &known, &format!("{} by boto3", question.name));
        let answer = ask_aws(&aws, &far.0.endpoint(), question).await;
        assert_statistics(&answer, samples, "None", &known, &format!("{} by the AWS CLI", question.name));
    }
}
