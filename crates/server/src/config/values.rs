//! How values of settings are read. What is refused ends the sentence "this is …" and says what would be right.

use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use engine::transport::Proxy;
use hyper::Uri;
use ipnet::IpNet;
use lettre::message::Mailbox;
use model::retention::{NotAPeriod, Period};
use model::time::Span;
use store::Store;
use store::seal::MasterKey;

use super::effective::{LogFormat, Redacted, Roles};
use crate::mail::{NotARelay, SmtpUrl};

type Read<T> = Result<T, String>;

/// Characters of an admin key, at least.
const SHORTEST_KEY: usize = 16;

pub(super) fn address(text: &str) -> Read<SocketAddr> {
    text.parse().map_err(|_| "not an IP address and a port, for example 127.0.0.1:8600 or [::]:8600".to_owned())
}

pub(super) fn path(text: &str) -> Read<PathBuf> {
    if text.is_empty() { Err("empty: write a path".to_owned()) } else { Ok(text.into()) }
}

/// The path of a file that is there and may be read.
pub(super) fn readable(text: &str) -> Read<PathBuf> {
    let path = path(text)?;
    match std::fs::File::open(&path).and_then(|file| file.metadata()) {
        Ok(metadata) if metadata.is_file() => Ok(path),
        Ok(_) => Err("not a file".to_owned()),
        Err(error) => Err(format!("not a file that can be read: {error}")),
    }
}

/// Without the slash at its end.
pub(super) fn public_url(text: &str) -> Read<String> {
    let wrong = || "not a URL that others can reach, for example https://hooks.example.com".to_owned();
    let url: Uri = text.parse().map_err(|_| wrong())?;
    let is_web = matches!(url.scheme_str(), Some("http" | "https"));
    let has_host = url.authority().is_some_and(|authority| !authority.as_str().contains('@'));
    if !is_web || !has_host || url.query().is_some() || text.contains('#') {
        return Err(wrong());
    }
    Ok(text.trim_end_matches('/').to_owned())
}

pub(super) fn proxy(text: &str) -> Read<Redacted> {
    Proxy::parse(text).map(|_| Redacted(text.to_owned())).map_err(|error| error.to_string())
}

/// As libpq writes it, so that it can be tried with psql.
pub(super) fn database_url(text: &str) -> Read<Redacted> {
    let is_url = text.starts_with("postgres://") || text.starts_with("postgresql://");
    let shape = "write it like postgres://user:password@db.example.com:5432/posthaste";
    if !is_url {
        return Err(format!("not a PostgreSQL URL: {shape}"));
    }
    Store::check_address(text)
        .map(|()| Redacted(text.to_owned()))
        .map_err(|error| format!("of no use: {error}; {shape}"))
}

/// Shown to others, on one line.
pub(super) fn node_name(text: &str) -> Read<String> {
    let is_name = (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    if is_name { Ok(text.to_owned()) } else { Err("not a node's name: write 1 to 64 visible ASCII letters".to_owned()) }
}

/// Shorter, and a node that pauses for a moment loses what it holds; longer, and a dead one's endpoints wait for long.
const LEASES: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(60);

pub(super) fn lease(text: &str) -> Read<Duration> {
    let lease = span(text)?;
    if LEASES.contains(&lease) { Ok(lease) } else { Err("not a lease: write a duration from 1s to 60s".to_owned()) }
}

const PATIENCES: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(60);

pub(super) fn patience(text: &str) -> Read<Duration> {
    let patience = span(text)?;
    if PATIENCES.contains(&patience) { Ok(patience) } else { Err("not from 1s to 60s".to_owned()) }
}

pub(super) fn relay(text: &str) -> Read<SmtpUrl> {
    text.parse().map_err(|error: NotARelay| error.to_string())
}

/// One address, with or without a name.
pub(super) fn mailbox(text: &str) -> Read<Mailbox> {
    let is_one = text.matches('@').count() == 1 && !text.contains(char::is_control);
    let mailbox = text.parse().ok().filter(|_| is_one);
    mailbox.ok_or_else(|| "not a mail address: write it like Posthaste <webhooks@example.com>".to_owned())
}

pub(super) fn role(text: &str, roles: &mut Roles) -> Read<()> {
    let role = match text {
        "api" => &mut roles.api,
        "deliver" => &mut roles.deliver,
        "receive" => &mut roles.receive,
        _ => return Err("not a role: there are api, deliver and receive".to_owned()),
    };
    *role = true;
    Ok(())
}

/// A key travels in a header, so it is made of visible ASCII.
pub(super) fn key(text: &str) -> Read<Redacted> {
    let is_visible = text.bytes().all(|byte| byte.is_ascii_graphic());
    match is_visible {
        false => Err("not a key: write visible ASCII without spaces".to_owned()),
        true if text.len() < SHORTEST_KEY => Err(format!(
            "too short a key: write at least {SHORTEST_KEY} characters, for example what `openssl rand -hex 32` prints"
        )),
        true => Ok(Redacted(text.to_owned())),
    }
}

pub(super) fn master_key(text: &str) -> Read<MasterKey> {
    MasterKey::parse(text).map_err(|error| format!("not a master key: {error}"))
}

pub(super) fn switch(text: &str) -> Read<bool> {
    match text {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err("neither true nor false".to_owned()),
    }
}

/// A network in CIDR, or one address. Bits beyond the prefix are refused: the author may have meant less than that opens.
pub(super) fn network(text: &str) -> Read<IpNet> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(IpNet::from(address));
    }
    let network: IpNet =
        text.parse().map_err(|_| "not a network, for example 10.1.0.0/16, fd00:1::/32 or 10.1.2.3".to_owned())?;
    if network.addr() == network.network() {
        Ok(network)
    } else {
        Err(format!("ambiguous: write {} for the network or {} for the address", network.trunc(), network.addr()))
    }
}

pub(super) fn number(text: &str, range: RangeInclusive<usize>) -> Read<usize> {
    let number = text.parse().ok().filter(|number| range.contains(number));
    number.ok_or_else(|| format!("not a whole number from {} to {}", range.start(), range.end()))
}

pub(super) fn span(text: &str) -> Read<Duration> {
    text.parse().map(|span: Span| span.0).map_err(|error| error.to_string())
}

/// `30d`, or `forever`.
pub(super) fn period(text: &str) -> Read<Period> {
    text.parse().map_err(|error: NotAPeriod| error.to_string())
}

pub(super) fn contents(text: &str) -> Read<Period> {
    period(text)?.for_contents().map_err(|error| error.to_string())
}

pub(super) fn log_format(text: &str) -> Read<LogFormat> {
    match text {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err("neither text nor json".to_owned()),
    }
}

pub(super) fn log_level(text: &str) -> Read<tracing::Level> {
    match text {
        "error" => Ok(tracing::Level::ERROR),
        "warn" => Ok(tracing::Level::WARN),
        "info" => Ok(tracing::Level::INFO),
        "debug" => Ok(tracing::Level::DEBUG),
        "trace" => Ok(tracing::Level::TRACE),
        _ => Err("none of error, warn, info, debug and trace".to_owned()),
    }
}
