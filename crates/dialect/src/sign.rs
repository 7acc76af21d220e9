//! Signature schemes: signed content, algorithm, key, and the header's format.

use std::sync::Arc;

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use data_encoding::{BASE64, HEXLOWER};
use model::secret::{Form, NotASecret, PUBLIC_PREFIX, Secret, Signing};
use serde::Deserialize;

use crate::slot::{Segment, Slot};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum Algorithm {
    #[serde(rename = "hmac-sha1")]
    HmacSha1,
    #[default]
    #[serde(rename = "hmac-sha256")]
    HmacSha256,
    #[serde(rename = "hmac-sha512")]
    HmacSha512,
    #[serde(rename = "ed25519")]
    Ed25519,
}

/// The way a secret becomes the key of an HMAC. An Ed25519 key is always the seed behind `whsk_`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyForm {
    /// The bytes of its text.
    Utf8,
    /// The bytes that its text is the base64 of.
    Base64,
    /// The bytes behind `whsec_` (Standard Webhooks 1.0).
    #[default]
    Whsec,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    Hex,
    #[default]
    Base64,
}

/// The deliveries that are signed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// All: without a secret there is no delivery.
    Always,
    /// Deliveries to endpoints with a secret.
    #[default]
    Secret,
}

/// One `[[signatures]]` of a dialect.
#[derive(Clone, Debug)]
pub(crate) struct Scheme {
    pub(crate) header: Arc<str>,
    pub(crate) algorithm: Algorithm,
    pub(crate) key: KeyForm,
    pub(crate) signs: Vec<Segment<Signed>>,
    pub(crate) encoding: Encoding,
    pub(crate) format: Vec<Segment<Written>>,
    pub(crate) join: String,
    pub(crate) when: When,
}

/// The values that a scheme can sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signed {
    Id,
    Timestamp,
    Body,
}

/// The values that can stand in a signature header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Written {
    Signature,
    Id,
    Timestamp,
}

/// The parts of a message that signatures can cover.
pub(crate) struct Content<'a> {
    pub(crate) id: &'a str,
    /// Whole seconds since 1970, in decimal.
    pub(crate) timestamp: &'a str,
    pub(crate) body: &'a [u8],
}

/// A secret, ready to sign with: an HMAC has its key schedule behind it.
pub(crate) enum Key {
    Hmac(Box<hmac::Key>),
    Ed25519(Ed25519KeyPair),
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum NotAKey {
    #[error("the endpoint's secret is not base64, and this dialect's signature wants that: rotate it")]
    Base64,
    #[error("the endpoint's secret is no Ed25519 key (whsk_…): rotate it")]
    Ed25519,
}

/// Takes a caller's own secret. One that comes with its public key must come with the right one: receivers would be
/// given a key that verifies nothing.
pub fn own_secret(text: &str, form: Form, signing: Signing) -> Result<Secret, NotASecret> {
    let secret = Secret::parse(text, form, signing)?;
    match (secret.seed(), secret.stated_public_key()) {
        (Some(seed), Some(public)) if signing == Signing::Ed25519 => {
            let pair = Ed25519KeyPair::from_seed_and_public_key(&seed, &public).map_err(|_| NotASecret::KeyPair);
            pair.map(|_| secret)
        }
        _ => Ok(secret),
    }
}

/// The public half of an Ed25519 secret, `whpk_…`, for its receivers. `None` for other secrets.
pub fn public_key(secret: &Secret) -> Option<String> {
    let pair = Ed25519KeyPair::from_seed_unchecked(&secret.seed()?).ok()?;
    Some(format!("{PUBLIC_PREFIX}{}", BASE64.encode(pair.public_key().as_ref())))
}

impl Algorithm {
    pub fn is_asymmetric(self) -> bool {
        self == Self::Ed25519
    }
}

impl Signed {
    pub(crate) fn named(slot: &Slot<'_>) -> Result<Self, String> {
        match (slot.path, slot.filters.as_slice()) {
            ("id", []) => Ok(Self::Id),
            ("timestamp", []) => Ok(Self::Timestamp),
            ("body", []) => Ok(Self::Body),
            (other, _) => Err(format!("`{other}` cannot be signed: there are id, timestamp and body, without filters")),
        }
    }
}

impl Written {
    pub(crate) fn named(slot: &Slot<'_>) -> Result<Self, String> {
        match (slot.path, slot.filters.as_slice()) {
            ("signature", []) => Ok(Self::Signature),
            ("id", []) => Ok(Self::Id),
            ("timestamp", []) => Ok(Self::Timestamp),
            (other, _) => {
                Err(format!("`{other}` has no place here: there are signature, id and timestamp, without filters"))
            }
        }
    }
}

impl Key {
    pub(crate) fn new(scheme: &Scheme, secret: &Secret) -> Result<Self, NotAKey> {
        let algorithm = match scheme.algorithm {
            Algorithm::HmacSha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            Algorithm::HmacSha256 => hmac::HMAC_SHA256,
            Algorithm::HmacSha512 => hmac::HMAC_SHA512,
            Algorithm::Ed25519 => {
                let seed = secret.seed().ok_or(NotAKey::Ed25519)?;
                let pair = Ed25519KeyPair::from_seed_unchecked(&seed).map_err(|_| NotAKey::Ed25519)?;
                return Ok(Self::Ed25519(pair));
            }
        };
        let bytes = match scheme.key {
            KeyForm::Utf8 => secret.reveal().as_bytes().to_vec(),
            KeyForm::Base64 => BASE64.decode(secret.reveal().as_bytes()).map_err(|_| NotAKey::Base64)?,
            KeyForm::Whsec => secret.key_bytes(),
        };
        Ok(Self::Hmac(Box::new(hmac::Key::new(algorithm, &bytes))))
    }
}

impl Scheme {
    /// Appends this scheme's signature of `content` to a header's value.
    pub(crate) fn write(&self, key: &Key, content: &Content<'_>, out: &mut String) {
        for segment in &self.format {
            match segment {
                Segment::Text(text) => out.push_str(text),
                Segment::Slot(Written::Id) => out.push_str(content.id),
                Segment::Slot(Written::Timestamp) => out.push_str(content.timestamp),
                Segment::Slot(Written::Signature) => self.sign(key, content, out),
            }
        }
    }

    fn sign(&self, key: &Key, content: &Content<'_>, out: &mut String) {
        match key {
            Key::Hmac(key) => {
                let mut context = hmac::Context::with_key(key);
                self.each_part(content, |part| context.update(part));
                self.encode(context.sign().as_ref(), out);
            }
            Key::Ed25519(pair) => {
                // Ed25519 reads its message twice, so it wants it in one piece (RFC 8032, section 5.1.6).
                let mut message =
                    Vec::with_capacity(content.id.len() + content.timestamp.len() + content.body.len() + 16);
                self.each_part(content, |part| message.extend_from_slice(part));
                self.encode(pair.sign(&message).as_ref(), out);
            }
        }
    }

    fn each_part<'c>(&'c self, content: &Content<'c>, mut take: impl FnMut(&'c [u8])) {
        for segment in &self.signs {
            take(match segment {
                Segment::Text(text) => text.as_bytes(),
                Segment::Slot(Signed::Id) => content.id.as_bytes(),
                Segment::Slot(Signed::Timestamp) => content.timestamp.as_bytes(),
                Segment::Slot(Signed::Body) => content.body,
            });
        }
    }

    fn encode(&self, signature: &[u8], out: &mut String) {
        match self.encoding {
            Encoding::Hex => HEXLOWER.encode_append(signature, out),
            Encoding::Base64 => BASE64.encode_append(signature, out),
        }
    }
}
