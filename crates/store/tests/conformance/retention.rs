//! Retention: data past its period is deleted, and nothing else.
//!
//! A database may delete by whole days: ages here are clearly more than the period and a day, or clearly less.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use model::actor::Actor;
use model::attempt::{Answer, Body, Outcome};
use model::delivery::{Due, Status};
use model::endpoint::Endpoint;
use model::headers::Headers;
use model::id::DeliveryId;
use model::job::{self, Only, Task};
use model::project::Project;
use model::retention::{Chosen, Retention};
use model::retry::Next;
use store::ingest::Accepted;
use store::retention::Step;
use store::search::{DeliveryFilter, EventFilter, Paging};
use testkit::patiently;

use crate::harness::{DAY, FINAL, HOUR, Hold, Opened, SECOND, tried};

impl Opened {
    /// Sends an event to the one endpoint that wants it, and delivers it.
    async fn delivered(&self, endpoint: &Endpoint, event_type: &str) -> Due {
        let due = self.send_to(endpoint, event_type).await;
        self.delivers(&due).await;
        due
    }

    /// Sends and delivers an event, with the given body and response.
    async fn answered(&self, endpoint: &Endpoint, body: Body, answer: &str) -> Due {
        let due = self.send_to(endpoint, "order.created").await;
        self.answers(&due, body, answer, Next::Delivered).await;
        due
    }

    async fn answers(&self, due: &Due, body: Body, answer: &str, next: Next) {
        let mut record = tried(due, 200, next);
        record.attempt.body = body;
        let headers = Headers::from([("x-request-id", "7")]);
        record.attempt.outcome =
            Outcome::Answered(Answer { status: 200, headers, body: answer.into(), ..Answer::default() });
        self.record(record).await.unwrap();
    }

    async fn is_there(&self, delivery: DeliveryId) -> bool {
        self.delivery(self.project, delivery, store::search::Bodies::Without).await.unwrap().is_some()
    }

    /// The data left of a delivery's attempts: the body sent, the response's text, whether that was dropped.
    async fn left(&self, delivery: DeliveryId) -> Vec<(Body, String, bool)> {
        let mut left = Vec::new();
        for attempt in self.shown(delivery).await.attempts {
            let body = self.body_of(delivery, &attempt).await;
            left.push((body, attempt.response_text(), attempt.response_dropped));
        }
        left
    }
}

fn kept() -> Body {
    Body::Kept("{\"kept\":true}".into())
}

fn of_trakkr() -> Body {
    Body::Of("trakkr".into())
}

#[tokio::test]
async fn what_is_older_than_a_project_keeps_it_is_as_if_it_never_was_and_what_is_younger_stays() {
    let store = Opened::fresh().await;
    let endpoint = store.endpoint(&["*"]).await;
    let old = store.delivered(&endpoint, "order.created").await;
    store.advance(5 * DAY);
    let young = store.delivered(&endpoint, "order.paid").await;
    store.advance(27 * DAY);

    store.sweep_up().await;

    assert!(!store.is_there(old.id).await);
    assert!(store.event(store.project, old.event.id.clone()).await.unwrap().is_none());
    assert_eq!(store.types_for(&endpoint).await, ["order.paid"]);
    assert_eq!(store.all_events().await.len(), 1);
    assert_eq!(store.shown(young.id).await.attempts.len(), 1);
}

#[tokio::test]
async fn events_that_nobody_wanted_go_as_well() {
    let store = Opened::fresh().await;
    store.send_many("order.created", 700).await;
    store.advance(32 * DAY);
    store.send("order.created").await;

    store.sweep_up().await;

    assert_eq!(store.all_events().await.len(), 1);
}

#[tokio::test]
async fn an_event_for_more_endpoints_than_a_slice_has_rows_goes_with_all_deliveries() {
    let store = Opened::fresh().await;
    let mut endpoints = Vec::new();
    for _ in 0..300 {
        endpoints.push(store.endpoint(&["*"]).await);
    }
    store.send("order.created").await;
    while store.fan_out().await.unwrap() == store::fan_outs::Step::More {}
    for endpoint in &endpoints {
        store.give_up_all(endpoint).await;
    }
    store.advance(32 * DAY);

    store.sweep_up().await;

    assert!(store.all_events().await.is_empty());
    assert!(store.deliveries_of(&endpoints[0]).await.is_empty());
}

#[tokio::test]
async fn a_pending_delivery_stays_with_its_event_and_its_attempts_until_it_has_ended() {
    let store = Opened::fresh().await;
    let endpoint = store.endpoint(&["*"]).await;
    let other = store.endpoint(&["order.paid"]).await;
    let due = store.send_to(&endpoint, "order.created").await;
    store.fails_for(&due, HOUR).await;
    store.send("order.paid").await;
    let half_done = store.due_at(&endpoint).await.remove(0);
    store.give_up_all(&other).await;
    store.advance(40 * DAY);

    let mut sweep = store.begin_retention(Retention::default());
    store.finish_sweep(&mut sweep).await;

    let shown = store.shown(due.id).await;
    assert_eq!((shown.delivery.status, shown.attempts.len()), (Status::Pending, 1));
    assert_eq!(store.types_for(&endpoint).await, ["order.created", "order.paid"]);
    assert_eq!(store.all_events().await.len(), 2, "half of the other one is still to be delivered");
    let due = store.due_at(&endpoint).await;
    assert_eq!(due.len(), 2);

    store.delivers(&due[0]).await;
    store.delivers(&due[1]).await;
    store.advance(2 * DAY);
    store.finish_sweep(&mut sweep).await;

    assert!(!store.is_there(half_done.id).await);
    assert!(store.all_events().await.is_empty());
    assert!(store.all_deliveries().await.is_empty());
}

#[tokio::test]
async fn an_event_stays_for_deliveries_that_were_made_of_it_later() {
    let store = Opened::fresh().await;
    let endpoint = store.endpoint(&["*"]).await;
    let due = store.delivered(&endpoint, "order.created").await;
    store.advance(25 * DAY);
    let replay = Task::Replay { event: due.event.id.clone() };
    store.finish(&store.create_job(&Actor::Admin, store.project, replay).await.unwrap()).await;
    let again = store.only_due_at(&endpoint).await;
    store.delivers(&again).await;
    store.advance(7 * DAY);

    let mut sweep = store.begin_retention(Retention::default());
    store.finish_sweep(&mut sweep).await;
    assert_eq!(store.shown(again.id).await.event.id, due.event.id);

    store.advance(26 * DAY);
    store.finish_sweep(&mut sweep).await;
    assert!(!store.is_there(again.id).await);
    assert!(store.all_events().await.is_empty());
}

#[tokio::test]
async fn an_idempotency_key_and_an_id_are_forgotten_with_their_event() {
    let store = Opened::fresh().await;
    let order = || store.draft("order.created").id("order-7").key("key-7");
    assert!(matches!(order().ingest().await, Accepted::New { .. }));
    store.advance(28 * DAY);
    store.sweep_up().await;
    assert!(matches!(order().ingest().await, Accepted::Again { .. }));

    store.advance(4 * DAY);
    store.sweep_up().await;

    assert!(matches!(order().ingest().await, Accepted::New { .. }));
    assert!(matches!(order().ingest().await, Accepted::Again { .. }));
}

#[tokio::test]
async fn attempts_lose_their_bodies_first_and_say_so() {
    let store = Opened::fresh().await;
    let endpoint = store.endpoint(&["*"]).await;
    let old = [
        store.answered(&endpoint, kept(), "thanks").await,
        store.answered(&endpoint, of_trakkr(), "thanks").await,
        store.answered(&endpoint, of_trakkr(), "").await,
    ];
    store.advance(5 * DAY);
    let young = store.answered(&endpoint, kept(), "thanks").await;
    store.advance(4 * DAY);

    store.sweep_up().await;

    assert_eq!(store.left(old[0].id).await, [(Body::Dropped, String::new(), true)]);
    assert_eq!(store.left(old[1].id).await, [(of_trakkr(), String::new(), true)], "it can be made again");
    assert_eq!(store.left(old[2].id).await, [(of_trakkr(), String::new(), false)], "it had none");
    assert_eq!(store.left(young.id).await, [(kept(), "thanks".to_owned(), false)]);
    let attempt = store.shown(old[0].id).await.attempts.remove(0);
    assert_eq!(attempt.response_headers, Headers::from([("x-request-id", "7")]));
    assert_eq!(attempt.status_code, Some(200));
}

#[tokio::test]
async fn bodies_go_by_the_age_of_their_attempt_and_of_pending_deliveries_too() {
    let store = Opened::fresh().await;
    let endpoint = store.endpoint(&["*"]).await;
    let due = store.send_to(&endpoint, "order.created").await;
    store.answers(&due, kept(), "later", Next::Again(store.now() + 5 * DAY)).await;
    store.advance(5 * DAY);
    let due = store.only_due_at(&endpoint).await;
    store.answers(&due, kept(), "later still", Next::Again(store.now() + 20 * DAY)).await;
    store.advance(4 * DAY);

    store.sweep_up().await;

    let untouched = (kept(), "later still".to_owned(), false);
    assert_eq!(store.left(due.id).await, [(Body::Dropped, String::new(), true), untouched]);
    assert_eq!(store.status_of(due.id).await, Status::Pending);
}

#[tokio::test]
async fn a_sweep_that_goes_on_finds_what_has_become_old_since() {
    let store = Opened::fresh().await;
    let endpoint = store.endpoint(&["*"]).await;
    let mut sweep = store.begin_retention(Retention::default());
    let mut sent = Vec::new();
    for _ in 0..20 {
        sent.push(store.answered(&endpoint, kept(), "thanks").await.id);
        store.finish_sweep(&mut sweep).await;
        store.advance(3 * DAY);
    }
    store.finish_sweep(&mut sweep).await;

    // The newest is three days old now, the oldest sixty.
    for (age, id) in (1..).map(|n| n * 3).zip(sent.into_iter().rev()) {
        match age {
            ..=6 => assert_eq!(store.left(id).await[0].0, kept(), "{age} days"),
            9..=27 => assert_eq!(store.left(id).await[0].0, Body::Dropped, "{age} days"),
            33.. => assert!(!store.is_there(id).await, "{age} days"),
            _ => {}
        }
    }
}

#[tokio::test]
async fn a_sweep_says_when_there_will_be_something_again() {
    let store = Opened::fresh().await;
    let endpoint = store.endpoint(&["*"]).await;
    let due = store.delivered(&endpoint, "order.created").await;
    let mut sweep = store.begin_retention(Retention::default());
    let mut looks = 0;
    while store.is_there(due.id).await {
        let (_, at) = store.finish_sweep(&mut sweep).await;
        assert!(at > store.now());
        store.clock.advance(store.now().until(at));
        looks += 1;
    }
    let age = store.now().since(due.id.created_at());
    assert!(age >= 30 * DAY && age <= 31 * DAY + HOUR, "{age:?}");
    assert!(looks <= 31 * 24 + 1, "{looks} in a month, one an hour");
}

#[tokio::test]
async fn every_project_keeps_its_data_for_as_long_as_it_says() {
    let store = Opened::fresh().await;
    let mut sent = Vec::new();
    for (name, contents) in [("short", "2d"), ("usual", ""), ("long", "90d"), ("ever", "forever")] {
        let project = store.project_called(name).await;
        store.keep(project.id, contents, "").await;
        for _ in 0..300 {
            store.draft("order.created").of(project.id).send().await;
        }
        sent.push(project.id);
    }
    let mut sweep = store.begin_retention(Retention::default());
    let mut left = async |after: u32| {
        store.advance(after * DAY);
        store.finish_sweep(&mut sweep).await;
        let mut left = Vec::new();
        for project in &sent {
            left.push(store.listed_events(*project, EventFilter::default(), 250).await.len());
        }
        left
    };

    assert_eq!(left(1).await, [300, 300, 300, 300]);
    assert_eq!(left(4).await, [0, 300, 300, 300]);
    assert_eq!(left(28).await, [0, 0, 300, 300]);
    assert_eq!(left(60).await, [0, 0, 0, 300]);
    assert_eq!(left(2_000).await, [0, 0, 0, 300]);
}

#[tokio::test]
async fn a_project_that_keeps_less_from_now_on_loses_what_is_too_old_at_once() {
    let store = Opened::fresh().await;
    let endpoint = store.endpoint(&["*"]).await;
    store.keep(store.project, "forever", "20d").await;
    let old = store.answered(&endpoint, kept(), "thanks").await;
    store.advance(10 * DAY);
    let mut sweep = store.begin_retention(Retention::default());
    store.finish_sweep(&mut sweep).await;
    assert_eq!(store.left(old.id).await[0].0, kept());

    store.keep(store.project, "forever", "").await;
    store.advance(HOUR);
    store.finish_sweep(&mut sweep).await;
    assert_eq!(store.left(old.id).await[0].0, Body::Dropped);

    store.keep(store.project, "5d", "").await;
    store.advance(HOUR);
    store.finish_sweep(&mut sweep).await;
    assert!(!store.is_there(old.id).await);
}

#[tokio::test]
async fn what_a_project_keeps_survives_a_restart() {
    let store = Opened::fresh().await;
    let acme = store.project_called("acme").await;
    assert_eq!(acme.retention, Chosen::default());
    let kept = store.keep(acme.id, "90d", "forever").await.retention;
    let mut other = Project { retention: kept, ..store.new_project("other") };
    other.retention.contents = None;
    let key = store.new_key(other.id);
    store.create_project(&Actor::Admin, other.clone(), key).await.unwrap().unwrap();

    let store = store.reopen().await;

    let retention = |id| store.directory().project(id).unwrap().retention;
    assert_eq!((retention(acme.id), retention(other.id)), (kept, other.retention));
}

#[tokio::test]
async fn what_a_deleted_project_leaves_goes_as_the_server_says() {
    let store = Opened::fresh().await;
    let acme = store.project_called("acme").await;
    store.keep(acme.id, "forever", "forever").await;
    let endpoint = store.plan().of(acme.id).create().await;
    store.draft("order.created").of(acme.id).send().await;
    assert!(store.delete_project(&Actor::Admin, acme.id).await.unwrap());

    let mut sweep = store.begin_retention(Retention::default());
    let mut left = async |after: u32| {
        store.advance(after * DAY);
        store.finish_sweep(&mut sweep).await;
        let deliveries = store.listed(acme.id, DeliveryFilter::default(), 250).await.len();
        let events = store.listed_events(acme.id, EventFilter::default(), 250).await.len();
        (events, deliveries, store.count(&endpoint, Status::Cancelled).await)
    };
    assert_eq!(left(20).await, (1, 1, 1));
    assert_eq!(left(12).await, (0, 0, 0));
}

#[tokio::test]
async fn cursors_of_lists_go_on_working() {
    let store = Opened::fresh().await;
    let endpoint = store.endpoint(&["*"]).await;
    store.send_many("order.created", 10).await;
    store.give_up_all(&endpoint).await;
    store.advance(20 * DAY);
    store.send_many("order.created", 10).await;
    store.give_up_all(&endpoint).await;
    store.advance(12 * DAY);
    let first = Paging { limit: 8, after: None };
    let deliveries = store.deliveries(store.project, DeliveryFilter::default(), first).await.unwrap();
    let events = store.events(store.project, EventFilter::default(), first).await.unwrap();

    store.sweep_up().await;

    let rest = Paging { limit: 8, after: deliveries.next };
    let rest = store.deliveries(store.project, DeliveryFilter::default(), rest).await.unwrap();
    assert_eq!((rest.items.len(), rest.next), (2, None));
    let rest = Paging { limit: 8, after: events.next };
    let rest = store.events(store.project, EventFilter::default(), rest).await.unwrap();
    assert_eq!((rest.items.len(), rest.next), (2, None));
}

#[tokio::test]
async fn jobs_that_ended_go_and_those_that_run_stay() {
    let store = Opened::fresh().await;
    let endpoint = store.endpoint(&["*"]).await;
    let (since, until) = (store.now(), store.now() + HOUR);
    let recover = Task::Recover { endpoint: endpoint.id, since, until, only: Only::All };
    let ended = store.create_job(&Actor::Admin, store.project, recover.clone()).await.unwrap();
    let running = store.create_job(&Actor::Admin, store.project, recover).await.unwrap();
    store.finish(&ended).await;
    store.advance(28 * DAY);
    store.sweep_up().await;
    assert_eq!(store.now_of(&ended).await.status, job::Status::Done);

    store.advance(4 * DAY);
    store.sweep_up().await;

    assert!(store.job(store.project, ended.id).await.unwrap().is_none());
    assert_eq!(store.now_of(&running).await.status, job::Status::Running);
}

#[tokio::test]
async fn a_dropped_event_is_nothing_to_replay_and_a_dropped_delivery_nothing_to_retry() {
    let store = Opened::fresh().await;
    let endpoint = store.endpoint(&["*"]).await;
    let due = store.delivered(&endpoint, "order.created").await;
    let replay = Task::Replay { event: due.event.id.clone() };
    store.advance(32 * DAY);
    let job = store.create_job(&Actor::Admin, store.project, replay).await.unwrap();
    store.sweep_up().await;

    store.finish(&job).await;

    assert_eq!(store.now_of(&job).await.done, 0);
    assert!(store.retry(&Actor::Admin, store.project, due.id).await.unwrap().is_none());
    assert!(store.due_at(&endpoint).await.is_empty());
}

#[tokio::test]
async fn a_delivery_that_is_retried_as_it_is_to_go_is_delivered() {
    let store = Opened::fresh().await;
    let endpoint = store.endpoint(&["*"]).await;
    let sent = store.send_many("order.created", 400).await;
    store.give_up_all(&endpoint).await;
    store.advance(32 * DAY);
    let last = store.deliveries_of(&endpoint).await.pop().unwrap();
    assert_eq!(Some(&last.event), sent.last());

    let mut sweep = store.begin_retention(Retention::default());
    store.continue_retention(&mut sweep).await.unwrap();
    if store.retry(&Actor::Admin, store.project, last.id).await.unwrap().is_some() {
        store.finish_sweep(&mut sweep).await;
        let due = store.only_due_at(&endpoint).await;
        assert_eq!((due.id, &due.event.id), (last.id, &last.event));
    }
}

#[tokio::test]
async fn deleting_goes_on_where_it_was_after_a_restart() {
    let mut store = Opened::fresh().await;
    let endpoint = store.endpoint(&["*"]).await;
    for _ in 0..3 {
        let due = store.answered(&endpoint, kept(), "thanks").await;
        store.advance(9 * DAY);
        store.sweep_up().await;
        assert_eq!(store.left(due.id).await, [(Body::Dropped, String::new(), true)]);
        store = store.reopen().await;
    }
    // All attempts are deleted, and later ones are dropped in their time like those before.
    store.advance(40 * DAY);
    store.sweep_up().await;
    assert!(store.all_deliveries().await.is_empty());
    let store = store.reopen().await;
    let due = store.answered(&endpoint, kept(), "thanks").await;
    store.advance(9 * DAY);
    store.sweep_up().await;
    assert_eq!(store.left(due.id).await, [(Body::Dropped, String::new(), true)]);
}

#[tokio::test]
async fn attempts_that_come_when_all_before_them_are_gone_lose_their_bodies_too() {
    let store = Opened::fresh().await;
    let endpoint = store.endpoint(&["*"]).await;
    let mut sweep = store.begin_retention(Retention::default());
    for _ in 0..5 {
        store.answered(&endpoint, kept(), "thanks").await;
    }
    store.advance(32 * DAY);
    store.finish_sweep(&mut sweep).await;
    let mut later = Vec::new();
    for _ in 0..8 {
        later.push(store.answered(&endpoint, kept(), "thanks").await.id);
    }
    store.advance(9 * DAY);

    store.finish_sweep(&mut sweep).await;

    for id in later {
        assert_eq!(store.left(id).await[0].0, Body::Dropped);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_while_old_events_go_is_accepted_and_delivered() {
    let store = Opened::fresh().await;
    let endpoint = store.endpoint(&["*"]).await;
    store.send_many("order.created", 1_000).await;
    store.give_up_all(&endpoint).await;
    store.advance(32 * DAY);
    let store = Arc::new(store);

    let sweeping = {
        let store = store.clone();
        tokio::task::JoinSet::from_iter([async move { store.sweep_up().await }])
    };
    for _ in 0..50 {
        store.send("order.paid").await;
    }
    sweeping.join_all().await;

    assert_eq!(store.due_at(&endpoint).await.len(), 50);
    assert_eq!(store.all_events().await.len(), 50);
    store.advance(SECOND);
}

#[tokio::test]
async fn a_body_that_is_kept_once_stays_for_the_youngest_attempt_that_sent_it() {
    let store = Opened::fresh().await;
    let endpoint = store.endpoint(&["*"]).await;
    let due = store.send_to(&endpoint, "order.created").await;
    for number in 0..3 {
        let due = Due { attempts: number, next_attempt_at: store.now(), ..due.clone() };
        store.answers(&due, kept(), "no", Next::Again(store.now() + 5 * DAY)).await;
        store.advance(5 * DAY);
    }
    assert_eq!(store.bodies_of(due.id).await, [kept(), kept(), kept()]);

    // The attempts are 15, 10 and 5 days old.
    for (days, left) in [(12, vec![Body::Dropped, kept(), kept()]), (7, vec![Body::Dropped, Body::Dropped, kept()])] {
        store.keep(store.project, "", &format!("{days}d")).await;
        store.sweep_up().await;
        assert_eq!(store.bodies_of(due.id).await, left, "{days} days");
    }
    store.keep(store.project, "", "3d").await;
    store.sweep_up().await;
    assert_eq!(store.bodies_of(due.id).await, [Body::Dropped, Body::Dropped, Body::Dropped]);
}

/// Polls within which a reader has read a row.
const TURNS: usize = 20_000;

/// A slice is found by a reader and deleted by the writer; what happened in between counts.
#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_that_is_tried_again_after_it_was_found_to_be_old_stays() {
    let store = Opened::embedded().await;
    let endpoint = store.endpoint(&["*"]).await;
    let due = store.send_to(&endpoint, "order.created").await;
    store.fails(&due, FINAL).await;
    store.advance(40 * DAY);
    let hold = Hold::on(&store, &endpoint).await;
    // The writer is held: the retry is queued, and not done.
    let mut retrying = Box::pin(store.retry(&Actor::Admin, store.project, due.id));
    assert!(poll_fn(|context| Poll::Ready(retrying.as_mut().poll(context).is_pending())).await);

    let mut sweep = store.begin_retention(Retention::default());
    let mut sweeping = Box::pin(store.continue_retention(&mut sweep));
    // The pass first reads, then queues the deletion; the writer is held for longer than one row takes to read.
    for _ in 0..TURNS {
        assert!(
            poll_fn(|context| Poll::Ready(sweeping.as_mut().poll(context).is_pending())).await,
            "the writer is held"
        );
        tokio::task::yield_now().await;
    }
    hold.let_go().await;

    let both = async { tokio::join!(sweeping, retrying) };
    let (swept, retried) = patiently(both, || "the writer went on with neither".to_owned()).await;
    assert!(matches!(swept, Ok(Step::Went { .. })), "{swept:?}");
    assert!(matches!(retried, Ok(Some(_))), "{retried:?}");
    assert_eq!(store.status_of(due.id).await, Status::Pending);
    assert_eq!(store.shown(due.id).await.attempts.len(), 1);
}
