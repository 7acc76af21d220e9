//! The conditions that all scenarios of a run share.

use std::path::PathBuf;
use std::time::Duration;

use crate::BenchError;
use crate::database::Choice;
use crate::reserved_addresses::ReservedAddresses;
use crate::sink::{Manners, Sink};
use crate::sizes::Sizes;

#[derive(Clone)]
pub(crate) struct Conditions {
    pub(crate) binary: PathBuf,
    pub(crate) work_dir: PathBuf,
    pub(crate) database: Choice,
    pub(crate) sizes: Sizes,
}

impl Conditions {
    pub(crate) fn warm_up(&self) -> Duration {
        Duration::from_secs(self.sizes.warm_up_seconds.into())
    }

    pub(crate) fn duration(&self) -> Duration {
        Duration::from_secs(self.sizes.seconds.into())
    }

    pub(crate) fn pairs(&self) -> usize {
        self.sizes.pairs as usize
    }

    /// A receiver that is up.
    pub(crate) fn sink(&self, hosts: u32, manners: Manners) -> Result<Sink, BenchError> {
        Sink::open(ReservedAddresses::reserve(hosts)?, manners)
    }

    /// A receiver that is up, for others than those that are measured.
    pub(crate) fn sink_beside(&self, hosts: u32, manners: Manners) -> Result<Sink, BenchError> {
        Sink::open_beside(ReservedAddresses::reserve(hosts)?, manners)
    }
}
