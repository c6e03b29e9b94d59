#![allow(clippy::float_cmp, reason = "exactness is what is tested")]

use super::{Aggregate, CompensatedSum, MAX_DISTINCT};
use crate::model::{Occurrence, Reading, StatisticSet};

fn aggregate(readings: &[Reading]) -> Aggregate {
    let mut all = Aggregate::empty();
    for reading in readings {
        all.merge(&Aggregate::of(reading));
    }
    all
}

fn distribution(values: &[(f64, f64)], statistics: Option<StatisticSet>) -> Reading {
    let values = values.iter().map(|(value, count)| Occurrence { value: *value, count: *count }).collect();
    Reading::Distribution { values, statistics }
}

fn set(sample_count: f64, sum: f64, minimum: f64, maximum: f64) -> StatisticSet {
    StatisticSet { sample_count, sum, minimum, maximum }
}

/// The definition once more, over a plain sorted list.
fn percentile_of_sorted(samples: &[f64], percent: f64) -> f64 {
    let rank = percent / 100.0 * (samples.len() - 1) as f64;
    let below = samples[rank as usize];
    let above = samples[(rank as usize + 1).min(samples.len() - 1)];
    below + (above - below) * (rank - rank.floor())
}

#[track_caller]
fn assert_close(found: Option<f64>, expected: f64) {
    let found = found.expect("a percentile");
    assert!((found - expected).abs() <= 1e-9 * expected.abs().max(1.0), "{found} is not {expected}");
}

#[test]
fn statistics_of_values_and_counts_are_exact() {
    let all = aggregate(&[
        Reading::Value(4.0),
        distribution(&[(1.5, 2.0), (10.0, 3.0), (7.0, 0.0)], None),
        Reading::Value(0.5),
    ]);
    // 4 + 2 × 1.5 + 3 × 10 + 0.5
    assert_eq!((all.count(), all.sum(), all.minimum(), all.maximum()), (7.0, 37.5, 0.5, 10.0));
    let values: Vec<_> = all.values().unwrap().iter().map(|v| (v.value, v.count)).collect();
    assert_eq!(values, [(0.5, 1.0), (1.5, 2.0), (4.0, 1.0), (10.0, 3.0)]);
}

#[test]
fn the_95th_percentile_of_1_to_100_is_95_05() {
    let readings: Vec<_> = (1..=100).rev().map(|value| Reading::Value(f64::from(value))).collect();
    let all = aggregate(&readings);
    assert_close(all.percentile(95.0), 95.05);
    assert_close(all.percentile(50.0), 50.5);
    assert_close(all.percentile(0.0), 1.0);
    assert_close(all.percentile(100.0), 100.0);
}

#[test]
fn percentiles_of_counts_are_those_of_the_samples_written_out() {
    let values = [(0.25, 7.0), (3.0, 1.0), (3.5, 40.0), (120.0, 5.0), (9_000.0, 2.0)];
    let all = aggregate(&[distribution(&values, None)]);
    let mut samples = Vec::new();
    for (value, count) in values {
        samples.extend(std::iter::repeat_n(value, count as usize));
    }
    for percent in [0.0, 1.0, 12.5, 25.0, 50.0, 75.0, 90.0, 95.0, 96.25, 99.0, 99.9, 100.0] {
        assert_close(all.percentile(percent), percentile_of_sorted(&samples, percent));
    }
}

#[test]
fn a_single_sample_is_every_percentile() {
    let one = aggregate(&[Reading::Value(42.0)]);
    for percent in [0.0, 50.0, 99.0, 100.0] {
        assert_eq!(one.percentile(percent), Some(42.0));
    }
}

#[test]
fn a_negative_sample_takes_the_percentiles_away() {
    assert_eq!(aggregate(&[Reading::Value(-0.5), Reading::Value(3.0)]).percentile(50.0), None);
    // Negative zero is not negative.
    assert_eq!(aggregate(&[Reading::Value(-0.0), Reading::Value(0.0)]).percentile(50.0), Some(0.0));
    // A statistic set may be the one that knows.
    let hidden = distribution(&[(1.0, 2.0)], Some(set(2.0, 0.0, -1.0, 1.0)));
    assert_eq!(aggregate(&[hidden]).percentile(50.0), None);
}

#[test]
fn a_statistic_set_has_percentiles_only_when_its_samples_are_all_the_same() {
    assert_eq!(aggregate(&[Reading::Statistics(set(3.0, 6.0, 1.0, 3.0))]).percentile(50.0), None);
    assert_eq!(aggregate(&[Reading::Statistics(set(1.0, 5.0, 5.0, 5.0))]).percentile(50.0), Some(5.0));
    let same = aggregate(&[Reading::Statistics(set(3.0, 15.0, 5.0, 5.0)), Reading::Value(1.0)]);
    // 1, 5, 5, 5: rank 0.75 lies three quarters of the way from 1 to 5.
    assert_close(same.percentile(25.0), 4.0);
    let mixed = aggregate(&[Reading::Value(1.0), Reading::Statistics(set(3.0, 6.0, 1.0, 3.0))]);
    assert_eq!((mixed.percentile(50.0), mixed.count(), mixed.sum()), (None, 4.0, 7.0));
}

#[test]
fn statistics_beside_values_rule_all_but_the_percentiles() {
    // Rounded values: 10 and 20 stand for 9.5 … 20.25.
    let reading = distribution(&[(10.0, 3.0), (20.0, 1.0)], Some(set(4.0, 50.75, 9.5, 20.25)));
    let all = aggregate(&[reading]);
    assert_eq!((all.count(), all.sum(), all.minimum(), all.maximum()), (4.0, 50.75, 9.5, 20.25));
    assert_eq!(all.percentile(50.0), Some(10.0));
    assert_eq!(all.percentile(100.0), Some(20.0));
}

#[test]
fn too_many_distinct_values_cost_the_percentiles_and_nothing_else() {
    let cap = MAX_DISTINCT as u32;
    let mut all = Aggregate::empty();
    for value in 0..cap {
        all.merge(&Aggregate::of(&Reading::Value(f64::from(value))));
    }
    assert_eq!(all.percentile(0.0), Some(0.0));
    all.merge(&Aggregate::of(&Reading::Value(f64::from(cap))));
    assert_eq!(all.percentile(50.0), None);
    assert_eq!((all.count(), all.maximum()), (f64::from(cap) + 1.0, f64::from(cap)));
}

#[test]
fn small_terms_survive_beside_large_ones() {
    let mut sum = CompensatedSum::default();
    for term in [1e16, 1.0, 1.0, -1e16] {
        sum.add(term);
    }
    assert_eq!(sum.value(), 2.0);
}
