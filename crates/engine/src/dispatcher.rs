//! The dispatcher: one task that owns every lane and decides which is next.
//!
//! It waits only for feed items (commits), reports of its own tasks, and timers. Deliveries and reads from the database
//! run as tasks beside it.

mod clock;
mod clock_reading;
mod feed_items;
mod scheduling;
mod shard_handover;
mod shards;
mod task_reports;

use std::sync::Arc;
use std::time::Duration;

use model::env::Sleep;
use model::id::EndpointId;
use model::map::Map;
use model::time::Timestamp;
use store::feed::Feed;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::shard_handover::ShardHandover;
use crate::context::Context;
use crate::in_flight::TaskReport;
use crate::lane::Lane;
use crate::prepared_endpoint::PreparedEndpoint;
use crate::shares::{Destination, Shares};
use crate::timers::Timers;

/// Pause before the database is asked again after it failed, and before a lane goes on after a fault of this machine.
pub(crate) const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// Maximum task reports taken before lanes get turns again.
const REPORTS: usize = 256;

pub(crate) struct Dispatcher {
    ctx: Arc<Context>,
    feed: Feed,
    reports: mpsc::UnboundedSender<TaskReport>,
    inbox: mpsc::UnboundedReceiver<TaskReport>,
    tasks: TaskTracker,
    stop: CancellationToken,
    lanes: Map<EndpointId, Lane>,
    /// Lanes that may have something to send, taking turns for permits.
    shares: Shares,
    /// The time, as of the feed item, report or timer being handled.
    now: Timestamp,
    /// Milliseconds by which the wall clock is ahead of the stopwatch.
    ahead: i64,
    timers: Timers,
    /// The wait for the first of the timers, or for the next check of the clock.
    alarm: Option<(Timestamp, Sleep)>,
    /// Running tasks that will send a report.
    under_way: usize,
    /// Time of the next scan of all endpoints, after one failed.
    scan_at: Option<Timestamp>,
    waiting_for_rest: Vec<oneshot::Sender<Option<Timestamp>>>,
    handover: ShardHandover,
}

impl Dispatcher {
    pub(crate) fn new(
        ctx: Arc<Context>,
        feed: Feed,
        reports: mpsc::UnboundedSender<TaskReport>,
        inbox: mpsc::UnboundedReceiver<TaskReport>,
        tasks: TaskTracker,
        stop: CancellationToken,
    ) -> Self {
        let shares = Shares::new(ctx.limits.concurrency, ctx.limits.per_host);
        let (now, ahead) = clock_reading::read(&*ctx.env);
        Self {
            ctx,
            feed,
            reports,
            inbox,
            tasks,
            stop,
            lanes: Map::default(),
            shares,
            now,
            ahead,
            timers: Timers::default(),
            alarm: None,
            under_way: 0,
            scan_at: None,
            waiting_for_rest: Vec::new(),
            handover: ShardHandover::default(),
        }
    }

    /// Delivers until stopped, then waits for what is in flight.
    pub(crate) async fn run(mut self) {
        self.scan_pending();
        let mut reports = Vec::with_capacity(REPORTS);
        let mut more = false;
        while self.step(&mut reports, more).await {
            more = self.run_turns();
            if more {
                tokio::task::yield_now().await;
            } else {
                self.tell_if_at_rest();
            }
        }
        while self.under_way > 0 {
            self.inbox.recv_many(&mut reports, REPORTS).await;
            self.take_reports(&mut reports);
        }
    }

    /// Handles the next feed item, task reports or timer, and waits for one of them unless there is `more` to do. False
    /// when it is time to stop.
    ///
    /// The feed comes before task reports: a delivery's commit is announced before its end can be reported. Handled in
    /// that order, a delivery that has ended is not taken for a new one.
    async fn step(&mut self, reports: &mut Vec<TaskReport>, more: bool) -> bool {
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
            item = self.feed.next() => match item {
                Some(item) => self.take_feed_item(item),
                None => return false,
            },
            _ = self.inbox.recv_many(reports, REPORTS) => self.take_reports(reports),
            () = alarm => self.fire_timers(),
            () = std::future::ready(()), if more => {}
        }
        true
    }

    fn set_alarm(&mut self) {
        let next = match (self.timers.next(), self.scan_at) {
            (Some(timer), Some(scan)) => Some(timer.min(scan)),
            (timer, scan) => timer.or(scan),
        };
        if self.alarm.as_ref().map(|(at, _)| *at) != next {
            self.alarm = next.map(|at| {
                let unwatched_until = self.ctx.env.now() + clock_reading::LONGEST_UNWATCHED;
                (at, self.ctx.env.sleep_until(at.min(unwatched_until)))
            });
        }
    }

    fn fire_timers(&mut self) {
        self.alarm = None;
        self.look_at_the_clock();
        let now = self.now;
        if self.scan_at.is_some_and(|at| at <= now) {
            self.scan_pending();
        }
        while let Some(endpoint) = self.timers.fire(now) {
            if let Some(again_at) = self.lane(endpoint).and_then(|lane| lane.wake(now)) {
                self.timers.set(endpoint, again_at);
            }
            self.enqueue_lane(endpoint);
        }
    }

    /// The endpoint's lane, made when there is none. `None` if the endpoint is deleted, or another node's.
    fn lane(&mut self, id: EndpointId) -> Option<&mut Lane> {
        if !self.lanes.contains_key(&id) {
            if !self.is_ours(id) {
                return None;
            }
            let prepared = self.prepared(id)?;
            let destination = self.destination(&prepared);
            let mut lane = Lane::new(prepared, destination, self.ctx.limits.per_endpoint, self.now);
            if let Some(at) = self.ctx.store.taken_over_at(id) {
                lane = lane.taken_over(at);
            }
            self.lanes.insert(id, lane);
            self.handover.lane_made(id);
        }
        self.lanes.get_mut(&id)
    }

    /// The destination of an endpoint, joined by one more lane.
    fn destination(&mut self, prepared: &PreparedEndpoint) -> Destination {
        self.shares.join(prepared.endpoint.project, prepared.endpoint.settings.url.before_path())
    }

    fn prepared(&self, id: EndpointId) -> Option<Arc<PreparedEndpoint>> {
        let directory = self.ctx.store.directory();
        let endpoint = directory.endpoint(id)?;
        let project = directory.project(endpoint.project)?;
        let dialect = self.ctx.dialects.of(project, &directory.project_dialects(project.id));
        if dialect.is_none() {
            tracing::error!(project.slug = %project.slug, project.dialect, "unknown dialect; deliveries wait");
        }
        Some(Arc::new(PreparedEndpoint::new(endpoint.clone(), &dialect?, &project.name)))
    }

    fn tell_if_at_rest(&mut self) {
        if !self.waiting_for_rest.is_empty() && self.under_way == 0 && self.shares.is_empty() && self.feed.is_empty() {
            let next = self.timers.next();
            // A timer that is due fires before the next item, so there is no rest yet.
            if next.is_none_or(|at| at > self.ctx.env.now()) {
                self.waiting_for_rest.drain(..).for_each(|reply| {
                    // The caller may have stopped waiting.
                    let _ = reply.send(next);
                });
            }
        }
    }
}
