//! One delivery, start to finish: gate, build, send, understand, judge, record.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;

use dialect::providers::{self, Interpretation};
use dialect::renderer::Message;
use model::attempt::{Attempt, Body, Outcome};
use model::delivery::{Cancelled, Due};
use model::headers::Headers;
use model::local_fault::LocalFault;
use model::mask;
use model::retry::{Next, RetryHint};
use store::record::Record;

use crate::concurrency::Signal;
use crate::context::Context;
use crate::dispatcher::AFTER_FAILURE;
use crate::in_flight::{End, InFlightGuard};
use crate::prepared_endpoint::PreparedEndpoint;
use crate::transport::Request;

/// Carries one delivery to its verdict. Records exactly one attempt, or none: if we die in between it is sent again.
/// Receivers may see a repeat, never a gap.
pub(crate) async fn deliver(
    ctx: Arc<Context>,
    prepared: Arc<PreparedEndpoint>,
    due: Due,
    mut in_flight_guard: InFlightGuard,
) {
    if !ctx.store.holds(due.endpoint) {
        // Its shard is another node's by now, and so is this delivery.
        in_flight_guard.recorded(Ok(End::Unrecorded));
    } else if due.event.has_expired(ctx.env.now()) {
        in_flight_guard.answered(None, None);
        let cancelled = ctx.store.cancel(due.id, Cancelled::Expired).await;
        in_flight_guard.recorded(cancelled.map(|()| End::Settled));
    } else {
        attempt(&ctx, &prepared, due, in_flight_guard).await;
    }
}

async fn attempt(ctx: &Context, prepared: &PreparedEndpoint, due: Due, mut in_flight_guard: InFlightGuard) {
    let (started_at, began) = (ctx.env.now(), ctx.env.elapsed());
    let (sent, outcome) = match prepared.renderer.render(&due, started_at) {
        Ok(message) => {
            let mut sent = Sent::of(&message);
            let sending = pin!(ctx.transport.send(request(prepared, message)));
            match while_ours(ctx, sending).await {
                Some(Ok(exchange)) => {
                    sent.notes.extend(exchange.notes);
                    (sent, exchange.outcome)
                }
                Some(Err(fault)) => return unsent(ctx, fault, in_flight_guard),
                None => return in_flight_guard.recorded(Ok(End::Unrecorded)),
            }
        }
        Err(failure) => (Sent::nothing(), Outcome::Failed { failure, answer: None }),
    };
    let duration = ctx.env.elapsed().saturating_sub(began);
    let Interpretation { failure, next: advice, rest } = providers::read(prepared.provider, &outcome);
    let outcome = match failure {
        Some(failure) => outcome.but(failure),
        None => outcome,
    };
    in_flight_guard.answered(Some(Signal::of(&outcome)), rest);

    let next = what_next(ctx, prepared, &due, &outcome, advice);
    let (end, next_attempt_at) = match next {
        Next::Again(at) => (End::Again(at), Some(at)),
        Next::Delivered | Next::GiveUp { .. } => (End::Settled, None),
    };
    let Sent { request_headers, body, notes } = sent;
    let number = due.attempt();
    let attempt = Attempt { number, started_at, duration, request_headers, body, notes, outcome, next_attempt_at };
    tell(&due, &attempt, next);
    let (gone, rule, notify) = (advice == RetryHint::Gone, prepared.rule.clone(), prepared.notify);
    let record = Record { due, attempt, next, gone, rule, notify };
    ctx.store.record_then(record, move |recorded| in_flight_guard.recorded(recorded.map(|()| end))).await;
}

/// Ends a delivery that a fault of this machine kept from being sent. That is no attempt: the delivery stays as it is,
/// and the endpoint's lane rests before it tries again.
fn unsent(ctx: &Context, fault: LocalFault, mut in_flight_guard: InFlightGuard) {
    ctx.store.note_local_fault(fault);
    in_flight_guard.answered(None, Some(AFTER_FAILURE));
    in_flight_guard.recorded(Ok(End::Unsent));
}

/// Logs each attempt at debug, and a delivery that was given up at info.
fn tell(due: &Due, attempt: &Attempt, next: Next) {
    tracing::debug!(
        delivery.id = %due.id,
        endpoint.id = %due.endpoint,
        event.id = due.event.id.as_str(),
        attempt.number = attempt.number,
        http.status = attempt.outcome.status(),
        error.kind = attempt.outcome.failure().map(|failure| failure.kind.name()),
        took_ms = u64::try_from(attempt.duration.as_millis()).unwrap_or(u64::MAX),
        "attempt"
    );
    if let Next::GiveUp { .. } = next {
        tracing::info!(
            delivery.id = %due.id,
            endpoint.id = %due.endpoint,
            project.id = %due.event.project,
            event.id = due.event.id.as_str(),
            attempts = attempt.number,
            http.status = attempt.outcome.status(),
            error.kind = attempt.outcome.failure().map(|failure| failure.kind.name()),
            "delivery given up"
        );
    }
}

/// `None` if this node lost all its shards before the work was done: the node that holds them now does it again.
async fn while_ours<T>(ctx: &Context, work: Pin<&mut impl Future<Output = T>>) -> Option<T> {
    match ctx.store.lost() {
        Some(lost) => lost.run_until_cancelled(work).await,
        None => Some(work.await),
    }
}

/// The parts of a message that are recorded with its attempt.
struct Sent {
    request_headers: Headers,
    body: Body,
    notes: Vec<String>,
}

impl Sent {
    fn of(message: &Message) -> Self {
        let body = match &message.reproducible_by {
            Some(dialect) => Body::Of(dialect.clone()),
            None => Body::Kept(message.body.clone()),
        };
        Self { request_headers: masked(message), body, notes: message.notes.clone() }
    }

    const fn nothing() -> Self {
        Self { request_headers: Headers::new(), body: Body::None, notes: Vec::new() }
    }
}

/// The headers as they are recorded, secrets masked: readers of an attempt need not know the endpoint's secrets.
fn masked(message: &Message) -> Headers {
    let bytes = message.headers.iter().map(|header| header.name.len() + header.value.len()).sum();
    let mut headers = Headers::with_room(message.headers.len(), bytes);
    for header in &message.headers {
        headers.push(&header.name, if header.secret { mask::MASK } else { &header.value });
    }
    headers
}

fn request(prepared: &PreparedEndpoint, message: Message) -> Request<'_> {
    Request {
        url: &prepared.endpoint.settings.url,
        headers: message.headers,
        body: message.body,
        timeout: prepared.timeout,
        response_bytes: prepared.response_bytes,
    }
}

fn what_next(ctx: &Context, prepared: &PreparedEndpoint, due: &Due, outcome: &Outcome, advice: RetryHint) -> Next {
    let next = prepared.policy.advised(advice, due.retries_used(), outcome, ctx.env.now(), ctx.env.dice());
    match (next, due.planned_at) {
        (Next::Delivered, _) => next,
        // The attempt was asked for by hand: the schedule goes on as if there had been none,
        (_, Some(planned_at)) => Next::Again(planned_at),
        // or there is no schedule behind it.
        (_, None) if due.manual => Next::GiveUp { exhausted: false },
        (_, None) => next,
    }
}
