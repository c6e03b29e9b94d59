//! The wire: protocols, signatures, bodies.

use crate::client::{Connection, NOW_S, Request, SIGNATURE, cbor, json, map, serve};
use ciborium::Value;
use serde_json::json;

fn put() -> serde_json::Value {
    json!({"Namespace": "Test", "MetricData": [{"MetricName": "m", "Value": 1.5}]})
}

fn put_cbor() -> Value {
    let datum = map([
        ("MetricName", "m".into()),
        ("Timestamp", Value::Tag(1, Box::new((NOW_S as f64 - 0.5).into()))),
        ("Value", 1.5.into()),
    ]);
    map([("Namespace", "Test".into()), ("MetricData", Value::Array(vec![datum]))])
}

#[tokio::test]
async fn json_is_answered_in_json() {
    let server = serve().await;
    let answer = json("PutMetricData", &put()).send(server.addr()).await.unwrap();
    assert_eq!((answer.status, answer.json()), (200, json!({})));
    assert_eq!(answer.header("content-type"), Some("application/x-amz-json-1.0"));
    assert_eq!(answer.header("smithy-protocol"), None);
    assert!(answer.header("x-amzn-requestid").is_some_and(|id| id.len() == 36));

    let answer = json("ListMetrics", &json!({})).send(server.addr()).await.unwrap();
    assert_eq!(
        answer.json(),
        json!({"Metrics": [{"Namespace": "Test", "MetricName": "m", "Dimensions": []}]})
    );

    let bad = json("PutMetricData", &json!({"Namespace": "Test"})).send(server.addr()).await.unwrap();
    assert_eq!(bad.status, 400);
    assert_eq!(bad.header("x-amzn-query-error"), Some("MissingParameter;Sender"));
    let expected = json!({
        "__type": "com.amazonaws.cloudwatch#MissingRequiredParameterException",
        "message": "The parameter MetricData is required.",
    });
    assert_eq!(bad.json(), expected);
}

#[tokio::test]
async fn cbor_is_answered_in_cbor() {
    let server = serve().await;
    let answer = cbor("PutMetricData", &put_cbor()).send(server.addr()).await.unwrap();
    assert_eq!((answer.status, &answer.body[..]), (200, &[][..]));
    assert_eq!(answer.header("smithy-protocol"), Some("rpc-v2-cbor"));
    assert_eq!(answer.header("content-type"), None);

    let time = |seconds: i64| Value::Tag(1, Box::new(seconds.into()));
    let query = map([
        ("Namespace", "Test".into()),
        ("MetricName", "m".into()),
        ("StartTime", time(NOW_S - 60)),
        ("EndTime", time(NOW_S)),
        ("Period", 60.into()),
        ("Statistics", Value::Array(vec!["Sum".into()])),
    ]);
    let answer = cbor("GetMetricStatistics", &query).send(server.addr()).await.unwrap();
    assert_eq!(answer.header("content-type"), Some("application/cbor"));
    let datapoint = map([
        ("Sum", 1.5.into()),
        ("Timestamp", Value::Tag(1, Box::new((NOW_S as f64 - 60.0).into()))),
        ("Unit", "None".into()),
    ]);
    assert_eq!(answer.cbor(), map([("Label", "m".into()), ("Datapoints", Value::Array(vec![datapoint]))]));

    let bad = cbor("PutMetricData", &map([("Namespace", 5.into())])).send(server.addr()).await.unwrap();
    assert_eq!((bad.status, bad.header("smithy-protocol")), (400, Some("rpc-v2-cbor")));
    assert_eq!(bad.header("x-amzn-query-error"), Some("SerializationException;Sender"));
    let expected = map([
        ("__type", "com.amazonaws.cloudwatch#SerializationException".into()),
        ("message", "Namespace: expected a string, found an integer".into()),
    ]);
    assert_eq!(bad.cbor(), expected);
}

#[tokio::test]
async fn the_query_code_comes_only_when_it_is_asked_for() {
    let server = serve().await;
    let bad =
        json("PutMetricData", &json!({})).without("x-amzn-query-mode").send(server.addr()).await.unwrap();
    assert_eq!((bad.status, bad.header("x-amzn-query-error")), (400, None));
}

#[tokio::test]
async fn what_is_no_call_is_refused() {
    let server = serve().await;
    let put_json = json("PutMetricData", &put());
    let put_cbor = cbor("PutMetricData", &put_cbor());
    let path = |path: &str| Request { path: path.to_owned(), ..put_cbor.clone() };
    let service = "/service/GraniteServiceVersion20100801/operation";
    for (request, status, error) in [
        (Request { method: "GET", ..put_json.clone() }, 405, None),
        (put_json.clone().without("x-amz-target"), 404, None),
        (
            put_json.clone().with("x-amz-target", "Other.PutMetricData"),
            404,
            Some("UnknownOperationException;Sender"),
        ),
        (
            put_json.clone().with("content-type", "application/json"),
            415,
            Some("UnsupportedMediaTypeException;Sender"),
        ),
        (put_json.clone().without("content-type"), 415, Some("UnsupportedMediaTypeException;Sender")),
        (put_json.with("content-encoding", "br"), 415, Some("UnsupportedMediaTypeException;Sender")),
        (put_cbor.clone().without("smithy-protocol"), 400, Some("SerializationException;Sender")),
        (
            put_cbor.clone().with("content-type", "application/x-amz-json-1.0"),
            415,
            Some("UnsupportedMediaTypeException;Sender"),
        ),
        (path("/service/Other/operation/PutMetricData"), 404, Some("UnknownOperationException;Sender")),
        (path("/service/GraniteServiceVersion20100801"), 404, Some("UnknownOperationException;Sender")),
        (path(&format!("{service}/DeleteAlarms")), 404, Some("UnknownOperationException;Sender")),
    ] {
        let answer = request.send(server.addr()).await.unwrap();
        assert_eq!((answer.status, answer.header("x-amzn-query-error")), (status, error), "{request:?}");
    }
    assert_eq!(server.store().totals().datums, 0);
}

#[tokio::test]
async fn a_client_of_the_query_protocol_is_told_what_to_do() {
    let server = serve().await;
    let form = Request {
        headers: vec![(
            "content-type".to_owned(),
            "application/x-www-form-urlencoded; charset=utf-8".to_owned(),
        )],
        body: b"Action=ListMetrics&Version=2010-08-01".to_vec(),
        ..json("ListMetrics", &json!({}))
    };
    let answer = form.send(server.addr()).await.unwrap();
    assert_eq!((answer.status, answer.header("content-type")), (400, Some("text/xml")));
    let body = String::from_utf8(answer.body).unwrap();
    assert!(body.contains("<Code>UnsupportedProtocol</Code>"), "{body}");
}

#[tokio::test]
async fn a_content_type_may_have_parameters() {
    let server = serve().await;
    let request =
        json("PutMetricData", &put()).with("content-type", "Application/X-Amz-Json-1.0; charset=utf-8");
    assert_eq!(request.send(server.addr()).await.unwrap().status, 200);
}

#[tokio::test]
async fn unsigned_and_half_signed_requests_are_refused() {
    let server = serve().await;
    let signed = json("PutMetricData", &put());
    let mut cases = vec![
        (signed.clone().without("authorization"), "MissingAuthenticationToken"),
        (signed.clone().without("x-amz-date"), "IncompleteSignature"),
    ];
    for (from, to, code) in [
        ("AWS4-HMAC-SHA256 ", "Basic ", "IncompleteSignature"),
        ("AWS4-HMAC-SHA256 ", "AWS4-HMAC-SHA256", "IncompleteSignature"),
        ("Credential=", "Credentials=", "IncompleteSignature"),
        ("SignedHeaders=host;x-amz-date, ", "", "IncompleteSignature"),
        ("SignedHeaders=host;", "SignedHeaders=", "IncompleteSignature"),
        ("Signature=0", "Signature=", "IncompleteSignature"),
        ("Signature=0", "Signature=g", "IncompleteSignature"),
        ("AKIDEXAMPLE/", "", "IncompleteSignature"),
        ("AKIDEXAMPLE/", "/", "IncompleteSignature"),
        ("us-east-1", "", "IncompleteSignature"),
        ("20260921", "2026-09-21", "IncompleteSignature"),
        ("monitoring", "logs", "SignatureDoesNotMatch"),
        ("aws4_request", "aws5_request", "SignatureDoesNotMatch"),
    ] {
        assert!(SIGNATURE.contains(from), "{from}");
        cases.push((signed.clone().with("authorization", &SIGNATURE.replacen(from, to, 1)), code));
    }
    let count = cases.len() as u64;
    for (request, code) in cases {
        let answer = request.send(server.addr()).await.unwrap();
        let query_error = format!("{code};Sender");
        assert_eq!(
            (answer.status, answer.header("x-amzn-query-error")),
            (403, Some(query_error.as_str())),
            "{request:?}"
        );
    }
    assert_eq!(server.store().totals().datums, 0);
    let counters = server.counters();
    assert_eq!((counters.put_accepted, counters.failed_total()), (0, count));

    // The order of the parameters, and a date in the standard header, are the client's business.
    let turned = "AWS4-HMAC-SHA256 Signature=0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef,\
                  SignedHeaders=host,Credential=a/b/20260921/eu-west-1/monitoring/aws4_request";
    let request = signed.without("x-amz-date").with("date", "x").with("authorization", turned);
    assert_eq!(request.send(server.addr()).await.unwrap().status, 200);
}

#[tokio::test]
async fn gzip_is_undone() {
    let server = serve().await;
    for request in [json("PutMetricData", &put()), cbor("PutMetricData", &put_cbor())] {
        assert_eq!(request.gzipped().send(server.addr()).await.unwrap().status, 200);
    }
    assert_eq!(server.store().totals().datums, 2);

    let mut broken = json("PutMetricData", &put()).gzipped();
    broken.body.truncate(20);
    let answer = broken.send(server.addr()).await.unwrap();
    assert_eq!(answer.header("x-amzn-query-error"), Some("SerializationException;Sender"));
}

/// A valid request of exactly so many bytes.
fn sized(bytes: usize) -> Request {
    let datums = |padding: usize| {
        // An unknown member is ignored, so its size is free.
        json(
            "PutMetricData",
            &json!({"Namespace": "Test", "MetricData": [{"MetricName": "m", "Value": 1, "Pad": "x".repeat(padding)}]}),
        )
    };
    let empty = datums(0).body.len();
    let request = datums(bytes - empty);
    assert_eq!(request.body.len(), bytes);
    request
}

#[tokio::test]
async fn a_megabyte_uncompressed_is_the_limit() {
    let server = serve().await;
    assert_eq!(sized(1_000_000).send(server.addr()).await.unwrap().status, 200);
    assert_eq!(sized(1_000_000).gzipped().send(server.addr()).await.unwrap().status, 200);
    for request in [sized(1_000_001), sized(1_000_001).gzipped()] {
        let answer = request.send(server.addr()).await.unwrap();
        assert_eq!(answer.status, 413);
        assert_eq!(answer.header("x-amzn-query-error"), Some("RequestEntityTooLarge;Sender"));
        assert_eq!(answer.json()["message"], "Request size 1000001 exceeded 1000000 bytes");
    }
    // Far beyond, inflating stops: a bomb costs 16 MB at most.
    let bomb = sized(40_000_000).gzipped();
    let answer = bomb.send(server.addr()).await.unwrap();
    assert_eq!(answer.json()["message"], "Request size 16000000 exceeded 1000000 bytes");

    let counters = server.counters();
    assert_eq!((counters.put_accepted, counters.failed("RequestEntityTooLarge")), (2, 3));
}

#[tokio::test]
async fn a_connection_outlives_errors() {
    let server = serve().await;
    let mut connection = Connection::open(server.addr()).await;
    let bad = json("PutMetricData", &json!({}));
    assert_eq!(connection.call(&bad).await.unwrap().status, 400);
    assert_eq!(connection.call(&sized(1_000_001)).await.unwrap().status, 413);
    assert_eq!(connection.call(&bad.without("authorization")).await.unwrap().status, 403);
    assert_eq!(connection.call(&json("PutMetricData", &put())).await.unwrap().status, 200);
}

#[tokio::test]
async fn an_invalid_entity_is_told_in_a_header() {
    let server = serve().await;
    let input = json!({
        "Namespace": "Test",
        "EntityMetricData": [{"Entity": {}, "MetricData": [{"MetricName": "m", "Value": 1.5}]}],
        "StrictEntityValidation": false,
    });
    let answer = json("PutMetricData", &input).send(server.addr()).await.unwrap();
    assert_eq!((answer.status, answer.header("x-amzn-failure-message")), (200, Some("InvalidEntity")));
    assert_eq!(server.store().totals().datums, 1);
}
