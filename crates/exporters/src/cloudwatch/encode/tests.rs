#![allow(clippy::float_cmp, reason = "what is told must be exact")]

use std::time::Duration;

use aws_sdk_cloudwatch::{
    primitives::DateTime,
    types::{Dimension, MetricDatum},
};
use weir_core::{Ack, Descriptor, Number, Series, Temporality};
use weir_testkit::{Fixture, START, histogram_of, point, push_histogram, seconds};
use weir_window::Period;

use super::{
    super::{
        config::{Config, DimensionsConfig},
        window::Window,
        wire::read_datum,
    },
    *,
};

const MINUTE: u64 = START - START % 60;

struct Bench {
    f: Fixture,
    window: Window,
    encoder: Encoder,
    rules: Rules,
}

fn bench(dimensions: &DimensionsConfig, resolution: u32) -> Bench {
    let config =
        Config { dimensions: dimensions.clone(), storage_resolution: Some(resolution), ..Config::default() };
    Bench {
        f: Fixture::new(),
        window: Window::new(Period::MINUTE, Duration::ZERO),
        encoder: Encoder::default(),
        rules: Rules::new(&config),
    }
}

impl Bench {
    fn record(&mut self, series: &Series, value: f64) {
        let batch = self.f.batch([point(series, 0, MINUTE, Number::Double(value))]);
        let left = self.window.record(&batch, Ack::none(), seconds(START));
        assert_eq!(left.by_reason().map(|(_, points)| points), [0; 6]);
    }

    fn encode(&mut self) -> Encoded {
        let mut encoded = Encoded::default();
        for closed in self.window.close_all(&self.f.interner) {
            self.encoder.encode(closed, &mut self.rules, &mut encoded);
        }
        encoded
    }

    /// What is left for the one namespace, and how many points each was made of.
    fn datums(&mut self) -> Vec<(u64, MetricDatum)> {
        self.encode().datums.values().flatten().map(|datum| (datum.points, read(datum))).collect()
    }

    fn one(&mut self) -> MetricDatum {
        let encoded = self.encode();
        assert_eq!(encoded.dropped, []);
        let all: Vec<Datum> = encoded.datums.into_values().flatten().collect();
        let [datum] = <[Datum; 1]>::try_from(all).unwrap();
        read(&datum)
    }
}

fn read(datum: &Datum) -> MetricDatum {
    read_datum(&datum.bytes).unwrap()
}

#[test]
fn one_sample_is_a_value() {
    let mut b = bench(&DimensionsConfig::default(), 60);
    let series = b.f.stream(Descriptor::gauge("load", "By"), &[("b", "2"), ("a", "1")]);
    b.record(&series, 7.0);
    let datum = b.one();
    let dimension = |name: &str, value: &str| Dimension::builder().name(name).value(value).build();
    let expected = MetricDatum::builder()
        .metric_name("load")
        .dimensions(dimension("a", "1"))
        .dimensions(dimension("b", "2"))
        .timestamp(DateTime::from_secs(MINUTE as i64))
        .unit(StandardUnit::Bytes)
        .value(7.0)
        .build();
    assert_eq!(datum, expected);
}

#[test]
fn many_samples_are_distinct_values_with_counts_and_no_statistics() {
    let mut b = bench(&DimensionsConfig::default(), 1);
    let series = b.f.stream(Descriptor::gauge("load", ""), &[]);
    for value in [3.0, 1.0, 3.0, 2.0] {
        b.record(&series, value);
    }
    let datum = b.one();
    assert_eq!(datum.values(), [1.0, 2.0, 3.0]);
    assert_eq!(datum.counts(), [1.0, 1.0, 2.0]);
    assert_eq!((datum.value, datum.storage_resolution), (None, Some(1)));
    assert!(datum.statistic_values.is_none() && datum.unit.is_none() && datum.dimensions.is_none());
}

#[test]
fn values_that_all_differ_need_no_counts() {
    let mut b = bench(&DimensionsConfig::default(), 60);
    let series = b.f.stream(Descriptor::gauge("load", ""), &[]);
    b.record(&series, 2.0);
    b.record(&series, 1.0);
    let datum = b.one();
    assert_eq!((datum.values(), datum.counts.is_none()), (&[1.0, 2.0][..], true));
}

#[test]
fn beyond_150_distinct_values_the_exact_statistics_go_along() {
    let mut b = bench(&DimensionsConfig::default(), 60);
    let series = b.f.stream(Descriptor::gauge("latency", "ns"), &[]);
    for i in 1..=1000 {
        b.record(&series, f64::from(i) * 1000.0);
    }
    let datum = b.one();
    assert!(datum.values().len() <= 150);
    assert_eq!(datum.counts().iter().sum::<f64>() as u64, 1000);
    let statistics = datum.statistic_values.unwrap();
    // 1000 nanoseconds are one microsecond; 1 + 2 + … + 1000 of them.
    assert_eq!(statistics.sum, Some(500_500.0));
    assert_eq!((statistics.minimum, statistics.maximum), (Some(1.0), Some(1000.0)));
    assert_eq!(statistics.sample_count, Some(1000.0));
    assert_eq!(datum.unit, Some(StandardUnit::Microseconds));
}

#[test]
fn series_of_one_destination_become_one_datum_by_their_samples() {
    let config = DimensionsConfig { attributes: vec!["route".to_owned()], ..DimensionsConfig::default() };
    let mut b = bench(&config, 60);
    let sum = || Descriptor::sum("requests", "1", Temporality::Delta, true);
    let one = b.f.stream(sum(), &[("route", "/a"), ("pod", "1")]);
    let two = b.f.stream(sum(), &[("route", "/a"), ("pod", "2")]);
    let other = b.f.stream(sum(), &[("route", "/b"), ("pod", "2")]);
    for (series, value) in [(&one, 5.0), (&two, 7.0), (&other, 1.0)] {
        b.record(series, value);
    }
    let found: Vec<_> = b.datums().iter().map(|(n, d)| (*n, d.values().to_vec(), d.value)).collect();
    assert_eq!(found, [(2, vec![5.0, 7.0], None), (1, vec![], Some(1.0))]);
}

#[test]
fn one_name_in_two_units_stays_two_metrics() {
    let mut b = bench(&DimensionsConfig::default(), 60);
    for (unit, value) in [("s", 1.0), ("ms", 2.0)] {
        let series = b.f.stream(Descriptor::gauge("t", unit), &[]);
        b.record(&series, value);
    }
    assert_eq!(b.datums().len(), 2);
}

#[test]
fn what_cannot_be_named_or_held_is_dropped_by_its_reason() {
    let mut b = bench(&DimensionsConfig::default(), 60);
    let unnamed = b.f.stream(Descriptor::gauge(" ", ""), &[]);
    let huge = b.f.stream(Descriptor::gauge("huge", "d"), &[]);
    b.record(&unnamed, 1.0);
    b.record(&huge, MAX_VALUE); // in seconds it is beyond the limit
    let encoded = b.encode();
    assert_eq!(encoded.dropped, [(UNNAMED, 1), (OUT_OF_RANGE, 1)]);
    assert!(encoded.datums.is_empty());
}

#[test]
fn what_is_too_near_to_zero_is_zero() {
    let mut b = bench(&DimensionsConfig::default(), 60);
    let series = b.f.stream(Descriptor::gauge("tiny", "ns"), &[]);
    b.record(&series, 2.0_f64.powi(-360)); // in microseconds it is below the limit
    assert_eq!(b.one().value, Some(0.0));
}

#[test]
fn an_unknown_unit_is_told_once_and_sent_as_none() {
    let mut b = bench(&DimensionsConfig::default(), 60);
    let series = b.f.stream(Descriptor::gauge("length", "furlong"), &[]);
    b.record(&series, 36.6);
    let encoded = b.encode();
    assert_eq!(encoded.new_unknown_units.iter().map(|unit| &**unit).collect::<Vec<_>>(), ["furlong"]);
    assert_eq!(read(&encoded.datums["Weir"][0]).unit, None);
    b.record(&series, 36.6);
    assert!(b.encode().new_unknown_units.is_empty());
}

#[test]
fn degrees_and_watts_are_sent_without_a_unit_and_nothing_is_said() {
    for unit in ["Cel", "W"] {
        let mut b = bench(&DimensionsConfig::default(), 60);
        let series = b.f.stream(Descriptor::gauge("of_a_gpu", unit), &[]);
        b.record(&series, 36.6);
        let encoded = b.encode();
        assert!(encoded.new_unknown_units.is_empty(), "{unit}");
        let datum = read(&encoded.datums["Weir"][0]);
        assert_eq!((datum.unit, datum.value), (None, Some(36.6)), "{unit}");
    }
}

#[test]
fn unknown_units_without_end_are_told_64_times() {
    let mut b = bench(&DimensionsConfig::default(), 60);
    for at in 0..100 {
        let series = b.f.stream(Descriptor::gauge("temperature", format!("unit{at}")), &[]);
        b.record(&series, 36.6);
    }
    let encoded = b.encode();
    assert_eq!((encoded.new_unknown_units.len(), b.encoder.unknown_units.len()), (64, 64));
}

/// The default bounds of OpenTelemetry's SDKs.
const BOUNDS: &[f64] =
    &[0.0, 5.0, 10.0, 25.0, 50.0, 75.0, 100.0, 250.0, 500.0, 750.0, 1000.0, 2500.0, 5000.0, 7500.0, 10_000.0];

impl Bench {
    fn record_histogram(&mut self, series: &Series, bounds: &[f64], samples: &[f64]) {
        let mut batch = self.f.batch([]);
        push_histogram(&mut batch, series, MINUTE, bounds, samples);
        let left = self.window.record(&batch, Ack::none(), seconds(START));
        assert_eq!(left.by_reason().map(|(_, points)| points), [0; 6]);
    }

    fn histogram(&self, name: &str, attributes: &[(&str, &str)]) -> Arc<Series> {
        self.f.stream(histogram_of(name, "ms", Temporality::Delta), attributes)
    }
}

fn repeated(samples: &[(f64, usize)]) -> Vec<f64> {
    samples.iter().flat_map(|(value, times)| std::iter::repeat_n(*value, *times)).collect()
}

fn statistics(datum: &MetricDatum) -> [f64; 4] {
    let set = datum.statistic_values.as_ref().unwrap();
    [set.sample_count, set.sum, set.minimum, set.maximum].map(Option::unwrap)
}

/// Agents that loop over the bounds lose the bucket above the last one: 990 values with a sum of 90,000 would remain.
#[test]
fn a_histogram_keeps_the_bucket_above_its_last_bound_and_its_own_statistics() {
    let mut b = bench(&DimensionsConfig::default(), 60);
    let series = b.histogram("duration", &[]);
    b.record_histogram(&series, BOUNDS, &repeated(&[(30.0, 900), (300.0, 90), (12_000.0, 10)]));
    let datum = b.one();
    assert_eq!(statistics(&datum), [1000.0, 174_000.0, 30.0, 12_000.0]);
    assert_eq!(datum.counts().iter().sum::<f64>() as u64, 1000);
    assert_eq!((datum.values().first(), datum.values().last()), (Some(&30.0), Some(&12_000.0)));
    let between = |low: f64, high: f64| {
        let pairs = datum.values().iter().zip(datum.counts());
        pairs.filter(|(value, _)| low < **value && **value <= high).map(|(_, count)| count).sum::<f64>()
            as u64
    };
    assert_eq!([between(25.0, 50.0), between(250.0, 500.0), between(10_000.0, 12_000.0)], [900, 90, 10]);
    assert_eq!(datum.unit, Some(StandardUnit::Milliseconds));
}

#[test]
fn histograms_of_one_destination_join_bucket_by_bucket_even_if_their_bounds_differ() {
    let config = DimensionsConfig { attributes: vec![], ..DimensionsConfig::default() };
    for others_bounds in [BOUNDS, &[1.0, 100.0]] {
        let mut b = bench(&config, 60);
        let (one, two) = (b.histogram("duration", &[("pod", "1")]), b.histogram("duration", &[("pod", "2")]));
        b.record_histogram(&one, BOUNDS, &repeated(&[(30.0, 5), (20_000.0, 1)]));
        b.record_histogram(&two, others_bounds, &repeated(&[(7.0, 3), (300.0, 1)]));
        assert_eq!(statistics(&b.one()), [10.0, 20_471.0, 7.0, 20_000.0]);
    }
}

#[test]
fn one_value_of_a_histogram_is_known_exactly() {
    let mut b = bench(&DimensionsConfig::default(), 60);
    let series = b.histogram("duration", &[]);
    b.record_histogram(&series, BOUNDS, &[123.25]);
    assert_eq!(b.one().value, Some(123.25));
}

#[test]
fn a_histogram_of_no_values_is_no_datum_and_counted() {
    let mut b = bench(&DimensionsConfig::default(), 60);
    let series = b.histogram("duration", &[]);
    b.record_histogram(&series, BOUNDS, &[]);
    b.record_histogram(&series, BOUNDS, &[]);
    let encoded = b.encode();
    assert_eq!((encoded.dropped, encoded.datums.len()), (vec![(EMPTY, 2)], 0));
    // Beside one with values it adds nothing, and goes along.
    b.record_histogram(&series, BOUNDS, &[]);
    b.record_histogram(&series, BOUNDS, &[7.0]);
    assert_eq!(b.datums().iter().map(|(points, _)| *points).collect::<Vec<_>>(), [2]);
}

#[test]
fn of_a_histogram_without_buckets_only_the_statistics_are_sent() {
    let mut b = bench(&DimensionsConfig::default(), 60);
    let series = b.histogram("duration", &[]);
    b.record_histogram(&series, &[], &[10.0, 20.0, 60.0]);
    let datum = b.one();
    assert_eq!(statistics(&datum), [3.0, 90.0, 10.0, 60.0]);
    assert!(datum.values.is_none() && datum.counts.is_none() && datum.value.is_none());
}

#[test]
fn that_negative_values_cost_the_percentiles_is_counted() {
    let mut b = bench(&DimensionsConfig::default(), 60);
    let series = b.f.stream(Descriptor::gauge("temperature", ""), &[]);
    b.record(&series, -3.0);
    b.record(&series, 4.0);
    let encoded = b.encode();
    assert_eq!(encoded.repairs.iter().collect::<Vec<_>>(), [(NEGATIVE, 1, "temperature")]);
    let datums: Vec<&Datum> = encoded.datums.values().flatten().collect();
    assert_eq!(read(datums[0]).values(), [-3.0, 4.0]);
}
