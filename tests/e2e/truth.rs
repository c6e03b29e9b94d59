//! Known samples through the real binary, and what a reader is told of them.
//!
//! Three senders tell the same shapes as gauges, as explicit and as exponential histograms, each histogram in two points.
//! None of their attributes becomes a dimension, so all of a shape is one datum. What is expected comes from the sorted samples.

mod shapes;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{
    harness::{FarEnd, Ministack, SECOND, Weir, now},
    interop::{AWS, PYTHON, Question, ask_aws, ask_boto3, minute, peer, percentile},
};
use shapes::{BOUNDS, SHAPES, WAYS, Way, bucket, draw, indexed, scale_of, told};

const SENDERS: usize = 3;
const PERCENTILES: [(&str, f64); 4] = [("p50", 50.0), ("p90", 90.0), ("p95", 95.0), ("p99", 99.0)];

/// What was told of one shape in one way.
struct Case {
    name: String,
    way: Way,
    sorted: Vec<f64>,
    /// The samples of each point, as an exponential histogram's scale follows from them.
    points: Vec<Vec<f64>>,
}

/// What a reader is told of the sum.
#[derive(Clone, Copy, PartialEq)]
enum Sums {
    /// The statistics of the datum.
    Exact,
    /// What values times counts add up to, as a reader finds that takes no statistics beside values.
    OfValues,
}

fn cases() -> Vec<Case> {
    let case = |way, (shape, draw_one)| {
        let samples = draw(draw_one);
        let points = samples.chunks(samples.len() / SENDERS);
        let points = points.flat_map(|one| one.chunks(one.len().div_ceil(2)).map(<[f64]>::to_vec)).collect();
        let mut sorted = samples;
        sorted.sort_by(f64::total_cmp);
        Case { name: format!("{way:?}.{shape}"), way, sorted, points }
    };
    WAYS.into_iter().flat_map(|way| SHAPES.into_iter().map(move |shape| case(way, shape))).collect()
}

/// Sends every case to an endpoint in one period, and answers when that is: minutes ahead, so that it is the drain that closes it,
/// however long sending takes.
async fn send(exporter: &str, cases: &[Case]) -> u64 {
    let config = format!(
        "receivers: {{ otlp: {{ protocols: {{ grpc: {{ endpoint: 'localhost:0' }} }} }} }}
processors: {{ delta: }}
exporters: {{ cloudwatch: {exporter} }}
service:
  pipelines:
    metrics: {{ receivers: [otlp], processors: [delta], exporters: [cloudwatch] }}
"
    );
    let weir = Weir::start(&config, &[]).await;
    let mut sender = weir.sender().await;
    let time = (now() / SECOND + 600) * SECOND;
    for case in cases {
        for (number, points) in case.points.chunks(2).enumerate() {
            sender.send(told(case.way, &case.name, number, time, &points.concat())).await;
        }
    }
    let ledger = weir.drain().await;
    assert_eq!(ledger.row("exporter cloudwatch").out, ledger.row("receiver otlp").out, "all was delivered");
    time
}

fn questions(cases: &[Case], time: u64) -> Vec<Question> {
    let question =
        |case: &Case| Question { name: case.name.clone(), dimensions: BTreeMap::new(), start: minute(time) };
    cases.iter().map(question).collect()
}

/// Compares the one datapoint of an answer with the samples.
fn check(case: &Case, answer: &Value, sums: Sums) {
    let (name, sorted) = (&case.name, &case.sorted);
    let points = answer["Datapoints"].as_array().unwrap();
    assert_eq!(points.len(), 1, "{name}: {answer}");
    let told = |statistic: &str| points[0][statistic].as_f64().unwrap();
    let sum: f64 = sorted.iter().sum();
    let (least, greatest) = (sorted[0], sorted[sorted.len() - 1]);
    assert_eq!(
        [told("SampleCount"), told("Minimum"), told("Maximum")],
        [sorted.len() as f64, least, greatest],
        "{name}"
    );
    match sums {
        Sums::Exact => assert_eq!(told("Sum"), sum, "{name}"),
        Sums::OfValues => {
            let magnitude: f64 = sorted.iter().map(|sample| sample.abs()).sum();
            // Positive and negative samples cancel, and leave the error of all of them.
            let cancels = if least < 0.0 { 1e-3 } else { 1e-9 };
            let bound = if case.way == Way::Exponential { scale_error(case) } else { cancels };
            assert!((told("Sum") - sum).abs() <= bound * magnitude, "{name}: sum {} for {sum}", told("Sum"));
        }
    }
    if least < 0.0 {
        assert!(points[0]["p50"].is_null(), "CloudWatch has no percentiles of negative values: {answer}");
        return;
    }
    for (percentile_name, p) in PERCENTILES {
        let (found, truth) = (told(percentile_name), percentile(sorted, p));
        let what = format!("{percentile_name} of {name}: {found} for {truth}");
        match case.way {
            Way::Raw => assert!((found - truth).abs() <= 0.01 * truth, "{what}"),
            Way::Exponential => assert!((found - truth).abs() <= scale_error(case) * truth, "{what}"),
            Way::Explicit => check_explicit(case, found, p, &what),
        }
    }
}

/// In the bucket of the samples that the percentile lies at or between, and on log-normal data nearer than its middle.
fn check_explicit(case: &Case, found: f64, p: f64, what: &str) {
    let (sorted, truth) = (&case.sorted, percentile(&case.sorted, p));
    let rank = p / 100.0 * (sorted.len() - 1) as f64;
    let (below, above) = (bucket(sorted[rank.floor() as usize]), bucket(sorted[rank.ceil() as usize]));
    let greatest = sorted[sorted.len() - 1];
    let lower = if below == 0 { sorted[0] } else { BOUNDS[below - 1] };
    let upper = BOUNDS.get(above).map_or(greatest, |bound| bound.min(greatest));
    assert!((lower..=upper).contains(&found), "{what}, which is not from {lower} to {upper}");
    if case.name.ends_with("log_normal") {
        let middle = f64::midpoint(lower, BOUNDS.get(above).copied().unwrap_or(greatest));
        assert!((found - truth).abs() < (middle - truth).abs(), "{what}, and the middle is {middle}");
    }
}

/// The error of the scale at which all points fit a datum, and the tenth that the sum may take: the least of the points'
/// scales, or the one below at which 148 buckets hold them.
fn scale_error(case: &Case) -> f64 {
    let zero = usize::from(case.sorted.contains(&0.0));
    let populated = |scale: i32| {
        zero + [1.0, -1.0].map(|sign| indexed(&case.sorted, sign, scale).len()).iter().sum::<usize>()
    };
    let least = case.points.iter().map(|point| scale_of(point)).min().unwrap();
    let scale = (-10..=least).rev().find(|scale| populated(*scale) <= 148).unwrap();
    let base = f64::from(-scale).exp2().exp2();
    1.1 * (base - 1.0) / (base + 1.0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn boto3_and_the_aws_cli_are_told_the_truth_of_every_shape_by_every_kind() {
    let test = "the truth of every shape, read back by boto3 and the AWS CLI";
    let (Some(python), Some(aws)) = (peer(PYTHON, test), peer(AWS, test)) else { return };
    let (far, cases) = (FarEnd::start().await, cases());
    let time = send(&far.exporter(&["dimensions: { attributes: [] }"]), &cases).await;
    assert_eq!(far.0.counters().datums, cases.len() as u64, "one datum for all senders of a shape");
    let (endpoint, questions) = (far.0.endpoint(), questions(&cases, time));
    let answers = ask_boto3(&python, &endpoint, &questions).await;
    assert_eq!(answers.len(), cases.len());
    cases.iter().zip(&answers).for_each(|(case, answer)| check(case, answer, Sums::Exact));
    // The CLI takes a second for each question: one of each way is enough to see that it is told the same.
    for (case, question) in cases.iter().zip(&questions).filter(|(case, _)| case.name.ends_with("log_normal"))
    {
        check(case, &ask_aws(&aws, &endpoint, question).await, Sums::Exact);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_emulator_that_is_not_ours_is_told_the_same() {
    let test = "the truth of every shape, read back from ministack";
    let (Some(python), Some(ministack)) = (peer(PYTHON, test), peer("WEIR_MINISTACK", test)) else { return };
    let (far, cases) = (Ministack::start(&ministack).await, cases());
    let keys = ["namespace: E2E", "region: us-east-1", "dimensions: { attributes: [] }"];
    let exporter = format!("{{ endpoint: '{}', {} }}", far.endpoint(), keys.join(", "));
    let time = send(&exporter, &cases).await;
    let answers = ask_boto3(&python, &far.endpoint(), &questions(&cases, time)).await;
    assert_eq!(answers.len(), cases.len());
    // It takes the values, and ignores the statistics beside them.
    cases.iter().zip(&answers).for_each(|(case, answer)| check(case, answer, Sums::OfValues));
}
