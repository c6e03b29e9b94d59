mod actions;
mod config;
mod enrich;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use proptest::prelude::*;
use weir_core::{Descriptor, Number, Series, Temporality, Value};
use weir_detectors::Environment;
use weir_testkit::{Fixture, Rig, START, point};

use super::{Action, Config, Dimensions, Literal, Verb, rewrite::Rewriter};

fn counter() -> Descriptor {
    Descriptor::sum("requests", "1", Temporality::Cumulative, true)
}

fn action(action: Verb, key: &str) -> Action {
    Action::new(action, key)
}

fn literal(verb: Verb, key: &str, value: &str) -> Action {
    Action { value: Some(Literal(Value::str(value))), ..action(verb, key) }
}

fn rename(from: &str, to: &str) -> Action {
    Action { from_attribute: Some(from.to_owned()), ..action(Verb::Rename, to) }
}

fn on_points(actions: Vec<Action>) -> Config {
    Config { actions, ..Config::default() }
}

struct Case {
    fixture: Fixture,
    rig: Rig,
}

impl Case {
    fn new(config: Config) -> Self {
        let fixture = Fixture::new();
        let rig = Rig::new::<Dimensions>(config, fixture.context("dimensions"));
        Self { fixture, rig }
    }

    fn stream(&self, resource: &[(&str, &str)], attributes: &[(&str, &str)]) -> Arc<Series> {
        self.fixture.stream_of(self.fixture.identity(counter(), resource, attributes))
    }

    /// What a point of `series` is called afterwards.
    fn rewritten(&mut self, series: &Series) -> Arc<Series> {
        let given = point(series, 0, START, Number::Int(1));
        let out = self.rig.process(self.fixture.batch([given]));
        self.rig.account();
        let id = out[0].numbers[0].series;
        let mut expected = given;
        expected.series = id;
        assert_eq!(out[0].numbers, [expected], "only the name changes");
        self.fixture.series(id)
    }

    fn attributes(&mut self, attributes: &[(&str, &str)]) -> BTreeMap<String, String> {
        let series = self.stream(&[], attributes);
        text(self.rewritten(&series).attributes())
    }
}

fn text(attributes: &weir_core::Attributes) -> BTreeMap<String, String> {
    attributes.iter().map(|kv| (kv.key.to_string(), kv.value.to_string())).collect()
}

fn pairs(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn the_example_of_the_documentation() {
    let mut case = Case::new(on_points(vec![
        Action { from_resource: Some("service.name".into()), ..action(Verb::Insert, "service") },
        rename("http.request.method", "method"),
        literal(Verb::Upsert, "environment", "production"),
        action(Verb::Delete, "net.peer.ip"),
    ]));
    let series = case
        .stream(&[("service.name", "shop")], &[("http.request.method", "GET"), ("net.peer.ip", "10.0.0.7")]);
    let after = case.rewritten(&series);
    let expected = pairs(&[("environment", "production"), ("method", "GET"), ("service", "shop")]);
    assert_eq!(text(after.attributes()), expected);
    assert_eq!(text(&after.resource().attributes), pairs(&[("service.name", "shop")]));
    assert_eq!((after.stream(), after.descriptor()), (series.stream(), series.descriptor()));
}

#[test]
fn each_action_does_what_its_word_says() {
    type Pairs<'a> = &'a [(&'a str, &'a str)];
    let there = [("k", "old"), ("x", "1")];
    let cases: [(Action, Pairs<'_>, Pairs<'_>); 12] = [
        (literal(Verb::Insert, "k", "new"), &there, &[("k", "old"), ("x", "1")]),
        (literal(Verb::Insert, "k", "new"), &[], &[("k", "new")]),
        (literal(Verb::Update, "k", "new"), &there, &[("k", "new"), ("x", "1")]),
        (literal(Verb::Update, "k", "new"), &[], &[]),
        (literal(Verb::Upsert, "k", "new"), &there, &[("k", "new"), ("x", "1")]),
        (literal(Verb::Upsert, "k", "new"), &[], &[("k", "new")]),
        (action(Verb::Delete, "k"), &there, &[("x", "1")]),
        (action(Verb::Delete, "k"), &[], &[]),
        (rename("x", "k"), &there, &[("k", "1")]),
        (rename("y", "k"), &there, &[("k", "old"), ("x", "1")]),
        (rename("k", "k"), &there, &[("k", "old"), ("x", "1")]),
        (
            Action { from_attribute: Some("x".into()), ..action(Verb::Upsert, "k") },
            &there,
            &[("k", "1"), ("x", "1")],
        ),
    ];
    for (action, before, after) in cases {
        let mut case = Case::new(on_points(vec![action.clone()]));
        assert_eq!(case.attributes(before), pairs(after), "{action:?} on {before:?}");
    }
}

#[test]
fn actions_follow_one_another_and_resources_come_first() {
    let mut case = Case::new(Config {
        actions: vec![
            Action { from_resource: Some("env".into()), ..action(Verb::Insert, "a") },
            Action { from_attribute: Some("a".into()), ..action(Verb::Insert, "b") },
            action(Verb::Delete, "a"),
        ],
        resource: vec![rename("deployment.environment", "env")],
        ..Config::default()
    });
    let series = case.stream(&[("deployment.environment", "prod")], &[]);
    let after = case.rewritten(&series);
    assert_eq!(text(after.attributes()), pairs(&[("b", "prod")]));
    assert_eq!(text(&after.resource().attributes), pairs(&[("env", "prod")]));
}

#[test]
fn values_keep_their_type() {
    for value in [Value::Bool(true), Value::Int(7), Value::Double(0.5), Value::str("0123")] {
        let mut case = Case::new(on_points(vec![Action {
            value: Some(Literal(value.clone())),
            ..action(Verb::Insert, "k")
        }]));
        let series = case.stream(&[], &[]);
        assert_eq!(case.rewritten(&series).attributes().get("k"), Some(&value));
    }
}

#[test]
fn the_environment_is_read_and_what_is_not_set_is_left_out() {
    let fixture = Fixture::new();
    let from_env = |name: &str| Action { from_env: Some(name.into()), ..action(Verb::Upsert, name) };
    let config = on_points(vec![from_env("POD"), from_env("NODE")]);
    assert_eq!(config.variables().collect::<Vec<_>>(), ["POD", "NODE"]);
    let env: Environment = Arc::new(|name| (name == "POD").then(|| "pod-1".to_owned()));
    let mut stage = Rewriter::new(&config, fixture.context("dimensions"), &env);
    let series = fixture.stream(counter(), &[("NODE", "as it was")]);
    let mut out = weir_core::Out::default();
    let batch = fixture.batch([point(&series, 0, START, Number::Int(1))]);
    weir_core::Processor::process(&mut stage, batch, &mut out);
    let batches = out.take();
    let after = fixture.series(batches[0].numbers[0].series);
    assert_eq!(text(after.attributes()), pairs(&[("NODE", "as it was"), ("POD", "pod-1")]));
}

#[test]
fn a_series_that_the_rules_leave_alone_passes_under_its_own_id() {
    let mut case = Case::new(on_points(vec![action(Verb::Delete, "absent")]));
    let series = case.stream(&[], &[("k", "v")]);
    assert_eq!(case.rewritten(&series).id(), series.id());
    let mut case = Case::new(Config::default());
    let series = case.stream(&[], &[("k", "v")]);
    assert_eq!(case.rewritten(&series).id(), series.id());
}

#[test]
fn two_writers_under_one_name_stay_two_streams() {
    let mut case = Case::new(on_points(vec![action(Verb::Delete, "pod")]));
    let (a, b) = (case.stream(&[], &[("pod", "a")]), case.stream(&[], &[("pod", "b")]));
    let (a, b) = (case.rewritten(&a), case.rewritten(&b));
    assert_eq!(a.attributes(), b.attributes());
    assert_ne!(a.stream(), b.stream());
}

#[test]
fn every_kind_of_point_is_rewritten() {
    let mut case = Case::new(on_points(vec![literal(Verb::Insert, "k", "v")]));
    let series = case.stream(&[], &[]);
    let mut batch = case.fixture.batch([]);
    batch.summaries.push(weir_core::SummaryPoint {
        series: series.id(),
        flags: weir_core::Flags::default(),
        start: weir_testkit::seconds(0),
        time: weir_testkit::seconds(START),
        count: 1,
        sum: 1.0,
        quantiles: weir_core::Span::default(),
    });
    let out = case.rig.process(batch);
    let after = case.fixture.series(out[0].summaries[0].series);
    assert_eq!(text(after.attributes()), pairs(&[("k", "v")]));
}

#[test]
fn nothing_is_held_of_a_series_that_is_gone() {
    let mut case = Case::new(on_points(vec![literal(Verb::Insert, "k", "v")]));
    let series = case.stream(&[], &[]);
    case.rewritten(&series);
    drop(series);
    case.fixture.interner.sweep();
    case.rig.tick_after(Duration::from_secs(10));
    case.fixture.interner.sweep();
    assert_eq!(case.fixture.interner.stats().series, 0);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Against a map that each action is applied to.
    #[test]
    fn it_does_what_a_map_does(
        before in prop::collection::btree_map("[a-d]", "[0-9]{1,2}", 0..4),
        actions in prop::collection::vec((0..5usize, "[a-d]", "[a-d]", any::<bool>()), 0..8),
    ) {
        let mut expected = before.clone();
        let mut list = Vec::new();
        for (verb, key, other, copies) in actions {
            let verb = [Verb::Insert, Verb::Update, Verb::Upsert, Verb::Delete, Verb::Rename][verb];
            let value = if copies { expected.get(&other).cloned() } else { Some(other.clone()) };
            let present = expected.contains_key(&key);
            match verb {
                Verb::Delete => drop(expected.remove(&key)),
                Verb::Rename => {
                    if let Some(value) = expected.remove(&other) {
                        expected.insert(key.clone(), value);
                    }
                }
                Verb::Insert if present => {}
                Verb::Update if !present => {}
                Verb::Insert | Verb::Update | Verb::Upsert => expected.extend(value.map(|v| (key.clone(), v))),
                _ => unreachable!("not among the five"),
            }
            list.push(match verb {
                Verb::Delete => action(verb, &key),
                Verb::Rename => rename(&other, &key),
                _ if copies => Action { from_attribute: Some(other), ..action(verb, &key) },
                _ => literal(verb, &key, &other),
            });
        }
        let mut case = Case::new(on_points(list));
        let before: Vec<(&str, &str)> = before.iter().map(|(k, v)| (&**k, &**v)).collect();
        prop_assert_eq!(case.attributes(&before), expected);
    }
}
