use weir_core::{Descriptor, ExponentialHistogramPoint, Flags, Identity, Number, NumberPoint, Temporality};
use weir_testkit::{Fixture, START, histogram_of, point, push_histogram, seconds};

use super::*;

/// START is 20 seconds into its minute.
const MINUTE: u64 = START - START % 60;

fn window() -> Window {
    Window::new(Period::MINUTE, Duration::from_secs(5))
}

fn gauge(f: &Fixture, name: &str) -> Arc<Series> {
    f.stream(Descriptor::gauge(name, "1"), &[("k", "v")])
}

fn int(series: &Series, time: u64, value: i64) -> NumberPoint {
    point(series, 0, time, Number::Int(value))
}

fn only(closed: Vec<Closed>) -> Closed {
    let [closed] = <[Closed; 1]>::try_from(closed).unwrap();
    closed
}

#[test]
fn all_points_of_a_period_are_one_distribution_of_each_series() {
    let (f, mut window) = (Fixture::new(), window());
    let (a, b) = (gauge(&f, "a"), gauge(&f, "b"));
    let now = seconds(START);
    let batch = f.batch([int(&a, MINUTE, 1), int(&b, MINUTE + 1, 9), int(&a, MINUTE + 59, 3)]);
    assert_eq!(window.record(&batch, Ack::none(), now), Left::default());
    assert_eq!(window.points(), 3);
    assert_eq!(window.due(), Some(seconds(MINUTE + 65)));
    assert!(window.close_due(seconds(MINUTE + 64), &f.interner).is_empty());
    let closed = only(window.close_due(seconds(MINUTE + 65), &f.interner));
    assert_eq!(
        (closed.start, closed.unresolved, window.points(), window.due()),
        (seconds(MINUTE), 0, 0, None)
    );
    let found: Vec<_> = closed
        .streams
        .iter()
        .map(|s| {
            (&*s.series.descriptor().name, s.points, s.distribution.sum(), s.distribution.max().unwrap())
        })
        .collect();
    assert_eq!(found, [("a", 2, 4.0, 3.0), ("b", 1, 9.0, 9.0)]);
}

#[test]
fn a_period_ends_before_the_instant_that_begins_the_next() {
    let (f, mut window) = (Fixture::new(), window());
    let a = gauge(&f, "a");
    let last = NumberPoint::new(a.id(), UnixNanos(0), UnixNanos(seconds(MINUTE + 60).0 - 1), Number::Int(1));
    window.record(&f.batch([last, int(&a, MINUTE + 60, 2)]), Ack::none(), seconds(START));
    let starts: Vec<_> =
        window.close_all(&f.interner).iter().map(|c| (c.start, c.streams[0].points)).collect();
    assert_eq!(starts, [(seconds(MINUTE), 1), (seconds(MINUTE + 60), 1)]);
}

#[test]
fn late_points_go_to_their_own_period_and_leave_with_the_open_one() {
    let (f, mut window) = (Fixture::new(), window());
    let a = gauge(&f, "a");
    window.record(&f.batch([int(&a, MINUTE, 1), int(&a, MINUTE - 600, 2)]), Ack::none(), seconds(START));
    let closed = window.close_due(seconds(MINUTE + 65), &f.interner);
    let starts: Vec<_> = closed.iter().map(|c| c.start).collect();
    assert_eq!(starts, [seconds(MINUTE - 600), seconds(MINUTE)]);
}

#[test]
fn what_the_service_would_not_take_is_left_by_its_reason() {
    let (f, mut window) = (Fixture::new(), window());
    let a = gauge(&f, "a");
    let double = |time, value| point(&a, 0, time, Number::Double(value));
    let mut none = int(&a, MINUTE, 5);
    none.flags = none.flags.with(Flags::NO_RECORDED_VALUE);
    let greatest = 2.0_f64.powi(360);
    let batch = f.batch([
        none,
        double(MINUTE, f64::NAN),
        double(MINUTE, f64::INFINITY),
        double(MINUTE, greatest * 1.000_001),
        double(MINUTE, -f64::MAX),
        double(MINUTE, -greatest),
        int(&a, START - 14 * 86_400, 1),
        int(&a, 0, 1),
        int(&a, START + 7200 + 60, 1),
        NumberPoint::new(a.id(), UnixNanos(0), UnixNanos(u64::MAX), Number::Int(1)),
        int(&a, START - 13 * 86_400, 1),
        int(&a, START + 7000, 1),
    ]);
    let left = window.record(&batch, Ack::none(), seconds(START));
    let expected =
        Left { no_value: 1, not_finite: 2, out_of_range: 2, too_old: 2, too_new: 2, bad_histogram: 0 };
    assert_eq!(left, expected);
    let by_reason: u64 = left.by_reason().iter().map(|(_, points)| points).sum();
    assert_eq!(by_reason + window.points(), batch.points());
}

#[test]
fn a_series_that_was_retired_while_its_period_was_open_is_still_named() {
    let (f, mut window) = (Fixture::new(), window());
    let a = gauge(&f, "a");
    window.record(&f.batch([int(&a, MINUTE, 1)]), Ack::none(), seconds(START));
    drop(a);
    // Two sweeps would free the slot, were it not for the lease; a new series would then take it.
    f.interner.sweep();
    f.interner.sweep();
    let _other = gauge(&f, "other");
    let closed = only(window.close_all(&f.interner));
    assert_eq!(&*closed.streams[0].series.descriptor().name, "a");
    drop(closed);
    f.interner.sweep();
    f.interner.sweep();
    assert_eq!(f.interner.stats().retired, 0, "the window holds nothing back");
}

/// The series `of` with one more attribute.
fn renamed(f: &Fixture, of: &Series, value: &str) -> Arc<Series> {
    f.interner
        .rewritten(of, Identity { attributes: f.attributes(&[("pod", value)]), ..of.identity().clone() })
}

#[test]
fn a_name_that_arrives_late_is_the_name_of_the_whole_period() {
    let (f, mut window) = (Fixture::new(), window());
    let old = f.stream(Descriptor::sum("a", "1", Temporality::Delta, true), &[]);
    let new = renamed(&f, &old, "p");
    for (series, time) in [(&old, 0), (&old, 10), (&new, 20), (&new, 30)] {
        window.record(&f.batch([int(series, MINUTE + time, 1)]), Ack::none(), seconds(START));
    }
    let closed = only(window.close_all(&f.interner));
    let [stream] = <[Stream; 1]>::try_from(closed.streams).unwrap();
    assert_eq!((stream.series.id(), stream.points, stream.distribution.sum()), (new.id(), 4, 4.0));
}

#[test]
fn two_branches_that_name_a_stream_differently_keep_both_names() {
    let (f, mut window) = (Fixture::new(), window());
    let old = gauge(&f, "a");
    let new = renamed(&f, &old, "p");
    for time in [0, 10] {
        window.record(&f.batch([int(&old, MINUTE + time, 1)]), Ack::none(), seconds(START));
        window.record(&f.batch([int(&new, MINUTE + time, 1)]), Ack::none(), seconds(START));
    }
    let closed = only(window.close_all(&f.interner));
    let mut names: Vec<_> = closed.streams.iter().map(|s| (s.series.id(), s.points)).collect();
    names.sort();
    assert_eq!(names, [(old.id(), 2), (new.id(), 2)]);
}

#[test]
fn the_next_period_starts_from_nothing_and_forgets_who_is_gone() {
    let (f, mut window) = (Fixture::new(), window());
    let (a, b) = (gauge(&f, "a"), gauge(&f, "b"));
    window.record(&f.batch([int(&a, MINUTE, 1), int(&b, MINUTE, 1)]), Ack::none(), seconds(MINUTE));
    window.close_all(&f.interner);
    for minute in 1..=2 {
        let time = MINUTE + minute * 60;
        window.record(&f.batch([int(&a, time, 7)]), Ack::none(), seconds(time));
        let closed = only(window.close_all(&f.interner));
        let [stream] = <[Stream; 1]>::try_from(closed.streams).unwrap();
        assert_eq!((stream.points, stream.distribution.sum()), (1, 7.0));
    }
    assert_eq!(window.spare.len(), 1, "b has no cell any more");
}

#[tokio::test]
async fn acceptance_comes_with_custody_and_export_when_every_touched_period_is_settled() {
    let (f, mut window) = (Fixture::new(), window());
    let a = gauge(&f, "a");
    let (ack, mut fate) = Ack::new();
    let batch = f.batch([int(&a, MINUTE, 1), int(&a, MINUTE - 60, 1), int(&a, MINUTE + 1, 1)]);
    window.record(&batch, ack, seconds(START));
    assert_eq!(fate.accepted().await, Verdict::Delivered);
    let [early, late] = <[Closed; 2]>::try_from(window.close_all(&f.interner)).unwrap();
    early.ack.settle(Verdict::Delivered);
    late.ack.settle(Verdict::Lost(TOO_OLD));
    assert_eq!(fate.exported().await, Verdict::Lost(TOO_OLD));
}

#[test]
fn a_batch_that_alternates_between_periods_and_kinds_joins_each_once() {
    let (f, mut window) = (Fixture::new(), window());
    let (a, h) = (gauge(&f, "a"), histogram(&f));
    let (ack, _fate) = Ack::new();
    let mut batch = f.batch((0..100).map(|nth| int(&a, MINUTE - nth % 2 * 60, 1)));
    for nth in 0..100 {
        push_histogram(&mut batch, &h, MINUTE - nth % 2 * 60, &BOUNDS, &[0.5]);
    }
    window.record(&batch, ack, seconds(START));
    assert_eq!((window.open.len(), window.points()), (2, 200));
    assert!(window.open.values().all(|open| open.ack.memory() == 0), "more than one part");
}

#[tokio::test]
async fn a_batch_of_which_nothing_is_taken_is_settled_at_once() {
    let (f, mut window) = (Fixture::new(), window());
    let a = gauge(&f, "a");
    let (ack, mut fate) = Ack::new();
    window.record(&f.batch([int(&a, 0, 1)]), ack, seconds(START));
    assert_eq!(fate.exported().await, Verdict::Delivered);
    assert_eq!((window.points(), window.due()), (0, None));
}

#[test]
fn many_late_periods_close_early_instead_of_piling_up() {
    let (f, mut window) = (Fixture::new(), window());
    let a = gauge(&f, "a");
    let now = seconds(START);
    for minute in 0..200 {
        window.record(&f.batch([int(&a, MINUTE - minute * 60, 1)]), Ack::none(), now);
        window.close_due(now, &f.interner);
    }
    assert_eq!(window.open.len(), MAX_OPEN);
    let backfill: Vec<_> = (0..200).map(|minute| int(&a, MINUTE - minute * 60, 1)).collect();
    window.record(&f.batch(backfill), Ack::none(), now);
    assert_eq!(window.close_due(now, &f.interner).len(), 200 - MAX_OPEN, "of one batch too");
}

#[test]
fn a_period_far_ahead_leaves_soon_and_the_next_one_at_its_own_end() {
    let (f, mut window) = (Fixture::new(), window());
    let a = gauge(&f, "a");
    window.record(&f.batch([int(&a, MINUTE + 90 * 60, 1)]), Ack::none(), seconds(START));
    assert_eq!(window.due(), Some(seconds(MINUTE + 125)), "not in an hour and a half");
    assert_eq!(only(window.close_due(seconds(MINUTE + 125), &f.interner)).start, seconds(MINUTE + 90 * 60));
    window.record(&f.batch([int(&a, MINUTE + 60, 1)]), Ack::none(), seconds(START));
    assert_eq!(window.due(), Some(seconds(MINUTE + 125)), "a clock a little ahead costs no second datum");
}

const BOUNDS: [f64; 3] = [1.0, 10.0, 100.0];

fn histogram(f: &Fixture) -> Arc<Series> {
    f.stream(histogram_of("h", "s", Temporality::Delta), &[])
}

#[test]
fn histograms_of_a_period_are_one_distribution_and_late_ones_go_to_their_own() {
    let (f, mut window) = (Fixture::new(), window());
    let series = histogram(&f);
    let mut batch = f.batch([]);
    push_histogram(&mut batch, &series, MINUTE, &BOUNDS, &[0.5, 5.0, 500.0]);
    push_histogram(&mut batch, &series, MINUTE + 10, &BOUNDS, &[5.5]);
    push_histogram(&mut batch, &series, MINUTE - 60, &BOUNDS, &[7.0, 8.0]);
    assert_eq!(window.record(&batch, Ack::none(), seconds(START)), Left::default());
    assert_eq!(window.points(), 3);
    let closed = window.close_all(&f.interner);
    let found: Vec<_> = closed
        .iter()
        .map(|c| {
            (c.start, c.streams[0].points, c.streams[0].distribution.count(), c.streams[0].distribution.sum())
        })
        .collect();
    assert_eq!(found, [(seconds(MINUTE - 60), 1, 2, 15.0), (seconds(MINUTE), 2, 4, 511.0)]);
}

/// An exponential histogram's point of one value in a bucket of scale 0.
fn exponential(
    series: &Series,
    index: i32,
    counts: weir_core::Span,
    count: u64,
) -> ExponentialHistogramPoint {
    ExponentialHistogramPoint {
        series: series.id(),
        flags: Flags::default(),
        start: UnixNanos(0),
        time: seconds(MINUTE),
        count,
        sum: 0.0,
        min: 0.0,
        max: 0.0,
        scale: 0,
        zero_count: 0,
        zero_threshold: 0.0,
        positive_offset: index,
        positive: counts,
        negative_offset: 0,
        negative: weir_core::Span::default(),
    }
}

#[test]
fn histograms_that_the_service_would_not_take_are_left_by_their_reason() {
    let (f, mut window) = (Fixture::new(), window());
    let series = histogram(&f);
    let mut batch = f.batch([]);
    let huge = 2.0_f64.powi(361);
    push_histogram(&mut batch, &series, MINUTE, &[1.0, huge], &[huge * 2.0]);
    push_histogram(&mut batch, &series, MINUTE, &BOUNDS, &[f64::INFINITY]);
    push_histogram(&mut batch, &series, MINUTE, &BOUNDS, &[5.0]);
    batch.histograms[2].count = 2; // one more than its buckets hold
    push_histogram(&mut batch, &series, MINUTE, &BOUNDS, &[5.0]);
    batch.histograms[3].flags = Flags::NO_RECORDED_VALUE;
    let one = batch.push_counts([1]);
    // 2^361 and 2^359 are where these buckets begin.
    batch.exponential_histograms.push(exponential(&series, 361, one, 1));
    batch.exponential_histograms.push(exponential(&series, 359, one, 1));
    batch.exponential_histograms.push(exponential(&series, 0, one, 3));
    let left = window.record(&batch, Ack::none(), seconds(START));
    let expected = Left { out_of_range: 2, not_finite: 1, bad_histogram: 2, no_value: 1, ..Left::default() };
    assert_eq!((left, window.points()), (expected, 1));
}
