//! This node's lease: the shards it holds, and until when. In memory, because it is checked before every attempt.

mod state;

use std::sync::{Mutex, MutexGuard, PoisonError};

use model::time::Timestamp;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::shard::{Shard, Shards};
use state::State;

pub(super) use state::{Moved, Renewal};

/// The shards held, as far as this node knows, by a clock that goes on while the process is stopped.
pub(super) struct Lease {
    state: Mutex<State>,
}

impl Lease {
    pub(super) fn none() -> Self {
        Self { state: Mutex::new(State::none(Instant::now())) }
    }

    pub(super) fn holds(&self, shard: Shard) -> bool {
        self.state().holds(shard, Instant::now())
    }

    pub(super) fn held(&self) -> Shards {
        self.state().held(Instant::now())
    }

    /// True if the lease has not expired, even if it holds no shard.
    pub(super) fn is_current(&self) -> bool {
        self.state().is_current(Instant::now())
    }

    /// True if any shard is held, even if the lease has expired.
    pub(super) fn is_holding(&self) -> bool {
        self.state().is_holding()
    }

    pub(super) fn until(&self) -> Instant {
        self.state().until()
    }

    /// Cancelled when the whole lease is lost: attempts in flight then are another node's.
    pub(super) fn lost(&self) -> CancellationToken {
        self.state().lost()
    }

    /// The time since which a shard is held that was held before, by another node or by this one.
    pub(super) fn taken_at(&self, shard: Shard) -> Option<Timestamp> {
        self.state().taken_at(shard)
    }

    /// Counts the changes of the shards held. While it stays the same, no other node has held any of them.
    pub(super) fn changes(&self) -> u64 {
        self.state().changes()
    }

    pub(super) fn renew(&self, renewal: Renewal) -> Moved {
        self.state().renew(renewal)
    }

    pub(super) fn give(&self, shards: &Shards) {
        self.state().give(shards);
    }

    pub(super) fn giving(&self) -> Shards {
        self.state().giving()
    }

    pub(super) fn gave(&self, shards: &Shards) {
        self.state().gave(shards);
    }

    pub(super) fn lose(&self) -> Shards {
        self.state().lose()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
