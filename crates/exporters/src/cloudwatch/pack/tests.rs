use aws_sdk_cloudwatch::{
    primitives::DateTime,
    types::{Dimension, MetricDatum, StandardUnit, StatisticSet},
};
use proptest::prelude::*;

use super::*;
use crate::cloudwatch::wire::{read_datum, tests::written};

fn datum(metric: &MetricDatum, points: u64) -> Datum {
    Datum { bytes: written(metric).into(), points, time: 0 }
}

fn plain(name: &str) -> Datum {
    datum(&MetricDatum::builder().metric_name(name).value(1.0).build(), 1)
}

fn full(name: &str) -> Datum {
    // A whole number and a third takes nine bytes in any encoding.
    let values: Vec<f64> = (0..150).map(|i| f64::from(i) + 1.0 / 3.0).collect();
    let counts = values.clone();
    let metric = MetricDatum::builder().metric_name(name).set_values(Some(values)).set_counts(Some(counts));
    datum(&metric.build(), 300)
}

fn names(requests: &[Vec<Datum>]) -> Vec<String> {
    let name = |datum: &Datum| read_datum(&datum.bytes).unwrap().metric_name.unwrap_or_default();
    let mut names: Vec<_> = requests.iter().flatten().map(name).collect();
    names.sort();
    names
}

#[test]
fn plain_datums_go_a_thousand_to_a_request() {
    for (datums, requests) in [(0, 0), (1, 1), (1000, 1), (1001, 2), (10_000, 10), (100_000, 100)] {
        let all: Vec<_> = (0..datums).map(|i| plain(&format!("m{i:06}"))).collect();
        let expected = names(std::slice::from_ref(&all));
        let packed = pack(all, "Weir");
        assert_eq!(packed.len(), requests, "{datums}");
        assert!(packed.iter().all(|request| request.len() <= MAX_DATUMS));
        assert_eq!(names(&packed), expected);
    }
}

#[test]
fn large_and_small_datums_share_requests() {
    // 2 × 1 MB would hold the large ones, and 2 × 1000 datums all; one after the other they would take four requests.
    let mut all: Vec<_> = (0..650).map(|i| full(&format!("large{i}"))).collect();
    all.extend((0..1200).map(|i| plain(&format!("small{i}"))));
    let bytes: usize = all.iter().map(|datum| datum.bytes.len()).sum();
    assert!(bytes > MAX_BYTES && bytes < 2 * MAX_BYTES, "{bytes}");
    assert_eq!(pack(all, "Weir").len(), 2);
}

#[test]
fn a_full_distribution_takes_2_7_kilobytes() {
    // 150 values and counts of 9 bytes each, and some 30 bytes around them (cloudwatch reference: about 2.75 kB).
    let bytes = full("m").bytes.len();
    assert!((2700..2760).contains(&bytes), "{bytes}");
}

proptest! {
    #[test]
    fn every_datum_is_in_one_request_and_every_request_within_the_limits(
        large in 0_usize..900, middle in 0_usize..300, small in 0_usize..1500,
    ) {
        let name_of_length = |length: usize, i: usize| format!("{i:05}{}", "n".repeat(length));
        let mut all: Vec<_> = (0..large).map(|i| full(&name_of_length(2, i))).collect();
        all.extend((0..middle).map(|i| plain(&name_of_length(240, i))));
        all.extend((0..small).map(|i| plain(&name_of_length(5, i))));
        let expected = names(std::slice::from_ref(&all));
        let bytes: usize = all.iter().map(|datum| datum.bytes.len()).sum();
        let bound = all.len().div_ceil(1000).max(bytes.div_ceil(1_000_000));
        let packed = pack(all, "Weir");
        for request in &packed {
            let bytes: usize = request.iter().map(|datum| datum.bytes.len()).sum();
            prop_assert!(request.len() <= 1000);
            prop_assert!(bytes + overhead_bytes("Weir", request.len()) <= 1_000_000);
        }
        prop_assert!(packed.len() <= bound + 1, "{} requests, {bound} at least", packed.len());
        prop_assert_eq!(names(&packed), expected);
    }
}

/// A datum with every field that the exporter ever sets, and lengths on both sides of each step of the encoding.
pub(in crate::cloudwatch) fn every_shape() -> Vec<MetricDatum> {
    let mut shapes = Vec::new();
    for length in [1, 23, 24, 255] {
        let name = "n".repeat(length);
        for dimensions in [0, 1, 23, 24, 30] {
            let dimensions: Vec<_> = (0..dimensions)
                .map(|i| {
                    Dimension::builder().name(format!("{i}{}", &name[..length.min(200)])).value(&name).build()
                })
                .collect();
            let datum = MetricDatum::builder()
                .metric_name(&name)
                .set_dimensions(Some(dimensions).filter(|list| !list.is_empty()));
            shapes.push(datum.value(1.5).build());
        }
        for values in [1, 23, 24, 150] {
            let list: Vec<f64> = (1..=values).map(f64::from).collect();
            let statistics = StatisticSet::builder()
                .sample_count(f64::from(values))
                .sum(1.0)
                .minimum(1.0)
                .maximum(f64::from(values))
                .build();
            let datum = MetricDatum::builder()
                .metric_name(&name)
                .unit(StandardUnit::KilobytesSecond)
                .set_values(Some(list.clone()));
            shapes.push(datum.clone().build());
            let datum = datum.set_counts(Some(vec![1.0; list.len()])).storage_resolution(1);
            shapes.push(datum.clone().build());
            shapes.push(datum.storage_resolution(60).statistic_values(statistics).build());
        }
    }
    shapes
}

/// Gives `datum` a time.
pub(in crate::cloudwatch) fn at(datum: MetricDatum, seconds: u64) -> MetricDatum {
    let mut datum = datum;
    datum.timestamp = Some(DateTime::from_secs(seconds as i64));
    datum
}
