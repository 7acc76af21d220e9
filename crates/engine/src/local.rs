//! Errors of the operating system that are this machine's own faults and say nothing about the receiver.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;

use model::local_fault::LocalFault;
use rustix::io::Errno;
use rustix::process::{Resource, getrlimit};

/// The fault of this machine behind a failed system call, if it is one.
pub(crate) fn fault(error: &io::Error) -> Option<LocalFault> {
    match Errno::from_io_error(error)? {
        Errno::MFILE => Some(LocalFault::OpenFiles),
        Errno::NFILE => Some(LocalFault::OpenFilesOfSystem),
        Errno::NOMEM | Errno::NOBUFS => Some(LocalFault::Memory),
        _ => None,
    }
}

/// Maximum descriptors that connections to receivers leave to the rest of the process, above all to its database.
const KEPT_FREE: u64 = 32;

/// True if a descriptor is one of those that are kept free. The system gives out the lowest first, so nearly all are in
/// use then.
pub(crate) fn is_among_the_last(socket: &impl AsRawFd) -> bool {
    let Some(limit) = getrlimit(Resource::Nofile).current else { return false };
    u64::try_from(socket.as_raw_fd()).is_ok_and(|descriptor| descriptor >= limit - KEPT_FREE.min(limit / 8))
}

/// The fault of this machine behind a failed call to `address`, if it is one.
pub(crate) fn fault_of_call(address: SocketAddr, error: &io::Error) -> Option<LocalFault> {
    match Errno::from_io_error(error)? {
        Errno::ADDRNOTAVAIL if has_source(address) => Some(LocalFault::Ports),
        _ => fault(error),
    }
}

/// True if this machine has an address to call `address` from. Where it has none, for example because IPv6 is switched
/// off, a call fails like one for which no port is left. UDP has ports of its own, so it tells the two apart.
fn has_source(address: SocketAddr) -> bool {
    let any: SocketAddr = match address {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    match UdpSocket::bind(any).and_then(|socket| socket.connect(address)) {
        Ok(()) => true,
        Err(error) => !matches!(
            Errno::from_io_error(&error),
            Some(Errno::ADDRNOTAVAIL | Errno::AFNOSUPPORT | Errno::NETUNREACH | Errno::HOSTUNREACH)
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(errno: Errno, address: &str) -> Option<LocalFault> {
        fault_of_call(address.parse().unwrap(), &io::Error::from(errno))
    }

    #[test]
    fn what_this_machine_lacks_is_told_from_what_the_receiver_does() {
        let cases = [
            (Errno::MFILE, Some(LocalFault::OpenFiles)),
            (Errno::NFILE, Some(LocalFault::OpenFilesOfSystem)),
            (Errno::NOMEM, Some(LocalFault::Memory)),
            (Errno::NOBUFS, Some(LocalFault::Memory)),
            (Errno::ADDRNOTAVAIL, Some(LocalFault::Ports)),
            (Errno::CONNREFUSED, None),
            (Errno::NETUNREACH, None),
            (Errno::TIMEDOUT, None),
            (Errno::AFNOSUPPORT, None),
        ];
        for (errno, fault) in cases {
            assert_eq!(of(errno, "127.0.0.1:80"), fault, "{errno:?}");
        }
    }
}
