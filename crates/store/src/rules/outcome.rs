//! The consequences of an attempt for its endpoint: its failure streak, whether it is disabled, who is notified.

use std::time::Duration;

use model::delivery::Status;
use model::endpoint::{self, Endpoint};
use model::retry::Next;
use model::time::Timestamp;

use crate::feed::Recorded;
use crate::health::FailureStreak;
use crate::operational::Notice;
use crate::outbox::{Failing, What};
use crate::record::Record;

/// Minimum time between mails about an endpoint that gives deliveries up: one that fails for some events and answers
/// others is in trouble and out of it all day.
const MAIL_INTERVAL: Duration = Duration::from_secs(3600);

/// The consequences of an attempt, beside its delivery's new state.
#[derive(Debug)]
pub(crate) struct Consequences<'a> {
    /// The endpoint's failure streak, if nobody is mailed.
    pub(crate) run: FailureStreak,
    /// The same, if admins are mailed.
    pub(crate) run_if_mailed: FailureStreak,
    /// Taken in this order, in the transaction that records the attempt.
    pub(crate) steps: Vec<Step<'a>>,
}

#[derive(Debug)]
pub(crate) enum Step<'a> {
    /// Publish an operational event, if an endpoint wants it.
    Publish(Notice<'a>),
    /// Store the endpoint in this state.
    Disable(Box<Endpoint>),
    /// Mail the admins of its project, if it has any.
    Mail(What),
}

/// The consequences of the attempt of `record` at an endpoint whose failure streak was `before`.
pub(crate) fn consequences_of<'a>(
    record: &'a Record,
    before: FailureStreak,
    endpoint: &Endpoint,
    now: Timestamp,
) -> Consequences<'a> {
    if record.next == Next::Delivered { of_success(before) } else { of_failure(record, before, endpoint, now) }
}

fn of_success<'a>(before: FailureStreak) -> Consequences<'a> {
    let run = before.after_success();
    let mut steps = Vec::new();
    if before.in_trouble {
        steps.push(Step::Publish(Notice::Recovered));
    }
    if before.notified {
        steps.push(Step::Mail(What::Recovered));
    }
    Consequences { run, run_if_mailed: run, steps }
}

fn of_failure<'a>(record: &'a Record, before: FailureStreak, endpoint: &Endpoint, now: Timestamp) -> Consequences<'a> {
    let health = before.health.after_failure(now);
    // A notice that could not be delivered is not a reason for another one.
    let exhausted = record.next == Next::GiveUp { exhausted: true } && !record.due.event.event_type.is_operational();
    let status = record.attempt.outcome.status();
    let reason = reason_if_gone(record).or_else(|| record.rule.reason(health, status, now));
    let reason = reason.filter(|_| endpoint.is_active());
    let is_announced = reason.is_some() && record.notify;
    let may_mail_again = !before.notified && before.notified_at.is_none_or(|at| now.since(at) >= MAIL_INTERVAL);
    let failing = || Failing::of(health, &record.attempt);
    let mut steps = Vec::new();
    if exhausted {
        steps.push(Step::Publish(Notice::Exhausted { due: &record.due, attempt: &record.attempt }));
    }
    let mail = match reason {
        Some(reason) => {
            steps.push(Step::Disable(Box::new(disabled(endpoint, reason.clone(), now))));
            if is_announced {
                steps.push(Step::Publish(Notice::Disabled { reason: reason.clone() }));
            }
            is_announced.then(|| What::Disabled { reason, failing: failing() })
        }
        None => None,
    };
    let mail = mail.or_else(|| {
        (exhausted && may_mail_again && record.notify).then(|| What::GivesUp {
            event_type: record.due.event.event_type.to_string(),
            delivery: record.due.id,
            failing: failing(),
        })
    });
    steps.extend(mail.map(Step::Mail));
    let run = FailureStreak { health, in_trouble: before.in_trouble || exhausted || is_announced, ..before };
    Consequences { run, run_if_mailed: run.notified(now), steps }
}

fn reason_if_gone(record: &Record) -> Option<String> {
    let failure = record.attempt.outcome.failure().filter(|_| record.gone)?;
    record.rule.reason_if_gone(&failure.message)
}

fn disabled(endpoint: &Endpoint, reason: String, now: Timestamp) -> Endpoint {
    Endpoint { status: endpoint::Status::Disabled, disabled_reason: Some(reason), updated_at: now, ..endpoint.clone() }
}

/// The news of a recorded attempt for those who watch, with the state its delivery has now.
pub(crate) fn recorded(record: &Record, status: Status) -> Recorded {
    Recorded {
        project: record.due.event.project,
        endpoint: record.due.endpoint,
        delivery: record.due.id,
        attempt: record.attempt.number,
        status,
    }
}
