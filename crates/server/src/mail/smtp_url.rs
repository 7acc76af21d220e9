//! The mail server that takes our mail: its URL, parsed once.
//!
//! `smtps://` speaks TLS from the first byte, on port 465. `smtp://`, on port 587, begins in the clear and goes over to
//! TLS (STARTTLS) where the server offers it; `?tls=required` sends nothing to a server that does not, `?tls=none` never
//! does. Whoever gives a password for a server on another machine requires it: it is not sent in the clear.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use hyper::Uri;
use lettre::Tokio1Executor;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::{self, AsyncSmtpTransport};
use percent_encoding::percent_decode_str;

/// Submission (RFC 6409), and the same with TLS from the start (RFC 8314).
const SUBMISSION: u16 = 587;
const SUBMISSIONS: u16 = 465;

#[derive(Clone)]
pub struct SmtpUrl {
    /// A name or an address, without brackets.
    host: String,
    port: u16,
    login: Option<Login>,
    encryption: Encryption,
}

#[derive(Clone)]
struct Login {
    user: String,
    password: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encryption {
    Never,
    IfOffered,
    Required,
    FromTheStart,
}

/// What is wrong with a URL; ends a sentence that begins "this is …".
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotARelay {
    #[error("not a mail server: write it like smtp://user:password@smtp.example.com:587 or smtps://smtp.example.com")]
    Url,
    #[error(
        "not a login: a user has a password, as in smtp://user:password@smtp.example.com, with special characters as %XX"
    )]
    Login,
    #[error("more than a mail server: after its host and port stands nothing but ?tls=required or ?tls=none")]
    Rest,
    #[error("at odds with itself: smtps:// is always TLS; leave ?tls= out")]
    Twice,
    #[error(
        "a password in the clear: leave ?tls=none out, which is for a server on this machine or without a password"
    )]
    InTheClear,
}

impl FromStr for SmtpUrl {
    type Err = NotARelay;

    fn from_str(text: &str) -> Result<Self, NotARelay> {
        let uri: Uri = text.parse().map_err(|_| NotARelay::Url)?;
        let (login, host, port) = authority(&uri)?;
        if !matches!(uri.path(), "" | "/") || text.contains('#') {
            return Err(NotARelay::Rest);
        }
        let exposed = login.is_some() && !is_this_machine(&host);
        let encryption = match (uri.scheme_str(), uri.query()) {
            (Some("smtps"), None) => Encryption::FromTheStart,
            (Some("smtps"), Some(_)) => return Err(NotARelay::Twice),
            (Some("smtp"), Some("tls=required")) => Encryption::Required,
            (Some("smtp"), Some("tls=none")) if exposed => return Err(NotARelay::InTheClear),
            (Some("smtp"), Some("tls=none")) => Encryption::Never,
            (Some("smtp"), None) if exposed => Encryption::Required,
            (Some("smtp"), None) => Encryption::IfOffered,
            (Some("smtp"), Some(_)) => return Err(NotARelay::Rest),
            _ => return Err(NotARelay::Url),
        };
        let usual = if encryption == Encryption::FromTheStart { SUBMISSIONS } else { SUBMISSION };
        Ok(Self { host, port: port.unwrap_or(usual), login, encryption })
    }
}

fn authority(uri: &Uri) -> Result<(Option<Login>, String, Option<u16>), NotARelay> {
    let authority = uri.authority().ok_or(NotARelay::Url)?;
    let (login, place) = match authority.as_str().rsplit_once('@') {
        Some((login, place)) => (Some(self::login(login)?), place),
        None => (None, authority.as_str()),
    };
    let host = authority.host();
    let port = match place.strip_prefix(host) {
        Some("") => None,
        Some(_) => Some(authority.port_u16().filter(|port| *port > 0).ok_or(NotARelay::Url)?),
        None => return Err(NotARelay::Url),
    };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    if bare.is_empty() { Err(NotARelay::Url) } else { Ok((login, bare.to_owned(), port)) }
}

fn login(text: &str) -> Result<Login, NotARelay> {
    let (user, password) = text.split_once(':').ok_or(NotARelay::Login)?;
    let decoded = |part| percent_decode_str(part).decode_utf8().map(|part| part.into_owned());
    match (decoded(user), decoded(password)) {
        (Ok(user), Ok(password)) if !user.is_empty() && !password.is_empty() => Ok(Login { user, password }),
        _ => Err(NotARelay::Login),
    }
}

fn is_this_machine(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

impl SmtpUrl {
    /// What sends through it, a connection a mail, and calls itself `hello`. Trusts whom deliveries trust.
    pub(super) fn transport(
        &self,
        hello: &str,
        ca_pem: Option<&[u8]>,
    ) -> Result<AsyncSmtpTransport<Tokio1Executor>, smtp::Error> {
        let tls = match self.encryption {
            Encryption::Never => Tls::None,
            Encryption::IfOffered => Tls::Opportunistic(self.tls(ca_pem)?),
            Encryption::Required => Tls::Required(self.tls(ca_pem)?),
            Encryption::FromTheStart => Tls::Wrapper(self.tls(ca_pem)?),
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&self.host)
            .port(self.port)
            .tls(tls)
            .hello_name(ClientId::Domain(hello.to_owned()))
            // Time is the mailer's to measure.
            .timeout(None);
        if let Some(Login { user, password }) = &self.login {
            builder = builder.credentials(Credentials::new(user.clone(), password.clone()));
        }
        Ok(builder.build())
    }

    fn tls(&self, ca_pem: Option<&[u8]>) -> Result<TlsParameters, smtp::Error> {
        let mozillas = !engine::transport::system_has_roots();
        let store = if mozillas { CertificateStore::WebpkiRoots } else { CertificateStore::Default };
        let mut parameters = TlsParameters::builder(self.host.clone()).certificate_store(store);
        if let Some(pem) = ca_pem {
            parameters = parameters.add_root_certificate(Certificate::from_pem(pem)?);
        }
        parameters.build()
    }
}

/// Without the login.
impl fmt::Debug for SmtpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port, login, encryption } = self;
        let login = if login.is_some() { "…@" } else { "" };
        write!(f, "{login}{host}:{port} ({encryption:?})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_says_where_and_how() {
        let cases = [
            ("smtp://user:pass@host:587", "…@host:587 (Required)"),
            ("smtp://user:pass@host", "…@host:587 (Required)"),
            ("smtp://user:pass@localhost:25", "…@localhost:25 (IfOffered)"),
            ("smtp://user:pass@127.0.0.1:2525?tls=none", "…@127.0.0.1:2525 (Never)"),
            ("smtp://user:pass@[::1]/", "…@::1:587 (IfOffered)"),
            ("smtp://user:pass@localhost.example.com", "…@localhost.example.com:587 (Required)"),
            ("smtp://mail.internal:25", "mail.internal:25 (IfOffered)"),
            ("smtp://mail.internal:25?tls=none", "mail.internal:25 (Never)"),
            ("smtp://mail.internal?tls=required", "mail.internal:587 (Required)"),
            ("smtps://smtp.example.com", "smtp.example.com:465 (FromTheStart)"),
            ("smtps://a%40b.c:p%3Ass@smtp.example.com:4465/", "…@smtp.example.com:4465 (FromTheStart)"),
        ];
        for (url, expected) in cases {
            let smtp_url: SmtpUrl = url.parse().unwrap_or_else(|error| panic!("{url}: {error}"));
            assert_eq!(format!("{smtp_url:?}"), expected, "{url}");
        }
    }

    #[test]
    fn a_login_is_decoded() {
        let smtp_url: SmtpUrl = "smtps://a%40b.c:p%3A%25s:s@host".parse().unwrap();
        let Login { user, password } = smtp_url.login.unwrap();
        assert_eq!((user.as_str(), password.as_str()), ("a@b.c", "p:%s:s"));
    }

    #[test]
    fn what_is_no_mail_server_is_refused_with_what_would_be_right() {
        let cases = [
            ("", NotARelay::Url),
            ("mail.example.com", NotARelay::Url),
            ("mail.example.com:587", NotARelay::Url),
            ("https://mail.example.com", NotARelay::Url),
            ("smtp://", NotARelay::Url),
            ("smtp://host:0", NotARelay::Url),
            ("smtp://host:99999", NotARelay::Url),
            ("smtp://host:", NotARelay::Url),
            ("smtp://ho st", NotARelay::Url),
            ("smtp://user@host", NotARelay::Login),
            ("smtp://:pass@host", NotARelay::Login),
            ("smtp://user:@host", NotARelay::Login),
            ("smtp://user:%ff@host", NotARelay::Login),
            ("smtp://host/path", NotARelay::Rest),
            ("smtp://host?tls=maybe", NotARelay::Rest),
            ("smtp://host?tls=required&x=1", NotARelay::Rest),
            ("smtp://host#tls=none", NotARelay::Rest),
            ("smtps://host?tls=required", NotARelay::Twice),
            ("smtp://user:pass@host?tls=none", NotARelay::InTheClear),
        ];
        for (url, expected) in cases {
            assert_eq!(url.parse::<SmtpUrl>().err(), Some(expected), "{url}");
        }
    }
}
