//! A client that is nothing but bytes on a socket, so that a test can send what no SDK would.

use std::{
    collections::HashMap, fmt::Write as _, io::Write as _, net::SocketAddr, sync::Arc, time::Duration,
};

use flate2::{Compression, write::GzEncoder};
use serde_json::Value as Json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};
use weir_cloudwatch_local::{CloudWatchLocal, Options};

/// Longer than anything here takes, short enough to fail a stuck test.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// The present in these tests: a whole minute.
pub(crate) const NOW_S: i64 = 1_790_000_040;

pub(crate) const SIGNATURE: &str = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260921/us-east-1/monitoring/aws4_request, \
                             SignedHeaders=host;x-amz-date, \
                             Signature=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

pub(crate) async fn serve() -> CloudWatchLocal {
    let options = Options { journal: true, ..Options::new(Arc::new(|| NOW_S as u64 * 1_000_000_000)) };
    CloudWatchLocal::bind(([127, 0, 0, 1], 0).into(), options).await.unwrap()
}

/// A request in the making.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: &'static str,
    pub(crate) path: String,
    /// Sent in this order; `content-length` and `host` are added.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

#[derive(Debug, PartialEq)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: Vec<u8>,
}

/// A signed AWS JSON 1.0 call.
pub(crate) fn json(operation: &str, input: &Json) -> Request {
    Request {
        method: "POST",
        path: "/".to_owned(),
        headers: headers(&[
            ("content-type", "application/x-amz-json-1.0"),
            ("x-amz-target", &format!("GraniteServiceVersion20100801.{operation}")),
        ]),
        body: input.to_string().into_bytes(),
    }
}

/// A signed RPC v2 CBOR call.
pub(crate) fn cbor(operation: &str, input: &ciborium::Value) -> Request {
    let mut body = Vec::new();
    ciborium::into_writer(input, &mut body).unwrap();
    Request {
        method: "POST",
        path: format!("/service/GraniteServiceVersion20100801/operation/{operation}"),
        headers: headers(&[("content-type", "application/cbor"), ("smithy-protocol", "rpc-v2-cbor")]),
        body,
    }
}

fn headers(of_protocol: &[(&str, &str)]) -> Vec<(String, String)> {
    let common =
        [("authorization", SIGNATURE), ("x-amz-date", "20260921T142000Z"), ("x-amzn-query-mode", "true")];
    of_protocol.iter().chain(&common).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

impl Request {
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(other, _)| other != name);
        self
    }

    pub(crate) fn with(self, name: &str, value: &str) -> Self {
        let mut changed = self.without(name);
        changed.headers.push((name.to_owned(), value.to_owned()));
        changed
    }

    pub(crate) fn gzipped(mut self) -> Self {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(&self.body).unwrap();
        self.body = encoder.finish().unwrap();
        self.with("content-encoding", "gzip")
    }

    fn to_bytes(&self) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\nhost: test\r\n", self.method, self.path);
        for (name, value) in &self.headers {
            write!(head, "{name}: {value}\r\n").unwrap();
        }
        write!(head, "content-length: {}\r\n\r\n", self.body.len()).unwrap();
        [head.into_bytes(), self.body.clone()].concat()
    }

    /// Sends on a connection of its own; `None` if the server closed it without an answer.
    pub(crate) async fn send(&self, to: SocketAddr) -> Option<Response> {
        Connection::open(to).await.call(self).await
    }
}

/// A connection that is kept.
pub(crate) struct Connection(TcpStream);

impl Connection {
    pub(crate) async fn open(to: SocketAddr) -> Self {
        Self(TcpStream::connect(to).await.unwrap())
    }

    pub(crate) async fn write(&mut self, request: &Request) {
        self.0.write_all(&request.to_bytes()).await.unwrap();
    }

    pub(crate) async fn call(&mut self, request: &Request) -> Option<Response> {
        self.write(request).await;
        self.read().await
    }

    /// The next answer; `None` at the connection's end.
    pub(crate) async fn read(&mut self) -> Option<Response> {
        timeout(PATIENCE, self.read_patiently()).await.expect("an answer or an end in time")
    }

    async fn read_patiently(&mut self) -> Option<Response> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(self.0.read_u8().await.ok()?);
        }
        let head = String::from_utf8(head).unwrap();
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers: HashMap<String, String> = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).await.unwrap();
        Some(Response { status, headers, body })
    }
}

impl Response {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    pub(crate) fn json(&self) -> Json {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn cbor(&self) -> ciborium::Value {
        ciborium::from_reader(&self.body[..]).unwrap()
    }
}

/// A CBOR map.
pub(crate) fn map<const N: usize>(members: [(&str, ciborium::Value); N]) -> ciborium::Value {
    ciborium::Value::Map(members.into_iter().map(|(name, value)| (name.into(), value)).collect())
}
