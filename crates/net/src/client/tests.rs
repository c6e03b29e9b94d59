use std::{net::SocketAddr, sync::Arc};

use http_body_util::BodyExt as _;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::{Limits, Listener, ServerTls, TlsServer, Versions};

type Ca = CertifiedIssuer<'static, KeyPair>;

fn ca() -> Ca {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A certificate of `localhost`, valid up to the first day of `until`.
fn issue(ca: &Ca, until: i32) -> TlsServer {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    params.not_after = rcgen::date_time_ymd(until, 1, 1);
    let certificate = params.signed_by(&key, ca).unwrap();
    let key_pem = weir_config::Secret::new(key.serialize_pem());
    TlsServer { cert_pem: certificate.pem(), key_pem, ..TlsServer::default() }
}

/// A server that answers with the version and the URI of each request.
async fn serve(tls: Option<TlsServer>) -> SocketAddr {
    let versions = Versions::Both(crate::Http2::default());
    let listener = Listener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let address = listener.tcp_addr().unwrap();
    let tls = tls.map(|keys| ServerTls::load(&keys, versions).unwrap());
    let listener = listener.with_limits(Limits::default()).with_versions(versions).with_tls(tls);
    let answer = |request: Request<Incoming>| async move {
        let auth = request.headers().get(PROXY_AUTHORIZATION).map(|auth| auth.to_str().unwrap().to_owned());
        let said = format!("{:?} {} {}", request.version(), request.uri(), auth.unwrap_or_default());
        Response::new(Full::new(Bytes::from(said.trim_end().to_owned())))
    };
    tokio::spawn(listener.serve(answer, CancellationToken::new()));
    address
}

fn client(tls: ClientTls, proxies: Proxies, http2: bool) -> HttpClient {
    let settings = ClientSettings { tls, proxies, http2, idle: Duration::from_secs(60) };
    HttpClient::new(settings, &SystemRoots::default()).unwrap()
}

fn trusting(ca: &Ca) -> ClientTls {
    ClientTls { ca: Some(ca.pem().into_bytes()), ..ClientTls::default() }
}

async fn ask(client: &HttpClient, uri: &str) -> Result<String, ClientError> {
    let answer = client.send(Request::get(uri).body(Full::default()).unwrap()).await?;
    Ok(String::from_utf8(answer.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap())
}

/// A listener that does `with` to its first connection.
async fn once<F: Future<Output = ()> + Send>(
    with: impl FnOnce(tokio::net::TcpStream) -> F + Send + 'static,
) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        with(stream).await;
    });
    address
}

#[tokio::test]
async fn plain_text_is_http_1_and_tls_is_http_2_where_both_speak_it() {
    let ca = ca();
    let plain = serve(None).await;
    let secure = serve(Some(issue(&ca, 2100))).await;
    let uri = format!("https://localhost:{}/a?b=c", secure.port());
    let both = client(trusting(&ca), Proxies::default(), true);
    assert_eq!(ask(&both, &format!("http://{plain}/x")).await.unwrap(), "HTTP/1.1 /x");
    assert_eq!(ask(&both, &uri).await.unwrap(), format!("HTTP/2.0 {uri}"));
    let old = client(trusting(&ca), Proxies::default(), false);
    assert_eq!(ask(&old, &uri).await.unwrap(), "HTTP/1.1 /a?b=c");
}

#[tokio::test]
async fn certificates_are_checked_and_what_is_wrong_with_one_is_named() {
    let ca = ca();
    let good = serve(Some(issue(&ca, 2100))).await.port();
    let expired = serve(Some(issue(&ca, 2001))).await.port();
    let trusting_client = client(trusting(&ca), Proxies::default(), true);
    let word = async |client: &HttpClient, uri: String| ask(client, &uri).await.unwrap_err().word();
    assert_eq!(word(&trusting_client, format!("https://localhost:{expired}/")).await, "certificate_expired");
    assert_eq!(word(&trusting_client, format!("https://127.0.0.1:{good}/")).await, "certificate_untrusted");
    let strange = client(trusting(&self::ca()), Proxies::default(), true);
    assert_eq!(word(&strange, format!("https://localhost:{good}/")).await, "certificate_untrusted");

    let named = ClientTls { server_name: Some("localhost".to_owned()), ..trusting(&ca) };
    assert!(
        ask(&client(named, Proxies::default(), true), &format!("https://127.0.0.1:{good}/")).await.is_ok()
    );
    let careless = ClientTls { verify: false, ..ClientTls::default() };
    let careless = client(careless, Proxies::default(), true);
    assert!(ask(&careless, &format!("https://127.0.0.1:{expired}/")).await.is_ok());
    let plain = serve(None).await.port();
    assert_eq!(word(&careless, format!("https://127.0.0.1:{plain}/")).await, "tls");
}

#[tokio::test]
async fn failures_are_named_by_their_cause() {
    let client = client(ClientTls::default(), Proxies::default(), true);
    let word = async |uri: String| ask(&client, &uri).await.unwrap_err().word();
    let free = TcpListener::bind(("127.0.0.1", 0)).await.unwrap().local_addr().unwrap();
    assert_eq!(word(format!("http://{free}/")).await, "refused");
    assert_eq!(word("http://name.invalid/".to_owned()).await, "unresolved");
    let read_and_close = |mut stream: tokio::net::TcpStream| async move {
        let _ = stream.read(&mut [0; 1024]).await;
    };
    assert_eq!(word(format!("http://{}/", once(read_and_close).await)).await, "cut");
    let babble = |mut stream: tokio::net::TcpStream| async move {
        let _ = stream.read(&mut [0; 1024]).await;
        let _ = stream.write_all(b"SSH-2.0-OpenSSH_9.6\r\n\r\n").await;
    };
    assert_eq!(word(format!("http://{}/", once(babble).await)).await, "http");
}

#[tokio::test]
async fn a_proxy_passes_plain_requests_on_and_tunnels_others() {
    // Our server is as good a proxy for plain requests as any: it says what it was asked.
    let proxy = serve(None).await;
    let through = Proxies::fixed(&format!("http://user:word@{proxy}"), "127.0.0.1,.internal");
    let client_of = |proxies| client(ClientTls { verify: false, ..ClientTls::default() }, proxies, true);
    let said = ask(&client_of(through), "http://far.example/metrics").await.unwrap();
    assert_eq!(said, "HTTP/1.1 http://far.example/metrics Basic dXNlcjp3b3Jk");
    let except = Proxies::fixed("http://127.0.0.1:9", "127.0.0.1,.internal");
    assert_eq!(ask(&client_of(except), &format!("http://{proxy}/")).await.unwrap(), "HTTP/1.1 /");

    let ca = Arc::new(ca());
    let secure = serve(Some(issue(&ca, 2100))).await;
    let tunnel = once(move |mut near| async move {
        let mut head = vec![0; 1024];
        let read = near.read(&mut head).await.unwrap();
        assert!(head[..read].starts_with(b"CONNECT localhost:443 HTTP/1.1\r\n"));
        let mut far = tokio::net::TcpStream::connect(secure).await.unwrap();
        near.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").await.unwrap();
        let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
    })
    .await;
    let through = Proxies::fixed(&format!("http://{tunnel}"), "");
    let said = ask(&client(trusting(&ca), through, true), "https://localhost/x").await.unwrap();
    assert_eq!(said, "HTTP/2.0 https://localhost/x");

    let closed = once(|mut near| async move {
        let _ = near.read(&mut [0; 1024]).await;
        let _ = near.write_all(b"HTTP/1.1 403 No\r\ncontent-length: 0\r\n\r\n").await;
    })
    .await;
    let through = Proxies::fixed(&format!("http://{closed}"), "");
    assert_eq!(ask(&client_of(through), "https://localhost/").await.unwrap_err().word(), "proxy");
}

#[test]
fn the_loopback_is_reached_without_a_proxy_where_there_are_exceptions() {
    let is_proxied = |proxies: &Proxies, host: &str| {
        proxies.on_the_way(&format!("http://{host}/metrics").parse().unwrap()).is_some()
    };
    let with_exceptions = Proxies::fixed("http://proxy:3128", ".internal");
    for host in
        ["localhost:9090", "LocalHost", "127.0.0.1", "127.8.8.8:80", "[::1]:9090", "[::ffff:127.0.0.1]"]
    {
        assert!(!is_proxied(&with_exceptions, host), "{host}");
        // Whoever names a proxy and no exceptions means all servers.
        assert!(is_proxied(&Proxies::fixed("http://proxy:3128", ""), host), "{host}");
    }
    assert!(is_proxied(&with_exceptions, "128.0.0.1") && is_proxied(&with_exceptions, "localhost.example"));
    assert!(!is_proxied(&with_exceptions, "a.internal"));
}

#[test]
fn what_is_no_certificate_is_refused_when_the_client_is_made() {
    let made = |tls| {
        let settings = ClientSettings { tls, proxies: Proxies::default(), http2: true, idle: Duration::ZERO };
        HttpClient::new(settings, &SystemRoots::default()).map(|_| ()).unwrap_err().to_string()
    };
    let ca = ClientTls { ca: Some(b"nothing".to_vec()), ..ClientTls::default() };
    assert_eq!(made(ca), "the CA has no PEM section of a certificate");
    let named = ClientTls { server_name: Some("a b".to_owned()), ..ClientTls::default() };
    assert_eq!(made(named), "`a b` is no name of a server");
}

#[tokio::test]
async fn a_proxy_that_wants_tls_is_told_no_password_in_clear_text() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    for url in [format!("https://user:word@{address}"), format!("socks5://user:word@{address}")] {
        let client = client(ClientTls::default(), Proxies::fixed(&url, ""), true);
        for uri in ["http://far.example/", "https://far.example/"] {
            let error = ask(&client, uri).await.unwrap_err();
            assert!(
                matches!(&error, ClientError::Proxy(why) if why.contains("is not spoken")),
                "{url}: {error}"
            );
        }
    }
    // Nobody has even come.
    let accepted = std::pin::pin!(listener.accept());
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(accepted.poll(&mut context).is_pending());
}
