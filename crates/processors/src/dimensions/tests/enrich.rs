//! What detectors find, and who gets it.

use weir_core::{Attributes, Findings, KeyValue};
use weir_detectors::DetectorName;

use super::*;
use crate::dimensions::ApplyTo;

fn metadata(verb: Verb, key: &str, name: &str) -> Action {
    Action { from_metadata: Some(name.to_owned()), ..action(verb, key) }
}

/// A stage that asks for the pod's detector, and the place for its findings: the test plays the detector.
fn asking(config: Config) -> (Case, Findings) {
    let case = Case::new(Config { detectors: vec![DetectorName::K8sDownward], ..config });
    case.fixture.set_of_this_host();
    let (_, findings) = case.fixture.detectors().pop().unwrap();
    (case, findings)
}

fn found(pairs: &[(&str, &str)]) -> Attributes {
    Attributes::new(pairs.iter().map(|(key, value)| KeyValue::new(key, Value::str(value))).collect())
}

#[test]
fn metadata_that_arrives_late_shows_from_then_on_and_the_stream_stays() {
    let (mut case, mut findings) = asking(on_points(vec![metadata(Verb::Insert, "InstanceId", "host.id")]));
    let series = case.stream(&[], &[]);
    assert_eq!(case.rewritten(&series).id(), series.id());
    findings.publish(found(&[("host.id", "i-1")]), None);
    let after = case.rewritten(&series);
    assert_eq!(text(after.attributes()), pairs(&[("InstanceId", "i-1")]));
    assert_eq!(text(&after.resource().attributes), pairs(&[("host.id", "i-1")]));
    assert_eq!(after.stream(), series.stream());
    assert_eq!(case.rewritten(&series).id(), after.id());
    findings.publish(found(&[("host.id", "i-2")]), None);
    assert_eq!(text(case.rewritten(&series).attributes()), pairs(&[("InstanceId", "i-2")]));
}

#[test]
fn what_is_found_replaces_what_a_resource_says_unless_it_must_not() {
    for (replaces, name) in [(true, "found"), (false, "said")] {
        let (mut case, mut findings) = asking(Config { replaces, ..Config::default() });
        findings.publish(found(&[("k8s.pod.name", "found"), ("k8s.pod.uid", "u")]), None);
        let series = case.stream(&[("k8s.pod.name", "said"), ("service.name", "shop")], &[]);
        let expected = pairs(&[("k8s.pod.name", name), ("k8s.pod.uid", "u"), ("service.name", "shop")]);
        assert_eq!(text(&case.rewritten(&series).resource().attributes), expected);
    }
}

#[test]
fn series_of_other_hosts_get_nothing_unless_they_are_told_to() {
    let actions = || vec![metadata(Verb::Insert, "pod", "k8s.pod.name")];
    for (apply_to, gets) in [(ApplyTo::ThisHost, 0), (ApplyTo::All, 1)] {
        let config = Config { apply_to, detectors: vec![DetectorName::K8sDownward], ..on_points(actions()) };
        let mut case = Case::new(config); // its door is not said to be of this host
        let (_, mut findings) = case.fixture.detectors().pop().unwrap();
        findings.publish(found(&[("k8s.pod.name", "weir-1")]), None);
        let series = case.stream(&[], &[]);
        let after = case.rewritten(&series);
        assert_eq!(
            (after.attributes().len(), after.resource().attributes.len()),
            (gets, gets),
            "{apply_to:?}"
        );
    }
}

#[test]
fn a_series_that_was_renamed_on_its_way_is_still_of_its_host() {
    let (mut case, mut findings) = asking(Config::default());
    findings.publish(found(&[("k8s.pod.name", "weir-1")]), None);
    let series = case.stream(&[], &[("k", "v")]);
    let renamed = case.fixture.interner.rewritten(&series, case.fixture.identity(counter(), &[], &[]));
    let after = case.rewritten(&renamed);
    assert_eq!(text(&after.resource().attributes), pairs(&[("k8s.pod.name", "weir-1")]));
}

#[test]
fn actions_see_what_was_found_and_the_resources_of_excluded_series_stay() {
    let (mut case, mut findings) = asking(Config {
        resource: vec![rename("k8s.pod.name", "pod")],
        actions: vec![Action { from_resource: Some("pod".into()), ..action(Verb::Insert, "pod") }],
        exclude: Some(crate::dimensions::Matching {
            match_type: crate::dimensions::MatchType::Strict,
            metric_names: Vec::new(),
            resources: vec![crate::dimensions::Wanted { key: "leave".into(), value: None }],
        }),
        ..Config::default()
    });
    findings.publish(found(&[("k8s.pod.name", "weir-1")]), None);
    let (meant, left) = (case.stream(&[], &[]), case.stream(&[("leave", "me")], &[]));
    let after = case.rewritten(&meant);
    assert_eq!(text(after.attributes()), pairs(&[("pod", "weir-1")]));
    assert_eq!(text(&after.resource().attributes), pairs(&[("pod", "weir-1")]));
    assert_eq!(case.rewritten(&left).id(), left.id());
}

#[test]
fn two_stages_that_ask_for_the_same_share_one_detector() {
    let fixture = Fixture::new();
    let config = || Config { detectors: vec![DetectorName::K8sDownward], ..Config::default() };
    let _stages = [(); 2].map(|()| Rig::new::<Dimensions>(config(), fixture.context("dimensions")));
    assert_eq!(fixture.detectors().len(), 1);
}
