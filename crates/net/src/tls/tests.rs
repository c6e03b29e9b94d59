use std::{fs, net::SocketAddr, path::Path, sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::Full;
use hyper::Response;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{ClientConfig, RootCertStore, pki_types::ServerName};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::{Limits, Listener};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

type Ca = CertifiedIssuer<'static, KeyPair>;

fn ca() -> Ca {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A certificate of `localhost` and its key, in PEM.
fn issue(ca: &Ca) -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(["localhost".to_owned()]).unwrap().signed_by(&key, ca).unwrap();
    (certificate.pem(), key.serialize_pem())
}

fn keys((cert_pem, key_pem): (String, String)) -> TlsServer {
    TlsServer { cert_pem, key_pem: weir_config::Secret::new(key_pem), ..TlsServer::default() }
}

/// A listener that answers `hello` to everything.
async fn serve(tls: ServerTls) -> SocketAddr {
    let limits = Limits { header_read_timeout: Duration::from_millis(500), ..Limits::default() };
    let listener = Listener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let address = listener.tcp_addr().unwrap();
    let listener = listener.with_limits(limits).with_tls(Some(tls));
    let answer = |_| async { Response::new(Full::new(Bytes::from_static(b"hello"))) };
    tokio::spawn(listener.serve(answer, CancellationToken::new()));
    address
}

/// Connects as a client that trusts `ca`, with a certificate of its own or without.
async fn connect(
    address: SocketAddr,
    ca: &Ca,
    own: Option<(String, String)>,
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(ca.der().clone()).unwrap();
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let builder = builder.with_root_certificates(roots);
    let config = match own {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => {
            let chain = certificates((certificate.as_bytes(), String::new())).unwrap();
            builder
                .with_client_auth_cert(chain, PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap())
                .unwrap()
        }
    };
    let stream = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

/// Asks once; an error where the server hung up. With TLS 1.3 a client learns only now that its certificate was refused.
async fn ask(address: SocketAddr, ca: &Ca, own: Option<(String, String)>) -> std::io::Result<String> {
    let asked = async {
        let mut stream = connect(address, ca, own).await?;
        stream.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok(answer)
    };
    timeout(PATIENCE, asked).await.unwrap()
}

#[track_caller]
fn assert_answered(answer: std::io::Result<String>) {
    let answer = answer.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("hello"), "{answer}");
}

#[tokio::test]
async fn a_client_that_trusts_the_ca_is_answered_and_another_turns_away() {
    let ca = ca();
    let address = serve(ServerTls::load(&keys(issue(&ca)), Versions::Http1).unwrap()).await;
    assert_answered(ask(address, &ca, None).await);
    assert!(ask(address, &self::ca(), None).await.is_err());
}

#[tokio::test]
async fn with_client_cas_only_their_clients_are_answered() {
    let (ca, clients, others) = (ca(), ca_of_clients(), self::ca());
    let folder = Folder::new("mtls");
    fs::write(folder.0.join("ca.pem"), clients.pem()).unwrap();
    let mut keys = keys(issue(&ca));
    keys.client_ca_file = Some(folder.0.join("ca.pem"));
    let address = serve(ServerTls::load(&keys, Versions::Http1).unwrap()).await;
    assert_answered(ask(address, &ca, Some(issue(&clients))).await);
    assert!(ask(address, &ca, None).await.is_err(), "no certificate");
    assert!(ask(address, &ca, Some(issue(&others))).await.is_err(), "of another CA");
}

fn ca_of_clients() -> Ca {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(rcgen::DnType::CommonName, "clients");
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

#[tokio::test]
async fn a_renewed_certificate_is_served_without_a_restart() {
    let (old, new) = (ca(), ca_of_clients());
    let folder = Folder::new("renewed");
    let write = |(certificate, key): (String, String)| {
        fs::write(folder.0.join("cert.pem"), certificate).unwrap();
        fs::write(folder.0.join("key.pem"), key).unwrap();
    };
    write(issue(&old));
    let keys = TlsServer {
        cert_file: Some(folder.0.join("cert.pem")),
        key_file: Some(folder.0.join("key.pem")),
        reload_interval: weir_config::Duration(Duration::from_millis(2)),
        ..TlsServer::default()
    };
    let address = serve(ServerTls::load(&keys, Versions::Http1).unwrap()).await;
    assert_answered(ask(address, &old, None).await);
    write(issue(&new));
    let renewed = async { while ask(address, &new, None).await.is_err() {} };
    timeout(PATIENCE, renewed).await.unwrap();
    assert!(ask(address, &old, None).await.is_err());
    // Half of a pair changes nothing.
    fs::write(folder.0.join("key.pem"), "not a key").unwrap();
    tokio::time::timeout(Duration::from_millis(50), std::future::pending::<()>()).await.unwrap_err();
    assert_answered(ask(address, &new, None).await);
}

#[tokio::test]
async fn other_client_cas_hold_for_the_next_connection() {
    let (ca, old, new) = (ca(), ca_of_clients(), ca_of_clients());
    let folder = Folder::new("client-cas");
    let file = folder.0.join("ca.pem");
    fs::write(&file, old.pem()).unwrap();
    let keys = TlsServer {
        client_ca_file: Some(file.clone()),
        reload_interval: weir_config::Duration(Duration::from_millis(2)),
        ..keys(issue(&ca))
    };
    let address = serve(ServerTls::load(&keys, Versions::Http1).unwrap()).await;
    assert_answered(ask(address, &ca, Some(issue(&old))).await);
    assert!(ask(address, &ca, Some(issue(&new))).await.is_err());
    fs::write(&file, new.pem()).unwrap();
    let renewed = async { while ask(address, &ca, Some(issue(&new))).await.is_err() {} };
    timeout(PATIENCE, renewed).await.unwrap();
    assert!(ask(address, &ca, Some(issue(&old))).await.is_err());
}

#[tokio::test]
async fn a_peer_that_never_shakes_hands_is_closed() {
    let ca = ca();
    let address = serve(ServerTls::load(&keys(issue(&ca)), Versions::Http1).unwrap()).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(&[0x16, 0x03, 0x01]).await.unwrap();
    let mut rest = Vec::new();
    // A reset is one of the ways to be closed.
    let _ = timeout(PATIENCE, stream.read_to_end(&mut rest)).await.expect("the server closes");
    assert_answered(ask(address, &ca, None).await);
}

#[tokio::test]
async fn http_2_is_offered_where_it_is_spoken() {
    let ca = ca();
    for (versions, offered) in
        [(Versions::Http1, None), (Versions::Both(crate::Http2::default()), Some(&b"h2"[..]))]
    {
        let tls = ServerTls::load(&keys(issue(&ca)), versions).unwrap();
        let protocols = tls.config.get().alpn_protocols.clone();
        assert_eq!(protocols.first().map(Vec::as_slice).filter(|first| *first == b"h2"), offered);
    }
}

#[test]
fn files_that_hold_no_certificate_or_key_are_named() {
    let ca = ca();
    let (certificate, key) = issue(&ca);
    let error = |keys: TlsServer| ServerTls::load(&keys, Versions::Http1).unwrap_err().to_string();
    let found = error(keys(("nothing".to_owned(), key.clone())));
    assert_eq!(found, "the text holds no certificate: there is no PEM section of one");
    let found = error(keys((certificate.clone(), "nothing".to_owned())));
    assert!(found.starts_with("the text holds no private key: "), "{found}");
    let (_, other) = issue(&ca);
    let found = error(keys((certificate, other)));
    assert!(found.contains("keys may not be consistent: KeyMismatch"), "{found}");
    let missing = TlsServer { cert_file: Some("/nowhere/cert.pem".into()), ..keys((String::new(), key)) };
    assert!(error(missing).starts_with("could not read /nowhere/cert.pem: "));
}

struct Folder(std::path::PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("weir-tls-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(Path::new(&self.0));
    }
}
