//! The keys, as a person writes them, and which metrics they convert.

use weir_testkit::section;

use super::*;

/// What a section says, and each error with the text that it points at.
fn read(yaml: &str) -> (Option<Config>, Vec<(String, String)>) {
    let (config, told) = section(yaml, &[]);
    (config, told.into_iter().map(|one| (one.at, one.message)).collect())
}

/// Each error of a section with the text that it points at.
fn errors(yaml: &str) -> Vec<(String, String)> {
    read(yaml).1
}

/// Whether a metric is converted under a configuration.
fn converts(yaml: &str, name: &str, kind: Kind) -> bool {
    let (config, errors) = read(yaml);
    assert_eq!(errors, []);
    super::super::filter::Filter::new(&config.unwrap()).takes(&Descriptor {
        name: name.into(),
        kind,
        ..counter()
    })
}

#[test]
fn the_keys_of_the_collector_are_understood() {
    let all = "
include:
  metrics: ['requests', 'bytes.*']
  match_type: regexp
  metric_types: [sum, histogram, exponentialhistogram]
exclude: { metrics: [requests.slow], match_type: strict }
max_staleness: 10m
initial_value: drop
";
    assert_eq!(errors(all), []);
}

#[test]
fn what_is_wrong_with_a_filter_is_said_where_it_stands() {
    let cases = [
        ("include: {}", "{}", "`include` names nothing"),
        ("exclude: { match_type: strict }", "strict", "there are no `metrics` to compare"),
        ("include: { metrics: [a] }", "[a]", "`match_type` is missing beside `metrics`"),
        (
            "include: { metrics: ['a('], match_type: regexp }",
            "['a(']",
            "a pattern cannot be read: unclosed group",
        ),
        ("save_interval: 10ms", "10ms", "10ms is too short: at least 1s"),
    ];
    for (yaml, place, message) in cases {
        let found = errors(yaml);
        assert!(found.iter().any(|(at, words)| at == place && words == message), "{yaml}: {found:?}");
    }
}

#[test]
fn include_takes_what_fits_all_of_it_and_exclude_wins_with_any() {
    let strict = "include: { metrics: [a, b], match_type: strict }";
    assert!(converts(strict, "a", Kind::Sum) && !converts(strict, "ab", Kind::Sum));
    let part = "include: { metrics: ['^req.*total$', 'byte'], match_type: regexp }";
    assert!(converts(part, "requests_total", Kind::Sum) && converts(part, "kilobytes", Kind::Sum));
    assert!(!converts(part, "a_requests_total", Kind::Sum));
    let both = "include: { metrics: [a], match_type: strict, metric_types: [histogram] }";
    assert!(converts(both, "a", Kind::Histogram));
    assert!(!converts(both, "a", Kind::Sum) && !converts(both, "b", Kind::Histogram));
    let without = "
include: { metrics: [a, b], match_type: strict }
exclude: { metrics: [b], match_type: strict, metric_types: [exponential_histogram] }";
    assert!(converts(without, "a", Kind::Sum) && !converts(without, "b", Kind::Sum));
    assert!(!converts(without, "a", Kind::ExponentialHistogram), "either is enough");
    assert!(converts("", "anything", Kind::Histogram));
}

#[test]
fn what_is_not_converted_passes_unchanged() {
    let exclude = Some(super::super::Match {
        metrics: vec!["requests".to_owned()],
        match_type: Some(super::super::MatchType::Strict),
        metric_types: Vec::new(),
    });
    let mut case = Case::new(Config { exclude, ..with(InitialValue::Drop) });
    let given = [5, 3].map(|value| point(&case.series, OLD, NEW, Int(value)));
    assert_eq!(case.rig.numbers(case.fixture.batch(given)), given);
}
