#![allow(clippy::float_cmp, reason = "pinned values are exact")]

use super::*;
use proptest::prelude::*;

fn exact(values: &[f64]) -> Vec<Cell> {
    values.iter().map(|&value| Cell::of(value, 1)).collect()
}

/// The least error of a value that stands for all from `low` to `high`, both above zero, with the minimum and the
/// maximum pinned.
fn cost(values: &[f64], first: usize, last: usize) -> f64 {
    let (low, high) = (values[first], values[last]);
    match (first == 0, last == values.len() - 1) {
        (true, true) => f64::INFINITY,
        (true, false) => (high - low) / high,
        (false, true) => (high - low) / low,
        (false, false) => (high - low) / (high + low),
    }
}

/// The worst error of the best partition, by trying all: `best[k][n]` is that of the first n values in k groups.
fn least_worst(values: &[f64], limit: usize) -> f64 {
    let mut best = vec![f64::INFINITY; values.len() + 1];
    best[0] = 0.0;
    for _ in 0..limit {
        let before = best.clone();
        for n in 1..=values.len() {
            let ends_here = (0..n).map(|from| before[from].max(cost(values, from, n - 1)));
            best[n] = ends_here.fold(before[n], f64::min);
        }
    }
    best[values.len()]
}

/// Numbers of both signs, neither zero nor subnormal.
fn any_sign() -> prop::num::f64::Any {
    prop::num::f64::POSITIVE | prop::num::f64::NEGATIVE | prop::num::f64::NORMAL
}

proptest! {
    #[test]
    fn no_partition_has_a_lesser_worst_error(
        mut values in prop::collection::vec((-6.0..6.0_f64).prop_map(f64::exp), 8..40),
        limit in 3..7_usize,
    ) {
        values.sort_by(f64::total_cmp);
        values.dedup();
        prop_assume!(values.len() > limit);
        let optimum = least_worst(&values, limit);
        let (groups, error) = partition(&mut slots(exact(&values)), limit);
        prop_assert!(groups.len() <= limit);
        prop_assert!(error >= optimum * (1.0 - 1e-9) && error <= optimum * 1.001, "{} for {}", error, optimum);
        let merged = merge(exact(&values), values.iter().sum(), limit);
        let worst = merged.iter().map(Group::worst_error).fold(0.0, f64::max);
        prop_assert!(worst <= optimum * ROOM_FOR_SUM * 1.001, "{} for {}", worst, optimum);
    }

    #[test]
    fn any_cells_are_merged_within_the_limit(
        edges in prop::collection::vec(any_sign() | prop::num::f64::ZERO, 2..400),
        limit in 3..160_usize,
    ) {
        let mut edges: Vec<_> = edges.into_iter().map(|edge| edge * 1e-20).collect();
        edges.retain(|edge| edge.is_normal());
        edges.sort_by(f64::total_cmp);
        edges.dedup();
        let cells = exact(&edges);
        let groups = merge(cells, edges.iter().sum(), limit);
        prop_assert!(groups.len() <= limit);
        prop_assert!(groups.is_sorted_by(|a, b| a.value < b.value));
        prop_assert_eq!(groups.iter().map(|group| group.count).sum::<u64>(), edges.len() as u64);
        for group in &groups {
            let (value, error) = (group.value, group.worst_error());
            prop_assert!(error <= 1.0, "{:e} for {:e} to {:e}", value, group.low, group.high);
        }
    }
}

#[test]
fn ranks_are_those_of_the_nearest_rank_definition() {
    // ⌈p · n / 100⌉ for p50 of 1, 2, 3 and 1000, p99.9 of 1000 and 1001, p0.1 of 5.
    let ranks = [(5_000, 1), (5_000, 2), (5_000, 3), (5_000, 1_000), (9_990, 1_000), (9_990, 1_001), (10, 5)];
    assert_eq!(
        ranks.map(|(percentile, total)| nearest_rank(percentile, total)),
        [1, 1, 2, 500, 999, 1_000, 1]
    );
    assert_eq!(nearest_rank(9_999, 1 << 53), 9_006_298_534_815_518);
}

#[test]
fn watched_percentiles_ascend() {
    let all: Vec<_> = watched().collect();
    assert!(all.is_sorted() && all.len() == 104);
}

#[test]
fn a_sample_of_zero_is_stood_for_by_zero_only() {
    let values: Vec<f64> = [-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0, 4.0].to_vec();
    for limit in 3..8 {
        let groups = merge(exact(&values), 4.0, limit);
        assert!(
            groups.iter().any(|group| group.value == 0.0 && group.low <= 0.0 && group.high >= 0.0),
            "{limit}"
        );
    }
}

#[test]
fn one_wide_cell_keeps_both_its_ends() {
    for count in [2, 3, 1_000] {
        let groups = merge(vec![Cell { low: 8.0, high: 12.0, count }], 10.0 * count as f64, 150);
        assert_eq!(groups.first().map(|group| group.value), Some(8.0));
        assert_eq!(groups.last().map(|group| group.value), Some(12.0));
        assert_eq!(groups.iter().map(|group| group.count).sum::<u64>(), count);
        assert_eq!(
            groups.iter().map(|group| group.value * group.count as f64).sum::<f64>(),
            10.0 * count as f64
        );
    }
}
