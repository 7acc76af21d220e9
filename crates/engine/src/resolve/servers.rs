//! The name servers, asked one after the other until one gives a conclusive answer.

use std::io;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{Name, RecordType};
use model::env::Env;
use model::local_fault::LocalFault;

use super::{Error, Trouble};
use crate::local;
use crate::race;

/// Maximum name servers asked for one name, as in the C library.
const MOST_SERVERS: usize = 3;

/// Silence of a name server after which the next is asked as well.
const ASK_NEXT_AFTER: Duration = Duration::from_millis(500);

/// Maximum answers cached per name server.
const CACHED: u64 = 10_000;

/// Each has a resolver of its own, which asks it over UDP and, where the answer does not fit, over TCP. One resolver
/// for all of them would wait for those that are dead before it turned to TCP.
pub(super) struct Servers {
    resolvers: Vec<TokioResolver>,
    /// Index of the one that is asked first: the one that answered last.
    first: AtomicUsize,
}

impl Servers {
    pub(super) fn new(servers: &[NameServerConfig], options: &ResolverOpts, port: u16) -> Result<Self, LocalFault> {
        let resolvers: Vec<_> = servers
            .iter()
            .take(MOST_SERVERS)
            .filter_map(|server| resolver(server.clone(), options.clone(), port))
            .collect();
        if resolvers.is_empty() {
            return Err(LocalFault::NoNameServer);
        }
        Ok(Self { resolvers, first: AtomicUsize::new(0) })
    }

    /// The addresses of one family that `name` has, at least one.
    pub(super) async fn ask(&self, env: &dyn Env, name: &Name, family: RecordType) -> Result<Vec<IpAddr>, Error> {
        let (count, first) = (self.resolvers.len(), self.first.load(Ordering::Relaxed));
        let order = (0..count).map(|turn| (first + turn) % count);
        let answered =
            race::staggered(env, ASK_NEXT_AFTER, order.map(|server| self.ask_one(server, name, family))).await;
        match answered {
            Ok((server, answer)) => {
                self.first.store(server, Ordering::Relaxed);
                answer
            }
            Err(errors) => Err(most_telling(&errors)),
        }
    }

    /// A conclusive answer, be it negative, or the error in its place.
    async fn ask_one(
        &self,
        server: usize,
        name: &Name,
        family: RecordType,
    ) -> Result<(usize, Result<Vec<IpAddr>, Error>), NetError> {
        match self.resolvers[server].lookup(name.clone(), family).await {
            Ok(lookup) => {
                let addresses: Vec<IpAddr> =
                    lookup.answers().iter().filter_map(|record| record.data.ip_addr()).collect();
                Ok((server, if addresses.is_empty() { Err(Error::NoAddress) } else { Ok(addresses) }))
            }
            Err(error) if error.is_nx_domain() => Ok((server, Err(Error::NoSuchName))),
            Err(error) if error.is_no_records_found() => Ok((server, Err(Error::NoAddress))),
            Err(error) => Err(error),
        }
    }
}

fn resolver(mut server: NameServerConfig, mut options: ResolverOpts, port: u16) -> Option<TokioResolver> {
    for connection in &mut server.connections {
        connection.port = port;
    }
    options.cache_size = CACHED;
    options.use_hosts_file = ResolveHosts::Never;
    let config = ResolverConfig::from_parts(None, Vec::new(), vec![server]);
    let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
    *builder.options_mut() = options;
    builder.build().ok()
}

/// Selects the error to report. A fault of this machine explains the others. That no server could be reached is one;
/// that none answered is not: a name server that waits for another one is silent as well.
fn most_telling(errors: &[NetError]) -> Error {
    if let Some(fault) = errors.iter().filter_map(io_error).find_map(local::fault) {
        return Error::Local(fault);
    }
    if errors.iter().all(|error| io_error(error).is_some_and(is_out_of_reach)) {
        return Error::Local(LocalFault::NameServersUnreachable);
    }
    let troubles = || errors.iter().map(trouble);
    let telling = troubles().find(|trouble| *trouble != Trouble::Silence);
    Error::Failed(telling.or_else(|| troubles().next()).unwrap_or(Trouble::Silence))
}

fn io_error(error: &NetError) -> Option<&io::Error> {
    match error {
        NetError::Io(error) => Some(error),
        _ => None,
    }
}

fn is_out_of_reach(error: &io::Error) -> bool {
    use io::ErrorKind::{AddrNotAvailable, ConnectionRefused, HostUnreachable, NetworkUnreachable, PermissionDenied};
    matches!(
        error.kind(),
        AddrNotAvailable | ConnectionRefused | HostUnreachable | NetworkUnreachable | PermissionDenied
    )
}

fn trouble(error: &NetError) -> Trouble {
    match error {
        NetError::Timeout => Trouble::Silence,
        NetError::Io(error) if error.kind() == io::ErrorKind::TimedOut => Trouble::Silence,
        NetError::Io(_) | NetError::NoConnections | NetError::Busy => Trouble::Broken,
        NetError::Truncated => Trouble::Truncated,
        NetError::Dns(DnsError::ResponseCode(ResponseCode::Refused)) => Trouble::Refused,
        NetError::Dns(DnsError::ResponseCode(_)) => Trouble::ServerFailure,
        _ => Trouble::Nonsense,
    }
}
