//! GetMetricStatistics.

use serde_json::{Value as Json, json};

use super::{START_S, data, filled, query, refused, statistics};
use crate::operations::tests::{NOW_S, call, call_cbor, datum, document, store};

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
