//! The dispatcher: one task that knows every lane, and decides whose turn it is.
//!
//! It never waits for anything but news: of commits (the feed), of its own tasks (notes) and of time. Deliveries and
//! looks into the database run as tasks beside it.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use model::delivery::Due;
use model::env::Sleep;
use model::id::{DeliveryId, EndpointId};
use model::time::Timestamp;
use store::feed::{Fact, Feed, News};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::deliver::deliver;
use crate::engine::Context;
use crate::lane::{Lane, Turn};
use crate::pace::Sign;
use crate::permits::{Claim, Permits};
use crate::speaker::Speaker;
use crate::ticket::{End, Note, Ticket};
use crate::timers::Timers;

/// How long to leave the database alone after it failed.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// Notes taken before turns are given out again.
const NOTES: usize = 256;

pub(crate) struct Dispatcher {
    ctx: Arc<Context>,
    feed: Feed,
    notes: mpsc::UnboundedSender<Note>,
    inbox: mpsc::UnboundedReceiver<Note>,
    tasks: TaskTracker,
    stop: CancellationToken,
    lanes: HashMap<EndpointId, Lane>,
    /// Lanes that may have something to send, taking turns.
    ring: VecDeque<EndpointId>,
    /// Lanes of endpoints that do not answer, for which there is no permit at the moment.
    waiting_suspects: VecDeque<EndpointId>,
    permits: Permits,
    timers: Timers,
    /// The wait for the first of the timers.
    alarm: Option<(Timestamp, Sleep)>,
    /// Tasks under way that will send a note.
    under_way: usize,
    /// When to survey all endpoints again, after that failed.
    survey_at: Option<Timestamp>,
    waiting_for_rest: Vec<oneshot::Sender<Option<Timestamp>>>,
}

impl Dispatcher {
    pub(crate) fn new(
        ctx: Arc<Context>,
        feed: Feed,
        notes: mpsc::UnboundedSender<Note>,
        inbox: mpsc::UnboundedReceiver<Note>,
        tasks: TaskTracker,
        stop: CancellationToken,
    ) -> Self {
        let permits = Permits::new(ctx.limits.concurrency);
        Self {
            ctx,
            feed,
            notes,
            inbox,
            tasks,
            stop,
            lanes: HashMap::new(),
            ring: VecDeque::new(),
            waiting_suspects: VecDeque::new(),
            permits,
            timers: Timers::default(),
            alarm: None,
            under_way: 0,
            survey_at: None,
            waiting_for_rest: Vec::new(),
        }
    }

    /// Delivers until told to stop, then waits for what is in flight.
    pub(crate) async fn run(mut self) {
        self.survey();
        let mut notes = Vec::with_capacity(NOTES);
        while self.step(&mut notes).await {
            self.give_turns();
            self.tell_if_at_rest();
        }
        while self.under_way > 0 {
            self.inbox.recv_many(&mut notes, NOTES).await;
            self.take_notes(&mut notes);
        }
    }

    /// Takes the next piece of news. False when it is time to stop.
    ///
    /// The feed comes before notes: a delivery's commit is announced before its end can be noted, and is taken in that
    /// order, so that what has ended is not taken for new.
    async fn step(&mut self, notes: &mut Vec<Note>) -> bool {
        self.set_alarm();
        let alarm = async {
            match &mut self.alarm {
                Some((_, sleep)) => sleep.await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = self.stop.cancelled() => return false,
            news = self.feed.next() => match news {
                Some(news) => self.take_news(news),
                None => return false,
            },
            _ = self.inbox.recv_many(notes, NOTES) => self.take_notes(notes),
            () = alarm => self.ring_timers(),
        }
        true
    }

    fn set_alarm(&mut self) {
        let next = match (self.timers.next(), self.survey_at) {
            (Some(timer), Some(survey)) => Some(timer.min(survey)),
            (timer, survey) => timer.or(survey),
        };
        if self.alarm.as_ref().map(|(at, _)| *at) != next {
            self.alarm = next.map(|at| (at, self.ctx.env.sleep(self.ctx.env.now().until(at))));
        }
    }

    fn ring_timers(&mut self) {
        self.alarm = None;
        let now = self.ctx.env.now();
        if self.survey_at.is_some_and(|at| at <= now) {
            self.survey();
        }
        while let Some(endpoint) = self.timers.ring(now) {
            if let Some(lane) = self.lane(endpoint) {
                lane.wake(now);
            }
            self.enter_ring(endpoint);
        }
    }

    fn take_news(&mut self, news: News) {
        match news {
            News::Facts(facts) => facts.into_iter().for_each(|fact| self.take_fact(fact)),
            News::Lagged => self.catch_up(),
        }
    }

    fn take_fact(&mut self, fact: Fact) {
        match fact {
            Fact::Due(due) => self.take_due(due),
            Fact::Look { endpoint, at } => self.timers.set(endpoint, at),
            Fact::Changed(endpoint) => self.take_change(endpoint),
        }
    }

    fn take_due(&mut self, due: Due) {
        let endpoint = due.endpoint;
        if due.next_attempt_at > self.ctx.env.now() {
            self.timers.set(endpoint, due.next_attempt_at);
        } else if let Some(lane) = self.lane(endpoint) {
            lane.offer(due);
            self.enter_ring(endpoint);
        }
    }

    fn take_change(&mut self, id: EndpointId) {
        let now = self.ctx.env.now();
        match self.speaker(id) {
            Some(speaker) => {
                if let Some(lane) = self.lanes.get_mut(&id) {
                    lane.change(speaker, now);
                }
                self.timers.set(id, now);
            }
            None => {
                self.timers.clear(id);
                if let Some(lane) = self.lanes.get_mut(&id) {
                    lane.close();
                }
                self.drop_closed(id);
            }
        }
    }

    /// Lets go of a deleted endpoint's lane once nothing of it is under way.
    fn drop_closed(&mut self, id: EndpointId) {
        if self.lanes.get(&id).is_some_and(|lane| lane.is_closed() && lane.is_at_rest()) {
            self.lanes.remove(&id);
        }
    }

    /// Facts were let go: every endpoint may have changed and have work.
    fn catch_up(&mut self) {
        let lanes: Vec<EndpointId> = self.lanes.keys().copied().collect();
        lanes.into_iter().for_each(|endpoint| self.take_change(endpoint));
        self.survey();
    }

    fn take_notes(&mut self, notes: &mut Vec<Note>) {
        notes.drain(..).for_each(|note| self.take_note(note));
    }

    fn take_note(&mut self, note: Note) {
        match note {
            Note::Answered { endpoint, claim, sign } => self.take_answer(endpoint, claim, sign),
            Note::Ended { endpoint, delivery, end } => self.take_end(endpoint, delivery, end),
            Note::Looked { endpoint, pending } => self.take_look(endpoint, pending),
            Note::Surveyed(found) => self.take_survey(found),
            Note::TellWhenAtRest(reply) => self.waiting_for_rest.push(reply),
        }
    }

    fn take_answer(&mut self, endpoint: EndpointId, claim: Claim, sign: Option<Sign>) {
        let Some(lane) = self.lanes.get_mut(&endpoint) else { return };
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
        let now = self.ctx.env.now();
        let Some(lane) = self.lanes.get_mut(&endpoint) else { return };
        lane.ended(delivery);
        match end {
            End::Settled => {}
            End::Again(at) => {
                lane.comes_again(at);
                self.timers.set(endpoint, at);
            }
            End::Unrecorded => {
                lane.comes_again(now + AFTER_FAILURE);
                self.timers.set(endpoint, now + AFTER_FAILURE);
            }
        }
        self.drop_closed(endpoint);
        self.enter_ring(endpoint);
    }

    fn take_look(&mut self, endpoint: EndpointId, pending: Result<store::due::Pending, store::Error>) {
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

    /// Asks the database what every endpoint has pending.
    fn survey(&mut self) {
        self.survey_at = None;
        self.under_way += 1;
        let (store, notes) = (self.ctx.store.clone(), self.notes.clone());
        self.tasks.spawn(async move {
            let found = store.pending_endpoints().await;
            let _ = notes.send(Note::Surveyed(found));
        });
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

    /// The endpoint's lane, made when there is none. `None` if the endpoint is deleted.
    fn lane(&mut self, id: EndpointId) -> Option<&mut Lane> {
        if !self.lanes.contains_key(&id) {
            let speaker = self.speaker(id)?;
            let lane = Lane::new(speaker, self.ctx.limits.per_endpoint, self.ctx.env.now());
            self.lanes.insert(id, lane);
        }
        self.lanes.get_mut(&id)
    }

    fn speaker(&self, id: EndpointId) -> Option<Arc<Speaker>> {
        let directory = self.ctx.store.directory();
        let endpoint = directory.endpoint(id)?;
        let project = directory.project(endpoint.project)?;
        let dialect = dialect::built_in(&project.dialect)?;
        Some(Arc::new(Speaker::new(endpoint.clone(), &dialect)))
    }

    fn enter_ring(&mut self, id: EndpointId) {
        if let Some(lane) = self.lanes.get_mut(&id)
            && !lane.in_ring
        {
            lane.in_ring = true;
            self.ring.push_back(id);
        }
    }

    /// Gives each lane in the ring a turn, round and round, while there are permits.
    fn give_turns(&mut self) {
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

    fn give_turn(&mut self, id: EndpointId, now: Timestamp) {
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

    fn send(&mut self, id: EndpointId, due: Due, claim: Claim) {
        let Some(lane) = self.lanes.get(&id) else { return };
        self.under_way += 1;
        let ticket = Ticket::new(id, due.id, claim, self.notes.clone());
        self.tasks.spawn(deliver(self.ctx.clone(), lane.speaker().clone(), due, ticket));
    }

    fn look(&mut self, id: EndpointId, now: Timestamp) {
        let Some(lane) = self.lanes.get(&id) else { return };
        self.under_way += 1;
        let (store, notes) = (self.ctx.store.clone(), self.notes.clone());
        let (ordering, size) = (lane.speaker().endpoint.settings.ordering, lane.look_size());
        self.tasks.spawn(async move {
            let pending = store.due(id, ordering, now, size).await;
            let _ = notes.send(Note::Looked { endpoint: id, pending });
        });
    }

    fn tell_if_at_rest(&mut self) {
        if !self.waiting_for_rest.is_empty() && self.under_way == 0 && self.ring.is_empty() && self.feed.is_empty() {
            let next = self.timers.next();
            // A timer whose time has come rings before the next news, and then there is no rest yet.
            if next.is_none_or(|at| at > self.ctx.env.now()) {
                self.waiting_for_rest.drain(..).for_each(|reply| {
                    // Whoever asked may have stopped waiting.
                    let _ = reply.send(next);
                });
            }
        }
    }
}
