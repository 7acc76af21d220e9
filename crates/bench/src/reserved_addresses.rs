//! Addresses of receivers: reserved, and refusing connections until they are opened.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::TcpSocket;

use crate::BenchError;

/// Hosts in one network of three bytes.
const IN_A_NETWORK: u32 = 250;

/// Maximum hosts: 250 networks.
pub(crate) const MOST_HOSTS: u32 = IN_A_NETWORK * 250;

/// Addresses of this machine, all with the same port. A sender takes each for a host, with connections of its own.
/// Until they are listened at, connections are refused: an endpoint that is down.
pub(crate) struct ReservedAddresses {
    sockets: Vec<TcpSocket>,
    port: u16,
}

/// The URLs of endpoints at reserved addresses, also after those were opened.
#[derive(Clone, Copy)]
pub(crate) struct Urls {
    hosts: u32,
    port: u16,
}

impl ReservedAddresses {
    pub(crate) fn reserve(hosts: u32) -> Result<Self, BenchError> {
        let first = bind(host(0), 0)?;
        let port = first.local_addr()?.port();
        let mut sockets = vec![first];
        for index in 1..hosts {
            sockets.push(bind(host(index), port)?);
        }
        Ok(Self { sockets, port })
    }

    pub(crate) fn urls(&self) -> Urls {
        Urls { hosts: self.sockets.len() as u32, port: self.port }
    }

    pub(crate) fn into_sockets(self) -> Vec<TcpSocket> {
        self.sockets
    }
}

impl Urls {
    pub(crate) fn address(self) -> SocketAddr {
        (host(0), self.port).into()
    }

    /// Endpoints take turns with the hosts. The path tells them apart.
    pub(crate) fn of(self, endpoint: u32) -> String {
        format!("http://{}:{}/{endpoint}", host(endpoint % self.hosts), self.port)
    }
}

fn bind(host: Ipv4Addr, port: u16) -> Result<TcpSocket, BenchError> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((host, port).into()).map_err(|error| format!("{host}:{port}: {error}"))?;
    Ok(socket)
}

/// 127.0.0.1, then 127.0.1.2, 127.0.1.3 and so on: all of 127.0.0.0/8 is this machine.
fn host(index: u32) -> Ipv4Addr {
    match index {
        0 => Ipv4Addr::LOCALHOST,
        _ => Ipv4Addr::new(127, 0, (1 + index / IN_A_NETWORK) as u8, (1 + index % IN_A_NETWORK) as u8),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::net::TcpStream;

    use super::*;

    #[test]
    fn hosts_differ_and_are_all_this_machine() {
        let hosts: HashSet<_> = (0..MOST_HOSTS).map(host).collect();
        assert_eq!(hosts.len(), MOST_HOSTS as usize);
        assert!(hosts.iter().all(Ipv4Addr::is_loopback));
    }

    #[test]
    fn nobody_is_let_in_before_it_is_opened() {
        let place = ReservedAddresses::reserve(3).expect("three addresses");
        assert!(TcpStream::connect(place.urls().address()).is_err());
        assert_ne!(place.urls().of(0), place.urls().of(3));
    }
}
