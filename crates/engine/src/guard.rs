//! The one place where hosts become addresses: every address is judged, and only what passed can be dialled.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use model::attempt::FailureKind;
use model::local_fault::LocalFault;
use model::network::{self, Policy, Refusal};

use crate::resolve::{self, Resolve};

pub(crate) struct Guard {
    policy: Policy,
    resolver: Arc<dyn Resolve>,
}

/// Addresses that passed, at least one. Made only here, and only these are connected to.
#[derive(Debug)]
pub(crate) struct VettedAddresses(Vec<SocketAddr>);

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Refused(Refusal),
    #[error("the name {name} resolves to an address that is refused: {refusal}")]
    ResolvesToRefused { name: Box<str>, refusal: Refusal },
    #[error("the name {name} {source}")]
    Unresolved { name: Box<str>, source: resolve::Error },
}

impl Guard {
    pub(crate) fn new(policy: Policy, resolver: Arc<dyn Resolve>) -> Self {
        Self { policy, resolver }
    }

    /// Judges the host by its spelling and then everything that it resolves to. One bad address refuses them all: who
    /// answers with a public and a private one is not to be trusted with either.
    pub(crate) async fn check(&self, host: &str, port: u16) -> Result<VettedAddresses, Error> {
        if let Some(address) = literal(host) {
            self.policy.judge_address(address).map_err(Error::Refused)?;
            return Ok(VettedAddresses(vec![SocketAddr::new(address, port)]));
        }
        self.policy.judge_name(host).map_err(Error::Refused)?;
        let mut addresses = self.look_up(host).await?;
        if network::is_localhost(host) {
            self.only_open_loopback(&mut addresses);
        }
        for address in &addresses {
            let judged = self.policy.judge_address(*address);
            judged.map_err(|refusal| Error::ResolvesToRefused { name: host.into(), refusal })?;
        }
        Ok(VettedAddresses(with_port(addresses, port)))
    }

    /// Judges the host by its spelling alone, for a proxy that resolves it.
    pub(crate) fn judge(&self, host: &str) -> Result<(), Error> {
        match literal(host) {
            Some(address) => self.policy.judge_address(address),
            None => self.policy.judge_name(host),
        }
        .map_err(Error::Refused)
    }

    /// Keeps those addresses of `localhost` that are open: it has one in each family, and no stranger has a say in
    /// that.
    fn only_open_loopback(&self, addresses: &mut Vec<IpAddr>) {
        let is_open = |address: &IpAddr| address.is_loopback() && self.policy.judge_address(*address).is_ok();
        if addresses.iter().any(is_open) && addresses.iter().all(IpAddr::is_loopback) {
            addresses.retain(is_open);
        }
    }

    /// The addresses of a host that the operator named, such as the outgoing proxy. Not judged.
    pub(crate) async fn trusted(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, Error> {
        let addresses = match literal(host) {
            Some(address) => vec![address],
            None => self.look_up(host).await?,
        };
        Ok(with_port(addresses, port))
    }

    async fn look_up(&self, name: &str) -> Result<Vec<IpAddr>, Error> {
        let unresolved = |source| Error::Unresolved { name: name.into(), source };
        match self.resolver.resolve(name).await {
            Ok(addresses) if addresses.is_empty() => Err(unresolved(resolve::Error::NoAddress)),
            Ok(addresses) => Ok(addresses),
            Err(error) => Err(unresolved(error)),
        }
    }
}

impl VettedAddresses {
    pub(crate) fn addresses(&self) -> &[SocketAddr] {
        &self.0
    }
}

impl Error {
    pub(crate) fn kind(&self) -> FailureKind {
        match self {
            Self::Refused(_) | Self::ResolvesToRefused { .. } => FailureKind::Blocked,
            Self::Unresolved { .. } => FailureKind::Dns,
        }
    }

    /// The fault of this machine behind the error, if there is one.
    pub(crate) fn local(&self) -> Option<LocalFault> {
        match self {
            Self::Unresolved { source: resolve::Error::Local(fault), .. } => Some(*fault),
            _ => None,
        }
    }
}

/// An address as URLs write it, IPv6 in brackets.
pub(crate) fn literal(host: &str) -> Option<IpAddr> {
    match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(address) => address.parse().ok(),
        None => host.parse().ok(),
    }
}

fn with_port(addresses: Vec<IpAddr>, port: u16) -> Vec<SocketAddr> {
    addresses.into_iter().map(|address| SocketAddr::new(address, port)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resolve::Lookup;

    struct Answering(&'static [&'static str]);

    impl Resolve for Answering {
        fn resolve<'a>(&'a self, _: &'a str) -> Lookup<'a> {
            let addresses = self.0.iter().map(|address| address.parse().unwrap()).collect();
            Box::pin(std::future::ready(Ok(addresses)))
        }
    }

    async fn check(host: &str, answers: &'static [&'static str]) -> Result<String, String> {
        let guard = Guard::new(Policy::default(), Arc::new(Answering(answers)));
        let vetted = guard.check(host, 443).await.map_err(|error| error.to_string())?;
        Ok(vetted.addresses().iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
    }

    #[tokio::test]
    async fn what_passes_is_what_was_asked_for() {
        assert_eq!(check("8.8.8.8", &[]).await.unwrap(), "8.8.8.8:443");
        assert_eq!(check("[2606:4700::1111]", &[]).await.unwrap(), "[2606:4700::1111]:443");
        let both = check("hooks.example.com", &["8.8.8.8", "2606:4700::1111"]).await.unwrap();
        assert_eq!(both, "8.8.8.8:443 [2606:4700::1111]:443");
    }

    #[tokio::test]
    async fn one_bad_address_refuses_all_and_is_named() {
        let cases: [(&str, &'static [&'static str], &str); 6] = [
            ("127.0.0.1", &[], "127.0.0.1"),
            ("[::ffff:10.0.0.1]", &[], "10.0.0.1"),
            ("localhost", &["8.8.8.8"], "localhost"),
            ("hooks.example.com", &["8.8.8.8", "127.0.0.1"], "127.0.0.1"),
            ("hooks.example.com", &["8.8.8.8", "fe80::1"], "fe80::1"),
            ("hooks.example.com", &["169.254.169.254"], "169.254.169.254"),
        ];
        for (host, answers, named) in cases {
            let error = check(host, answers).await.unwrap_err();
            assert!(error.contains(named), "{host} {answers:?}: {error}");
        }
    }

    #[tokio::test]
    async fn localhost_is_those_of_its_addresses_that_are_open() {
        let cases: [(&str, Result<&str, &str>); 4] = [
            ("127.0.0.0/8", Ok("127.0.0.1:80 [::1]:80")),
            ("127.0.0.1/32", Ok("127.0.0.1:80")),
            ("::1/128", Ok("[::1]:80")),
            ("10.0.0.0/8", Err("this machine")),
        ];
        for (allowed, expected) in cases {
            let policy = Policy { allow_http: true, allowed: vec![allowed.parse().unwrap()] };
            let guard = Guard::new(policy, Arc::new(Answering(&["127.0.0.1", "::1"])));
            let vetted = guard.check("localhost", 80).await;
            let vetted = vetted.map(|vetted| vetted.addresses().iter().map(ToString::to_string).collect::<Vec<_>>());
            match (vetted, expected) {
                (Ok(addresses), Ok(expected)) => assert_eq!(addresses.join(" "), expected, "{allowed}"),
                (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{allowed}: {error}"),
                (vetted, _) => panic!("{allowed}: {vetted:?}"),
            }
        }
    }

    #[tokio::test]
    async fn a_localhost_that_leads_elsewhere_is_refused() {
        let policy = Policy { allowed: vec!["127.0.0.0/8".parse().unwrap()], ..Policy::default() };
        let guard = Guard::new(policy, Arc::new(Answering(&["127.0.0.1", "10.0.0.1"])));
        assert!(matches!(guard.check("localhost", 80).await, Err(Error::ResolvesToRefused { .. })));
    }

    #[tokio::test]
    async fn a_name_without_addresses_says_so() {
        let error = check("hooks.example.com", &[]).await.unwrap_err();
        assert_eq!(error, "the name hooks.example.com exists but has no address");
    }
}
