//! From the text of a scrape to points: a page of 100,000 samples that is known, in pieces of 16 KiB, and at first sight; and beside them
//! a walk over the lines that reads only their values, the part that no parser can save.
#![allow(clippy::expect_used, reason = "a benchmark may fail")]

use std::{fmt::Write as _, hint::black_box, sync::Arc};

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use weir_exposition::{Format, lines::Lines, number};
use weir_receivers::prometheus::ingest::{Identity, Settings, Target};
use weir_testkit::{Fixture, START, seconds};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const SAMPLES: usize = 100_000;
const PIECE: usize = 16 * 1024;

/// Half counters with five labels, half histograms of ten buckets, sum and count.
fn page(value: usize) -> String {
    let mut page = String::new();
    for family in 0..50 {
        writeln!(page, "# HELP http_requests_{family}_total Requests of the service.\n# TYPE http_requests_{family}_total counter").expect("memory");
        for n in 0..SAMPLES / 100 {
            writeln!(
                page,
                "http_requests_{family}_total{{method=\"GET\",code=\"200\",handler=\"/api/v1/items/{n}\",zone=\"a\",pod=\"web-{family}\"}} {}",
                value * 1000 + n
            )
            .expect("memory");
        }
    }
    page.push_str("# HELP latency_seconds How long.\n# TYPE latency_seconds histogram\n");
    for n in 0..SAMPLES / 24 {
        for bucket in 0..10 {
            writeln!(
                page,
                "latency_seconds_bucket{{handler=\"/api/v1/items/{n}\",le=\"{}\"}} {}",
                f64::from(bucket) * 0.25 + 0.1,
                value * (bucket as usize + 1)
            )
            .expect("memory");
        }
        writeln!(page, "latency_seconds_bucket{{handler=\"/api/v1/items/{n}\",le=\"+Inf\"}} {0}\nlatency_seconds_sum{{handler=\"/api/v1/items/{n}\"}} {1}.25\nlatency_seconds_count{{handler=\"/api/v1/items/{n}\"}} {0}", value * 10, value * 3).expect("memory");
    }
    page
}

fn target() -> Target {
    let labels = [("job", "shop"), ("instance", "10.0.0.1:9090")].into_iter().collect();
    let identity = Identity { labels, ..Identity::default() };
    Target::new(Fixture::new().doors.open("prometheus"), identity, Arc::new(Settings::default()))
}

fn scrape(target: &mut Target, page: &str, second: u64) -> u64 {
    let mut body = target.begin(seconds(START + second), Format::Text004);
    page.as_bytes().chunks(PIECE).for_each(|piece| body.feed(piece).expect("a good page"));
    body.finish().expect("a good page").samples
}

fn scrapes(c: &mut Criterion) {
    let pages: Vec<String> = (1..4).map(page).collect();
    let mut known = target();
    let samples = scrape(&mut known, &pages[0], 1);
    let mut group = c.benchmark_group("prometheus");
    group.throughput(Throughput::Elements(samples)).sample_size(20);
    let mut second = 1;
    group.bench_function("known", |b| {
        b.iter(|| {
            second += 1;
            scrape(&mut known, &pages[second as usize % pages.len()], second)
        });
    });
    group.bench_function("first sight", |b| {
        b.iter_batched(target, |mut target| scrape(&mut target, &pages[0], 1), BatchSize::PerIteration);
    });
    group.bench_function("values only", |b| {
        b.iter(|| {
            let (mut lines, mut sum) = (Lines::default(), 0.0);
            for piece in pages[0].as_bytes().chunks(PIECE) {
                let taken: Result<(), ()> = lines.feed(piece, |line| {
                    let line = line.unwrap_or_default();
                    let at = line.iter().rposition(|byte| *byte == b' ').map_or(0, |at| at + 1);
                    sum += number::value(&line[at..]).unwrap_or_default();
                    Ok(())
                });
                taken.expect("no fault");
            }
            black_box(sum)
        });
    });
    group.finish();
}

criterion_group!(benches, scrapes);
criterion_main!(benches);
