//! Addresses that are not the public internet's: special ranges, IPv4 wrapped in IPv6, and the metadata services of
//! clouds.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::LazyLock;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use Kind::{Other, Private};

/// One row of the table: a range, what it is for, and who says so.
#[derive(Debug, PartialEq, Eq)]
pub struct Range {
    pub net: IpNet,
    pub kind: Kind,
    /// Completes "10.0.0.1 is …".
    pub meaning: &'static str,
    pub source: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Ranges that networks without public addresses number their machines with: an operator who opens one runs such a
    /// network.
    Private,
    Other,
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}, {})", self.meaning, self.net, self.source)
    }
}

/// The special range that an address is in. An IPv6 address outside of 2000::/3 is always in one.
pub(super) fn special(address: IpAddr) -> Option<&'static Range> {
    RANGES.iter().find(|range| range.net.contains(&address))
}

/// All of IPv4's loopback.
pub(super) fn loopback() -> IpNet {
    IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(127, 0, 0, 0), 8))
}

/// True if any address of `net` belongs to a private network.
pub(super) fn touches_private(net: &IpNet) -> bool {
    let overlap = |range: &Range| range.net.contains(net) || net.contains(&range.net);
    RANGES.iter().any(|range| range.kind == Private && overlap(range))
}

static RANGES: LazyLock<Vec<Range>> = LazyLock::new(|| {
    let row = |&(net, kind, meaning, source): &Row| Range { net: parsed(net), kind, meaning, source };
    TABLE.iter().map(row).collect()
});

fn parsed<T: std::str::FromStr<Err = ipnet::AddrParseError>>(net: &str) -> T {
    net.parse().expect("the tables of this file hold networks: a test reads every row")
}

type Row = (&'static str, Kind, &'static str, &'static str);

/// The IANA special-purpose registries for IPv4 and for IPv6 (its edition of 2025-10-09), multicast, and what was
/// withdrawn but may still be routed somewhere. Also the rows that IANA calls globally reachable: relays and DNS sinks
/// take no webhooks. The first row that holds an address wins, so narrow rows stand before wide ones. 64:ff9b::/96 is
/// absent: it is judged by the IPv4 address in it.
const TABLE: &[Row] = &[
    ("0.0.0.0/32", Other, "the unspecified address", "RFC 1122"),
    ("0.0.0.0/8", Other, "an address of \"this network\"", "RFC 791"),
    ("10.0.0.0/8", Private, "a private address", "RFC 1918"),
    ("100.64.0.0/10", Private, "a shared address behind a carrier's NAT", "RFC 6598"),
    ("127.0.0.0/8", Other, "a loopback address", "RFC 1122"),
    ("169.254.0.0/16", Private, "a link-local address", "RFC 3927"),
    ("172.16.0.0/12", Private, "a private address", "RFC 1918"),
    ("192.0.0.0/24", Other, "an address reserved for protocols of the IETF", "RFC 6890"),
    ("192.0.2.0/24", Other, "an address for documentation", "RFC 5737"),
    ("192.31.196.0/24", Other, "an AS112 address, a sink of stray DNS queries", "RFC 7535"),
    ("192.52.193.0/24", Other, "an AMT address of multicast relays", "RFC 7450"),
    ("192.88.99.0/24", Other, "an address of the withdrawn 6to4 relays", "RFC 7526"),
    ("192.168.0.0/16", Private, "a private address", "RFC 1918"),
    ("192.175.48.0/24", Other, "an AS112 address, a sink of stray DNS queries", "RFC 7534"),
    ("198.18.0.0/15", Other, "an address for benchmarks", "RFC 2544"),
    ("198.51.100.0/24", Other, "an address for documentation", "RFC 5737"),
    ("203.0.113.0/24", Other, "an address for documentation", "RFC 5737"),
    ("224.0.0.0/4", Other, "a multicast address", "RFC 5771"),
    ("255.255.255.255/32", Other, "the broadcast address", "RFC 919"),
    ("240.0.0.0/4", Other, "a reserved address", "RFC 1112"),
    ("::/128", Other, "the unspecified address", "RFC 4291"),
    ("::1/128", Other, "a loopback address", "RFC 4291"),
    ("::/96", Other, "an IPv4-compatible address", "RFC 4291"),
    ("::ffff:0:0/96", Other, "an IPv4-mapped address", "RFC 4291"),
    ("64:ff9b:1::/48", Other, "a local NAT64 address", "RFC 8215"),
    ("100::/64", Other, "a discard-only address", "RFC 6666"),
    ("100:0:0:1::/64", Other, "a dummy address", "RFC 9780"),
    ("2001::/32", Other, "a Teredo address", "RFC 4380"),
    ("2001:2::/48", Other, "an address for benchmarks", "RFC 5180"),
    ("2001:3::/32", Other, "an AMT address of multicast relays", "RFC 7450"),
    ("2001:4:112::/48", Other, "an AS112 address, a sink of stray DNS queries", "RFC 7535"),
    ("2001:10::/28", Other, "an ORCHID, a hash in the form of an address", "RFC 4843"),
    ("2001:20::/28", Other, "an ORCHID, a hash in the form of an address", "RFC 7343"),
    ("2001:30::/28", Other, "a drone's identity in the form of an address", "RFC 9374"),
    ("2001::/23", Other, "an address reserved for protocols of the IETF", "RFC 2928"),
    ("2001:db8::/32", Other, "an address for documentation", "RFC 3849"),
    ("2002::/16", Other, "a 6to4 address", "RFC 3056"),
    ("2620:4f:8000::/48", Other, "an AS112 address, a sink of stray DNS queries", "RFC 7534"),
    ("3fff::/20", Other, "an address for documentation", "RFC 9637"),
    ("5f00::/16", Other, "an SRv6 segment in the form of an address", "RFC 9602"),
    ("fc00::/7", Private, "a unique local address", "RFC 4193"),
    ("fe80::/10", Private, "a link-local address", "RFC 4291"),
    ("fec0::/10", Other, "a site-local address", "RFC 3879"),
    ("ff00::/8", Other, "a multicast address", "RFC 4291"),
    // The rest of IPv6 around 2000::/3. New registrations there are refused before this table knows them.
    ("::/3", Other, "not a global unicast address", "RFC 4291"),
    ("4000::/2", Other, "not a global unicast address", "RFC 4291"),
    ("8000::/1", Other, "not a global unicast address", "RFC 4291"),
];

/// An IPv6 address that stands for an IPv4 address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wrapped {
    pub(super) inner: Ipv4Addr,
    pub(super) by: Wrapper,
}

/// The party that unwraps the address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wrapper {
    /// Our own kernel: a socket connects to the IPv4 address.
    Kernel,
    /// The network's NAT64. Machines without IPv4 reach every IPv4 receiver in this way.
    Nat64,
    /// A tunnel or a site's own translator, if anybody: not reachable in general.
    Tunnel,
}

pub(super) fn wrapped(address: IpAddr) -> Option<Wrapped> {
    let IpAddr::V6(address) = address else { return None };
    let (_, by, unwrap) = WRAPPERS.iter().find(|(net, ..)| net.contains(&address))?;
    Some(Wrapped { inner: unwrap(address.to_bits()), by: *by })
}

type Unwrap = fn(u128) -> Ipv4Addr;

static WRAPPERS: LazyLock<[(Ipv6Net, Wrapper, Unwrap); 6]> = LazyLock::new(|| {
    [
        (parsed("::ffff:0:0/96"), Wrapper::Kernel, last_32_bits),
        (parsed("::/96"), Wrapper::Tunnel, last_32_bits),
        (parsed("64:ff9b::/96"), Wrapper::Nat64, last_32_bits),
        // RFC 6052 also knows shorter prefixes that put IPv4 further left. Only an operator's range gets this far.
        (parsed("64:ff9b:1::/48"), Wrapper::Tunnel, last_32_bits),
        // The client's address, with every bit turned over (RFC 4380, section 4).
        (parsed("2001::/32"), Wrapper::Tunnel, |bits| last_32_bits(!bits)),
        (parsed("2002::/16"), Wrapper::Tunnel, |bits| last_32_bits(bits >> 80)),
    ]
});

fn last_32_bits(bits: u128) -> Ipv4Addr {
    Ipv4Addr::from_bits((bits & u128::from(u32::MAX)) as u32)
}

/// The cloud whose metadata service answers at this address. Such services hand a machine's credentials to any caller.
pub(super) fn metadata(address: IpAddr) -> Option<&'static str> {
    METADATA.iter().find(|(known, _)| *known == address).map(|(_, cloud)| *cloud)
}

static METADATA: LazyLock<Vec<(IpAddr, &str)>> = LazyLock::new(|| {
    let parsed = |text: &str| text.parse().expect("the table of metadata services holds addresses: a test reads it");
    METADATA_TABLE.iter().map(|(address, cloud)| (parsed(address), *cloud)).collect()
});

/// Metadata services, by which machines of these clouds learn who they are. Some addresses are outside of every special
/// range.
const METADATA_TABLE: &[(&str, &str)] = &[
    ("169.254.169.254", "AWS, Google Cloud, Azure and others"),
    ("169.254.170.2", "AWS ECS"),
    ("169.254.170.23", "AWS EKS"),
    ("169.254.0.23", "Tencent Cloud"),
    ("169.254.42.42", "Scaleway"),
    ("168.63.129.16", "Azure"),
    ("100.100.100.200", "Alibaba Cloud"),
    ("192.0.0.192", "Oracle Cloud"),
    ("fd00:ec2::254", "AWS"),
    ("fd00:ec2::23", "AWS EKS"),
    ("fd20:ce::254", "Google Cloud"),
    ("fd00:c1::a9fe:a9fe", "Oracle Cloud"),
    ("fd00:100::100:200", "Alibaba Cloud"),
    ("fd00:42::42", "Scaleway"),
    ("fd00:a9fe:a9fe::1", "Akamai"),
    ("fe80::a9fe:a9fe", "OpenStack"),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// Every address of a range up to its edges is in that row, or in a narrower one before it.
    #[test]
    fn every_row_of_the_table_is_a_network_and_holds_its_edges() {
        for (position, row) in RANGES.iter().enumerate() {
            assert_eq!(row.net, row.net.trunc(), "{row}: bits are set behind the prefix");
            for edge in [row.net.network(), row.net.broadcast()] {
                let found = special(edge).expect("an edge is inside");
                let found_at = RANGES.iter().position(|other| other == found).unwrap();
                assert!(found_at <= position && row.net.contains(&found.net), "{edge} is found as {found}, not {row}");
            }
        }
    }

    #[test]
    fn no_row_is_hidden_by_one_before_it() {
        for (position, row) in RANGES.iter().enumerate() {
            let hidden = RANGES[..position].iter().find(|before| before.net.contains(&row.net));
            assert_eq!(hidden, None, "{row}");
        }
    }

    #[test]
    fn every_ipv6_address_outside_of_2000_3_is_special() {
        for first_byte in 0..=u8::MAX {
            let address = IpAddr::from(u128::from(first_byte).rotate_right(8).to_be_bytes());
            assert_eq!(special(address).is_some(), first_byte >> 5 != 1, "{address}");
        }
    }

    #[test]
    fn wrapped_ipv4_is_found() {
        let cases = [
            ("::ffff:127.0.0.1", "127.0.0.1", Wrapper::Kernel),
            ("::127.0.0.1", "127.0.0.1", Wrapper::Tunnel),
            ("64:ff9b::a9fe:a9fe", "169.254.169.254", Wrapper::Nat64),
            ("64:ff9b:1::a00:1", "10.0.0.1", Wrapper::Tunnel),
            ("2002:7f00:1::", "127.0.0.1", Wrapper::Tunnel),
            // The example of RFC 4380, section 4: client 192.0.2.45.
            ("2001:0:4136:e378:8000:63bf:3fff:fdd2", "192.0.2.45", Wrapper::Tunnel),
        ];
        for (address, inner, by) in cases {
            let found = wrapped(address.parse().unwrap()).unwrap();
            assert_eq!((found.inner.to_string().as_str(), found.by), (inner, by), "{address}");
        }
        for address in ["127.0.0.1", "2606:4700::1111", "64:ff9a::1", "64:ff9b:0:0:0:1::", "::1:0:0", "2003::"] {
            assert_eq!(wrapped(address.parse().unwrap()), None, "{address}");
        }
    }

    #[test]
    fn metadata_services_are_known_by_address() {
        for (text, cloud) in METADATA_TABLE {
            assert_eq!(metadata(text.parse().unwrap()), Some(*cloud));
        }
        assert_eq!(metadata("169.254.169.253".parse().unwrap()), None);
    }
}
