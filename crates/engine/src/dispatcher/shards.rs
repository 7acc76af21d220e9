//! Shards that come and go: lanes of those that are another node's close, and what is wanted elsewhere is given back as
//! soon as nothing of it is under way. All other lanes go on meanwhile.

use model::id::EndpointId;
use store::shard::{self, Shards};

use super::Dispatcher;
use crate::lane::Lane;

/// The shards that are wanted elsewhere, and how many lanes each shard has.
pub(super) struct LettingGo {
    wanted: Shards,
    lanes: Box<[u32; shard::COUNT]>,
}

impl Default for LettingGo {
    fn default() -> Self {
        Self { wanted: Shards::default(), lanes: Box::new([0; shard::COUNT]) }
    }
}

impl LettingGo {
    pub(super) fn lane_made(&mut self, endpoint: EndpointId) {
        self.lanes[usize::from(shard::of(endpoint))] += 1;
    }

    pub(super) fn lane_dropped(&mut self, endpoint: EndpointId) {
        self.lanes[usize::from(shard::of(endpoint))] -= 1;
    }

    fn contains(&self, endpoint: EndpointId) -> bool {
        self.wanted.contains(shard::of(endpoint))
    }

    /// Takes out those of which no lane is left.
    fn take_resting(&mut self) -> Shards {
        let resting: Shards = self.wanted.iter().filter(|shard| self.lanes[usize::from(*shard)] == 0).collect();
        self.wanted = self.wanted.without(&resting);
        resting
    }
}

impl Dispatcher {
    /// Whether this node begins something for the endpoint.
    pub(super) fn is_ours(&self, endpoint: EndpointId) -> bool {
        self.ctx.store.holds(endpoint) && !self.letting_go.contains(endpoint)
    }

    /// What is under way for these is abandoned: other nodes do it.
    pub(super) fn lose(&mut self, shards: Shards) {
        self.letting_go.wanted = self.letting_go.wanted.without(&shards);
        self.close_what_is_not_ours();
    }

    /// Begins nothing new for `shards`. Those that it was to let go before, and need not any more, it keeps.
    pub(super) fn let_go(&mut self, shards: Shards) {
        let kept = self.letting_go.wanted.without(&shards);
        self.letting_go.wanted = shards;
        self.close_what_is_not_ours();
        self.give_back_what_rests();
        if !kept.is_empty() {
            self.survey();
        }
    }

    /// Also closes lanes of what was lost and is ours again by now: what they know and have in hand is of before.
    pub(super) fn close_what_is_not_ours(&mut self) {
        let is_as_it_was = |(id, lane): &(&EndpointId, &Lane)| {
            self.is_ours(**id) && lane.taken_over_at() == self.ctx.store.taken_over_at(**id)
        };
        let others: Vec<EndpointId> = self.lanes.iter().filter(|lane| !is_as_it_was(lane)).map(|(id, _)| *id).collect();
        others.into_iter().for_each(|endpoint| self.close(endpoint));
    }

    pub(super) fn give_back_what_rests(&mut self) {
        let resting = self.letting_go.take_resting();
        if !resting.is_empty() {
            self.ctx.store.give_back(&resting);
        }
    }
}
