//! The files with the system's resolver configuration.

use std::path::PathBuf;

/// Locations of the system's resolver configuration.
#[derive(Clone, Debug)]
pub struct Sources {
    pub resolv_conf: PathBuf,
    pub hosts: PathBuf,
    /// Port on which name servers answer.
    pub port: u16,
}

impl Default for Sources {
    fn default() -> Self {
        Self { resolv_conf: "/etc/resolv.conf".into(), hosts: "/etc/hosts".into(), port: 53 }
    }
}
