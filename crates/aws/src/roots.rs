//! Which certificate authorities are believed.
//!
//! `tls.ca_file`, else `AWS_CA_BUNDLE`: that file alone, as the AWS CLI has it. Else the system's, where `SSL_CERT_FILE` and
//! `SSL_CERT_DIR` count too.

use std::path::{Path, PathBuf};

use aws_smithy_http_client::tls::{TlsContext, TrustStore};
use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};

use crate::Error;

/// The authorities of `ca_file`, of `AWS_CA_BUNDLE`, or of the system; none for a stand-in on this machine that has no file
/// of them: it speaks plain http.
pub(crate) fn context(ca_file: Option<&Path>, stand_in: bool) -> Result<TlsContext, Error> {
    let bundle = std::env::var_os("AWS_CA_BUNDLE").filter(|path| !path.is_empty()).map(PathBuf::from);
    let store = match (ca_file, &bundle) {
        (Some(path), _) => of_file(path, "`tls.ca_file`")?,
        (None, Some(path)) => of_file(path, "AWS_CA_BUNDLE")?,
        (None, None) if stand_in => TrustStore::empty(),
        (None, None) if rustls_native_certs::load_native_certs().certs.is_empty() => {
            return Err(Error::NoRoots);
        }
        (None, None) => TrustStore::default(),
    };
    TlsContext::builder().with_trust_store(store).build().map_err(|_| Error::NoRoots)
}

/// Read and checked here: the HTTP client would panic over a bad file when it first connects.
fn of_file(path: &Path, source_name: &'static str) -> Result<TrustStore, Error> {
    let refused = |why: String| Error::Certificates { path: path.to_owned(), source_name, why };
    let pem = std::fs::read(path).map_err(|error| refused(error.to_string()))?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|error| refused(format!("it is not PEM: {error:?}")))?;
        roots.add(certificate).map_err(|error| refused(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(refused("there is no certificate in it".to_owned()));
    }
    Ok(TrustStore::empty().with_pem_certificate(pem))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(name: &str, content: &str) -> String {
        let path = std::env::temp_dir().join(format!("weir-roots-{}-{name}.pem", std::process::id()));
        std::fs::write(&path, content).unwrap();
        let error = context(Some(&path), false).unwrap_err().to_string();
        std::fs::remove_file(&path).unwrap();
        assert!(error.contains(path.to_str().unwrap()) && error.contains("`tls.ca_file`"), "{error}");
        error
    }

    #[test]
    fn a_file_without_a_good_certificate_is_refused_at_the_start_with_its_path() {
        assert!(refused("empty", "").contains("there is no certificate in it"));
        let broken = "-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n";
        assert!(refused("broken", broken).contains("not PEM"));
        let other = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        refused("other", other);
        let missing = context(Some(Path::new("/no/such/file.pem")), true).unwrap_err().to_string();
        assert!(missing.contains("/no/such/file.pem") && missing.contains("No such file"), "{missing}");
    }
}
