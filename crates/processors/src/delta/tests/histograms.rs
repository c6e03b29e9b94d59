//! Histograms of both kinds, and both against naive models that work by the definition of a bucket.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn explicit() -> Descriptor {
    Descriptor { kind: Kind::Histogram, monotonic: false, ..counter() }
}

fn exponential() -> Descriptor {
    Descriptor { kind: Kind::ExponentialHistogram, monotonic: false, ..counter() }
}

fn case_of(metric: Descriptor) -> Case {
    let mut case = Case::keep();
    case.series = case.fixture.stream(metric, &[]);
    case
}

#[test]
fn an_explicit_histogram_becomes_what_was_added_to_each_bucket_without_min_and_max() {
    let mut case = case_of(explicit());
    case.rig.process(case.explicit(OLD, NEW, &[1, 2, 3], &[1.0, 5.0]));
    let out = case.rig.process(case.explicit(OLD, NEW + 10, &[1, 4, 3], &[1.0, 5.0]));
    let point = out[0].histograms[0];
    assert_eq!(out[0].counts(point.counts), [0, 2, 0]);
    assert_eq!(out[0].bounds(point.bounds), [1.0, 5.0]);
    assert_eq!((point.count, point.sum, point.start, point.time), (2, 2.0, seconds(NEW), seconds(NEW + 10)));
    assert!(point.flags.has(Flags::SUM) && !point.flags.has(Flags::MIN) && !point.flags.has(Flags::MAX));
    let series = case.fixture.series(point.series);
    assert_eq!(series.descriptor().temporality, Temporality::Delta);
    assert_eq!(series.stream(), case.series.stream());
}

#[test]
fn a_bucket_that_fell_is_a_reset_even_where_the_count_grew() {
    let mut case = case_of(explicit());
    case.rig.process(case.explicit(0, NEW, &[5, 0], &[1.0]));
    let out = case.rig.process(case.explicit(0, NEW + 10, &[1, 9], &[1.0]));
    let point = out[0].histograms[0];
    assert_eq!((out[0].counts(point.counts), point.count, point.start), (&[1, 9][..], 10, seconds(NEW)));
}

#[test]
fn a_histogram_without_buckets_is_count_and_sum() {
    let mut case = case_of(explicit());
    let plain = |case: &Case, time, count, sum| {
        let mut batch = case.explicit(OLD, time, &[], &[]);
        (batch.histograms[0].count, batch.histograms[0].sum) = (count, sum);
        batch
    };
    case.rig.process(plain(&case, NEW, 10, 5.0));
    let out = case.rig.process(plain(&case, NEW + 1, 12, 4.0));
    let point = out[0].histograms[0];
    assert_eq!((point.count, point.sum), (2, -1.0), "negative values make a sum fall");
}

#[test]
fn a_sum_that_is_not_stated_twice_is_not_known() {
    let mut case = case_of(explicit());
    let mut without = case.explicit(OLD, NEW, &[1, 2], &[1.0]);
    without.histograms[0].flags = Flags::default();
    case.rig.process(without);
    let out = case.rig.process(case.explicit(OLD, NEW + 1, &[1, 3], &[1.0]));
    assert!(!out[0].histograms[0].flags.has(Flags::SUM));
    let out = case.rig.process(case.explicit(OLD, NEW + 2, &[1, 4], &[1.0]));
    assert!(out[0].histograms[0].flags.has(Flags::SUM));
}

#[test]
fn histograms_without_a_value_or_with_a_sum_that_is_none_are_dropped_and_change_nothing() {
    for (metric, is_explicit) in [(explicit(), true), (exponential(), false)] {
        let mut case = case_of(metric);
        let batch = |case: &Case, time, count: u64, sum: f64, flags: Flags| {
            let mut batch = if is_explicit {
                case.explicit(OLD, time, &[count], &[])
            } else {
                case.exponential(OLD, time, 0, 0, &[count])
            };
            batch.histograms.iter_mut().for_each(|point| (point.sum, point.flags) = (sum, flags));
            let points = &mut batch.exponential_histograms;
            points.iter_mut().for_each(|point| (point.sum, point.flags) = (sum, flags));
            batch
        };
        case.rig.process(batch(&case, NEW, 5, 5.0, Flags::SUM));
        case.rig.process(batch(&case, NEW + 1, 6, f64::NAN, Flags::SUM));
        case.rig.process(batch(&case, NEW + 2, 0, 0.0, Flags::NO_RECORDED_VALUE));
        assert_eq!((case.dropped(Reason::NOT_FINITE), case.dropped(Reason::NO_RECORDED_VALUE)), (1, 1));
        let out = case.rig.process(batch(&case, NEW + 3, 8, 8.0, Flags::SUM));
        let counts = out[0].histograms.iter().map(|point| point.count);
        let counts: Vec<u64> =
            counts.chain(out[0].exponential_histograms.iter().map(|point| point.count)).collect();
        assert_eq!(counts, [3]);
    }
}

#[test]
fn an_exponential_histogram_that_is_none_is_dropped() {
    let mut case = case_of(exponential());
    let mut batch = case.exponential(OLD, NEW, 0, 0, &[1]);
    batch.exponential_histograms[0].zero_threshold = f64::NAN;
    assert_eq!(case.rig.process(batch)[0].points(), 0);
    let batch = case.exponential(OLD, NEW, 0, i32::MAX, &[1, 1]);
    assert_eq!(case.rig.process(batch)[0].points(), 0);
    assert_eq!(case.dropped(BAD_HISTOGRAM), 2);
}

#[test]
fn a_wider_zero_bucket_takes_in_what_it_covers() {
    let mut case = case_of(exponential());
    // At scale 0 the bucket 0 holds what is greater than 1 and at most 2.
    case.rig.process(case.exponential(OLD, NEW, 0, 0, &[4, 1]));
    let mut wider = case.exponential(OLD, NEW + 1, 0, 1, &[3]);
    let point = &mut wider.exponential_histograms[0];
    (point.zero_threshold, point.zero_count, point.count) = (2.0, 6, 9);
    let out = case.rig.process(wider);
    let point = out[0].exponential_histograms[0];
    assert_eq!((point.count, point.zero_count, point.zero_threshold), (4, 2, 2.0));
    assert_eq!((out[0].counts(point.positive), point.positive_offset), (&[2][..], 1));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// What the difference of any two exponential histograms is, bucket by bucket at the lower scale.
    #[test]
    fn an_exponential_histogram_is_what_the_model_says(
        points in prop::collection::vec((0..5i32, -20..20i32, prop::collection::vec(0..4u64, 0..12)), 1..12),
    ) {
        let mut case = case_of(exponential());
        let mut last: Option<(i32, BTreeMap<i32, u64>)> = None;
        for (nth, (scale, offset, counts)) in points.into_iter().enumerate() {
            let fine: BTreeMap<i32, u64> =
                (offset..).zip(&counts).filter(|(_, count)| **count > 0).map(|(at, n)| (at, *n)).collect();
            let down = |buckets: &BTreeMap<i32, u64>, by: i32| {
                let mut coarse = BTreeMap::<i32, u64>::new();
                for (at, count) in buckets {
                    *coarse.entry(at.div_euclid(1 << by)).or_default() += count;
                }
                coarse
            };
            let expected = last.as_ref().and_then(|(before, older)| {
                let common = scale.min(*before);
                let (newer, older) = (down(&fine, scale - common), down(older, before - common));
                let mut left = newer;
                for (at, count) in older {
                    let bucket = left.get_mut(&at)?;
                    *bucket = bucket.checked_sub(count)?;
                }
                left.retain(|_, count| *count > 0);
                Some((common, left))
            });
            let expected = expected.unwrap_or_else(|| (scale, fine.clone()));
            let out = case.rig.process(case.exponential(0, NEW + nth as u64, scale, offset, &counts));
            let point = out[0].exponential_histograms[0];
            let found = (point.positive_offset..).zip(out[0].counts(point.positive));
            let found: BTreeMap<i32, u64> =
                found.filter(|(_, count)| **count > 0).map(|(at, count)| (at, *count)).collect();
            prop_assert_eq!(point.count, expected.1.values().sum::<u64>());
            prop_assert_eq!((point.sum, point.flags.has(Flags::SUM)), (point.count as f64, true));
            prop_assert_eq!((point.scale, found), expected);
            last = Some((scale, fine));
        }
        case.rig.account();
    }

    /// The same of explicit ones, with one of two layouts.
    #[test]
    fn an_explicit_histogram_is_what_the_model_says(
        points in prop::collection::vec((any::<bool>(), prop::array::uniform3(0..4u64)), 1..20),
    ) {
        let mut case = case_of(explicit());
        let mut last: Option<(bool, [u64; 3])> = None;
        for (nth, (other, counts)) in points.into_iter().enumerate() {
            let bounds = if other { [1.0, 2.0] } else { [1.0, 3.0] };
            let goes_on = last.filter(|(before, older)| *before == other && (0..3).all(|at| counts[at] >= older[at]));
            let expected = goes_on.map_or(counts, |(_, older)| [0, 1, 2].map(|at| counts[at] - older[at]));
            let out = case.rig.process(case.explicit(0, NEW + nth as u64, &counts, &bounds));
            let point = out[0].histograms[0];
            prop_assert_eq!(out[0].counts(point.counts), expected);
            prop_assert_eq!((point.count, point.sum), (expected.iter().sum(), expected.iter().sum::<u64>() as f64));
            last = Some((other, counts));
        }
        case.rig.account();
    }
}
