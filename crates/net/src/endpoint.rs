//! Where to listen: an address or a path, and the socket that comes of it.

use std::{
    fmt, fs, io,
    net::{IpAddr, SocketAddr},
    os::unix::{fs::FileTypeExt as _, net::UnixStream as StdUnixStream},
    path::{Path, PathBuf},
};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, UnixListener, lookup_host},
};

#[cfg(test)]
mod tests;

/// Where to listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// A host (empty: every interface) and a port; port 0 takes a free one.
    Tcp {
        /// A name or an address.
        host: String,
        /// The port.
        port: u16,
    },
    /// A Unix socket.
    Unix(PathBuf),
}

impl Endpoint {
    /// Reads `host:port`; an IPv6 address stands in brackets. `None` for anything else.
    pub fn tcp(text: &str) -> Option<Self> {
        let (host, port) = text.rsplit_once(':')?;
        let port = port.parse().ok()?;
        let host = match host.strip_prefix('[') {
            Some(bracketed) => bracketed.strip_suffix(']')?,
            // An IPv6 address without brackets: where its port begins is anybody's guess.
            None if host.contains(':') => return None,
            None => host,
        };
        let plain = !host.contains(['/', ' ', '[', ']', '@']);
        plain.then(|| Self::Tcp { host: host.to_owned(), port })
    }

    /// Of a name's addresses the first that can be had is taken, IPv4 before IPv6, as the Collector does.
    pub(crate) async fn bind(&self) -> Result<Socket, BindError> {
        let failed = |source| BindError { address: self.to_string(), source };
        let mut last = io::ErrorKind::AddrNotAvailable.into();
        match self {
            Self::Unix(path) => return bind_unix(path).map_err(failed),
            Self::Tcp { host, port } => {
                for address in addresses(host, *port).await.map_err(failed)? {
                    match TcpListener::bind(address).await {
                        Ok(listener) => return Socket::tcp(listener).map_err(failed),
                        Err(error) => last = error,
                    }
                }
            }
        }
        Err(failed(last))
    }
}

impl From<SocketAddr> for Endpoint {
    fn from(address: SocketAddr) -> Self {
        Self::Tcp { host: address.ip().to_string(), port: address.port() }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "{host}:{port}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// An endpoint could not be listened on.
#[derive(Debug, thiserror::Error)]
#[error("could not listen on {address}: {source}")]
pub struct BindError {
    /// The endpoint that was asked for.
    pub address: String,
    /// The system's answer.
    pub source: io::Error,
}

async fn addresses(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    if host.is_empty() {
        // The first takes IPv4 too, where the host has IPv6.
        return Ok(vec![([0; 16], port).into(), ([0; 4], port).into()]);
    }
    let mut found: Vec<_> = lookup_host((host, port)).await?.collect();
    found.sort_by_key(SocketAddr::is_ipv6);
    Ok(found)
}

/// A file that a process left behind is taken away; one that a living process listens on is in use.
fn bind_unix(path: &Path) -> io::Result<Socket> {
    let is_socket = fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket());
    if is_socket && StdUnixStream::connect(path).is_err_and(|e| e.kind() == io::ErrorKind::ConnectionRefused)
    {
        fs::remove_file(path)?;
    }
    let listener = UnixListener::bind(path)?;
    Ok(Socket::Unix { listener, file: SocketFile(path.to_owned()) })
}

/// A byte stream, whatever carries it.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// A bound socket.
#[derive(Debug)]
pub(crate) enum Socket {
    Tcp { listener: TcpListener, address: SocketAddr },
    Unix { listener: UnixListener, file: SocketFile },
}

impl Socket {
    fn tcp(listener: TcpListener) -> io::Result<Self> {
        let address = listener.local_addr()?;
        Ok(Self::Tcp { listener, address })
    }

    /// The next connection, and who it is from where that has an address.
    pub(crate) async fn accept(&self) -> io::Result<(Box<dyn Stream>, Option<IpAddr>)> {
        match self {
            Self::Tcp { listener, .. } => {
                let (stream, peer) = listener.accept().await?;
                // Answers are small and must not wait for more of them.
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "could not set TCP_NODELAY");
                }
                Ok((Box::new(stream), Some(peer.ip().to_canonical())))
            }
            Self::Unix { listener, .. } => Ok((Box::new(listener.accept().await?.0), None)),
        }
    }
}

/// Taken away with the socket, so that a client is refused rather than left waiting.
#[derive(Debug)]
pub(crate) struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        // Gone already is as good.
        let _ = fs::remove_file(&self.0);
    }
}

impl fmt::Display for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { address, .. } => address.fmt(f),
            Self::Unix { file, .. } => write!(f, "unix:{}", file.0.display()),
        }
    }
}
