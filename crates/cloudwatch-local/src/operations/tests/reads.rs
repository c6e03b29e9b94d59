//! Reading back: GetMetricStatistics, GetMetricData, ListMetrics.

use serde_json::{Value as Json, json};

use super::{NOW_S, call, call_cbor, datum, document, request, store};
use crate::{error::ApiError, operations::run, protocol::Protocol, store::Store};

const START_S: i64 = NOW_S - 600;

fn filled(datums: &[Json]) -> Store {
    let store = store();
    call(&store, "PutMetricData", &request(datums)).unwrap();
    store
}

fn statistics(changes: Json) -> Json {
    let mut input = json!({
        "Namespace": "Test", "MetricName": "m", "StartTime": START_S, "EndTime": NOW_S, "Period": 300,
    });
    for (name, value) in changes.as_object().unwrap() {
        input[name] = value.clone();
    }
    input
}

fn data(queries: Json, changes: Json) -> Json {
    let mut input = json!({"StartTime": START_S, "EndTime": NOW_S, "MetricDataQueries": queries});
    for (name, value) in changes.as_object().unwrap() {
        input[name] = value.clone();
    }
    input
}

fn query(id: &str, stat: &str, period: i64) -> Json {
    let metric = json!({"Namespace": "Test", "MetricName": "m"});
    json!({"Id": id, "MetricStat": {"Metric": metric, "Period": period, "Stat": stat}})
}

#[track_caller]
fn refused(operation: &str, input: &Json, code: &str, message: &str) {
    for call in [call, call_cbor] {
        let error = call(&store(), operation, input).expect_err("a refusal");
        assert_eq!((error.code(), error.to_string().as_str()), (Some(code), message), "{input}");
    }
}

#[test]
fn statistics_of_each_period_in_both_protocols() {
    let store = filled(&[
        datum(&json!({"Timestamp": START_S, "Value": 2.0, "Unit": "Bytes"})),
        datum(&json!({"Timestamp": START_S + 299, "Value": 5.0, "Unit": "Bytes"})),
        datum(
            &json!({"Timestamp": START_S + 300, "Value": null, "Values": [1.0, 4.0], "Counts": [3, 1], "Unit": "Bytes"}),
        ),
        datum(&json!({"Timestamp": NOW_S, "Value": 100.0, "Unit": "Bytes"})),
    ]);
    let all = ["Average", "Sum", "Minimum", "Maximum", "SampleCount"];
    for call in [call, call_cbor] {
        let answer = document(call(&store, "GetMetricStatistics", &statistics(json!({"Statistics": all}))));
        assert_eq!(
            answer,
            json!({"Label": "m", "Datapoints": [
                {"Timestamp": START_S as f64, "Unit": "Bytes", "Average": 3.5, "Sum": 7.0, "Minimum": 2.0,
                 "Maximum": 5.0, "SampleCount": 2.0},
                {"Timestamp": START_S as f64 + 300.0, "Unit": "Bytes", "Average": 1.75, "Sum": 7.0, "Minimum": 1.0,
                 "Maximum": 4.0, "SampleCount": 4.0},
            ]})
        );
        let some = json!({"ExtendedStatistics": ["p50", "p100.0"], "StartTime": START_S + 300});
        let answer = document(call(&store, "GetMetricStatistics", &statistics(some)));
        assert_eq!(
            answer["Datapoints"],
            json!([{"Timestamp": START_S as f64 + 300.0, "Unit": "Bytes",
                    "ExtendedStatistics": {"p50": 1.0, "p100.0": 4.0}}])
        );
    }
}

#[test]
fn the_start_is_rounded_down_and_begins_the_first_period() {
    let store = filled(&[
        datum(&json!({"Timestamp": START_S + 60, "Value": 1.0})),
        datum(&json!({"Timestamp": START_S + 300, "Value": 2.0})),
        datum(&json!({"Timestamp": START_S + 360, "Value": 4.0})),
    ]);
    let input = statistics(json!({"Statistics": ["Sum"], "StartTime": START_S as f64 + 119.9}));
    let answer = document(call(&store, "GetMetricStatistics", &input));
    let found: Vec<_> =
        answer["Datapoints"].as_array().unwrap().iter().map(|d| (&d["Timestamp"], &d["Sum"])).collect();
    assert_eq!(
        found,
        [(&json!(START_S as f64 + 60.0), &json!(3.0)), (&json!(START_S as f64 + 360.0), &json!(4.0)),]
    );
}

#[test]
fn the_end_is_exclusive() {
    let store = filled(&[datum(&json!({"Timestamp": NOW_S - 60})), datum(&json!({"Timestamp": NOW_S}))]);
    for (end, expected) in [(json!(NOW_S), 1.0), (json!(NOW_S as f64 + 0.001), 2.0), (json!(NOW_S + 60), 2.0)]
    {
        let input = statistics(json!({"Statistics": ["SampleCount"], "Period": 3600, "EndTime": end}));
        let answer = document(call(&store, "GetMetricStatistics", &input));
        assert_eq!(answer["Datapoints"][0]["SampleCount"], json!(expected));
    }
}

#[test]
fn percentiles_that_do_not_exist_are_left_out() {
    let set = json!({"SampleCount": 2, "Sum": 4, "Minimum": 1, "Maximum": 3});
    let store = filled(&[
        datum(&json!({"Timestamp": START_S, "Value": -1.0})),
        datum(&json!({"Timestamp": START_S + 60, "Value": null, "StatisticValues": set})),
        datum(&json!({"Timestamp": START_S + 120, "Value": 8.0})),
    ]);
    let input = statistics(json!({"ExtendedStatistics": ["p50"], "Period": 60}));
    let answer = document(call(&store, "GetMetricStatistics", &input));
    let expected =
        json!([{"Timestamp": START_S as f64 + 120.0, "Unit": "None", "ExtendedStatistics": {"p50": 8.0}}]);
    assert_eq!(answer["Datapoints"], expected);

    let answer = document(call(&store, "GetMetricData", &data(json!([query("q", "p50", 60)]), json!({}))));
    assert_eq!(answer["MetricDataResults"][0]["Values"], json!([8.0]));
}

#[test]
fn an_unknown_metric_has_no_datapoints() {
    let store = filled(&[datum(&json!({}))]);
    for changes in [
        json!({"MetricName": "other"}),
        json!({"Namespace": "Other"}),
        json!({"Dimensions": [{"Name": "a", "Value": "b"}]}),
        json!({"Unit": "Bytes"}),
    ] {
        let mut input = statistics(json!({"Statistics": ["Sum"], "EndTime": NOW_S + 60}));
        for (name, value) in changes.as_object().unwrap() {
            input[name] = value.clone();
        }
        let answer = document(call(&store, "GetMetricStatistics", &input));
        assert_eq!(answer["Datapoints"], json!([]), "{changes}");
    }
}

#[test]
fn get_metric_statistics_refuses_what_it_should() {
    let operation = "GetMetricStatistics";
    let sum = |changes: Json| {
        let mut input = statistics(changes);
        input["Statistics"] = json!(["Sum"]);
        input
    };
    let value = "InvalidParameterValue";
    refused(
        operation,
        &statistics(json!({})),
        "InvalidParameterCombination",
        "At least one of the parameters Statistics and ExtendedStatistics must be specified.",
    );
    refused(
        operation,
        &sum(json!({"ExtendedStatistics": ["p50"]})),
        "InvalidParameterCombination",
        "The parameters Statistics and ExtendedStatistics are mutually exclusive and you have specified both.",
    );
    refused(
        operation,
        &statistics(json!({"Statistics": ["Sum", "p50"]})),
        value,
        "The parameter Statistics.member.2 must be a value in the set [ Minimum, Maximum, Average, SampleCount, Sum ].",
    );
    refused(
        operation,
        &statistics(json!({"ExtendedStatistics": ["p50", "tm90"]})),
        value,
        "The value tm90 for parameter ExtendedStatistics.member.2 is invalid.",
    );
    refused(
        operation,
        &statistics(json!({"ExtendedStatistics": vec!["p50"; 11]})),
        "InvalidParameterValue",
        "The collection ExtendedStatistics must not have a size greater than 10.",
    );
    for period in [0, -60, 7, 61, 90] {
        refused(
            operation,
            &sum(json!({"Period": period})),
            value,
            &format!("The parameter Period must be 1, 5, 10, 20, 30, or a multiple of 60, not {period}."),
        );
    }
    refused(
        operation,
        &sum(json!({"EndTime": START_S})),
        value,
        "The parameter StartTime must not equal parameter EndTime.",
    );
    refused(
        operation,
        &sum(json!({"EndTime": START_S - 1})),
        value,
        "The parameter EndTime must be greater than StartTime.",
    );
    refused(
        operation,
        &sum(json!({"Period": 60, "StartTime": NOW_S - 1441 * 60})),
        "InvalidParameterCombination",
        "You have requested up to 1,441 datapoints, which exceeds the limit of 1,440. You may reduce the datapoints \
         requested by increasing Period, or decreasing the time range.",
    );
    assert!(call(&store(), operation, &sum(json!({"Period": 60, "StartTime": NOW_S - 1440 * 60}))).is_ok());
    refused(
        operation,
        &json!({"Statistics": ["Sum"]}),
        "MissingParameter",
        &["Namespace", "MetricName", "StartTime", "EndTime", "Period"]
            .map(|p| format!("The parameter {p} is required."))
            .join("\n"),
    );
    // Extreme times are refused, not overflown.
    refused(
        operation,
        &sum(json!({"StartTime": -1e300, "EndTime": 1e300})),
        "InvalidParameterCombination",
        "You have requested up to 61,489,146,912,375 datapoints, which exceeds the limit of 1,440. You may reduce the \
         datapoints requested by increasing Period, or decreasing the time range.",
    );
}

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

#[test]
fn an_operation_that_is_not_here_is_unknown() {
    let error = call(&store(), "PutDashboard", &json!({})).unwrap_err();
    assert_eq!(error, ApiError::UnknownOperation("PutDashboard".to_owned()));
    assert_eq!((error.status(), error.code()), (404, Some("UnknownOperationException")));
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
