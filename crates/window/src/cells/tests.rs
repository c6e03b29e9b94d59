#![allow(clippy::float_cmp, reason = "cells keep samples as they are")]

use super::*;
use proptest::prelude::*;

fn cells(values: impl IntoIterator<Item = f64>) -> Cells {
    values.into_iter().map(|value| (value, 1)).collect()
}

/// What every set of cells must be: ascending, apart, within bounds, each narrower than its resolution.
fn assert_sound(cells: &Cells) {
    assert!(cells.sorted.len() <= MAX_CELLS && cells.sorted.capacity() <= MAX_CELLS);
    assert!(cells.shift <= 52);
    assert!(cells.sorted.windows(2).all(|pair| pair[0].high < pair[1].low));
    assert!(cells.sorted.windows(2).all(|pair| pair[0].key(cells.shift) < pair[1].key(cells.shift)));
    assert!(
        cells
            .sorted
            .iter()
            .all(|cell| cell.count >= 1 && key(cell.high, cells.shift) == cell.key(cells.shift))
    );
    assert_eq!(cells.sorted.iter().map(|cell| cell.count).sum::<u64>(), cells.count);
}

#[test]
fn up_to_256_values_stay_apart_however_close() {
    let close = (0..256).map(|bit| f64::from_bits(1.0_f64.to_bits() + bit * 7 % 256));
    let cells = cells(close.clone().chain(close));
    assert_sound(&cells);
    assert_eq!((cells.shift, cells.sorted.len()), (0, 256));
    assert!(cells.sorted.iter().all(|cell| cell.is_exact() && cell.count == 2));
}

#[test]
fn samples_that_lie_close_together_keep_a_finer_resolution() {
    // 1000 values within a millionth of each other: bits 52 − 20 − 10 would tell all of them apart.
    let cells = cells((0..1_000).map(|step| 1.0 + f64::from(step) * 1e-9));
    assert_sound(&cells);
    assert!(cells.sorted.len() > FINE_CELLS / 2 && cells.sorted.len() <= FINE_CELLS);
    assert!(cells.sorted.iter().all(|cell| cell.high - cell.low < 2e-8));
}

#[test]
fn sixteen_octaves_are_told_apart_to_a_256th() {
    // One sample in each of the 16 × 256 cells from 1 to 65,536, and as many between.
    let grid = (0..16 * 512).map(|step| f64::from_bits(1.0_f64.to_bits() + (step << 43)));
    let cells = cells(grid);
    assert_sound(&cells);
    assert_eq!((cells.shift, cells.sorted.len()), (FINE_SHIFT, MAX_CELLS));
    assert!(
        cells.sorted.iter().all(|cell| (cell.high - cell.low) / cell.low < 1.0 / 256.0 && cell.count == 2)
    );
}

#[test]
fn the_widest_samples_end_at_one_cell_an_octave_with_zero_alone() {
    let octaves =
        (1_u64..2046).map(|exponent| f64::from_bits((exponent << 52) | (exponent * 0x51_2345_6789)));
    let both = octaves.flat_map(|value| [value, -value, value * 1.5, -value * 1.5]);
    let cells = cells(both.filter(|value| value.is_normal()).chain([0.0, 0.0]));
    assert_sound(&cells);
    assert_eq!(cells.shift, 52);
    assert_eq!(cells.sorted.iter().filter(|cell| cell.low <= 0.0 && 0.0 <= cell.high).count(), 1);
    assert!(cells.sorted.contains(&Cell { low: 0.0, high: 0.0, count: 2 }));
}

#[test]
fn a_lone_value_stays_exact_at_any_resolution() {
    let spread = (0..2_000).map(|step| 300.0 * 1.01_f64.powi(step % 700));
    let cells = cells(spread.chain([200.3; 50]));
    assert!(cells.shift >= FINE_SHIFT);
    assert!(cells.sorted.contains(&Cell { low: 200.3, high: 200.3, count: 50 }));
}

#[test]
fn merging_takes_the_coarser_resolution() {
    let fine = cells((0..200).map(f64::from));
    let coarse = cells((0..2_000).map(|step| f64::from(step) + 0.5));
    for (mut into, from) in [(fine.clone(), &coarse), (coarse.clone(), &fine)] {
        into.merge(from);
        assert_sound(&into);
        assert_eq!(into.shift, coarse.shift);
        assert_eq!((into.count(), into.sum()), (2_200, 199.0 * 100.0 + 2_000.0 * 1_000.0));
        assert_eq!((into.min(), into.max()), (Some(0.0), Some(1_999.5)));
    }
}

/// Numbers of both signs, neither zero nor subnormal.
fn any_sign() -> prop::num::f64::Any {
    prop::num::f64::POSITIVE | prop::num::f64::NEGATIVE | prop::num::f64::NORMAL
}

#[test]
fn merging_into_finer_cells_keeps_all_apart() {
    let coarse = cells((0..1_000).map(|step| 1.0 + f64::from(step) * 1e-9));
    let mut fine = cells((0..20).map(|step| 1.0 + f64::from(step) * 3.3e-8));
    assert!(fine.shift == 0 && coarse.shift > 0);
    fine.merge(&coarse);
    assert_sound(&fine);
    assert_eq!((fine.shift, fine.count()), (coarse.shift, 1_020));
}

proptest! {
    #[test]
    fn keys_order_as_numbers_do(a in any_sign() | prop::num::f64::ZERO, b in any_sign()) {
        prop_assume!(a.to_bits() != (-0.0_f64).to_bits());
        prop_assert_eq!(key(a, 0).cmp(&key(b, 0)), a.total_cmp(&b));
        prop_assert!(a > b || key(a, FINE_SHIFT) <= key(b, FINE_SHIFT));
    }

    #[test]
    fn any_samples_leave_sound_cells(values in prop::collection::vec(any_sign(), 1..2_000)) {
        let tame: Vec<_> = values.iter().map(|value| value * 1e-20).filter(|value| value.is_normal()).collect();
        assert_sound(&cells(tame));
    }
}
