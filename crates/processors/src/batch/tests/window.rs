//! Windows: many points of a series become one.

use super::{super::GaugeStatistic, *};
use weir_core::{Flags, Kind, Reason, Temporality, UnixNanos};

fn window() -> Config {
    Config { window: Some(weir_config::Duration(Duration::from_mins(1))), ..Config::default() }
}

/// The beginning of a minute, in which the fixture's clock stands.
const MINUTE: u64 = START / 60 * 60;

struct Rows {
    fixture: Fixture,
    rig: Rig,
}

impl Rows {
    fn new(config: Config) -> Self {
        let fixture = Fixture::new();
        let rig = Rig::new::<Batching>(config, fixture.context("batch"));
        Self { fixture, rig }
    }

    fn give(&mut self, series: &Series, start: u64, time: u64, value: Number) {
        let batch = self.fixture.batch([point(series, start, time, value)]);
        assert!(self.rig.process(batch).is_empty(), "nothing leaves before its window is over");
    }

    /// Start, time and value of the numbers that leave until `time`, with their names.
    fn until(&mut self, time: u64) -> Vec<(String, u64, u64, Number)> {
        let mut left = Vec::new();
        while self.fixture.clock.now() < seconds(time) {
            left.extend(self.rig.tick_after(Duration::from_secs(1)));
        }
        self.rig.account();
        let rows = left.iter().flat_map(|batch| &batch.numbers);
        rows.map(|p| {
            let name = self.fixture.series(p.series).descriptor().name.to_string();
            (name, p.start.seconds(), p.time.seconds(), p.value())
        })
        .collect()
    }
}

fn counter() -> Descriptor {
    Descriptor::sum("requests", "1", Temporality::Delta, true)
}

#[test]
fn deltas_are_added_up_over_the_time_of_all_and_gauges_are_their_last_value() {
    let mut rows = Rows::new(window());
    let sum = rows.fixture.stream(counter(), &[]);
    let gauge = rows.fixture.stream(Descriptor::gauge("queue", "1"), &[]);
    let total = rows.fixture.stream(Descriptor::sum("total", "1", Temporality::Cumulative, true), &[]);
    for (second, value) in [(20, 3), (40, 4), (30, 5)] {
        let time = MINUTE + second;
        rows.give(&sum, time - 10, time, Number::Int(value));
        rows.give(&gauge, 0, time, Number::Int(value));
        rows.give(&total, MINUTE, time, Number::Int(value));
    }
    assert_eq!(rows.rig.account().held, 9);
    assert_eq!(rows.until(MINUTE + 60), []);
    let mut left = rows.until(MINUTE + 67);
    left.sort_by(|a, b| a.0.cmp(&b.0));
    let expected = [
        ("queue".to_owned(), 0, MINUTE + 40, Number::Int(4)),
        ("requests".to_owned(), MINUTE + 10, MINUTE + 40, Number::Int(12)),
        ("total".to_owned(), MINUTE, MINUTE + 40, Number::Int(4)),
    ];
    assert_eq!(left, expected);
    let account = rows.rig.account();
    assert_eq!((account.taken, account.passed, account.merged, account.held), (9, 3, 6, 0));
}

#[test]
fn windows_are_aligned_to_the_wall_clock_and_a_late_point_goes_to_its_own() {
    let mut rows = Rows::new(window());
    let sum = rows.fixture.stream(counter(), &[]);
    for time in [MINUTE + 30, MINUTE + 59, MINUTE + 60] {
        rows.give(&sum, time - 1, time, Number::Int(1));
    }
    let values = |rows: Vec<(String, u64, u64, Number)>| -> Vec<Number> {
        rows.into_iter().map(|(.., value)| value).collect()
    };
    assert_eq!(values(rows.until(MINUTE + 66)), [Number::Int(2)]);
    rows.give(&sum, MINUTE + 58, MINUTE + 59, Number::Int(10));
    // With the one that is open.
    assert_eq!(values(rows.until(MINUTE + 120)), []);
    assert_eq!(values(rows.until(MINUTE + 127)), [Number::Int(10), Number::Int(1)]);
    rows.give(&sum, MINUTE + 90_000, MINUTE + 90_001, Number::Int(7));
    assert_eq!(
        values(rows.until(MINUTE + 260)),
        [Number::Int(7)],
        "one far ahead does not wait for its own end"
    );
}

#[test]
fn integers_stay_integers_and_what_does_not_fit_stays_apart() {
    let mut rows = Rows::new(window());
    let sum = rows.fixture.stream(counter(), &[]);
    for value in [i64::MAX, 1, 2] {
        rows.give(&sum, MINUTE, MINUTE + 1, Number::Int(value));
    }
    let left: Vec<Number> = rows.until(MINUTE + 67).into_iter().map(|(.., value)| value).collect();
    assert_eq!(left, [Number::Int(i64::MAX), Number::Int(3)]);
    rows.give(&sum, MINUTE + 70, MINUTE + 71, Number::Int(1));
    rows.give(&sum, MINUTE + 71, MINUTE + 72, Number::Double(0.5));
    let left: Vec<Number> = rows.until(MINUTE + 127).into_iter().map(|(.., value)| value).collect();
    assert_eq!(left, [Number::Double(1.5)]);
}

#[test]
fn the_least_and_the_greatest_of_a_gauge_are_there_if_asked_for() {
    let gauge_statistics = vec![GaugeStatistic::Min, GaugeStatistic::Max];
    let mut rows = Rows::new(Config { gauge_statistics, ..window() });
    let gauge = rows.fixture.stream(Descriptor::gauge("queue", "1"), &[]);
    let sum = rows.fixture.stream(counter(), &[]);
    for (second, value) in [(10, f64::NAN), (20, 3.0), (30, 9.0), (40, f64::NAN), (50, 4.0)] {
        rows.give(&gauge, 0, MINUTE + second, Number::Double(value));
    }
    rows.give(&sum, MINUTE, MINUTE + 20, Number::Int(1));
    let mut left = rows.until(MINUTE + 67);
    left.sort_by(|a, b| a.0.cmp(&b.0));
    let named: Vec<(&str, Number)> = left.iter().map(|(name, _, _, value)| (&**name, *value)).collect();
    let double = Number::Double;
    let expected = [
        ("queue", double(4.0)),
        ("queue.max", double(9.0)),
        ("queue.min", double(3.0)),
        ("requests", Number::Int(1)),
    ];
    assert_eq!(named, expected);
    assert_eq!(rows.rig.account().made, 2);
}

#[test]
fn what_cannot_be_added_up_is_dropped_by_its_reason() {
    let mut rows = Rows::new(window());
    let sum = rows.fixture.stream(counter(), &[]);
    rows.give(&sum, MINUTE, MINUTE + 1, Number::Double(f64::NAN));
    let mut nothing = point(&sum, MINUTE, MINUTE + 1, Number::Int(1));
    nothing.flags = nothing.flags.with(Flags::NO_RECORDED_VALUE);
    rows.rig.process(rows.fixture.batch([nothing]));
    let dropped = rows.rig.account().dropped;
    assert_eq!((dropped[&Reason::NOT_FINITE], dropped[&Reason::NO_RECORDED_VALUE]), (1, 1));
}

#[test]
fn a_histogram_whose_sum_is_no_number_takes_the_sum_of_no_other_with_it() {
    let mut rows = Rows::new(window());
    let of = |kind| Descriptor { kind, monotonic: false, ..counter() };
    let explicit = rows.fixture.stream(of(Kind::Histogram), &[]);
    let exponential_one = rows.fixture.stream(of(Kind::ExponentialHistogram), &[]);
    for sum in [2.0, f64::NAN, f64::INFINITY, 5.0] {
        let mut batch = histogram(&rows.fixture, &explicit, MINUTE + 1, &[1, 1], &[1.0]);
        batch.histograms[0].sum = sum;
        rows.rig.process(batch);
        let mut batch = exponential(&rows.fixture, &exponential_one, MINUTE + 1, 0, 0, &[2]);
        batch.exponential_histograms[0].sum = sum;
        rows.rig.process(batch);
    }
    let out = rows.rig.flush().remove(0);
    let (one, other) = (out.histograms[0], out.exponential_histograms[0]);
    assert_eq!((one.count, one.sum, other.count, other.sum), (4, 7.0, 4, 7.0));
    assert_eq!(rows.rig.account().dropped[&Reason::NOT_FINITE], 4);
}

#[test]
fn a_window_takes_the_newest_name_and_two_ways_of_one_stream_stay_two() {
    let mut rows = Rows::new(window());
    let origin = rows.fixture.stream(counter(), &[]);
    let name = |rows: &Rows, name: &str| {
        rows.fixture.interner.rewritten(&origin, rows.fixture.identity(counter(), &[], &[("host", name)]))
    };
    let (unknown, known) = (name(&rows, "?"), name(&rows, "a"));
    rows.give(&unknown, MINUTE, MINUTE + 20, Number::Int(1));
    rows.give(&known, MINUTE + 20, MINUTE + 40, Number::Int(2));
    let out = rows.rig.flush();
    let ids: Vec<_> = out[0].numbers.iter().map(|point| point.series).collect();
    assert_eq!(ids, [known.id(), known.id()]);
    for series in [&unknown, &known] {
        rows.give(series, MINUTE, MINUTE + 20, Number::Int(1));
    }
    let mut ids: Vec<_> = rows.rig.flush()[0].numbers.iter().map(|point| point.series).collect();
    ids.sort();
    assert_eq!(ids, [unknown.id(), known.id()]);
}

/// A histogram of values of 1.
fn histogram(fixture: &Fixture, series: &Series, time: u64, counts: &[u64], bounds: &[f64]) -> Batch {
    let mut batch = fixture.batch([]);
    let count = counts.iter().sum::<u64>();
    let (counts, bounds) =
        (batch.push_counts(counts.iter().copied()), batch.push_bounds(bounds.iter().copied()));
    let flags = Flags::SUM.with(Flags::MIN).with(Flags::MAX);
    batch.histograms.push(HistogramPoint {
        series: series.id(),
        flags,
        start: seconds(time - 1),
        time: seconds(time),
        count,
        sum: count as f64,
        min: time as f64,
        max: time as f64,
        counts,
        bounds,
    });
    batch
}

fn exponential(
    fixture: &Fixture,
    series: &Series,
    time: u64,
    scale: i32,
    offset: i32,
    counts: &[u64],
) -> Batch {
    let mut batch = fixture.batch([]);
    let (positive, negative) = (batch.push_counts(counts.iter().copied()), batch.push_counts([]));
    let count = counts.iter().sum::<u64>();
    batch.exponential_histograms.push(ExponentialHistogramPoint {
        series: series.id(),
        flags: Flags::SUM,
        start: seconds(time - 1),
        time: seconds(time),
        count,
        sum: count as f64,
        min: 0.0,
        max: 0.0,
        scale,
        zero_count: 0,
        zero_threshold: 0.0,
        positive_offset: offset,
        positive,
        negative_offset: 0,
        negative,
    });
    batch
}

#[test]
fn explicit_histograms_merge_under_equal_bounds_and_stay_apart_under_others() {
    let mut rows = Rows::new(window());
    let metric = Descriptor { kind: Kind::Histogram, monotonic: false, ..counter() };
    let series = rows.fixture.stream(metric, &[]);
    for (second, counts, bounds) in [(10, [1, 2], [1.0]), (20, [3, 0], [1.0]), (30, [5, 5], [9.0])] {
        let batch = histogram(&rows.fixture, &series, MINUTE + second, &counts, &bounds);
        assert!(rows.rig.process(batch).is_empty());
    }
    let out = rows.rig.flush().remove(0);
    let [merged, other] = [out.histograms[0], out.histograms[1]];
    assert_eq!((out.counts(merged.counts), out.bounds(merged.bounds)), (&[4, 2][..], &[1.0][..]));
    assert_eq!((merged.count, merged.sum), (6, 6.0));
    assert_eq!((merged.min, merged.max), ((MINUTE + 10) as f64, (MINUTE + 20) as f64));
    assert_eq!((merged.start, merged.time), (seconds(MINUTE + 9), seconds(MINUTE + 20)));
    assert_eq!((out.counts(other.counts), out.bounds(other.bounds)), (&[5, 5][..], &[9.0][..]));
    let account = rows.rig.account();
    assert_eq!((account.taken, account.passed, account.merged), (3, 2, 1));
}

#[test]
fn exponential_histograms_merge_across_scales_and_cumulative_ones_are_the_last() {
    let mut rows = Rows::new(window());
    let metric = Descriptor { kind: Kind::ExponentialHistogram, monotonic: false, ..counter() };
    let total = Descriptor { temporality: Temporality::Cumulative, ..metric.clone() };
    let (delta, total) = (rows.fixture.stream(metric, &[]), rows.fixture.stream(total, &[]));
    for series in [&delta, &total] {
        // At scale 1 the buckets 2 and 3 are the bucket 1 of scale 0.
        rows.rig.process(exponential(&rows.fixture, series, MINUTE + 10, 1, 2, &[1, 2]));
        rows.rig.process(exponential(&rows.fixture, series, MINUTE + 20, 0, 0, &[7, 5]));
    }
    let out = rows.rig.flush().remove(0);
    let of = |series: &Series| *out.exponential_histograms.iter().find(|p| p.series == series.id()).unwrap();
    let (sum, last) = (of(&delta), of(&total));
    assert_eq!((sum.scale, sum.positive_offset, out.counts(sum.positive)), (0, 0, &[7, 8][..]));
    assert_eq!((sum.count, sum.sum, sum.start), (15, 15.0, seconds(MINUTE + 9)));
    assert_eq!((last.count, out.counts(last.positive)), (12, &[7, 5][..]));
}

#[tokio::test]
async fn a_window_takes_custody_and_answers_when_all_of_it_has_arrived() {
    let fixture = Fixture::new();
    let series = fixture.stream(counter(), &[]);
    let mut stage =
        <Batching as weir_core::ProcessorFactory>::build(window(), fixture.context("batch"), None);
    let (ack, mut fate) = Ack::new();
    let mut batch =
        fixture.batch([1, 61].map(|second| point(&series, MINUTE, MINUTE + second, Number::Int(1))));
    batch.ack = ack;
    let mut out = weir_core::Out::default();
    stage.process(batch, &mut out);
    assert_eq!(fate.accepted().await, Verdict::Delivered);
    stage.flush(&mut out);
    let [first, second] = out.take().try_into().unwrap();
    first.ack.settle(Verdict::Delivered);
    second.ack.settle(Verdict::Lost(Reason::QUEUE_FULL));
    assert_eq!(fate.exported().await, Verdict::Lost(Reason::QUEUE_FULL));
}

#[test]
fn many_open_windows_close_early() {
    let mut rows = Rows::new(window());
    let sum = rows.fixture.stream(counter(), &[]);
    let points = (0..100).map(|n| point(&sum, 0, MINUTE - n * 60, Number::Int(1)));
    let out = rows.rig.process(rows.fixture.batch(points));
    assert_eq!((out.len(), rows.rig.account().held), (36, 64));
    assert!(
        out.iter().all(|batch| batch.numbers[0].time < UnixNanos(seconds(MINUTE).0 - 63 * 60_000_000_000))
    );
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the order and the windows: what was added up is what was given, and every point is accounted for.
    #[test]
    fn sums_are_kept(points in prop::collection::vec((0..3usize, 0..400u64, 0..100i64), 0..60), cuts in 1..10usize) {
        let mut rows = Rows::new(Config { send_batch_max_size: 3, send_batch_size: 1, ..window() });
        let names = ["a", "b", "c"];
        let series = names.map(|name| rows.fixture.stream(counter(), &[("name", name)]));
        let mut left = [0i64; 3];
        let mut given = [0i64; 3];
        let add = |batches: Vec<Batch>, left: &mut [i64; 3]| {
            for p in batches.iter().flat_map(|batch| &batch.numbers) {
                let Number::Int(value) = p.value() else { panic!("integers stay integers") };
                left[series.iter().position(|s| s.id() == p.series).unwrap()] += value;
            }
        };
        for chunk in points.chunks(cuts) {
            let batch = chunk.iter().map(|(at, time, value)| {
                given[*at] += value;
                point(&series[*at], MINUTE, MINUTE + time, Number::Int(*value))
            });
            let out = rows.rig.process(rows.fixture.batch(batch));
            add(out, &mut left);
            let out = rows.rig.tick_after(Duration::from_secs(13));
            prop_assert!(out.iter().all(|batch| batch.points() <= 3));
            add(out, &mut left);
            rows.rig.account();
        }
        let out = rows.rig.flush();
        add(out, &mut left);
        prop_assert_eq!(left, given);
        prop_assert_eq!(rows.rig.account().held, 0);
    }
}
