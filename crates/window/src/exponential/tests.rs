//! Against the plainest model: an index and a count for every bucket, and floor division for every step of scale.

#![allow(clippy::float_cmp, reason = "exactness is what is tested")]

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

type Model = BTreeMap<i64, u64>;

/// `steps` down, one at a time.
fn coarser(model: &Model, steps: i32) -> Model {
    let mut coarse = Model::new();
    for (index, count) in model {
        let index = (0..steps).fold(*index, |index, _| index.div_euclid(2));
        *coarse.entry(index).or_default() += count;
    }
    coarse
}

fn model(buckets: &Buckets) -> Model {
    buckets.iter().map(|(index, count)| (i64::from(index), count)).collect()
}

fn of(scale: i32, offset: i32, counts: &[u64]) -> Exponential {
    Exponential::new(&Parts { scale, positive_offset: offset, positive: counts, ..Parts::default() }).unwrap()
}

/// Buckets somewhere, some of them empty.
fn any_side() -> impl Strategy<Value = (i32, Vec<u64>)> {
    let count = prop_oneof![2 => Just(0_u64), 3 => 1..50_u64, 1 => 0..(1_u64 << 53)];
    let offset = prop_oneof![4 => -300..300_i32, 1 => Just(i32::MIN), 1 => Just(i32::MAX - 40), 1 => any::<i32>().prop_map(|o| o.min(i32::MAX - 40))];
    (offset, prop::collection::vec(count, 0..40))
}

type Sides = ((i32, Vec<u64>), (i32, Vec<u64>));

fn histogram(scale: i32, zero_count: u64, sides: &Sides) -> Exponential {
    let ((positive_offset, positive), (negative_offset, negative)) = sides;
    Exponential::new(&Parts {
        scale,
        zero_threshold: 0.0,
        zero_count,
        positive_offset: *positive_offset,
        positive,
        negative_offset: *negative_offset,
        negative,
    })
    .unwrap()
}

/// The buckets near zero only, where no sender's claim has to be cut.
fn near_side() -> impl Strategy<Value = (i32, Vec<u64>)> {
    (-200..200_i32, prop::collection::vec(prop_oneof![Just(0_u64), 1..50_u64], 0..40))
}

proptest! {
    #[test]
    fn bounds_are_powers_of_the_base(scale in -11..=20_i32, index in any::<i32>()) {
        let log2 = (f64::from(index) + 1.0) * f64::from(-scale).exp2();
        let upper = bounds::upper(scale, index);
        if log2 > 1024.0 {
            prop_assert_eq!(upper, f64::INFINITY);
        } else if (-1022.0..1023.9).contains(&log2) {
            prop_assert!((upper.log2() - log2).abs() <= 1e-13 * log2.abs().max(1.0), "{upper} for 2^{log2}");
        } else if log2 < -1075.0 {
            prop_assert_eq!(upper, 0.0);
        }
        if let Some(next) = index.checked_add(1) {
            prop_assert_eq!(bounds::lower(scale, next).to_bits(), upper.to_bits());
        }
        // Two buckets of a scale are one of the scale below: the bounds are the same to the last bit.
        if let Some(odd) = index.checked_mul(2).and_then(|even| even.checked_add(1)) {
            prop_assert_eq!(bounds::upper(scale + 1, odd).to_bits(), upper.to_bits());
        }
    }

    #[test]
    fn powers_of_two_are_exact_bounds(exponent in -1074..1024_i32, scale in 0..=20_i32) {
        // By repeated halving and doubling, which is exact.
        let exact = (0..exponent.abs()).fold(1.0, |power, _| if exponent < 0 { power / 2.0 } else { power * 2.0 });
        if let Some(index) = exponent.checked_mul(1 << scale) {
            prop_assert_eq!(bounds::lower(scale, index), exact);
        }
        if scale <= 11 && exponent % (1 << scale) == 0 {
            prop_assert_eq!(bounds::lower(-scale, exponent >> scale), exact);
        }
    }

    #[test]
    fn the_middle_is_as_near_to_both_ends_as_stated(scale in -3..=20_i32, index in -500..500_i32) {
        let (lower, upper, middle) = (bounds::lower(scale, index), bounds::upper(scale, index), bounds::middle(scale, index));
        if lower >= f64::MIN_POSITIVE && upper.is_finite() {
            let stated = bounds::worst_relative_error(scale);
            for end in [lower, upper] {
                let error = ((middle - end) / end).abs();
                prop_assert!((error - stated).abs() <= 1e-9 * stated + 4e-16, "{error} at {end}, {stated} stated");
            }
        }
    }

    #[test]
    fn any_parts_keep_their_counts_in_bounded_memory(scale in any::<i32>(), zeros in 0..100_u64, sides in (any_side(), any_side())) {
        let found = histogram(scale, zeros, &sides);
        let sum = |counts: &[u64]| counts.iter().sum::<u64>();
        prop_assert_eq!(found.count(), zeros + sum(&sides.0.1) + sum(&sides.1.1));
        prop_assert_eq!(found.zero_count(), zeros);
        for (buckets, (_, counts)) in [(found.positive(), &sides.0), (found.negative(), &sides.1)] {
            prop_assert!(buckets.counts().len() <= MAX_BUCKETS);
            prop_assert_eq!(buckets.counts().iter().sum::<u64>(), sum(counts));
            for (index, _) in buckets.iter() {
                prop_assert!(bounds::lower(found.scale(), index) < f64::MAX);
                prop_assert!(bounds::upper(found.scale(), index) > 0.0);
            }
        }
        prop_assert!((MIN_SCALE..=MAX_SCALE).contains(&found.scale()));
    }

    #[test]
    fn downscaling_joins_neighbours(scale in -5..=20_i32, sides in (near_side(), near_side()), steps in 0..20_i32) {
        let mut found = histogram(scale, 3, &sides);
        let steps = steps.min(scale - MIN_SCALE);
        let (positive, negative) = (coarser(&model(found.positive()), steps), coarser(&model(found.negative()), steps));
        found.downscale(scale - steps);
        prop_assert_eq!((model(found.positive()), model(found.negative())), (positive, negative));
        prop_assert_eq!((found.scale(), found.zero_count()), (scale - steps, 3));
    }

    #[test]
    fn merging_adds_bucket_by_bucket_at_the_lower_scale(
        scales in (0..=20_i32, 0..=20_i32),
        left in (near_side(), near_side()),
        right in (near_side(), near_side()),
    ) {
        let (left, right) = (histogram(scales.0, 1, &left), histogram(scales.1, 2, &right));
        let mut found = left.clone();
        found.merge(&right).unwrap();
        let scale = scales.0.min(scales.1);
        prop_assert_eq!((found.scale(), found.zero_count()), (scale, 3));
        let sum = |left: &Buckets, right: &Buckets| {
            let mut sum = coarser(&model(left), scales.0 - scale);
            for (index, count) in coarser(&model(right), scales.1 - scale) {
                *sum.entry(index).or_default() += count;
            }
            sum
        };
        prop_assert_eq!(model(found.positive()), sum(left.positive(), right.positive()));
        prop_assert_eq!(model(found.negative()), sum(left.negative(), right.negative()));
    }

    #[test]
    fn any_two_merge_in_bounded_memory(scales in (any::<i32>(), any::<i32>()), left in (any_side(), any_side()), right in (any_side(), any_side())) {
        let (left, right) = (histogram(scales.0, 1, &left), histogram(scales.1, 2, &right));
        let mut found = left.clone();
        found.merge(&right).unwrap();
        prop_assert_eq!(found.count(), left.count() + right.count());
        prop_assert!(found.positive().counts().len() <= MAX_BUCKETS && found.negative().counts().len() <= MAX_BUCKETS);
        prop_assert!((MIN_SCALE..=left.scale().min(right.scale())).contains(&found.scale()));
    }

    /// What came between is what is taken out again, whichever of the two had the finer scale.
    #[test]
    fn the_difference_is_what_was_added(scales in (0..=20_i32, 0..=20_i32), older in (near_side(), near_side()), added in (near_side(), near_side())) {
        let (older, added) = (histogram(scales.0, 4, &older), histogram(scales.1, 5, &added));
        let mut newer = older.clone();
        newer.merge(&added).unwrap();
        let scale = newer.scale();
        let mut expected = added.clone();
        expected.downscale(scale);
        prop_assert_eq!(newer.difference(&older), Some(expected));
        // Less than before, anywhere, is a reset.
        prop_assert_eq!(older.difference(&newer).is_some(), added.count() == 0);
    }
}

#[test]
fn a_point_at_the_end_of_the_indexes_allocates_one_bucket() {
    for (scale, offset) in
        [(20, i32::MAX), (0, i32::MAX), (i32::MIN, i32::MIN), (i32::MAX, i32::MAX), (-11, i32::MIN)]
    {
        let found = of(scale, offset, &[7]);
        assert_eq!(found.positive().counts(), [7], "scale {scale}, offset {offset}");
    }
    let mut both = of(20, i32::MIN, &[1]);
    both.merge(&of(20, i32::MAX, &[1])).unwrap();
    assert_eq!(both.count(), 2);
    assert!(both.positive().counts().len() <= MAX_BUCKETS && both.scale() >= -2, "{both:?}");
}

#[test]
fn zeros_around_the_populated_buckets_are_given_up() {
    let found = of(3, -4, &[0, 0, 5, 0, 6, 0]);
    assert_eq!((found.positive().offset(), found.positive().counts()), (-2, &[5, 0, 6][..]));
    assert_eq!(found.populated(), 2);
    assert_eq!(of(3, i32::MAX, &[0, 0, 0]), of(3, 0, &[]), "no index where there is no count");
}

/// Scale 0: bucket 0 is (1, 2], bucket 1 is (2, 4], bucket 2 is (4, 8].
#[test]
fn the_wider_zero_bucket_swallows_what_lies_within_it() {
    let with_zero = |zero_threshold, zero_count, counts: &[u64]| {
        Exponential::new(&Parts { zero_threshold, zero_count, positive: counts, ..Parts::default() }).unwrap()
    };
    let wide = with_zero(2.0, 1, &[0, 0, 3]);
    let mut narrow = with_zero(0.0, 1, &[5, 6]);
    narrow.merge(&wide).unwrap();
    assert_eq!(narrow, with_zero(2.0, 7, &[0, 6, 3]));
    // 3 cuts the populated bucket (2, 4]: zero then reaches up to 4.
    let mut cut = with_zero(3.0, 1, &[0, 0, 3]);
    cut.merge(&with_zero(0.0, 1, &[5, 6])).unwrap();
    assert_eq!(cut, with_zero(4.0, 13, &[0, 0, 3]));
    // Only a populated bucket is cut.
    let mut uncut = with_zero(3.0, 1, &[0, 0, 3]);
    uncut.merge(&with_zero(0.0, 1, &[5])).unwrap();
    assert_eq!(uncut, with_zero(3.0, 7, &[0, 0, 3]));
}

#[test]
fn a_zero_bucket_that_grew_is_no_reset_and_one_that_shrank_is() {
    let with_zero = |zero_threshold, zero_count, counts: &[u64]| {
        Exponential::new(&Parts { zero_threshold, zero_count, positive: counts, ..Parts::default() }).unwrap()
    };
    let (older, newer) = (with_zero(1.0, 2, &[5, 6]), with_zero(2.0, 9, &[0, 8, 1]));
    assert_eq!(newer.difference(&older), Some(with_zero(2.0, 2, &[0, 2, 1])));
    assert_eq!(older.difference(&newer), None);
}

#[test]
fn parts_that_are_no_histogram_are_refused_and_change_nothing() {
    let mut held = of(0, 0, &[1]);
    for zero_threshold in [f64::NAN, -1.0, f64::INFINITY] {
        let refused = held.set(&Parts { zero_threshold, ..Parts::default() });
        assert!(matches!(refused, Err(ExponentialError::ZeroThreshold(_))), "{refused:?}");
    }
    let beyond = Parts { positive_offset: i32::MAX, positive: &[0, 1], ..Parts::default() };
    assert_eq!(held.set(&beyond), Err(ExponentialError::Index { offset: i32::MAX, buckets: 2 }));
    let too_many = Parts { zero_count: 1, positive: &[u64::MAX], ..Parts::default() };
    assert_eq!(held.set(&too_many), Err(ExponentialError::TooMany));
    let most = Exponential::new(&Parts { positive: &[u64::MAX], ..Parts::default() }).unwrap();
    assert_eq!(held.merge(&most), Err(ExponentialError::TooMany));
    assert_eq!(held, of(0, 0, &[1]));
}
