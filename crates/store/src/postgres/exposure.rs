//! A connection string's `sslmode`, with libpq's meaning, and the exposure that it leaves.

use std::net::IpAddr;
use std::path::PathBuf;

use percent_encoding::percent_decode_str;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use crate::Error;
use crate::notices::{Level, Notice};

/// The checks on the database's identity, the weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// No TLS.
    Disable,
    /// TLS where the server has it: the default. `allow` is treated as this.
    Prefer,
    /// TLS without a check of the certificate; where there is a CA file, as `VerifyCa`.
    Require,
    /// A certificate of a trusted authority, for any name.
    VerifyCa,
    /// A certificate of a trusted authority, for the name.
    VerifyFull,
}

/// The authorities whose certificates are trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum RootCert {
    /// The system's, and those of `network.ca_file`.
    Unset,
    /// `sslrootcert=system`: the system's alone.
    System,
    /// `sslrootcert=FILE`: those in it alone.
    File(PathBuf),
}

/// A connection string: the part that the driver reads, and the part that it does not.
pub(super) struct Address {
    pub(super) config: Config,
    pub(super) mode: Mode,
    pub(super) root_cert: RootCert,
}

impl Address {
    pub(super) fn parse(url: &str) -> Result<Self, Error> {
        let (bare, mode, root_cert) = take_out(url);
        let root_cert = match root_cert.as_deref() {
            None | Some("") => RootCert::Unset,
            Some("system") => RootCert::System,
            Some(path) => RootCert::File(path.into()),
        };
        let mode = mode_of(mode.as_deref(), &root_cert)?;
        let mut config: Config =
            bare.parse().map_err(|error: tokio_postgres::Error| Error::Address(super::cause::cause(&error)))?;
        config.ssl_mode(match mode {
            Mode::Disable => SslMode::Disable,
            Mode::Prefer => SslMode::Prefer,
            Mode::Require | Mode::VerifyCa | Mode::VerifyFull => SslMode::Require,
        });
        Ok(Self { config, mode, root_cert })
    }

    /// A notice for operators about an unsafe connection to a database on another machine. `has_roots`: there is a CA
    /// file.
    pub(super) fn notice(&self, address: &str, has_roots: bool) -> Option<Notice> {
        if self.config.get_hosts().iter().all(is_here) {
            return None;
        }
        let what = match self.mode {
            Mode::Disable => "is in clear text (sslmode=disable)",
            Mode::Prefer => {
                "is in clear text unless the server offers TLS, and then with whoever answers (sslmode=prefer, the default)"
            }
            Mode::Require if !has_roots && self.root_cert == RootCert::Unset => {
                "is encrypted, but with whoever answers (sslmode=require without a CA file)"
            }
            Mode::Require | Mode::VerifyCa | Mode::VerifyFull => return None,
        };
        Some(Notice {
            code: "database_transport",
            level: Level::Warning,
            message: format!("the connection to {address} {what}"),
            remedy: Some(REMEDY),
        })
    }
}

const REMEDY: &str = "write ?sslmode=verify-full in the database's URL, and give the certificate of its authority with \
                      --ca-file or sslrootcert= unless the system trusts it";

/// The URL without `sslmode` and `sslrootcert`, and their values. The last of each counts.
fn take_out(url: &str) -> (String, Option<String>, Option<String>) {
    let Some((base, query)) = url.split_once('?') else { return (url.to_owned(), None, None) };
    let (mut mode, mut root_cert, mut rest) = (None, None, Vec::new());
    for pair in query.split('&') {
        let decoded = |value: &str| percent_decode_str(value).decode_utf8_lossy().into_owned();
        match pair.split_once('=') {
            Some(("sslmode", value)) => mode = Some(decoded(value)),
            Some(("sslrootcert", value)) => root_cert = Some(decoded(value)),
            _ => rest.push(pair),
        }
    }
    let bare = if rest.is_empty() { base.to_owned() } else { format!("{base}?{}", rest.join("&")) };
    (bare, mode, root_cert)
}

fn mode_of(mode: Option<&str>, root_cert: &RootCert) -> Result<Mode, Error> {
    let is_system = *root_cert == RootCert::System;
    match mode {
        Some("verify-full") => Ok(Mode::VerifyFull),
        None if is_system => Ok(Mode::VerifyFull),
        Some(_) if is_system => Err(Error::Address("sslrootcert=system needs sslmode=verify-full".to_owned())),
        Some("disable") => Ok(Mode::Disable),
        None | Some("prefer" | "allow") => Ok(Mode::Prefer),
        Some("require") => Ok(Mode::Require),
        Some("verify-ca") => Ok(Mode::VerifyCa),
        Some(_) => {
            Err(Error::Address("sslmode is none: write disable, prefer, require, verify-ca or verify-full".to_owned()))
        }
    }
}

/// True if a host is this machine.
fn is_here(host: &Host) -> bool {
    match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => {
            let address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
            name.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str) -> Address {
        Address::parse(url).unwrap_or_else(|error| panic!("{url}: {error}"))
    }

    #[test]
    fn modes_are_libpqs() {
        let cases = [
            ("", Mode::Prefer),
            ("?sslmode=disable", Mode::Disable),
            ("?sslmode=allow", Mode::Prefer),
            ("?sslmode=prefer", Mode::Prefer),
            ("?connect_timeout=3&sslmode=require", Mode::Require),
            ("?sslmode=verify-ca&connect_timeout=3", Mode::VerifyCa),
            ("?sslmode=verify-full", Mode::VerifyFull),
            ("?sslmode=disable&sslmode=verify%2Dfull", Mode::VerifyFull),
            ("?sslrootcert=system", Mode::VerifyFull),
        ];
        for (query, mode) in cases {
            assert_eq!(read(&format!("postgres://u:p@db.example/x{query}")).mode, mode, "{query}");
        }
        for query in ["?sslmode=", "?sslmode=verify", "?sslmode=require&sslrootcert=system"] {
            assert!(Address::parse(&format!("postgres://u:p@db.example/x{query}")).is_err(), "{query}");
        }
        let url = "postgres://u:p@db.example/x?sslmode=verify-full&sslrootcert=%2Fetc%2Fca.pem";
        assert_eq!(read(url).root_cert, RootCert::File("/etc/ca.pem".into()));
    }

    /// A password may contain anything.
    #[test]
    fn only_parameters_are_read() {
        let address = read("postgres://u:sslmode=verify-full@db.example/x");
        assert_eq!((address.mode, address.config.get_password()), (Mode::Prefer, Some(&b"sslmode=verify-full"[..])));
    }

    #[test]
    fn an_open_way_to_another_machine_is_said() {
        let notice = |url: &str, has_roots| read(url).notice("db.example:5432", has_roots).map(|notice| notice.message);
        let cases = [
            ("", false, Some("clear text unless")),
            ("?sslmode=disable", true, Some("is in clear text (")),
            ("?sslmode=require", false, Some("with whoever answers")),
            ("?sslmode=require", true, None),
            ("?sslmode=require&sslrootcert=ca.pem", false, None),
            ("?sslmode=verify-ca", false, None),
            ("?sslmode=verify-full", false, None),
        ];
        for (query, has_roots, part) in cases {
            let said = notice(&format!("postgres://u:p@db.example/x{query}"), has_roots);
            match part {
                Some(part) => assert!(said.as_ref().is_some_and(|said| said.contains(part)), "{query}: {said:?}"),
                None => assert_eq!(said, None, "{query}"),
            }
        }
        for host in ["localhost", "127.0.0.1", "127.9.9.9", "[::1]", "%2Frun%2Fpostgresql"] {
            assert_eq!(notice(&format!("postgres://u:p@{host}/x"), false), None, "{host}");
        }
        assert!(notice("postgres://u:p@localhost,db.example/x", false).is_some());
    }
}
