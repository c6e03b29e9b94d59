#![allow(clippy::float_cmp, reason = "these distributions are exact")]

use super::*;

fn distribution(values: &[f64]) -> Distribution {
    let mut distribution = Distribution::default();
    for &value in values {
        distribution.record(value).unwrap();
    }
    distribution
}

fn statistics(distribution: &Distribution) -> (u64, f64, Option<f64>, Option<f64>) {
    (distribution.count(), distribution.sum(), distribution.min(), distribution.max())
}

fn pairs(distribution: Distribution) -> Vec<(f64, f64)> {
    let Values { values, counts, .. } = distribution.into_values(150);
    values.into_iter().zip(counts).collect()
}

#[test]
fn a_distribution_takes_56_bytes() {
    assert_eq!(size_of::<Distribution>(), 56);
}

#[test]
fn nothing_recorded_is_nothing_told() {
    assert_eq!(statistics(&Distribution::default()), (0, 0.0, None, None));
    assert_eq!(pairs(Distribution::default()), []);
}

#[test]
fn few_values_are_told_in_ascending_order() {
    let distribution = distribution(&[3.5, -1.0, 3.5, 0.25]);
    assert_eq!(statistics(&distribution), (4, 6.25, Some(-1.0), Some(3.5)));
    assert_eq!(pairs(distribution), [(-1.0, 1.0), (0.25, 1.0), (3.5, 2.0)]);
}

#[test]
fn the_fifth_distinct_value_changes_nothing_but_the_form() {
    let distribution = distribution(&[5.0, 4.0, 3.0, 2.0, 5.0, 1.0, 3.0]);
    assert!(matches!(distribution.form, Form::Recent(_)));
    assert_eq!(statistics(&distribution), (7, 23.0, Some(1.0), Some(5.0)));
    assert_eq!(pairs(distribution), [(1.0, 1.0), (2.0, 1.0), (3.0, 2.0), (4.0, 1.0), (5.0, 2.0)]);
}

#[test]
fn values_that_repeat_and_more_samples_than_are_held_as_they_came_are_cells() {
    let four = [1.0, 2.0, 3.0, 4.0];
    let mut repeating = distribution(&four.repeat(3));
    repeating.record(5.0).unwrap();
    assert!(matches!(repeating.form, Form::Many(_)));
    assert_eq!(statistics(&repeating), (13, 35.0, Some(1.0), Some(5.0)));
    let samples: Vec<f64> = (0..128).rev().map(f64::from).collect();
    let mut held = distribution(&samples);
    assert!(matches!(held.form, Form::Recent(_)));
    held.record(-1.0).unwrap();
    assert!(matches!(held.form, Form::Many(_)));
    assert_eq!(statistics(&held), (129, 8127.0, Some(-1.0), Some(127.0)));
    let mut weighted = distribution(&[1.0, 2.0, 3.0, 4.0, 5.0]);
    weighted.record_n(6.0, 1000).unwrap();
    assert_eq!(statistics(&weighted), (1005, 6015.0, Some(1.0), Some(6.0)));
}

#[test]
fn every_form_merges_with_every_other() {
    let few = || distribution(&[1.0, 2.0]);
    let recent = || distribution(&[3.0, 4.0, 5.0, 6.0, 7.0]);
    let many = || distribution(&(0..200).map(f64::from).collect::<Vec<_>>());
    let buckets = || {
        let mut buckets = Distribution::default();
        let totals = Totals { count: 2, sum: Some(10.0), min: Some(5.0), max: Some(5.0) };
        buckets.record_explicit(&[8.0], &[2, 0], totals).unwrap();
        buckets
    };
    let forms: [&dyn Fn() -> Distribution; 4] = [&few, &recent, &many, &buckets];
    for one in forms {
        for other in forms {
            let (mut merged, other) = (one(), other());
            merged.merge(&other).unwrap();
            assert_eq!(merged.count(), one().count() + other.count());
            assert_eq!(merged.sum().to_bits(), (one().sum() + other.sum()).to_bits());
            assert_eq!(merged.min(), Some(one().min().unwrap().min(other.min().unwrap())));
            assert_eq!(merged.max(), Some(one().max().unwrap().max(other.max().unwrap())));
        }
    }
}

#[test]
fn both_zeros_and_what_is_nearer_to_zero_than_a_normal_number_are_one_value() {
    let distribution = distribution(&[0.0, -0.0, 1e-310, -f64::from_bits(1)]);
    assert_eq!(pairs(distribution), [(0.0, 4.0)]);
}

#[test]
fn refusals_tell_the_value_and_change_nothing() {
    let mut distribution = distribution(&[1.0, 2.0]);
    for value in [f64::INFINITY, f64::NEG_INFINITY] {
        assert_eq!(distribution.record(value), Err(Refused::NotFinite(value)));
    }
    assert!(matches!(distribution.record(f64::NAN), Err(Refused::NotFinite(value)) if value.is_nan()));
    assert_eq!(distribution.record_n(-1e300, 2), Err(Refused::TooLarge(-1e300)));
    assert_eq!(Refused::TooLarge(-1e300).to_string(), "value -1e300 is beyond 2^970");
    assert_eq!(Refused::NotFinite(f64::NAN).to_string(), "value NaN is not finite");
    assert_eq!(statistics(&distribution), (2, 3.0, Some(1.0), Some(2.0)));
}

#[test]
fn counts_are_weights() {
    let mut distribution = Distribution::default();
    for (value, count) in [(2.0, 3), (7.0, 0), (0.5, 1_000_000)] {
        distribution.record_n(value, count).unwrap();
    }
    assert_eq!(statistics(&distribution), (1_000_003, 500_006.0, Some(0.5), Some(2.0)));
    assert_eq!(pairs(distribution), [(0.5, 1_000_000.0), (2.0, 3.0)]);
}

#[test]
fn a_count_beyond_32_bits_is_kept() {
    let mut in_steps = Distribution::default();
    let mut at_once = Distribution::default();
    for _ in 0..2 {
        in_steps.record_n(3.0, 3_000_000_000).unwrap();
    }
    at_once.record_n(3.0, 6_000_000_000).unwrap();
    for distribution in [in_steps, at_once] {
        assert_eq!(statistics(&distribution), (6_000_000_000, 18_000_000_000.0, Some(3.0), Some(3.0)));
        assert_eq!(pairs(distribution), [(3.0, 6_000_000_000.0)]);
    }
}

#[test]
fn a_count_that_a_float_could_not_hold_is_refused() {
    let mut full = Distribution::default();
    full.record_n(MAX_MAGNITUDE, MAX_COUNT - 1).unwrap();
    assert_eq!(full.record_n(1.0, 2), Err(Refused::TooMany { held: MAX_COUNT - 1, added: 2 }));
    assert_eq!(full.record_n(1.0, u64::MAX), Err(Refused::TooMany { held: MAX_COUNT - 1, added: u64::MAX }));
    full.record(1.0).unwrap();
    assert_eq!(full.record(1.0), Err(Refused::TooMany { held: MAX_COUNT, added: 1 }));
    assert_eq!(full.merge(&distribution(&[1.0])), Err(Refused::TooMany { held: MAX_COUNT, added: 1 }));
    assert_eq!((full.count(), full.min()), (MAX_COUNT, Some(1.0)));
    assert!(full.sum().is_finite());
}

#[test]
fn merging_small_and_large_is_recording_all() {
    let (few, many) = ([9.0, 1.0], [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    for (left, right) in
        [(&few[..], &many[..]), (&many, &few), (&many, &many), (&few, &few), (&[], &many), (&few, &[])]
    {
        let mut merged = distribution(left);
        merged.merge(&distribution(right)).unwrap();
        let together = distribution(&[left, right].concat());
        assert_eq!(statistics(&merged), statistics(&together));
        assert_eq!(pairs(merged), pairs(together));
    }
}
