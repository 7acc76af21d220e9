//! A lane: the due deliveries of one endpoint, in order, and whether the next of them may go now.
//!
//! A lane holds the head of what is in the database, never all of it. When it cannot take more it has a *backlog*, and
//! fetches again once it has sent what it has.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use model::delivery::Due;
use model::id::DeliveryId;
use model::map::Set;
use model::rate::{Bucket, RateLimit};
use model::time::Timestamp;
use store::due::Pending;

use crate::concurrency::{ConcurrencyLimit, Signal};
use crate::prepared_endpoint::PreparedEndpoint;
use crate::shares::{Destination, Standing};

/// Maximum deliveries queued in a lane.
pub(crate) const MAX_QUEUED: usize = 128;

/// Maximum attempts asked for by hand that wait beside the queue. Later ones go into the queue.
const MAX_MANUAL: usize = 32;

/// Time for which an endpoint counts as proven after a success.
const PROVEN_FOR: Duration = Duration::from_secs(60);

pub(crate) struct Lane {
    prepared: Arc<PreparedEndpoint>,
    queue: VecDeque<Due>,
    /// Attempts asked for by hand: not held back by order, a pause or a failing head.
    manual_queue: VecDeque<Due>,
    /// Deliveries queued, in flight or not yet recorded, so that a fetch does not bring them a second time.
    tracked: Set<DeliveryId>,
    /// Deliveries recorded during a fetch, which may still have seen them as pending.
    settled_during_fetch: Set<DeliveryId>,
    in_flight: usize,
    /// Sent and not yet recorded.
    unrecorded: usize,
    limit: ConcurrencyLimit,
    last_success: Option<Timestamp>,
    bucket: Option<Bucket>,
    /// Time at which this node took over, if the shard was delivered for before.
    taken_over_at: Option<Timestamp>,
    /// No attempt before this time: the endpoint asked for a pause, or this machine had a fault.
    backoff_until: Option<Timestamp>,
    /// There is, or may be, more in the database.
    has_backlog: bool,
    fetching: bool,
    /// With strict order: the time at which the failing head may be tried again.
    blocked_until: Option<Timestamp>,
    /// Its endpoint is deleted: what is in flight ends, nothing follows.
    closed: bool,
    destination: Destination,
    /// The standing under which it is in line for its turn, if it is.
    stands: Option<Standing>,
}

/// The action of a lane whose turn it is.
pub(crate) enum Turn {
    Send(Due),
    /// There is something to send, and the rate limit or the back-off allows it at that time.
    Wait(Timestamp),
    Nothing,
}

impl Lane {
    pub(crate) fn new(
        prepared: Arc<PreparedEndpoint>,
        destination: Destination,
        ceiling: usize,
        now: Timestamp,
    ) -> Self {
        let bucket = prepared.rate_limit.map(|limit| Bucket::full(limit, now));
        Self {
            prepared,
            queue: VecDeque::new(),
            manual_queue: VecDeque::new(),
            tracked: Set::default(),
            settled_during_fetch: Set::default(),
            in_flight: 0,
            unrecorded: 0,
            limit: ConcurrencyLimit::new(ceiling),
            last_success: None,
            bucket,
            taken_over_at: None,
            backoff_until: None,
            has_backlog: false,
            fetching: false,
            blocked_until: None,
            closed: false,
            destination,
            stands: None,
        }
    }

    /// Starts with an empty bucket: another node delivered until `at`, or this one before it lost the shard, and may
    /// have used up what the rate limit allowed.
    #[must_use]
    pub(crate) fn taken_over(mut self, at: Timestamp) -> Self {
        self.bucket = self.rate_limit().map(|limit| Bucket::empty(limit, at));
        self.taken_over_at = Some(at);
        self
    }

    pub(crate) fn taken_over_at(&self) -> Option<Timestamp> {
        self.taken_over_at
    }

    pub(crate) fn prepared(&self) -> &Arc<PreparedEndpoint> {
        &self.prepared
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// True if what is in flight holds up more, or soon may.
    pub(crate) fn is_crowded(&self) -> bool {
        let waits = self.has_backlog || !self.queue.is_empty() || !self.manual_queue.is_empty();
        waits || self.in_flight > self.limit.limit() / 2
    }

    pub(crate) fn destination(&self) -> Destination {
        self.destination
    }

    /// Proven if the endpoint took something within [`PROVEN_FOR`] and its last attempt did not time out.
    pub(crate) fn standing(&self, now: Timestamp) -> Standing {
        let lately = self.last_success.is_some_and(|at| now.since(at) < PROVEN_FOR);
        if lately && !self.limit.is_unresponsive() { Standing::Proven } else { Standing::Unproven }
    }

    /// The standing under which to put it in line now; `None` if it is there already. A lane that has become proven is
    /// put in line again, at a better place, and its old one is passed over.
    pub(crate) fn stand(&mut self, now: Timestamp) -> Option<Standing> {
        let standing = self.standing(now);
        if self.stands == Some(Standing::Proven) || self.stands == Some(standing) {
            return None;
        }
        self.stands = Some(standing);
        self.stands
    }

    /// Takes the lane out of line for its turn. False if it no longer stands there with this destination and standing.
    pub(crate) fn step_out(&mut self, destination: Destination, standing: Standing) -> bool {
        let stood = self.destination == destination && self.stands == Some(standing);
        if stood {
            self.stands = None;
        }
        stood
    }

    /// True if nothing of it is under way.
    pub(crate) fn is_at_rest(&self) -> bool {
        self.unrecorded == 0 && !self.fetching
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed
    }

    fn is_strict(&self) -> bool {
        self.prepared.endpoint.is_strict()
    }

    /// Takes over a changed endpoint. Its queued deliveries stay in the database and are fetched again.
    pub(crate) fn change(&mut self, prepared: Arc<PreparedEndpoint>, destination: Destination, now: Timestamp) {
        let limit = prepared.rate_limit;
        if self.rate_limit() != limit {
            self.bucket = limit.map(|limit| Bucket::full(limit, now));
        }
        if self.prepared.endpoint.settings.url.as_str() != prepared.endpoint.settings.url.as_str() {
            // The history is another receiver's.
            self.backoff_until = None;
            self.last_success = None;
            self.limit = self.limit.anew();
        }
        if self.destination != destination {
            self.destination = destination;
            self.stands = None;
        }
        self.prepared = prepared;
        self.blocked_until = None;
        self.let_go();
    }

    /// Drops what is queued and sends nothing any more.
    pub(crate) fn close(&mut self) {
        self.closed = true;
        self.queue.clear();
        self.manual_queue.clear();
    }

    fn rate_limit(&self) -> Option<RateLimit> {
        self.bucket.as_ref().map(Bucket::limit)
    }

    /// Drops what is queued: the database has it.
    fn let_go(&mut self) {
        for due in self.queue.drain(..) {
            self.tracked.remove(&due.id);
        }
        self.has_backlog = true;
    }

    /// Queues a delivery that is due now, unless it is tracked or has to stay in the database.
    pub(crate) fn enqueue(&mut self, due: Due) {
        if self.tracked.contains(&due.id) {
            return;
        }
        if due.is_by_hand() && self.manual_queue.len() < MAX_MANUAL {
            self.tracked.insert(due.id);
            self.manual_queue.push_back(due);
        } else if !self.is_open() || self.has_backlog || self.queue.len() >= MAX_QUEUED || self.must_fetch_first() {
            self.has_backlog = true;
        } else {
            self.tracked.insert(due.id);
            self.queue.push_back(due);
        }
    }

    /// True if a delivery that comes during a fetch must wait for the next one, because the fetch brings older ones.
    /// Only strict order asks for that: under load a lane that always waited would fetch again and again.
    fn must_fetch_first(&self) -> bool {
        self.fetching && self.is_strict()
    }

    /// Wakes the lane: its timer fired, or there is something new. Returns when to wake it again, if with strict order
    /// the head waits for longer.
    pub(crate) fn wake(&mut self, now: Timestamp) -> Option<Timestamp> {
        if self.blocked_until.is_some_and(|until| until <= now) {
            self.blocked_until = None;
        }
        self.has_backlog = true;
        self.blocked_until
    }

    /// True if the lane needs a fetch from the database now. If so, the fetch counts as begun.
    pub(crate) fn begin_fetch(&mut self) -> bool {
        let wanted = self.has_backlog
            && !self.fetching
            && self.queue.is_empty()
            && self.blocked_until.is_none()
            && self.is_open();
        if wanted {
            self.fetching = true;
            self.has_backlog = false;
        }
        wanted
    }

    /// Number of deliveries to fetch, so that some are left after those that it tracks.
    pub(crate) fn fetch_size(&self) -> usize {
        MAX_QUEUED + self.tracked.len()
    }

    /// Takes the result of a fetch. Returns when to fetch next, if that is known.
    pub(crate) fn end_fetch(&mut self, pending: Result<Pending, store::Error>, now: Timestamp) -> Option<Timestamp> {
        self.fetching = false;
        let settled = std::mem::take(&mut self.settled_during_fetch);
        let Ok(pending) = pending else {
            self.has_backlog = true;
            return None;
        };
        // The head may have failed during the fetch: deliveries behind it must not overtake it.
        if self.is_strict() && (self.blocked_until.is_some() || !settled.is_empty()) {
            self.has_backlog = true;
            return None;
        }
        let mut next_at = pending.next_at;
        for due in pending.due {
            if self.tracked.contains(&due.id) || settled.contains(&due.id) {
                continue;
            }
            if due.next_attempt_at > now {
                // With strict order it holds back what stands behind it; otherwise it has a later turn.
                next_at = next_at.map_or(Some(due.next_attempt_at), |at| Some(at.min(due.next_attempt_at)));
                if self.is_strict() {
                    return self.block(due.next_attempt_at);
                }
                continue;
            }
            self.tracked.insert(due.id);
            self.queue.push_back(due);
        }
        if next_at.is_some_and(|at| at <= now) {
            self.has_backlog = true;
        }
        next_at.filter(|at| *at > now)
    }

    fn block(&mut self, until: Timestamp) -> Option<Timestamp> {
        if self.queue.is_empty() {
            self.blocked_until = Some(until);
        }
        self.has_backlog = true;
        Some(until)
    }

    /// The next delivery to send, which from here on counts as in flight: the caller sends it.
    pub(crate) fn turn(&mut self, now: Timestamp) -> Turn {
        if !self.has_next(now) {
            return Turn::Nothing;
        }
        if let Some(until) = self.backoff_until.filter(|until| *until > now) {
            return Turn::Wait(until);
        }
        if let Some(Err(at)) = self.bucket.as_mut().map(|bucket| bucket.take(now)) {
            return Turn::Wait(at);
        }
        let due = match self.manual_queue.pop_front() {
            Some(due) => Some(due),
            None => self.queue.pop_front(),
        };
        match due {
            Some(due) => {
                self.in_flight += 1;
                self.unrecorded += 1;
                Turn::Send(due)
            }
            None => Turn::Nothing,
        }
    }

    /// True if there is a delivery that order and the concurrency limit allow now.
    pub(crate) fn has_next(&self, now: Timestamp) -> bool {
        let limit = match self.standing(now) {
            Standing::Proven => self.limit.limit(),
            Standing::Unproven => 1,
        };
        if self.in_flight >= limit {
            return false;
        }
        if !self.manual_queue.is_empty() {
            return true;
        }
        let in_order = !self.is_strict() || (self.unrecorded == 0 && self.blocked_until.is_none());
        !self.queue.is_empty() && in_order && self.is_open()
    }

    fn is_open(&self) -> bool {
        !self.closed && self.prepared.endpoint.is_active()
    }

    pub(crate) fn answered(&mut self, signal: Option<Signal>, now: Timestamp) {
        self.in_flight -= 1;
        if let Some(signal) = signal {
            if signal == Signal::Success {
                self.last_success = Some(now);
            }
            self.limit.note(signal);
        }
    }

    /// Sends nothing before `until`, not even attempts asked for by hand.
    pub(crate) fn back_off_until(&mut self, until: Timestamp) {
        self.backoff_until = self.backoff_until.max(Some(until));
    }

    /// Shifts its times after the clock was set ahead by `by` milliseconds, or back if that is negative: what it waits
    /// for in memory is as far away as before.
    pub(crate) fn clock_was_set(&mut self, by: i64) {
        self.backoff_until = self.backoff_until.map(|until| until.shifted(by));
        self.last_success = self.last_success.map(|at| at.shifted(by));
        if let Some(bucket) = &mut self.bucket {
            bucket.clock_was_set(by);
        }
        if by < 0 {
            // The database has it shifted from now on.
            self.blocked_until = self.blocked_until.map(|until| until.shifted(by));
        }
    }

    /// Forgets a delivery whose task has ended.
    pub(crate) fn ended(&mut self, delivery: DeliveryId) {
        self.unrecorded -= 1;
        self.tracked.remove(&delivery);
        if self.blocked_until.take().is_some() {
            // It was asked for by hand, and may have been the one that holds back the rest.
            self.has_backlog = true;
        }
        if self.fetching {
            self.settled_during_fetch.insert(delivery);
        }
    }

    /// Notes that one of its deliveries comes again at `at`. With strict order, nothing goes before.
    pub(crate) fn comes_again(&mut self, at: Timestamp) {
        if self.is_strict() {
            self.let_go();
            self.blocked_until = Some(at);
        }
    }
}

#[cfg(test)]
mod tests;
