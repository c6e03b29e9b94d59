//! Bytes of state of a series.

use std::{sync::Arc, time::Duration};

use weir_core::{Ack, Descriptor, Number, ProcessorFactory as _, Series, Temporality};
use weir_counting_alloc::peak;
use weir_exporters::cloudwatch::{
    config::Config as CloudWatch,
    encode::{Encoded, Encoder},
    pack::pack,
    rules::Rules,
    window::Window,
};
use weir_processors::delta::{self, Delta};
use weir_testkit::{Fixture, SDK_BOUNDS, START, point, seconds};
use weir_window::{Distribution, Exponential, Period, Totals, exponential::Parts};

use super::through;

/// What a window holds for a series, beside the 32 bytes of its times and its count of points, as docs/benchmarks.md says.
#[test]
fn the_state_of_a_series_is_as_small_as_documented() {
    let state = |distribution: Distribution| {
        let (bytes, copy) = peak(|| distribution.clone());
        drop(copy);
        bytes + size_of::<Distribution>() as u64
    };
    let numbers = |values: u64| {
        let mut distribution = Distribution::default();
        (0..values).for_each(|value| distribution.record(value as f64).unwrap());
        state(distribution)
    };
    let mut explicit = Distribution::default();
    let told = Totals { count: 16, sum: Some(100.0), ..Totals::default() };
    explicit.record_explicit(&SDK_BOUNDS, &[1; 16], told).unwrap();
    let counts = [1; 160];
    let exponential = Exponential::new(&Parts { scale: 4, positive: &counts, ..Parts::default() }).unwrap();
    let mut of_exponential = Distribution::default();
    of_exponential.record_exponential(&exponential, Totals { count: 160, ..Totals::default() }).unwrap();
    let found = [numbers(4), numbers(60), numbers(256), state(explicit), state(of_exponential)];
    println!("bytes of state: 4, 60, 256 distinct values; 15 bounds; 160 exponential buckets: {found:?}");
    let documented = [56, 540, 6_300, 460, 1_500];
    assert!(found.iter().zip(documented).all(|(found, documented)| *found <= documented), "{found:?}");
}

/// What `delta` and a window of 60 s hold for a counter that was sampled six times, and what its flush takes besides at its peak, as
/// docs/benchmarks.md says.
#[test]
fn a_series_takes_as_little_memory_through_delta_window_and_flush_as_documented() {
    const SERIES: usize = 20_000;
    let f = Fixture::new();
    let counter = Descriptor::sum("requests", "1", Temporality::Cumulative, true);
    let name = |at: usize| {
        let (route, dimensions) =
            (format!("/orders/{at}"), [("code", "200"), ("method", "GET"), ("az", "a")]);
        f.stream(counter.clone(), &[&dimensions[..], &[("route", &route), ("server", "shop")]].concat())
    };
    let series: Vec<Arc<Series>> = (0..SERIES).map(name).collect();
    let start = START - START % 60;
    let config = delta::Config { initial_value: delta::InitialValue::Keep, ..delta::Config::default() };
    let mut stage = Delta::build(config, f.context("delta"), None);
    let mut window = Window::new(Period::MINUTE, Duration::ZERO);
    let round = |nth: u64| {
        let points = series.iter().enumerate();
        // Increments that differ from one round to the next.
        let value = |at: usize| Number::Int((nth * nth + nth * at as u64) as i64);
        let points = points.map(|(at, series)| point(series, start, start + 1 + nth, value(at)));
        f.batch(points.collect::<Vec<_>>())
    };
    let a_series = |bytes: u64| bytes / SERIES as u64;
    let (state, ()) = peak(|| {
        // Each batch is made and freed in here, and one of them is in the figure.
        for nth in 0..6 {
            for batch in through(&mut *stage, round(nth)) {
                window.record(&batch, Ack::none(), seconds(start));
            }
        }
    });
    let (flush, requests) = peak(|| {
        let (mut encoder, mut rules) = (Encoder::default(), Rules::new(&CloudWatch::default()));
        let mut encoded = Encoded::default();
        for closed in window.close_all(&f.interner) {
            encoder.encode(closed, &mut rules, &mut encoded);
        }
        encoded.datums.into_iter().flat_map(|(name, datums)| pack(datums, &name)).count()
    });
    assert_eq!(requests, SERIES / 1000);
    let found = [a_series(state), a_series(flush)];
    println!("bytes of a series: through delta and window, and its flush besides: {found:?}");
    let documented = [480, 480];
    assert!(found.iter().zip(documented).all(|(found, documented)| *found <= documented), "{found:?}");
}
