//! Reading back: GetMetricStatistics, GetMetricData, ListMetrics.

use serde_json::{Value as Json, json};

use super::{NOW_S, call, call_cbor, request, store};
use crate::{error::ApiError, store::Store};

mod data;
mod list;
mod statistics;

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
fn an_operation_that_is_not_here_is_unknown() {
    let error = call(&store(), "PutDashboard", &json!({})).unwrap_err();
    assert_eq!(error, ApiError::UnknownOperation("PutDashboard".to_owned()));
    assert_eq!((error.status(), error.code()), (404, Some("UnknownOperationException")));
}
