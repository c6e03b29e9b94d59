//! PutMetricData: what is stored, entities, and values of the wrong type.

use serde_json::{Value as Json, json};

use super::{NOW_S, call, call_cbor, datum, request, store};
use crate::{
    error::ApiError,
    model::{Datum, Dimension, MetricId, Occurrence, Reading, Resolution, StatisticSet, Unit},
    operations::run,
    protocol::Protocol,
};

#[test]
fn both_protocols_store_the_same() {
    let datums = [
        datum(&json!({"Timestamp": null})),
        datum(&json!({
            "Timestamp": NOW_S as f64 + 0.25,
            "Value": null,
            "Values": [1.5, 2],
            "Counts": [3, 0.5],
            "StatisticValues": {"SampleCount": 3.5, "Sum": 5.5, "Minimum": 1.25, "Maximum": 2},
            "Dimensions": [{"Name": "z", "Value": "1"}, {"Name": "a", "Value": "2"}],
            "Unit": "Bytes/Second",
            "StorageResolution": 1,
            "SomethingNew": {"a": [null, true]},
        })),
        datum(&json!({"Value": null, "Values": [7.0]})),
        datum(
            &json!({"Value": null, "StatisticValues": {"SampleCount": 2, "Sum": 4, "Minimum": 1, "Maximum": 3}}),
        ),
    ];
    let plain = |reading| Datum {
        metric: MetricId::new("Test", "m", []),
        time_ms: NOW_S * 1000,
        unit: Unit::NONE,
        resolution: Resolution::Minute,
        reading,
    };
    let full = Datum {
        metric: MetricId::new("Test", "m", [Dimension::new("a", "2"), Dimension::new("z", "1")]),
        time_ms: NOW_S * 1000 + 250,
        unit: Unit::parse("Bytes/Second").unwrap(),
        resolution: Resolution::Second,
        reading: Reading::Distribution {
            values: vec![Occurrence { value: 1.5, count: 3.0 }, Occurrence { value: 2.0, count: 0.5 }],
            statistics: Some(StatisticSet { sample_count: 3.5, sum: 5.5, minimum: 1.25, maximum: 2.0 }),
        },
    };
    let expected = [
        plain(Reading::Value(1.0)),
        full,
        plain(Reading::Distribution {
            values: vec![Occurrence { value: 7.0, count: 1.0 }],
            statistics: None,
        }),
        plain(Reading::Statistics(StatisticSet { sample_count: 2.0, sum: 4.0, minimum: 1.0, maximum: 3.0 })),
    ];
    for call in [call, call_cbor] {
        let store = store();
        let output = call(&store, "PutMetricData", &request(&datums)).unwrap();
        assert_eq!(store.journal(), expected);
        assert_eq!((output.datums, output.samples, output.document), (4, 1.0 + 3.5 + 1.0 + 2.0, None));
        assert_eq!(store.total_samples(), 7.5);
    }
}

#[test]
fn one_bad_datum_among_a_thousand_stores_nothing() {
    let mut datums = vec![datum(&json!({})); 1000];
    datums[998] = datum(&json!({"Value": "NaN"}));
    let store = store();
    let error = call(&store, "PutMetricData", &request(&datums)).unwrap_err();
    assert_eq!(error.to_string(), "The value NaN for parameter MetricData.member.999.Value is invalid.");
    assert_eq!(store.totals().datums, 0);
}

fn entity(keys: Json) -> Json {
    json!({"KeyAttributes": keys, "Attributes": {"Team": "x"}})
}

fn service() -> Json {
    entity(json!({"Type": "Service", "Name": "n", "Environment": "e"}))
}

fn with_entities(entities: &[Json], strict: Json) -> Json {
    let groups: Json =
        entities.iter().map(|entity| json!({"Entity": entity, "MetricData": [datum(&json!({}))]})).collect();
    json!({"Namespace": "Test", "EntityMetricData": groups, "StrictEntityValidation": strict})
}

#[test]
fn an_invalid_entity_fails_a_strict_request_and_is_told_in_a_lenient_one() {
    let long_key = "k".repeat(33);
    for (entities, failure) in [
        (vec![service(), service(), service()], "EntitySizeTooLarge"),
        (vec![json!(null)], "InvalidEntity"),
        (vec![service(), json!({"Attributes": {}})], "InvalidEntity"),
        (vec![entity(json!({"Type": "Service"}))], "InvalidKeyAttributes"),
        (vec![entity(json!({"Type": "Service", "Name": "n", (long_key): "v"}))], "InvalidKeyAttributes"),
        (vec![entity(json!({"Type": "Service", "Name": "n", "Colour": "v"}))], "InvalidKeyAttributes"),
        (vec![entity(json!({"Type": "Service", "Name": "n".repeat(2049)}))], "InvalidKeyAttributes"),
        (vec![entity(json!({"Name": "n", "Environment": "e"}))], "MissingRequiredFields"),
        (vec![entity(json!({"Type": "Service", "Name": "n"}))], "MissingRequiredFields"),
        (vec![entity(json!({"Type": "Resource", "Identifier": "i"}))], "MissingRequiredFields"),
        (vec![entity(json!({"Type": "Thing", "Name": "n"}))], "InvalidTypeValue"),
        (
            vec![json!({"KeyAttributes": {"Type": "RemoteService", "Name": "n"}, "Attributes": {"": "v"}})],
            "InvalidAttributes",
        ),
    ] {
        for call in [call, call_cbor] {
            let store = store();
            let error = call(&store, "PutMetricData", &with_entities(&entities, json!(true))).unwrap_err();
            assert_eq!(error.to_string(), format!("The entity of EntityMetricData is invalid: {failure}."));
            assert_eq!(store.totals().datums, 0);

            let output = call(&store, "PutMetricData", &with_entities(&entities, json!(false))).unwrap();
            assert_eq!(output.entity_failure, Some(failure));
            assert_eq!(store.totals().datums, entities.len() as u64);
        }
    }
}

#[test]
fn valid_entities_pass_and_their_datums_are_counted_and_numbered_by_group() {
    let good = with_entities(
        &[service(), entity(json!({"Type": "AWS::Resource", "ResourceType": "t", "Identifier": "i"}))],
        json!(true),
    );
    let store = store();
    assert_eq!(call(&store, "PutMetricData", &good).unwrap().entity_failure, None);
    assert_eq!(store.totals().datums, 2);

    let mut bad = good.clone();
    bad["EntityMetricData"][1]["MetricData"][0]["Value"] = "NaN".into();
    let error = call(&store, "PutMetricData", &bad).unwrap_err();
    assert_eq!(
        error.to_string(),
        "The value NaN for parameter EntityMetricData.member.2.MetricData.member.1.Value is invalid."
    );

    let mut unstrict = good.clone();
    unstrict["StrictEntityValidation"] = json!(null);
    let error = call(&store, "PutMetricData", &unstrict).unwrap_err();
    assert_eq!(
        error,
        ApiError::MissingParameter("The parameter StrictEntityValidation is required.".to_owned())
    );

    // 1000 is the limit over both lists.
    let mut many = good;
    many["MetricData"] = vec![datum(&json!({})); 999].into();
    let error = call(&store, "PutMetricData", &many).unwrap_err();
    assert_eq!(error.to_string(), "The collection MetricData must not have a size greater than 1000.");
}

#[test]
fn a_value_of_the_wrong_type_is_a_serialization_exception_that_says_where() {
    for (changes, message) in [
        (json!({"Value": "1"}), "MetricData.member.1.Value: expected a number, found a string"),
        (json!({"Value": true}), "MetricData.member.1.Value: expected a number, found a boolean"),
        (json!({"MetricName": 1}), "MetricData.member.1.MetricName: expected a string, found an integer"),
        (json!({"Values": {"a": 1}}), "MetricData.member.1.Values: expected a list, found a structure"),
        (json!({"Values": [1, [2]]}), "MetricData.member.1.Values.member.2: expected a number, found a list"),
        (
            json!({"StorageResolution": 1.5}),
            "MetricData.member.1.StorageResolution: expected an integer, found a number",
        ),
        (
            json!({"StorageResolution": 4_294_967_297_i64}),
            "MetricData.member.1.StorageResolution: expected a 32-bit integer, found an integer",
        ),
        (
            json!({"StatisticValues": []}),
            "MetricData.member.1.StatisticValues: expected a structure, found a list",
        ),
        (
            json!({"Dimensions": [{"Name": "n", "Value": ["v"]}]}),
            "MetricData.member.1.Dimensions.member.1.Value: expected a string, found a list",
        ),
        (
            json!({"Dimensions": ["n"]}),
            "MetricData.member.1.Dimensions.member.1: expected a structure, found a string",
        ),
    ] {
        for call in [call, call_cbor] {
            let error = call(&store(), "PutMetricData", &request(&[datum(&changes)])).unwrap_err();
            assert_eq!(error, ApiError::Serialization(message.to_owned()));
        }
    }
}

#[test]
fn timestamps_are_of_their_protocols_kind() {
    let text = request(&[datum(&json!({"Timestamp": "2026-09-21T00:00:00Z"}))]);
    let error = call(&store(), "PutMetricData", &text).unwrap_err();
    assert_eq!(
        error.to_string(),
        "MetricData.member.1.Timestamp: expected a timestamp in seconds since the epoch, found a string"
    );
    // In CBOR a bare number is no timestamp; a tagged integer is.
    let with = |time: ciborium::Value| {
        let text = |text: &str| ciborium::Value::from(text);
        let datum = ciborium::Value::Map(vec![
            (text("MetricName"), text("m")),
            (text("Value"), 1.0.into()),
            (text("Timestamp"), time),
        ]);
        let request = ciborium::Value::Map(vec![
            (text("Namespace"), text("Test")),
            (text("MetricData"), ciborium::Value::Array(vec![datum])),
        ]);
        let mut body = Vec::new();
        ciborium::into_writer(&request, &mut body).unwrap();
        run(&store(), NOW_S * 1000, "PutMetricData", Protocol::Cbor, &body)
    };
    let tagged = |tag, value: ciborium::Value| ciborium::Value::Tag(tag, Box::new(value));
    assert!(with(tagged(1, NOW_S.into())).is_ok());
    for bad in [
        NOW_S.into(),
        tagged(0, "2026-09-21T00:00:00Z".into()),
        tagged(1, f64::NAN.into()),
        tagged(1, "1".into()),
    ] {
        assert!(matches!(with(bad.clone()), Err(ApiError::Serialization(_))), "{bad:?}");
    }
}

#[test]
fn a_member_given_twice_is_refused() {
    let twice = br#"{"Namespace": "a", "Namespace": "b"}"#;
    let error = run(&store(), NOW_S * 1000, "PutMetricData", Protocol::Json, twice).unwrap_err();
    assert_eq!(error, ApiError::Serialization("Namespace: given twice".to_owned()));
}
