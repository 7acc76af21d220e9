//! This node's lease: the shards it holds, and until when. Asked before every attempt, so it is asked in memory.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use model::time::Timestamp;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::shard::{Shard, Shards};

/// What is held, as far as this node knows.
pub(super) struct Lease {
    state: Mutex<State>,
}

struct State {
    held: Shards,
    /// Given away, and the database does not know yet.
    giving: Shards,
    /// After that others may hold them. By a clock that goes on while the process is stopped.
    until: Instant,
    /// Since when shards are held that others held before.
    since: HashMap<Shard, Timestamp>,
    /// Cancelled when what is held is lost at once.
    lost: CancellationToken,
}

/// What a renewal changed.
#[derive(Debug, Default)]
pub(super) struct Moved {
    pub(super) gained: Shards,
    pub(super) lost: Shards,
}

impl Lease {
    pub(super) fn none() -> Self {
        let lost = CancellationToken::new();
        lost.cancel();
        let state = State {
            held: Shards::default(),
            giving: Shards::default(),
            until: Instant::now(),
            since: HashMap::new(),
            lost,
        };
        Self { state: Mutex::new(state) }
    }

    pub(super) fn holds(&self, shard: Shard) -> bool {
        let state = self.state();
        state.held.contains(shard) && Instant::now() < state.until
    }

    pub(super) fn held(&self) -> Shards {
        let state = self.state();
        if Instant::now() < state.until { state.held } else { Shards::default() }
    }

    /// Whether what is held, be it nothing, is known to be so.
    pub(super) fn is_current(&self) -> bool {
        Instant::now() < self.state().until
    }

    /// Whether anything is held that can be lost, also when its time is over.
    pub(super) fn is_holding(&self) -> bool {
        !self.state().held.is_empty()
    }

    /// Cancelled when the lease is lost at once: what is under way then is another node's.
    pub(super) fn lost(&self) -> CancellationToken {
        self.state().lost.clone()
    }

    /// Since when a shard is held that another node held before.
    pub(super) fn taken_at(&self, shard: Shard) -> Option<Timestamp> {
        self.state().since.get(&shard).copied()
    }

    pub(super) fn until(&self) -> Instant {
        self.state().until
    }

    /// The database says that `held` is this node's, and that it will be for `span` from `asked` on.
    pub(super) fn renew(&self, held: Shards, asked: Instant, span: Duration) -> Moved {
        let mut state = self.state();
        let held = held.without(&state.giving);
        let moved = Moved { gained: held.without(&state.held), lost: state.held.without(&held) };
        state.held = held;
        state.until = asked + span;
        moved.lost.iter().for_each(|shard| {
            state.since.remove(&shard);
        });
        if state.lost.is_cancelled() {
            state.lost = CancellationToken::new();
        }
        moved
    }

    /// These are given away: not held any more from here on, whatever the database says until it is told.
    pub(super) fn give(&self, shards: &Shards) {
        let mut state = self.state();
        state.held = state.held.without(shards);
        shards.iter().for_each(|shard| {
            state.giving.insert(shard);
            state.since.remove(&shard);
        });
    }

    pub(super) fn giving(&self) -> Shards {
        self.state().giving
    }

    /// The database knows that these were given away.
    pub(super) fn gave(&self, shards: &Shards) {
        let mut state = self.state();
        state.giving = state.giving.without(shards);
    }

    /// These came from other nodes.
    pub(super) fn came(&self, shards: impl IntoIterator<Item = Shard>, at: Timestamp) {
        let mut state = self.state();
        shards.into_iter().for_each(|shard| {
            state.since.insert(shard, at);
        });
    }

    /// Everything is lost, at once. Answers what was held.
    pub(super) fn lose(&self) -> Shards {
        let mut state = self.state();
        state.lost.cancel();
        state.since.clear();
        std::mem::take(&mut state.held)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
