//! Histograms of known series through `delta`.

use std::sync::Arc;

use weir_core::{Batch, Descriptor, Kind, ProcessorFactory as _, Series, Temporality};
use weir_counting_alloc::allocations;
use weir_processors::delta::{self, Delta, InitialValue};
use weir_testkit::{Fixture, SDK_BOUNDS, START, histogram_of, push_explicit, push_exponential};

use super::through;

/// Puts the `nth` point of a histogram into a batch.
type Push = fn(&mut Batch, &Series, u64);

fn explicit(batch: &mut Batch, series: &Series, nth: u64) {
    push_explicit(batch, series, START + nth, &SDK_BOUNDS, &[nth; 16]);
}

fn exponential(batch: &mut Batch, series: &Series, nth: u64) {
    push_exponential(batch, series, START + nth, &[nth; 160]);
}

/// What the second batch allocates: `points` histograms that go on counting.
fn a_batch_costs(points: usize, metric: &Descriptor, push: Push) -> u64 {
    let f = Fixture::new();
    let config = delta::Config { initial_value: InitialValue::Keep, ..delta::Config::default() };
    let mut stage = Delta::build(config, f.context("delta"), None);
    let name = |n: usize| f.stream(metric.clone(), &[("n", &n.to_string())]);
    let series: Vec<Arc<Series>> = (0..points).map(name).collect();
    let [first, second] = [1, 2].map(|nth| {
        let mut batch = f.batch([]);
        series.iter().for_each(|series| push(&mut batch, series, nth));
        batch
    });
    through(&mut *stage, first);
    let (count, out) = allocations(|| through(&mut *stage, second));
    assert_eq!(out.iter().map(Batch::points).sum::<u64>(), points as u64);
    count
}

#[test]
fn a_histogram_of_a_known_series_becomes_a_delta_without_an_allocation_of_its_own() {
    let cumulative = histogram_of("h", "ms", Temporality::Cumulative);
    let of_exponential = Descriptor { kind: Kind::ExponentialHistogram, ..cumulative.clone() };
    let kinds: [(Descriptor, Push); 2] = [(cumulative, explicit), (of_exponential, exponential)];
    for (metric, push) in kinds {
        let (ten, thousand) = (a_batch_costs(10, &metric, push), a_batch_costs(1000, &metric, push));
        // The list of what goes on; of exponential ones, one place that all of them are read into, and one for what was added.
        assert_eq!(ten, thousand);
        assert!(ten <= 4, "{ten} allocations a batch");
    }
}
