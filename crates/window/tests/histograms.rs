//! Histograms against the samples that their senders counted: what a reader of the values is told, and what is true.
#![allow(clippy::float_cmp, reason = "exactness is what is tested")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test's helpers fail as its tests do")]

mod samples;

use std::collections::BTreeMap;

use samples::{QUANTUM, SHAPES, draw};
use weir_window::{Distribution, Exponential, Refused, Totals, Values, exponential::Parts};

const LIMIT: usize = 150;

/// The default bounds of OpenTelemetry's SDKs.
const BOUNDS: &[f64] =
    &[0.0, 5.0, 10.0, 25.0, 50.0, 75.0, 100.0, 250.0, 500.0, 750.0, 1000.0, 2500.0, 5000.0, 7500.0, 10_000.0];

/// What a sender tells beside its buckets.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Told {
    Everything,
    /// As after the conversion of a cumulative histogram.
    NoExtremes,
    Count,
}

const TOLD: [Told; 3] = [Told::Everything, Told::NoExtremes, Told::Count];

fn sorted(samples: &[f64]) -> Vec<f64> {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

/// The sum, in integers until the end.
fn exact_sum(samples: &[f64]) -> f64 {
    samples.iter().map(|sample| (sample / QUANTUM) as i128).sum::<i128>() as f64 * QUANTUM
}

fn totals(samples: &[f64], told: Told) -> Totals {
    let sorted = sorted(samples);
    let extremes = |value: Option<&f64>| value.copied().filter(|_| told == Told::Everything);
    Totals {
        count: samples.len() as u64,
        sum: Some(exact_sum(samples)).filter(|_| told != Told::Count),
        min: extremes(sorted.first()),
        max: extremes(sorted.last()),
    }
}

/// The place of a sample among the bounds: bucket i is above bound i − 1 and at most bound i.
fn bucket(bounds: &[f64], sample: f64) -> usize {
    bounds.iter().position(|bound| sample <= *bound).unwrap_or(bounds.len())
}

fn record_explicit(into: &mut Distribution, bounds: &[f64], samples: &[f64], told: Told) {
    let mut counts = vec![0; bounds.len() + 1];
    samples.iter().for_each(|sample| counts[bucket(bounds, *sample)] += 1);
    into.record_explicit(bounds, &counts, totals(samples, told)).unwrap();
}

/// As an SDK does it: the finest scale with at most 160 buckets on each side.
fn record_exponential(into: &mut Distribution, samples: &[f64], told: Told) -> i32 {
    let index = |magnitude: f64, scale: i32| (magnitude.log2() * f64::from(scale).exp2()).ceil() as i32 - 1;
    let buckets = |scale: i32, sign: f64| {
        let mut buckets = BTreeMap::<i32, u64>::new();
        let magnitudes = samples.iter().map(|sample| sample * sign).filter(|magnitude| *magnitude > 0.0);
        magnitudes.for_each(|magnitude| *buckets.entry(index(magnitude, scale)).or_default() += 1);
        buckets
    };
    let width = |buckets: &BTreeMap<i32, u64>| {
        buckets.keys().next_back().zip(buckets.keys().next()).map_or(0, |(last, first)| last - first + 1)
    };
    let scale = (-10..=20)
        .rev()
        .find(|scale| [1.0, -1.0].iter().all(|sign| width(&buckets(*scale, *sign)) <= 160))
        .unwrap();
    let dense = |buckets: BTreeMap<i32, u64>| {
        let first = buckets.keys().next().copied().unwrap_or(0);
        let mut counts = vec![0; width(&buckets) as usize];
        buckets.into_iter().for_each(|(index, count)| counts[(index - first) as usize] = count);
        (first, counts)
    };
    let ((positive_offset, positive), (negative_offset, negative)) =
        (dense(buckets(scale, 1.0)), dense(buckets(scale, -1.0)));
    let zero_count = samples.iter().filter(|sample| **sample == 0.0).count() as u64;
    let parts = Parts {
        scale,
        zero_threshold: 0.0,
        zero_count,
        positive_offset,
        positive: &positive,
        negative_offset,
        negative: &negative,
    };
    into.record_exponential(&Exponential::new(&parts).unwrap(), totals(samples, told)).unwrap();
    scale
}

/// Every sample replaced by the value that stands for it.
fn spread(values: &Values) -> Vec<f64> {
    let pairs = values.values.iter().zip(&values.counts);
    pairs.flat_map(|(&value, &count)| std::iter::repeat_n(value, count as usize)).collect()
}

/// Interpolated linearly between neighbours, as CloudWatch's readers see it.
fn percentile(sorted: &[f64], p: f64) -> f64 {
    let rank = p / 100.0 * (sorted.len() - 1) as f64;
    let (below, above) = (sorted[rank.floor() as usize], sorted[rank.ceil() as usize]);
    below + (above - below) * rank.fract()
}

fn every_case(test: impl Fn(&str, &[f64], Told)) {
    for &(name, shape) in SHAPES {
        for size in [1, 2, 3, 10, 149, 3_000] {
            for told in TOLD {
                test(&format!("{name}, {size} samples, told {told:?}"), &draw(shape, size), told);
            }
        }
    }
}

/// What every datum must have, however its samples were counted.
fn check_form(name: &str, values: &Values, samples: &[f64], told: Told) {
    let sorted = sorted(samples);
    assert!(values.values.len() <= LIMIT, "{name}: {} values", values.values.len());
    assert!(values.values.is_sorted_by(|a, b| a < b), "{name}: {:?}", values.values);
    assert!(values.counts.iter().all(|count| *count >= 1.0 && count.fract() == 0.0), "{name}");
    assert_eq!(values.counts.iter().sum::<f64>(), samples.len() as f64, "{name}");
    let statistics = values.statistics;
    assert_eq!(statistics.count, samples.len() as u64, "{name}");
    if told != Told::Count {
        let sum = exact_sum(samples);
        assert!(
            (statistics.sum - sum).abs() <= 1e-12 * sum.abs(),
            "{name}: sum {} for {sum}",
            statistics.sum
        );
    }
    if told == Told::Everything {
        assert_eq!((statistics.min, statistics.max), (sorted[0], sorted[sorted.len() - 1]), "{name}");
        assert_eq!(values.values.first(), sorted.first(), "{name}");
        assert_eq!(values.values.last(), sorted.last(), "{name}");
    }
}

#[test]
fn every_value_of_an_explicit_histogram_lies_in_the_bucket_of_its_samples() {
    every_case(|name, samples, told| {
        let mut distribution = Distribution::default();
        record_explicit(&mut distribution, BOUNDS, samples, told);
        let values = distribution.into_values(LIMIT);
        check_form(name, &values, samples, told);
        for (value, truth) in spread(&values).into_iter().zip(sorted(samples)) {
            let (bucket, wanted) = (bucket(BOUNDS, value), bucket(BOUNDS, truth));
            // A value may lie on the lower bound of its bucket, which is the upper one of the bucket below.
            let touches = wanted > 0 && value == BOUNDS[wanted - 1];
            assert!(bucket == wanted || touches, "{name}: {value} for {truth}");
        }
    });
}

/// For a reader who takes no statistics beside the values, and wherever the two are compared.
#[test]
fn the_values_of_a_histogram_add_up_to_its_sum() {
    every_case(|name, samples, told| {
        for exponential in [false, true] {
            let mut distribution = Distribution::default();
            let mut bound = 1e-12;
            if exponential {
                // Where samples lie at the edges of their buckets, to be near to each of them counts for more.
                bound += error_of(record_exponential(&mut distribution, samples, told) - 2);
            } else {
                record_explicit(&mut distribution, BOUNDS, samples, told);
            }
            let values = distribution.into_values(LIMIT);
            let found: f64 =
                values.values.iter().zip(&values.counts).map(|(value, count)| value * count).sum();
            let magnitude: f64 = samples.iter().map(|sample| sample.abs()).sum();
            let error = (found - values.statistics.sum).abs() / magnitude.max(QUANTUM);
            // Nothing is known of samples below the least bound, so nothing can be moved there.
            let is_open_below =
                !exponential && told != Told::Everything && samples.iter().any(|sample| *sample < 0.0);
            assert!(error <= bound || is_open_below, "{name}, exponential {exponential}: off by {error}");
        }
    });
}

/// How far the value that is nearest to all of a bucket is from its ends, relative to these.
fn error_of(scale: i32) -> f64 {
    let base = f64::from(-scale).exp2().exp2();
    (base - 1.0) / (base + 1.0)
}

#[test]
fn an_exponential_histogram_is_as_right_as_its_scale_at_every_rank() {
    every_case(|name, samples, told| {
        let mut distribution = Distribution::default();
        let scale = record_exponential(&mut distribution, samples, told);
        let values = distribution.into_values(LIMIT);
        check_form(name, &values, samples, told);
        // One step is given up where 160 buckets do not fit 150 values, two where both signs have as many.
        let steps = if samples.iter().any(|sample| *sample < 0.0) { 2 } else { 1 };
        let stated = error_of(scale - steps);
        for (value, truth) in spread(&values).into_iter().zip(sorted(samples)) {
            // A tenth more, for the sake of the sum.
            let bound = 1.1 * stated * truth.abs() + 1e-12;
            assert!((value - truth).abs() <= bound, "{name}: {value} for {truth}, scale {scale}");
        }
    });
}

/// Log-normal samples as applications have them, in milliseconds: the median, and the standard deviation of the logarithm.
const WORKLOADS: [(&str, f64, f64); 4] = [
    ("an API", 120.0, 0.6),
    ("a wide API", 120.0, 1.0),
    ("an LLM", 1800.0, 0.5),
    ("a wide LLM", 1800.0, 0.9),
];

fn log_normal(median: f64, sigma: f64, count: usize) -> Vec<f64> {
    let mut random = samples::Random::new(7);
    (0..count).map(|_| ((median * (random.normal() * sigma).exp()) / QUANTUM).round() * QUANTUM).collect()
}

#[test]
fn percentiles_of_log_normal_samples_are_nearer_than_the_middles_of_their_buckets() {
    for (name, median, sigma) in WORKLOADS {
        for told in [Told::Everything, Told::NoExtremes] {
            let samples = log_normal(median, sigma, 20_000);
            let sorted = sorted(&samples);
            let mut distribution = Distribution::default();
            record_explicit(&mut distribution, BOUNDS, &samples, told);
            let spread = spread(&distribution.into_values(LIMIT));
            let (mut ours, mut middles) = (0.0, 0.0);
            for p in [50.0, 90.0, 95.0, 99.0] {
                let (found, truth) = (percentile(&spread, p), percentile(&sorted, p));
                let at = bucket(BOUNDS, truth);
                let upper = BOUNDS.get(at).copied().unwrap_or(sorted[sorted.len() - 1]);
                let middle = f64::midpoint(BOUNDS[at - 1], upper);
                let (error, of_middle) = (((found - truth) / truth).abs(), ((middle - truth) / truth).abs());
                assert!(error <= 0.06, "{name}, {told:?}, p{p}: {found} for {truth}");
                // Where the truth happens to be the middle, nothing can be nearer.
                assert!(
                    error < of_middle || of_middle < 0.03,
                    "{name}, {told:?}, p{p}: {found} for {truth}, middle {middle}"
                );
                ours += error;
                middles += of_middle;
            }
            assert!(ours < middles / 3.0, "{name}, {told:?}: {ours} in all, middles {middles}");
        }
    }
}

/// 900 requests of 30 ms, 90 of 300 ms and 10 of 12 s: where the bucket without an upper bound is left out, 990 remain.
#[test]
fn the_bucket_above_the_last_bound_is_kept() {
    let samples: Vec<f64> = [(30.0, 900), (300.0, 90), (12_000.0, 10)]
        .into_iter()
        .flat_map(|(value, times)| std::iter::repeat_n(value, times))
        .collect();
    for told in [Told::Everything, Told::NoExtremes] {
        let mut distribution = Distribution::default();
        record_explicit(&mut distribution, BOUNDS, &samples, told);
        let values = distribution.into_values(LIMIT);
        assert_eq!((values.statistics.count, values.statistics.sum), (1000, 174_000.0));
        if told == Told::Everything {
            assert_eq!((values.statistics.min, values.statistics.max), (30.0, 12_000.0));
            assert_eq!(values.unbounded, 0);
        } else {
            assert!(values.statistics.max > 10_000.0, "{values:?}");
            assert_eq!(values.unbounded, 10);
        }
    }
}

/// Cumulative histograms lose their maximum on the way, and some senders tell the minimum alone.
#[test]
fn a_minimum_above_the_last_bound_stays_where_it_is() {
    for (bound, min, sum) in [(10.0, 20.0, 3000.0), (0.0, 20.0, 3000.0), (-50.0, -40.0, 3000.0)] {
        let mut distribution = Distribution::default();
        let totals = Totals { count: 3, sum: Some(sum), min: Some(min), max: None };
        distribution.record_explicit(&[bound], &[0, 3], totals).unwrap();
        let values = distribution.into_values(LIMIT);
        assert_eq!((values.values[0], values.counts[0], values.unbounded), (min, 1.0, 2), "{values:?}");
        let pairs = values.values.iter().zip(&values.counts);
        let told: f64 = pairs.map(|(value, count)| value * count).sum();
        assert!((told - sum).abs() < 1e-9 * sum, "{values:?}");
    }
}

#[test]
fn several_senders_are_as_right_as_one() {
    every_case(|name, samples, told| {
        for exponential in [false, true] {
            let record = |samples: &[f64]| {
                let mut one = Distribution::default();
                if exponential {
                    record_exponential(&mut one, samples, told);
                } else {
                    record_explicit(&mut one, BOUNDS, samples, told);
                }
                one
            };
            let mut merged = Distribution::default();
            for part in samples.chunks(samples.len().div_ceil(7)) {
                merged.merge(&record(part)).unwrap();
            }
            let values = merged.into_values(LIMIT);
            check_form(name, &values, samples, told);
            if !exponential {
                let (mut whole, whole_sum) = (record(samples).into_values(LIMIT), values.statistics.sum);
                whole.statistics.sum = whole_sum; // of parts it is added up in another order
                assert_eq!(values.statistics, whole.statistics, "{name}");
                let error = spread(&values)
                    .into_iter()
                    .zip(spread(&whole))
                    .map(|(a, b)| (a - b).abs() / b.abs().max(QUANTUM));
                assert!(error.fold(0.0, f64::max) < 1e-9, "{name}: equal bounds merge bucket by bucket");
            }
        }
    });
}

#[test]
fn histograms_of_different_bounds_and_plain_samples_join_as_samples() {
    every_case(|name, samples, told| {
        let parts: Vec<&[f64]> = samples.chunks(samples.len().div_ceil(3)).collect();
        let mut joined = Distribution::default();
        record_explicit(&mut joined, BOUNDS, parts[0], told);
        if let Some(part) = parts.get(1) {
            record_explicit(&mut joined, &[1.0, 10.0, 100.0, 1000.0, 10_000.0], part, told);
        }
        if let Some(part) = parts.get(2) {
            record_exponential(&mut joined, part, told);
        }
        let values = joined.into_values(LIMIT);
        check_form(name, &values, samples, told);
    });
}

#[test]
fn a_histogram_without_buckets_is_its_statistics_and_no_percentiles() {
    let mut bare = Distribution::default();
    bare.record_explicit(&[], &[], Totals { count: 3, sum: Some(60.0), min: Some(10.0), max: Some(30.0) })
        .unwrap();
    let values = bare.clone().into_values(LIMIT);
    assert_eq!((values.values.len(), values.statistics.sum, values.statistics.max), (0, 60.0, 30.0));
    // All the same, and so known.
    let mut same = Distribution::default();
    same.record_explicit(&[], &[3], Totals { count: 3, sum: Some(60.0), min: Some(20.0), max: Some(20.0) })
        .unwrap();
    let values = same.into_values(LIMIT);
    assert_eq!((values.values, values.counts), (vec![20.0], vec![3.0]));
    // The mean is all there is to say.
    let mut mean = Distribution::default();
    mean.record_explicit(&[], &[4], Totals { count: 4, sum: Some(60.0), ..Totals::default() }).unwrap();
    let values = mean.into_values(LIMIT);
    assert_eq!((values.values, values.counts), (vec![15.0], vec![4.0]));
}

#[test]
fn zero_as_minimum_and_maximum_is_a_measurement() {
    let mut zeros = Distribution::default();
    zeros
        .record_explicit(
            BOUNDS,
            &{
                let mut counts = [0; 16];
                counts[0] = 5;
                counts
            },
            Totals { count: 5, sum: Some(0.0), min: Some(0.0), max: Some(0.0) },
        )
        .unwrap();
    let values = zeros.into_values(LIMIT);
    assert_eq!((values.values, values.counts), (vec![0.0], vec![5.0]));
}

#[test]
fn what_is_no_histogram_of_samples_is_refused_and_changes_nothing() {
    let refused = |counts: &[u64], totals: Totals| {
        let mut distribution = Distribution::default();
        let refused = distribution.record_explicit(&[1.0], counts, totals).unwrap_err();
        assert_eq!(distribution.count(), 0);
        refused
    };
    let three = Totals { count: 3, ..Totals::default() };
    assert_eq!(refused(&[1, 1], three), Refused::Unequal { count: 3, in_buckets: 2 });
    assert_eq!(
        refused(&[1, 2], Totals { sum: Some(f64::INFINITY), ..three }),
        Refused::NotFinite(f64::INFINITY)
    );
    assert_eq!(refused(&[1, 2], Totals { max: Some(1e300), ..three }), Refused::TooLarge(1e300));
    let many = 1 << 53;
    assert_eq!(
        refused(&[many, 1], Totals { count: many + 1, ..three }),
        Refused::TooMany { held: 0, added: many + 1 }
    );
    let mut bare = Distribution::default();
    assert_eq!(bare.record_explicit(&[], &[], three), Err(Refused::Unknown(3)));
    assert_eq!(bare.record_explicit(&[1.0], &[0, 0], Totals::default()), Ok(()), "a histogram of nothing");
    assert_eq!(bare.count(), 0);
}
