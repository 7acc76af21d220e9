//! Reports of the dispatcher's own tasks: an endpoint answered, an attempt is on disk, a fetch has ended.

use model::id::{DeliveryId, EndpointId};
use model::time::Timestamp;
use store::due::Pending;

use super::{AFTER_FAILURE, Dispatcher};
use crate::in_flight::{Answered, End, TaskReport};
use crate::shares::Permit;

impl Dispatcher {
    pub(super) fn take_reports(&mut self, reports: &mut Vec<TaskReport>) {
        self.look_at_the_clock();
        reports.drain(..).for_each(|report| self.take_report(report));
    }

    fn take_report(&mut self, report: TaskReport) {
        match report {
            TaskReport::Answered { endpoint, permit, answered } => self.take_answer(endpoint, &permit, answered),
            TaskReport::Ended { endpoint, delivery, end, permit, answered } => {
                if let Some(answered) = answered {
                    self.take_answer(endpoint, &permit, answered);
                }
                self.shares.give_back(&permit);
                self.take_end(endpoint, delivery, end);
            }
            TaskReport::Fetched { endpoint, pending } => self.take_fetched(endpoint, pending),
            TaskReport::Scanned(found) => self.take_scan(found),
            TaskReport::BroughtForward(brought_forward) => self.take_brought_forward(brought_forward),
            TaskReport::TellWhenAtRest(reply) => self.waiting_for_rest.push(reply),
        }
    }

    fn take_answer(&mut self, endpoint: EndpointId, permit: &Permit, answered: Answered) {
        let Answered { signal, rest } = answered;
        let Some(lane) = self.lanes.get_mut(&endpoint) else { return };
        if let Some(rest) = rest {
            lane.back_off_until(self.now + rest);
        }
        lane.answered(signal, self.now);
        self.shares.answered(permit, lane.in_flight());
        self.enqueue_lane(endpoint);
    }

    fn take_end(&mut self, endpoint: EndpointId, delivery: DeliveryId, end: End) {
        self.under_way -= 1;
        let Some(lane) = self.lanes.get_mut(&endpoint) else { return };
        lane.ended(delivery);
        let again = match end {
            End::Settled => None,
            End::Again(at) => Some(at),
            End::Unrecorded | End::Unsent => Some(self.now + AFTER_FAILURE),
        };
        if let Some(at) = again {
            lane.comes_again(at);
            self.timers.set(endpoint, at);
        }
        self.drop_closed(endpoint);
        self.enqueue_lane(endpoint);
    }

    fn take_fetched(&mut self, endpoint: EndpointId, pending: Result<Pending, store::Error>) {
        self.under_way -= 1;
        let now = self.now;
        let failed = pending.is_err();
        if let Err(error) = &pending {
            tracing::error!(error = error as &dyn std::error::Error, "an endpoint's work could not be looked up");
        }
        let Some(lane) = self.lanes.get_mut(&endpoint) else { return };
        let next_at = lane.end_fetch(pending, now).or(failed.then_some(now + AFTER_FAILURE));
        if let Some(at) = next_at {
            self.timers.set(endpoint, at);
        }
        if !failed {
            self.enqueue_lane(endpoint);
        }
        self.drop_closed(endpoint);
    }

    fn take_scan(&mut self, found: Result<Vec<(EndpointId, Timestamp)>, store::Error>) {
        self.under_way -= 1;
        match found {
            Ok(found) => {
                let directory = self.ctx.store.directory();
                for (endpoint, place) in found {
                    // With strict order `place` is a turn and no due time, which is known once the work is fetched.
                    let is_strict = directory.endpoint(endpoint).is_some_and(|endpoint| endpoint.is_strict());
                    self.timers.set(endpoint, if is_strict { place.min(self.now) } else { place });
                }
            }
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "pending work not read; it will be retried");
                self.scan_at = Some(self.now + AFTER_FAILURE);
            }
        }
    }
}
