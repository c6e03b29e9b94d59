use std::{fs, path::PathBuf, time::Duration};

use opentelemetry_proto::tonic::{
    collector::metrics::v1::ExportMetricsServiceRequest,
    common::v1::any_value,
    metrics::v1::{metric::Data, number_data_point},
};
use weir_core::{
    Ack, Batch, Descriptor, ExponentialHistogramPoint, Flags, HistogramPoint, KeyValue, Kind, NodeLedger,
    Number, SummaryPoint, Temporality, UnixNanos, Value,
};
use weir_testkit::{Fixture, START, point, seconds, way_in};

use super::*;

/// A folder that is removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("weir-file-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn config(&self) -> Config {
        Config { path: self.0.join("metrics.jsonl"), append: false, rotation: None, format: Format::Json }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// What the official types read from a line.
fn read(line: &str) -> ExportMetricsServiceRequest {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
}

#[test]
fn numbers_are_written_as_the_official_types_read_them() {
    let f = Fixture::new();
    let metric = Descriptor::sum("requests", "{request}", Temporality::Delta, true);
    let mut identity = f.identity(metric, &[("service.name", "shop")], &[("code", "200")]);
    let values = [
        ("bool", Value::Bool(true)),
        ("bytes", Value::Bytes(Arc::from(*b"\x00\xff"))),
        ("double", Value::Double(0.1)),
        ("int", Value::Int(i64::MIN)),
        ("list", Value::Array(Arc::from([Value::str("a"), Value::Empty]))),
        ("map", Value::Map(Arc::from([KeyValue::new("k", Value::Int(1))]))),
    ];
    let attributes = values.iter().map(|(key, value)| KeyValue::new(key, value.clone()));
    identity.resource = f.interner.resource(weir_core::Attributes::new(attributes.collect()), "s");
    let sum = f.stream_of(identity);
    let gauge = f.stream(Descriptor::gauge("level", "1"), &[]);
    let mut none = point(&gauge, 0, START, Number::Double(1.0));
    none.flags = none.flags.with(Flags::NO_RECORDED_VALUE);
    let batch = f.batch([
        point(&sum, START - 60, START, Number::Int(i64::MAX)),
        point(&sum, START, START + 60, Number::Int(-1)),
        point(&gauge, 0, START, Number::Double(f64::MIN_POSITIVE)),
        none,
    ]);
    let line = json::line(&batch, &f.interner);
    assert!(!line.contains('\n'));
    let request = read(&line);

    let [shop, other] = &request.resource_metrics[..] else { panic!("{request:?}") };
    assert_eq!(shop.schema_url, "s");
    let read_back = &shop.resource.as_ref().unwrap().attributes;
    let value = |at: usize| read_back[at].value.as_ref().unwrap().value.clone().unwrap();
    assert_eq!(read_back.iter().map(|a| a.key.as_str()).collect::<Vec<_>>(), values.map(|(key, _)| key));
    assert_eq!(value(0), any_value::Value::BoolValue(true));
    assert_eq!(value(1), any_value::Value::BytesValue(vec![0, 0xff]));
    assert_eq!(value(2), any_value::Value::DoubleValue(0.1));
    assert_eq!(value(3), any_value::Value::IntValue(i64::MIN));
    assert!(matches!(value(4), any_value::Value::ArrayValue(list) if list.values.len() == 2));
    assert!(matches!(value(5), any_value::Value::KvlistValue(map) if map.values[0].key == "k"));

    let metric = &shop.scope_metrics[0].metrics[0];
    assert_eq!((metric.name.as_str(), metric.unit.as_str()), ("requests", "{request}"));
    let Some(Data::Sum(sum)) = &metric.data else { panic!("{metric:?}") };
    assert_eq!((sum.aggregation_temporality, sum.is_monotonic, sum.data_points.len()), (1, true, 2));
    let first = &sum.data_points[0];
    assert_eq!(first.value, Some(number_data_point::Value::AsInt(i64::MAX)));
    assert_eq!(first.start_time_unix_nano, (START - 60) * 1_000_000_000);
    assert_eq!(first.time_unix_nano, START * 1_000_000_000);
    assert_eq!(first.attributes[0].key, "code");
    let Some(Data::Gauge(gauge)) = &other.scope_metrics[0].metrics[0].data else { panic!("{other:?}") };
    assert_eq!(gauge.data_points[0].value, Some(number_data_point::Value::AsDouble(f64::MIN_POSITIVE)));
    assert_eq!((gauge.data_points[1].value, gauge.data_points[1].flags), (None, 1));
}

#[test]
fn histograms_and_summaries_are_written_as_the_official_types_read_them() {
    let f = Fixture::new();
    let of = |kind, temporality| {
        let kind = Descriptor { kind, temporality, ..Descriptor::gauge("latency", "s") };
        f.stream(kind, &[]).id()
    };
    let mut batch = f.batch([]);
    let (start, time) = (seconds(START - 1), seconds(START));
    let (counts, bounds) = (batch.push_counts([1, 2]), batch.push_bounds([5.0]));
    let flags = Flags::SUM.with(Flags::MAX);
    let (count, sum, min, max) = (3, 9.5, 0.0, 8.0);
    let series = of(Kind::Histogram, Temporality::Delta);
    batch.histograms.push(HistogramPoint {
        series,
        flags,
        start,
        time,
        count,
        sum,
        min,
        max,
        counts,
        bounds,
    });
    let (positive, negative) = (batch.push_counts([4, 0, 1]), batch.push_counts([]));
    batch.exponential_histograms.push(ExponentialHistogramPoint {
        series: of(Kind::ExponentialHistogram, Temporality::Cumulative),
        flags: Flags::SUM.with(Flags::MIN).with(Flags::MAX),
        start,
        time,
        count: 6,
        sum: 12.25,
        min: -1.0,
        max: 4.0,
        scale: -1,
        zero_count: 1,
        zero_threshold: 0.001,
        positive_offset: -2,
        positive,
        negative_offset: 0,
        negative,
    });
    let quantiles = batch.push_bounds([0.5, 1.5, 0.99, f64::INFINITY]);
    let series = of(Kind::Summary, Temporality::Unspecified);
    batch.summaries.push(SummaryPoint {
        series,
        flags: Flags::default(),
        start,
        time,
        count,
        sum,
        quantiles,
    });

    let line = json::line(&batch, &f.interner);
    assert!(line.contains(r#""value":"Infinity""#), "{line}");
    let request = read(&line.replace(r#""Infinity""#, "4.5")); // the oracle reads no infinities
    let metrics = &request.resource_metrics[0].scope_metrics[0].metrics;
    let [
        Some(Data::Histogram(explicit)),
        Some(Data::ExponentialHistogram(exponential)),
        Some(Data::Summary(summary)),
    ] = [&metrics[0].data, &metrics[1].data, &metrics[2].data]
    else {
        panic!("{metrics:?}")
    };
    let p = &explicit.data_points[0];
    assert_eq!((p.count, p.sum, p.min, p.max), (3, Some(9.5), None, Some(8.0)));
    assert_eq!((&p.bucket_counts[..], &p.explicit_bounds[..]), (&[1, 2][..], &[5.0][..]));
    assert_eq!(explicit.aggregation_temporality, 1);
    let p = &exponential.data_points[0];
    assert_eq!((p.count, p.sum, p.min, p.max), (6, Some(12.25), Some(-1.0), Some(4.0)));
    assert_eq!((p.scale, p.zero_count, p.zero_threshold), (-1, 1, 0.001));
    let positive = p.positive.as_ref().unwrap();
    assert_eq!((positive.offset, &positive.bucket_counts[..]), (-2, &[4, 0, 1][..]));
    assert_eq!(exponential.aggregation_temporality, 2);
    let p = &summary.data_points[0];
    assert_eq!(
        (p.count, p.sum, p.quantile_values[0].quantile, p.quantile_values[1].value),
        (3, 9.5, 0.5, 4.5)
    );
}

#[test]
fn a_full_file_gets_a_name_with_the_time_and_old_ones_are_removed() {
    let folder = Folder::new("rotation");
    fs::write(folder.0.join("metrics-of-somebody-else.jsonl"), "").unwrap();
    let rotation = Rotation { max_megabytes: 1, max_backups: 2, ..Rotation::default() };
    let config = Config { rotation: Some(rotation), ..folder.config() };
    let mut file = rotate::Rotating::open(&config).unwrap();
    let line = "x".repeat(600_000);
    // 2026-11-24T06:51:45.120Z, and the same moment again.
    let now = UnixNanos(1_795_503_105_120_000_000);
    file.write(line.clone(), now).unwrap();
    file.write(line.clone(), now).unwrap();
    file.write(line.clone(), now).unwrap();
    let old = ["metrics-2026-11-24T06-51-45.120.jsonl", "metrics-2026-11-24T06-51-45.121.jsonl"];
    let other = ["metrics-of-somebody-else.jsonl", "metrics.jsonl"];
    assert_eq!(folder.names(), [old, other].concat());
    file.write(line.clone(), now.plus(Duration::from_secs(1))).unwrap();
    let old = [old[1], "metrics-2026-11-24T06-51-46.120.jsonl"];
    assert_eq!(folder.names(), [old, other].concat());
    assert_eq!(fs::read_to_string(folder.0.join(old[1])).unwrap(), format!("{line}\n"));
    drop(file);

    // It goes on behind what is there; and after a day the old ones go.
    let rotation = Rotation { max_megabytes: 1, max_days: 1, ..Rotation::default() };
    let mut file = rotate::Rotating::open(&Config { rotation: Some(rotation), ..config }).unwrap();
    // A day after the first of them, and before the second is as old.
    let day = Duration::from_hours(24) + Duration::from_millis(500);
    file.write(line.clone(), now.plus(day)).unwrap();
    assert_eq!(
        folder.names(),
        [["metrics-2026-11-24T06-51-46.120.jsonl", "metrics-2026-11-25T06-51-45.620.jsonl"], other].concat()
    );
}

#[test]
fn a_file_that_was_taken_away_is_begun_anew_when_it_would_be_full() {
    let folder = Folder::new("taken-away");
    let rotation = Rotation { max_megabytes: 1, ..Rotation::default() };
    let config = Config { rotation: Some(rotation), ..folder.config() };
    let mut file = rotate::Rotating::open(&config).unwrap();
    let line = "x".repeat(600_000);
    file.write(line.clone(), UnixNanos(0)).unwrap();
    fs::remove_file(&config.path).unwrap();
    file.write(line.clone(), UnixNanos(0)).unwrap();
    assert_eq!(fs::read_to_string(&config.path).unwrap(), format!("{line}\n"));
}

#[test]
fn a_file_is_emptied_at_the_start_unless_it_is_to_be_kept() {
    let folder = Folder::new("append");
    fs::write(folder.config().path, "old\n").unwrap();
    let append = Config { append: true, ..folder.config() };
    rotate::Rotating::open(&append).unwrap().write("new".to_owned(), UnixNanos(0)).unwrap();
    assert_eq!(fs::read_to_string(&append.path).unwrap(), "old\nnew\n");
    rotate::Rotating::open(&folder.config()).unwrap().write("new".to_owned(), UnixNanos(0)).unwrap();
    assert_eq!(fs::read_to_string(&append.path).unwrap(), "new\n");
}

/// Runs an exporter over one batch.
async fn run(config: Config, f: &Fixture, batch: Batch) -> (Arc<NodeLedger>, Verdict) {
    let context = f.context("file");
    let ledger = Arc::clone(&context.ledger);
    let (output, inbox) = way_in(&context);
    let exporter = Factory::build(config, context);
    let running = tokio::spawn(exporter.run(inbox));
    let (ack, mut fate) = Ack::new();
    let mut batch = batch;
    batch.ack = ack;
    output.send(batch).await.unwrap();
    drop(output);
    running.await.unwrap().unwrap();
    assert_eq!(
        fate.accepted().await,
        Verdict::Delivered,
        "whatever comes of it, nobody is asked to send it again"
    );
    let verdict = fate.exported().await;
    (ledger, verdict)
}

#[tokio::test]
async fn what_cannot_be_written_is_dropped_and_counted() {
    let f = Fixture::new();
    let series = f.stream(Descriptor::gauge("level", "1"), &[]);
    let batch = || f.batch([point(&series, 0, START, Number::Int(1))]);
    let folder = Folder::new("full");
    let (ledger, verdict) = run(folder.config(), &f, batch()).await;
    assert_eq!((ledger.read().passed, verdict), (1, Verdict::Delivered));
    assert_eq!(fs::read_to_string(folder.config().path).unwrap().lines().count(), 1);

    if !std::path::Path::new("/dev/full").exists() {
        println!("skipped: a disk that is full (there is no /dev/full)");
        return;
    }
    let full = Config { path: "/dev/full".into(), append: true, ..folder.config() };
    let (ledger, verdict) = run(full, &f, batch()).await;
    assert_eq!((ledger.read().dropped[&WRITE_FAILED], verdict), (1, Verdict::Lost(WRITE_FAILED)));
}

#[tokio::test]
async fn a_batch_that_is_being_written_when_time_runs_out_is_counted_as_lost() {
    let f = Fixture::new();
    let series = f.stream(Descriptor::gauge("level", "1"), &[]);
    // A pipe that nobody reads holds 64 KiB: a longer line waits for ever.
    let (reader, writer) = std::io::pipe().unwrap();
    let path = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&writer)).into();
    let config = Config { path, append: true, rotation: None, format: Format::Json };
    let context = f.context("file");
    let ledger = Arc::clone(&context.ledger);
    let (output, inbox) = way_in(&context);
    output.send(f.batch((0..2000).map(|_| point(&series, 0, START, Number::Int(1))))).await.unwrap();
    let mut exporter = Factory::build(config, context);
    exporter.start().await.unwrap();
    let mut running = exporter.run(inbox);
    let mut nobody = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(running.as_mut().poll(&mut nobody).is_pending());
    assert_eq!(ledger.read().taken, 2000);
    drop(running);
    let account = ledger.read();
    assert_eq!((account.dropped[&Reason::SHUTDOWN], account.balances()), (2000, true));
    drop((reader, writer)); // the write breaks off, and its thread ends
}

#[tokio::test]
async fn a_file_in_a_folder_that_is_not_there_is_an_error_at_the_start() {
    let f = Fixture::new();
    let config = Config {
        path: "/no-such-folder/metrics.jsonl".into(),
        append: false,
        rotation: None,
        format: Format::Json,
    };
    let error = Factory::build(config, f.context("file")).start().await.unwrap_err();
    assert!(error.to_string().contains("/no-such-folder/metrics.jsonl"), "{error}");
}
