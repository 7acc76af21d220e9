//! A server's certificate judged: by authorities, by the operator's own file, and by its names.

use std::fmt;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, OtherError, SignatureScheme};
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::Roots;

/// Rule about the server's name: it must be one of its certificate's, or need not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    Matter,
    /// Any name will do, as in PostgreSQL's `verify-ca`.
    DoNotMatter,
}

/// Reason why a certificate is not believed, beyond those of rustls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Untrusted {
    /// It vouches for itself, and does not stand in the CA file.
    SelfSigned,
    /// It is an authority's own (`CA:TRUE`), of an authority above it, and does not stand in the CA file.
    Authority,
}

/// The text continues after "the certificate of hooks.example is ".
impl fmt::Display for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SelfSigned => "self-signed: give it with --ca-file",
            Self::Authority => "an authority's own (CA:TRUE) and stands for no host: give it itself with --ca-file",
        })
    }
}

impl std::error::Error for Untrusted {}

/// Answers what rustls asks about a server's certificate.
#[derive(Debug)]
pub struct Verifier {
    roots: Roots,
    names: Names,
    provider: Arc<CryptoProvider>,
}

impl Verifier {
    pub fn new(roots: Roots, names: Names, provider: Arc<CryptoProvider>) -> Self {
        Self { roots, names, provider }
    }

    fn check_issuer(
        &self,
        certificate: &CertificateDer<'_>,
        parsed: &ParsedCertificate<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), Error> {
        if self.roots.own.iter().any(|own| own == certificate) {
            return check_time(certificate, now);
        }
        let algorithms = self.provider.signature_verification_algorithms.all;
        verify_server_cert_signed_by_trust_anchor(parsed, &self.roots.authorities, intermediates, now, algorithms)
            .map_err(|error| more_telling(error, certificate))
    }

    fn check_name(
        &self,
        certificate: &CertificateDer<'_>,
        parsed: &ParsedCertificate<'_>,
        name: &ServerName<'_>,
    ) -> Result<(), Error> {
        if self.names == Names::DoNotMatter {
            return Ok(());
        }
        match verify_server_name(parsed, name) {
            Err(_) if self.roots.own.iter().any(|own| own == certificate) && is_common_name(certificate, name) => {
                Ok(())
            }
            judged => judged,
        }
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let parsed = ParsedCertificate::try_from(certificate)?;
        self.check_issuer(certificate, &parsed, intermediates, now)?;
        self.check_name(certificate, &parsed, name)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

fn check_time(certificate: &CertificateDer<'_>, now: UnixTime) -> Result<(), Error> {
    let (_, read) = X509Certificate::from_der(certificate).map_err(|_| CertificateError::BadEncoding)?;
    let (now, validity) = (i64::try_from(now.as_secs()).unwrap_or(i64::MAX), read.validity());
    if now < validity.not_before.timestamp() {
        return Err(CertificateError::NotValidYet.into());
    }
    if now > validity.not_after.timestamp() {
        return Err(CertificateError::Expired.into());
    }
    Ok(())
}

/// True if a certificate without a list of names has `name` as its common name, as those made by hand do. Such a
/// certificate is believed only where the operator gave it.
fn is_common_name(certificate: &CertificateDer<'_>, name: &ServerName<'_>) -> bool {
    let Ok((_, read)) = X509Certificate::from_der(certificate) else { return false };
    if !matches!(read.subject_alternative_name(), Ok(None)) {
        return false;
    }
    let mut names = read.subject().iter_common_name().filter_map(|name| name.as_str().ok());
    names.any(|common| common.eq_ignore_ascii_case(&name.to_str()))
}

fn more_telling(error: Error, certificate: &CertificateDer<'_>) -> Error {
    if !matches!(error, Error::InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::Other(_))) {
        return error;
    }
    let Ok((_, read)) = X509Certificate::from_der(certificate) else { return error };
    let untrusted = if read.subject() == read.issuer() {
        Untrusted::SelfSigned
    } else if read.is_ca() {
        Untrusted::Authority
    } else {
        return error;
    };
    CertificateError::Other(OtherError(Arc::new(untrusted))).into()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair, date_time_ymd};
    use rustls::crypto::aws_lc_rs;

    use super::*;

    const IN_2026: u64 = 1_767_603_600;

    /// A certificate as `openssl req -x509` makes it.
    fn self_signed(names: &[&str], common_name: &str, until: i32) -> rcgen::Certificate {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.distinguished_name.push(DnType::CommonName, common_name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(until, 1, 1);
        params.self_signed(&KeyPair::generate().unwrap()).unwrap()
    }

    fn judge(certificate: &rcgen::Certificate, ca_pem: Option<&str>, names: Names, name: &str) -> Result<(), Error> {
        let roots = Roots::with(ca_pem.map(str::as_bytes)).unwrap();
        let verifier = Verifier::new(roots, names, Arc::new(aws_lc_rs::default_provider()));
        let now = UnixTime::since_unix_epoch(Duration::from_secs(IN_2026));
        let name = ServerName::try_from(name.to_owned()).unwrap();
        verifier.verify_server_cert(certificate.der(), &[], &name, &[], now).map(drop)
    }

    fn untrusted(error: &Error) -> Option<Untrusted> {
        match error {
            Error::InvalidCertificate(CertificateError::Other(other)) => other.0.downcast_ref().copied(),
            _ => None,
        }
    }

    #[test]
    fn a_certificate_in_the_ca_file_is_good_for_its_names_and_its_time() {
        let good = self_signed(&["hooks.example", "127.0.0.1"], "whoever", 2100);
        let pem = good.pem();
        for name in ["hooks.example", "127.0.0.1"] {
            assert_eq!(judge(&good, Some(&pem), Names::Matter, name), Ok(()), "{name}");
        }
        for name in ["other.example", "whoever", "127.0.0.2"] {
            assert!(judge(&good, Some(&pem), Names::Matter, name).is_err(), "{name}");
            assert_eq!(judge(&good, Some(&pem), Names::DoNotMatter, name), Ok(()), "{name}");
        }
        let old = self_signed(&["hooks.example"], "whoever", 2021);
        let judged = judge(&old, Some(&old.pem()), Names::DoNotMatter, "hooks.example");
        assert_eq!(judged, Err(CertificateError::Expired.into()));
    }

    #[test]
    fn a_common_name_counts_where_there_is_no_list_of_names() {
        let by_hand = self_signed(&[], "hooks.example", 2100);
        let pem = by_hand.pem();
        assert_eq!(judge(&by_hand, Some(&pem), Names::Matter, "hooks.example"), Ok(()));
        assert!(judge(&by_hand, Some(&pem), Names::Matter, "other.example").is_err());
    }

    #[test]
    fn a_self_signed_certificate_that_nobody_gave_is_called_that() {
        let stranger = self_signed(&["hooks.example"], "whoever", 2100);
        let other = self_signed(&["hooks.example"], "other", 2100).pem();
        for ca_pem in [None, Some(other.as_str())] {
            let error = judge(&stranger, ca_pem, Names::Matter, "hooks.example").unwrap_err();
            assert_eq!(untrusted(&error), Some(Untrusted::SelfSigned), "{error:?}");
        }
    }

    #[test]
    fn the_same_names_and_another_key_are_not_it() {
        let given = self_signed(&["hooks.example"], "whoever", 2100).pem();
        let twin = self_signed(&["hooks.example"], "whoever", 2100);
        assert!(judge(&twin, Some(&given), Names::DoNotMatter, "hooks.example").is_err());
    }
}
