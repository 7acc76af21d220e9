//! The outgoing proxy: a tunnel by CONNECT to an address that was checked or, where the proxy resolves, to a name.

use std::fmt;
use std::io;

use data_encoding::BASE64;
use http::Uri;
use percent_encoding::percent_decode_str;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// The proxy through which all webhooks leave: `http://proxy.internal:3128`, with `user:password@` if it wants
/// credentials.
#[derive(Clone)]
pub struct Proxy {
    host: Box<str>,
    port: u16,
    /// `Basic …` (RFC 7617)
    authorization: Option<Box<str>>,
}

#[derive(Debug, thiserror::Error)]
#[error("not a proxy: write it like http://proxy.example:3128 or http://user:password@proxy.example:3128")]
pub struct NotAProxy;

/// Reason why there is no tunnel. The message continues after "the proxy".
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("could not be connected to: {}", unreachable(.0))]
    Unreachable(io::Error),
    #[error("wants a user name and a password (it answered 407)")]
    Unauthorized,
    #[error("made no connection to {target} (it answered {status})")]
    Refused { target: Box<str>, status: u16 },
    #[error("answered with something that is not HTTP")]
    NotHttp,
    #[error("answered with more than 8 KiB before the tunnel")]
    TooLarge,
    #[error("closed the connection without an answer")]
    Closed,
    #[error("broke the connection")]
    Broken(#[source] io::Error),
}

fn unreachable(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused",
        io::ErrorKind::TimedOut => "it does not answer",
        _ => "there is no way there from this machine",
    }
}

/// Maximum bytes of a proxy's answer to CONNECT, which is longer only by mistake.
const LONGEST_HEAD: usize = 8 * 1024;

impl Proxy {
    pub fn parse(text: &str) -> Result<Self, NotAProxy> {
        let uri: Uri = text.parse().map_err(|_| NotAProxy)?;
        let authority = uri.authority().ok_or(NotAProxy)?;
        let bare_path = uri.path_and_query().is_none_or(|path| path == "/");
        if uri.scheme_str() != Some("http") || authority.host().is_empty() || !bare_path {
            return Err(NotAProxy);
        }
        let user = authority.as_str().rsplit_once('@').map(|(user, _)| user);
        Ok(Self {
            host: authority.host().into(),
            port: authority.port_u16().unwrap_or(80),
            authorization: user.map(|user| basic(user).into()),
        })
    }

    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Opens a tunnel to `target` over a connection to the proxy. Afterwards every byte on it is the target's.
    pub(crate) async fn tunnel<S>(&self, stream: &mut S, target: &str) -> Result<(), Error>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let authorization = match &self.authorization {
            Some(credentials) => format!("proxy-authorization: {credentials}\r\n"),
            None => String::new(),
        };
        let request = format!("CONNECT {target} HTTP/1.1\r\nhost: {target}\r\n{authorization}\r\n");
        stream.write_all(request.as_bytes()).await.map_err(Error::Broken)?;
        match status(&head(stream).await?)? {
            200..300 => Ok(()),
            407 => Err(Error::Unauthorized),
            status => Err(Error::Refused { target: target.into(), status }),
        }
    }
}

/// Without the credentials.
impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}:{}", self.host, self.port)
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn basic(user: &str) -> String {
    let (name, password) = user.split_once(':').unwrap_or((user, ""));
    let decoded = [name, ":", password].map(|part| percent_decode_str(part).collect::<Vec<u8>>()).concat();
    format!("Basic {}", BASE64.encode(&decoded))
}

async fn head<S: AsyncRead + Unpin>(stream: &mut S) -> Result<Vec<u8>, Error> {
    const END: &[u8] = b"\r\n\r\n";
    let mut head = Vec::with_capacity(256);
    loop {
        let read = stream.read_buf(&mut head).await.map_err(Error::Broken)?;
        let end = head.windows(END.len()).position(|window| window == END).map(|at| at + END.len());
        match end {
            Some(end) if end == head.len() => return Ok(head),
            // The client speaks first, in TLS as in HTTP, so these bytes are not the target's.
            Some(_) => return Err(Error::NotHttp),
            None if read == 0 && head.is_empty() => return Err(Error::Closed),
            None if read == 0 => return Err(Error::NotHttp),
            None if head.len() >= LONGEST_HEAD => return Err(Error::TooLarge),
            None => {}
        }
    }
}

/// `HTTP/1.1 200 Connection established`
fn status(head: &[u8]) -> Result<u16, Error> {
    let text = str::from_utf8(head).map_err(|_| Error::NotHttp)?;
    let mut words = text.split_ascii_whitespace();
    match (words.next(), words.next()) {
        (Some("HTTP/1.1" | "HTTP/1.0"), Some(status)) if status.len() == 3 => {
            status.parse().map_err(|_| Error::NotHttp)
        }
        _ => Err(Error::NotHttp),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_an_http_url_without_a_path() {
        for text in ["http://proxy:3128", "http://10.0.0.1:3128/", "http://u:p@proxy", "http://[::1]:8080"] {
            assert!(Proxy::parse(text).is_ok(), "{text}");
        }
        for text in ["proxy:3128", "https://proxy:3128", "socks5://proxy", "http://", "http://proxy/path", ""] {
            assert!(Proxy::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn credentials_are_decoded_for_the_proxy_and_never_printed() {
        let proxy = Proxy::parse("http://us%40er:p%3Aass@proxy:3128").unwrap();
        let expected = format!("Basic {}", BASE64.encode(b"us@er:p:ass"));
        assert_eq!(proxy.authorization.as_deref(), Some(expected.as_str()));
        assert_eq!(format!("{proxy} {proxy:?}"), "http://proxy:3128 http://proxy:3128");
    }

    #[tokio::test]
    async fn a_tunnel_is_open_after_2xx_and_not_otherwise() {
        let cases = [
            ("HTTP/1.1 200 OK\r\nvia: x\r\n\r\n", "open"),
            ("HTTP/1.0 200 Connection established\r\n\r\n", "open"),
            ("HTTP/1.1 407 Who\r\n\r\n", "wants a user name and a password (it answered 407)"),
            ("HTTP/1.1 403 No\r\n\r\n", "made no connection to 192.0.2.1:443 (it answered 403)"),
            ("HTTP/1.1 200 OK\r\n\r\nand more", "answered with something that is not HTTP"),
            ("220 mail.example\r\n\r\n", "answered with something that is not HTTP"),
            ("HTTP/1.1 200", "answered with something that is not HTTP"),
            ("", "closed the connection without an answer"),
        ];
        for (answer, expected) in cases {
            assert_eq!(tunnelled(answer.as_bytes()).await, expected, "{answer:?}");
        }
        assert_eq!(tunnelled(&[b'x'; LONGEST_HEAD + 1]).await, "answered with more than 8 KiB before the tunnel");
    }

    async fn tunnelled(answer: &[u8]) -> String {
        let (mut ours, mut theirs) = tokio::io::duplex(2 * LONGEST_HEAD);
        theirs.write_all(answer).await.unwrap();
        theirs.shutdown().await.unwrap();
        let proxy = Proxy::parse("http://proxy:3128").unwrap();
        match proxy.tunnel(&mut ours, "192.0.2.1:443").await {
            Ok(()) => "open".to_owned(),
            Err(error) => error.to_string(),
        }
    }
}
