//! TLS for listeners: rustls, with certificates that are read again when they change.

mod config;
#[cfg(test)]
mod tests;

use std::{convert::Infallible, path::PathBuf, sync::Arc, time::Duration};

use rustls::{
    RootCertStore, ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::WebPkiClientVerifier,
};
use tokio_rustls::TlsAcceptor;

use crate::{
    endpoint::Stream,
    listener::Versions,
    reload::{LoadError, Reloaded},
};

pub use config::{TlsServer, TlsVersion};

/// What a listener needs for TLS.
#[derive(Debug)]
pub struct ServerTls {
    config: Arc<Reloaded<ServerConfig>>,
    every: Duration,
}

impl ServerTls {
    /// Reads certificates and keys. `versions` are offered to clients (ALPN).
    ///
    /// # Errors
    /// A file cannot be read, or is not what it should be.
    pub fn load(keys: &TlsServer, versions: Versions) -> Result<Self, LoadError> {
        let every = keys.reload_interval.0;
        let parts = Parts::of(keys);
        let files = parts.files();
        let protocols: Vec<Vec<u8>> = match versions {
            Versions::Http1 => vec![b"http/1.1".to_vec()],
            Versions::Http2(_) => vec![b"h2".to_vec()],
            Versions::Both(_) => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
        };
        let config = Reloaded::load(files, move |contents| {
            let mut config = parts.make(contents)?;
            config.alpn_protocols.clone_from(&protocols);
            Ok(config)
        })?;
        Ok(Self { config: Arc::new(config), every })
    }

    /// Keeps looking whether files have changed.
    pub(crate) async fn watch(&self) -> Infallible {
        self.config.watch(self.every).await
    }

    /// Shakes hands.
    pub(crate) async fn accept(&self, stream: Box<dyn Stream>) -> std::io::Result<Box<dyn Stream>> {
        let accepted = TlsAcceptor::from(self.config.get()).accept(stream).await?;
        Ok(Box::new(accepted))
    }
}

/// Where the parts of a configuration come from.
struct Parts {
    certificate: Part,
    key: Part,
    client_ca: Option<Part>,
    min_version: TlsVersion,
    max_version: TlsVersion,
}

#[derive(Clone)]
enum Part {
    File(PathBuf),
    Pem(Vec<u8>),
}

impl Part {
    fn of(file: Option<&PathBuf>, pem: &str) -> Self {
        match file {
            Some(file) => Self::File(file.clone()),
            None => Self::Pem(pem.as_bytes().to_vec()),
        }
    }

    /// Its content, where `files` are those of all parts that are files, in their order.
    fn take<'c>(&'c self, files: &mut impl Iterator<Item = &'c Vec<u8>>) -> (&'c [u8], String) {
        match self {
            Self::File(path) => (files.next().map_or(&[], |content| content), path.display().to_string()),
            Self::Pem(pem) => (pem, "the text".to_owned()),
        }
    }
}

impl Parts {
    fn of(keys: &TlsServer) -> Self {
        Self {
            certificate: Part::of(keys.cert_file.as_ref(), &keys.cert_pem),
            key: Part::of(keys.key_file.as_ref(), keys.key_pem.expose()),
            client_ca: keys.client_ca_file.clone().map(Part::File),
            min_version: keys.min_version,
            max_version: keys.max_version,
        }
    }

    fn files(&self) -> Vec<PathBuf> {
        let parts = [Some(&self.certificate), Some(&self.key), self.client_ca.as_ref()];
        let file = |part: &Part| match part {
            Part::File(path) => Some(path.clone()),
            Part::Pem(_) => None,
        };
        parts.into_iter().flatten().filter_map(file).collect()
    }

    fn make(&self, files: &[Vec<u8>]) -> Result<ServerConfig, LoadError> {
        let mut files = files.iter();
        let wrong = |error: rustls::Error| LoadError::Content(error.to_string());
        let chain = certificates(self.certificate.take(&mut files))?;
        let (pem, from) = self.key.take(&mut files);
        let key = PrivateKeyDer::from_pem_slice(pem)
            .map_err(|error| LoadError::Content(format!("{from} holds no private key: {error}")))?;
        let provider = Arc::new(aws_lc_rs::default_provider());
        let versions = TlsVersion::ALL
            .into_iter()
            .filter(|version| (self.min_version..=self.max_version).contains(version))
            .map(TlsVersion::of_rustls);
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&versions.collect::<Vec<_>>())
            .map_err(wrong)?;
        let builder = match &self.client_ca {
            None => builder.with_no_client_auth(),
            Some(part) => {
                let mut roots = RootCertStore::empty();
                for certificate in certificates(part.take(&mut files))? {
                    roots.add(certificate).map_err(wrong)?;
                }
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
                let verifier = verifier.map_err(|error| LoadError::Content(error.to_string()))?;
                builder.with_client_cert_verifier(verifier)
            }
        };
        builder.with_single_cert(chain, key).map_err(wrong)
    }
}

fn certificates((pem, from): (&[u8], String)) -> Result<Vec<CertificateDer<'static>>, LoadError> {
    let wrong =
        |why: &dyn std::fmt::Display| LoadError::Content(format!("{from} holds no certificate: {why}"));
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let chain = chain.map_err(|error| wrong(&error))?;
    if chain.is_empty() { Err(wrong(&"there is no PEM section of one")) } else { Ok(chain) }
}
