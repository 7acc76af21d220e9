//! What the tasks of the engine tell the dispatcher, and the ticket that makes sure each of them does.

use std::time::Duration;

use model::id::{DeliveryId, EndpointId};
use model::time::Timestamp;
use store::due::Pending;
use tokio::sync::{mpsc, oneshot};

use crate::pace::Sign;
use crate::permits::Claim;

/// A note to the dispatcher. There are never more than permits and reads under way, so the channel needs no bound.
pub(crate) enum Note {
    /// The endpoint's turn is over; the record is still to come.
    Answered {
        endpoint: EndpointId,
        claim: Claim,
        sign: Option<Sign>,
        /// How long it asked to be left alone.
        rest: Option<Duration>,
    },
    /// The attempt is on disk, or will not be.
    Ended {
        endpoint: EndpointId,
        delivery: DeliveryId,
        end: End,
    },
    /// The database was asked for an endpoint's work.
    Looked {
        endpoint: EndpointId,
        pending: Result<Pending, store::Error>,
    },
    /// What all endpoints have pending, at start and after the feed lagged.
    Surveyed(Result<Vec<(EndpointId, Timestamp)>, store::Error>),
    TellWhenAtRest(oneshot::Sender<Option<Timestamp>>),
}

/// How a delivery leaves the engine's hands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It will not come again by itself.
    Settled,
    Again(Timestamp),
    /// It could not be recorded: the database has it as it was.
    Unrecorded,
}

/// One delivery in flight. However its task ends, the dispatcher hears of it once.
pub(crate) struct Ticket {
    endpoint: EndpointId,
    delivery: DeliveryId,
    /// With which the permit was taken, and is given back.
    claim: Claim,
    notes: mpsc::UnboundedSender<Note>,
    answered: bool,
    end: End,
}

impl Ticket {
    pub(crate) fn new(
        endpoint: EndpointId,
        delivery: DeliveryId,
        claim: Claim,
        notes: mpsc::UnboundedSender<Note>,
    ) -> Self {
        Self { endpoint, delivery, claim, notes, answered: false, end: End::Unrecorded }
    }

    /// The endpoint is free for its next delivery, after the rest that it asked for.
    pub(crate) fn answered(&mut self, sign: Option<Sign>, rest: Option<Duration>) {
        if !self.answered {
            self.answered = true;
            // The dispatcher outlives its tasks, but for a process that is going down.
            let _ = self.notes.send(Note::Answered { endpoint: self.endpoint, claim: self.claim, sign, rest });
        }
    }

    /// The attempt is on disk, or will not be.
    pub(crate) fn recorded(mut self, end: Result<End, store::Error>) {
        self.end = end.unwrap_or_else(|error| {
            let error = &error as &dyn std::error::Error;
            tracing::error!(error, "an attempt was not recorded and will be repeated");
            End::Unrecorded
        });
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.answered(None, None);
        let _ = self.notes.send(Note::Ended { endpoint: self.endpoint, delivery: self.delivery, end: self.end });
    }
}
