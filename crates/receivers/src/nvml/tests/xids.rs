//! XIDs: what becomes of an event.

use weir_nvml_stub::{Card, Stub, Xid};
use weir_processors::delta::{Config, Delta};
use weir_testkit::{Rig, point};

use super::{Watched, has, int, readings};

const OF_13: &str =
    "0 gpu.xid.errors{gpu.xid.class=application,gpu.xid.code=13,gpu.xid.resolution=restart_app}";

fn xid(code: u64) -> Xid {
    Xid { code, instance: None }
}

#[tokio::test]
async fn xids_are_counted_by_code_and_those_to_be_alarmed_of_from_zero() {
    let mut watched = Watched::of(Card::H100.node(1));
    let of_79 = "0 gpu.xid.errors{gpu.xid.class=hardware,gpu.xid.code=79,gpu.xid.resolution=restart_bm}";
    let round = watched.round().await;
    assert_eq!((int(&round, of_79), round.get(OF_13)), (0, None));
    watched.stub.change(|node| node.gpus[0].xids = vec![xid(13), xid(79), xid(13)]).unwrap();
    loop {
        let round = watched.minute_later().await;
        if round.contains_key(OF_13) && int(&round, OF_13) == 2 {
            assert_eq!(int(&round, of_79), 1);
            break;
        }
    }
    watched.ends().await;
}

#[tokio::test]
async fn the_first_xid_of_a_code_is_a_difference_though_streams_of_others_were_forgotten() {
    let mut watched = Watched::of(Card::H100.node(1));
    let mut delta = Rig::new::<Delta>(Config::default(), watched.fixture.context("delta"));
    let first = watched.batch().await;
    delta.process(first);
    let minute = watched.minutes_batch().await;
    // Who ends a minute after the GPU's first sight is forgotten an hour later: what began before that is then of an unknown past.
    let other = watched.fixture.stream(counter("requests"), &[]);
    let now = minute.numbers[0].time.seconds();
    delta.process(watched.fixture.batch([point(&other, now - 1, now, weir_core::Number::Int(5))]));
    delta.process(minute);
    for _ in 0..62 {
        delta.process(watched.minutes_batch().await);
        delta.tick();
    }
    watched.stub.change(|node| node.gpus[0].xids = vec![xid(13)]).unwrap();
    let mut sent = 0;
    for _ in 0..10_000 {
        let batch = watched.minutes_batch().await;
        let has_arrived = readings(&watched.fixture, &batch).contains_key(OF_13);
        let differences = delta.process(batch);
        let differences = differences.iter().map(|batch| readings(&watched.fixture, batch));
        sent += differences
            .filter_map(|round| round.contains_key(OF_13).then(|| int(&round, OF_13)))
            .sum::<i64>();
        if has_arrived {
            break;
        }
    }
    assert_eq!(sent, 1);
    watched.ends().await;
}

#[tokio::test]
async fn where_no_xids_are_reported_none_are_said_to_be_zero() {
    let mut node = Card::H100.node(2);
    node.gpus[0].faults.insert("nvmlDeviceRegisterEvents".to_owned(), 3);
    let mut watched = Watched::of(node);
    let round = watched.round().await;
    assert!(!has(&round, "0 gpu.xid.errors{") && has(&round, "1 gpu.xid.errors{"));
    assert_eq!(int(&round, "0 gpu.up{}"), 1);
    watched.ends().await;
    let stub = Stub::without(Card::H100.node(1), &["nvmlEventSetCreate"]).unwrap();
    let mut watched = Watched::over(stub, |_| {});
    assert!(!has(&watched.round().await, "0 gpu.xid.errors{"));
    watched.ends().await;
}

#[tokio::test]
async fn where_waiting_for_xids_fails_none_are_said_to_be_zero() {
    let mut watched = Watched::of(Card::H100.node(1));
    assert!(has(&watched.round().await, "0 gpu.xid.errors{"));
    watched.stub.change(|node| _ = node.faults.insert("nvmlEventSetWait_v2".to_owned(), 999)).unwrap();
    while has(&watched.minute_later().await, "0 gpu.xid.errors{") {}
    watched.ends().await;
}

fn counter(name: &str) -> weir_core::Descriptor {
    weir_core::Descriptor::sum(name, "1", weir_core::Temporality::Cumulative, true)
}
