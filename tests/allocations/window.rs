//! Points of every kind into a period that knows their series.

use std::time::Duration;

use weir_core::{Ack, Temporality};
use weir_counting_alloc::allocations;
use weir_exporters::cloudwatch::window::Window;
use weir_testkit::{Fixture, SDK_BOUNDS, START, histogram_of, push_exponential, push_histogram, seconds};
use weir_window::{Distribution, Period};

use super::FEW;

#[test]
fn a_distribution_keeps_its_first_four_values_without_allocating() {
    let mut distribution = Distribution::default();
    let (count, ()) = allocations(|| {
        for value in (0..1000).map(|n| (n % FEW) as f64) {
            distribution.record(value).unwrap();
        }
    });
    assert_eq!((count, distribution.count()), (0, 1000));
    let (fifth, ()) = allocations(|| distribution.record(FEW as f64).unwrap());
    assert!(fifth > 0, "the test would not see an allocation");
}

#[test]
fn a_histogram_of_a_series_that_the_period_knows_allocates_nothing() {
    let fixture = Fixture::new();
    let series: Vec<_> = (0..100)
        .map(|n| fixture.stream(histogram_of("h", "ms", Temporality::Delta), &[("n", &n.to_string())]))
        .collect();
    let mut batch = fixture.batch([]);
    for series in &series {
        push_histogram(&mut batch, series, START, &SDK_BOUNDS, &[3.0, 70.0, 20_000.0]);
    }
    let exponential = fixture.stream(histogram_of("e", "ms", Temporality::Delta), &[]);
    let counts: Vec<u64> = (0..160).map(|n| n % 3).collect();
    push_exponential(&mut batch, &exponential, START, &counts);
    let mut window = Window::new(Period::MINUTE, Duration::ZERO);
    let mut record = || allocations(|| window.record(&batch, Ack::none(), seconds(START))).0;
    assert!(record() > 100, "the first of a period makes room for its buckets");
    assert_eq!(record(), 0);
}
