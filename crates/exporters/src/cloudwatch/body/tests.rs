use aws_sdk_cloudwatch::{
    primitives::DateTime,
    types::{Dimension, MetricDatum},
};

use super::*;
use crate::cloudwatch::wire::tests::written;

/// The request of these datums.
pub(in crate::cloudwatch) fn body(namespace: &str, datums: &[MetricDatum]) -> Body {
    let written: Vec<Vec<u8>> = datums.iter().map(written).collect();
    Body::of(namespace, &written.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

/// A thousand datums of five dimensions and six values, one of them different in each.
fn thousand() -> Vec<MetricDatum> {
    let dimension = |name: &str, value: &str| Dimension::builder().name(name).value(value).build();
    let datum = |i: u32| {
        let mut datum = MetricDatum::builder()
            .metric_name("http.server.duration")
            .timestamp(DateTime::from_secs(1_795_500_000));
        let host = format!("host-{i:06}");
        for (name, value) in
            [("host", host.as_str()), ("route", "/checkout"), ("code", "200"), ("az", "a"), ("x", "y")]
        {
            datum = datum.dimensions(dimension(name, value));
        }
        let values = (0..6).map(|n| f64::from((i * 7919 + n * 104_729) % 100_000) / 1000.0).collect();
        datum.set_values(Some(values)).build()
    };
    (0..1000).map(datum).collect()
}

/// What a datum takes as the SDK's type, at least: itself, its lists, its strings.
fn memory(datum: &MetricDatum) -> usize {
    let text = |text: Option<&str>| text.map_or(0, str::len);
    let dimension = |one: &Dimension| size_of::<Dimension>() + text(one.name()) + text(one.value());
    size_of::<MetricDatum>()
        + text(datum.metric_name())
        + datum.dimensions().iter().map(dimension).sum::<usize>()
        + (datum.values().len() + datum.counts().len()) * size_of::<f64>()
}

#[test]
fn a_body_is_a_tenth_of_its_datums_and_opens_to_what_was_written() {
    let datums = thousand();
    let body = body("Shop", &datums);
    let unpacked: usize = datums.iter().map(memory).sum();
    assert!(body.is_gzip() && body.memory() * 10 < unpacked, "{} of {unpacked}", body.memory());
    let opened = body.open().unwrap();
    let read: Vec<MetricDatum> = opened.datums().map(|bytes| wire::read_datum(bytes).unwrap()).collect();
    assert_eq!(read, datums);
}

#[test]
fn a_single_small_datum_stays_as_it_is() {
    let time = DateTime::from_secs(1_795_500_000);
    let datum = MetricDatum::builder().metric_name("m").timestamp(time).value(1.0).build();
    let body = body("Shop", std::slice::from_ref(&datum));
    assert!(!body.is_gzip());
    assert_eq!(body.plain().unwrap(), body.bytes());
    assert_eq!(wire::read_datum(body.open().unwrap().datums().next().unwrap()).unwrap(), datum);
}
