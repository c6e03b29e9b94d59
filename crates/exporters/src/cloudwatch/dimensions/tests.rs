use std::{collections::BTreeMap, sync::Arc};

use weir_core::{Attributes, Descriptor, KeyValue, Resource, Scope, Value};

use super::*;

fn attributes(pairs: &[(&str, &str)]) -> Attributes {
    Attributes::new(pairs.iter().map(|(key, value)| KeyValue::new(key, Value::str(value))).collect())
}

fn identity(resource: &[(&str, &str)], point: &[(&str, &str)]) -> Identity {
    Identity {
        resource: Arc::new(Resource { attributes: attributes(resource), schema_url: "".into() }),
        scope: Arc::new(Scope::default()),
        descriptor: Arc::new(Descriptor::gauge("m", "1")),
        attributes: attributes(point),
    }
}

fn config(attributes: &[&str], resource: &[&str], fixed: &[(&str, &str)]) -> DimensionsConfig {
    let owned = |list: &[&str]| list.iter().map(|&name| name.to_owned()).collect();
    DimensionsConfig {
        attributes: owned(attributes),
        resource: owned(resource),
        fixed: fixed.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect(),
    }
}

fn dimensions(config: &DimensionsConfig, of: &Identity) -> (Vec<(String, String)>, Repairs) {
    let (rule, mut repairs) = (DimensionRule::new(config, false), Repairs::default());
    let dimensions = rule.of(of, &mut repairs).into_iter();
    (dimensions.map(|(name, value)| (name.into_owned(), value.into_owned())).collect(), repairs)
}

/// What was repaired, and how often.
fn counts(repairs: &Repairs) -> Vec<(Reason, u64)> {
    repairs.iter().map(|(what, times, _)| (what, times)).collect()
}

fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
}

#[test]
fn by_default_point_attributes_are_dimensions_and_resource_attributes_are_not() {
    let of = identity(&[("service.name", "shop")], &[("route", "/a"), ("code", "200")]);
    let (found, repairs) = dimensions(&DimensionsConfig::default(), &of);
    assert_eq!(found, owned(&[("code", "200"), ("route", "/a")]));
    assert_eq!(counts(&repairs), []);
}

#[test]
fn lists_and_patterns_choose_and_the_point_wins_over_the_resource_over_static() {
    let of = identity(
        &[
            ("k8s.pod.name", "p"),
            ("k8s.pod.uid", "u"),
            ("service.name", "from resource"),
            ("env", "from resource"),
        ],
        &[("env", "from point"), ("route", "/a")],
    );
    let config =
        config(&["env"], &["k8s.*.name", "service.name", "env"], &[("service.name", "static"), ("x", "y")]);
    let (found, repairs) = dimensions(&config, &of);
    let expected =
        [("env", "from point"), ("k8s.pod.name", "p"), ("service.name", "from resource"), ("x", "y")];
    assert_eq!(found, owned(&expected));
    assert_eq!(counts(&repairs), [(COLLISIONS, 2)]);
}

#[test]
fn values_become_what_the_service_takes_and_each_repair_is_counted() {
    let long = "x".repeat(2000);
    let of = identity(
        &[],
        &[
            ("city", "Köln"),
            ("line", "a\nb"),
            (":colon", "c"),
            ("empty", ""),
            ("blank", "  "),
            ("long", &long),
        ],
    );
    let (found, repairs) = dimensions(&DimensionsConfig::default(), &of);
    let found: BTreeMap<_, _> = found.into_iter().collect();
    assert_eq!(found["city"], "K_ln");
    assert_eq!(found["line"], "a_b");
    assert_eq!(found["_colon"], "c");
    assert_eq!(found["long"].len(), 1024);
    assert_eq!(found.len(), 4);
    assert_eq!(counts(&repairs), [(BLANK, 2), (REPLACED, 3), (SHORTENED, 1)]);
}

#[test]
fn of_more_than_thirty_the_ones_asked_for_most_plainly_stay() {
    let points: Vec<(String, String)> = (0..40).map(|i| (format!("a{i:02}"), "v".to_owned())).collect();
    let points: Vec<(&str, &str)> = points.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    let of = identity(&[("z.resource", "r")], &points);
    let (found, repairs) = dimensions(&config(&["*"], &["z.resource"], &[("zz", "static")]), &of);
    assert_eq!(found.len(), 30);
    assert_eq!(counts(&repairs), [(DIMENSIONS_CUT, 12)]);
    let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!((names[0], names[27], names[28], names[29]), ("a00", "a27", "z.resource", "zz"));
}

#[test]
fn a_quantile_is_a_dimension_whatever_is_listed_and_however_many_there_are() {
    let fixed: Vec<(String, &str)> = (0..30).map(|i| (format!("s{i:02}"), "v")).collect();
    let fixed: Vec<(&str, &str)> = fixed.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    let of = identity(&[], &[("quantile", "0.5"), ("route", "/a")]);
    for (has_quantiles, expected) in [(true, Some("0.5")), (false, None)] {
        let rule = DimensionRule::new(&config(&["route"], &[], &fixed), has_quantiles);
        let found = rule.of(&of, &mut Repairs::default());
        let quantile = found.iter().find(|(name, _)| name == "quantile").map(|(_, value)| &**value);
        assert_eq!((found.len(), quantile), (30, expected));
    }
}

#[test]
fn patterns_match_as_written() {
    let cases = [
        ("*", "", true),
        ("*", "a.b", true),
        ("k8s.*", "k8s.pod", true),
        ("k8s.*", "k8", false),
        ("*.name", "k8s.pod.name", true),
        ("a*b*c", "a-b-c", true),
        ("a*b*c", "abc", true),
        ("a*b*c", "acb", false),
        ("a*a", "a", false),
        ("ab", "ab", true),
        ("ab", "abc", false),
        ("*é*", "café au", true),
    ];
    for (pattern, name, expected) in cases {
        assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
    }
}

#[test]
fn metric_names_are_cut_and_freed_of_control_characters() {
    let mut repairs = Repairs::default();
    assert_eq!(metric_name("cpu.time", &mut repairs), "cpu.time");
    assert_eq!(counts(&repairs), []);
    assert_eq!(metric_name("a\tb", &mut repairs), "a_b");
    assert_eq!(metric_name(&"ü".repeat(300), &mut repairs), "ü".repeat(255));
    assert_eq!(counts(&repairs), [(REPLACED, 1), (SHORTENED, 1)]);
}
