//! What its own tasks tell the dispatcher: an endpoint answered, an attempt is on disk, a look brought something.

use model::id::{DeliveryId, EndpointId};
use model::time::Timestamp;
use store::due::Pending;

use super::{AFTER_FAILURE, Dispatcher};
use crate::ticket::{Answered, End, Note};

impl Dispatcher {
    pub(super) fn take_notes(&mut self, notes: &mut Vec<Note>) {
        notes.drain(..).for_each(|note| self.take_note(note));
    }

    fn take_note(&mut self, note: Note) {
        match note {
            Note::Answered { endpoint, answered } => self.take_answer(endpoint, answered),
            Note::Ended { endpoint, delivery, end, answered } => {
                if let Some(answered) = answered {
                    self.take_answer(endpoint, answered);
                }
                self.take_end(endpoint, delivery, end);
            }
            Note::Looked { endpoint, pending } => self.take_look(endpoint, pending),
            Note::Surveyed(found) => self.take_survey(found),
            Note::TellWhenAtRest(reply) => self.waiting_for_rest.push(reply),
        }
    }

    fn take_answer(&mut self, endpoint: EndpointId, answered: Answered) {
        let Answered { claim, sign, rest } = answered;
        let Some(lane) = self.lanes.get_mut(&endpoint) else { return };
        if let Some(rest) = rest {
            lane.rest_until(self.ctx.env.now() + rest);
        }
        lane.answered(sign);
        self.permits.answered(claim.suspect, lane.in_flight());
        self.enter_ring(endpoint);
        if let Some(suspect) = self.waiting_suspects.pop_front() {
            self.enter_ring(suspect);
        }
    }

    fn take_end(&mut self, endpoint: EndpointId, delivery: DeliveryId, end: End) {
        self.under_way -= 1;
        self.permits.give_back();
        let Some(lane) = self.lanes.get_mut(&endpoint) else { return };
        lane.ended(delivery);
        let again = match end {
            End::Settled => None,
            End::Again(at) => Some(at),
            End::Unrecorded | End::Unsent => Some(self.ctx.env.now() + AFTER_FAILURE),
        };
        if let Some(at) = again {
            lane.comes_again(at);
            self.timers.set(endpoint, at);
        }
        self.drop_closed(endpoint);
        self.enter_ring(endpoint);
    }

    fn take_look(&mut self, endpoint: EndpointId, pending: Result<Pending, store::Error>) {
        self.under_way -= 1;
        let now = self.ctx.env.now();
        let failed = pending.is_err();
        if let Err(error) = &pending {
            tracing::error!(error = error as &dyn std::error::Error, "an endpoint's work could not be looked up");
        }
        let Some(lane) = self.lanes.get_mut(&endpoint) else { return };
        let next_at = lane.end_look(pending, now).or(failed.then_some(now + AFTER_FAILURE));
        if let Some(at) = next_at {
            self.timers.set(endpoint, at);
        }
        if !failed {
            self.enter_ring(endpoint);
        }
        self.drop_closed(endpoint);
    }

    fn take_survey(&mut self, found: Result<Vec<(EndpointId, Timestamp)>, store::Error>) {
        self.under_way -= 1;
        match found {
            Ok(found) => found.into_iter().for_each(|(endpoint, at)| self.timers.set(endpoint, at)),
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "pending work could not be looked up");
                self.survey_at = Some(self.ctx.env.now() + AFTER_FAILURE);
            }
        }
    }
}
