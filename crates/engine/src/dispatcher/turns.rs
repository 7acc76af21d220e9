//! Turns: round and round the lanes, while there are permits; and the tasks that a turn starts.

use model::delivery::Due;
use model::id::EndpointId;
use model::time::Timestamp;

use super::Dispatcher;
use crate::deliver::deliver;
use crate::lane::Turn;
use crate::permits::Claim;
use crate::ticket::{Note, Ticket};

impl Dispatcher {
    pub(super) fn enter_ring(&mut self, id: EndpointId) {
        if let Some(lane) = self.lanes.get_mut(&id)
            && !lane.in_ring
        {
            lane.in_ring = true;
            self.ring.push_back(id);
        }
    }

    /// Gives each lane in the ring a turn, round and round, while there are permits.
    pub(super) fn give_turns(&mut self) {
        let now = self.ctx.env.now();
        while self.permits.any_left() {
            let Some(id) = self.ring.pop_front() else { return };
            let Some(lane) = self.lanes.get_mut(&id) else { continue };
            lane.in_ring = false;
            if lane.has_next() {
                self.give_turn(id, now);
            } else if lane.begin_look() {
                self.look(id, now);
            }
        }
    }

    pub(super) fn give_turn(&mut self, id: EndpointId, now: Timestamp) {
        let Some(lane) = self.lanes.get_mut(&id) else { return };
        let claim = Claim { in_flight: lane.in_flight(), suspect: lane.is_suspect() };
        if !self.permits.take(claim) {
            // A lane with something in flight is back when that ends; one without waits for another suspect's end.
            if claim.in_flight == 0 {
                self.waiting_suspects.push_back(id);
            }
            return;
        }
        match lane.turn(now) {
            Turn::Send(due) => {
                self.send(id, due, claim);
                self.enter_ring(id);
            }
            Turn::Wait(at) => {
                self.permits.put_back(claim);
                self.timers.set(id, at);
            }
            Turn::Nothing => self.permits.put_back(claim),
        }
    }

    pub(super) fn send(&mut self, id: EndpointId, due: Due, claim: Claim) {
        let Some(lane) = self.lanes.get(&id) else { return };
        self.under_way += 1;
        let is_waited_for = claim.suspect || lane.is_crowded() || !self.permits.are_ample();
        let ticket = Ticket::new(id, due.id, claim, is_waited_for, self.notes.clone());
        // Boxed: tokio moves the future it is given several times.
        self.tasks.spawn(Box::pin(deliver(self.ctx.clone(), lane.speaker().clone(), due, ticket)));
    }

    pub(super) fn look(&mut self, id: EndpointId, now: Timestamp) {
        let Some(lane) = self.lanes.get(&id) else { return };
        self.under_way += 1;
        let (store, notes) = (self.ctx.store.clone(), self.notes.clone());
        let (ordering, size) = (lane.speaker().endpoint.settings.ordering, lane.look_size());
        self.tasks.spawn(async move {
            let pending = store.due(id, ordering, now, size).await;
            let _ = notes.send(Note::Looked { endpoint: id, pending });
        });
    }

    /// Asks the database what every endpoint has pending.
    pub(super) fn survey(&mut self) {
        self.survey_at = None;
        self.under_way += 1;
        let (store, notes) = (self.ctx.store.clone(), self.notes.clone());
        self.tasks.spawn(async move {
            let found = store.pending_endpoints().await;
            let _ = notes.send(Note::Surveyed(found));
        });
    }
}
