//! The URL of an endpoint: parsed once, so that what was judged is what is dialled.

#[cfg(test)]
mod tests;

use std::fmt;
use std::net::IpAddr;

use serde::{Serialize, Serializer};
use url::{ParseError, Position, Url};

use crate::network::{self, Policy};

/// Longer URLs are refused, as typed and as written in ASCII.
pub const LONGEST: usize = 2_048;

/// An absolute `http` or `https` URL with a host, a port other than 0, no user and no fragment.
#[derive(Clone, PartialEq, Eq)]
pub struct EndpointUrl {
    url: Url,
    host: Host,
}

/// The host to connect to: what the parser made of the typed one, in ASCII.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    Name(Box<str>),
    Address(IpAddr),
}

/// Reason why a URL is refused, for the person who typed it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("a URL has at most 2,048 characters, counted with everything but ASCII percent-encoded")]
    TooLong,
    #[error("a URL has no spaces, line breaks or control characters in it; write a space as %20")]
    Blank,
    #[error("a URL has no backslash in it; write / between its parts, or %5C for the character itself")]
    Backslash,
    #[error("not a URL: write it in full, for example https://example.com/webhooks")]
    Relative,
    #[error("not a URL: {0}; write it like https://example.com/webhooks")]
    Malformed(&'static str),
    #[error("a webhook's URL starts with https://, not with {scheme}:")]
    Scheme { scheme: Box<str> },
    #[error("http:// sends events in the clear; use https:// (an operator can permit http with --allow-http)")]
    Http,
    #[error("the URL names no host; write it like https://example.com/webhooks")]
    NoHost,
    #[error("a URL holds no user name or password; set the endpoint's auth instead")]
    User,
    #[error("nothing listens on port 0; leave it out for the usual port, or name another")]
    PortZero,
    #[error(transparent)]
    Network(#[from] network::Refusal),
}

impl EndpointUrl {
    /// Parses a URL as typed. A fragment is dropped: it is never sent.
    pub fn parse(text: &str, policy: &Policy) -> Result<Self, Refusal> {
        judge_characters(text)?;
        let url = Url::parse(text)?;
        judge_scheme(&url, policy)?;
        judge_authority(text)?;
        let taken = Self::new(url)?;
        if taken.as_str().len() > LONGEST {
            return Err(Refusal::TooLong);
        }
        match &taken.host {
            Host::Name(name) => policy.judge_name(name)?,
            Host::Address(address) => policy.judge_address(*address)?,
        }
        Ok(taken)
    }

    /// Takes a URL back from the database: not judged, because the policy may have become stricter since. Connecting
    /// judges again.
    pub fn stored(text: &str) -> Option<Self> {
        Self::new(Url::parse(text).ok()?).ok()
    }

    fn new(mut url: Url) -> Result<Self, Refusal> {
        url.set_fragment(None);
        if !matches!(url.scheme(), "https" | "http") {
            return Err(Refusal::Scheme { scheme: url.scheme().into() });
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refusal::User);
        }
        if url.port() == Some(0) {
            return Err(Refusal::PortZero);
        }
        let host = match url.host().ok_or(Refusal::NoHost)? {
            url::Host::Domain(name) => Host::Name(name.into()),
            url::Host::Ipv4(address) => Host::Address(address.into()),
            url::Host::Ipv6(address) => Host::Address(address.into()),
        };
        Ok(Self { url, host })
    }

    pub fn as_str(&self) -> &str {
        self.url.as_str()
    }

    pub fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }

    pub fn host(&self) -> &Host {
        &self.host
    }

    pub fn port(&self) -> u16 {
        self.url.port().unwrap_or(if self.is_https() { 443 } else { 80 })
    }

    /// For the `Host` header: the port only when it is not the scheme's own, IPv6 in brackets.
    pub fn authority(&self) -> &str {
        &self.url[Position::BeforeHost..Position::AfterPort]
    }

    /// Scheme, host and port: the party that a credential was given to.
    pub fn origin(&self) -> (&str, &Host, u16) {
        (self.url.scheme(), &self.host, self.port())
    }

    /// As the URL begins: `https://example.com:8443/`.
    pub fn origin_and_slash(&self) -> String {
        format!("{}://{}/", self.url.scheme(), self.authority())
    }

    /// The URL without its query, which is often a token.
    pub fn before_query(&self) -> &str {
        &self.url[..Position::AfterPath]
    }

    /// Scheme, name and port, as the URL begins: the same for all URLs of one host.
    pub fn before_path(&self) -> &str {
        &self.url[..Position::BeforePath]
    }

    /// For the request line: starts with `/`.
    pub fn path_and_query(&self) -> &str {
        &self.url[Position::BeforePath..Position::AfterQuery]
    }
}

impl fmt::Display for EndpointUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for EndpointUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for EndpointUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl From<ParseError> for Refusal {
    fn from(error: ParseError) -> Self {
        match error {
            ParseError::RelativeUrlWithoutBase => Self::Relative,
            ParseError::EmptyHost => Self::NoHost,
            ParseError::InvalidPort => Self::Malformed("the port is no number from 1 to 65535"),
            ParseError::InvalidIpv4Address => Self::Malformed("the host looks like an IPv4 address and is none"),
            ParseError::InvalidIpv6Address => Self::Malformed("the host between [ and ] is no IPv6 address"),
            ParseError::IdnaError | ParseError::InvalidDomainCharacter => {
                Self::Malformed("the host is not a name that can be looked up")
            }
            _ => Self::Malformed("it cannot be read"),
        }
    }
}

/// WHATWG parsers strip line breaks and read `\` as `/`: a reader of the URL would see another host than we dial.
fn judge_characters(text: &str) -> Result<(), Refusal> {
    if text.chars().nth(LONGEST).is_some() {
        Err(Refusal::TooLong)
    } else if text.chars().any(|char| char.is_whitespace() || char.is_control()) {
        Err(Refusal::Blank)
    } else if text.contains('\\') {
        Err(Refusal::Backslash)
    } else {
        Ok(())
    }
}

fn judge_scheme(url: &Url, policy: &Policy) -> Result<(), Refusal> {
    match url.scheme() {
        "https" => Ok(()),
        "http" if policy.allow_http => Ok(()),
        "http" => Err(Refusal::Http),
        other => Err(Refusal::Scheme { scheme: other.into() }),
    }
}

/// Looks at the text and not at the parsed URL: the parser drops an empty user, and in `https:///path` it takes the
/// path for the host.
fn judge_authority(text: &str) -> Result<(), Refusal> {
    let (_, rest) = text.split_once(':').ok_or(Refusal::Relative)?;
    let authority = rest.strip_prefix("//").and_then(|rest| rest.split(['/', '?', '#']).next());
    match authority {
        None | Some("") => Err(Refusal::NoHost),
        Some(authority) if authority.contains('@') => Err(Refusal::User),
        Some(_) => Ok(()),
    }
}
