//! TLS as a client: trust, the protocols offered, and the meaning of a failed handshake.

use std::sync::Arc;
use std::time::Duration;

use model::env::Env;
use rustls::pki_types::{ServerName, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::{CertificateError, ClientConfig};
use trust::{Names, Roots, Untrusted, Verifier};

/// HTTP/1.1 as ALPN names it.
pub(crate) const HTTP1: &[u8] = b"http/1.1";

pub use trust::{Error, system_has_roots};

/// Trusts the system's roots, or Mozilla's where the system has none, and those in `ca_pem` besides. Offers HTTP/2 and
/// HTTP/1.1. A certificate that stands in `ca_pem` itself is good for its own names. Certificates are valid or not by
/// the environment's clock.
pub(crate) fn config(ca_pem: Option<&[u8]>, env: Arc<dyn Env>) -> Result<ClientConfig, Error> {
    let roots = Roots::with(ca_pem)?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier = Verifier::new(roots, Names::Matter, provider.clone());
    let mut config = ClientConfig::builder_with_details(provider, Arc::new(Clock(env)))
        .with_safe_default_protocol_versions()
        .expect("the provider has the default versions")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), HTTP1.to_vec()];
    Ok(config)
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

/// Message for a person about a failed handshake with `host`. `None` if TLS had no part in it.
pub(crate) fn explain(host: &str, error: &std::io::Error) -> Option<String> {
    let reason = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    Some(match reason {
        rustls::Error::InvalidCertificate(reason) => certificate(host, reason),
        rustls::Error::AlertReceived(alert) => format!("TLS: {host} ended the handshake ({alert:?})"),
        rustls::Error::InvalidMessage(_) => format!("TLS: what {host} answered is not TLS; is it an http:// address?"),
        rustls::Error::PeerIncompatible(_) => {
            format!("TLS: {host} and this server have no version or cipher in common; TLS 1.2 or 1.3 is needed")
        }
        rustls::Error::NoApplicationProtocol => format!("TLS: {host} speaks neither HTTP/2 nor HTTP/1.1"),
        rustls::Error::NoCertificatesPresented => format!("TLS: {host} has no certificate"),
        _ => format!("TLS: {host} does not keep to the rules of the handshake"),
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
        CertificateError::Other(other) => match other.0.downcast_ref::<Untrusted>() {
            Some(untrusted) => format!("TLS: the certificate of {host} is {untrusted}"),
            None => format!("TLS: the certificate of {host} cannot be used: it breaks the rules for certificates"),
        },
        CertificateError::BadEncoding => {
            format!("TLS: the certificate of {host} cannot be read: it is damaged, or older than X.509 version 3")
        }
        CertificateError::BadSignature => format!("TLS: the certificate of {host} has a signature that does not fit"),
        CertificateError::Revoked => format!("TLS: the certificate of {host} is revoked"),
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            format!("TLS: the certificate of {host} is not for servers")
        }
        _ => format!("TLS: the certificate of {host} cannot be used: it breaks the rules for certificates"),
    }
}

/// Maximum names of a certificate that are shown.
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
