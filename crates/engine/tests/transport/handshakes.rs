//! TLS: certificates that are trusted, reasons given for refused ones, and the version of HTTP agreed on.

use model::attempt::FailureKind;
use testkit::certificate::{Authority, Identity};
use testkit::receiver::Receiver;

use crate::names::Names;
use crate::sender::{Sender, assert_failure};

fn sender(ca_pem: Option<&str>) -> Sender {
    let names = Names::default().with("hooks.example", &["127.0.0.1"]);
    let builder = Sender::allowed(&["127.0.0.1/32"]).names(names);
    match ca_pem {
        Some(ca_pem) => builder.trusting(ca_pem).start(),
        None => builder.start(),
    }
}

#[tokio::test]
async fn a_receiver_whose_authority_is_trusted_is_spoken_to_in_http2() {
    let receiver = Receiver::healthy().tls(Identity::valid_for(["hooks.example"])).start().await;
    let sender = sender(Some(receiver.ca_pem()));
    for _ in 0..3 {
        assert!(sender.post(receiver.url()).await.is_success());
    }
    assert!(receiver.requests().iter().all(|request| request.version == http::Version::HTTP_2));
    assert_eq!(receiver.connections(), 1);
}

#[tokio::test]
async fn a_receiver_without_http2_is_spoken_to_in_http1() {
    let receiver = Receiver::healthy().tls(Identity::valid_for(["hooks.example"]).without_h2()).start().await;
    let sender = sender(Some(receiver.ca_pem()));
    for _ in 0..3 {
        assert!(sender.post(receiver.url()).await.is_success());
    }
    assert_eq!(receiver.requests()[0].version, http::Version::HTTP_11);
    assert_eq!(receiver.requests()[0].header("host"), Some(&*format!("hooks.example:{}", receiver.address().port())));
    assert_eq!(receiver.connections(), 1);
}

#[tokio::test]
async fn a_certificate_for_an_address_is_as_good() {
    let receiver = Receiver::healthy().tls(Identity::valid_for(["127.0.0.1"])).start().await;
    assert!(sender(Some(receiver.ca_pem())).post(receiver.url()).await.is_success());
}

#[tokio::test]
async fn a_certificate_that_stands_in_the_ca_file_itself_is_trusted_for_its_names() {
    let receiver = Receiver::healthy().tls(Identity::self_signed(["hooks.example"])).start().await;
    let outcome = sender(Some(receiver.ca_pem())).post(receiver.url()).await;
    assert!(outcome.is_success(), "{outcome:?}");

    let failure = sender(Some(receiver.ca_pem())).failure(&receiver.url_as("127.0.0.1")).await;
    let message = "TLS: the certificate is for hooks.example, not for 127.0.0.1";
    assert_failure(&failure, FailureKind::Tls, message);
    let message = "TLS: the certificate of hooks.example is self-signed: give it with --ca-file";
    for other in [None, Some(Identity::self_signed(["hooks.example"]).pem().to_owned())] {
        let failure = sender(other.as_deref()).failure(receiver.url()).await;
        assert_failure(&failure, FailureKind::Tls, message);
    }
}

#[tokio::test]
async fn a_refused_certificate_is_said_to_lack_something() {
    let authority = Authority::new();
    let pem = authority.pem();
    let cases = [
        (
            authority.vouch_for(["hooks.example"]),
            None,
            "TLS: the certificate of hooks.example is signed by an authority that is not trusted, or its chain is not complete",
        ),
        (
            authority.vouch_for(["other.example", "127.0.0.1"]),
            Some(pem.as_str()),
            "TLS: the certificate is for other.example, 127.0.0.1, not for hooks.example",
        ),
        (
            authority.vouched_once_for(["hooks.example"]),
            Some(pem.as_str()),
            "TLS: the certificate of hooks.example has expired",
        ),
    ];
    for (identity, ca_pem, message) in cases {
        let receiver = Receiver::healthy().tls(identity).start().await;
        let failure = sender(ca_pem).failure(&receiver.url_as("hooks.example")).await;
        assert_failure(&failure, FailureKind::Tls, message);
        assert_eq!(receiver.count(), 0);
    }
}

#[tokio::test]
async fn an_http_receiver_called_by_https_does_not_speak_tls() {
    let receiver = Receiver::healthy().start().await;
    let url = receiver.url().replace("http:", "https:");
    let failure = sender(None).failure(&url).await;
    let message = "TLS: what 127.0.0.1 answered is not TLS; is it an http:// address?";
    assert_failure(&failure, FailureKind::Tls, message);
}

#[test]
fn a_ca_file_without_certificates_is_an_error_at_start() {
    use engine::transport::{Error, Settings, Transport};
    use std::sync::Arc;

    let start = |pem: &[u8]| {
        let settings = Settings { ca_pem: Some(pem.to_vec()), ..Settings::default() };
        Transport::new(settings, Arc::new(Names::default()), Arc::new(testkit::clock::TestEnv::new()))
    };
    assert!(matches!(start(b"no certificate here"), Err(Error::NoCertificate)));
    let torn = b"-----BEGIN CERTIFICATE-----\nMIIB\n";
    assert!(matches!(start(torn), Err(Error::NotPem(_))));
    let nonsense = b"-----BEGIN CERTIFICATE-----\nTm8gY2VydGlmaWNhdGU=\n-----END CERTIFICATE-----\n";
    assert!(matches!(start(nonsense), Err(Error::BadCertificate(_))));
}
