//! Targets behind TLS, passwords and token servers.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{Request, Response, body::Incoming, header::AUTHORIZATION};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio_util::sync::CancellationToken;
use weir_net::{Http2, Listener, ServerTls, TlsServer, Versions};

use super::harness::{job, once, says};

type Ca = CertifiedIssuer<'static, KeyPair>;

fn ca() -> Ca {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A target over TLS that says by which version it was asked, and whether with credentials.
async fn secure(ca: &Ca, until: i32) -> u16 {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    params.not_after = rcgen::date_time_ymd(until, 1, 1);
    let cert_pem = params.signed_by(&key, ca).unwrap().pem();
    let key_pem = weir_config::Secret::new(key.serialize_pem());
    let keys = TlsServer { cert_pem, key_pem, ..TlsServer::default() };
    let versions = Versions::Both(Http2::default());
    let tls = ServerTls::load(&keys, versions).unwrap();
    let listener = Listener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let port = listener.tcp_addr().unwrap().port();
    let listener = listener.with_versions(versions).with_tls(Some(tls));
    tokio::spawn(listener.serve(
        |request: Request<Incoming>| async move {
            let version = if request.version() == hyper::Version::HTTP_2 { 2 } else { 1 };
            let shown = u8::from(request.headers().contains_key(AUTHORIZATION));
            metrics(format!("version {version}\nshown {shown}\n"))
        },
        CancellationToken::new(),
    ));
    port
}

fn metrics(body: String) -> Response<Full<Bytes>> {
    let response = Response::builder().header("content-type", "text/plain; version=0.0.4");
    response.body(Full::new(Bytes::from(body))).unwrap()
}

fn indented(pem: &str) -> String {
    pem.replace('\n', "\n    ")
}

#[tokio::test]
async fn certificates_are_checked_and_what_is_wrong_with_one_is_named() {
    let ca = ca();
    let good = secure(&ca, 2100).await;
    let trusted = format!("scheme: https\ntls_config:\n  ca: |\n    {}", indented(&ca.pem()));
    let answer = once(&job(format!("localhost:{good}"), &trusted)).await;
    assert_eq!((answer.value("up"), answer.value("version")), (1.0, 2.0));
    let old = once(&job(format!("localhost:{good}"), &format!("enable_http2: false\n{trusted}"))).await;
    assert_eq!(old.value("version"), 1.0);

    let expired = secure(&ca, 2001).await;
    let why = async |target: String, keys: &str| once(&job(target, keys)).await.row().reason.unwrap();
    assert_eq!(why(format!("localhost:{expired}"), &trusted).await, "certificate_expired");
    assert_eq!(why(format!("127.0.0.1:{good}"), &trusted).await, "certificate_untrusted");
    let careless = "scheme: https\ntls_config: {insecure_skip_verify: true}";
    assert_eq!(once(&job(format!("127.0.0.1:{expired}"), careless)).await.value("up"), 1.0);
}

#[tokio::test]
async fn credentials_go_along_where_a_host_leads_from_http_to_https() {
    let ca = ca();
    let port = secure(&ca, 2100).await;
    let moved = says(format!(
        "HTTP/1.1 301 Moved\r\nlocation: https://localhost:{port}/metrics\r\ncontent-length: 0\r\n\r\n"
    ))
    .await;
    let keys =
        format!("authorization: {{credentials: t0ken}}\ntls_config:\n  ca: |\n    {}", indented(&ca.pem()));
    let same_host = once(&job(format!("localhost:{}", moved.port()), &keys)).await;
    assert_eq!((same_host.value("up"), same_host.value("shown")), (1.0, 1.0));
    assert_eq!(once(&job(moved, &keys)).await.value("shown"), 0.0, "127.0.0.1 is another host");
}

/// A server that gives out tokens, and is a target to those who show one.
async fn token_server() -> (SocketAddr, Arc<AtomicU64>) {
    let listener = Listener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let address = listener.tcp_addr().unwrap();
    let asked = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&asked);
    let answer = move |request: Request<Incoming>| {
        let counted = Arc::clone(&counted);
        async move {
            let shown = request.headers().get(AUTHORIZATION).map(|shown| shown.to_str().unwrap().to_owned());
            let shown = shown.unwrap_or_default();
            if request.uri().path() == "/token" {
                counted.fetch_add(1, Relaxed);
                let form = request.into_body().collect().await.unwrap().to_bytes();
                assert_eq!(form, "grant_type=client_credentials&scope=a+b&audience=x%2Fy");
                assert_eq!(shown, "Basic aWQ6d29yZA=="); // id:word
                // As some servers have it: the time as text, and a success that is not 200.
                let granted = br#"{"access_token": "t0ken", "token_type": "bearer", "expires_in": "3600"}"#;
                let granted = Full::new(Bytes::from_static(granted));
                return Response::builder().status(201).body(granted).unwrap();
            }
            match (request.uri().path(), &*shown) {
                ("/by-token", "Bearer t0ken") | ("/by-password", "Basic dXNlcjpwYXNzIHdvcmQ=") => {
                    metrics("known 1\n".to_owned())
                }
                _ => Response::builder().status(401).body(Full::default()).unwrap(),
            }
        }
    };
    tokio::spawn(listener.serve(answer, CancellationToken::new()));
    (address, asked)
}

#[tokio::test]
async fn tokens_are_asked_for_once_and_shown() {
    let (address, asked) = token_server().await;
    let oauth2 = format!(
        "metrics_path: /by-token\noauth2:\n  client_id: id\n  client_secret: word\n  scopes: [a, b]\n  endpoint_params: {{audience: x/y}}\n  token_url: http://{address}/token"
    );
    let two =
        job(address, &oauth2).replace("targets: [", &format!("targets: ['localhost:{}', ", address.port()));
    let answer = once(&two).await;
    assert_eq!(answer.outcomes["ok"], 2);
    assert_eq!(asked.load(Relaxed), 1, "one token serves both");
    let lost = job(address, &oauth2.replace("/token", "/other"));
    assert_eq!(once(&lost.replace("/by-other", "/by-token")).await.row().reason, Some("token"));
}

#[tokio::test]
async fn passwords_come_from_files_without_their_last_newline() {
    let (address, _) = token_server().await;
    let file = std::env::temp_dir().join(format!("weir-password-{}", std::process::id()));
    std::fs::write(&file, "pass word\n").unwrap();
    let keys = format!(
        "metrics_path: /by-password\nbasic_auth: {{username: user, password_file: '{}'}}",
        file.display()
    );
    assert_eq!(once(&job(address, &keys)).await.value("known"), 1.0);
    std::fs::remove_file(&file).unwrap();
    let without = once(&job(address, "metrics_path: /by-password")).await;
    assert_eq!(without.row().reason, Some("status"));
}
