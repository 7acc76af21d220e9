//! TLS to PostgreSQL, with the meaning of libpq's `sslmode`.

use std::sync::Arc;

use rustls::ClientConfig;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, SignatureScheme};
use tokio_postgres::Socket;
use tokio_postgres_rustls::MakeRustlsConnect;
use trust::{Names, Roots, Verifier};

use super::exposure::{Address, Mode, RootCert};
use crate::Error;

pub(super) type Tls = MakeRustlsConnect;
pub(super) type Connection =
    tokio_postgres::Connection<Socket, <Tls as tokio_postgres::tls::MakeTlsConnect<Socket>>::Stream>;

/// `ca_pem` is the operator's CA file.
pub(super) fn connector(address: &Address, ca_pem: Option<&[u8]>) -> Result<Tls, Error> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let has_roots = ca_pem.is_some() || address.root_cert != RootCert::Unset;
    let names = match address.mode {
        Mode::VerifyFull => Some(Names::Matter),
        Mode::VerifyCa => Some(Names::DoNotMatter),
        // With a CA file libpq treats it as verify-ca.
        Mode::Require if has_roots => Some(Names::DoNotMatter),
        Mode::Disable | Mode::Prefer | Mode::Require => None,
    };
    let verifier: Arc<dyn ServerCertVerifier> = match names {
        Some(names) => Arc::new(Verifier::new(roots(&address.root_cert, ca_pem)?, names, provider.clone())),
        None => Arc::new(AnyCertificate(provider.clone())),
    };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider has the default versions")
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

fn roots(root_cert: &RootCert, ca_pem: Option<&[u8]>) -> Result<Roots, Error> {
    let unusable = |error: trust::Error| Error::Address(format!("certificates for the database: {error}"));
    match root_cert {
        RootCert::Unset => Roots::with(ca_pem).map_err(unusable),
        RootCert::System => Roots::with(None).map_err(unusable),
        RootCert::File(path) => {
            let unreadable = |error| Error::Address(format!("sslrootcert: {} cannot be read: {error}", path.display()));
            Roots::only(&std::fs::read(path).map_err(unreadable)?).map_err(unusable)
        }
    }
}

/// Accepts every certificate, but not every signature: the peer must have the certificate's key.
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
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
