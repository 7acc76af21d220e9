//! Connections by the address they come from, so that nobody holds all there are.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many connections each address has. Cloning shares it.
#[derive(Clone)]
pub(super) struct Addresses {
    /// At most for one address; `None` where all come through a proxy.
    most: Option<NonZeroUsize>,
    counts: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// A place among the connections of an address, until this is dropped.
pub(super) struct Place {
    addresses: Addresses,
    of: IpAddr,
}

impl Addresses {
    pub(super) fn new(most: Option<NonZeroUsize>) -> Self {
        Self { most, counts: Arc::default() }
    }

    /// A place for one more connection from `address`. `Err` if it has as many as it may.
    pub(super) fn admit(&self, address: IpAddr) -> Result<Option<Place>, TooMany> {
        let Some(most) = self.most else { return Ok(None) };
        let of = counted_as(address);
        let mut counts = self.counts();
        let count = counts.entry(of).or_default();
        if *count >= most.get() {
            return Err(TooMany);
        }
        *count += 1;
        drop(counts);
        Ok(Some(Place { addresses: self.clone(), of }))
    }

    fn counts(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The address has as many connections as it may have.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooMany;

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.addresses.counts();
        if let Some(count) = counts.get_mut(&self.of) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.of);
            }
        }
    }
}

/// Who has one IPv6 address has the 2^64 around it as well.
fn counted_as(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admitted(addresses: &Addresses, address: &str) -> Option<Place> {
        addresses.admit(address.parse().unwrap()).ok().flatten()
    }

    #[test]
    fn an_address_has_so_many_and_gets_places_back() {
        let addresses = Addresses::new(NonZeroUsize::new(2));
        let first = admitted(&addresses, "192.0.2.1").unwrap();
        let _second = admitted(&addresses, "::ffff:192.0.2.1").unwrap();
        assert!(admitted(&addresses, "192.0.2.1").is_none());
        let _other = admitted(&addresses, "192.0.2.2").unwrap();
        drop(first);
        assert!(admitted(&addresses, "192.0.2.1").is_some());
    }

    #[test]
    fn a_network_of_ipv6_counts_as_one_address() {
        let addresses = Addresses::new(NonZeroUsize::new(1));
        let _first = admitted(&addresses, "2001:db8::1").unwrap();
        assert!(admitted(&addresses, "2001:db8::2").is_none());
        assert!(admitted(&addresses, "2001:db8:0:1::1").is_some());
    }

    #[test]
    fn nobody_counts_where_all_come_through_a_proxy() {
        let addresses = Addresses::new(None);
        assert!((0..5_000).all(|_| addresses.admit([192, 0, 2, 1].into()).is_ok()));
        assert!(addresses.counts().is_empty());
    }
}
