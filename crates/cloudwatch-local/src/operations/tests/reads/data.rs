//! GetMetricData, with its expressions.

use serde_json::{Value as Json, json};

use super::{START_S, data, filled, query, refused};
use crate::operations::tests::{call, call_cbor, datum, document};

#[test]
fn get_metric_data_answers_each_query() {
    let store = filled(&[
        datum(&json!({"Timestamp": START_S, "Value": 2.0})),
        datum(&json!({"Timestamp": START_S, "Value": 6.0, "Unit": "Bytes"})),
        datum(&json!({"Timestamp": START_S + 300, "Value": 5.0})),
    ]);
    let mut labelled = query("labelled", "Maximum", 300);
    labelled["Label"] = "a label".into();
    labelled["MetricStat"]["Unit"] = "Bytes".into();
    let mut hidden = query("hidden", "Sum", 60);
    hidden["ReturnData"] = false.into();
    let queries = json!([query("a", "Average", 300), labelled, hidden, query("p", "p50", 600)]);
    let (first, second) = (START_S as f64, START_S as f64 + 300.0);
    for call in [call, call_cbor] {
        let answer = document(call(&store, "GetMetricData", &data(queries.clone(), json!({}))));
        assert_eq!(
            answer,
            json!({"Messages": [], "MetricDataResults": [
                {"Id": "a", "Label": "m", "StatusCode": "Complete", "Timestamps": [second, first], "Values": [5.0, 4.0]},
                {"Id": "labelled", "Label": "a label", "StatusCode": "Complete", "Timestamps": [first], "Values": [6.0]},
                {"Id": "p", "Label": "m", "StatusCode": "Complete", "Timestamps": [first], "Values": [5.0]},
            ]})
        );
        let ascending = data(json!([query("a", "Average", 300)]), json!({"ScanBy": "TimestampAscending"}));
        let answer = document(call(&store, "GetMetricData", &ascending));
        assert_eq!(answer["MetricDataResults"][0]["Values"], json!([4.0, 5.0]));
    }
}

#[test]
fn get_metric_data_pages_by_max_datapoints() {
    let datums: Vec<_> = (0..5).map(|n| datum(&json!({"Timestamp": START_S + 60 * n, "Value": n}))).collect();
    let store = filled(&datums);
    let queries = json!([query("a", "Sum", 60), query("b", "Sum", 300)]);
    let mut changes = json!({"MaxDatapoints": 3, "ScanBy": "TimestampAscending"});
    let mut pages = Vec::new();
    loop {
        let answer = document(call(&store, "GetMetricData", &data(queries.clone(), changes.clone())));
        let results = &answer["MetricDataResults"];
        pages.push(json!([
            results[0]["Values"],
            results[0]["StatusCode"],
            results[1]["Values"],
            results[1]["StatusCode"]
        ]));
        let Some(token) = answer.get("NextToken") else { break };
        changes["NextToken"] = token.clone();
    }
    assert_eq!(
        pages,
        [
            json!([[0.0, 1.0, 2.0], "PartialData", [], "PartialData"]),
            json!([[3.0, 4.0], "Complete", [10.0], "Complete"]),
        ]
    );
    refused(
        "GetMetricData",
        &data(queries, json!({"NextToken": "mine"})),
        "InvalidNextToken",
        "The value for parameter NextToken is invalid.",
    );
}

#[test]
fn get_metric_data_refuses_what_it_should() {
    let operation = "GetMetricData";
    let one = |change: &dyn Fn(&mut Json)| {
        let mut changed = query("b", "Sum", 60);
        change(&mut changed);
        data(json!([query("a", "Sum", 60), changed]), json!({}))
    };
    let place = "MetricDataQueries.member.2";
    for (input, message) in [
        (
            one(&|q| q["Id"] = "a".into()),
            "The values for parameter id in MetricDataQueries are not unique.".to_owned(),
        ),
        (
            one(&|q| q["Id"] = "B".into()),
            format!(
                "The value for parameter {place}.Id is not matching the expected pattern ^[a-z][a-zA-Z0-9_]*$."
            ),
        ),
        (one(&|q| q["Id"] = json!(null)), format!("The parameter {place}.Id is required.")),
        (one(&|q| q["MetricStat"] = json!(null)), format!("The parameter {place}.MetricStat is required.")),
        (
            one(&|q| q["MetricStat"]["Metric"] = json!(null)),
            format!("The parameter {place}.MetricStat.Metric is required."),
        ),
        (
            one(&|q| q["MetricStat"]["Metric"]["MetricName"] = json!(null)),
            format!("The parameter {place}.MetricStat.Metric.MetricName is required."),
        ),
        (
            one(&|q| q["MetricStat"]["Stat"] = "p101".into()),
            format!("The value for parameter {place}.MetricStat.Stat is not a valid statistic."),
        ),
        (
            one(&|q| q["MetricStat"]["Period"] = 61.into()),
            format!(
                "The parameter {place}.MetricStat.Period must be 1, 5, 10, 20, 30, or a multiple of 60, not 61."
            ),
        ),
        (
            one(&|q| q["Period"] = 60.into()),
            format!(
                "The parameters {place}.Period and {place}.MetricStat are mutually exclusive and you have specified both."
            ),
        ),
        (
            one(&|q| q["Expression"] = "a + 1".into()),
            format!(
                "The parameters {place}.Expression and {place}.MetricStat are mutually exclusive and you have specified both."
            ),
        ),
        (data(json!([]), json!({})), "The parameter MetricDataQueries is required.".to_owned()),
        (
            data(json!(vec![query("a", "Sum", 60); 501]), json!({})),
            "The collection MetricDataQueries must not have a size greater than 500.".to_owned(),
        ),
        (
            data(json!([query("a", "Sum", 60)]), json!({"ScanBy": "Up"})),
            "The parameter ScanBy must be a value in the set [ TimestampDescending, TimestampAscending ]."
                .to_owned(),
        ),
        (
            data(json!([query("a", "Sum", 60)]), json!({"MaxDatapoints": 0})),
            "The parameter MaxDatapoints must be from 1 to 100800.".to_owned(),
        ),
        (
            data(json!([query("a", "Sum", 60)]), json!({"EndTime": START_S})),
            "The parameter StartTime must not equal parameter EndTime.".to_owned(),
        ),
    ] {
        refused(operation, &input, "ValidationError", &message);
    }
}

#[test]
fn expressions_over_other_queries_are_computed_period_by_period() {
    let of = |name: &str, at: i64, value: f64| {
        let mut one = datum(&json!({"Timestamp": at, "Value": value}));
        one["MetricName"] = name.into();
        one
    };
    // Three minutes of good requests, one of them with bad ones too.
    let store = filled(&[
        of("good", START_S, 90.0),
        of("good", START_S + 60, 80.0),
        of("good", START_S + 120, 10.0),
        of("bad", START_S + 60, 20.0),
    ]);
    let metric = |id: &str, name: &str| {
        let mut one = query(id, "Sum", 60);
        one["MetricStat"]["Metric"]["MetricName"] = name.into();
        one["ReturnData"] = false.into();
        one
    };
    // Before what it is made of, and by another expression.
    let queries = json!([
        {"Id": "percent", "Expression": "share * 100"},
        {"Id": "share", "Expression": "m1/(m1+FILL(m2,0))", "ReturnData": false},
        metric("m1", "good"),
        metric("m2", "bad"),
    ]);
    let answer =
        document(call(&store, "GetMetricData", &data(queries, json!({"ScanBy": "TimestampAscending"}))));
    let [result] = &answer["MetricDataResults"].as_array().unwrap()[..] else {
        panic!("one result: {answer}")
    };
    assert_eq!((&result["Id"], &result["Label"]), (&json!("percent"), &json!("percent")));
    assert_eq!(result["Values"], json!([100.0, 80.0, 100.0]));
    let times = [START_S, START_S + 60, START_S + 120];
    assert_eq!(result["Timestamps"].as_array().unwrap().len(), times.len());
}

#[test]
fn expressions_that_cannot_be_computed_are_refused() {
    let with = |expression: &str| {
        data(
            json!([{"Id": "e", "Expression": expression}, query("m1", "Sum", 60), query("m5", "Sum", 300)]),
            json!({}),
        )
    };
    let place = "MetricDataQueries.member.1.Expression";
    for (expression, message) in [
        ("m9 + 1", "Error in expression 'e': Undefined variable \"m9\"".to_owned()),
        ("e + 1", "Error in expression 'e': it refers to itself".to_owned()),
        (
            "m1 + m5",
            "Error in expression 'e': this local CloudWatch combines metrics of one period only, and found {60, 300}".to_owned(),
        ),
        ("SEARCH(m1)", format!("The value for parameter {place} is invalid: the function `SEARCH` is not known here.")),
    ] {
        refused("GetMetricData", &with(expression), "ValidationError", &message);
    }
}
