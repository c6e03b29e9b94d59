use super::*;

fn exact(values: &[f64]) -> Vec<Cell> {
    values.iter().map(|&value| Cell::of(value, 1)).collect()
}

#[test]
fn what_fits_the_limit_is_not_touched() {
    let values = Values::from_cells(exact(&[-1.0, 0.0, 1e-9, 1.000_000_1e-9]), 0.0, Estimate::default(), 4);
    assert_eq!(values.values, [-1.0, 0.0, 1e-9, 1.000_000_1e-9]);
    assert_eq!(values.counts, [1.0; 4]);
    assert!(values.worst_relative_error() <= 0.0);
}

#[test]
fn a_limit_below_three_is_read_as_three() {
    for limit in [0, 1, 2, 3] {
        let values = Values::from_cells(exact(&[1.0, 10.0, 11.0, 100.0]), 122.0, Estimate::default(), limit);
        assert_eq!((values.values.len(), values.counts), (3, vec![1.0, 2.0, 1.0]), "{limit}");
    }
}

#[test]
fn equal_neighbours_become_one_value() {
    let values =
        Values::of([(1.0, 2), (1.0, 3), (4.0, 1)].into_iter(), Statistics::default(), Estimate::default());
    assert_eq!((values.values, values.counts), (vec![1.0, 4.0], vec![5.0, 1.0]));
}

#[test]
fn samples_that_are_equal_are_one_value_and_those_beyond_the_limit_are_merged() {
    let samples = vec![-1.0, 0.0, 2.5, 3.0, 3.0, 3.0];
    let values = Values::from_samples(samples.clone(), 10.5, 4);
    assert_eq!((&*values.values, &*values.counts), (&[-1.0, 0.0, 2.5, 3.0][..], &[1.0, 1.0, 1.0, 3.0][..]));
    assert_eq!(values.statistics, Statistics { count: 6, sum: 10.5, min: -1.0, max: 3.0 });
    let merged = Values::from_samples(samples, 10.5, 3);
    assert_eq!((merged.values.len(), merged.values[0], merged.values[2]), (3, -1.0, 3.0));
    assert_eq!((merged.counts.iter().sum::<f64>(), merged.statistics), (6.0, values.statistics));
    assert_eq!(Values::from_samples(Vec::new(), 0.0, 3), Values::default());
}
