//! Candidate keys: the ways to read a captured secret.

use aws_lc_rs::hmac;
use aws_lc_rs::signature::Ed25519KeyPair;
use data_encoding::{BASE64, HEXLOWER_PERMISSIVE};
use model::secret::{SYMMETRIC_PREFIX, Secret};

use crate::sign::KeyForm;

/// A secret read in one way.
pub(super) struct Candidate {
    pub(super) form: KeyForm,
    pub(super) bytes: Vec<u8>,
    /// The secret that endpoints here must be given instead of the captured one, if that does not work as it is.
    pub(super) instead: Option<&'static str>,
}

/// All ways to read a secret as the key of an HMAC, the usual ones first.
pub(super) fn candidates(secret: &str) -> Vec<Candidate> {
    let mut candidates: Vec<Candidate> = Vec::new();
    let mut add = |form, bytes: Option<Vec<u8>>, instead| {
        if let Some(bytes) = bytes.filter(|bytes| !candidates.iter().any(|other| other.bytes == *bytes)) {
            candidates.push(Candidate { form, bytes, instead });
        }
    };
    let base64 = |text: &str| BASE64.decode(text.as_bytes()).ok();
    let behind = secret.strip_prefix(SYMMETRIC_PREFIX);
    add(KeyForm::Whsec, behind.and_then(base64), None);
    add(KeyForm::Utf8, Some(secret.as_bytes().to_vec()), None);
    add(KeyForm::Base64, base64(secret), None);
    let trimmed = secret.trim();
    add(KeyForm::Utf8, Some(trimmed.as_bytes().to_vec()), Some("the secret without the spaces around it"));
    add(
        KeyForm::Whsec,
        trimmed.strip_prefix(SYMMETRIC_PREFIX).and_then(base64),
        Some("the secret without the spaces around it"),
    );
    add(KeyForm::Base64, base64(trimmed), Some("the secret without the spaces around it"));
    add(KeyForm::Utf8, behind.map(|text| text.as_bytes().to_vec()), Some("the secret without whsec_"));
    let hex = HEXLOWER_PERMISSIVE.decode(trimmed.as_bytes()).ok();
    add(KeyForm::Base64, hex, Some("the secret's bytes in base64: the old system takes it for hexadecimal"));
    candidates
}

impl Candidate {
    pub(super) fn setting(&self) -> &'static str {
        match self.form {
            KeyForm::Utf8 => "utf8",
            KeyForm::Base64 => "base64",
            KeyForm::Whsec => "whsec",
        }
    }

    pub(super) fn hmac(&self, algorithm: hmac::Algorithm) -> hmac::Key {
        hmac::Key::new(algorithm, &self.bytes)
    }
}

/// The key pair of a secret that begins with `whsk_`.
pub(super) fn ed25519(secret: &str) -> Option<Ed25519KeyPair> {
    let seed = Secret::stored(secret.trim().to_owned()).seed()?;
    Ed25519KeyPair::from_seed_unchecked(&seed).ok()
}
