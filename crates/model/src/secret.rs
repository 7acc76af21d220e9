//! Signing secrets as they are typed and shown. Never printed by accident: `Debug` hides them.

use std::fmt;

use data_encoding::{BASE64, BASE64_NOPAD, BASE64URL_NOPAD};

use crate::env::Env;
use crate::time::Timestamp;

/// Signature scheme of an endpoint's requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Signing {
    #[default]
    #[serde(rename = "hmac-sha256")]
    HmacSha256,
    #[serde(rename = "ed25519")]
    Ed25519,
}

/// The form of secrets in a dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `whsec_` and base64 of 24 to 64 bytes, or with Ed25519 `whsk_` and base64 of the seed (Standard Webhooks 1.0).
    Standard,
    /// Any text of 16 to 128 characters; its UTF-8 bytes are the key.
    Text,
}

/// A secret in the spelling its holder knows.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotASecret {
    #[error("a secret is base64 with its padding: put as many = at its end as are missing")]
    Padding,
    #[error("a secret is base64 with + and /, and this one has the - and _ of base64url: replace them")]
    UrlAlphabet,
    #[error(
        "this is a signature (v1,…), or the secret with the v1, of one before it: a secret starts with whsec_ or whsk_"
    )]
    Signature,
    #[error(
        "whsk_ is an Ed25519 key, and this endpoint is signed to with hmac-sha256: give a whsec_ secret, or have an endpoint with ed25519"
    )]
    PrivateKey,
    #[error("whpk_ is a public key, which verifies: a secret starts with whsec_, or with whsk_ for Ed25519")]
    PublicKey,
    #[error("a secret starts with whsec_ and goes on with 24 to 64 bytes in base64")]
    Symmetric,
    #[error(
        "an Ed25519 secret starts with whsk_ and goes on with the 32-byte seed in base64, or the seed and its public key"
    )]
    Asymmetric,
    #[error("the public key behind the seed is not the one that belongs to it")]
    KeyPair,
    #[error("a secret has 16 to 128 characters")]
    Text,
}

pub const SYMMETRIC_PREFIX: &str = "whsec_";
pub const PRIVATE_PREFIX: &str = "whsk_";
pub const PUBLIC_PREFIX: &str = "whpk_";

impl Secret {
    /// Makes a new one of full strength.
    pub fn generate(form: Form, signing: Signing, env: &dyn Env) -> Self {
        let mut key = [0; 32];
        env.fill(&mut key);
        let prefix = match signing {
            Signing::Ed25519 => PRIVATE_PREFIX,
            Signing::HmacSha256 => SYMMETRIC_PREFIX,
        };
        match (form, signing) {
            (Form::Text, Signing::HmacSha256) => Self(data_encoding::HEXLOWER.encode(&key)),
            _ => Self(format!("{prefix}{}", BASE64.encode(&key))),
        }
    }

    /// Takes a caller's own, by its form.
    pub fn parse(text: &str, form: Form, signing: Signing) -> Result<Self, NotASecret> {
        let fits = match (form, signing) {
            (_, Signing::Ed25519) => seed(text).is_some(),
            (Form::Standard, Signing::HmacSha256) => {
                decoded(text, SYMMETRIC_PREFIX).is_some_and(|key| (24..=64).contains(&key.len()))
            }
            (Form::Text, Signing::HmacSha256) => (16..=128).contains(&text.chars().count()),
        };
        match (fits, form, signing) {
            (true, ..) => Ok(Self(text.to_owned())),
            (false, Form::Text, Signing::HmacSha256) => Err(NotASecret::Text),
            (false, _, Signing::HmacSha256) if text.starts_with(PRIVATE_PREFIX) => Err(NotASecret::PrivateKey),
            (false, _, signing) => Err(slip(text, signing)),
        }
    }

    /// One that was taken or made before, from where it was kept.
    pub fn stored(text: String) -> Self {
        Self(text)
    }

    /// The secret itself, for its holder and for the signer.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// The bytes behind `whsec_`, or the text's own when it has no such prefix.
    pub fn key_bytes(&self) -> Vec<u8> {
        decoded(&self.0, SYMMETRIC_PREFIX).unwrap_or_else(|| self.0.as_bytes().to_vec())
    }

    /// The Ed25519 seed behind `whsk_`.
    pub fn seed(&self) -> Option<[u8; 32]> {
        seed(&self.0)
    }

    /// The public key behind the seed, where there is one. As its holder states it: not checked here.
    pub fn stated_public_key(&self) -> Option<[u8; 32]> {
        decoded(&self.0, PRIVATE_PREFIX)?.get(32..)?.try_into().ok()
    }
}

fn decoded(text: &str, prefix: &str) -> Option<Vec<u8>> {
    BASE64.decode(text.strip_prefix(prefix)?.as_bytes()).ok()
}

/// The probable mistake in a text that is no secret.
fn slip(text: &str, signing: Signing) -> NotASecret {
    let (prefix, otherwise) = match signing {
        Signing::HmacSha256 => (SYMMETRIC_PREFIX, NotASecret::Symmetric),
        Signing::Ed25519 => (PRIVATE_PREFIX, NotASecret::Asymmetric),
    };
    if text.starts_with("v1,") || text.starts_with("v1a,") {
        return NotASecret::Signature;
    }
    if text.starts_with(PUBLIC_PREFIX) {
        return NotASecret::PublicKey;
    }
    let Some(encoded) = text.strip_prefix(prefix) else { return otherwise };
    let bare = encoded.trim_end_matches('=').as_bytes();
    if BASE64.decode(encoded.as_bytes()).is_ok() {
        otherwise
    } else if BASE64_NOPAD.decode(bare).is_ok() {
        NotASecret::Padding
    } else if BASE64URL_NOPAD.decode(bare).is_ok() {
        NotASecret::UrlAlphabet
    } else {
        otherwise
    }
}

/// The seed comes alone (32 bytes) or with its public key behind it (64).
fn seed(text: &str) -> Option<[u8; 32]> {
    let bytes = decoded(text, PRIVATE_PREFIX)?;
    match bytes.len() {
        32 | 64 => bytes[..32].try_into().ok(),
        _ => None,
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The secret in use and, while a rotation overlaps, those before it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Secrets {
    pub current: Option<Secret>,
    pub previous: Vec<Previous>,
}

/// A rotated secret that still signs until it expires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Previous {
    pub secret: Secret,
    pub expires_at: Timestamp,
}

impl Secrets {
    /// More than this many overlapping secrets would be a header of signatures without end; the oldest goes.
    const MOST_PREVIOUS: usize = 4;

    pub fn of(current: Secret) -> Self {
        Self { current: Some(current), previous: Vec::new() }
    }

    /// The one in use as it is typed, for its holder and for where it is kept.
    pub fn revealed(&self) -> Option<String> {
        self.current.as_ref().map(|secret| secret.reveal().to_owned())
    }

    /// All that sign at `now`, the current one first.
    pub fn valid(&self, now: Timestamp) -> impl Iterator<Item = &Secret> {
        let previous = self.previous.iter().filter(move |previous| previous.expires_at > now);
        self.current.iter().chain(previous.map(|previous| &previous.secret))
    }

    /// Puts `new` in the present one's place, which goes on signing until `expires_at`.
    #[must_use]
    pub fn rotated(&self, new: Secret, now: Timestamp, expires_at: Timestamp) -> Self {
        let current = self.current.clone().map(|secret| Previous { secret, expires_at });
        let earlier = self.previous.iter().filter(|previous| previous.expires_at > now).cloned();
        // A rotation with no overlap is an answer to a leak: nothing older may outlive it.
        let previous = current.into_iter().chain(earlier).filter(|_| expires_at > now).take(Self::MOST_PREVIOUS);
        Self { previous: previous.collect(), current: Some(new) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standard(bytes: usize) -> String {
        format!("whsec_{}", BASE64.encode(&vec![7; bytes]))
    }

    #[test]
    fn own_secrets_are_taken_in_the_form_of_the_dialect() {
        let cases = [
            (standard(24), Form::Standard, Signing::HmacSha256, true),
            (standard(64), Form::Standard, Signing::HmacSha256, true),
            (standard(23), Form::Standard, Signing::HmacSha256, false),
            (standard(65), Form::Standard, Signing::HmacSha256, false),
            ("whsec_not base64".into(), Form::Standard, Signing::HmacSha256, false),
            ("a plain text secret".into(), Form::Standard, Signing::HmacSha256, false),
            ("a plain text secret".into(), Form::Text, Signing::HmacSha256, true),
            ("too short".into(), Form::Text, Signing::HmacSha256, false),
            (format!("whsk_{}", BASE64.encode(&[1; 32])), Form::Standard, Signing::Ed25519, true),
            (format!("whsk_{}", BASE64.encode(&[1; 64])), Form::Standard, Signing::Ed25519, true),
            (format!("whsk_{}", BASE64.encode(&[1; 33])), Form::Standard, Signing::Ed25519, false),
            (standard(32), Form::Standard, Signing::Ed25519, false),
        ];
        for (text, form, signing, taken) in cases {
            assert_eq!(Secret::parse(&text, form, signing).is_ok(), taken, "{text}");
        }
    }

    #[test]
    fn what_is_no_secret_is_told_with_the_slip_that_made_it_none() {
        use NotASecret as Not;
        use Signing::{Ed25519, HmacSha256};
        let encoded = BASE64.encode(&[251; 25]);
        let cases = [
            (format!("whsec_{}", encoded.trim_end_matches('=')), HmacSha256, Not::Padding),
            (format!("whsec_{}", encoded.replace('+', "-").replace('/', "_")), HmacSha256, Not::UrlAlphabet),
            (format!("v1,whsec_{encoded}"), HmacSha256, Not::Signature),
            (format!("v1,{encoded}"), HmacSha256, Not::Signature),
            (format!("whpk_{encoded}"), HmacSha256, Not::PublicKey),
            (format!("whsk_{}", BASE64.encode(&[1; 32])), HmacSha256, Not::PrivateKey),
            (encoded, HmacSha256, Not::Symmetric),
            (format!("whsk_{}", BASE64_NOPAD.encode(&[1; 32])), Ed25519, Not::Padding),
            (format!("whsk_{}", BASE64URL_NOPAD.encode(&[251; 32])), Ed25519, Not::UrlAlphabet),
            (standard(32), Ed25519, Not::Asymmetric),
        ];
        for (text, signing, expected) in cases {
            assert_eq!(Secret::parse(&text, Form::Standard, signing).err(), Some(expected), "{text}");
        }
    }

    #[test]
    fn no_more_than_four_earlier_secrets_sign_and_the_oldest_goes() {
        let at = Timestamp::from_millis;
        let secret = |text: &str| Secret::stored(text.into());
        let rotations = ["b", "c", "d", "e", "f", "g"];
        let secrets = rotations
            .iter()
            .fold(Secrets::of(secret("a")), |secrets, text| secrets.rotated(secret(text), at(0), at(1_000)));
        assert_eq!(secrets.valid(at(500)).map(Secret::reveal).collect::<Vec<_>>(), ["g", "f", "e", "d", "c"]);
    }

    #[test]
    fn a_rotated_secret_signs_until_its_overlap_ends() {
        let at = Timestamp::from_millis;
        let secret = |text: &str| Secret::stored(text.into());
        let secrets =
            Secrets::of(secret("a")).rotated(secret("b"), at(0), at(100)).rotated(secret("c"), at(50), at(200));
        let valid = |now| secrets.valid(at(now)).map(Secret::reveal).collect::<Vec<_>>();
        assert_eq!(valid(60), ["c", "b", "a"]);
        assert_eq!(valid(100), ["c", "b"]);
        assert_eq!(valid(200), ["c"]);
        let leaked = secrets.rotated(secret("d"), at(60), at(60));
        assert_eq!(leaked.valid(at(60)).map(Secret::reveal).collect::<Vec<_>>(), ["d"]);
    }

    #[test]
    fn a_secret_is_not_printed_by_accident() {
        assert!(!format!("{:?}", Secrets::of(Secret::stored("hunter2".into()))).contains("hunter2"));
    }
}
