//! Where the system's configuration stands.

use std::path::PathBuf;

/// Where the system's configuration stands.
#[derive(Clone, Debug)]
pub struct Sources {
    pub resolv_conf: PathBuf,
    pub hosts: PathBuf,
    /// On which name servers answer.
    pub port: u16,
}

impl Default for Sources {
    fn default() -> Self {
        Self { resolv_conf: "/etc/resolv.conf".into(), hosts: "/etc/hosts".into(), port: 53 }
    }
}
