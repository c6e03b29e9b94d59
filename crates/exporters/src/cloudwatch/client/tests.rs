use aws_sdk_cloudwatch::{primitives::DateTime, types::MetricDatum};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpListener,
};

use super::*;
use crate::cloudwatch::{body::tests::body, classify::Class};

/// Reads a request, answers 403 with a `Date`, and tells when the request was signed.
async fn refuse(listener: &TcpListener, date: &str) -> String {
    let (stream, _) = listener.accept().await.unwrap();
    let mut stream = BufReader::new(stream);
    let (mut signed, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.unwrap();
        match line.trim_end().split_once(": ") {
            Some(("x-amz-date", time)) => time.clone_into(&mut signed),
            Some(("content-length", bytes)) => length = bytes.parse().unwrap(),
            None if line.trim().is_empty() => break,
            _ => {}
        }
    }
    stream.read_exact(&mut vec![0; length]).await.unwrap();
    let answer = format!(
        "HTTP/1.1 403 Forbidden\r\nx-amzn-query-error: SignatureDoesNotMatch;Sender\r\ndate: {date}\r\n\
         content-length: 0\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(answer.as_bytes()).await.unwrap();
    signed
}

#[tokio::test]
async fn after_a_refusal_by_a_clock_that_is_ahead_requests_are_signed_by_that_clock() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let config = Config { endpoint: Some(endpoint), ..Config::default() };
    // 2026-11-24 06:00:00 UTC here.
    let clock = Clock::manual(weir_core::UnixNanos(1_795_500_000_000_000_000));
    let client = Client::new(&config, &clock).await.unwrap();
    let datum = MetricDatum::builder()
        .metric_name("m")
        .timestamp(DateTime::from_secs(1_795_500_000))
        .value(1.0)
        .build();
    let body = body("Shop", std::slice::from_ref(&datum));
    for expected in ["20261124T060000Z", "20261124T070000Z"] {
        let (put, signed) =
            tokio::join!(client.put("Shop", &body), refuse(&listener, "Tue, 24 Nov 2026 07:00:00 GMT"));
        assert_eq!(signed, expected);
        let failure = put.unwrap_err();
        assert_eq!(failure.class, Class::Retry { after: None }, "not the keys are wrong");
        assert!(failure.words.contains("60 minutes behind"), "{}", failure.words);
        assert!(!failure.fate_unknown);
    }
}

#[tokio::test]
async fn a_connection_that_is_refused_stores_nothing_and_one_that_breaks_may_have() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let config = Config { endpoint: Some(format!("http://{address}")), ..Config::default() };
    let client = Client::new(&config, &Clock::system()).await.unwrap();
    let datum = MetricDatum::builder().metric_name("m").value(1.0).build();
    let body = body("Shop", std::slice::from_ref(&datum));
    let breaking = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.read_exact(&mut [0; 100]).await.unwrap();
    };
    let (put, ()) = tokio::join!(client.put("Shop", &body), breaking);
    assert!(put.unwrap_err().fate_unknown);
    drop(listener);
    assert!(!client.put("Shop", &body).await.unwrap_err().fate_unknown);
}
