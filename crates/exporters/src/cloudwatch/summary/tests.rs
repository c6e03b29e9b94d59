use weir_testkit::{Fixture, START, seconds};

use super::*;

const BEGAN: u64 = START;

fn summary(f: &Fixture) -> Arc<Series> {
    let kind = Descriptor { kind: Kind::Summary, ..Descriptor::gauge("rpc", "s") };
    f.stream(kind, &[("method", "get")])
}

struct Sent {
    start: u64,
    time: u64,
    count: u64,
    sum: f64,
    quantiles: &'static [f64],
}

fn batch(f: &Fixture, series: &Series, sent: &Sent) -> Batch {
    let mut batch = f.batch([]);
    let quantiles = batch.push_bounds(sent.quantiles.iter().copied());
    batch.summaries.push(SummaryPoint {
        series: series.id(),
        flags: Flags::SUM,
        start: seconds(sent.start),
        time: seconds(sent.time),
        count: sent.count,
        sum: sent.sum,
        quantiles,
    });
    batch
}

/// The names, quantiles and values of what a summary became.
fn made(f: &Fixture, numbers: &Numbers) -> Vec<(String, Option<String>, f64)> {
    let made = numbers.batch.numbers.iter().map(|point| {
        let series = f.series(point.series);
        let quantile = series.attributes().get(QUANTILE).map(ToString::to_string);
        (series.descriptor().name.to_string(), quantile, point.value().as_f64())
    });
    made.collect()
}

/// The increments of count and sum after each of these points.
fn increments(points: &[Sent]) -> Vec<Option<(f64, f64)>> {
    let f = Fixture::new();
    let (series, mut summaries) = (summary(&f), Summaries::new(seconds(BEGAN), false));
    let mut after = |sent| {
        let numbers = summaries.numbers(&batch(&f, &series, sent), &f.interner).unwrap();
        match &made(&f, &numbers)[..] {
            [] => None,
            [(count_name, None, count), (sum_name, None, sum)] => {
                assert_eq!((count_name.as_str(), sum_name.as_str()), ("rpc_count", "rpc_sum"));
                Some((*count, *sum))
            }
            other => panic!("{other:?}"),
        }
    };
    points.iter().map(&mut after).collect()
}

fn point(start: u64, time: u64, count: u64, sum: f64) -> Sent {
    Sent { start, time, count, sum, quantiles: &[] }
}

#[test]
fn count_and_sum_are_sent_as_increments_since_the_point_before() {
    let old = START - 1000;
    let points =
        [point(old, START, 100, 50.0), point(old, START + 10, 103, 51.5), point(old, START + 20, 103, 51.5)];
    assert_eq!(increments(&points), [None, Some((3.0, 1.5)), Some((0.0, 0.0))]);
}

#[test]
fn what_a_sender_that_began_after_weir_counted_is_all_new() {
    assert_eq!(increments(&[point(BEGAN, START + 10, 4, 2.0)]), [Some((4.0, 2.0))]);
}

#[test]
fn after_a_restart_all_of_it_is_new() {
    let unknown = 0;
    let fell = [point(unknown, START, 100, 50.0), point(unknown, START + 10, 5, 1.0)];
    assert_eq!(increments(&fell), [None, Some((5.0, 1.0))]);
    let moved = [point(START - 5, START, 100, 50.0), point(START + 5, START + 10, 200, 90.0)];
    assert_eq!(increments(&moved), [None, Some((200.0, 90.0))]);
}

/// The count's increment, if there is one, after a summary of this series.
fn count_after(f: &Fixture, summaries: &mut Summaries, series: &Series, sent: &Sent) -> Option<f64> {
    let numbers = summaries.numbers(&batch(f, series, sent), &f.interner).unwrap();
    made(f, &numbers).first().map(|(_, _, count)| *count)
}

fn renamed(f: &Fixture, of: &Series) -> Arc<Series> {
    let identity = Identity { attributes: f.attributes(&[("pod", "p")]), ..of.identity().clone() };
    f.interner.rewritten(of, identity)
}

#[test]
fn a_summary_whose_name_changes_goes_on_where_it_stood() {
    let f = Fixture::new();
    let (old, mut summaries) = (summary(&f), Summaries::new(seconds(BEGAN), false));
    let new = renamed(&f, &old);
    let mut after =
        |series, time, count| count_after(&f, &mut summaries, series, &point(BEGAN, time, count, 1.0));
    assert_eq!(after(&old, START + 10, 100), Some(100.0));
    assert_eq!(after(&new, START + 20, 103), Some(3.0), "and not the hundred again");
    assert_eq!(after(&new, START + 30, 110), Some(7.0));
}

#[test]
fn two_pipelines_that_name_a_summary_differently_count_for_themselves() {
    let f = Fixture::new();
    let (one, mut summaries) = (summary(&f), Summaries::new(seconds(BEGAN), false));
    let other = renamed(&f, &one);
    let mut after =
        |series, time, count| count_after(&f, &mut summaries, series, &point(BEGAN, time, count, 1.0));
    for series in [&one, &other] {
        assert_eq!(after(series, START + 10, 100), Some(100.0));
    }
    for series in [&one, &other] {
        assert_eq!(after(series, START + 20, 103), Some(3.0));
    }
}

#[test]
fn quantiles_beyond_32_are_left_out_and_counted() {
    let f = Fixture::new();
    let (series, mut summaries) = (summary(&f), Summaries::new(seconds(BEGAN), true));
    let mut batch = batch(&f, &series, &point(1, START, 9, 3.0));
    batch.summaries[0].quantiles = batch.push_bounds((0..35).flat_map(|at| [f64::from(at) / 100.0, 1.0]));
    let numbers = summaries.numbers(&batch, &f.interner).unwrap();
    assert_eq!(numbers.batch.points(), 32);
    let repairs = summaries.take_repairs();
    assert_eq!(repairs.iter().collect::<Vec<_>>(), [(QUANTILES_CUT, 3, "rpc")]);
}

#[test]
fn quantiles_are_gauges_with_a_dimension_if_they_are_asked_for() {
    let f = Fixture::new();
    let (series, mut summaries) = (summary(&f), Summaries::new(seconds(BEGAN), true));
    let sent = Sent { quantiles: &[0.5, 0.25, 0.99, 1.5, 1.0, f64::NAN], ..point(1, START, 9, 3.0) };
    let numbers = summaries.numbers(&batch(&f, &series, &sent), &f.interner).unwrap();
    let gauge = |quantile: &str, value| ("rpc".to_owned(), Some(quantile.to_owned()), value);
    assert_eq!(made(&f, &numbers), [gauge("0.5", 0.25), gauge("0.99", 1.5)]);
    let series = f.series(numbers.batch.numbers[0].series);
    assert_eq!(series.descriptor(), &Descriptor::gauge("rpc", "s"));
    assert_eq!(series.attributes().get("method").map(ToString::to_string).as_deref(), Some("get"));
}

#[test]
fn a_summary_without_a_value_and_one_that_is_not_newer_are_left_out_and_counted() {
    let f = Fixture::new();
    let (series, mut summaries) = (summary(&f), Summaries::new(seconds(BEGAN), false));
    let mut of = |sent: &Sent, flags: Flags| {
        let mut batch = batch(&f, &series, sent);
        batch.summaries[0].flags = flags;
        let numbers = summaries.numbers(&batch, &f.interner).unwrap();
        (numbers.merged, numbers.no_value, numbers.out_of_order, numbers.batch.points())
    };
    assert_eq!(of(&point(1, START, 9, 3.0), Flags::SUM), (1, 0, 0, 0));
    assert_eq!(of(&point(1, START, 99, 30.0), Flags::SUM), (0, 0, 1, 0));
    assert_eq!(of(&point(1, START + 1, 0, 0.0), Flags::NO_RECORDED_VALUE), (0, 1, 0, 0));
    assert_eq!(of(&point(1, START + 2, 10, 4.0), Flags::SUM), (1, 0, 0, 2));
}

#[test]
fn what_was_known_of_a_summary_goes_with_it() {
    let f = Fixture::new();
    let (series, mut summaries) = (summary(&f), Summaries::new(seconds(BEGAN), true));
    let sent = Sent { quantiles: &[0.5, 0.25], ..point(1, START, 9, 3.0) };
    drop(summaries.numbers(&batch(&f, &series, &sent), &f.interner));
    drop(series);
    for _ in 0..4 {
        f.interner.sweep();
        summaries.forget_gone(&f.interner);
    }
    assert!(summaries.known.is_empty() && summaries.newest.is_empty());
    f.interner.sweep();
    assert_eq!(f.interner.stats().retired, 0, "nothing is held back");
}
