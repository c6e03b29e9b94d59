//! TLS to servers: which of them are trusted, and what is shown to them.

use std::sync::{Arc, OnceLock};

use rustls::{
    ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject},
};

use crate::{reload::LoadError, tls::TlsVersion};

/// TLS to servers.
#[derive(Debug)]
pub struct ClientTls {
    /// CAs in PEM; without them, the system's.
    pub ca: Option<Vec<u8>>,
    /// A certificate with its chain, and its key, in PEM.
    pub identity: Option<(Vec<u8>, Vec<u8>)>,
    /// The name that a certificate must be for; without it, the host that is asked.
    pub server_name: Option<String>,
    /// Whether certificates are checked.
    pub verify: bool,
    /// The oldest version that is spoken.
    pub min_version: TlsVersion,
    /// The newest version that is spoken.
    pub max_version: TlsVersion,
}

impl Default for ClientTls {
    fn default() -> Self {
        Self {
            ca: None,
            identity: None,
            server_name: None,
            verify: true,
            min_version: TlsVersion::V1_2,
            max_version: TlsVersion::V1_3,
        }
    }
}

/// The system's CAs, read when somebody asks for them first: they take a few hundred kilobytes, and most clients never do.
#[derive(Clone, Debug, Default)]
pub struct SystemRoots(Arc<OnceLock<Arc<RootCertStore>>>);

impl SystemRoots {
    fn get(&self) -> Arc<RootCertStore> {
        let read = || {
            let mut roots = RootCertStore::empty();
            let found = rustls_native_certs::load_native_certs();
            roots.add_parsable_certificates(found.certs);
            if roots.is_empty() {
                tracing::warn!(errors = ?found.errors, "the system has no CAs: no server of https will be trusted");
            }
            Arc::new(roots)
        };
        Arc::clone(self.0.get_or_init(read))
    }
}

/// What connections are made with.
#[derive(Debug)]
pub(super) struct Prepared {
    tls: ClientTls,
    http2: bool,
    roots: SystemRoots,
    config: OnceLock<Arc<ClientConfig>>,
}

impl ClientTls {
    /// Checks what was given; the system's CAs are left for the first connection.
    pub(super) fn prepare(self, http2: bool, roots: &SystemRoots) -> Result<Prepared, LoadError> {
        let prepared = Prepared { http2, roots: roots.clone(), config: OnceLock::new(), tls: self };
        if prepared.tls.ca.is_some() || prepared.tls.identity.is_some() {
            prepared.config()?;
        }
        if let Some(name) = &prepared.tls.server_name {
            prepared.server_name(name)?;
        }
        Ok(prepared)
    }
}

impl Prepared {
    pub(super) fn server_name(&self, host: &str) -> Result<ServerName<'static>, LoadError> {
        let name = self.tls.server_name.as_deref().unwrap_or(host);
        // An IPv6 address stands in brackets in a URI.
        let name = name.trim_start_matches('[').trim_end_matches(']');
        ServerName::try_from(name.to_owned())
            .map_err(|_| LoadError::Content(format!("`{name}` is no name of a server")))
    }

    pub(super) fn config(&self) -> Result<Arc<ClientConfig>, LoadError> {
        if let Some(config) = self.config.get() {
            return Ok(Arc::clone(config));
        }
        let made = Arc::new(self.make()?);
        Ok(Arc::clone(self.config.get_or_init(|| made)))
    }

    fn make(&self) -> Result<ClientConfig, LoadError> {
        let wrong = |error: Error| LoadError::Content(error.to_string());
        let tls = &self.tls;
        let provider = Arc::new(aws_lc_rs::default_provider());
        let versions = TlsVersion::ALL
            .into_iter()
            .filter(|version| (tls.min_version..=tls.max_version).contains(version))
            .map(TlsVersion::of_rustls);
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&versions.collect::<Vec<_>>())
            .map_err(wrong)?;
        let builder = if tls.verify {
            let roots = match &tls.ca {
                None => self.roots.get(),
                Some(pem) => {
                    let mut roots = RootCertStore::empty();
                    for certificate in certificates(pem, "the CA")? {
                        roots.add(certificate).map_err(wrong)?;
                    }
                    Arc::new(roots)
                }
            };
            builder.with_root_certificates(roots)
        } else {
            builder.dangerous().with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
        };
        let mut config = match &tls.identity {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => {
                let key = PrivateKeyDer::from_pem_slice(key)
                    .map_err(|error| LoadError::Content(format!("the key is no private key: {error}")))?;
                builder
                    .with_client_auth_cert(certificates(certificate, "the certificate")?, key)
                    .map_err(wrong)?
            }
        };
        config.alpn_protocols =
            if self.http2 { vec![b"h2".to_vec(), b"http/1.1".to_vec()] } else { vec![b"http/1.1".to_vec()] };
        Ok(config)
    }
}

fn certificates(pem: &[u8], what: &str) -> Result<Vec<CertificateDer<'static>>, LoadError> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match chain {
        Ok(chain) if !chain.is_empty() => Ok(chain),
        Ok(_) => Err(LoadError::Content(format!("{what} has no PEM section of a certificate"))),
        Err(error) => Err(LoadError::Content(format!("{what} is no certificate: {error}"))),
    }
}

/// Takes any certificate, whose key the server must still have.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
