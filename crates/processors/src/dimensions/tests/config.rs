//! What configurations say, and what is wrong with them.

use weir_core::Value;

use super::*;
use crate::dimensions::{ApplyTo, rules::Rule};

#[test]
fn what_is_wrong_with_an_action_is_said_at_the_key_that_shows_it() {
    let pattern = |verb, key: &str, text: &str| Action { pattern: Some(text.into()), ..action(verb, key) };
    let from_context = |text: &str| Action { from_context: Some(text.into()), ..action(Verb::Insert, "k") };
    let both = Action { from_env: Some("E".into()), ..literal(Verb::Insert, "k", "v") };
    let cases = [
        (literal(Verb::Insert, "", "v"), "key", "empty"),
        (action(Verb::Insert, "k"), "action", "an insert takes one of `value`, `from_attribute`"),
        (both, "from_env", "`value` gives the insert its value already"),
        (literal(Verb::Delete, "k", "v"), "value", "a delete takes no `value`; it takes `pattern`"),
        (action(Verb::Rename, "k"), "action", "`from_attribute`"),
        (literal(Verb::Rename, "k", "v"), "value", "`from_attribute`"),
        (rename("", "k"), "from_attribute", "empty"),
        (action(Verb::Extract, "k"), "action", "an extract takes a `pattern`"),
        (pattern(Verb::Extract, "k", "(.*)"), "pattern", "every group names the attribute"),
        (pattern(Verb::Extract, "k", "a"), "pattern", "every group names the attribute"),
        (pattern(Verb::Hash, "k", "(a"), "pattern", "not a regular expression: unclosed group"),
        (action(Verb::Convert, "k"), "action", "a convert takes a `converted_type`"),
        (action(Verb::Map, "k"), "action", "a map takes a `values`"),
        (from_context("x"), "from_context", "write `client.address`, or a header as `metadata.NAME`"),
        (from_context("auth.subject"), "from_context", "`auth.subject` is not known of a connection"),
    ];
    for (action, key, words) in cases {
        let problem = Rule::new(&action, &|_| None).unwrap_err();
        assert_eq!(problem.path, [key], "{action:?}");
        assert!(problem.message.contains(words), "{}", problem.message);
    }
}

/// Reads a section of a configuration as the engine does; answers the words that errors point at, if there are any.
fn read(yaml: &str) -> Result<Config, Vec<String>> {
    let (config, told) = weir_testkit::section::<Config>(yaml, &[]);
    config.filter(|_| told.is_empty()).ok_or(told.into_iter().map(|told| told.at).collect())
}

#[test]
fn the_collectors_keys_are_read() {
    let attributes = read("actions: [{key: a, action: insert, value: 5}, {key: b, action: delete}]").unwrap();
    assert_eq!(attributes.actions.len(), 2);
    assert_eq!(attributes.actions[0].value, Some(Literal(Value::Int(5))));
    let resource = read("attributes: [{key: a, action: upsert, from_attribute: b}]").unwrap();
    assert_eq!((resource.resource.len(), resource.actions.len()), (1, 0));
    let detection = "
detectors: [env, system]
timeout: 2s
override: false
refresh_interval: 5m
fail_on_missing_metadata: false
system:
  hostname_sources: [os]
  resource_attributes:
    host.id: {enabled: true}
";
    let detection = read(detection).unwrap();
    assert_eq!((detection.detectors.len(), detection.replaces), (2, false));
    assert_eq!(detection.apply_to, ApplyTo::ThisHost);
    let filtered = "
include: {match_type: regexp, metric_names: ['^http'], resources: [{key: service.name, value: shop}]}
actions:
  - {key: email, action: hash}
  - {pattern: '^secret', action: delete}
  - {key: url, action: extract, pattern: '^(?P<scheme>[a-z]+)://'}
  - {key: status, action: convert, converted_type: int}
  - {key: tenant, action: upsert, from_context: metadata.X-Tenant, default_value: none}
";
    assert_eq!(read(filtered).unwrap().actions.len(), 5);
}

#[test]
fn an_error_points_at_the_word_that_is_wrong() {
    let cases = [
        ("actions: [{key: a, action: remove}]", "remove"),
        ("actions: [{key: a, action: insert}]", "insert"),
        ("attributes: [{key: a, action: upsert}]", "upsert"),
        ("resource: [{key: a, action: rename}]", "rename"),
        ("actions: [{key: a, action: delete, value: x}]", "x"),
        ("actions: [{key: a, action: insert, value: x, from_env: E}]", "E"),
        ("actions: [{key: a, action: insert, value: [1]}]", "[1]"),
        ("actions: [{key: a, action: insert, value: null}]", "null"),
        ("actions: [{key: a, action: insert, value: 1, from_context: client.address}]", "client.address"),
        ("actions: [{action: insert, value: 1}]", "action"),
        ("actions: [{action: delete}]", "action"),
        ("actions: [{key: a, action: map, values: {5-4: x}}]", "x"),
        ("actions: [{key: a, action: map, values: {1-4: x, 4-9: y}}]", "y"),
        ("actions: [{key: a, action: convert, converted_type: bool}]", "bool"),
        ("actions: [{key: a, action: upsert, from_metadata: host.id}]", "host.id"),
        ("detectors: [env, gcp]", "gcp"),
        ("detectors: [env, system, env]", "env"),
        ("detectors: [env]\nretry: {enabled: true}", "{enabled: true}"),
        ("detectors: [env]\nfail_on_missing_metadata: true", "true"),
        ("detectors: [env]\ntimeout: 0s", "0s"),
        ("detectors: [system]\nsystem: {hostname_sources: [dns]}", "dns"),
        ("detectors: [system]\nsystem: {resource_attributes: {host.ip: {enabled: true}}}", "host.ip"),
        ("detectors: [k8s_downward]\nk8s_downward: {path: podinfo}", "podinfo"),
        ("append: [InstanceID]", "InstanceID"),
        ("append_dimensions: {InstanceId: x}", "{InstanceId: x}"),
        ("detectors: [ec2]\nec2: {tags: ['(']}", "'('"),
        ("detectors: [ec2]\nec2: {max_attempts: 3}", "max_attempts"),
        ("detectors: [ec2]\nec2: {max_backoff: 20s}", "max_backoff"),
        ("detectors: [ec2]\nec2: {fail_on_missing_metadata: true}", "fail_on_missing_metadata"),
        ("include: {match_type: strict}", "{match_type: strict}"),
        ("include: {match_type: strict, services: [a]}", "services"),
        ("exclude: {match_type: regexp, metric_names: ['(']}", "'('"),
    ];
    for (yaml, word) in cases {
        let found = read(yaml).unwrap_err();
        assert_eq!(found.last().map(String::as_str), Some(word), "{yaml}: {found:?}");
        assert!(found.len() == 1 || yaml.contains("services"), "{yaml}: {found:?}");
    }
}
