//! Secrets at rest: AES-256-GCM under the master key.
//!
//! A sealed value is `key id (8 bytes) · nonce (12) · ciphertext and tag`. Its owner (a row's id) is authenticated with
//! it, so a sealed secret moved to another row does not open.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::digest;
use data_encoding::BASE64;
use model::env::Env;

use crate::Error;

const KEY_ID_LEN: usize = 8;

/// The row that shows whether a master key is the database's, and the text sealed in it.
pub(crate) const KEY_CHECK: &str = "master_key_check";
pub(crate) const KEY_CHECK_TEXT: &[u8] = b"posthaste";

/// 32 bytes that only the operator has. Read from base64.
#[derive(Clone, PartialEq, Eq)]
pub struct MasterKey([u8; 32]);

#[derive(Debug, thiserror::Error)]
#[error("a master key is 32 bytes in base64 (44 characters); `head -c 32 /dev/urandom | base64` makes one")]
pub struct NotAMasterKey;

impl MasterKey {
    pub fn generate(env: &dyn Env) -> Self {
        let mut bytes = [0; 32];
        env.fill(&mut bytes);
        Self(bytes)
    }

    pub fn parse(text: &str) -> Result<Self, NotAMasterKey> {
        let bytes = BASE64.decode(text.trim().as_bytes()).map_err(|_| NotAMasterKey)?;
        bytes.try_into().map(Self).map_err(|_| NotAMasterKey)
    }

    /// In base64, for the file it is kept in.
    pub fn reveal(&self) -> String {
        BASE64.encode(&self.0)
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(…)")
    }
}

/// Seals and opens under one master key.
pub(crate) struct Seal {
    key: LessSafeKey,
    id: [u8; KEY_ID_LEN],
}

impl Seal {
    pub(crate) fn new(master: &MasterKey) -> Self {
        let key = UnboundKey::new(&AES_256_GCM, &master.0).expect("the key has the length that AES-256 wants");
        let hash = digest::digest(&digest::SHA256, &[b"posthaste key id".as_slice(), &master.0].concat());
        let id = hash.as_ref()[..KEY_ID_LEN].try_into().expect("a SHA-256 is longer than that");
        Self { key: LessSafeKey::new(key), id }
    }

    pub(crate) fn seal(&self, plain: &[u8], belongs_to: &[u8], env: &dyn Env) -> Vec<u8> {
        let mut nonce = [0; NONCE_LEN];
        env.fill(&mut nonce);
        let mut text = plain.to_vec();
        self.key
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(belongs_to), &mut text)
            .expect("secrets are far shorter than what GCM can seal");
        [self.id.as_slice(), &nonce, &text].concat()
    }

    pub(crate) fn open(&self, sealed: &[u8], belongs_to: &[u8]) -> Result<Vec<u8>, Error> {
        let (id, rest) = sealed.split_at_checked(KEY_ID_LEN).ok_or_else(truncated)?;
        if id != self.id {
            return Err(Error::WrongMasterKey);
        }
        let (nonce, text) = rest.split_first_chunk::<NONCE_LEN>().ok_or_else(truncated)?;
        let mut text = text.to_vec();
        let plain = self
            .key
            .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(belongs_to), &mut text)
            .map_err(|_| Error::Corrupt("a sealed secret was changed".to_owned()))?;
        Ok(plain.to_vec())
    }
}

fn truncated() -> Error {
    Error::Corrupt("a sealed secret is too short".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use testkit::clock::TestEnv;

    #[test]
    fn what_is_sealed_opens_in_its_place_with_its_key_only() {
        let env = TestEnv::new();
        let seal = Seal::new(&MasterKey::generate(&env));
        let sealed = seal.seal(b"whsec_x", b"row 1", &env);
        assert_eq!(seal.open(&sealed, b"row 1").unwrap(), b"whsec_x");
        assert!(matches!(seal.open(&sealed, b"row 2"), Err(Error::Corrupt(_))));
        assert!(matches!(seal.open(&sealed[..10], b"row 1"), Err(Error::Corrupt(_))));
        let other = Seal::new(&MasterKey::generate(&env));
        assert!(matches!(other.open(&sealed, b"row 1"), Err(Error::WrongMasterKey)));
    }

    #[test]
    fn a_master_key_is_32_bytes_in_base64() {
        let key = MasterKey::generate(&TestEnv::new());
        assert_eq!(MasterKey::parse(&format!("{}\n", key.reveal())).unwrap(), key);
        assert!(MasterKey::parse("c2hvcnQ=").is_err());
        assert!(MasterKey::parse("not base64").is_err());
    }
}
