//! The walk takes what prost takes, and it means the same: arbitrary requests, arbitrary legal encodings of them, and a
//! million mutations.

use std::panic::{AssertUnwindSafe, catch_unwind};

use proptest::{prelude::*, strategy::ValueTree as _, test_runner::TestRunner};

use super::{
    messages::message,
    oracle::compare,
    rewriting::{Chance, rewritten},
    *,
};
use crate::otlp::walk::walk;

/// How many mutations are tried.
const MUTATIONS: usize = 1_000_000;
/// How many requests they are made of.
const CORPUS: usize = 200;
/// After so many mutations everything known is forgotten.
const FRESH_DOOR: usize = 5_000;

fn ids(decoded: &Decoded) -> Vec<SeriesId> {
    let mut ids = Vec::new();
    for batch in &decoded.batches {
        batch.clone().for_each_series(|id| ids.push(*id));
    }
    ids
}

/// prost's tree. (It writes no zeros, and takes -0 for one.)
fn read(bytes: &[u8]) -> ExportMetricsServiceRequest {
    ExportMetricsServiceRequest::decode(bytes).expect("a legal encoding")
}

proptest! {
    #[test]
    fn every_point_becomes_what_it_says_the_first_time_and_again(message in message()) {
        let door = door(10_000);
        let bytes = message.encode_to_vec();
        let first = resolve_bytes(&bytes, &door, None).unwrap();
        compare(&read(&bytes), &first, &door);
        let streams = door.interner().stats().streams;
        let again = resolve_bytes(&bytes, &door, None).unwrap();
        compare(&read(&bytes), &again, &door);
        prop_assert_eq!(ids(&again), ids(&first));
        prop_assert_eq!(door.interner().stats().streams, streams);
    }

    #[test]
    fn at_the_cap_every_point_is_taken_or_refused_and_resolves_alike_again(message in message(), cap in 1_usize..20) {
        let door = door(cap);
        let bytes = message.encode_to_vec();
        let first = resolve_bytes(&bytes, &door, None).unwrap();
        let taken: u64 = first.batches.iter().map(weir_core::Batch::points).sum();
        prop_assert_eq!(first.points, taken + first.refused.points());
        let again = resolve_bytes(&bytes, &door, None).unwrap();
        prop_assert_eq!(ids(&again), ids(&first));
        prop_assert_eq!(again.refused, first.refused);
    }

    #[test]
    fn what_prost_writes_needs_no_prost_to_be_read(message in message()) {
        let bytes = message.encode_to_vec();
        prop_assert!(walk(&bytes, &door(10_000), None, true).is_ok());
        // Only what nests too deep is left to prost, which knows how deep is malformed.
        let decoded = walk(&bytes, &door(10_000), None, false);
        let nests = bytes.windows(2).filter(|pair| pair[0] == 0x2a || pair[0] == 0x32).count();
        prop_assert!(decoded.is_ok() || nests >= crate::otlp::MAX_DEPTH);
    }

    #[test]
    fn every_legal_encoding_means_the_same(
        message in message(),
        seed in any::<u64>(),
        oddities in prop::sample::select(vec![1_usize, 5, 30]),
    ) {
        let usual = message.encode_to_vec();
        let odd = rewritten(&usual, &mut Chance(seed), oddities);
        let message = read(&odd);
        prop_assert_eq!(message.encode_to_vec(), usual.clone(), "the encoding means something else");
        let door = door(10_000);
        let first = resolve_bytes(&odd, &door, None).unwrap();
        compare(&message, &first, &door);
        for bytes in [&usual, &odd] {
            let again = resolve_bytes(bytes, &door, None).unwrap();
            compare(&message, &again, &door);
            prop_assert_eq!(ids(&again), ids(&first), "one series, however it is written");
        }
    }
}

/// Requests that an encoder would write, and as many in rare encodings.
fn corpus() -> Vec<Vec<u8>> {
    let (mut runner, mut chance) = (TestRunner::deterministic(), Chance(7));
    let mut corpus = Vec::new();
    while corpus.len() < CORPUS {
        let message = message().new_tree(&mut runner).expect("a message").current().encode_to_vec();
        if (20..600).contains(&message.len()) {
            corpus.push(rewritten(&message, &mut chance, 5));
            corpus.push(message);
        }
    }
    corpus
}

/// Changes a few bytes, copies or cuts a piece, or splices another request in.
pub(super) fn mutate(corpus: &[Vec<u8>], chance: &mut Chance, into: &mut Vec<u8>) {
    into.clear();
    into.extend_from_slice(&corpus[chance.below(corpus.len())]);
    for _ in 0..=chance.below(3) {
        let at = chance.below(into.len());
        let Some(byte) = into.get_mut(at) else { continue };
        match chance.below(8) {
            0 => *byte ^= 1 << chance.below(8),
            1 => *byte = chance.below(256) as u8,
            2 => *byte = [0, 0x7f, 0x80, 0xff, 0x0a, 0x12, 0x3a, 0x4a][chance.below(8)],
            3 => *byte = byte.wrapping_add(1),
            4 => into.truncate(at),
            5 => drop(into.remove(at)),
            6 => {
                let end = (at + chance.below(16)).min(into.len());
                let piece = into[at..end].to_vec();
                let to = chance.below(into.len());
                into.splice(to..to, piece);
            }
            _ => {
                let other = &corpus[chance.below(corpus.len())];
                let from = chance.below(other.len());
                let end = (from + chance.below(24)).min(other.len());
                into.splice(at..at, other[from..end].iter().copied());
            }
        }
    }
}

#[test]
fn a_million_mutations_are_refused_or_mean_what_prost_says() {
    let corpus = corpus();
    let (mut chance, mut bytes) = (Chance(weir_testkit::seed(42)), Vec::new());
    let (mut fresh, mut legal, mut walked) = (door(1_000_000), 0_usize, 0_usize);
    for nth in 0..MUTATIONS {
        if nth % FRESH_DOOR == 0 {
            fresh = door(1_000_000);
            corpus.iter().for_each(|known| drop(resolve_bytes(known, &fresh, None)));
        }
        mutate(&corpus, &mut chance, &mut bytes);
        let tree = ExportMetricsServiceRequest::decode(&*bytes);
        let outcome = catch_unwind(AssertUnwindSafe(|| match (resolve_bytes(&bytes, &fresh, None), tree) {
            (Ok(decoded), Ok(tree)) => {
                compare(&tree, &decoded, &fresh);
                true
            }
            (Err(_), Err(_)) => false,
            (here, prost) => panic!("it is taken: {}, prost takes it: {}", here.is_ok(), prost.is_ok()),
        }));
        let taken = outcome.unwrap_or_else(|_| panic!("mutation {nth}: {bytes:02x?}"));
        legal += usize::from(taken);
        walked += usize::from(nth % 100 == 0 && walk(&bytes, &fresh, None, false).is_ok());
    }
    // Otherwise they would try little more than one branch.
    assert!(legal > MUTATIONS / 10 && legal < MUTATIONS * 9 / 10, "{legal} of {MUTATIONS} are legal");
    assert!(walked > MUTATIONS / 2000, "{walked} of {} are walked without prost", MUTATIONS / 100);
}
