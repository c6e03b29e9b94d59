//! Every limit of PutMetricData, by table: what breaks it, and what just keeps it.

use serde_json::{Value as Json, json};

use super::{NOW_S, call, call_cbor, datum, request, store};

const UNITS: &str = "[ Seconds, Microseconds, Milliseconds, Bytes, Kilobytes, Megabytes, Gigabytes, Terabytes, Bits, \
                     Kilobits, Megabits, Gigabits, Terabits, Percent, Count, Bytes/Second, Kilobytes/Second, \
                     Megabytes/Second, Gigabytes/Second, Terabytes/Second, Bits/Second, Kilobits/Second, \
                     Megabits/Second, Gigabits/Second, Terabits/Second, Count/Second, None ]";

const DAY_S: i64 = 86_400;

/// The request is refused with this code and message in both protocols, and stores nothing.
#[track_caller]
fn refused(request: &Json, code: &str, message: &str) {
    for call in [call, call_cbor] {
        let store = store();
        let error = call(&store, "PutMetricData", request).expect_err("a refusal");
        assert_eq!((error.code(), error.to_string().as_str()), (Some(code), message), "{request}");
        assert_eq!(error.status(), 400);
        assert_eq!(store.totals().datums, 0, "something was stored");
        assert_eq!(store.series(), []);
    }
}

/// The request is accepted in both protocols.
#[track_caller]
fn accepted(request: &Json) {
    for call in [call, call_cbor] {
        let store = store();
        if let Err(error) = call(&store, "PutMetricData", request) {
            panic!("{error}: {request}");
        }
        assert!(store.totals().datums > 0);
    }
}

/// A second datum with these members, after a good one: numbering from 1 shows.
fn second(changes: Json) -> Json {
    request(&[datum(&json!({})), datum(&changes)])
}

fn dimensions(count: usize) -> Json {
    (1..=count).map(|n| json!({"Name": format!("d{n}"), "Value": "v"})).collect()
}

fn dimension(name: &str, value: &str) -> Json {
    second(json!({"Dimensions": [{"Name": "ok", "Value": "ok"}, {"Name": name, "Value": value}]}))
}

fn values(values: Json, counts: Json) -> Json {
    second(json!({"Value": null, "Values": values, "Counts": counts}))
}

fn statistics(sample_count: f64, sum: f64, minimum: f64, maximum: f64) -> Json {
    json!({"SampleCount": sample_count, "Sum": sum, "Minimum": minimum, "Maximum": maximum})
}

#[test]
fn the_number_of_datums() {
    let many = |count| request(&vec![datum(&json!({})); count]);
    accepted(&many(1000));
    let message = "The collection MetricData must not have a size greater than 1000.";
    refused(&many(1001), "InvalidParameterValue", message);
    refused(&many(0), "MissingParameter", "The parameter MetricData is required.");
    refused(&json!({"Namespace": "Test"}), "MissingParameter", "The parameter MetricData is required.");
}

#[test]
fn the_namespace() {
    let named = |namespace: Json| json!({"Namespace": namespace, "MetricData": [datum(&json!({}))]});
    for good in ["a", "My/App:x y#z_-.", &"n".repeat(255), " "] {
        accepted(&named(good.into()));
    }
    for (bad, code, message) in [
        (json!(null), "MissingParameter", "The parameter Namespace is required."),
        (json!(""), "MissingParameter", "The parameter Namespace is required."),
        (
            json!("n".repeat(256)),
            "InvalidParameterValue",
            "The parameter Namespace must be shorter than 256 characters.",
        ),
        (
            json!(":a"),
            "InvalidParameterValue",
            "The value for parameter Namespace must not start with a colon.",
        ),
        (
            json!("größe"),
            "InvalidParameterValue",
            "The value for parameter Namespace contains non-ASCII characters.",
        ),
        (
            json!("a\nb"),
            "InvalidParameterValue",
            "The value for parameter Namespace contains non-ASCII characters.",
        ),
        (json!("AWS/EC2"), "InvalidParameterValue", "The value AWS/EC2 for parameter Namespace is invalid."),
    ] {
        refused(&named(bad), code, message);
    }
}

#[test]
fn the_metric_name() {
    let named = |name: Json| second(json!({"MetricName": name}));
    for good in ["a", &"n".repeat(255), &"ü".repeat(255), ":a", " "] {
        accepted(&named(good.into()));
    }
    let required = "The parameter MetricData.member.2.MetricName is required.";
    refused(&named(json!(null)), "MissingParameter", required);
    refused(&named(json!("")), "MissingParameter", required);
    let message = "The parameter MetricData.member.2.MetricName must be shorter than 256 characters.";
    refused(&named(json!("ü".repeat(256))), "InvalidParameterValue", message);
}

#[test]
fn the_number_of_dimensions() {
    accepted(&second(json!({"Dimensions": dimensions(30)})));
    accepted(&second(json!({"Dimensions": []})));
    let message = "The collection MetricData.member.2.Dimensions must not have a size greater than 30.";
    refused(&second(json!({"Dimensions": dimensions(31)})), "InvalidParameterValue", message);
    let twice = "No metric may specify the same dimension name twice.";
    refused(&dimension("ok", "other"), "InvalidParameterValue", twice);
    accepted(&dimension("OK", "ok"));
}

#[test]
fn the_text_of_dimensions() {
    accepted(&dimension(&"n".repeat(255), &"v".repeat(1024)));
    accepted(&dimension("a b:c", ":starts with a colon"));
    let name = "MetricData.member.2.Dimensions.member.2.Name";
    let value = "MetricData.member.2.Dimensions.member.2.Value";
    for (name_text, value_text, message) in [
        (
            "n".repeat(256),
            "v".to_owned(),
            format!("The parameter {name} must be shorter than 256 characters."),
        ),
        (
            "n".to_owned(),
            "v".repeat(1025),
            format!("The parameter {value} must be shorter than 1025 characters."),
        ),
        (
            ":n".to_owned(),
            "v".to_owned(),
            format!("The value for parameter {name} must not start with a colon."),
        ),
        (
            "ñ".to_owned(),
            "v".to_owned(),
            format!("The value for parameter {name} contains non-ASCII characters."),
        ),
        (
            "n".to_owned(),
            "v\t".to_owned(),
            format!("The value for parameter {value} contains non-ASCII characters."),
        ),
        (
            "n".to_owned(),
            "\u{7f}v".to_owned(),
            format!("The value for parameter {value} contains non-ASCII characters."),
        ),
        (
            "  ".to_owned(),
            "v".to_owned(),
            format!("The value for parameter {name} must contain a non-whitespace character."),
        ),
        (
            "n".to_owned(),
            " ".to_owned(),
            format!("The value for parameter {value} must contain a non-whitespace character."),
        ),
    ] {
        refused(&dimension(&name_text, &value_text), "InvalidParameterValue", &message);
    }
    refused(&dimension("", "v"), "MissingParameter", &format!("The parameter {name} is required."));
    refused(&dimension("n", ""), "MissingParameter", &format!("The parameter {value} is required."));
}

#[test]
fn the_range_of_values() {
    let top = 2_f64.powi(360);
    let above = top * (1.0 + f64::EPSILON);
    let bottom = 2_f64.powi(-360);
    for good in [0.0, -0.0, 1.0, top, -top, bottom, -bottom] {
        accepted(&second(json!({"Value": good})));
        accepted(&values(json!([1.0, good]), json!(null)));
    }
    for (bad, spelt) in [
        (json!("NaN"), "NaN".to_owned()),
        (json!("Infinity"), "Infinity".to_owned()),
        (json!("-Infinity"), "-Infinity".to_owned()),
        (json!(above), format!("{above:e}")),
        (json!(-above), format!("{:e}", -above)),
        (json!(bottom / 2.0), format!("{:e}", bottom / 2.0)),
        (json!(f64::MAX), "1.7976931348623157e308".to_owned()),
        (json!(5e-324), "5e-324".to_owned()),
    ] {
        let message =
            |field: &str| format!("The value {spelt} for parameter MetricData.member.2.{field} is invalid.");
        refused(&second(json!({"Value": bad})), "InvalidParameterValue", &message("Value"));
        refused(
            &values(json!([1.0, bad]), json!(null)),
            "InvalidParameterValue",
            &message("Values.member.2"),
        );
        refused(&values(json!([1.0]), json!([bad])), "InvalidParameterValue", &message("Counts.member.1"));
        let mut set = statistics(2.0, 3.0, 1.0, 2.0);
        set["Sum"] = bad.clone();
        let with_set = second(json!({"Value": null, "StatisticValues": set}));
        refused(&with_set, "InvalidParameterValue", &message("StatisticValues.Sum"));
    }
}

#[test]
fn the_first_datum_is_member_1() {
    let message = "The value NaN for parameter MetricData.member.1.Value is invalid.";
    refused(&request(&[datum(&json!({"Value": "NaN"}))]), "InvalidParameterValue", message);
}

#[test]
fn the_number_of_values_and_their_counts() {
    let numbers = |count: usize| -> Json { (0..count).map(|n| n as f64).collect() };
    accepted(&values(numbers(150), json!(null)));
    accepted(&values(numbers(150), numbers(150)));
    accepted(&values(json!([1.0, 1.0]), json!([0.0, 0.5])));
    let message = "The collection MetricData.member.2.Values must not have a size greater than 150.";
    refused(&values(numbers(151), json!(null)), "InvalidParameterValue", message);
    let message =
        "The parameters MetricData.member.2.Values and MetricData.member.2.Counts must be of the same size.";
    refused(&values(numbers(3), numbers(2)), "InvalidParameterValue", message);
    refused(&values(numbers(2), numbers(3)), "InvalidParameterValue", message);
    let message = "The value -1 for parameter MetricData.member.2.Counts.member.1 is invalid.";
    refused(&values(json!([1.0]), json!([-1.0])), "InvalidParameterValue", message);
    let message = "The parameter MetricData.member.2.Counts must have a sum greater than 0.";
    refused(&values(numbers(2), json!([0.0, 0.0])), "InvalidParameterValue", message);
}

#[test]
fn what_goes_together() {
    let both = |one: &str, other: &str| {
        let path = "MetricData.member.2.";
        format!(
            "The parameters {path}{one} and {path}{other} are mutually exclusive and you have specified both."
        )
    };
    let combination = "InvalidParameterCombination";
    refused(&second(json!({"Values": [1.0]})), combination, &both("Value", "Values"));
    refused(&second(json!({"Counts": [1.0]})), combination, &both("Value", "Counts"));
    let set = statistics(1.0, 1.0, 1.0, 1.0);
    refused(&second(json!({"StatisticValues": set})), combination, &both("Value", "StatisticValues"));
    let nothing = "At least one of the parameters MetricData.member.2.Value, MetricData.member.2.Values and \
                   MetricData.member.2.StatisticValues must be specified.";
    refused(&second(json!({"Value": null})), combination, nothing);
    refused(&values(json!([]), json!([])), combination, nothing);
    let required = "The parameter MetricData.member.2.Values is required.";
    refused(&second(json!({"Value": null, "Counts": [1.0]})), "MissingParameter", required);
}

#[test]
fn statistic_sets() {
    let with = |set: Json| second(json!({"Value": null, "StatisticValues": set}));
    accepted(&with(statistics(0.5, -3.0, -4.0, -4.0)));
    let path = "MetricData.member.2.StatisticValues";
    let message = format!("The parameter {path}.SampleCount must be greater than 0.");
    refused(&with(statistics(0.0, 0.0, 0.0, 0.0)), "InvalidParameterValue", &message);
    refused(&with(statistics(-1.0, 0.0, 0.0, 0.0)), "InvalidParameterValue", &message);
    let message = format!("The parameter {path}.Maximum must be greater than {path}.Minimum.");
    refused(&with(statistics(2.0, 3.0, 2.0, 1.0)), "InvalidParameterValue", &message);
    let message = ["Maximum", "Minimum", "SampleCount"]
        .map(|name| format!("The parameter {path}.{name} is required."))
        .join("\n");
    refused(&with(json!({"Sum": 1.0})), "MissingParameter", &message);
}

#[test]
fn values_and_statistics_must_agree() {
    let with = |values: Json, counts: Json, set: Json| {
        second(json!({"Value": null, "Values": values, "Counts": counts, "StatisticValues": set}))
    };
    // The sum may differ: values are often rounded.
    accepted(&with(json!([1.0, 2.0]), json!([2.0, 1.0]), statistics(3.0, 4.2, 0.9, 2.1)));
    // An outlier without samples is no contradiction, and a rounding error is none either.
    accepted(&with(json!([1.0, 9.0]), json!([3.0, 0.0]), statistics(3.0, 3.0, 1.0, 1.0)));
    accepted(&with(json!([0.1 + 0.2]), json!([3.0]), statistics(3.0, 0.9, 0.1, 0.3)));
    let path =
        "The parameters MetricData.member.2.Values and MetricData.member.2.StatisticValues do not agree";
    let message = format!("{path}: the counts add up to 3, SampleCount is 4.");
    refused(
        &with(json!([1.0, 2.0]), json!([2.0, 1.0]), statistics(4.0, 4.0, 1.0, 2.0)),
        "InvalidParameterCombination",
        &message,
    );
    let message = format!("{path}: the value 2.5 is not between 1 and 2.");
    refused(
        &with(json!([1.0, 2.5]), json!([2.0, 1.0]), statistics(3.0, 4.0, 1.0, 2.0)),
        "InvalidParameterCombination",
        &message,
    );
}

#[test]
fn timestamps() {
    let at = |time: Json| second(json!({"Timestamp": time}));
    for good in [json!(NOW_S - 14 * DAY_S), json!(NOW_S + 7200), json!(NOW_S as f64 - 0.25), json!(null)] {
        accepted(&at(good));
    }
    let past = "The parameter MetricData.member.2.Timestamp must specify a time within the past two weeks.";
    for bad in [json!(NOW_S - 14 * DAY_S - 1), json!(0), json!(-1e300)] {
        refused(&at(bad), "InvalidParameterValue", past);
    }
    let future = "The parameter MetricData.member.2.Timestamp must specify a time no more than two hours in the future.";
    for bad in [json!(NOW_S + 7201), json!(NOW_S * 1000), json!(1e300)] {
        refused(&at(bad), "InvalidParameterValue", future);
    }
}

#[test]
fn units_and_resolutions() {
    for good in ["Seconds", "Terabits/Second", "Count/Second", "None"] {
        accepted(&second(json!({"Unit": good})));
    }
    for bad in ["", "seconds", "Bytes/s", "Nanoseconds"] {
        let message = format!("The parameter MetricData.member.2.Unit must be a value in the set {UNITS}.");
        refused(&second(json!({"Unit": bad})), "InvalidParameterValue", &message);
    }
    for good in [1, 60] {
        accepted(&second(json!({"StorageResolution": good})));
    }
    for bad in [0, 30, -60] {
        let message =
            "The parameter MetricData.member.2.StorageResolution must be a value in the set [ 1, 60 ].";
        refused(&second(json!({"StorageResolution": bad})), "InvalidParameterValue", message);
    }
}

#[test]
fn every_culprit_of_one_code_is_named() {
    let bad = request(&[
        datum(&json!({"Value": "NaN"})),
        datum(&json!({})),
        datum(&json!({"Timestamp": 0, "MetricName": ""})),
    ]);
    let message = "The value NaN for parameter MetricData.member.1.Value is invalid.\n\
                   The parameter MetricData.member.3.Timestamp must specify a time within the past two weeks.";
    refused(&bad, "InvalidParameterValue", message);
}
