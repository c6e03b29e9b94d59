//! OTLP's JSON means what its protobuf means: arbitrary requests in arbitrary legal layouts, and a million mutations.

use std::panic::{AssertUnwindSafe, catch_unwind};

use opentelemetry_proto::tonic::metrics::v1::Exemplar;
use proptest::{prelude::*, strategy::ValueTree as _, test_runner::TestRunner};

use super::{messages::message, rewriting::Chance, walking::mutate, writing::written, *};
use crate::otlp::json::to_protobuf;

/// How many mutations are tried.
const MUTATIONS: usize = 1_000_000;
/// How many requests they are made of.
const CORPUS: usize = 200;
const MAX: usize = 1 << 20;

proptest! {
    #[test]
    fn every_legal_layout_means_the_same(message in message(), seed in any::<u64>()) {
        let json = written(&message, &mut Chance(seed));
        let bytes = to_protobuf(json.as_bytes(), MAX).unwrap_or_else(|error| panic!("{error}: {json}"));
        let found = ExportMetricsServiceRequest::decode(&*bytes).unwrap();
        // As bytes, since no NaN is equal to itself.
        prop_assert_eq!(found.encode_to_vec(), message.encode_to_vec(), "{}", json);
    }

    #[test]
    fn what_the_generated_types_write_is_read(message in message()) {
        let json = serde_json::to_string(&message).unwrap();
        let bytes = to_protobuf(json.as_bytes(), MAX).unwrap_or_else(|error| panic!("{error}: {json}"));
        let found = ExportMetricsServiceRequest::decode(&*bytes).unwrap();
        prop_assert_eq!(found.encode_to_vec(), message.encode_to_vec(), "{}", json);
    }
}

fn corpus() -> Vec<Vec<u8>> {
    let (mut runner, mut chance) = (TestRunner::deterministic(), Chance(7));
    let mut corpus = Vec::new();
    while corpus.len() < CORPUS {
        let message = message().new_tree(&mut runner).expect("a message").current();
        let json = written(&message, &mut chance).into_bytes();
        if (20..600).contains(&json.len()) {
            corpus.push(json);
        }
    }
    corpus
}

/// Why the generated types refuse what protobuf's mapping and OTLP allow, as they say it.
const STRICTER_THERE: [&str; 8] = [
    // null is as if the field were not there.
    "invalid type: null",
    // 1.0 and 1e3 are integers.
    "invalid type: floating point",
    // Integers of 32 bits may be texts too.
    "invalid type: string",
    // No field must be there.
    "missing field",
    // A field that comes twice is a field in two parts, as in protobuf.
    "duplicate field",
    // What stands under a name that nobody knows is passed over, and not looked into.
    "invalid unicode code point",
    "lone leading surrogate in hex escape",
    "number out of range",
];

/// They take a message as an array of its fields too, which no mapping of protobuf has.
const LAXER_THERE: &str = "invalid type: sequence, expected an object";

/// Whether a metric has no data, or a number or an exemplar no value.
fn leaves_a_choice_open(request: &ExportMetricsServiceRequest) -> bool {
    let scopes = request.resource_metrics.iter().flat_map(|resource| &resource.scope_metrics);
    scopes.flat_map(|scope| &scope.metrics).any(|metric| {
        let no_value = |exemplars: &[Exemplar]| exemplars.iter().any(|exemplar| exemplar.value.is_none());
        let of_number = |point: &NumberDataPoint| point.value.is_none() || no_value(&point.exemplars);
        match &metric.data {
            None => true,
            Some(Data::Gauge(data)) => data.data_points.iter().any(of_number),
            Some(Data::Sum(data)) => data.data_points.iter().any(of_number),
            Some(Data::Histogram(data)) => data.data_points.iter().any(|point| no_value(&point.exemplars)),
            Some(Data::ExponentialHistogram(data)) => {
                data.data_points.iter().any(|point| no_value(&point.exemplars))
            }
            Some(Data::Summary(_)) => false,
        }
    })
}

#[test]
fn a_million_mutations_are_refused_or_mean_what_the_generated_types_read() {
    let corpus = corpus();
    let (mut chance, mut bytes) = (Chance(weir_testkit::seed(42)), Vec::new());
    let (mut alike, mut only_here) = (0_usize, 0_usize);
    for nth in 0..MUTATIONS {
        mutate(&corpus, &mut chance, &mut bytes);
        let shown = || String::from_utf8_lossy(&bytes);
        let here = catch_unwind(AssertUnwindSafe(|| to_protobuf(&bytes, MAX)));
        let here = here.unwrap_or_else(|_| panic!("mutation {nth}: {}", shown()));
        let read = here.as_ref().map(|bytes| ExportMetricsServiceRequest::decode(&**bytes).unwrap());
        match (read, serde_json::from_slice::<ExportMetricsServiceRequest>(&bytes)) {
            (Ok(here), Ok(there)) if here.encode_to_vec() == there.encode_to_vec() => alike += 1,
            // A choice of which they cannot read what was chosen is none for them.
            (_, Ok(there)) if leaves_a_choice_open(&there) => {}
            (Ok(_), Ok(_)) => panic!("mutation {nth} means something else: {}", shown()),
            (Err(_), Err(_)) => {}
            (Ok(_), Err(there)) => {
                let there = there.to_string();
                let is_known = STRICTER_THERE.iter().any(|known| there.starts_with(known));
                assert!(is_known, "mutation {nth} is taken, there it is refused: {there}: {}", shown());
                only_here += 1;
            }
            (Err(here), Ok(_)) if here.to_string().starts_with(LAXER_THERE) => {}
            (Err(here), Ok(_)) => panic!("mutation {nth} is refused, there it is taken: {here}: {}", shown()),
        }
    }
    // Otherwise they would try little more than what is no JSON at all.
    assert!(alike > MUTATIONS / 20, "{alike} of {MUTATIONS} are read alike");
    assert!(only_here > 0 && only_here < alike, "{only_here} of {MUTATIONS} are read here alone");
}
