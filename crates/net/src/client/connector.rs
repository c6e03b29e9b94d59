//! From a URI to a connection: TCP, the proxy on the way, TLS.

use std::{
    future::Future,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use hyper::{
    Uri,
    header::HeaderValue,
    rt::{Read, ReadBufCursor, Write},
};
use hyper_util::{
    client::legacy::connect::{Connected, Connection, HttpConnector, proxy::Tunnel},
    rt::TokioIo,
};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tower_service::Service;

use super::{ClientError, Proxies, tls::Prepared};
use crate::endpoint::Stream;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Makes connections.
#[derive(Clone, Debug)]
pub(super) struct Connector {
    tcp: HttpConnector,
    tls: Arc<Prepared>,
    proxies: Arc<Proxies>,
}

impl Connector {
    pub(super) fn new(tls: Prepared, proxies: Proxies) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        Self { tcp, tls: Arc::new(tls), proxies: Arc::new(proxies) }
    }

    /// What a proxy wants to be shown with a request that it passes on in plain text.
    pub(super) fn plain_proxy_auth(&self, uri: &Uri) -> Option<HeaderValue> {
        let is_plain = uri.scheme_str() == Some("http");
        let proxy = is_plain.then(|| self.proxies.on_the_way(uri)).flatten()?;
        if is_spoken(proxy.uri()) { proxy.basic_auth().cloned() } else { None }
    }

    async fn connect(mut self, uri: Uri) -> Result<Established, BoxError> {
        let is_secure = uri.scheme_str() == Some("https");
        let proxy = self.proxies.on_the_way(&uri);
        if let Some(proxy) = proxy.as_ref().filter(|proxy| !is_spoken(proxy.uri())) {
            let scheme = proxy.uri().scheme_str().unwrap_or_default();
            return Err(
                ClientError::Proxy(format!("`{scheme}` is not spoken to proxies, only `http`")).into()
            );
        }
        let tcp = match &proxy {
            None => self.tcp.call(uri.clone()).await?,
            Some(proxy) if is_secure => {
                let tunnel = Tunnel::new(proxy.uri().clone(), self.tcp.clone());
                let auth = proxy.basic_auth().cloned();
                let mut tunnel = match auth {
                    Some(auth) => tunnel.with_auth(auth),
                    None => tunnel,
                };
                tunnel.call(uri.clone()).await?
            }
            Some(proxy) => self.tcp.call(proxy.uri().clone()).await?,
        };
        let tcp: TcpStream = tcp.into_inner();
        if !is_secure {
            return Ok(Established { stream: boxed(tcp), is_http2: false, is_proxied: proxy.is_some() });
        }
        let name = self.tls.server_name(uri.host().unwrap_or_default())?;
        let stream = TlsConnector::from(self.tls.config()?).connect(name, tcp).await?;
        let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        Ok(Established { stream: boxed(stream), is_http2, is_proxied: false })
    }
}

impl Service<Uri> for Connector {
    type Response = Established;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Established, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        Box::pin(self.clone().connect(uri))
    }
}

/// Whether a proxy is spoken to as it wants to be: in plain HTTP. A password for one that wants TLS must not be shown in clear text.
fn is_spoken(proxy: &Uri) -> bool {
    matches!(proxy.scheme_str(), None | Some("http"))
}

/// A connection that may carry requests.
pub(super) struct Established {
    stream: TokioIo<Box<dyn Stream>>,
    is_http2: bool,
    /// The proxy passes requests on: it wants their whole URIs.
    is_proxied: bool,
}

fn boxed(stream: impl Stream + 'static) -> TokioIo<Box<dyn Stream>> {
    TokioIo::new(Box::new(stream))
}

impl Connection for Established {
    fn connected(&self) -> Connected {
        let connected = Connected::new().proxy(self.is_proxied);
        if self.is_http2 { connected.negotiated_h2() } else { connected }
    }
}

impl Read for Established {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl Write for Established {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
