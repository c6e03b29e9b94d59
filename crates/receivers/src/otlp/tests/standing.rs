//! When a request is answered, and how it ends when it cannot be: custody, back-pressure, senders that leave, draining.

use std::time::Duration;

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceResponse;
use tokio::task::JoinHandle;
use tonic::{Code, Request, Response, Status};
use weir_core::{Reason, Verdict};

use super::{
    harness::{Server, config, joined, until},
    serving::assert_comes_with_retry_info,
    *,
};
use crate::otlp::{config::Acknowledge, refusals::CLIENT_GONE};

type Answer = JoinHandle<Result<Response<ExportMetricsServiceResponse>, Status>>;

/// Sends `points` points in the background, on a connection of its own.
async fn send(server: &Server, points: usize, deadline: Option<Duration>) -> Answer {
    let mut client = server.client().await;
    let points = (0..points).map(|at| int(&at.to_string(), 1)).collect();
    let mut request = Request::new(request(vec![gauge("g", points)]));
    if let Some(deadline) = deadline {
        request.set_timeout(deadline);
    }
    tokio::spawn(async move { client.export(request).await })
}

/// A receiver whose edge is full with a request of one point, and that request's answer.
async fn full() -> (Server, Answer) {
    let server = Server::before(config(), 1).await;
    let first = send(&server, 1, None).await;
    until(|| server.account().passed == 1).await;
    (server, first)
}

/// The first request goes on once there is someone to take it; then everything is at rest.
async fn assert_first_is_unharmed(mut server: Server, first: Answer) {
    server.delivery().await.ack.settle(Verdict::Delivered);
    joined(first).await.unwrap();
    let account = server.account();
    assert!(account.balances(), "{account:?}");
    assert_eq!(account.passed, 1);
}

fn exported() -> crate::otlp::config::OtlpConfig {
    crate::otlp::config::OtlpConfig { acknowledge: Acknowledge::Exported, ..config() }
}

#[tokio::test]
async fn accepted_is_answered_at_custody() {
    let mut server = Server::start(config()).await;
    let answer = send(&server, 1, None).await;
    let mut delivery = server.delivery().await;
    assert!(!answer.is_finished());
    delivery.ack.take_custody();
    joined(answer).await.unwrap();
    delivery.ack.settle(Verdict::Lost(Reason::QUEUE_FULL));
}

#[tokio::test]
async fn exported_is_answered_when_all_is_settled() {
    let mut server = Server::start(exported()).await;
    let answer = send(&server, 10_000, None).await;
    let (mut first, mut second) = (server.delivery().await, server.delivery().await);
    assert_eq!((first.batch.points(), second.batch.points()), (8192, 1808));
    first.ack.take_custody();
    second.ack.take_custody();
    first.ack.settle(Verdict::Delivered);
    tokio::task::yield_now().await;
    assert!(!answer.is_finished());
    second.ack.settle(Verdict::Delivered);
    joined(answer).await.unwrap();
    assert!(server.account().balances());
}

#[tokio::test]
async fn points_that_are_refused_or_lost_before_custody_are_asked_for_again() {
    let mut server = Server::start(config()).await;
    for verdict in [Verdict::Refused(Reason::QUEUE_FULL), Verdict::Lost(Reason::PANICKED)] {
        let answer = send(&server, 1, None).await;
        server.delivery().await.ack.settle(verdict);
        assert_comes_with_retry_info(&joined(answer).await.unwrap_err());
    }
    assert!(server.account().balances());
}

#[tokio::test]
async fn a_sender_that_leaves_takes_only_its_unsent_points_along() {
    let (server, first) = full().await;
    let second = send(&server, 2, None).await;
    server.until_taken(3).await;
    second.abort();
    until(|| server.refused(CLIENT_GONE) == 2).await;
    assert_first_is_unharmed(server, first).await;
}

#[tokio::test]
async fn a_senders_deadline_ends_its_request() {
    let (server, first) = full().await;
    let second = send(&server, 2, Some(Duration::from_millis(50))).await;
    let ended = joined(second).await.unwrap_err();
    assert!(matches!(ended.code(), Code::Cancelled | Code::DeadlineExceeded), "{ended:?}");
    until(|| server.refused(CLIENT_GONE) == 2).await;
    assert_first_is_unharmed(server, first).await;
}

#[tokio::test]
async fn without_room_for_long_the_sender_is_asked_to_come_again() {
    let (server, first) = full().await;
    let second = send(&server, 2, None).await;
    server.until_taken(3).await;
    until(|| {
        server.context.clock.advance(Duration::from_secs(5));
        second.is_finished()
    })
    .await;
    assert_comes_with_retry_info(&joined(second).await.unwrap_err());
    assert_eq!(server.refused(Reason::QUEUE_FULL), 2);
    assert_first_is_unharmed(server, first).await;
}

#[tokio::test]
async fn when_what_is_behind_has_ended_nothing_is_taken() {
    let mut server = Server::start(config()).await;
    let (_, closed) = weir_core::inbox(std::sync::Arc::default());
    drop(std::mem::replace(&mut server.inbox, closed));
    let answer = send(&server, 2, None).await;
    assert_comes_with_retry_info(&joined(answer).await.unwrap_err());
    assert_eq!(server.refused(Reason::NODE_ENDED), 2);
    assert!(server.account().balances());
}

#[tokio::test]
async fn draining_closes_the_way_on_and_then_answers_what_waits() {
    let mut server = Server::start(exported()).await;
    let answer = send(&server, 1, None).await;
    let delivery = server.delivery().await;
    server.context.drain.begun.cancel();
    // An exporter flushes its window when its inbox closes; here it closes while the request still waits.
    assert!(server.inbox.recv().await.is_none());
    assert!(!answer.is_finished());
    delivery.ack.settle(Verdict::Delivered);
    joined(answer).await.unwrap();
    joined(server.running).await.unwrap();
    assert!(tokio::net::TcpStream::connect(server.address).await.is_err(), "the listener is gone");
}

#[tokio::test]
async fn a_request_without_room_ends_when_the_drain_hurries() {
    let (server, first) = full().await;
    let second = send(&server, 2, None).await;
    server.until_taken(3).await;
    server.context.drain.begun.cancel();
    server.context.drain.hurry.cancel();
    assert_comes_with_retry_info(&joined(second).await.unwrap_err());
    assert_eq!(server.refused(Reason::SHUTDOWN), 2);
    assert_first_is_unharmed(server, first).await;
}

#[tokio::test]
async fn a_request_whose_points_are_never_settled_does_not_outlast_the_drain() {
    let mut server = Server::start(exported()).await;
    let answer = send(&server, 1, None).await;
    let _never_settled = server.delivery().await;
    let (drain, clock) = (server.context.drain.clone(), server.context.clock.clone());
    drain.begun.cancel();
    drain.hurry.cancel();
    until(|| {
        clock.advance(Duration::from_secs(1));
        server.running.is_finished()
    })
    .await;
    assert_comes_with_retry_info(&joined(answer).await.unwrap_err());
    joined(server.running).await.unwrap();
}
