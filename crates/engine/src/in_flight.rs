//! Reports of the engine's tasks to the dispatcher, and the guard that makes sure each delivery is reported.

use std::time::Duration;

use model::id::{DeliveryId, EndpointId};
use model::time::Timestamp;
use store::due::Pending;
use tokio::sync::{mpsc, oneshot};

use crate::concurrency::Signal;
use crate::shares::Permit;

/// A report to the dispatcher. There are never more than permits and reads under way, so the channel needs no bound.
pub(crate) enum TaskReport {
    /// The endpoint's turn is over; the record is still to come.
    Answered {
        endpoint: EndpointId,
        permit: Permit,
        answered: Answered,
    },
    /// The attempt is on disk, or will not be.
    Ended {
        endpoint: EndpointId,
        delivery: DeliveryId,
        end: End,
        permit: Permit,
        /// Set if it was not reported before.
        answered: Option<Answered>,
    },
    /// The pending deliveries of an endpoint, read from the database.
    Fetched {
        endpoint: EndpointId,
        pending: Result<Pending, store::Error>,
    },
    /// All endpoints with pending deliveries, read at start and after the feed lagged.
    Scanned(Result<Vec<(EndpointId, Timestamp)>, store::Error>),
    /// Waiting deliveries were brought forward, because the clock went back.
    BroughtForward(Result<(), store::Error>),
    TellWhenAtRest(oneshot::Sender<Option<Timestamp>>),
}

/// The endpoint answered, or will not.
#[derive(Clone, Copy)]
pub(crate) struct Answered {
    pub(crate) signal: Option<Signal>,
    /// Pause before the endpoint's next attempt: it asked for one, or this machine had a fault.
    pub(crate) rest: Option<Duration>,
}

/// The end of a delivery's task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It will not come again by itself.
    Settled,
    Again(Timestamp),
    /// It could not be recorded: the database has it as it was.
    Unrecorded,
    /// A fault of this machine kept it from being sent: the database has it as it was.
    Unsent,
}

/// One delivery in flight. However its task ends, the dispatcher hears of it once.
pub(crate) struct InFlightGuard {
    delivery: DeliveryId,
    reports: mpsc::UnboundedSender<TaskReport>,
    /// True if others wait for the endpoint's turn to be over. Otherwise the answer may be reported with the end: fewer
    /// reports wake the dispatcher less often.
    is_waited_for: bool,
    permit: Permit,
    stage: Stage,
    end: End,
    endpoint: EndpointId,
}

enum Stage {
    UnderWay,
    Answered(Answered),
    Told,
}

impl InFlightGuard {
    pub(crate) fn new(
        endpoint: EndpointId,
        delivery: DeliveryId,
        permit: Permit,
        is_waited_for: bool,
        reports: mpsc::UnboundedSender<TaskReport>,
    ) -> Self {
        Self { delivery, reports, is_waited_for, permit, stage: Stage::UnderWay, end: End::Unrecorded, endpoint }
    }

    /// Marks the endpoint as free for its next delivery, after the pause `rest`.
    pub(crate) fn answered(&mut self, signal: Option<Signal>, rest: Option<Duration>) {
        let Stage::UnderWay = self.stage else { return };
        let answered = Answered { signal, rest };
        let is_urgent = self.is_waited_for || signal != Some(Signal::Success) || rest.is_some();
        self.stage = if is_urgent {
            // The dispatcher outlives its tasks, except in a process that is going down.
            let _ = self.reports.send(TaskReport::Answered { endpoint: self.endpoint, permit: self.permit, answered });
            Stage::Told
        } else {
            Stage::Answered(answered)
        };
    }

    /// The attempt is on disk, or will not be.
    pub(crate) fn recorded(mut self, end: Result<End, store::Error>) {
        self.end = end.unwrap_or_else(|error| {
            let error = &error as &dyn std::error::Error;
            tracing::error!(error, "attempt not recorded; it will be repeated");
            End::Unrecorded
        });
    }
}

impl Drop for InFlightGuard {
    fn drop(&mut self) {
        let answered = match self.stage {
            Stage::UnderWay => Some(Answered { signal: None, rest: None }),
            Stage::Answered(answered) => Some(answered),
            Stage::Told => None,
        };
        let Self { endpoint, delivery, end, permit, .. } = *self;
        let _ = self.reports.send(TaskReport::Ended { endpoint, delivery, end, permit, answered });
    }
}
