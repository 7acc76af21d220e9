//! Signatures, against known answers and foreign verifiers.

mod given;

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use data_encoding::{BASE64, HEXLOWER};
use dialect::Dialect;
use dialect::renderer::Renderer;
use dialect::sign::public_key;
use given::{
    AT, PRIVATE, SECRET, dialect, due, endpoint, event, header, said, secret, speak, standard, text, with_secrets,
};
use model::attempt::FailureKind;
use model::secret::{Form, Secrets, Signing};
use model::time::Timestamp;
use std::sync::Arc;

/// A dialect whose body is the data alone, so that the known answers fit.
fn bare(rest: &str) -> Arc<Dialect> {
    dialect(&format!("body.template = '\"{{{{event.data | json}}}}\"'\n{rest}"))
}

/// `v1,` and the signature as any library for Standard Webhooks makes it.
fn v1(secret: &str, timestamp: i64, body: &str) -> String {
    let bytes = BASE64.decode(secret.strip_prefix("whsec_").expect("a prefix").as_bytes()).expect("base64");
    let content = format!("msg_p5jXN8AQM9LWM0D4loKWxJek.{timestamp}.{body}");
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &bytes), content.as_bytes());
    format!("v1,{}", BASE64.encode(tag.as_ref()))
}

const OTHER: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

#[test]
fn the_specifications_example_has_the_specifications_signature() {
    let message = said(&bare(""), &endpoint(), event(r#"{"test": 2432232314}"#));
    assert_eq!(text(&message), r#"{"test": 2432232314}"#);
    assert_eq!(header(&message, "webhook-id"), "msg_p5jXN8AQM9LWM0D4loKWxJek");
    assert_eq!(header(&message, "webhook-timestamp"), "1614265330");
    assert_eq!(header(&message, "webhook-signature"), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

#[test]
fn what_is_signed_is_what_is_sent() {
    let message = said(&standard(), &endpoint(), event(r#"{"a":1}"#));
    assert_eq!(header(&message, "webhook-signature"), v1(SECRET, 1_614_265_330, text(&message)));
}

#[test]
fn each_attempt_is_signed_with_its_own_time() {
    let voice = Renderer::new(&standard(), &endpoint());
    let later = Timestamp::from_millis(1_614_265_999_999);
    let message = voice.render(&due(event("{}")), later).unwrap();
    assert_eq!(header(&message, "webhook-timestamp"), "1614265999");
    assert_eq!(header(&message, "webhook-signature"), v1(SECRET, 1_614_265_999, text(&message)));
}

#[test]
fn both_secrets_sign_during_an_overlap_and_the_new_one_alone_after_it() {
    let at = |seconds: i64| Timestamp::from_millis(AT.as_millis() + seconds * 1000);
    let secrets = Secrets::of(secret(OTHER)).rotated(secret(SECRET), at(-1), at(60));
    let voice = Renderer::new(&standard(), &with_secrets(secrets));
    let signature = |seconds| {
        let message = voice.render(&due(event("{}")), at(seconds)).unwrap();
        (header(&message, "webhook-signature").to_owned(), text(&message).to_owned())
    };

    let (during, body) = signature(59);
    let seconds = at(59).as_seconds();
    assert_eq!(during, format!("{} {}", v1(SECRET, seconds, &body), v1(OTHER, seconds, &body)));

    let (after, body) = signature(60);
    assert_eq!(after, v1(SECRET, at(60).as_seconds(), &body));
}

#[test]
fn an_ed25519_signature_verifies_with_the_published_key() {
    let endpoint = with_secrets(Secrets::of(secret(PRIVATE)));
    let message = said(&standard(), &endpoint, event(r#"{"a":1}"#));
    let signature =
        header(&message, "webhook-signature").strip_prefix("v1a,").expect("an Ed25519 signature, and no other");

    let published = public_key(&secret(PRIVATE)).unwrap();
    let key = BASE64.decode(published.strip_prefix("whpk_").unwrap().as_bytes()).unwrap();
    let content = format!("msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{}", text(&message));
    let verifier = UnparsedPublicKey::new(&ED25519, key);
    verifier.verify(content.as_bytes(), &BASE64.decode(signature.as_bytes()).unwrap()).expect("it verifies");
}

#[test]
fn a_secret_with_its_public_key_behind_it_signs_like_the_seed_alone() {
    let seed = BASE64.decode(PRIVATE.strip_prefix("whsk_").unwrap().as_bytes()).unwrap();
    let published =
        BASE64.decode(public_key(&secret(PRIVATE)).unwrap().strip_prefix("whpk_").unwrap().as_bytes()).unwrap();
    let long = secret(&format!("whsk_{}", BASE64.encode(&[seed, published].concat())));
    assert_eq!(public_key(&long), public_key(&secret(PRIVATE)));
    assert_eq!(public_key(&secret(SECRET)), None);
}

#[test]
fn a_change_from_hmac_to_ed25519_overlaps_in_one_header() {
    let secrets = Secrets::of(secret(SECRET)).rotated(secret(PRIVATE), AT, Timestamp::from_millis(AT.as_millis() + 1));
    let message = said(&standard(), &with_secrets(secrets), event("{}"));
    let signatures: Vec<&str> = header(&message, "webhook-signature").split(' ').collect();
    assert_eq!(signatures.len(), 2);
    assert_eq!(signatures[0], v1(SECRET, 1_614_265_330, text(&message)));
    assert!(signatures[1].starts_with("v1a,"));
}

#[test]
fn algorithms_keys_and_encodings_combine_as_the_file_says() {
    let key = BASE64.decode(b"MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
    let plain = "a plain text secret";
    let hex = |algorithm, key: &[u8]| HEXLOWER.encode(hmac::sign(&hmac::Key::new(algorithm, key), b"{}").as_ref());
    let cases = [
        ("hmac-sha1", "utf8", plain, hex(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, plain.as_bytes())),
        ("hmac-sha256", "utf8", plain, hex(hmac::HMAC_SHA256, plain.as_bytes())),
        ("hmac-sha256", "utf8", SECRET, hex(hmac::HMAC_SHA256, SECRET.as_bytes())),
        ("hmac-sha512", "base64", &SECRET[6..], hex(hmac::HMAC_SHA512, &key)),
        ("hmac-sha256", "whsec", SECRET, hex(hmac::HMAC_SHA256, &key)),
    ];
    for (algorithm, form, text, expected) in cases {
        let dialect = bare(&format!(
            "[[signatures]]\nheader = 'X-Sig'\nalgorithm = '{algorithm}'\nkey = '{form}'\n\
             signs = '{{{{body}}}}'\nencoding = 'hex'\nformat = 'sha={{{{signature}}}}'"
        ));
        let message = said(&dialect, &with_secrets(Secrets::of(secret(text))), event("{}"));
        assert_eq!(header(&message, "x-sig"), format!("sha={expected}"), "{algorithm} {form}");
    }
}

#[test]
fn the_timestamp_can_stand_in_the_signature() {
    let dialect = bare(
        "[[signatures]]\nkey = 'utf8'\nsigns = '{{timestamp}}.{{body}}'\nencoding = 'hex'\nformat = 't={{timestamp}},v1={{signature}}'",
    );
    let message = said(&dialect, &with_secrets(Secrets::of(secret("whsec_test_secret"))), event("{}"));
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"whsec_test_secret");
    let expected = HEXLOWER.encode(hmac::sign(&key, b"1614265330.{}").as_ref());
    assert_eq!(header(&message, "webhook-signature"), format!("t=1614265330,v1={expected}"));
}

#[test]
fn without_a_secret_a_delivery_is_unsigned_or_fails_as_the_dialect_says() {
    let optional = dialect("endpoints.secret = 'optional'\n[[signatures]]\nwhen = 'secret'");
    let none = with_secrets(Secrets::default());
    let message = said(&optional, &none, event("{}"));
    assert!(message.headers.iter().all(|header| *header.name != *"webhook-signature"));

    let failure = speak(&standard(), &none, event("{}")).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Render);
}

#[test]
fn a_secret_that_is_no_key_is_told_at_the_attempt() {
    let dialect = dialect("[[signatures]]\nkey = 'base64'");
    let failure = speak(&dialect, &with_secrets(Secrets::of(secret("not base64 at all!"))), event("{}")).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Render);
    assert!(!failure.message.contains("not base64 at all!"), "{}", failure.message);
}

#[test]
fn a_dialect_says_which_secrets_and_signatures_it_takes() {
    let text = dialect("[[signatures]]\nkey = 'utf8'");
    let mixed =
        dialect("[[signatures]]\nkey = 'utf8'\n[[signatures]]\nalgorithm = 'ed25519'\nformat = 'v1a,{{signature}}'");
    let asymmetric = dialect("[[signatures]]\nalgorithm = 'ed25519'");
    let unsigned = dialect("signatures = []");
    // An old scheme and the standard one: the old one's receivers have any text as secret.
    let side_by_side = dialect("[[signatures]]\nkey = 'utf8'\nheader = 'x-old'\n[[signatures]]\nkey = 'whsec'");
    let cases = [
        (side_by_side, Form::Text, true, false),
        (standard(), Form::Standard, true, true),
        (text, Form::Text, true, false),
        (mixed, Form::Text, true, true),
        (asymmetric, Form::Standard, false, true),
        (unsigned, Form::Text, false, false),
    ];
    for (index, (dialect, form, hmac, ed25519)) in cases.into_iter().enumerate() {
        assert_eq!(dialect.secret_form(), form, "{index}");
        assert_eq!(dialect.signs_with(Signing::HmacSha256), hmac, "{index}");
        assert_eq!(dialect.signs_with(Signing::Ed25519), ed25519, "{index}");
    }
}

#[test]
fn in_a_dialect_without_ed25519_a_secret_is_text_whatever_it_looks_like() {
    let dialect = bare("[[signatures]]\nkey = 'utf8'\nsigns = '{{body}}'\nencoding = 'hex'\nformat = '{{signature}}'");
    let message = said(&dialect, &with_secrets(Secrets::of(secret(PRIVATE))), event("{}"));
    let key = hmac::Key::new(hmac::HMAC_SHA256, PRIVATE.as_bytes());
    assert_eq!(header(&message, "webhook-signature"), HEXLOWER.encode(hmac::sign(&key, b"{}").as_ref()));
}

#[test]
fn a_voice_can_be_shared_between_tasks() {
    fn shared<T: Send + Sync>() {}
    shared::<Renderer>();
}
