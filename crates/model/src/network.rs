//! Addresses and host names that a webhook may go to: everything public, and what an operator opened.

pub mod ranges;
#[cfg(test)]
mod tests;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use ranges::{Range, Wrapped, Wrapper};

/// Permissions by the operator beyond the public internet by https. The default permits nothing.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// `--allow-http`
    pub allow_http: bool,
    /// `--allow-network`
    pub allowed: Vec<IpNet>,
}

/// Reason why nothing is sent there, for the person who typed it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error(
        "{address} is {range}; webhooks go only to public addresses (an operator can open ranges with --allow-network)"
    )]
    Special { address: IpAddr, range: &'static Range },
    #[error(
        "{address} leads to {inner}, {range}; webhooks go only to public addresses (an operator can open ranges with --allow-network)"
    )]
    Wrapped { address: IpAddr, inner: Ipv4Addr, range: &'static Range },
    #[error(
        "{address} leads to the metadata service of {cloud}; webhooks go only to public addresses (an operator can open it only by exactly its own address, with --allow-network {address}/{})", whole(*.address)
    )]
    Metadata { address: IpAddr, cloud: &'static str },
    #[error("{name} is the metadata service of a cloud; webhooks go only to public hosts")]
    MetadataName { name: Box<str> },
    #[error(
        "{name} means this machine; webhooks go only to public hosts (an operator can open 127.0.0.0/8 with --allow-network)"
    )]
    Localhost { name: Box<str> },
    #[error(
        "{name} is a name of a private network (.{suffix}); webhooks go only to public hosts (an operator can open the network's addresses with --allow-network)"
    )]
    PrivateName { name: Box<str>, suffix: &'static str },
    #[error(
        "{name} has no dot, so it is no public name; write it in full, for example hooks.example.com (an operator can open a private network with --allow-network)"
    )]
    SingleLabel { name: Box<str> },
    #[error("{name} is a Tor service; webhooks go only to public hosts")]
    Onion { name: Box<str> },
    #[error("{name} ends in a dot; write the host name without it")]
    TrailingDot { name: Box<str> },
    #[error(
        "{name} is not a host name: between its dots are 1 to 63 letters, digits, hyphens or underscores, 253 in all, and the last part is not a number"
    )]
    NotAName { name: Box<str> },
}

/// The length of a range of one address.
const fn whole(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

impl Policy {
    /// Judges an address before it is saved and again before every connect.
    ///
    /// Metadata services are open only to a range of exactly their address: `--allow-network fd00::/8` is typed to
    /// reach receivers, not to give the machine's credentials away.
    pub fn judge_address(&self, address: IpAddr) -> Result<(), Refusal> {
        let wrapped = ranges::wrapped(address);
        let cloud = ranges::metadata(address).or_else(|| ranges::metadata(wrapped?.inner.into()));
        if self.opens(address, wrapped, cloud.is_some()) {
            return Ok(());
        }
        if let Some(cloud) = cloud {
            return Err(Refusal::Metadata { address, cloud });
        }
        match wrapped {
            Some(Wrapped { by: Wrapper::Nat64, inner, .. }) => match ranges::special(inner.into()) {
                Some(range) => Err(Refusal::Wrapped { address, inner, range }),
                None => Ok(()),
            },
            _ => match ranges::special(address) {
                Some(range) => Err(Refusal::Special { address, range }),
                None => Ok(()),
            },
        }
    }

    /// Judges a host name by its spelling, in ASCII as the URL parser leaves it. Its addresses are judged when we
    /// connect.
    pub fn judge_name(&self, typed: &str) -> Result<(), Refusal> {
        let bare = typed.trim_end_matches('.').to_ascii_lowercase();
        let name = || Box::from(typed);
        let is_localhost = is_localhost(&bare);

        if suffix(&bare, METADATA_NAMES).is_some() {
            return Err(Refusal::MetadataName { name: name() });
        }
        if suffix(&bare, &["onion"]).is_some() {
            return Err(Refusal::Onion { name: name() });
        }
        if is_localhost && !self.opens_loopback() {
            return Err(Refusal::Localhost { name: name() });
        }
        if !is_localhost && !self.opens_a_private_network() {
            if let Some(suffix) = suffix(&bare, PRIVATE_NAMES) {
                return Err(Refusal::PrivateName { name: name(), suffix });
            }
            if !bare.contains('.') {
                return Err(Refusal::SingleLabel { name: name() });
            }
        }
        if typed.ends_with('.') {
            return Err(Refusal::TrailingDot { name: name() });
        }
        if !is_host_name(&bare) {
            return Err(Refusal::NotAName { name: name() });
        }
        Ok(())
    }

    /// A wrapped address is opened in its wrapped form. IPv4-mapped ones are also opened as IPv4, since that is what
    /// the kernel connects to. Loopback is one thing: opening 127.0.0.0/8 opens ::1.
    fn opens(&self, address: IpAddr, wrapped: Option<Wrapped>, is_metadata: bool) -> bool {
        let as_ipv4 = wrapped.filter(|wrapped| wrapped.by == Wrapper::Kernel).map(|wrapped| wrapped.inner.into());
        let forms = [Some(address), as_ipv4];
        let holds = |net: &IpNet, form: IpAddr| {
            let is_wide = net.prefix_len() < net.max_prefix_len();
            (net.contains(&form) || form == Ipv6Addr::LOCALHOST && net.contains(&ranges::loopback()))
                && !(is_metadata && is_wide)
        };
        self.allowed.iter().any(|net| forms.into_iter().flatten().any(|form| holds(net, form)))
    }

    fn opens_loopback(&self) -> bool {
        let loopback: [IpAddr; 2] = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
        self.allowed.iter().any(|net| loopback.iter().any(|address| net.contains(address)))
    }

    fn opens_a_private_network(&self) -> bool {
        self.allowed.iter().any(ranges::touches_private)
    }
}

/// Names that clouds give their metadata services. Those with no dot in them are here because a private network makes
/// single labels fine.
const METADATA_NAMES: &[&str] = &[
    "metadata.google.internal",
    "metadata.goog",
    "metadata.tencentyun.com",
    "instance-data.ec2.internal",
    "instance-data",
    "metadata",
];

/// Endings that no public name has: RFC 6762 (`local` and the habits of its appendix G), RFC 8375 (`home.arpa`),
/// ICANN's `internal`, and the names that Kubernetes and common routers and resolvers make up.
const PRIVATE_NAMES: &[&str] =
    &["internal", "local", "svc", "home.arpa", "lan", "localdomain", "intranet", "corp", "home"];

/// True if a name means this machine (RFC 6761, section 6.3).
pub fn is_localhost(name: &str) -> bool {
    suffix(&name.to_ascii_lowercase(), &["localhost"]).is_some()
}

/// The one of `suffixes` that the name is or ends in, at a dot.
fn suffix(name: &str, suffixes: &[&'static str]) -> Option<&'static str> {
    let is_below = |suffix: &str| name.strip_suffix(suffix).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    suffixes.iter().copied().find(|suffix| is_below(suffix))
}

/// RFC 1035's lengths and letters, and the underscore that some hosts have: URL parsers let `"` and `}` pass, requests
/// do not. A last label that is a number makes resolvers read the name as an IPv4 address (`0x7f.1`).
fn is_host_name(name: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let is_label = |label: &str| (1..=63).contains(&label.len()) && label.bytes().all(is_letter);
    let last = name.rsplit('.').next().unwrap_or(name);
    let is_number = last.starts_with("0x") || last.bytes().all(|byte| byte.is_ascii_digit());
    name.len() <= 253 && name.split('.').all(is_label) && !is_number
}
