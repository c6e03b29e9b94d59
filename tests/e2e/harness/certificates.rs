//! Certificates of authorities made for one test.

use std::{
    fs,
    path::{Path, PathBuf},
};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

/// A CA in a file of its own, and a certificate of it for `localhost`.
pub(crate) struct Issued {
    pub(crate) ca: PathBuf,
    pub(crate) certificate: String,
    pub(crate) key: String,
}

pub(crate) fn issued(folder: &Path, name: &str) -> Issued {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, name);
    let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(["localhost".to_owned()]).unwrap().signed_by(&key, &ca).unwrap();
    let file = folder.join(format!("{name}.pem"));
    fs::write(&file, ca.pem()).unwrap();
    Issued { ca: file, certificate: certificate.pem(), key: key.serialize_pem() }
}
