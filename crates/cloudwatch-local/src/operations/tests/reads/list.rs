//! ListMetrics.

use serde_json::{Value as Json, json};

use super::{filled, refused};
use crate::{
    operations::{
        run,
        tests::{NOW_S, call, call_cbor, datum, document, request},
    },
    protocol::Protocol,
    store::Store,
};

fn listed(store: &Store, input: Json) -> Vec<String> {
    let answer = document(call(store, "ListMetrics", &input));
    answer["Metrics"]
        .as_array()
        .unwrap()
        .iter()
        .map(|metric| metric["MetricName"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn list_metrics_filters() {
    let with = |name: &str, dimensions: Json| datum(&json!({"MetricName": name, "Dimensions": dimensions}));
    let store = filled(&[
        with("plain", json!([])),
        with("one", json!([{"Name": "a", "Value": "1"}])),
        with("two", json!([{"Name": "b", "Value": "2"}, {"Name": "a", "Value": "1"}])),
        datum(&json!({"MetricName": "old", "Timestamp": NOW_S - 3 * 3600 - 60})),
    ]);
    let other = json!({"Namespace": "Other", "MetricData": [datum(&json!({"MetricName": "plain"}))]});
    call(&store, "PutMetricData", &other).unwrap();

    assert_eq!(listed(&store, json!({})), ["plain", "one", "two", "old", "plain"]);
    assert_eq!(listed(&store, json!({"Namespace": "Other"})), ["plain"]);
    assert_eq!(listed(&store, json!({"MetricName": "plain"})), ["plain", "plain"]);
    assert_eq!(listed(&store, json!({"Dimensions": [{"Name": "a"}]})), ["one", "two"]);
    assert_eq!(listed(&store, json!({"Dimensions": [{"Name": "a", "Value": "1"}, {"Name": "b"}]})), ["two"]);
    assert_eq!(listed(&store, json!({"Dimensions": [{"Name": "a", "Value": "2"}]})), Vec::<String>::new());
    assert_eq!(listed(&store, json!({"RecentlyActive": "PT3H"})), ["plain", "one", "two", "plain"]);

    for call in [call, call_cbor] {
        let answer = document(call(&store, "ListMetrics", &json!({"MetricName": "two"})));
        let expected = json!({"Metrics": [{"Namespace": "Test", "MetricName": "two",
            "Dimensions": [{"Name": "a", "Value": "1"}, {"Name": "b", "Value": "2"}]}]});
        assert_eq!(answer, expected);
    }
}

#[test]
fn list_metrics_forgets_after_two_weeks() {
    let store = filled(&[datum(&json!({}))]);
    let later_ms = (NOW_S + 14 * 86_400 + 1) * 1000;
    let answer = document(run(&store, later_ms, "ListMetrics", Protocol::Json, b"{}"));
    assert_eq!(answer, json!({"Metrics": []}));
}

#[test]
fn list_metrics_pages_by_500_and_new_metrics_do_not_shift_a_page() {
    let name = |n: usize| format!("m{n:04}");
    let datums: Vec<_> = (0..1000).map(|n| datum(&json!({"MetricName": name(n)}))).collect();
    let store = filled(&datums);
    let first = document(call(&store, "ListMetrics", &json!({})));
    assert_eq!(first["Metrics"].as_array().unwrap().len(), 500);

    call(&store, "PutMetricData", &request(&[datum(&json!({"MetricName": "a first name"}))])).unwrap();
    let mut names = listed(&store, json!({"NextToken": first["NextToken"]}));
    let second = document(call(&store, "ListMetrics", &json!({"NextToken": first["NextToken"]})));
    names.extend(listed(&store, json!({"NextToken": second["NextToken"]})));
    let expected: Vec<_> = (500..1000).map(name).chain(["a first name".to_owned()]).collect();
    assert_eq!(names, expected);
    let last = document(call(&store, "ListMetrics", &json!({"NextToken": second["NextToken"]})));
    assert_eq!(last.get("NextToken"), None);
}

#[test]
fn a_last_page_that_is_just_full_has_no_successor() {
    let datums: Vec<_> = (0..500).map(|n| datum(&json!({"MetricName": format!("m{n}")}))).collect();
    let answer = document(call(&filled(&datums), "ListMetrics", &json!({})));
    assert_eq!((answer["Metrics"].as_array().unwrap().len(), answer.get("NextToken")), (500, None));
}

#[test]
fn list_metrics_refuses_what_it_should() {
    refused(
        "ListMetrics",
        &json!({"NextToken": "x"}),
        "InvalidParameterValue",
        "The value for parameter NextToken is invalid.",
    );
    refused(
        "ListMetrics",
        &json!({"RecentlyActive": "PT4H"}),
        "InvalidParameterValue",
        "The parameter RecentlyActive must be a value in the set [ PT3H ].",
    );
    let filters: Json = (0..11).map(|n| json!({"Name": format!("d{n}")})).collect();
    refused(
        "ListMetrics",
        &json!({"Dimensions": filters}),
        "InvalidParameterValue",
        "The collection Dimensions must not have a size greater than 10.",
    );
    refused(
        "ListMetrics",
        &json!({"Dimensions": [{"Value": "v"}]}),
        "MissingParameter",
        "The parameter Dimensions.member.1.Name is required.",
    );
}
