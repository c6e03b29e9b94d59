#![allow(clippy::float_cmp, reason = "the point of these sums is that they are exact")]

use super::*;

fn sum(terms: &[(f64, u64)]) -> f64 {
    let mut sum = Sum::default();
    for &(value, count) in terms {
        sum.add_product(value, count);
    }
    sum.total()
}

#[test]
fn nothing_sums_to_zero() {
    assert_eq!(sum(&[]), 0.0);
}

#[test]
fn small_terms_survive_a_large_one_in_any_order() {
    assert_eq!(sum(&[(1.0, 1), (1e100, 1), (1.0, 1), (-1e100, 1)]), 2.0);
    assert_eq!(sum(&[(1e16, 1), (1.0, 1), (1.0, 1), (-1e16, 1)]), 2.0);
}

#[test]
fn a_product_keeps_the_bits_that_a_float_rounds_away() {
    // (2^52 + 1) · 3 needs 54 bits.
    let value = 4_503_599_627_370_497.0;
    assert_eq!(sum(&[(value, 3), (-value, 1), (-value, 1), (-value, 1)]), 0.0);
}

#[test]
fn two_sums_join_without_rounding() {
    let (mut left, mut right) = (Sum::default(), Sum::default());
    for (value, count) in [(1e16, 1), (1.0, 1)] {
        left.add_product(value, count);
        right.add_product(-value, count);
    }
    right.add_product(3.0, 1);
    left.add_sum(right);
    assert_eq!(left.total(), 3.0);
}
