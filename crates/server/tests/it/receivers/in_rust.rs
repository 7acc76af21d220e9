//! The Rust of `docs/receivers.md`, to the letter: a test compares them.

use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

const TOLERANCE: Duration = Duration::from_secs(300);

/// `Some` if a request is genuine and fresh. `header` finds a header's value by its name; `body` as it came.
pub fn verify<'r>(secret: &str, header: impl Fn(&str) -> Option<&'r str>, body: &[u8]) -> Option<()> {
    let (id, sent_at, given) = (header("webhook-id")?, header("webhook-timestamp")?, header("webhook-signature")?);
    let at = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(sent_at.parse().ok()?))?;
    let off = at.elapsed().unwrap_or_else(|ahead| ahead.duration());
    let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap_or(secret)).ok()?;
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).ok()?;
    mac.update(format!("{id}.{sent_at}.").as_bytes());
    mac.update(body);
    let signatures = given.split(' ').filter_map(|one| STANDARD.decode(one.strip_prefix("v1,")?).ok());
    // `verify_slice` compares in constant time.
    let mut genuine = signatures.map(|signature| mac.clone().verify_slice(&signature).is_ok());
    (off <= TOLERANCE && genuine.any(|genuine| genuine)).then_some(())
}
