//! A client that is nothing but bytes on a socket: it sends what the SDK, and Weir, would not.

use std::net::SocketAddr;

use ciborium::{Value, cbor};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

const HEAD: &str = "POST /service/GraniteServiceVersion20100801/operation/PutMetricData HTTP/1.1\r\nhost: test\r\n\
     content-type: application/cbor\r\nsmithy-protocol: rpc-v2-cbor\r\nx-amzn-query-mode: true\r\n\
     x-amz-date: 20260921T142000Z\r\nauthorization: AWS4-HMAC-SHA256 \
     Credential=AKIDEXAMPLE/20260921/us-east-1/monitoring/aws4_request, SignedHeaders=host;x-amz-date, \
     Signature=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\r\nconnection: close\r\n";

/// Sends one PutMetricData; answers the status and the text of the answer's body.
pub(super) async fn put(to: SocketAddr, input: &Value) -> (u16, String) {
    let mut body = Vec::new();
    ciborium::into_writer(input, &mut body).unwrap();
    let head = format!("{HEAD}content-length: {}\r\n\r\n", body.len());
    let mut stream = TcpStream::connect(to).await.unwrap();
    stream.write_all(&[head.into_bytes(), body].concat()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    (status, answer)
}

/// A request of these datums.
pub(super) fn request(datums: Vec<Value>) -> Value {
    cbor!({"Namespace" => "Test", "MetricData" => datums}).unwrap()
}

/// A request of a good datum and of one that has these members in place of its own; null takes one away.
pub(super) fn second(changes: &Value) -> Value {
    request(vec![datum(&Value::Map(Vec::new())), datum(changes)])
}

/// A datum that has these members in place of its own; null takes one away.
pub(super) fn datum(changes: &Value) -> Value {
    let mut members = vec![("MetricName".into(), "m".into()), ("Value".into(), 1.0.into())];
    for (key, value) in changes.as_map().unwrap() {
        members.retain(|(known, _)| known != key);
        if !value.is_null() {
            members.push((key.clone(), value.clone()));
        }
    }
    Value::Map(members)
}

/// Seconds since the epoch, as the protocol has them.
pub(super) fn time(seconds: u64) -> Value {
    Value::Tag(1, Box::new(Value::Integer(seconds.into())))
}
