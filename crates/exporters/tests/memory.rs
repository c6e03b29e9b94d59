//! What open periods cost in bytes.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::time::Duration;

use weir_core::{Ack, Descriptor, Number};
use weir_counting_alloc::{Counting, peak};
use weir_exporters::cloudwatch::window::Window;
use weir_testkit::{Fixture, START, point, seconds};
use weir_window::Period;

#[global_allocator]
static ALLOCATOR: Counting = Counting(std::alloc::System);

#[test]
fn a_point_in_a_period_of_its_own_costs_what_it_needs_and_no_table_of_series() {
    let fixture = Fixture::new();
    let name = |i: u64| fixture.stream(Descriptor::gauge("g", "1"), &[("i", &i.to_string())]);
    let series: Vec<_> = (0..2000).map(name).collect();
    let second = Period::new(Duration::from_secs(1)).unwrap();
    let mut window = Window::new(second, Duration::ZERO);
    // One in each second, of the last 50 minutes and of the next 83.
    let (past, ahead) = (3000, 5000);
    let points = (START - past..START + ahead).map(|time| {
        let series = &series[time as usize % series.len()];
        point(series, 0, time, Number::Int(1))
    });
    let batch = fixture.batch(points);
    let (bytes, _) = peak(|| window.record(&batch, Ack::none(), seconds(START)));
    assert_eq!(window.points(), past + ahead);
    let each = bytes / (past + ahead);
    println!("{each} bytes a point");
    // A point's cell has about a hundred bytes, a small hash table four of them; a page of a `PerSeries` has 25 000.
    assert!((100..1500).contains(&each), "{each} bytes a point");
}
