//! Headers of attempts, packed: a name that is met every day takes a byte, and nothing is quoted.
//!
//! One header after the other. A header is its number in [`KNOWN`], followed by its value unless the entry has one; or 0,
//! its name and its value. A text is its length (LEB128) and its bytes.

use model::attempt::Headers;

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

pub(crate) fn pack(headers: &Headers) -> Vec<u8> {
    let room = headers.iter().map(|(name, value)| name.len() + value.len() + 4).sum();
    let mut packed = Vec::with_capacity(room);
    for (name, value) in headers {
        match known(name, value) {
            Some((number, whole)) => {
                packed.push(number);
                if !whole {
                    pack_text(value, &mut packed);
                }
            }
            None => {
                packed.push(0);
                pack_text(name, &mut packed);
                pack_text(value, &mut packed);
            }
        }
    }
    packed
}

/// The number of a header, and whether that says its value too.
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

/// `None` if these bytes are not what [`pack`] makes.
pub(crate) fn unpack(mut packed: &[u8]) -> Option<Headers> {
    let mut headers = Headers::new();
    while let Some((number, rest)) = packed.split_first() {
        packed = rest;
        let known = usize::from(*number).checked_sub(1).map(|at| KNOWN.get(at));
        let (name, value) = match known {
            None => (take_text(&mut packed)?, take_text(&mut packed)?),
            Some(known) => match *known? {
                (name, Some(value)) => (name, value),
                (name, None) => (name, take_text(&mut packed)?),
            },
        };
        headers.push((name.to_owned(), value.to_owned()));
    }
    Some(headers)
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

    fn headers(list: &[(&str, &str)]) -> Headers {
        list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn what_is_packed_is_unpacked() {
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
        for list in lists {
            assert_eq!(unpack(&pack(&headers(list))), Some(headers(list)));
        }
        for (name, value) in KNOWN {
            let list = headers(&[(name, value.unwrap_or("another"))]);
            assert_eq!(unpack(&pack(&list)), Some(list));
        }
    }

    #[test]
    fn a_standard_delivery_takes_little_more_than_what_is_new_in_it() {
        let signature = "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=";
        let list = headers(&[
            ("content-type", "application/json"),
            ("user-agent", "Posthaste/0.1.0"),
            ("webhook-id", "evt_0123456789"),
            ("webhook-timestamp", "1769851800"),
            ("webhook-signature", signature),
        ]);
        assert_eq!(pack(&list).len(), 1 + 17 + 16 + 12 + 2 + signature.len());
    }

    #[test]
    fn other_bytes_are_no_headers() {
        for packed in [&[0_u8, 1][..], &[255], &[3], &[3, 5, b'a'], &[3, 1, 0xff], &[3, MORE]] {
            assert_eq!(unpack(packed), None, "{packed:?}");
        }
    }
}
