//! Distributions against the plainest model there is: the samples themselves, sorted.
#![allow(clippy::float_cmp, reason = "exactness is what is tested")]

mod samples;

use samples::{QUANTUM, Random, SHAPES, draw};
use weir_window::{Distribution, Values};

const LIMIT: usize = 150;
const SIZES: &[usize] = &[1, 2, 3, 4, 5, 60, 149, 150, 151, 256, 257, 400, 1_000, 10_000, 100_000];

fn distribution(samples: &[f64]) -> Distribution {
    let mut distribution = Distribution::default();
    samples.iter().for_each(|&sample| distribution.record(sample).unwrap());
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

/// What must hold for every distribution at every limit; gives the worst error at any rank.
fn check(name: &str, samples: &[f64], distribution: Distribution, limit: usize) -> f64 {
    let sorted = sorted(samples);
    let (min, max) = (sorted[0], sorted[sorted.len() - 1]);
    let sum = exact_sum(samples);
    assert_eq!(distribution.count(), samples.len() as u64, "{name}");
    assert_eq!((distribution.min(), distribution.max()), (Some(min), Some(max)), "{name}");
    assert!(
        (distribution.sum() - sum).abs() <= 1e-12 * sum.abs(),
        "{name}: {} for {sum}",
        distribution.sum()
    );

    let values = distribution.into_values(limit);
    assert_eq!(values.values.len(), values.counts.len());
    assert!(values.values.len() <= limit, "{name}: {} values", values.values.len());
    assert!(values.values.is_sorted_by(|a, b| a < b), "{name}");
    assert_eq!((values.values[0], values.values[values.values.len() - 1]), (min, max), "{name}");
    assert_eq!(values.counts.iter().sum::<f64>(), samples.len() as f64, "{name}");
    assert!(values.counts.iter().all(|&count| count >= 1.0 && count.fract() == 0.0), "{name}");

    let spread = spread(&values);
    let errors = spread.iter().zip(&sorted).map(|(&value, &truth)| relative_error(value, truth));
    let worst = errors.fold(0.0, f64::max);
    assert!(
        worst <= values.worst_relative_error() * (1.0 + 1e-12),
        "{name}: {worst} is beyond what was said"
    );
    worst
}

fn check_percentiles(name: &str, samples: &[f64], values: &Values) {
    let (sorted, spread) = (sorted(samples), spread(values));
    for percentile in
        [100, 500].into_iter().chain((1..=99).map(|p| p * 1_000)).chain([99_500, 99_900, 99_990])
    {
        let rank = rank(percentile, samples.len());
        let error = relative_error(spread[rank], sorted[rank]);
        assert!(
            error <= 0.01 + 1e-12,
            "{name}, {} samples: p{} is {} for {}",
            samples.len(),
            percentile as f64 / 1_000.0,
            spread[rank],
            sorted[rank]
        );
    }
}

fn distinct(samples: &[f64]) -> Vec<(f64, f64)> {
    let mut distinct: Vec<(f64, f64)> = Vec::new();
    for sample in sorted(samples) {
        match distinct.last_mut() {
            Some((value, count)) if *value == sample => *count += 1.0,
            _ => distinct.push((sample, 1.0)),
        }
    }
    distinct
}

fn every_case(mut test: impl FnMut(&str, &[f64])) {
    for &(name, shape) in SHAPES {
        SIZES.iter().for_each(|&size| test(name, &draw(shape, size)));
    }
}

#[test]
fn statistics_are_exact_and_the_stated_error_holds_at_every_rank() {
    every_case(|name, samples| {
        let worst = check(name, samples, distribution(samples), LIMIT);
        let sum = distribution(samples).sum();
        let values = distribution(samples).into_values(LIMIT);
        let vs: f64 = values.values.iter().zip(&values.counts).map(|(v, c)| v * c).sum();
        println!(
            "{name:20} {:6} n={:3} worst {:.5} said {:.5} sumerr {:.2e}",
            samples.len(),
            values.values.len(),
            worst,
            values.worst_relative_error(),
            (vs - sum) / sum
        );
    });
}

#[test]
fn watched_percentiles_are_within_one_percent() {
    every_case(|name, samples| check_percentiles(name, samples, &distribution(samples).into_values(LIMIT)));
}
