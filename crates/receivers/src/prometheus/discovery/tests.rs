//! Sources against files and peers of our own.

use std::{
    fs,
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Response, StatusCode};
use simple_dns::{CLASS, Name, Packet, PacketFlag, RCODE, ResourceRecord, rdata};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, UdpSocket},
    time::timeout,
};
use tokio_util::sync::CancellationToken;
use weir_net::Listener;
use weir_testkit::Fixture;

use super::*;
use crate::prometheus::config::{PromDuration, RecordType};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);
/// What a second of the clock takes: a source gives up after thirty of them.
const STEP: Duration = Duration::from_millis(50);

struct Heard {
    fixture: Fixture,
    updates: mpsc::Receiver<Update>,
}

impl Heard {
    fn start(source: Source) -> Self {
        let fixture = Fixture::new();
        let (sender, updates) = mpsc::channel(8);
        let teller = Teller::new(0, 0, Arc::from("job"), sender, fixture.context("prometheus"));
        tokio::spawn(source.run(teller));
        Self { fixture, updates }
    }

    /// The next groups, each target as its labels; time is moved on until they come.
    async fn next(&mut self) -> Vec<Vec<(String, String)>> {
        let waiting = async {
            loop {
                match timeout(STEP, self.updates.recv()).await {
                    Ok(update) => break update.expect("a source that runs"),
                    Err(_) => self.fixture.clock.advance(Duration::from_secs(1)),
                }
            }
        };
        let update = timeout(PATIENCE, waiting).await.expect("groups in time");
        let target = |group: &Group, target: &Labels| {
            let both = group.labels.iter().chain(target.iter());
            both.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
        };
        let groups = update.groups.iter();
        groups
            .flat_map(|group| group.targets.iter().map(|one| target(group, one)).collect::<Vec<_>>())
            .collect()
    }
}

fn labels(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// A folder that is gone at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("weir-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[tokio::test]
async fn files_are_read_again_when_they_change_and_what_is_wrong_changes_nothing() {
    let folder = Folder::new("file-sd");
    let (json, yaml) = (folder.0.join("a.json"), folder.0.join("b.yml"));
    let (of_json, of_yaml) = (json.display().to_string(), yaml.display().to_string());
    fs::write(&json, r#"[{"targets": ["one:80"], "labels": {"zone": "a"}}]"#).unwrap();
    let config = FileSd {
        files: vec![format!("{}/*.json", folder.0.display()), of_yaml.clone()],
        refresh_interval: PromDuration::from_secs(300),
    };
    let mut heard = Heard::start(Source::File(file::FileSource::new(&config)));
    let one = labels(&[("__meta_filepath", &of_json), ("zone", "a"), ("__address__", "one:80")]);
    assert_eq!(heard.next().await, std::slice::from_ref(&one));

    fs::write(&yaml, "- targets: [two:80]\n  labels: {port: 80, on: true}\n").unwrap();
    let two =
        labels(&[("__meta_filepath", &of_yaml), ("on", "true"), ("port", "80"), ("__address__", "two:80")]);
    assert_eq!(heard.next().await, [one, two.clone()]);

    // Half a file is no file; the next change shows that it was not taken.
    fs::write(&yaml, "- targets: [three").unwrap();
    fs::write(&json, r#"[{"targets": ["four:80"]}]"#).unwrap();
    let four = labels(&[("__meta_filepath", &of_json), ("__address__", "four:80")]);
    let told = heard.next().await;
    assert_eq!(told, [four.clone(), two]);
    fs::remove_file(&yaml).unwrap();
    assert_eq!(heard.next().await, [four]);
}

/// Answers of a server, one after the other; the last one stays.
async fn server(answers: Vec<(StatusCode, &'static str, &'static str)>) -> SocketAddr {
    let listener = Listener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let address = listener.tcp_addr().unwrap();
    let left = Arc::new(Mutex::new(answers));
    let answer = move |_| {
        let mut left = left.lock().unwrap();
        let (status, kind, body) = if left.len() > 1 { left.remove(0) } else { left[0] };
        let response = Response::builder().status(status).header("content-type", kind);
        let response = response.body(Full::new(Bytes::from_static(body.as_bytes()))).unwrap();
        async move { response }
    };
    tokio::spawn(listener.serve(answer, CancellationToken::new()));
    address
}

fn http_source(address: SocketAddr) -> Source {
    let url = format!("http://{address}/sd");
    let config: HttpSd =
        serde_json::from_value(serde_json::json!({ "url": url, "refresh_interval": "1s" })).unwrap();
    Source::Http(Box::new(http::HttpSource::new(&config, &SystemRoots::default()).unwrap()))
}

#[tokio::test]
async fn a_server_is_asked_again_and_what_it_said_stays_while_it_fails() {
    let json = "application/json; charset=utf-8";
    let address = server(vec![
        (StatusCode::OK, json, r#"[{"targets": ["one:80", "two:80"], "labels": {"a": "b"}}]"#),
        (StatusCode::INTERNAL_SERVER_ERROR, json, "[]"),
        (StatusCode::OK, "text/html", "[]"),
        (StatusCode::OK, json, "[{]"),
        (StatusCode::OK, json, r#"[{"targets": ["three:80"]}]"#),
    ])
    .await;
    let url = format!("http://{address}/sd");
    let mut heard = Heard::start(http_source(address));
    let target = |host| labels(&[("__meta_url", &url), ("a", "b"), ("__address__", host)]);
    assert_eq!(heard.next().await, [target("one:80"), target("two:80")]);
    let three = labels(&[("__meta_url", &url), ("__address__", "three:80")]);
    assert_eq!(heard.next().await, [three]);
}

#[tokio::test]
async fn a_server_that_fails_at_first_is_not_waited_for() {
    let address =
        server(vec![(StatusCode::NOT_FOUND, "application/json", r#"[{"targets": ["one:80"]}]"#)]).await;
    assert_eq!(Heard::start(http_source(address)).next().await, Vec::<Vec<_>>::new());
}

/// A name server: answers by UDP that are cut short lead to those by TCP. The socket's number is the same.
async fn name_server() -> SocketAddr {
    // A port that is free for UDP need not be for TCP.
    let (udp, tcp) = loop {
        let udp = UdpSocket::bind(("127.0.0.1", 0)).await.unwrap();
        if let Ok(tcp) = TcpListener::bind(udp.local_addr().unwrap()).await {
            break (udp, tcp);
        }
    };
    let address = udp.local_addr().unwrap();
    tokio::spawn(async move {
        let mut query = [0; 512];
        loop {
            let (length, from) = udp.recv_from(&mut query).await.unwrap();
            udp.send_to(&answer(&query[..length], true), from).await.unwrap();
        }
    });
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = tcp.accept().await.unwrap();
            let mut query = vec![0; usize::from(stream.read_u16().await.unwrap())];
            stream.read_exact(&mut query).await.unwrap();
            let answer = answer(&query, false);
            stream.write_u16(answer.len() as u16).await.unwrap();
            stream.write_all(&answer).await.unwrap();
        }
    });
    address
}

fn answer(query: &[u8], by_udp: bool) -> Vec<u8> {
    let query = Packet::parse(query).unwrap();
    let mut reply = query.clone().into_reply();
    let name = query.questions[0].qname.to_string();
    let mut add = |rdata| {
        let owner = query.questions[0].qname.clone();
        reply.answers.push(ResourceRecord::new(owner, CLASS::IN, 30, rdata));
    };
    match name.as_str() {
        "_app._tcp.example.internal" => {
            let target = Name::new_unchecked("one.example.internal");
            add(rdata::RData::SRV(rdata::SRV { priority: 0, weight: 0, port: 9100, target }));
        }
        "plain.example.internal" => {
            add(rdata::RData::A(rdata::A { address: 0x0A00_0001 }));
            add(rdata::RData::A(rdata::A { address: 0x0A00_0002 }));
        }
        "long.example.internal" if by_udp => reply.set_flags(PacketFlag::TRUNCATION),
        "long.example.internal" => add(rdata::RData::A(rdata::A { address: 0x0A00_0003 })),
        _ => *reply.rcode_mut() = RCODE::NameError,
    }
    reply.build_bytes_vec().unwrap()
}

#[tokio::test]
async fn name_servers_are_asked_for_services_and_addresses() {
    let server = name_server().await;
    let text = format!("nameserver {}\nsearch example.internal\n", server.ip());
    let source = |names: &[&str], record, port| {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        let config = DnsSd { names, record, port, refresh_interval: PromDuration::from_secs(30) };
        let resolver = names::Resolver::read(&text, server.port());
        Source::Dns(dns::DnsSource::new(&config).with_resolver(resolver))
    };
    let mut heard =
        Heard::start(source(&["_app._tcp.example.internal", "none.example.internal"], RecordType::Srv, 0));
    let one = labels(&[
        ("__address__", "one.example.internal:9100"),
        ("__meta_dns_name", "_app._tcp.example.internal"),
        ("__meta_dns_srv_record_port", "9100"),
        ("__meta_dns_srv_record_target", "one.example.internal."),
    ]);
    assert_eq!(heard.next().await, [one]);
    let mut heard = Heard::start(source(&["plain", "long"], RecordType::A, 80));
    let address = |name, address| labels(&[("__address__", address), ("__meta_dns_name", name)]);
    let long = address("long", "10.0.0.3:80");
    let plain = [address("plain", "10.0.0.1:80"), address("plain", "10.0.0.2:80")];
    assert_eq!(heard.next().await, [vec![long], plain.to_vec()].concat());
}
