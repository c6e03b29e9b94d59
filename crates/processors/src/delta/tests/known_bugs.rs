//! Known bugs of the Collector's `cumulativetodelta` (its `tracking/tracker.go`), each shown to be absent.

use super::*;

#[test]
fn a_new_start_is_not_a_new_stream_that_loses_its_first_value() {
    let mut case = Case::new(with(InitialValue::Drop));
    case.feed(OLD, NEW, Int(10));
    assert_eq!(case.feed(NEW + 5, NEW + 10, Int(3)), Some((NEW + 5, Int(3))));
}

#[test]
fn a_change_from_integers_to_doubles_is_not_a_new_stream() {
    let mut case = Case::new(with(InitialValue::Drop));
    case.feed(OLD, NEW, Int(10));
    assert_eq!(case.feed(OLD, NEW + 10, Double(12.5)), Some((NEW, Double(2.5))));
    assert_eq!(case.feed(OLD, NEW + 20, Int(13)), Some((NEW + 10, Double(0.5))));
    assert_eq!(case.feed(OLD, NEW + 30, Int(14)), Some((NEW + 20, Int(1))));
}

#[test]
fn a_new_start_does_not_leak_the_old_state() {
    let mut case = Case::keep();
    for n in 0..100 {
        case.feed(NEW + n * 10, NEW + n * 10 + 5, Int(1));
    }
    let mut case = Case::new(Config { max_series: 1, ..with(InitialValue::Keep) });
    for n in 0..100 {
        assert!(case.feed(NEW + n * 10, NEW + n * 10 + 5, Int(1)).is_some(), "one stream, one entry");
    }
}

#[test]
fn what_was_counted_after_a_reset_is_not_lost() {
    let mut case = Case::keep();
    case.feed(0, NEW, Int(100));
    assert_eq!(case.feed(0, NEW + 10, Int(30)), Some((NEW, Int(30))));
    assert_eq!(case.feed(0, NEW + 20, Int(50)), Some((NEW + 10, Int(20))));
}

#[test]
fn the_delta_after_a_reset_does_not_overlap_the_one_before() {
    let mut case = Case::keep();
    case.feed(OLD, NEW, Int(100));
    // Process start times cut to seconds may lie before the last point.
    assert_eq!(case.feed(NEW - 1, NEW + 10, Int(30)), Some((NEW, Int(30))));
}

#[test]
fn a_late_point_is_no_reset_and_is_not_counted_twice_afterwards() {
    let mut case = Case::keep();
    case.feed(OLD, NEW, Int(100));
    assert_eq!(case.feed(OLD, NEW + 20, Int(120)), Some((NEW, Int(20))));
    assert_eq!(case.feed(OLD, NEW + 10, Int(110)), None);
    assert_eq!(case.dropped(OUT_OF_ORDER), 1);
    assert_eq!(case.feed(OLD, NEW + 30, Int(130)), Some((NEW + 20, Int(10))), "not 20");
}

#[test]
fn a_duplicate_is_dropped_and_counted_not_a_delta_of_zero() {
    let mut case = Case::keep();
    case.feed(OLD, NEW, Int(100));
    assert_eq!(case.feed(OLD, NEW, Int(100)), None);
    assert_eq!(case.feed(OLD, NEW, Int(150)), None, "nor is another value at the same time");
    assert_eq!(case.dropped(DUPLICATE), 2);
    assert_eq!(case.feed(OLD, NEW + 10, Int(160)), Some((NEW, Int(60))));
}

#[test]
fn not_a_number_is_not_only_dropped_but_counted() {
    let mut case = Case::keep();
    case.feed(OLD, NEW, Double(f64::NAN));
    assert_eq!(case.dropped(Reason::NOT_FINITE), 1);
}

#[test]
fn streams_do_not_stay_for_ever_by_default() {
    let mut case = Case::new(Config { max_series: 1, ..with(InitialValue::Keep) });
    case.feed(OLD, NEW, Int(1));
    case.rig.tick_after(Duration::from_mins(61));
    case.series = case.fixture.stream(counter(), &[("path", "/next")]);
    assert!(case.feed(OLD, NEW, Int(1)).is_some());
}

#[test]
fn a_live_stream_is_not_evicted() {
    let mut case = Case::keep();
    case.feed(OLD, NEW, Int(0));
    for n in 1..100 {
        case.rig.tick_after(Duration::from_mins(30));
        assert_eq!(case.feed(OLD, NEW + n * 1800, Int(n as i64)), Some((NEW + (n - 1) * 1800, Int(1))));
    }
}

fn explicit() -> Descriptor {
    Descriptor { kind: Kind::Histogram, monotonic: false, ..counter() }
}

fn exponential() -> Descriptor {
    Descriptor { kind: Kind::ExponentialHistogram, monotonic: false, ..counter() }
}

#[test]
fn after_a_reset_of_an_exponential_histogram_its_points_go_on() {
    let mut case = Case::keep();
    case.series = case.fixture.stream(exponential(), &[]);
    let count = |case: &mut Case, time, scale, counts: &[u64]| {
        let batch = case.exponential(0, time, scale, 0, counts);
        case.rig.process(batch)[0].exponential_histograms.first().map(|point| point.count)
    };
    assert_eq!(count(&mut case, NEW, 3, &[100]), Some(100));
    assert_eq!(count(&mut case, NEW + 1, 3, &[5]), Some(5), "a reset");
    assert_eq!(count(&mut case, NEW + 2, 3, &[7]), Some(2), "below the old count, and not dropped");
    assert_eq!(count(&mut case, NEW + 3, 2, &[9]), Some(2), "nor after a change of scale");
    assert_eq!(count(&mut case, NEW + 4, 3, &[9, 1]), Some(1), "up or down");
}

#[test]
fn a_histogram_whose_bounds_change_is_not_dropped() {
    let mut case = Case::keep();
    case.series = case.fixture.stream(explicit(), &[]);
    let count = |case: &mut Case, time, counts: &[u64], bounds: &[f64]| {
        let batch = case.explicit(0, time, counts, bounds);
        case.rig.process(batch)[0].histograms.first().map(|point| point.count)
    };
    assert_eq!(count(&mut case, NEW, &[3, 1], &[1.0]), Some(4));
    assert_eq!(count(&mut case, NEW + 1, &[3, 1, 0], &[1.0, 2.0]), Some(4), "a reset");
    assert_eq!(count(&mut case, NEW + 2, &[3, 1, 1], &[1.0, 2.0]), Some(1));
}

#[test]
fn the_lists_of_bounds_are_held_once_for_all_streams() {
    let mut pool = super::super::explicit::BoundsPool::default();
    let (first, second) = (pool.shared(&[1.0, 2.0]), pool.shared(&[1.0, 2.0]));
    assert!(Arc::ptr_eq(&first, &second));
    // Bounds that change all the time are not kept.
    for n in 0..1000 {
        pool.shared(&[f64::from(n)]);
    }
    assert!(Arc::ptr_eq(&first, &pool.shared(&[1.0, 2.0])));
}
