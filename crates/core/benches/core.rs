//! What a point costs before any component touches it: resolving at the door, fan-out, and the hop over an edge.

use std::{hint::black_box, sync::Arc, time::Duration};

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use weir_core::{
    Ack, Attributes, Batch, Clock, Descriptor, Door, Doors, Edge, EdgeLedger, Identity, Interner, NodeLedger,
    Number, NumberPoint, Output, Scope, SeriesId, Temporality, UnixNanos, Value, Verdict, inbox,
};

/// Points of a batch, as a receiver cuts them.
const POINTS: usize = 8192;

fn identity(interner: &Interner, key: &str) -> Identity {
    let attribute = |name: &str| interner.attribute(name, Value::str(format!("{name}-{key}")));
    Identity {
        resource: interner.resource(Attributes::new(vec![attribute("service.name")]), ""),
        scope: interner.scope(Scope::default()),
        descriptor: interner.descriptor(Descriptor::sum("requests", "1", Temporality::Cumulative, true)),
        attributes: Attributes::new(["a", "b", "c", "d", "e"].map(attribute).into()),
    }
}

/// Alias bytes as long as those of five attributes on the wire.
fn aliases(series: usize) -> Vec<Vec<u8>> {
    (0..series).map(|i| format!("{i:08}").repeat(20).into_bytes()).collect()
}

fn door(cap: usize) -> Arc<Door> {
    Doors::new(Arc::new(Interner::new(cap)), Clock::system()).open("bench")
}

fn resolve_all(door: &Door, aliases: &[Vec<u8>]) -> Vec<SeriesId> {
    let mut sender = door.sender(b"resource", None);
    let identify = |alias: &[u8]| {
        let key = String::from_utf8_lossy(&alias[..8]).into_owned();
        move |interner: &Interner| identity(interner, &key)
    };
    aliases.iter().filter_map(|alias| sender.resolve(alias, identify(alias)).ok()).map(|r| r.series).collect()
}

fn resolve(c: &mut Criterion) {
    let mut group = c.benchmark_group("resolve");
    for series in [1_000, 100_000] {
        let door = door(2_000_000);
        let stable = aliases(series);
        let mut shuffled = stable.clone();
        // A stride that shares no factor with the length visits every alias once, never the predicted one.
        shuffled.iter_mut().enumerate().for_each(|(i, alias)| alias.clone_from(&stable[i * 7919 % series]));
        resolve_all(&door, &stable);
        group.throughput(Throughput::Elements(series as u64));
        for (order, aliases) in [("stable", &stable), ("shuffled", &shuffled)] {
            let mut turn = false;
            group.bench_function(format!("hit/{order}/{series}"), |b| {
                b.iter(|| {
                    // Alternating directions keep the shuffled order from being learnt as the new stable one.
                    turn = !turn && order == "shuffled";
                    let mut sender = door.sender(b"resource", None);
                    let unknown = |_: &Interner| -> Identity { unreachable!("every alias is known") };
                    let mut one = |alias: &Vec<u8>| {
                        black_box(sender.resolve(alias, unknown)).ok();
                    };
                    if turn {
                        aliases.iter().rev().for_each(&mut one);
                    } else {
                        aliases.iter().for_each(&mut one);
                    }
                });
            });
        }
    }
    let fresh = aliases(1_000);
    group.throughput(Throughput::Elements(1_000));
    group.bench_function("miss/1000", |b| {
        b.iter_batched_ref(|| door(2_000), |door| resolve_all(door, &fresh), BatchSize::PerIteration);
    });
    group.finish();
}

fn batch(interner: &Interner) -> Batch {
    let door = door(2_000);
    let ids = resolve_all(&door, &aliases(1_000));
    let mut batch = Batch::new(interner);
    let point =
        |i: usize| NumberPoint::new(ids[i % 1_000], UnixNanos(0), UnixNanos(i as u64), Number::Int(1));
    batch.numbers = (0..POINTS).map(point).collect();
    batch
}

fn output(edges: usize) -> (Output, Vec<weir_core::Inbox>) {
    let (edges, inboxes) = (0..edges)
        .map(|_| {
            let (sender, inbox) = inbox(Arc::new(NodeLedger::default()));
            (Edge::new(sender, 64 << 20, Arc::new(EdgeLedger::default())), inbox)
        })
        .unzip();
    let wait = Duration::from_secs(5);
    (Output::new(edges, Arc::new(NodeLedger::default()), Clock::system(), wait), inboxes)
}

fn hop(c: &mut Criterion) {
    let interner = Interner::new(10);
    let full = batch(&interner);
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().build() else { return };
    let mut group = c.benchmark_group("edge");
    for branches in [1, 4] {
        let (output, mut inboxes) = output(branches);
        group.bench_function(format!("hop/{branches} branches/1 point"), |b| {
            b.iter_batched(
                || {
                    let mut small = Batch::new(&interner);
                    small.numbers.push(full.numbers[0]);
                    small.ack = Ack::new().0;
                    small
                },
                |small| {
                    runtime.block_on(async {
                        output.send(small).await.ok();
                        for inbox in &mut inboxes {
                            if let Some(delivery) = inbox.recv().await {
                                delivery.ack.settle(Verdict::Delivered);
                            }
                        }
                    });
                },
                BatchSize::SmallInput,
            );
        });
    }
    group.throughput(Throughput::Elements(POINTS as u64));
    let shared = Arc::new(full);
    group.bench_function("fan-out/share", |b| b.iter(|| black_box(Arc::clone(&shared))));
    group.bench_function("fan-out/copy to change", |b| b.iter(|| black_box(Batch::clone(&shared))));
    group.finish();
}

criterion_group!(benches, resolve, hop);
criterion_main!(benches);
