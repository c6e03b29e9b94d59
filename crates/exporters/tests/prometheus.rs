//! What the exporter `prometheus` allocates for points of series that it shows: nothing, and what goes costs the others nothing.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::sync::Arc;

use weir_core::{Batch, Descriptor, Flags, Number, Series, SummaryPoint, Temporality, UnixNanos};
use weir_counting_alloc::{Counting, allocations};
use weir_exporters::prometheus::{Config, store::Store};
use weir_testkit::{Fixture, START, histogram_of, point, push_histogram, seconds};

#[global_allocator]
static ALLOCATOR: Counting = Counting(std::alloc::System);

const SERIES: usize = 200;

/// A point of each kind and series; `nth` is its time and value.
fn batch(fixture: &Fixture, series: &[[Arc<Series>; 4]], nth: u64) -> Batch {
    let mut batch = fixture.batch([]);
    for [counter, delta, histogram, summary] in series {
        for number in [counter, delta] {
            batch.numbers.push(point(number, 0, START + nth, Number::Double(nth as f64)));
        }
        push_histogram(&mut batch, histogram, START + nth, &[1.0, 2.0], &[0.5, 1.5, 9.0]);
        let quantiles = batch.push_bounds([0.5, nth as f64]);
        batch.summaries.push(SummaryPoint {
            series: summary.id(),
            flags: Flags::default(),
            start: UnixNanos(0),
            time: seconds(START + nth),
            count: nth,
            sum: nth as f64,
            quantiles,
        });
    }
    batch
}

#[test]
fn points_of_known_series_allocate_nothing_even_when_another_series_has_gone() {
    let fixture = Fixture::new();
    let config: Config = serde_json::from_str(r#"{"endpoint": "localhost:0"}"#).unwrap();
    let mut store = Store::new(&config);
    let stream = |metric: Descriptor, at: usize| {
        let attributes = [("route", &*format!("/{at}"))];
        fixture.stream_of(fixture.identity(metric, &[("service.name", "shop")], &attributes))
    };
    let series: Vec<[Arc<Series>; 4]> = (0..SERIES)
        .map(|at| {
            [
                stream(Descriptor::sum("total", "", Temporality::Cumulative, true), at),
                stream(Descriptor::sum("delta", "", Temporality::Delta, true), at),
                stream(histogram_of("sizes", "", Temporality::Cumulative), at),
                stream(Descriptor { kind: weir_core::Kind::Summary, ..Descriptor::gauge("rpc", "") }, at),
            ]
        })
        .collect();
    let mut take =
        |batch: &Batch, nth| allocations(|| store.take(batch, &fixture.interner, seconds(START + nth)));
    let (first, dropped) = take(&batch(&fixture, &series, 1), 1);
    assert!(dropped.is_empty() && first > 4 * SERIES as u64, "{dropped:?}, {first} allocations");
    let (known, dropped) = take(&batch(&fixture, &series, 2), 2);
    assert!(dropped.is_empty() && known == 0, "{dropped:?}, {known} allocations");
    let mut stale = point(&series[7][0], 0, START + 3, Number::Double(0.0));
    stale.flags = stale.flags.with(Flags::NO_RECORDED_VALUE);
    let (_, dropped) = take(&fixture.batch([stale]), 3);
    assert_eq!(dropped.values().sum::<u64>(), 1);
    let others: Vec<[Arc<Series>; 4]> =
        series.iter().enumerate().filter(|(at, _)| *at != 7).map(|(_, one)| one.clone()).collect();
    let (known, dropped) = take(&batch(&fixture, &others, 4), 4);
    assert!(dropped.is_empty() && known == 0, "{dropped:?}, {known} allocations");
}
