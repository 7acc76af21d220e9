//! Feed items, which announce commits: work that is due, endpoints that changed, shards that come and go.

use model::delivery::Due;
use model::id::EndpointId;
use store::feed::{CommitNotice, FeedItem};

use super::Dispatcher;

impl Dispatcher {
    pub(super) fn take_feed_item(&mut self, item: FeedItem) {
        self.look_at_the_clock();
        match item {
            FeedItem::Notices(notices) => notices.into_iter().for_each(|notice| self.take_notice(notice)),
            FeedItem::Lagged => self.catch_up(),
        }
    }

    pub(super) fn take_notice(&mut self, notice: CommitNotice) {
        match notice {
            CommitNotice::Due(due) => self.take_due(due),
            CommitNotice::Check { endpoint, at } => self.timers.set(endpoint, at),
            CommitNotice::Changed(endpoint) => self.take_change(endpoint),
            CommitNotice::Gained(_) => self.scan_pending(),
            CommitNotice::Lost(shards) => self.lose(shards),
            CommitNotice::LetGo(shards) => self.let_go(shards),
        }
    }

    pub(super) fn take_due(&mut self, due: Due) {
        let endpoint = due.endpoint;
        if due.next_attempt_at > self.now {
            self.timers.set(endpoint, due.next_attempt_at);
        } else if let Some(lane) = self.lane(endpoint) {
            lane.enqueue(due);
            self.enqueue_lane(endpoint);
        }
    }

    pub(super) fn take_change(&mut self, id: EndpointId) {
        let now = self.now;
        if !self.lanes.contains_key(&id) && self.ctx.store.directory().endpoint(id).is_some() {
            // Its lane is made from its settings at the time, when there is something to send.
            return self.timers.set(id, now);
        }
        match self.prepared(id) {
            Some(prepared) => {
                let destination = self.destination(&prepared);
                if let Some(lane) = self.lanes.get_mut(&id) {
                    let before = lane.destination();
                    lane.change(prepared, destination, now);
                    self.shares.leave(before);
                } else {
                    self.shares.leave(destination);
                }
                self.timers.set(id, now);
            }
            None => self.close(id),
        }
    }

    pub(super) fn close(&mut self, id: EndpointId) {
        self.timers.clear(id);
        if let Some(lane) = self.lanes.get_mut(&id) {
            lane.close();
        }
        self.drop_closed(id);
    }

    /// Forgets a closed lane once nothing of it is under way.
    pub(super) fn drop_closed(&mut self, id: EndpointId) {
        if self.lanes.get(&id).is_some_and(|lane| lane.is_closed() && lane.is_at_rest()) {
            if let Some(lane) = self.lanes.remove(&id) {
                self.shares.leave(lane.destination());
            }
            self.handover.lane_dropped(id);
            self.give_back_what_rests();
            if self.is_ours(id) {
                // It was another node's for a while, and is ours again.
                self.timers.set(id, self.now);
            }
        }
    }

    /// Recovers after the feed dropped notices: every endpoint may have changed and have work. Older notices may still
    /// come after this; lanes know the deliveries that they track.
    pub(super) fn catch_up(&mut self) {
        self.close_what_is_not_ours();
        let lanes: Vec<EndpointId> = self.lanes.keys().copied().collect();
        lanes.into_iter().for_each(|endpoint| self.take_change(endpoint));
        self.scan_pending();
    }
}
