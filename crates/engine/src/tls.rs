//! TLS as a client: whom we trust, what we offer, and what a failed handshake means.

use std::sync::Arc;
use std::time::Duration;

use model::env::Env;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::{CertificateError, ClientConfig, RootCertStore};

/// HTTP/1.1, as TLS calls it.
pub(crate) const HTTP1: &[u8] = b"http/1.1";

/// The operator's own CA file is not one.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the CA file cannot be read as PEM: {0}")]
    NotPem(pem::Error),
    #[error("the CA file holds no certificate; it needs at least one BEGIN CERTIFICATE block")]
    NoCertificate,
    #[error("the CA file holds a certificate that cannot be used: {0}")]
    BadCertificate(#[source] rustls::Error),
}

/// Trusts the system's roots, or Mozilla's where the system has none, and those in `ca_pem` besides. Offers HTTP/2 and
/// HTTP/1.1. Certificates are valid or not by the environment's clock.
pub(crate) fn config(ca_pem: Option<&[u8]>, env: Arc<dyn Env>) -> Result<ClientConfig, Error> {
    let mut roots = system_roots();
    if let Some(ca_pem) = ca_pem {
        trust(&mut roots, ca_pem)?;
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_details(provider, Arc::new(Clock(env)))
        .with_safe_default_protocol_versions()
        .expect("the provider has the default versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), HTTP1.to_vec()];
    Ok(config)
}

fn system_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    let (usable, _) = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if usable == 0 {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    roots
}

/// Whether the system says whom to trust. Where it does not, Mozilla's roots are trusted.
pub fn system_has_roots() -> bool {
    let certificates = rustls_native_certs::load_native_certs().certs;
    RootCertStore::empty().add_parsable_certificates(certificates).0 > 0
}

fn trust(roots: &mut RootCertStore, ca_pem: &[u8]) -> Result<(), Error> {
    let mut found = 0;
    for certificate in CertificateDer::pem_slice_iter(ca_pem) {
        roots.add(certificate.map_err(Error::NotPem)?).map_err(Error::BadCertificate)?;
        found += 1;
    }
    if found == 0 { Err(Error::NoCertificate) } else { Ok(()) }
}

struct Clock(Arc<dyn Env>);

impl TimeProvider for Clock {
    fn current_time(&self) -> Option<UnixTime> {
        let millis = u64::try_from(self.0.now().as_millis()).ok()?;
        Some(UnixTime::since_unix_epoch(Duration::from_millis(millis)))
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Clock")
    }
}

/// Why a handshake with `host` failed, for a person. `None` when TLS had no part in it.
pub(crate) fn explain(host: &str, error: &std::io::Error) -> Option<String> {
    let reason = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    Some(match reason {
        rustls::Error::InvalidCertificate(reason) => certificate(host, reason),
        rustls::Error::AlertReceived(alert) => format!("TLS: {host} ended the handshake ({alert:?})"),
        rustls::Error::InvalidMessage(_) => format!("TLS: what {host} answered is not TLS; is it an http:// address?"),
        other => format!("TLS: {other}"),
    })
}

fn certificate(host: &str, reason: &CertificateError) -> String {
    match reason {
        CertificateError::UnknownIssuer => {
            format!(
                "TLS: the certificate of {host} is signed by an authority that is not trusted, or its chain is not complete"
            )
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            format!("TLS: the certificate of {host} has expired")
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            format!("TLS: the certificate of {host} is not valid yet")
        }
        CertificateError::NotValidForNameContext { expected, presented } => not_for(expected, presented),
        CertificateError::NotValidForName => format!("TLS: the certificate is not for {host}"),
        other => format!("TLS: the certificate of {host} is refused: {other}"),
    }
}

/// Names in a certificate that are shown.
const NAMES_SHOWN: usize = 5;

fn not_for(expected: &ServerName<'_>, presented: &[String]) -> String {
    // rustls gives them as `DnsName("a.example")` and `IpAddress(192.0.2.1)`.
    let bare = |name: &String| {
        let inner = name.split_once('(').map_or(name.as_str(), |(_, inner)| inner);
        inner.trim_end_matches(')').trim_matches('"').to_owned()
    };
    let expected = expected.to_str();
    match presented.iter().take(NAMES_SHOWN).map(bare).collect::<Vec<_>>().join(", ") {
        none if none.is_empty() => format!("TLS: the certificate names no host, so it is not for {expected}"),
        names => format!("TLS: the certificate is for {names}, not for {expected}"),
    }
}
