//! This node's lease: the shards it holds, and until when. Asked before every attempt, so it is asked in memory.

mod state;

use std::sync::{Mutex, MutexGuard, PoisonError};

use model::time::Timestamp;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::shard::{Shard, Shards};
use state::State;

pub(super) use state::{Moved, Renewal};

/// What is held, as far as this node knows, by a clock that goes on while the process is stopped.
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

    /// Whether what is held, be it nothing, is known to be so.
    pub(super) fn is_current(&self) -> bool {
        self.state().is_current(Instant::now())
    }

    /// Whether anything is held that can be lost, also when its time is over.
    pub(super) fn is_holding(&self) -> bool {
        self.state().is_holding()
    }

    pub(super) fn until(&self) -> Instant {
        self.state().until()
    }

    /// Cancelled when the lease is lost at once: what is under way then is another node's.
    pub(super) fn lost(&self) -> CancellationToken {
        self.state().lost()
    }

    /// Since when a shard is held that was held before, by another node or by this one.
    pub(super) fn taken_at(&self, shard: Shard) -> Option<Timestamp> {
        self.state().taken_at(shard)
    }

    /// How often shards have come or gone. Where it is the same as before, nobody else held any of them in between.
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
