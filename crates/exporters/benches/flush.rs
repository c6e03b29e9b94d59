//! What a period of many series costs when it closes: resolving, naming, encoding, packing, compressing; CPU and the most memory.
//!
//! Fifty samples a series of at most 41 distinct values, and seven dimensions, as the scenarios of the whole process have them.
#![allow(missing_docs, reason = "criterion's macros")]
#![allow(clippy::print_stdout, reason = "a benchmark")]

use std::{hint::black_box, sync::Arc, time::Duration};

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use weir_core::{Ack, Descriptor, Number, Series, Temporality};
use weir_counting_alloc::{Counting, peak};
use weir_exporters::cloudwatch::{
    body::Body,
    config::Config,
    encode::{Encoded, Encoder},
    pack::pack,
    rules::Rules,
    window::Window,
};
use weir_testkit::{Fixture, START, point, seconds};
use weir_window::Period;

#[global_allocator]
static ALLOCATOR: Counting<mimalloc::MiMalloc> = Counting(mimalloc::MiMalloc);

/// A build without optimization, which runs each benchmark once, shows only that it runs.
const SERIES: usize = if cfg!(debug_assertions) { 1_000 } else { 100_000 };
const SAMPLES: usize = 50;
const MINUTE: u64 = START - START % 60;

fn series(f: &Fixture) -> Vec<Arc<Series>> {
    let named = |at: usize| {
        let (sender, series) = (at / 1000, at % 1000);
        let counter = Descriptor::sum(
            format!("http.server.request.{}", series / 10),
            "{request}",
            Temporality::Delta,
            true,
        );
        let (route, code) =
            (format!("/api/v1/orders/{series}"), ["200", "204", "404", "503"][series / 4 % 4]);
        let (service, instance) = (format!("shop-{}", sender % 7), format!("shop-7d4b9c-{sender:06}"));
        let dimensions = [
            ("http.request.method", ["GET", "PUT", "POST", "DELETE"][series % 4]),
            ("http.route", &route),
            ("http.response.status_code", code),
            ("server.address", "shop.example.com"),
            ("network.protocol.version", "1.1"),
            ("service", &service),
            ("instance", &instance),
        ];
        f.stream(counter, &dimensions)
    };
    (0..SERIES).map(named).collect()
}

fn filled(f: &Fixture, series: &[Arc<Series>]) -> Window {
    let mut window = Window::new(Period::MINUTE, Duration::ZERO);
    for round in 0..SAMPLES {
        let sample = |(at, series): (usize, &Arc<Series>)| {
            let value = 1 + (at / 1000 * 13 + at % 1000 * 7 + round * 11) % 41;
            point(series, 0, MINUTE + round as u64, Number::Int(value as i64))
        };
        window.record(&f.batch(series.iter().enumerate().map(sample)), Ack::none(), seconds(MINUTE));
    }
    window
}

/// The bytes of all requests, compressed.
fn flush(f: &Fixture, mut window: Window) -> usize {
    let (mut encoder, mut rules) = (Encoder::default(), Rules::new(&Config::default()));
    let mut encoded = Encoded::default();
    for period in window.close_all(&f.interner) {
        encoder.encode(period, &mut rules, &mut encoded);
    }
    let requests = |(namespace, datums): (Arc<str>, _)| {
        pack(datums, &namespace).into_iter().map(move |datums| {
            let written: Vec<&[u8]> = datums.iter().map(|datum| &*datum.bytes).collect();
            Body::of(&namespace, &written).bytes().len()
        })
    };
    encoded.datums.into_iter().flat_map(requests).sum()
}

fn flushes(c: &mut Criterion) {
    let f = Fixture::new();
    let series = series(&f);
    let window = filled(&f, &series);
    let (most, sent) = peak(|| flush(&f, window));
    println!("flush: at most {} bytes a series held besides, {} sent", most / SERIES as u64, sent / SERIES);
    let mut group = c.benchmark_group("flush");
    group.sample_size(10).throughput(Throughput::Elements(SERIES as u64));
    group.bench_function("close, encode, pack and compress 100k series", |b| {
        b.iter_batched(
            || filled(&f, &series),
            |window| black_box(flush(&f, window)),
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

criterion_group!(benches, flushes);
criterion_main!(benches);
