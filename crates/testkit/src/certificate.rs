//! Certificates for receivers with TLS, signed by an authority that no system trusts.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// Signs certificates. A client that is to accept them is given `pem()`.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A receiver's certificate and key.
pub struct Identity {
    names: Vec<String>,
    ca_pem: String,
    pem: String,
    certificate: CertificateDer<'static>,
    key: PrivatePkcs8KeyDer<'static>,
    alpn: Vec<Vec<u8>>,
}

impl Authority {
    pub fn new() -> Self {
        let mut params = CertificateParams::new([]).expect("no name is wrong where there is none");
        params.distinguished_name.push(DnType::CommonName, "Posthaste's tests");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, new_key()).expect("the key signs");
        Self { issuer }
    }

    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// A certificate for host names and addresses. The first is what the receiver's URL will say.
    pub fn vouch_for<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> Identity {
        self.sign(names, |_| ())
    }

    /// A certificate that expired in 2001.
    pub fn vouched_once_for<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> Identity {
        self.sign(names, |params| {
            params.not_before = date_time_ymd(2000, 1, 1);
            params.not_after = date_time_ymd(2001, 1, 1);
        })
    }

    fn sign<'a>(&self, names: impl IntoIterator<Item = &'a str>, with: fn(&mut CertificateParams)) -> Identity {
        let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
        let mut params = CertificateParams::new(names.clone()).expect("test names are DNS names or addresses");
        with(&mut params);
        let key = new_key();
        let certificate = params.signed_by(&key, &self.issuer).expect("the authority's key signs");
        Identity {
            names,
            ca_pem: self.pem(),
            pem: certificate.pem() + &key.serialize_pem(),
            certificate: certificate.der().clone(),
            key: key.serialize_der().into(),
            alpn: vec![b"h2".to_vec(), b"http/1.1".to_vec()],
        }
    }
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

fn new_key() -> KeyPair {
    KeyPair::generate().expect("the system has randomness")
}

impl Identity {
    /// A certificate signed by an authority of its own.
    pub fn valid_for<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        Authority::new().vouch_for(names)
    }

    /// A certificate as `openssl req -x509` makes it: it vouches for itself, and says of itself that it is an authority
    /// (`CA:TRUE`).
    pub fn self_signed<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
        let mut params = CertificateParams::new(names.clone()).expect("test names are DNS names or addresses");
        params.distinguished_name.push(DnType::CommonName, "Posthaste's tests");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = new_key();
        let certificate = params.self_signed(&key).expect("the key signs");
        Self {
            names,
            ca_pem: certificate.pem(),
            pem: certificate.pem() + &key.serialize_pem(),
            certificate: certificate.der().clone(),
            key: key.serialize_der().into(),
            alpn: vec![b"h2".to_vec(), b"http/1.1".to_vec()],
        }
    }

    /// Speaks HTTP/1.1 only.
    #[must_use]
    pub fn without_h2(mut self) -> Self {
        self.alpn.remove(0);
        self
    }

    /// The certificate and its key, for servers that are not ours.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    pub fn name(&self) -> &str {
        &self.names[0]
    }

    pub fn server_config(self) -> Arc<ServerConfig> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider has the default versions")
            .with_no_client_auth()
            .with_single_cert(vec![self.certificate], PrivateKeyDer::Pkcs8(self.key))
            .expect("the key is the certificate's");
        config.alpn_protocols = self.alpn;
        Arc::new(config)
    }
}
