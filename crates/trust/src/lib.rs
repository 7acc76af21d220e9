//! Trust of a TLS client: in certificates by a trusted authority, and in those that stand in the operator's CA file
//! themselves.

mod verifier;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{self, PemObject};

pub use verifier::{Names, Untrusted, Verifier};

/// The operator's own CA file is not one.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the CA file cannot be read as PEM: one of its BEGIN CERTIFICATE blocks is damaged or does not end")]
    NotPem(#[source] pem::Error),
    #[error("the CA file holds no certificate; it needs at least one BEGIN CERTIFICATE block")]
    NoCertificate,
    #[error("the CA file holds a certificate that cannot be used: it is damaged")]
    BadCertificate(#[source] rustls::Error),
}

/// Authorities and certificates that are trusted.
#[derive(Debug)]
pub struct Roots {
    authorities: RootCertStore,
    /// Certificates of the operator's file, which are good for their own names as well.
    own: Vec<CertificateDer<'static>>,
}

impl Roots {
    /// The system's authorities, or Mozilla's where the system has none, and those in `ca_pem` besides.
    pub fn with(ca_pem: Option<&[u8]>) -> Result<Self, Error> {
        let mut roots = Self { authorities: system(), own: Vec::new() };
        if let Some(ca_pem) = ca_pem {
            roots.add(ca_pem)?;
        }
        Ok(roots)
    }

    /// The certificates in `ca_pem` alone.
    pub fn only(ca_pem: &[u8]) -> Result<Self, Error> {
        let mut roots = Self { authorities: RootCertStore::empty(), own: Vec::new() };
        roots.add(ca_pem)?;
        Ok(roots)
    }

    fn add(&mut self, ca_pem: &[u8]) -> Result<(), Error> {
        for certificate in CertificateDer::pem_slice_iter(ca_pem) {
            let certificate = certificate.map_err(Error::NotPem)?;
            self.authorities.add(certificate.clone()).map_err(Error::BadCertificate)?;
            self.own.push(certificate);
        }
        if self.own.is_empty() { Err(Error::NoCertificate) } else { Ok(()) }
    }
}

fn system() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    let (usable, _) = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if usable == 0 {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    roots
}

/// True if the system has trusted authorities. Where it has none, Mozilla's roots are trusted.
pub fn system_has_roots() -> bool {
    let certificates = rustls_native_certs::load_native_certs().certs;
    RootCertStore::empty().add_parsable_certificates(certificates).0 > 0
}
