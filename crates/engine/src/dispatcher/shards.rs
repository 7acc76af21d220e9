//! Shards that come and go: lanes of another node's shards are closed, and a shard that is wanted elsewhere is given
//! back as soon as nothing of it is under way. All other lanes go on meanwhile.

use model::id::EndpointId;
use store::shard::Shards;

use super::Dispatcher;
use crate::lane::Lane;

impl Dispatcher {
    /// True if this node may begin work for the endpoint.
    pub(super) fn is_ours(&self, endpoint: EndpointId) -> bool {
        self.ctx.store.holds(endpoint) && !self.handover.contains(endpoint)
    }

    /// Abandons what is under way for `shards`: other nodes do it.
    pub(super) fn lose(&mut self, shards: Shards) {
        self.handover.wanted = self.handover.wanted.without(&shards);
        self.close_what_is_not_ours();
    }

    /// Begins nothing new for `shards`. Shards that were to be let go before, and are not among them, are kept.
    pub(super) fn let_go(&mut self, shards: Shards) {
        let kept = self.handover.wanted.without(&shards);
        self.handover.wanted = shards;
        self.close_what_is_not_ours();
        self.give_back_what_rests();
        if !kept.is_empty() {
            self.scan_pending();
        }
    }

    /// Also closes lanes of shards that were lost and are held again: their state is from before.
    pub(super) fn close_what_is_not_ours(&mut self) {
        let is_as_it_was = |(id, lane): &(&EndpointId, &Lane)| {
            self.is_ours(**id) && lane.taken_over_at() == self.ctx.store.taken_over_at(**id)
        };
        let others: Vec<EndpointId> = self.lanes.iter().filter(|lane| !is_as_it_was(lane)).map(|(id, _)| *id).collect();
        others.into_iter().for_each(|endpoint| self.close(endpoint));
    }

    pub(super) fn give_back_what_rests(&mut self) {
        let resting = self.handover.take_resting();
        if !resting.is_empty() {
            self.ctx.store.give_back(&resting);
        }
    }
}
