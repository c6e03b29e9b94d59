//! What a period costs when it closes: naming, encoding, packing.

use std::{hint::black_box, sync::Arc, time::Duration};

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use weir_core::{Ack, Batch, Descriptor, Number, Series};
use weir_exporters::cloudwatch::{
    config::Config,
    encode::{Encoded, Encoder},
    pack::pack,
    rules::Rules,
    window::{Closed, Window},
};
use weir_testkit::{Fixture, START, point, seconds};
use weir_window::Period;

const SERIES: usize = 10_000;
/// Samples of each series in the period, of distinct values.
const SAMPLES: u64 = 6;

fn series(f: &Fixture) -> Vec<Arc<Series>> {
    let name = |i: usize| format!("host-{i:06}");
    let attributes = |i| {
        let host = name(i);
        let pairs =
            [("host", host.as_str()), ("route", "/checkout"), ("code", "200"), ("az", "a"), ("x", "y")];
        f.stream(Descriptor::gauge("http.server.duration", "ms"), &pairs)
    };
    (0..SERIES).map(attributes).collect()
}

fn batches(f: &Fixture, series: &[Arc<Series>]) -> Vec<Batch> {
    let sample = |series: &Arc<Series>, n: u64| point(series, 0, START + n, Number::Int(n as i64));
    (0..SAMPLES).map(|n| f.batch(series.iter().map(|series| sample(series, n)))).collect()
}

fn filled(f: &Fixture, batches: &[Batch]) -> Vec<Closed> {
    let mut window = Window::new(Period::MINUTE, Duration::ZERO);
    for batch in batches {
        window.record(batch, Ack::none(), seconds(START));
    }
    window.close_all(&f.interner)
}

fn windows(c: &mut Criterion) {
    let f = Fixture::new();
    let series = series(&f);
    let batches = batches(&f, &series);
    let mut group = c.benchmark_group("cloudwatch");
    group.throughput(Throughput::Elements(SERIES as u64));
    group.bench_function("close, encode and pack 10k series", |b| {
        b.iter_batched(
            || (Encoder::default(), Rules::new(&Config::default()), filled(&f, &batches)),
            |(mut encoder, mut rules, closed)| {
                let mut encoded = Encoded::default();
                for period in closed {
                    encoder.encode(period, &mut rules, &mut encoded);
                }
                let requests = |(namespace, datums): (Arc<str>, _)| pack(datums, &namespace);
                black_box(encoded.datums.into_iter().map(requests).collect::<Vec<_>>())
            },
            BatchSize::LargeInput,
        );
    });
    group.finish();
}

criterion_group!(benches, windows);
criterion_main!(benches);
