//! What open windows cost in bytes.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::time::Duration;

use weir_core::{Batch, Descriptor, Number};
use weir_counting_alloc::{Counting, peak};
use weir_processors::batch::{Batching, Config};
use weir_testkit::{Fixture, Rig, START, point};

#[global_allocator]
static ALLOCATOR: Counting = Counting(std::alloc::System);

#[test]
fn a_batch_of_many_windows_has_no_more_of_them_open_than_any_other() {
    let fixture = Fixture::new();
    let window = Some(weir_config::Duration(Duration::from_secs(1)));
    let config = Config { window, ..Config::default() };
    let mut rig = Rig::new::<Batching>(config, fixture.context("batch"));
    let series = fixture.stream(Descriptor::gauge("g", "1"), &[]);
    let points = |batches: Vec<Batch>| batches.iter().map(Batch::points).sum::<u64>();
    let mut peak_of = |seconds: u64| {
        let each = (START - seconds..START).map(|time| point(&series, 0, time, Number::Int(1)));
        let batch = fixture.batch(each);
        let (bytes, left) = peak(|| rig.process(batch));
        assert_eq!(points(left) + points(rig.flush()), seconds, "each window has one point");
        bytes
    };
    let (bound, many) = (peak_of(64), peak_of(8000));
    println!("{bound} bytes for 64 windows, {many} for 8000");
    // What has left is a batch of one point each, and part of the answer; a window that is open has tables of some 25 000 bytes.
    assert!(bound > 64 * 10_000, "{bound} bytes for 64 windows");
    assert!(many < bound + 8000 * 2000, "{many} bytes for 8000 windows, {bound} for 64");
}
