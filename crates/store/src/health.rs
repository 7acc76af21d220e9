//! What follows from an attempt for its endpoint: its run of failures, whether it is disabled, who is told.
//!
//! Decided here for every database; written down by each in its own way.

use std::time::Duration;

use model::endpoint::Endpoint;
use model::health::Health;
use model::retry::Next;
use model::time::Timestamp;

use crate::mails::{Failing, What};
use crate::operational::Notice;
use crate::record::Record;

/// An endpoint's run of failures, as its row has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) health: Health,
    /// A delivery was given up, or the endpoint disabled, since the last success.
    pub(crate) troubled: bool,
    /// Admins were told of this trouble, by mail.
    pub(crate) told: bool,
    /// When they were last told of trouble, this or an earlier one.
    pub(crate) told_at: Option<Timestamp>,
}

/// Admins are told so often that an endpoint gives deliveries up, and no oftener: one that fails for some events and
/// answers others is in trouble and out of it all day.
const TOLD_EVERY: Duration = Duration::from_secs(3600);

/// What an attempt brings about beside itself.
#[derive(Debug)]
pub(crate) struct Consequences<'a> {
    /// As it is now, if nobody is mailed.
    pub(crate) run: Run,
    /// Operational events, in order; those of [`disabled`](Self::disabled) come after it.
    pub(crate) before: Option<Notice<'a>>,
    /// The endpoint is disabled for this reason.
    pub(crate) disabled: Option<String>,
    /// Whether disabling it is announced.
    pub(crate) announced: bool,
    pub(crate) mail: Option<What>,
}

impl Run {
    /// After a success.
    pub(crate) fn well(self) -> Self {
        Self { told_at: self.told_at, ..Self::default() }
    }

    /// After admins were told of trouble.
    pub(crate) fn told(self, at: Timestamp) -> Self {
        Self { told: true, told_at: Some(at), ..self }
    }

    /// Forgets failures that are over because somebody resumed the endpoint, but not that there was trouble.
    pub(crate) fn forgiven(self) -> Self {
        Self { health: Health::default(), ..self }
    }

    pub(crate) fn after<'a>(self, record: &'a Record, endpoint: &Endpoint, now: Timestamp) -> Consequences<'a> {
        if record.next == Next::Delivered { self.after_success() } else { self.after_failure(record, endpoint, now) }
    }

    fn after_success<'a>(self) -> Consequences<'a> {
        Consequences {
            run: self.well(),
            before: self.troubled.then_some(Notice::Recovered),
            disabled: None,
            announced: false,
            mail: self.told.then_some(What::Recovered),
        }
    }

    fn after_failure<'a>(self, record: &'a Record, endpoint: &Endpoint, now: Timestamp) -> Consequences<'a> {
        let health = self.health.after_failure(now);
        // A notice that could not be delivered is not a reason for another one.
        let exhausted =
            record.next == Next::GiveUp { exhausted: true } && !record.due.event.event_type.is_operational();
        let status = record.attempt.outcome.status();
        let reason = reason_if_gone(record).or_else(|| record.rule.reason(health, status, now));
        let disabled = reason.filter(|_| endpoint.is_active());
        let announced = disabled.is_some() && record.notify;
        let quiet = !self.told && self.told_at.is_none_or(|at| now.since(at) >= TOLD_EVERY);
        let failing = || Failing::of(health, &record.attempt);
        let mail = match &disabled {
            Some(reason) if announced => Some(What::Disabled { reason: reason.clone(), failing: failing() }),
            _ if exhausted && quiet && record.notify => Some(What::GivesUp {
                event_type: record.due.event.event_type.to_string(),
                delivery: record.due.id,
                failing: failing(),
            }),
            _ => None,
        };
        let run = Self { health, troubled: self.troubled || exhausted || announced, ..self };
        let before = exhausted.then_some(Notice::Exhausted { due: &record.due, attempt: &record.attempt });
        Consequences { run, before, disabled, announced, mail }
    }
}

fn reason_if_gone(record: &Record) -> Option<String> {
    let failure = record.attempt.outcome.failure().filter(|_| record.gone)?;
    record.rule.reason_if_gone(&failure.message)
}
