//! The engine's part in a test: taking due deliveries and recording their outcomes.

use std::sync::Arc;
use std::time::Duration;

use model::attempt::{Answer, Attempt, Body, Outcome};
use model::delivery::Due;
use model::endpoint::Endpoint;
use model::headers::Headers;
use model::health::DisableRule;
use model::retry::Next;
use store::record::Record;
use store::{Error, Store};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::Opened;

/// Records an attempt. It is on disk when this returns.
async fn record(store: &Store, record: Record) -> Result<(), Error> {
    let (reply, recorded) = oneshot::channel();
    store.record_then(record, |result| drop(reply.send(result))).await;
    recorded.await.map_err(|_| Error::Stopped)?
}

/// The schedule ran out.
pub(crate) const EXHAUSTED: Next = Next::GiveUp { exhausted: true };

/// A failure that is not retried.
pub(crate) const FINAL: Next = Next::GiveUp { exhausted: false };

/// An attempt at `due` that was answered with `status`, by a dialect that disables nothing.
pub(crate) fn tried(due: &Due, status: u16, next: Next) -> Record {
    let next_attempt_at = match next {
        Next::Again(at) => Some(at),
        Next::Delivered | Next::GiveUp { .. } => None,
    };
    let attempt = Attempt {
        number: due.attempt(),
        started_at: due.next_attempt_at,
        duration: Duration::from_millis(12),
        request_headers: Headers::new(),
        body: Body::None,
        notes: Vec::new(),
        outcome: Outcome::Answered(Answer { status, ..Answer::default() }),
        next_attempt_at,
    };
    let rule = Arc::new(DisableRule::default());
    Record { due: due.clone(), attempt, next, gone: false, rule, notify: true }
}

impl Opened {
    pub(crate) async fn record(&self, record: Record) -> Result<(), Error> {
        self::record(&self.store, record).await
    }

    /// The due deliveries of `endpoint`, in the order they are to be sent.
    pub(crate) async fn due_at(&self, endpoint: &Endpoint) -> Vec<Due> {
        let ordering = self.current(endpoint).settings.ordering;
        self.due(endpoint.id, ordering, self.now(), 10_000).await.unwrap().due
    }

    /// The one delivery that is due at `endpoint`.
    pub(crate) async fn only_due_at(&self, endpoint: &Endpoint) -> Due {
        let mut due = self.due_at(endpoint).await;
        assert_eq!(due.len(), 1, "{due:?}");
        due.remove(0)
    }

    /// Ingests an event for the one endpoint that wants it, which has no other due delivery.
    pub(crate) async fn send_to(&self, endpoint: &Endpoint, event_type: &str) -> Due {
        self.send(event_type).await;
        self.only_due_at(endpoint).await
    }

    pub(crate) async fn delivers(&self, due: &Due) {
        self.record(tried(due, 204, Next::Delivered)).await.unwrap();
    }

    pub(crate) async fn fails(&self, due: &Due, next: Next) {
        self.record(tried(due, 500, next)).await.unwrap();
    }

    /// Records a failure, to be retried after `wait`.
    pub(crate) async fn fails_for(&self, due: &Due, wait: Duration) {
        self.fails(due, Next::Again(self.now() + wait)).await;
    }

    /// Records many at once, as independent lanes do.
    pub(crate) async fn record_all(&self, records: impl IntoIterator<Item = Record>) {
        let mut recording = JoinSet::new();
        for record in records {
            let store = self.store.clone();
            recording.spawn(async move { self::record(&store, record).await.unwrap() });
        }
        recording.join_all().await;
    }

    /// Gives up all due deliveries of `endpoint`, for a failure that is not retried.
    pub(crate) async fn give_up_all(&self, endpoint: &Endpoint) -> usize {
        let due = self.due_at(endpoint).await;
        self.record_all(due.iter().map(|due| tried(due, 400, FINAL))).await;
        due.len()
    }
}
