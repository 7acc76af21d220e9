//! Shards that are wanted elsewhere, and the lanes that still hold them here.

use model::id::EndpointId;
use store::shard::{self, Shards};

/// The shards that are wanted elsewhere, and the number of lanes in each shard.
pub(super) struct ShardHandover {
    pub(super) wanted: Shards,
    lanes: Box<[u32; shard::COUNT]>,
}

impl Default for ShardHandover {
    fn default() -> Self {
        Self { wanted: Shards::default(), lanes: Box::new([0; shard::COUNT]) }
    }
}

impl ShardHandover {
    pub(super) fn lane_made(&mut self, endpoint: EndpointId) {
        self.lanes[usize::from(shard::of(endpoint))] += 1;
    }

    pub(super) fn lane_dropped(&mut self, endpoint: EndpointId) {
        self.lanes[usize::from(shard::of(endpoint))] -= 1;
    }

    pub(super) fn contains(&self, endpoint: EndpointId) -> bool {
        self.wanted.contains(shard::of(endpoint))
    }

    /// Takes out the wanted shards that have no lane left.
    pub(super) fn take_resting(&mut self) -> Shards {
        let resting: Shards = self.wanted.iter().filter(|shard| self.lanes[usize::from(*shard)] == 0).collect();
        self.wanted = self.wanted.without(&resting);
        resting
    }
}
