//! Requests made to take memory: what resolving them takes at most, per byte of the request. Each bomb comes as the walk reads it,
//! and with a group in an unknown field behind it, which leaves it to prost.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::{alloc::System, sync::Arc};

use prost::encoding::encode_varint;
use weir_core::{Batch, Clock, Door, Doors, Interner, Reason, UnixNanos};
use weir_counting_alloc::{Counting, peak};
use weir_receivers::otlp::{
    Decoded, Malformed,
    refusals::{BAD_TIMESTAMP, TOO_DEEP, TOO_LARGE},
    resolve_bytes,
};

#[global_allocator]
static ALLOCATOR: Counting = Counting(System);

/// What the walk may take: a point of an exponential histogram is eleven bytes on the wire, and some 120 in a batch.
const WALK_PER_BYTE: u64 = 16;
/// What prost may take: a tree of 24 bytes a byte, of which the largest list is there twice at the moment when it grows.
const TREE_PER_BYTE: u64 = 48;
/// What a small request may take.
const AT_LEAST: u64 = 256 * 1024;

/// Keys of fields, as `ExportMetricsServiceRequest` nests them around the points of a gauge.
const TO_GAUGE: [u8; 4] = [0x0a, 0x12, 0x12, 0x2a];
const POINT: u8 = 0x0a;
const ATTRIBUTE: u8 = 0x3a;
const NAME: [u8; 3] = [0x0a, 0x01, b'm'];
const TIME: [u8; 9] = [0x19, 1, 0, 0, 0, 0, 0, 0, 0];
const VALUE: [u8; 9] = [0x31, 1, 0, 0, 0, 0, 0, 0, 0];

fn door() -> Arc<Door> {
    Doors::new(Arc::new(Interner::new(1000)), Clock::manual(UnixNanos(1))).open("otlp")
}

fn field(key: u8, value: &[u8]) -> Vec<u8> {
    let mut bytes = vec![key];
    encode_varint(value.len() as u64, &mut bytes);
    bytes.extend_from_slice(value);
    bytes
}

/// `inner` within the messages that `keys` lead to.
fn within(keys: &[u8], inner: Vec<u8>) -> Vec<u8> {
    keys.iter().rev().fold(inner, |inner, key| field(*key, &inner))
}

/// A request of one metric, whose data is in the field of `key`.
fn request(key: u8, data: &[u8]) -> Vec<u8> {
    within(&TO_GAUGE[..3], [&NAME[..], &field(key, data)].concat())
}

fn gauge(points: &[u8]) -> Vec<u8> {
    request(TO_GAUGE[3], points)
}

/// A good point with these attributes.
fn point(attributes: &[u8]) -> Vec<u8> {
    field(POINT, &[&TIME, &VALUE, attributes].concat())
}

/// A value in as many lists.
fn nested(depth: usize) -> Vec<u8> {
    (0..depth).fold(Vec::new(), |inner, _| field(0x2a, &field(0x0a, &inner)))
}

/// Resolves a bomb, and the same for prost, within the bounds; answers what became of each.
#[track_caller]
fn explode(bomb: &[u8]) -> [Result<Decoded, Malformed>; 2] {
    let group = [0x9b, 0x06, 0x9c, 0x06];
    let for_prost = [bomb, &group].concat();
    [(bomb, WALK_PER_BYTE), (&for_prost, TREE_PER_BYTE)].map(|(bomb, per_byte)| {
        let (door, size) = (door(), bomb.len() as u64);
        let (bytes, outcome) = peak(|| resolve_bytes(bomb, &door, None));
        assert!(bytes <= AT_LEAST + per_byte * size, "{bytes} bytes for a request of {size}");
        outcome
    })
}

/// All of the bomb's points are refused.
#[track_caller]
fn assert_refused(outcome: Result<Decoded, Malformed>, reason: Reason, points: u64) {
    let decoded = outcome.unwrap();
    assert_eq!((decoded.points, decoded.refused.of(reason)), (points, points), "{}", decoded.refused);
}

/// prost was not let at it.
#[track_caller]
fn assert_not_built(outcome: Result<Decoded, Malformed>) {
    assert!(matches!(outcome, Err(Malformed::Bomb { .. })), "{outcome:?}");
}

#[test]
fn a_million_points_of_two_bytes() {
    let [walked, by_prost] = explode(&gauge(&[POINT, 0].repeat(1_000_000)));
    assert_refused(walked, BAD_TIMESTAMP, 1_000_000);
    assert_not_built(by_prost);
}

#[test]
fn a_million_empty_attributes_on_one_point() {
    let [walked, by_prost] = explode(&gauge(&point(&[ATTRIBUTE, 0].repeat(1_000_000))));
    assert_refused(walked, TOO_LARGE, 1);
    assert_not_built(by_prost);
}

#[test]
fn a_million_different_attributes_on_one_point() {
    let attribute = |nth: u32| field(ATTRIBUTE, &field(0x0a, format!("{nth:06}").as_bytes()));
    let attributes: Vec<u8> = (0..1_000_000).flat_map(attribute).collect();
    for outcome in explode(&gauge(&point(&attributes))) {
        assert_refused(outcome, TOO_LARGE, 1);
    }
}

#[test]
fn a_million_empty_messages_on_every_level() {
    for level in 0..3 {
        let bomb = within(&TO_GAUGE[..level], [TO_GAUGE[level], 0].repeat(1_000_000));
        let [walked, by_prost] = explode(&bomb);
        assert_eq!(walked.unwrap().points, 0);
        assert_not_built(by_prost);
    }
}

#[test]
fn half_a_million_resources_that_differ_and_name_nothing() {
    let resource = |nth: u32| field(TO_GAUGE[0], &field(0x1a, format!("{nth:06}").as_bytes()));
    let bomb: Vec<u8> = (0..500_000).flat_map(resource).collect();
    for outcome in explode(&bomb) {
        assert_eq!(outcome.unwrap().points, 0);
    }
}

#[test]
fn attributes_nested_ten_thousand_deep() {
    let attribute = |depth| gauge(&point(&field(ATTRIBUTE, &field(0x12, &nested(depth)))));
    // prost goes 100 messages deep.
    assert!(explode(&attribute(10_000)).iter().all(Result::is_err));
    for outcome in explode(&attribute(20)) {
        assert_refused(outcome, TOO_DEEP, 1);
    }
}

#[test]
fn groups_nested_ten_thousand_deep() {
    let bomb = [[0x9b, 0x06].repeat(10_000), [0x9c, 0x06].repeat(10_000)].concat();
    assert!(explode(&bomb).iter().all(Result::is_err));
}

#[test]
fn lengths_of_two_gibibytes_and_more_with_nothing_behind_them() {
    let keys = [&TO_GAUGE[..], &[POINT, ATTRIBUTE]].concat();
    for len in [1 << 31, u64::from(u32::MAX), 1 << 62, u64::MAX] {
        for level in 0..keys.len() {
            let mut cut = vec![keys[level]];
            encode_varint(len, &mut cut);
            let bomb = within(&keys[..level], cut);
            assert!(explode(&bomb).iter().all(Result::is_err), "length {len} on level {level}");
        }
    }
}

#[test]
fn exponential_histograms_of_eleven_bytes_and_of_a_million_buckets() {
    const EXPONENTIAL: u8 = 0x52;
    const DELTA: [u8; 2] = [0x10, 1];
    let small = [&field(POINT, &TIME).repeat(100_000)[..], &DELTA].concat();
    let buckets = field(0x42, &field(0x12, &vec![0; 1_000_000]));
    let large = [&field(POINT, &[&TIME[..], &buckets].concat())[..], &DELTA].concat();
    let taken =
        |outcome: Result<Decoded, Malformed>| outcome.unwrap().batches.iter().map(Batch::points).sum::<u64>();
    let [walked, by_prost] = explode(&request(EXPONENTIAL, &small));
    assert_eq!(taken(walked), 100_000);
    assert_not_built(by_prost);
    let [walked, by_prost] = explode(&request(EXPONENTIAL, &large));
    assert_eq!((taken(walked), taken(by_prost)), (1, 1));
}
