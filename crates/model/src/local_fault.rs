//! Faults of the machine that Posthaste runs on. They say nothing about a receiver, so they are no attempts.

use std::fmt;

/// A resource that this machine lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LocalFault {
    /// The process has as many files and connections open as it may (`EMFILE`).
    OpenFiles,
    /// All processes together have (`ENFILE`).
    OpenFilesOfSystem,
    /// The kernel has no memory for another connection (`ENOMEM`, `ENOBUFS`).
    Memory,
    /// Every local port is taken (`EADDRNOTAVAIL`).
    Ports,
    /// `/etc/resolv.conf` names no name server, or cannot be read.
    NoNameServer,
    /// None of the name servers can be reached from here.
    NameServersUnreachable,
}

impl LocalFault {
    pub const ALL: [Self; 6] = [
        Self::OpenFiles,
        Self::OpenFilesOfSystem,
        Self::Memory,
        Self::Ports,
        Self::NoNameServer,
        Self::NameServersUnreachable,
    ];

    /// Its name in JSON and in the log.
    pub const fn code(self) -> &'static str {
        match self {
            Self::OpenFiles => "open_files",
            Self::OpenFilesOfSystem => "open_files_of_system",
            Self::Memory => "memory",
            Self::Ports => "ports",
            Self::NoNameServer => "no_name_server",
            Self::NameServersUnreachable => "name_servers_unreachable",
        }
    }

    /// The remedy, for an operator.
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::OpenFiles => "raise the limit on open files (`ulimit -Hn`, or LimitNOFILE= of its systemd unit)",
            Self::OpenFilesOfSystem => "raise the system's limit on open files (sysctl fs.file-max)",
            Self::Memory => "give the machine more memory, or its sockets more of it (sysctl net.ipv4.tcp_mem)",
            Self::Ports => "widen the range of local ports (sysctl net.ipv4.ip_local_port_range)",
            Self::NoNameServer => "name a name server in /etc/resolv.conf (`nameserver 192.0.2.53`)",
            Self::NameServersUnreachable => {
                "see that the name servers in /etc/resolv.conf run and that this machine has a way to them"
            }
        }
    }
}

impl fmt::Display for LocalFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OpenFiles => "this process has as many files and connections open as it may",
            Self::OpenFilesOfSystem => "this machine has as many files open as it may",
            Self::Memory => "this machine has no memory for another connection",
            Self::Ports => "this machine has no local port left for another connection",
            Self::NoNameServer => "this machine has no name server in /etc/resolv.conf",
            Self::NameServersUnreachable => "none of this machine's name servers can be reached",
        })
    }
}
