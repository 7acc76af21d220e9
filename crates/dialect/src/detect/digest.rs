//! Digests in a header's value, recognised by their length.

use std::ops::Range;

use data_encoding::{BASE64, BASE64_NOPAD, BASE64URL, BASE64URL_NOPAD, HEXLOWER_PERMISSIVE};

/// A stretch of a header's value that is as long as a digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Digest {
    /// The header's place in the sample.
    pub(super) header: usize,
    pub(super) range: Range<usize>,
    pub(super) spelling: Spelling,
    pub(super) bytes: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spelling {
    Hex,
    /// Hexadecimal in capitals.
    HexUpper,
    Base64,
    /// Base64 without its padding, or with `-` and `_` for `+` and `/`.
    Base64Other,
}

impl Spelling {
    /// The setting that is this spelling, or comes nearest.
    pub(super) fn setting(self) -> &'static str {
        match self {
            Self::Hex | Self::HexUpper => "hex",
            Self::Base64 | Self::Base64Other => "base64",
        }
    }
}

/// SHA-1, SHA-256, SHA-512 and Ed25519.
const LENGTHS: [usize; 3] = [20, 32, 64];

/// All digests in one value, in their order.
pub(super) fn find(header: usize, value: &str) -> Vec<Digest> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < value.len() {
        let run = value[at..].bytes().take_while(|byte| is_letter(*byte)).count();
        let padding = value[at + run..].bytes().take_while(|byte| *byte == b'=').take(2).count();
        let padded = at..at + run + padding;
        // `sha256=` is a run with padding too, but not of a digest's length.
        let digest = read(&value[padded.clone()]).map(|read| (padded, read));
        let digest = digest.or_else(|| read(&value[at..at + run]).map(|read| (at..at + run, read)));
        match digest {
            Some((range, (spelling, bytes))) => {
                at = range.end;
                found.push(Digest { header, range, spelling, bytes });
            }
            None => at += run.max(1),
        }
        while !value.is_char_boundary(at) {
            at += 1;
        }
    }
    found
}

fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+/-_".contains(&byte)
}

fn read(text: &str) -> Option<(Spelling, Vec<u8>)> {
    let hex = HEXLOWER_PERMISSIVE.decode(text.as_bytes()).map(|bytes| {
        let upper = text.bytes().any(|byte| byte.is_ascii_uppercase());
        (if upper { Spelling::HexUpper } else { Spelling::Hex }, bytes)
    });
    let base64 = || BASE64.decode(text.as_bytes()).map(|bytes| (Spelling::Base64, bytes));
    let other = || {
        let ways = [BASE64_NOPAD, BASE64URL, BASE64URL_NOPAD];
        let bytes = ways.iter().find_map(|way| way.decode(text.as_bytes()).ok().filter(|bytes| is_digest(bytes)))?;
        Some((Spelling::Base64Other, bytes))
    };
    let fits = |read: &(Spelling, Vec<u8>)| is_digest(&read.1);
    hex.ok().filter(fits).or_else(|| base64().ok().filter(fits)).or_else(other)
}

fn is_digest(bytes: &[u8]) -> bool {
    LENGTHS.contains(&bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_found_wherever_they_stand() {
        let hex = "0a".repeat(32);
        let base64 = BASE64.encode(&[0xfb; 32]);
        let url = BASE64URL.encode(&[0xfb; 32]);
        let cases = [
            (hex.clone(), vec![(0..64, Spelling::Hex)]),
            (hex.to_uppercase(), vec![(0..64, Spelling::HexUpper)]),
            (format!("sha256={hex}"), vec![(7..71, Spelling::Hex)]),
            (format!("t=1614265330,v1={hex},v0={hex}"), vec![(16..80, Spelling::Hex), (84..148, Spelling::Hex)]),
            (format!("v1,{base64} v1,{base64}"), vec![(3..47, Spelling::Base64), (51..95, Spelling::Base64)]),
            (format!("v1={base64}"), vec![(3..47, Spelling::Base64)]),
            (url, vec![(0..44, Spelling::Base64Other)]),
            (base64.trim_end_matches('=').to_owned(), vec![(0..43, Spelling::Base64Other)]),
            ("0a".repeat(20), vec![(0..40, Spelling::Hex)]),
            ("application/json; ä".to_owned(), vec![]),
            ("6ba7b810-9dad-11d1-80b4-00c04fd430c8".to_owned(), vec![]),
        ];
        for (value, expected) in cases {
            let found: Vec<_> = find(0, &value).into_iter().map(|digest| (digest.range, digest.spelling)).collect();
            assert_eq!(found, expected, "{value}");
        }
    }
}
