//! Faults on the wire, and what the server counts meanwhile.

use std::time::Duration;

use crate::client::{Connection, PATIENCE, Request, Response, json, serve};
use serde_json::json;
use tokio::time::timeout;
use weir_cloudwatch_local::{CloudWatchLocal, Fault};

fn put() -> Request {
    json(
        "PutMetricData",
        &json!({"Namespace": "Test", "MetricData": [
            {"MetricName": "m", "Values": [1.0, 2.0], "Counts": [3.0, 4.0]},
            {"MetricName": "m", "Value": 5.0},
        ]}),
    )
}

async fn send(server: &CloudWatchLocal) -> Option<Response> {
    put().send(server.addr()).await
}

#[track_caller]
fn stored(server: &CloudWatchLocal, puts: u64) {
    let counters = server.counters();
    assert_eq!((counters.put_accepted, counters.datums), (puts, 2 * puts));
    assert_eq!(server.store().totals().datums, 2 * puts);
    assert!((server.store().total_samples() - 8.0 * puts as f64).abs() < f64::EPSILON);
    assert!((counters.samples - 8.0 * puts as f64).abs() < f64::EPSILON);
}

#[tokio::test]
async fn error_answers_have_their_status_and_code() {
    let server = serve().await;
    for (fault, status, error) in [
        (Fault::throttling(), 400, Some("Throttling;Sender")),
        (Fault::internal_error(), 500, Some("InternalServiceError;Receiver")),
        (Fault::unavailable(), 503, None),
        (Fault::status(429), 429, None),
        (Fault::too_large(), 413, Some("RequestEntityTooLarge;Sender")),
        (Fault::expired_token(), 403, Some("ExpiredToken;Sender")),
        (Fault::access_denied(), 403, Some("AccessDenied;Sender")),
        (Fault::error(400, "LimitExceeded", "too much"), 400, Some("LimitExceeded;Sender")),
    ] {
        server.faults().push(fault);
        let answer = send(&server).await.unwrap();
        assert_eq!((answer.status, answer.header("x-amzn-query-error")), (status, error));
        assert_eq!(answer.body.is_empty(), error.is_none());
    }
    stored(&server, 0);
    let counters = server.counters();
    assert_eq!((counters.failed("Throttling"), counters.failed("429"), counters.failed("503")), (1, 1, 1));
    assert_eq!((counters.put_requests, counters.failed_total(), counters.requests), (8, 8, 8));

    assert_eq!(send(&server).await.unwrap().status, 200);
    stored(&server, 1);
}

#[tokio::test]
async fn an_internal_error_has_the_shape_of_the_model() {
    let server = serve().await;
    server.faults().push(Fault::internal_error());
    let expected = json!({
        "__type": "com.amazonaws.cloudwatch#InternalServiceFault",
        "Message": "The request processing has failed.",
    });
    assert_eq!(send(&server).await.unwrap().json(), expected);
}

#[tokio::test]
async fn retry_after_is_in_milliseconds() {
    let server = serve().await;
    server.faults().push(Fault::unavailable().with_retry_after(Duration::from_millis(1500)));
    let answer = send(&server).await.unwrap();
    assert_eq!((answer.status, answer.header("x-amz-retry-after")), (503, Some("1500")));
}

#[tokio::test]
async fn one_in_three_fails() {
    let server = serve().await;
    server.faults().push(Fault::throttling().every_nth(3));
    let mut statuses = Vec::new();
    for _ in 0..6 {
        statuses.push(send(&server).await.unwrap().status);
    }
    assert_eq!(statuses, [200, 200, 400, 200, 200, 400]);
    stored(&server, 4);
    assert_eq!(server.faults().fired(), 2);
}

#[tokio::test]
async fn an_outage_lasts_until_it_is_removed_and_spares_reads() {
    let server = serve().await;
    let outage = server.faults().push(Fault::unavailable().always());
    for _ in 0..3 {
        assert_eq!(send(&server).await.unwrap().status, 503);
    }
    assert_eq!(json("ListMetrics", &json!({})).send(server.addr()).await.unwrap().status, 200);
    server.faults().remove(outage);
    assert_eq!(send(&server).await.unwrap().status, 200);

    server.faults().push(Fault::expired_token().always().on_all_operations());
    assert_eq!(json("ListMetrics", &json!({})).send(server.addr()).await.unwrap().status, 403);
}

#[tokio::test]
async fn a_dropped_connection_stores_nothing() {
    let server = serve().await;
    server.faults().push(Fault::DropConnection);
    assert_eq!(send(&server).await, None);
    stored(&server, 0);
    assert_eq!(server.counters().failed("DropConnection"), 1);
}

#[tokio::test]
async fn a_lost_answer_leaves_the_data_stored() {
    let server = serve().await;
    server.faults().push(Fault::StoreThenDrop);
    assert_eq!(send(&server).await, None);
    stored(&server, 1);
    assert_eq!(server.counters().answers_lost, 1);

    // What would have been refused is refused.
    server.faults().push(Fault::StoreThenDrop);
    let refused = json("PutMetricData", &json!({})).send(server.addr()).await.unwrap();
    assert_eq!(refused.status, 400);
}

#[tokio::test]
async fn a_hanging_request_ends_with_its_client_and_is_counted_at_once() {
    let server = serve().await;
    server.faults().push(Fault::Hang);
    let mut connection = Connection::open(server.addr()).await;
    connection.write(&put()).await;
    timeout(PATIENCE, server.wait_until(|server| server.counters().failed("Hang") == 1)).await.unwrap();
    assert!(timeout(Duration::from_millis(50), connection.read()).await.is_err(), "an answer came");
    drop(connection);
    assert_eq!(send(&server).await.unwrap().status, 200);
    stored(&server, 1);
}

#[tokio::test]
async fn shutdown_ends_hanging_and_delayed_requests_and_the_socket() {
    let server = serve().await;
    let addr = server.addr();
    server.faults().push(Fault::Hang);
    server.faults().push(Fault::Delay(Duration::from_hours(1)));
    let mut hanging = Connection::open(addr).await;
    hanging.write(&put()).await;
    timeout(PATIENCE, server.wait_until(|server| server.faults().fired() == 1)).await.unwrap();
    let mut delayed = Connection::open(addr).await;
    delayed.write(&put()).await;
    timeout(PATIENCE, server.wait_until(|server| server.counters().datums == 2)).await.unwrap();

    let store = server.store();
    timeout(PATIENCE, server.shutdown()).await.unwrap();
    assert_eq!(hanging.read().await, None);
    assert_eq!(delayed.read().await.unwrap().status, 200);
    assert!(tokio::net::TcpStream::connect(addr).await.is_err());
    assert_eq!(store.totals().datums, 2);
}

#[tokio::test]
async fn a_delayed_answer_comes_and_its_data_is_there_before() {
    let server = serve().await;
    server.faults().push(Fault::Delay(Duration::from_millis(30)));
    assert_eq!(send(&server).await.unwrap().status, 200);
    stored(&server, 1);
}

#[tokio::test]
async fn a_dropped_server_stops() {
    let server = serve().await;
    let mut connection = Connection::open(server.addr()).await;
    assert_eq!(connection.call(&put()).await.unwrap().status, 200);
    drop(server);
    assert_eq!(connection.read().await, None);
}

#[tokio::test]
async fn bytes_are_counted_as_they_came() {
    let server = serve().await;
    let (plain, gzipped) = (put(), put().gzipped());
    plain.send(server.addr()).await.unwrap();
    gzipped.send(server.addr()).await.unwrap();
    assert_eq!(server.counters().bytes_in, (plain.body.len() + gzipped.body.len()) as u64);
    assert_eq!(server.store().journal().len(), 4);
}
