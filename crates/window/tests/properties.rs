//! Any numbers at all, in any number: nothing panics, and what is told is true.
#![allow(clippy::float_cmp, reason = "exactness is what is tested")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test's helpers fail as its tests do")]

use proptest::prelude::*;
use weir_window::{Distribution, Exponential, MAX_COUNT, MAX_MAGNITUDE, Refused, Totals, exponential::Parts};

/// Distinct samples with their counts, ascending.
type Model = Vec<(f64, u64)>;

fn record(model: &mut Model, value: f64, count: u64) {
    let value = if value.is_normal() { value } else { 0.0 };
    match model.binary_search_by(|(held, _)| held.total_cmp(&value)) {
        _ if count == 0 => {}
        Ok(at) => model[at].1 += count,
        Err(at) => model.insert(at, (value, count)),
    }
}

fn count(model: &Model) -> u64 {
    model.iter().map(|(_, count)| count).sum()
}

/// The last 1-based rank of every value.
fn last_ranks(model: &Model) -> Vec<u64> {
    let passed = model.iter().scan(0, |passed, (_, count)| {
        *passed += count;
        Some(*passed)
    });
    passed.collect()
}

/// What a distribution must tell, at any limit.
fn check(distribution: &Distribution, model: &Model, limit: usize) -> Result<(), TestCaseError> {
    prop_assert_eq!(distribution.count(), count(model));
    prop_assert_eq!(distribution.min(), model.first().map(|(value, _)| *value));
    prop_assert_eq!(distribution.max(), model.last().map(|(value, _)| *value));
    prop_assert!(distribution.sum().is_finite());

    let closed = distribution.clone().into_values(limit);
    prop_assert!(closed.values.len() <= limit.max(3));
    prop_assert!(closed.values.is_sorted_by(|a, b| a < b));
    prop_assert_eq!(closed.values.first().copied(), distribution.min());
    prop_assert_eq!(closed.values.last().copied(), distribution.max());
    let told: Model = closed.values.iter().zip(&closed.counts).map(|(v, c)| (*v, *c as u64)).collect();
    prop_assert_eq!(count(&told), count(model));
    let (ranks, told_ranks) = (last_ranks(model), last_ranks(&told));
    let at_rank = |model: &Model, ranks: &[u64], rank| model[ranks.partition_point(|&last| last < rank)].0;
    for &rank in ranks.iter().chain(&told_ranks) {
        let (found, truth) = (at_rank(&told, &told_ranks, rank), at_rank(model, &ranks, rank));
        let bound = closed.worst_relative_error() * truth.abs() * (1.0 + 1e-12);
        prop_assert!((found - truth).abs() <= bound, "rank {rank}: {found} for {truth}");
    }
    Ok(())
}

fn any_count() -> impl Strategy<Value = u64> {
    prop_oneof![4 => Just(1), 2 => 0..5_u64, 1 => 0..1_u64 << 40]
}

/// Numbers of every class, from all over or from a few decades.
fn any_samples() -> impl Strategy<Value = Vec<(f64, u64)>> {
    let decades = (-4.0..6.0_f64, any::<bool>())
        .prop_map(|(log10, negative)| 10_f64.powf(log10) * if negative { -1.0 } else { 1.0 });
    let value = prop_oneof![1 => any::<f64>(), 6 => decades, 1 => (-3..9_i8).prop_map(f64::from)];
    prop::collection::vec((value, any_count()), 0..350)
}

fn refusal(value: f64) -> Option<Refused> {
    if !value.is_finite() {
        Some(Refused::NotFinite(value))
    } else if value.abs() > MAX_MAGNITUDE {
        Some(Refused::TooLarge(value))
    } else {
        None
    }
}

fn build(samples: &[(f64, u64)]) -> (Distribution, Model) {
    let (mut distribution, mut model) = (Distribution::default(), Model::new());
    for &(value, count) in samples {
        match (distribution.record_n(value, count), refusal(value)) {
            (Ok(()), None) => record(&mut model, value, count),
            (Err(found), Some(expected)) => assert_eq!(found.to_string(), expected.to_string()),
            (found, expected) => panic!("{value}: {found:?} for {expected:?}"),
        }
    }
    (distribution, model)
}

proptest! {
    #[test]
    fn any_samples_are_told_as_stated(samples in any_samples(), limit in 0..200_usize) {
        let (distribution, model) = build(&samples);
        check(&distribution, &model, limit)?;
    }

    #[test]
    fn any_two_distributions_merge(left in any_samples(), right in any_samples(), limit in 0..200_usize) {
        let (mut merged, mut model) = build(&left);
        let (other, other_model) = build(&right);
        merged.merge(&other).unwrap();
        for (value, count) in other_model {
            record(&mut model, value, count);
        }
        check(&merged, &model, limit)?;
    }

    #[test]
    fn counts_never_pass_what_a_float_holds(counts in prop::collection::vec(any::<u64>(), 1..20), shift in 0..40_u32) {
        let (mut distribution, mut held) = (Distribution::default(), 0_u64);
        for (step, count) in counts.into_iter().map(|count| count >> shift).enumerate() {
            let fits = held.checked_add(count).is_some_and(|all| all <= MAX_COUNT);
            let found = distribution.record_n(step as f64, count);
            prop_assert_eq!(found, if fits { Ok(()) } else { Err(Refused::TooMany { held, added: count }) });
            held += if fits { count } else { 0 };
            prop_assert_eq!(distribution.count(), held);
        }
    }
}

/// A point of a histogram as any sender may claim it.
#[derive(Clone, Debug)]
enum Claim {
    Explicit(Vec<f64>, Vec<u64>),
    Exponential(i32, f64, u64, (i32, Vec<u64>), (i32, Vec<u64>)),
    Number(f64),
}

fn any_totals() -> impl Strategy<Value = (Option<f64>, Option<f64>, Option<f64>)> {
    let number = || prop::option::of(prop_oneof![3 => -1e4..1e6_f64, 1 => any::<f64>()]);
    (number(), number(), number())
}

fn any_claim() -> impl Strategy<Value = Claim> {
    let bound = prop_oneof![4 => -100.0..1e5_f64, 1 => any::<f64>()];
    let bounds = prop::collection::vec(bound, 0..30).prop_map(|mut bounds| {
        bounds.sort_by(f64::total_cmp);
        bounds
    });
    let explicit = (bounds, any::<u8>()).prop_flat_map(|(bounds, slip)| {
        // One count more than bounds, but for a few.
        let counts = if slip < 10 { usize::from(slip) } else { bounds.len() + 1 };
        (Just(bounds), prop::collection::vec(any_count(), counts))
    });
    let side =
        || (prop_oneof![3 => -200..200_i32, 1 => any::<i32>()], prop::collection::vec(any_count(), 0..200));
    let scale = prop_oneof![3 => -11..21_i32, 1 => any::<i32>()];
    let zero = prop_oneof![4 => Just(0.0), 1 => any::<f64>()];
    prop_oneof![
        explicit.prop_map(|(bounds, counts)| Claim::Explicit(bounds, counts)),
        (scale, zero, any_count(), side(), side()).prop_map(|(scale, zero, zeros, positive, negative)| {
            Claim::Exponential(scale, zero, zeros, positive, negative)
        }),
        (-1e3..1e3_f64).prop_map(Claim::Number),
    ]
}

/// Records a claim; answers how many samples it was taken for.
fn claim(
    distribution: &mut Distribution,
    claim: &Claim,
    told: (Option<f64>, Option<f64>, Option<f64>),
) -> u64 {
    let totals = |count| Totals { count, sum: told.0, min: told.1, max: told.2 };
    match claim {
        Claim::Number(value) => distribution.record(*value).map_or(0, |()| 1),
        Claim::Explicit(bounds, counts) => {
            let count = counts.iter().sum();
            distribution.record_explicit(bounds, counts, totals(count)).map_or(0, |()| count)
        }
        Claim::Exponential(scale, zero_threshold, zero_count, positive, negative) => {
            let parts = Parts {
                scale: *scale,
                zero_threshold: *zero_threshold,
                zero_count: *zero_count,
                positive_offset: positive.0,
                positive: &positive.1,
                negative_offset: negative.0,
                negative: &negative.1,
            };
            let Ok(histogram) = Exponential::new(&parts) else { return 0 };
            let count = histogram.count();
            distribution.record_exponential(&histogram, totals(count)).map_or(0, |()| count)
        }
    }
}

proptest! {
    /// Whatever senders claim: nothing panics, no value is lost or made up, and what is told can be sent.
    #[test]
    fn any_claims_of_histograms_are_told_with_their_counts(
        claims in prop::collection::vec((any_claim(), any_totals()), 1..5),
        limit in 0..200_usize,
    ) {
        let (mut one, mut merged, mut count) = (Distribution::default(), Distribution::default(), 0);
        for (claimed, told) in &claims {
            let mut alone = Distribution::default();
            count += claim(&mut one, claimed, *told);
            claim(&mut alone, claimed, *told);
            prop_assert_eq!(merged.merge(&alone), Ok(()));
        }
        for distribution in [one, merged] {
            prop_assert_eq!(distribution.count(), count);
            let closed = distribution.into_values(limit);
            prop_assert_eq!(closed.statistics.count, count);
            prop_assert!(closed.values.len() <= limit.max(3) && closed.values.len() == closed.counts.len());
            prop_assert!(closed.values.is_sorted_by(|a, b| a < b), "{:?}", closed.values);
            prop_assert!(closed.values.iter().all(|value| value.is_finite()), "{:?}", closed.values);
            if !closed.values.is_empty() {
                prop_assert_eq!(closed.counts.iter().sum::<f64>() as u64, count);
            }
            prop_assert!(closed.statistics.sum.is_finite() && closed.statistics.min.is_finite());
        }
    }
}
