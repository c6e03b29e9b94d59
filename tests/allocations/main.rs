//! Zero allocations per point of a known series, from a receiver's door to the window: what a request or a scrape allocates is
//! the same for ten points and for a thousand. And how little memory a series takes.
//!
//! # Layout
//! - `river`: the whole way, from OTLP over `dimensions` and `delta` into windows. `otlp`, `procfs`: the ways in, by themselves.
//! - `delta`, `window`: histograms of known series. `memory`: bytes of state.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod delta;
mod memory;
mod otlp;
mod procfs;
mod river;
mod window;

use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use weir_core::{Batch, Out, Processor};
use weir_counting_alloc::{Counting, allocations};

#[global_allocator]
static ALLOCATOR: Counting = Counting(std::alloc::System);

/// Distinct values that a distribution keeps without asking for memory.
const FEW: u64 = 4;

fn attribute(key: &str, value: String) -> KeyValue {
    let value = Some(AnyValue { value: Some(Value::StringValue(value)) });
    KeyValue { key: key.to_owned(), value, ..KeyValue::default() }
}

fn through(stage: &mut dyn Processor, batch: Batch) -> Vec<Batch> {
    let mut out = Out::default();
    stage.process(batch, &mut out);
    out.take()
}

#[test]
fn the_allocator_counts() {
    let list = |length: usize| allocations(|| (0..length).map(Box::new).collect::<Vec<_>>()).0;
    assert_eq!((list(10), list(1000)), (11, 1001));
    assert_eq!(allocations(|| 1 + 1), (0, 2));
}
