//! Turns: the lanes in rotation while there are permits, and the tasks that a turn starts.

use model::delivery::Due;
use model::id::EndpointId;

use super::Dispatcher;
use crate::deliver::deliver;
use crate::in_flight::{InFlightGuard, TaskReport};
use crate::lane::Turn;
use crate::shares::{Claim, Next, Permit, Standing};

/// Maximum turns given before the tasks they started have run. Without a bound, a project with a thousand attempts to
/// send would queue as many tasks, and an event accepted then would wait for all of them, some milliseconds each time
/// that one of its own tasks goes on. With this one a project that is alone loses little.
const TURNS: usize = 16;

impl Dispatcher {
    pub(super) fn enqueue_lane(&mut self, id: EndpointId) {
        if let Some(lane) = self.lanes.get_mut(&id)
            && let Some(standing) = lane.stand(self.now)
        {
            self.shares.stand(lane.destination(), id, standing);
        }
    }

    /// Gives lanes their turns while there are permits, at most [`TURNS`] before other tasks run. True if another lane
    /// may be next.
    pub(super) fn run_turns(&mut self) -> bool {
        for _ in 0..TURNS {
            let Some(Next { lane: id, destination, standing }) = self.shares.next() else { return false };
            let Some(lane) = self.lanes.get_mut(&id) else { continue };
            if !lane.step_out(destination, standing) {
                continue;
            }
            if standing == Standing::Proven && lane.standing(self.now) == Standing::Unproven {
                // It was proven when it was put in line; now there may be no permit for it.
                self.enqueue_lane(id);
            } else if lane.has_next(self.now) {
                self.run_turn(id);
            } else if lane.begin_fetch() {
                self.fetch_due(id);
            }
        }
        true
    }

    fn run_turn(&mut self, id: EndpointId) {
        let Some(lane) = self.lanes.get_mut(&id) else { return };
        let (destination, standing) = (lane.destination(), lane.standing(self.now));
        let Some(permit) = self.shares.take(Claim { destination, in_flight: lane.in_flight(), standing }) else {
            // It has its share in flight, and is put in line again when some of that ends.
            return;
        };
        match lane.turn(self.now) {
            Turn::Send(due) => {
                self.send(id, due, permit);
                self.enqueue_lane(id);
            }
            Turn::Wait(at) => {
                self.shares.put_back(&permit);
                self.timers.set(id, at);
            }
            Turn::Nothing => self.shares.put_back(&permit),
        }
    }

    fn send(&mut self, id: EndpointId, due: Due, permit: Permit) {
        let Some(lane) = self.lanes.get(&id) else { return };
        self.under_way += 1;
        let is_waited_for = permit.is_unproven() || lane.is_crowded() || self.shares.is_tight(lane.destination());
        let in_flight_guard = InFlightGuard::new(id, due.id, permit, is_waited_for, self.reports.clone());
        // Boxed: tokio moves the future it is given several times.
        self.tasks.spawn(Box::pin(deliver(self.ctx.clone(), lane.prepared().clone(), due, in_flight_guard)));
    }

    fn fetch_due(&mut self, id: EndpointId) {
        let Some(lane) = self.lanes.get(&id) else { return };
        self.under_way += 1;
        let (store, reports) = (self.ctx.store.clone(), self.reports.clone());
        let now = self.now;
        let (ordering, size) = (lane.prepared().endpoint.settings.ordering, lane.fetch_size());
        self.tasks.spawn(async move {
            let pending = store.due(id, ordering, now, size).await;
            let _ = reports.send(TaskReport::Fetched { endpoint: id, pending });
        });
    }

    /// Asks the database which endpoints have pending deliveries.
    pub(super) fn scan_pending(&mut self) {
        self.scan_at = None;
        self.under_way += 1;
        let (store, reports) = (self.ctx.store.clone(), self.reports.clone());
        self.tasks.spawn(async move {
            let found = store.pending_endpoints().await;
            let _ = reports.send(TaskReport::Scanned(found));
        });
    }
}
