//! The verbs that change values, and the series that actions are for.

use super::*;
use crate::dimensions::{ConvertedType, MatchType, Matching, Wanted};

/// What an action makes of `k`.
fn becomes(action: Action, value: Value) -> Option<Value> {
    let mut case = Case::new(on_points(vec![action]));
    let mut identity = case.fixture.identity(counter(), &[], &[]);
    identity.attributes = weir_core::Attributes::new(vec![weir_core::KeyValue::new("k", value)]);
    let series = case.fixture.stream_of(identity);
    case.rewritten(&series).attributes().get("k").cloned()
}

#[test]
fn a_hash_is_the_sha_256_of_the_bytes_that_the_collector_hashes() {
    // By `printf … | sha256sum`.
    let cases = [
        (Value::str("hello"), "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"),
        (Value::Bool(true), "4bf5122f344554c53bde2ebb8cd2b7e3d1600ad631c385a5d7cce23c7785459a"),
        (Value::Int(1), "7c9fa136d4413fa6173637e883b6998d32e1d675f88cddff9dcbcf331820f4b8"),
        (Value::Double(1.0), "6c3c396ed6b5c36dcae172271f462051b1266b851e92df3deea8ac65478fd712"),
        (Value::str(""), ""),
    ];
    for (value, expected) in cases {
        assert_eq!(becomes(action(Verb::Hash, "k"), value), Some(Value::str(expected)));
    }
}

#[test]
fn a_pattern_means_every_attribute_whose_name_it_finds() {
    let with = |verb, key: &str| Action { pattern: Some("^secret".into()), ..action(verb, key) };
    let before = [("secret.a", "1"), ("my.secret", "2"), ("x", "3"), ("y", "4")];
    let mut case = Case::new(on_points(vec![with(Verb::Delete, "")]));
    assert_eq!(case.attributes(&before), pairs(&[("my.secret", "2"), ("x", "3"), ("y", "4")]));
    let mut case = Case::new(on_points(vec![with(Verb::Delete, "x")]));
    assert_eq!(case.attributes(&before), pairs(&[("my.secret", "2"), ("y", "4")]));
    let mut case = Case::new(on_points(vec![with(Verb::Hash, "")]));
    let after = case.attributes(&before);
    assert_eq!(after["secret.a"], "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b");
    assert_eq!((&*after["my.secret"], &*after["x"]), ("2", "3"));
}

#[test]
fn an_extract_sets_an_attribute_a_named_group_and_leaves_its_source() {
    let pattern = r"^(?P<scheme>[a-z]+)://(?P<host>[^/:]+)(?::(?P<port>\d+))?";
    let extract = || Action { pattern: Some(pattern.into()), ..action(Verb::Extract, "url") };
    let cases = [
        (
            vec![("url", "http://shop:80/cart"), ("host", "old")],
            vec![("url", "http://shop:80/cart"), ("scheme", "http"), ("host", "shop"), ("port", "80")],
        ),
        // A group that takes no part adds nothing.
        (vec![("url", "http://shop/")], vec![("url", "http://shop/"), ("scheme", "http"), ("host", "shop")]),
        (vec![("url", "/cart"), ("host", "old")], vec![("url", "/cart"), ("host", "old")]),
        (vec![("x", "1")], vec![("x", "1")]),
    ];
    for (before, after) in cases {
        let mut case = Case::new(on_points(vec![extract()]));
        assert_eq!(case.attributes(&before), pairs(&after));
    }
}

#[test]
fn a_convert_changes_the_type_or_leaves_the_value() {
    let cases = [
        (ConvertedType::Int, Value::str("404"), Value::Int(404)),
        (ConvertedType::Int, Value::Double(1.9), Value::Int(1)),
        (ConvertedType::Int, Value::Bool(true), Value::Int(1)),
        (ConvertedType::Int, Value::str("4.5"), Value::str("4.5")),
        (ConvertedType::Int, Value::Int(3), Value::Int(3)),
        (ConvertedType::Double, Value::str("1.5"), Value::Double(1.5)),
        (ConvertedType::Double, Value::Int(2), Value::Double(2.0)),
        (ConvertedType::Double, Value::str("x"), Value::str("x")),
        (ConvertedType::String, Value::Int(404), Value::str("404")),
        (ConvertedType::String, Value::Bool(false), Value::str("false")),
    ];
    for (to, before, after) in cases {
        let action = Action { converted_type: Some(to), ..action(Verb::Convert, "k") };
        assert_eq!(becomes(action, before.clone()), Some(after), "{before:?} to {to:?}");
    }
}

#[test]
fn a_map_takes_texts_before_ranges_and_leaves_what_it_does_not_know() {
    let table =
        [("200-299", "2xx"), ("400-499", "4xx"), ("404", "missing"), ("GET", "read"), ("0.5-1.5", "one")];
    let values = table.map(|(from, to)| (from.to_owned(), Literal(Value::str(to)))).into();
    let map = Action { values, ..action(Verb::Map, "k") };
    let cases = [
        (Value::Int(200), "2xx"),
        (Value::Int(299), "2xx"),
        (Value::Int(300), "300"),
        (Value::Int(199), "199"),
        (Value::Int(404), "missing"),
        (Value::str("418"), "4xx"),
        (Value::str("GET"), "read"),
        (Value::str("PUT"), "PUT"),
        (Value::Double(0.75), "one"),
        (Value::Bool(true), "true"),
    ];
    for (before, after) in cases {
        assert_eq!(becomes(map.clone(), before.clone()).unwrap().to_string(), after, "{before:?}");
    }
    let default_value = Some(Literal(Value::str("other")));
    let map = Action { default_value, ..map };
    assert_eq!(becomes(map.clone(), Value::str("PUT")), Some(Value::str("other")));
    assert_eq!(becomes(map, Value::Int(204)), Some(Value::str("2xx")));
}

#[test]
fn a_default_stands_in_where_the_source_has_nothing() {
    let action = Action {
        from_attribute: Some("from".into()),
        default_value: Some(Literal(Value::str("none"))),
        ..action(Verb::Upsert, "k")
    };
    let mut case = Case::new(on_points(vec![action]));
    assert_eq!(case.attributes(&[]), pairs(&[("k", "none")]));
    assert_eq!(case.attributes(&[("from", "x")]), pairs(&[("from", "x"), ("k", "x")]));
}

#[test]
fn what_is_known_of_the_connection_comes_from_what_was_received() {
    let from =
        |key: &str, text: &str| Action { from_context: Some(text.into()), ..action(Verb::Insert, key) };
    let mut case = Case::new(Config {
        actions: vec![
            from("peer", "client.address"),
            from("tenant", "metadata.X-Tenant"),
            from("no", "metadata.x"),
        ],
        resource: vec![action(Verb::Delete, "client.address")],
        ..Config::default()
    });
    let series = case.stream(&[("client.address", "10.0.0.7"), ("metadata.x-tenant", "blue")], &[]);
    let after = case.rewritten(&series);
    assert_eq!(text(after.attributes()), pairs(&[("peer", "10.0.0.7"), ("tenant", "blue")]));
    assert_eq!(text(&after.resource().attributes), pairs(&[("metadata.x-tenant", "blue")]));
}

#[test]
fn actions_are_for_the_series_that_are_included_and_not_excluded() {
    let matching = |match_type, names: &[&str], resources: Vec<Wanted>| Matching {
        match_type,
        metric_names: names.iter().map(|name| (*name).to_owned()).collect(),
        resources,
    };
    let wanted = |key: &str, value: Option<&str>| Wanted {
        key: key.to_owned(),
        value: value.map(|value| Literal(Value::str(value))),
    };
    let (strict, regexp) = (MatchType::Strict, MatchType::Regexp);
    // The metric is `requests`, its resource says service.name=shop.
    let cases = [
        (None, None, true),
        (Some(matching(strict, &["requests"], Vec::new())), None, true),
        (Some(matching(strict, &["request"], Vec::new())), None, false),
        (Some(matching(regexp, &["^req"], Vec::new())), None, true),
        (Some(matching(regexp, &["^x", "^y"], Vec::new())), None, false),
        (Some(matching(strict, &["x", "requests"], vec![wanted("service.name", Some("shop"))])), None, true),
        (Some(matching(strict, &["requests"], vec![wanted("service.name", Some("sho"))])), None, false),
        (Some(matching(regexp, &[], vec![wanted("service.name", Some("sho"))])), None, true),
        (Some(matching(strict, &[], vec![wanted("service.name", None)])), None, true),
        (Some(matching(strict, &[], vec![wanted("host.name", None)])), None, false),
        (None, Some(matching(strict, &["requests"], Vec::new())), false),
        (None, Some(matching(strict, &["x"], Vec::new())), true),
        (
            Some(matching(regexp, &["."], Vec::new())),
            Some(matching(strict, &[], vec![wanted("service.name", None)])),
            false,
        ),
    ];
    for (include, exclude, is_meant) in cases {
        let said = format!("{include:?} {exclude:?}");
        let actions = vec![literal(Verb::Insert, "k", "v")];
        let mut case = Case::new(Config { actions, include, exclude, ..Config::default() });
        let series = case.stream(&[("service.name", "shop")], &[]);
        assert_eq!(case.rewritten(&series).attributes().len(), usize::from(is_meant), "{said}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Insert, upsert, delete, convert and extract say how it must be: saying it twice changes nothing more.
    #[test]
    fn what_says_how_it_must_be_may_be_said_twice(
        before in prop::collection::btree_map("[a-c]", "[0-9]{1,2}|[a-z]", 0..4),
        verb in 0..5usize,
        key in "[a-c]",
    ) {
        let action = match verb {
            0 => literal(Verb::Insert, &key, "v"),
            1 => literal(Verb::Upsert, &key, "v"),
            2 => action(Verb::Delete, &key),
            3 => Action { converted_type: Some(ConvertedType::Int), ..action(Verb::Convert, &key) },
            _ => Action { pattern: Some("(?P<d>[0-9])".into()), ..action(Verb::Extract, &key) },
        };
        let before: Vec<(&str, &str)> = before.iter().map(|(k, v)| (&**k, &**v)).collect();
        let once = Case::new(on_points(vec![action.clone()])).attributes(&before);
        let twice = Case::new(on_points(vec![action.clone(), action])).attributes(&before);
        prop_assert_eq!(once, twice);
    }

    /// Actions on different attributes do not care for their order.
    #[test]
    fn actions_on_different_attributes_may_change_places(
        before in prop::collection::btree_map("[a-d]", "[0-9]{1,3}", 0..5),
        verbs in (0..5usize, 0..5usize),
    ) {
        let make = |verb: usize, key: &str| match verb {
            0 => literal(Verb::Upsert, key, "v"),
            1 => action(Verb::Delete, key),
            2 => action(Verb::Hash, key),
            3 => Action { values: [("0-99".to_owned(), Literal(Value::str("low")))].into(), ..action(Verb::Map, key) },
            _ => literal(Verb::Update, key, "u"),
        };
        let (one, other) = (make(verbs.0, "a"), make(verbs.1, "b"));
        let before: Vec<(&str, &str)> = before.iter().map(|(k, v)| (&**k, &**v)).collect();
        let forth = Case::new(on_points(vec![one.clone(), other.clone()])).attributes(&before);
        let back = Case::new(on_points(vec![other, one])).attributes(&before);
        prop_assert_eq!(forth, back);
    }

    /// A map's ranges, against a walk over every row.
    #[test]
    fn a_range_is_found_as_by_a_walk_over_the_rows(
        bounds in prop::collection::btree_set(0..200u32, 0..12),
        number in 0..220i64,
    ) {
        let bounds: Vec<u32> = bounds.into_iter().collect();
        let rows: Vec<(u32, u32)> = bounds.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect();
        let name = |(low, high): (u32, u32)| format!("{low}-{high}");
        let mut values: BTreeMap<String, Literal> =
            rows.iter().map(|row| (name(*row), Literal(Value::str(name(*row))))).collect();
        values.insert("never".to_owned(), Literal(Value::Bool(true)));
        let expected = rows.iter().find(|(low, high)| i64::from(*low) <= number && number <= i64::from(*high));
        let expected = expected.map_or(Value::Int(number), |row| Value::str(name(*row)));
        let map = Action { values, ..action(Verb::Map, "k") };
        prop_assert_eq!(becomes(map, Value::Int(number)), Some(expected));
    }
}
