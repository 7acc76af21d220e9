//! The resolver that asks as the operating system is configured to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use hickory_resolver::proto::rr::{Name, RecordType};
use model::env::Env;
use model::local_fault::LocalFault;
use tokio::sync::Mutex;

use super::sources::Sources;
use super::system::{Stamp, System};
use super::{Error, Lookup, Resolve, Trouble, families};

/// Asks as the operating system is configured to: `/etc/hosts`, then the name servers in `/etc/resolv.conf`; what is
/// changed there holds from the next second on. Answers are kept for as long as their TTL says.
///
/// Every name is a whole one: search domains are for what people type at a prompt, and would lead a receiver's webhook
/// to the owner of a wildcard in one of them.
pub struct SystemResolver {
    env: Arc<dyn Env>,
    sources: Arc<Sources>,
    current: Mutex<Option<Current>>,
}

/// The configuration that was read last.
struct Current {
    system: Arc<System>,
    stamp: Stamp,
    checked_at: Duration,
}

/// Minimum time between two checks for a changed configuration.
const CHECK_EVERY: Duration = Duration::from_secs(1);

impl SystemResolver {
    pub fn new(env: Arc<dyn Env>) -> Self {
        Self::reading(Sources::default(), env)
    }

    pub fn reading(sources: Sources, env: Arc<dyn Env>) -> Self {
        Self { env, sources: Arc::new(sources), current: Mutex::new(None) }
    }

    /// The configuration as it is now, or was less than a second ago. Files are read on a thread beside the runtime's.
    async fn system(&self) -> Result<Arc<System>, Error> {
        let mut current = self.current.lock().await;
        let now = self.env.elapsed();
        let known = match current.as_mut() {
            Some(known) if now.saturating_sub(known.checked_at) < CHECK_EVERY => return Ok(known.system.clone()),
            Some(known) => {
                known.checked_at = now;
                Some(known.stamp)
            }
            None => None,
        };
        let sources = self.sources.clone();
        let read = tokio::task::spawn_blocking(move || {
            // Taken before the files are read: a change meanwhile is noticed the next time.
            let stamp = Stamp::of(&sources);
            (known != Some(stamp)).then(|| System::read(&sources).map(|system| (Arc::new(system), stamp)))
        });
        let read = read.await.map_err(|_| Error::Failed(Trouble::Broken))?;
        if let Some(read) = read {
            let (system, stamp) = read.map_err(Error::Local)?;
            *current = Some(Current { system, stamp, checked_at: now });
        }
        let known = current.as_ref().map(|known| known.system.clone());
        known.ok_or(Error::Local(LocalFault::NoNameServer))
    }

    async fn look_up(&self, typed: &str) -> Result<Vec<IpAddr>, Error> {
        let mut name = Name::from_ascii(typed).map_err(|_| Error::Failed(Trouble::NotAName))?;
        name.set_fqdn(true);
        let system = self.system().await?;
        if let Some(addresses) = system.hosts(&name) {
            return Ok(addresses);
        }
        if name.is_localhost() || typed.ends_with(".localhost") {
            return Ok(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]); // RFC 6761, section 6.3
        }
        let servers = system.servers()?;
        let (v4, v6) =
            (servers.ask(&*self.env, &name, RecordType::A), servers.ask(&*self.env, &name, RecordType::AAAA));
        families::either(&*self.env, v4, v6).await
    }
}

impl Resolve for SystemResolver {
    fn resolve<'a>(&'a self, name: &'a str) -> Lookup<'a> {
        Box::pin(self.look_up(name))
    }
}
