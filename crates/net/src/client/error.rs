//! Why there is no answer, by its cause: whoever reads a log wants to know which door to knock at.

use std::{error::Error, io};

use rustls::CertificateError;

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// The name has no address.
    #[error("the name cannot be resolved: {0}")]
    Unresolved(String),
    /// Nobody listens there.
    #[error("the connection was refused")]
    Refused,
    /// The address cannot be reached.
    #[error("cannot connect: {0}")]
    Unreachable(String),
    /// The peer cut the connection.
    #[error("the connection was cut: {0}")]
    Cut(String),
    /// The server's certificate has expired, or is not valid yet.
    #[error("the server's certificate has expired or is not valid yet: {0}")]
    Expired(String),
    /// The server's certificate is of no CA that is trusted, or for another name.
    #[error("the server's certificate is not trusted: {0}")]
    Untrusted(String),
    /// No TLS session came about.
    #[error("no TLS session: {0}")]
    Tls(String),
    /// The proxy did not pass it on.
    #[error("the proxy does not let through: {0}")]
    Proxy(String),
    /// What came back is no HTTP, or the request cannot be sent.
    #[error("no HTTP answer: {0}")]
    Http(String),
}

impl ClientError {
    /// One word, for the label of a metric.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Unresolved(_) => "unresolved",
            Self::Refused => "refused",
            Self::Unreachable(_) => "unreachable",
            Self::Cut(_) => "cut",
            Self::Expired(_) => "certificate_expired",
            Self::Untrusted(_) => "certificate_untrusted",
            Self::Tls(_) => "tls",
            Self::Proxy(_) => "proxy",
            Self::Http(_) => "http",
        }
    }

    /// The cause of `error`, which stands somewhere in its chain of sources.
    pub fn of(error: &(dyn Error + 'static)) -> Self {
        let mut is_dns = false;
        let mut innermost = error.to_string();
        let mut link = Some(error);
        while let Some(cause) = link {
            innermost = cause.to_string();
            // These types of hyper-util are its own; its words are tested.
            is_dns |= innermost.starts_with("dns error");
            if innermost.starts_with("tunnel error") && cause.source().is_none() {
                return Self::Proxy(innermost);
            }
            if let Some(known) = known(cause, is_dns) {
                return known;
            }
            link = cause.source();
        }
        if is_dns { Self::Unresolved(innermost) } else { Self::Http(innermost) }
    }
}

fn known(cause: &(dyn Error + 'static), is_dns: bool) -> Option<ClientError> {
    if let Some(http) = cause.downcast_ref::<hyper::Error>()
        && http.is_incomplete_message()
    {
        return Some(ClientError::Cut("it ended within the answer".to_owned()));
    }
    if let Some(told) = cause.downcast_ref::<ClientError>() {
        return Some(told.clone());
    }
    if let Some(tls) = cause.downcast_ref::<rustls::Error>() {
        return Some(of_tls(tls));
    }
    let io = cause.downcast_ref::<io::Error>()?;
    // What an error of I/O wraps is not the source of it.
    if let Some(tls) = io.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        return Some(of_tls(tls));
    }
    Some(match io.kind() {
        _ if is_dns => ClientError::Unresolved(io.to_string()),
        io::ErrorKind::ConnectionRefused => ClientError::Refused,
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::UnexpectedEof => ClientError::Cut(io.to_string()),
        io::ErrorKind::Other | io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => return None,
        _ => ClientError::Unreachable(io.to_string()),
    })
}

fn of_tls(error: &rustls::Error) -> ClientError {
    match error {
        rustls::Error::InvalidCertificate(
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. },
        ) => ClientError::Expired(error.to_string()),
        rustls::Error::InvalidCertificate(_) => ClientError::Untrusted(error.to_string()),
        _ => ClientError::Tls(error.to_string()),
    }
}
