//! Headers of attempts, packed as they are kept: a name that is met every day takes a byte, nothing is quoted, and all
//! are one piece of memory, whatever their number.
//!
//! One header after the other. A header is its number in [`KNOWN`], followed by its value unless the entry has one; or
//! 0, its name and its value. A text is its length (LEB128) and its bytes.

use std::fmt;

/// Known headers by their numbers, from 1, some with the value that they nearly always have. What was written with them
/// must stay readable: entries are added at the end and never changed.
const KNOWN: [(&str, Option<&str>); 34] = [
    ("content-type", Some("application/json")),
    ("content-length", Some("0")),
    ("webhook-id", None),
    ("webhook-timestamp", None),
    ("webhook-signature", None),
    ("user-agent", None),
    ("content-type", None),
    ("content-length", None),
    ("date", None),
    ("server", None),
    ("X-Trackelio-Signature", None),
    ("X-Webhook-Event", None),
    ("X-Webhook-Delivery", None),
    ("X-Webhook-Signature", None),
    ("connection", Some("keep-alive")),
    ("connection", Some("close")),
    ("connection", None),
    ("keep-alive", None),
    ("transfer-encoding", Some("chunked")),
    ("vary", None),
    ("etag", None),
    ("cache-control", None),
    ("location", None),
    ("retry-after", None),
    ("set-cookie", None),
    ("via", None),
    ("alt-svc", None),
    ("strict-transport-security", None),
    ("x-content-type-options", Some("nosniff")),
    ("x-powered-by", None),
    ("x-request-id", None),
    ("authorization", None),
    ("cf-ray", None),
    ("cf-cache-status", None),
];

/// Seven bits of a length in a byte; the eighth says that more follow.
const MORE: u8 = 0x80;

/// Room for a header's number and for the lengths of its name and value.
const BESIDE: usize = 5;

/// Header names and values in the order they were sent or came.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Headers(Vec<u8>);

/// The stored bytes are no packed headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("headers that are not packed")]
pub struct NotHeaders;

impl Headers {
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// With room for `count` headers, whose names and values have `bytes` bytes.
    pub fn with_room(count: usize, bytes: usize) -> Self {
        Self(Vec::with_capacity(count * BESIDE + bytes))
    }

    /// Reads what [`packed`](Self::packed) returned, in this version or an earlier one.
    pub fn of_packed(packed: &[u8]) -> Result<Self, NotHeaders> {
        let mut rest = packed;
        while !rest.is_empty() {
            take_header(&mut rest).ok_or(NotHeaders)?;
        }
        Ok(Self(packed.to_vec()))
    }

    /// The bytes as they are kept.
    pub fn packed(&self) -> &[u8] {
        &self.0
    }

    pub fn push(&mut self, name: &str, value: &str) {
        let packed = &mut self.0;
        match known(name, value) {
            Some((number, whole)) => {
                packed.push(number);
                if !whole {
                    pack_text(value, packed);
                }
            }
            None => {
                packed.push(0);
                pack_text(name, packed);
                pack_text(value, packed);
            }
        }
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut rest = &*self.0;
        std::iter::from_fn(move || take_header(&mut rest))
    }

    /// The value of the first header of that name, whatever its case.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(header, _)| header.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

impl<'a> FromIterator<(&'a str, &'a str)> for Headers {
    fn from_iter<T: IntoIterator<Item = (&'a str, &'a str)>>(all: T) -> Self {
        let mut headers = Self::new();
        all.into_iter().for_each(|(name, value)| headers.push(name, value));
        headers
    }
}

impl<const N: usize> From<[(&str, &str); N]> for Headers {
    fn from(all: [(&str, &str); N]) -> Self {
        all.into_iter().collect()
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// The number of a header, and true if that says its value too.
fn known(name: &str, value: &str) -> Option<(u8, bool)> {
    let fits = |(known, whole): &(&str, Option<&str>)| *known == name && whole.is_none_or(|whole| whole == value);
    let at = KNOWN.iter().position(fits)?;
    Some((u8::try_from(at + 1).ok()?, KNOWN[at].1.is_some()))
}

fn pack_text(text: &str, packed: &mut Vec<u8>) {
    let mut length = text.len();
    while length >= usize::from(MORE) {
        packed.push(length as u8 | MORE);
        length >>= 7;
    }
    packed.push(length as u8);
    packed.extend_from_slice(text.as_bytes());
}

/// The first header, which is then no longer in `packed`. `None` if there is none, or something else.
fn take_header<'a>(packed: &mut &'a [u8]) -> Option<(&'a str, &'a str)> {
    let (number, rest) = packed.split_first()?;
    *packed = rest;
    match usize::from(*number).checked_sub(1) {
        None => Some((take_text(packed)?, take_text(packed)?)),
        Some(at) => match *KNOWN.get(at)? {
            (name, Some(value)) => Some((name, value)),
            (name, None) => Some((name, take_text(packed)?)),
        },
    }
}

fn take_text<'a>(packed: &mut &'a [u8]) -> Option<&'a str> {
    let (mut length, mut shift) = (0_usize, 0);
    loop {
        let (byte, rest) = packed.split_first()?;
        *packed = rest;
        length |= usize::from(byte & !MORE).checked_shl(shift)?;
        shift += 7;
        if byte & MORE == 0 {
            break;
        }
    }
    let (text, rest) = packed.split_at_checked(length)?;
    *packed = rest;
    std::str::from_utf8(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_kept(list: &[(&str, &str)]) {
        let headers: Headers = list.iter().copied().collect();
        let kept = Headers::of_packed(headers.packed()).unwrap();
        assert_eq!(kept.iter().collect::<Vec<_>>(), list);
    }

    #[test]
    fn what_is_packed_is_what_was_said() {
        let long = "x".repeat(300);
        let lists: [&[(&str, &str)]; 4] = [
            &[],
            &[
                ("content-type", "application/json"),
                ("content-type", "text/plain"),
                ("Content-Type", "application/json"),
            ],
            &[("x-own", ""), ("", "ü"), ("webhook-id", "evt_1"), ("webhook-id", "evt_2")],
            &[("date", &long), (&long, &long)],
        ];
        lists.into_iter().for_each(is_kept);
        for (name, value) in KNOWN {
            is_kept(&[(name, value.unwrap_or("another"))]);
        }
    }

    #[test]
    fn a_standard_delivery_takes_little_more_than_what_is_new_in_it() {
        let signature = "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=";
        let headers = Headers::from([
            ("content-type", "application/json"),
            ("user-agent", "Posthaste/0.1.0"),
            ("webhook-id", "evt_0123456789"),
            ("webhook-timestamp", "1769851800"),
            ("webhook-signature", signature),
        ]);
        assert_eq!(headers.packed().len(), 1 + 17 + 16 + 12 + 2 + signature.len());
    }

    #[test]
    fn other_bytes_are_no_headers() {
        for packed in [&[0_u8, 1][..], &[255], &[3], &[3, 5, b'a'], &[3, 1, 0xff], &[3, MORE]] {
            assert_eq!(Headers::of_packed(packed), Err(NotHeaders), "{packed:?}");
        }
    }
}
