//! The crate `prometheus-parse` as the oracle of the text format, for what it covers: counters, gauges and untyped samples with labels,
//! values and timestamps.
#![allow(clippy::panic, clippy::unwrap_used, reason = "a test")]

use std::collections::BTreeMap;

use prometheus_parse::{Scrape, Value};
use proptest::prelude::*;
use weir_exposition::{
    Format,
    text::{Line, Syntax, line},
};

type Found = (String, BTreeMap<String, String>, u64);

/// What the oracle finds: samples, sorted.
fn by_oracle(text: &str) -> Vec<Found> {
    let scrape = Scrape::parse(text.lines().map(|line| Ok(line.to_owned()))).unwrap();
    let mut found: Vec<Found> = scrape
        .samples
        .into_iter()
        .map(|sample| {
            let (Value::Counter(value) | Value::Gauge(value) | Value::Untyped(value)) = sample.value else {
                panic!("{:?} is not covered", sample.value)
            };
            let labels = sample.labels.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
            (sample.metric, labels, bits(value))
        })
        .collect();
    found.sort();
    found
}

fn by_us(text: &str) -> Vec<Found> {
    let syntax = Syntax::of(Format::Text004, false);
    let mut found = Vec::new();
    for text in text.lines() {
        if let Line::Sample(sample) = line(text.as_bytes(), syntax).unwrap() {
            let labels = sample.labels.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
            found.push((sample.name.into_owned(), labels, bits(sample.reading.value)));
        }
    }
    found.sort();
    found
}

fn bits(value: f64) -> u64 {
    if value.is_nan() { f64::NAN.to_bits() } else { value.to_bits() }
}

/// Lines of families that the oracle knows: a type, then samples.
fn page() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        any::<f64>().prop_map(|value| format!("{value:?}")),
        any::<i32>().prop_map(|value| value.to_string()),
        prop::sample::select(vec!["NaN", "+Inf", "-Inf", "1e+06", "0.0", "1e-9"]).prop_map(str::to_owned),
    ];
    // What the oracle reads of escapes and braces in values is its own.
    let labels = prop::collection::btree_map("[a-z_][a-z0-9_]{0,8}", "[ a-zA-Z0-9/:.äß☃#-]{0,12}", 0..4);
    let sample = (labels, value, prop::option::of(0..4_000_000_000_000_i64));
    let family = ("[a-z_][a-z0-9_]{0,12}", 0..3_usize, prop::collection::vec(sample, 1..5));
    prop::collection::vec(family, 0..5).prop_map(|families| {
        let mut text = String::new();
        for (at, (name, kind, samples)) in families.into_iter().enumerate() {
            // Each family once, and no name that ends as those of histograms do.
            let (name, kind) = (format!("{name}_{at}x"), ["counter", "gauge", "untyped"][kind]);
            text += &format!("# HELP {name} some help\n# TYPE {name} {kind}\n");
            for (labels, value, time) in samples {
                let labels: Vec<String> =
                    labels.iter().map(|(name, value)| format!("{name}=\"{value}\"")).collect();
                let labels =
                    if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
                let time = time.map_or_else(String::new, |time| format!(" {time}"));
                text += &format!("{name}{labels} {value}{time}\n");
            }
        }
        text
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn samples_are_those_of_the_oracle(text in page()) {
        prop_assert_eq!(by_us(&text), by_oracle(&text), "{}", text);
    }
}
