//! How many requests a period takes, against the least number that could carry it.
//!
//! `cargo test -p weir-exporters --lib the_requests_of_a_period -- --nocapture` shows the figures of `docs/benchmarks.md`.

use ciborium::{Value, cbor};
use weir_cloudwatch_local::{Datum, Reading};

use super::*;

/// Series with some distinct values each, in one period.
struct Period {
    series: usize,
    values: usize,
}

/// The size of a datum in the shortest CBOR, by an encoder that is not ours: no request can hold more of them than this
/// allows.
fn least_bytes(datum: &Datum) -> usize {
    let dimensions = datum.metric.dimensions.iter();
    let dimensions: Vec<Value> =
        dimensions.map(|one| cbor!({"Name" => one.name, "Value" => one.value}).unwrap()).collect();
    let (name, values) = match &datum.reading {
        Reading::Value(value) => ("Value", Value::Float(*value)),
        Reading::Distribution { values, .. } => {
            ("Values", Value::Array(values.iter().map(|one| Value::Float(one.value)).collect()))
        }
        Reading::Statistics(_) => panic!("statistics alone are never sent: {datum:?}"),
    };
    let all = cbor!({
        "MetricName" => datum.metric.name, "Dimensions" => dimensions, name => values, "Unit" => datum.unit.as_str(),
        "Timestamp" => Value::Tag(1, Box::new((datum.time_ms / 1000).into())),
    });
    let mut bytes = Vec::new();
    ciborium::into_writer(&all.unwrap(), &mut bytes).unwrap();
    bytes.len()
}

/// Scattered bits, the same for the same number (splitmix64): names and values that gzip finds no pattern in.
fn scattered(number: usize) -> u64 {
    let mixed = (number as u64).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed ^ (mixed >> 27)
}

async fn check(Period { series, values }: Period) {
    let river =
        River::with(Fixture::new(), 0, |config| config.sending_queue.queue_size = ByteSize(1 << 30)).await;
    let now = river.now();
    let latency = |i: usize| {
        let host = format!("ip-10-0-{}-{}.ec2.internal", i / 250 % 250, i % 250);
        let pod = format!("checkout-7d9f8b6c5-{:010x}", scattered(i) >> 24);
        let attributes = [
            ("host", &*host),
            ("pod", &*pod),
            ("route", "/v1/orders/{id}"),
            ("method", "GET"),
            ("status", "200"),
        ];
        river.f.stream(Descriptor::gauge("http.server.request.duration", "ms"), &attributes)
    };
    let series: Vec<_> = (0..series).map(latency).collect();
    // Milliseconds of 53 bits, which take nine bytes each in any encoding.
    let points = |at: usize| {
        let value = move |i: usize| Number::Double((scattered(i * values + at) >> 11) as f64 / 1e13);
        series.iter().enumerate().map(move |(i, series)| point(series, 0, now, value(i)))
    };
    for point in 0..values {
        let all: Vec<_> = points(point).collect();
        for part in all.chunks(8192) {
            river.send(river.f.batch(part.iter().copied())).await;
        }
    }
    let (account, counters, server) = river.drain().await;
    let arrived = server.store().take_journal();
    assert_eq!(account.passed, (series.len() * values) as u64);
    assert_eq!((counters.failed_total(), arrived.len()), (0, series.len()));
    let bytes: usize = arrived.iter().map(least_bytes).sum();
    let least = arrived.len().div_ceil(1000).max(bytes.div_ceil(1_000_000));
    assert_eq!(
        counters.put_requests,
        least as u64,
        "{} series of {values} values, {bytes} bytes",
        series.len()
    );
    println!(
        "{:>7} series of {values:>3} values: {:>3} requests, {least:>3} at least; {:>4} bytes of CBOR a datum, {:>4} on the wire",
        series.len(),
        counters.put_requests,
        bytes / arrived.len(),
        counters.bytes_in / counters.datums,
    );
}

#[tokio::test]
async fn the_requests_of_a_period_are_the_least_that_could_carry_it() {
    for (series, values) in [(10, 1), (1000, 1), (10_000, 1), (100_000, 1), (10_000, 6), (1000, 150)] {
        check(Period { series, values }).await;
    }
}
