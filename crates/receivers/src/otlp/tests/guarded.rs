//! Who may send: authentication on both protocols, pages of browsers, connections that are bounded.

use hyper::{StatusCode, header};
use tonic::{Code, metadata::MetadataValue};
use weir_config::Secret;
use weir_core::{ReceiverFactory as _, Verdict};
use weir_net::{
    Authenticator, Reloaded,
    auth::bearer::{Bearer, Tokens},
};
use weir_testkit::Fixture;

use super::{
    harness::{Server, config, grpc, http, joined},
    http::{PROTOBUF, one_gauge, post, send},
    *,
};
use crate::otlp::{
    Otlp,
    config::{Auth, OtlpConfig},
};

const AUTHENTICATOR: &str = "bearertokenauth/apps";

fn guarded() -> OtlpConfig {
    let mut config = config();
    let auth = Some(Auth { authenticator: AUTHENTICATOR.to_owned() });
    grpc(&mut config).auth.clone_from(&auth);
    http(&mut config).auth = auth;
    config
}

/// A receiver whose senders need the token `good`.
async fn start() -> Server {
    let fixture = Fixture::new();
    let tokens = Reloaded::load(Vec::new(), |_| Tokens::of(&[Secret::new("good")], &[])).unwrap();
    let bearer = Bearer::new(header::AUTHORIZATION, "Bearer", Arc::new(tokens));
    fixture.offers.offer(&Arc::from(AUTHENTICATOR), Arc::new(Authenticator::Bearer(bearer)));
    Server::among(&fixture, guarded(), 1 << 20).await
}

#[tokio::test]
async fn over_grpc_only_the_right_token_is_taken() {
    let mut server = start().await;
    let mut client = server.client().await;
    let with = |token: Option<&'static str>| {
        let mut sent = tonic::Request::new(request(vec![gauge("g", vec![int("a", 1)])]));
        if let Some(token) = token {
            sent.metadata_mut().insert("authorization", MetadataValue::from_static(token));
        }
        sent
    };
    for (token, why) in
        [(None, "no token"), (Some("Bearer bad"), "wrong token"), (Some("Basic good"), "scheme")]
    {
        let refused = client.export(with(token)).await.unwrap_err();
        assert_eq!(refused.code(), Code::Unauthenticated, "{refused:?}");
        assert!(refused.message().contains(why) && refused.details().is_empty(), "{refused:?}");
    }
    assert_eq!(server.account().taken, 0);
    let answer = tokio::spawn(async move { client.export(with(Some("Bearer good"))).await });
    server.delivery().await.ack.settle(Verdict::Delivered);
    joined(answer).await.unwrap();
}

#[tokio::test]
async fn over_http_only_the_right_token_is_taken() {
    let mut server = start().await;
    let with = |token: Option<&str>| {
        let mut request = post(PROTOBUF, one_gauge());
        if let Some(token) = token {
            request.headers_mut().insert(header::AUTHORIZATION, token.parse().unwrap());
        }
        request
    };
    for token in [None, Some("Bearer bad")] {
        let answer = joined(send(&server, with(token))).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        assert_eq!(answer.headers[header::WWW_AUTHENTICATE], "Bearer");
    }
    let answer = send(&server, with(Some("Bearer good")));
    server.delivery().await.ack.settle(Verdict::Delivered);
    assert_eq!(joined(answer).await.status, StatusCode::OK);
}

#[tokio::test]
async fn an_authenticator_that_is_switched_off_lets_nobody_in() {
    let mut receiver = Otlp::build(guarded(), Fixture::new().context("otlp"));
    let error = receiver.start().await.unwrap_err().to_string();
    assert_eq!(error, "the authenticator `bearertokenauth/apps` is switched off");
}

#[tokio::test]
async fn a_page_is_answered_before_it_can_have_a_token() {
    let fixture = Fixture::new();
    let mut config = config();
    http(&mut config).cors = Some(weir_net::Cors {
        allowed_origins: vec!["https://*.example.com".to_owned()],
        allowed_headers: vec!["authorization".to_owned()],
        ..weir_net::Cors::default()
    });
    let mut server = Server::among(&fixture, config, 1 << 20).await;
    let mut asked = post("", "");
    *asked.method_mut() = hyper::Method::OPTIONS;
    let origin = "https://shop.example.com";
    asked.headers_mut().insert(header::ORIGIN, origin.parse().unwrap());
    asked.headers_mut().insert(header::ACCESS_CONTROL_REQUEST_METHOD, "POST".parse().unwrap());
    asked.headers_mut().insert(header::ACCESS_CONTROL_REQUEST_HEADERS, "authorization".parse().unwrap());
    let answer = joined(send(&server, asked)).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    assert_eq!(answer.headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], origin);

    let mut sent = post(PROTOBUF, one_gauge());
    sent.headers_mut().insert(header::ORIGIN, origin.parse().unwrap());
    let answer = send(&server, sent);
    server.delivery().await.ack.settle(Verdict::Delivered);
    assert_eq!(joined(answer).await.headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], origin);
}

#[tokio::test]
async fn headers_tell_senders_apart_and_name_them() {
    let mut config = config();
    http(&mut config).include_metadata = true;
    http(&mut config).metadata_keys = vec!["X-Tenant".to_owned()];
    let mut server = Server::start(config).await;
    for tenant in ["a", "b", "a"] {
        let mut sent = post(PROTOBUF, one_gauge());
        sent.headers_mut().insert("x-tenant", tenant.parse().unwrap());
        let answer = send(&server, sent);
        let delivery = server.delivery().await;
        let series = server.context.interner.resolve(delivery.batch.numbers[0].series).unwrap();
        let of_resource = |key: &str| series.resource().attributes.get(key).map(ToString::to_string);
        assert_eq!(of_resource("metadata.x-tenant").as_deref(), Some(tenant));
        assert_eq!(of_resource("client.address").as_deref(), Some("127.0.0.1"));
        delivery.ack.settle(Verdict::Delivered);
        joined(answer).await;
    }
    assert_eq!(server.context.interner.stats().streams, 2);
}

#[tokio::test]
async fn a_body_that_comes_too_slowly_is_asked_to_come_again() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut config = config();
    http(&mut config).read_timeout = weir_config::Duration(std::time::Duration::from_millis(50));
    let server = Server::start(config).await;
    let mut stream = tokio::net::TcpStream::connect(server.http).await.unwrap();
    let head = format!(
        "POST /v1/metrics HTTP/1.1\r\nhost: x\r\ncontent-type: {PROTOBUF}\r\nconnection: close\r\ncontent-length: 100\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(b"slow").await.unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 503");
    assert_eq!(server.account().taken, 0);
}

#[tokio::test]
async fn every_compression_is_taken_over_grpc() {
    use tonic::codec::CompressionEncoding::{Deflate, Gzip, Zstd};
    let mut server = Server::start(config()).await;
    for encoding in [Gzip, Zstd, Deflate] {
        let mut client = server.client().await.send_compressed(encoding);
        let sent = request(vec![gauge("g", vec![int("a", 1)])]);
        let answer = tokio::spawn(async move { client.export(sent).await });
        server.delivery().await.ack.settle(Verdict::Delivered);
        joined(answer).await.unwrap();
    }
}

#[tokio::test]
async fn a_branch_that_hangs_keeps_no_sender_waiting_for_longer_than_it_would() {
    let mut server = Server::start(config()).await;
    let answer = send(&server, post(PROTOBUF, one_gauge()));
    let delivery = server.delivery().await;
    while !answer.is_finished() {
        server.context.clock.advance(std::time::Duration::from_secs(1));
        tokio::task::yield_now().await;
    }
    assert_eq!(joined(answer).await.status, StatusCode::OK);
    assert_eq!((server.account().taken, server.account().passed), (1, 1), "the points are on Weir's account");
    delivery.ack.settle(Verdict::Delivered);
}
