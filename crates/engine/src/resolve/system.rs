//! The contents of `/etc/resolv.conf` and `/etc/hosts`, and stamps by which changes are noticed.

use std::fs::{self, File, Metadata};
use std::io;
use std::net::IpAddr;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use hickory_resolver::Hosts;
use hickory_resolver::proto::op::Query;
use hickory_resolver::proto::rr::{Name, RecordType};
use hickory_resolver::system_conf::parse_resolv_conf;
use model::local_fault::LocalFault;

use super::Error;
use super::servers::Servers;
use super::sources::Sources;
use crate::local;

/// The configuration as read once.
pub(super) struct System {
    hosts: Hosts,
    servers: Result<Servers, LocalFault>,
}

impl System {
    /// `Err` when a file could not be read for want of something that may be there the next time.
    pub(super) fn read(sources: &Sources) -> Result<Self, LocalFault> {
        let servers = match read(&sources.resolv_conf, |file| fs::read(file))? {
            Some(text) => match parse_resolv_conf(text) {
                Ok((config, options)) => Servers::new(config.name_servers(), &options, sources.port),
                Err(_) => Err(LocalFault::NoNameServer),
            },
            None => Err(LocalFault::NoNameServer),
        };
        let mut hosts = Hosts::default();
        if let Some(file) = read(&sources.hosts, |file| File::open(file))?
            && let Err(error) = hosts.read_hosts_conf(file)
        {
            tracing::warn!(%error, file = %sources.hosts.display(), "hosts file read only in part");
        }
        Ok(Self { hosts, servers })
    }

    /// The addresses that the hosts file has for a name. If it has any, name servers are not asked.
    pub(super) fn hosts(&self, name: &Name) -> Option<Vec<IpAddr>> {
        let of = |kind| self.hosts.lookup_static_host(&Query::query(name.to_lowercase(), kind));
        let found = [of(RecordType::A), of(RecordType::AAAA)].into_iter().flatten();
        let addresses: Vec<IpAddr> = found
            .flat_map(|lookup| lookup.answers().iter().filter_map(|record| record.data.ip_addr()).collect::<Vec<_>>())
            .collect();
        (!addresses.is_empty()).then_some(addresses)
    }

    pub(super) fn servers(&self) -> Result<&Servers, Error> {
        self.servers.as_ref().map_err(|fault| Error::Local(*fault))
    }
}

/// `None` if the file does not exist or this process may not read it.
fn read<T>(path: &Path, how: impl FnOnce(&Path) -> io::Result<T>) -> Result<Option<T>, LocalFault> {
    match how(path) {
        Ok(read) => Ok(Some(read)),
        Err(error) => match local::fault(&error) {
            Some(fault) => Err(fault),
            None => Ok(None),
        },
    }
}

/// Metadata of both files, by which a change is noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp([Option<FileStamp>; 2]);

/// Device, inode, length, and the times of the last change of content and inode, to the nanosecond.
type FileStamp = (u64, u64, u64, (i64, i64), (i64, i64));

impl Stamp {
    pub(super) fn of(sources: &Sources) -> Self {
        Self([&sources.resolv_conf, &sources.hosts].map(|path| fs::metadata(path).ok().as_ref().map(stamp)))
    }
}

fn stamp(file: &Metadata) -> FileStamp {
    let (modified, changed) = ((file.mtime(), file.mtime_nsec()), (file.ctime(), file.ctime_nsec()));
    (file.dev(), file.ino(), file.len(), modified, changed)
}
