//! Header names and values: rules for what can be sent, what an endpoint may not set, and what is a credential.

use std::sync::Arc;

/// A header as it goes out. The name is in lower case, as HTTP/2 wants it; the value is UTF-8 without control
/// characters.
#[derive(Clone, PartialEq, Eq)]
pub struct Header {
    pub name: Arc<str>,
    pub value: Arc<str>,
    /// A credential: masked wherever it is kept or shown.
    pub secret: bool,
}

/// Credentials never reach a log.
impl std::fmt::Debug for Header {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let value = if self.secret { "…" } else { &self.value };
        write!(f, "{}: {value}", self.name)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAHeader {
    #[error("a header's name has 1 to 128 letters, digits and any of !#$%&'*+-.^_`|~")]
    Name,
    #[error("a header's value has no control characters, such as line breaks and tabs")]
    Value,
}

/// Maximum bytes of a header name.
const LONGEST_NAME: usize = 128;

/// Headers that carry the request from hop to hop, and so are the connection's to set (RFC 9110, section 7.6.1; RFC
/// 9113, 8.2.2).
const TRANSPORT: [&str; 10] = [
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "keep-alive",
    "te",
    "trailer",
    "upgrade",
    "expect",
    "http2-settings",
];

/// Prefix of the headers between a client and its proxy.
const PROXY: &str = "proxy-";

/// Header in the requests of test events, and in no others.
pub const TEST: &str = "posthaste-test";

/// The bytes that a token may have besides letters and digits (RFC 9110, section 5.6.2).
const IN_TOKENS: &[u8] = b"!#$%&'*+-.^_`|~";

/// The bytes that a token may have, as a table.
const TOKEN: [bool; 256] = {
    let (mut table, mut byte) = ([false; 256], 0);
    while byte < table.len() {
        table[byte] = (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    let mut at = 0;
    while at < IN_TOKENS.len() {
        table[IN_TOKENS[at] as usize] = true;
        at += 1;
    }
    table
};

/// True if `text` is a token (RFC 9110, section 5.6.2), as names are.
pub fn is_token(text: &str) -> bool {
    // All bytes are checked: faster on the processor than stopping at the first that does not fit.
    !text.is_empty() && text.bytes().fold(true, |fits, byte| fits & TOKEN[usize::from(byte)])
}

/// A name in lower case, if it is a token.
pub fn name(text: &str) -> Result<Arc<str>, NotAHeader> {
    let fits = text.len() <= LONGEST_NAME && is_token(text);
    if fits { Ok(text.to_ascii_lowercase().into()) } else { Err(NotAHeader::Name) }
}

pub fn check_value(value: &str) -> Result<(), NotAHeader> {
    // A line break would begin another header.
    if value.bytes().any(|byte| byte.is_ascii_control()) { Err(NotAHeader::Value) } else { Ok(()) }
}

/// True if `name`, in any case, is the connection's own: neither a dialect nor an endpoint may set it.
pub fn is_transport(name: &str) -> bool {
    let is_proxy = name.get(..PROXY.len()).is_some_and(|start| are_twins(start, PROXY));
    is_proxy || TRANSPORT.iter().any(|own| are_twins(own, name))
}

/// True if `name` is Posthaste's or the connection's in every dialect: an endpoint may not set it.
pub fn is_reserved(name: &str) -> bool {
    let ours = ["content-type", "user-agent", TEST];
    is_transport(name) || ours.iter().any(|own| are_twins(own, name))
}

/// True if receivers may take two names for the same: CGI and its heirs know no capital letters and no hyphens.
pub fn are_twins(one: &str, other: &str) -> bool {
    let folded = |byte: u8| if byte == b'_' { b'-' } else { byte.to_ascii_lowercase() };
    one.len() == other.len() && one.bytes().map(folded).eq(other.bytes().map(folded))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_tokens_in_lower_case() {
        assert_eq!(&*name("X-Acme_Event").unwrap(), "x-acme_event");
        for text in ["", "a b", "a:b", "ä", "a\r\nb", "a\0", &"x".repeat(129)] {
            assert_eq!(name(text), Err(NotAHeader::Name), "{text:?}");
        }
    }

    #[test]
    fn values_hold_no_control_characters() {
        assert!(check_value("Zürich, 1 %").is_ok());
        for text in ["a\nb", "a\rb", "a\0", "a\tb", "\x7f"] {
            assert_eq!(check_value(text), Err(NotAHeader::Value), "{text:?}");
        }
    }

    #[test]
    fn the_connections_headers_are_not_for_endpoints() {
        for name in [
            "Host",
            "content-length",
            "Transfer-Encoding",
            "TE",
            "HTTP2-Settings",
            "transfer_encoding",
            "Proxy_Authorization",
            "content_type",
            "Proxy-Authorization",
            "User-Agent",
            "Content-Type",
            "Posthaste-Test",
        ] {
            assert!(is_reserved(name), "{name}");
        }
        assert!(!is_reserved("x-host"));
        assert!(!is_transport("user-agent"), "a dialect may have its own");
    }
}
