//! The seam for DNS: a host name in, its addresses out.

mod families;
mod servers;
pub mod sources;
mod system;
pub mod system_resolver;

use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;

use model::local_fault::LocalFault;

/// Result of a lookup: at least one address, or the reason why there is none.
pub type Lookup<'a> = Pin<Box<dyn Future<Output = Result<Vec<IpAddr>, Error>> + Send + 'a>>;

pub trait Resolve: Send + Sync + 'static {
    /// `name` is a whole host name in ASCII, never an address. The guard decides which of the answers may be dialled.
    fn resolve<'a>(&'a self, name: &'a str) -> Lookup<'a>;
}

/// Reason why a name has no addresses. The message continues after the name.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("does not exist")]
    NoSuchName,
    #[error("exists but has no address")]
    NoAddress,
    #[error("could not be looked up: {0}")]
    Failed(Trouble),
    /// A fault of this machine; it says nothing about the name.
    #[error("could not be looked up: {0}")]
    Local(LocalFault),
}

/// Reason why name servers gave no answer that can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    #[error("no name server answered in time")]
    Silence,
    #[error("the name server failed (SERVFAIL)")]
    ServerFailure,
    #[error("the name server refused to look it up (REFUSED)")]
    Refused,
    #[error("the name server's answer is too large for UDP, and it gives none over TCP")]
    Truncated,
    #[error("the connection to the name server broke")]
    Broken,
    #[error("it cannot be asked for: a part of it is too long or empty")]
    NotAName,
    #[error("the name server's answer cannot be understood")]
    Nonsense,
}
