//! The seam for DNS: a host name in, all its addresses out.

use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::OnceLock;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::LookupIpStrategy;
use hickory_resolver::net::NetError;
use hickory_resolver::proto::rr::Name;

/// What a lookup resolves to: at least one address, or why there is none.
pub type Lookup<'a> = Pin<Box<dyn Future<Output = Result<Vec<IpAddr>, Error>> + Send + 'a>>;

pub trait Resolve: Send + Sync + 'static {
    /// `name` is a host name in ASCII, never an address. Which of the answers may be dialled is not decided here.
    fn resolve<'a>(&'a self, name: &'a str) -> Lookup<'a>;
}

/// Why a name has no addresses. Reads on after the name.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("does not exist")]
    NoSuchName,
    #[error("exists but has no address")]
    NoAddress,
    #[error("could not be looked up: {0}")]
    Failed(Box<dyn std::error::Error + Send + Sync>),
    #[error("could not be looked up, because this machine has no name servers configured in /etc/resolv.conf: {0}")]
    Unconfigured(Box<dyn std::error::Error + Send + Sync>),
}

/// Asks as the operating system is configured to: `/etc/hosts`, then the name servers in `/etc/resolv.conf`. Answers
/// are kept for as long as their TTL says.
#[derive(Default)]
pub struct SystemResolver {
    resolver: OnceLock<TokioResolver>,
}

/// Name servers' answers kept at a time.
const CACHED: u64 = 10_000;

impl SystemResolver {
    pub fn new() -> Self {
        Self::default()
    }

    /// The configuration is read at the first lookup, and again at the next while it cannot be read: a machine without
    /// one starts, and says what is wrong when a name is needed.
    fn resolver(&self) -> Result<&TokioResolver, Error> {
        match self.resolver.get() {
            Some(resolver) => Ok(resolver),
            None => {
                let resolver = configured().map_err(|error| Error::Unconfigured(Box::new(error)))?;
                Ok(self.resolver.get_or_init(|| resolver))
            }
        }
    }

    async fn look_up(&self, name: &str) -> Result<Vec<IpAddr>, Error> {
        let name = Name::from_ascii(name).map_err(|error| Error::Failed(Box::new(error)))?;
        let answers = self.resolver()?.lookup_ip(name).await.map_err(explain)?;
        let addresses: Vec<IpAddr> = answers.iter().collect();
        if addresses.is_empty() { Err(Error::NoAddress) } else { Ok(addresses) }
    }
}

impl Resolve for SystemResolver {
    fn resolve<'a>(&'a self, name: &'a str) -> Lookup<'a> {
        Box::pin(self.look_up(name))
    }
}

fn configured() -> Result<TokioResolver, NetError> {
    let mut builder = TokioResolver::builder_tokio()?;
    let options = builder.options_mut();
    options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
    options.cache_size = CACHED;
    builder.build()
}

fn explain(error: NetError) -> Error {
    if error.is_nx_domain() {
        Error::NoSuchName
    } else if error.is_no_records_found() {
        Error::NoAddress
    } else {
        Error::Failed(Box::new(error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_systems_resolver_knows_this_machine() {
        let addresses = SystemResolver::new().resolve("localhost").await.unwrap();
        assert!(addresses.iter().all(IpAddr::is_loopback), "{addresses:?}");
    }
}
