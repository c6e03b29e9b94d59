//! Distributions against the plainest model there is: the samples themselves, sorted.
#![allow(clippy::float_cmp, reason = "exactness is what is tested")]
#![allow(clippy::unwrap_used, reason = "a test's helpers fail as its tests do")]

mod samples;

use samples::{QUANTUM, SHAPES, draw};
use weir_window::{Distribution, Values};

const LIMIT: usize = 150;
const SIZES: &[usize] = &[1, 2, 3, 4, 5, 60, 149, 150, 151, 256, 257, 400, 1_000, 20_000];

fn distribution(samples: &[f64]) -> Distribution {
    let mut distribution = Distribution::default();
    for &sample in samples {
        distribution.record(sample).unwrap();
    }
    distribution
}

fn sorted(samples: &[f64]) -> Vec<f64> {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

/// The sum, in integers until the end.
fn exact_sum(samples: &[f64]) -> f64 {
    samples.iter().map(|sample| (sample / QUANTUM) as i128).sum::<i128>() as f64 * QUANTUM
}

/// 0-based rank of the nearest-rank percentile in thousandths of a percent.
fn rank(percentile: usize, count: usize) -> usize {
    (percentile * count).div_ceil(100_000).max(1) - 1
}

/// Every sample replaced by the value that stands for it.
fn spread(values: &Values) -> Vec<f64> {
    let pairs = values.values.iter().zip(&values.counts);
    pairs.flat_map(|(&value, &count)| std::iter::repeat_n(value, count as usize)).collect()
}

fn relative_error(value: f64, truth: f64) -> f64 {
    if value == truth { 0.0 } else { ((value - truth) / truth).abs() }
}

fn distinct(samples: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let sorted = sorted(samples);
    sorted.chunk_by(|a, b| a == b).map(|equal| (equal[0], equal.len() as f64)).unzip()
}

fn every_case(test: impl Fn(&str, &[f64])) {
    for &(name, shape) in SHAPES {
        for &size in SIZES {
            test(&format!("{name}, {size} samples"), &draw(shape, size));
        }
    }
}

#[test]
fn count_sum_minimum_and_maximum_are_exact() {
    every_case(|name, samples| {
        let (distribution, sorted) = (distribution(samples), sorted(samples));
        assert_eq!(distribution.count(), samples.len() as u64, "{name}");
        assert_eq!(distribution.min(), sorted.first().copied(), "{name}");
        assert_eq!(distribution.max(), sorted.last().copied(), "{name}");
        let (found, sum) = (distribution.sum(), exact_sum(samples));
        assert!((found - sum).abs() <= 1e-12 * sum.abs(), "{name}: {found} for {sum}");
    });
}

#[test]
fn distinct_values_that_fit_are_given_as_they_are() {
    every_case(|name, samples| {
        let (values, counts) = distinct(samples);
        let closed = distribution(samples).into_values(LIMIT);
        if values.len() <= LIMIT {
            assert_eq!(
                (closed.worst_relative_error(), &closed.values, &closed.counts),
                (0.0, &values, &counts),
                "{name}"
            );
        } else {
            assert!(closed.worst_relative_error() > 0.0, "{name}");
        }
    });
}

#[test]
fn values_keep_their_form_at_every_limit() {
    every_case(|name, samples| {
        let (distribution, sorted) = (distribution(samples), sorted(samples));
        for limit in [3, 4, 10, 50, 105, 110, 150, 300] {
            let Values { values, counts, .. } = distribution.clone().into_values(limit);
            assert!(values.len() <= limit && values.len() == counts.len(), "{name}: {} values", values.len());
            assert!(values.is_sorted_by(|a, b| a < b), "{name}");
            assert_eq!(values.first(), sorted.first(), "{name}");
            assert_eq!(values.last(), sorted.last(), "{name}");
            assert!(counts.iter().all(|&count| count >= 1.0 && count.fract() == 0.0), "{name}");
            assert_eq!(counts.iter().sum::<f64>(), samples.len() as f64, "{name}");
        }
    });
}

#[test]
fn the_stated_error_holds_at_every_rank_and_is_met_at_one() {
    every_case(|name, samples| {
        let (distribution, sorted) = (distribution(samples), sorted(samples));
        for limit in [3, 50, 150] {
            let values = distribution.clone().into_values(limit);
            let stated = values.worst_relative_error();
            let errors =
                spread(&values).into_iter().zip(&sorted).map(|(value, &truth)| relative_error(value, truth));
            let worst = errors.fold(0.0, f64::max);
            assert!(
                worst <= stated * (1.0 + 1e-12),
                "{name}, limit {limit}: {worst} is beyond the {stated} stated"
            );
            assert!(worst >= stated * 0.9, "{name}, limit {limit}: {stated} is far beyond {worst}");
        }
    });
}

#[test]
fn watched_percentiles_are_within_one_percent() {
    let watched =
        || [100, 500].into_iter().chain((1..=99).map(|p| p * 1_000)).chain([99_500, 99_900, 99_990]);
    every_case(|name, samples| {
        let (sorted, spread) = (sorted(samples), spread(&distribution(samples).into_values(LIMIT)));
        for percentile in watched() {
            let rank = rank(percentile, samples.len());
            let (found, truth) = (spread[rank], sorted[rank]);
            let error = relative_error(found, truth);
            assert!(error <= 0.01 + 1e-12, "{name}: p{} is {found} for {truth}", percentile as f64 / 1_000.0);
        }
    });
}

/// The pairs alone tell `Sum` and `Average` right, for a reader who takes no statistics beside them.
#[test]
fn values_times_counts_meet_the_sum() {
    every_case(|name, samples| {
        let values = distribution(samples).into_values(LIMIT);
        let found: f64 = values.values.iter().zip(&values.counts).map(|(value, count)| value * count).sum();
        let magnitude: f64 = samples.iter().map(|sample| sample.abs()).sum();
        let cancels = exact_sum(samples).abs() < 0.1 * magnitude;
        let bound = if cancels { 1e-4 } else { 1e-12 };
        let error = (found - exact_sum(samples)).abs() / magnitude.max(QUANTUM);
        assert!(error <= bound, "{name}: off by {error}");
    });
}

/// What the documentation tells of 100,000 log-normal samples (σ = 1, a ratio of 5,000 between the extremes).
#[test]
fn densely_spread_samples_cost_a_few_percent_between_the_watched_percentiles() {
    let (_, log_normal) = SHAPES.iter().find(|(name, _)| *name == "log-normal").unwrap();
    let values = distribution(&draw(*log_normal, 100_000)).into_values(LIMIT);
    assert!(values.worst_relative_error() < 0.05, "{}", values.worst_relative_error());
}

#[test]
fn merged_distributions_are_as_right_as_one() {
    every_case(|name, samples| {
        for parts in [2, 7] {
            let mut merged = Distribution::default();
            samples
                .chunks(samples.len().div_ceil(parts))
                .for_each(|part| merged.merge(&distribution(part)).unwrap());
            let whole = distribution(samples);
            assert_eq!(merged.count(), whole.count(), "{name}");
            assert_eq!((merged.min(), merged.max()), (whole.min(), whole.max()), "{name}");
            let sum = exact_sum(samples);
            assert!((merged.sum() - sum).abs() <= 1e-12 * sum.abs(), "{name}");
            let (merged, sorted) = (merged.into_values(LIMIT), sorted(samples));
            let stated = merged.worst_relative_error();
            for (value, truth) in spread(&merged).into_iter().zip(sorted) {
                assert!(
                    relative_error(value, truth) <= stated * (1.0 + 1e-12),
                    "{name}: {value} for {truth}"
                );
            }
        }
    });
}
