//! Filters of endpoints: the events let through, wherever deliveries are made, and those that a filter fails on.

use std::sync::Arc;

use model::actor::Actor;
use model::delivery::Status as DeliveryStatus;
use model::endpoint::{Endpoint, Status};
use model::filter::Filter;
use model::id::ProjectId;
use model::job::{Job, Only, Status as JobStatus, Task};
use store::ingest::Accepted;
use store::jobs::STEP;

use crate::harness::{DAY, EXHAUSTED, Opened};

const LARGE: &str = "event.data.amount > 100";

impl Opened {
    async fn sends(&self, event_type: &str, data: &str) -> Accepted {
        self.draft(event_type).data(data).ingest().await
    }

    async fn recovers(&self, endpoint: &Endpoint, only: Only) -> Job {
        let (since, until) = (self.now() - DAY, self.now() + DAY);
        self.does(endpoint.project, Task::Recover { endpoint: endpoint.id, since, until, only }).await
    }

    /// Creates a job, runs it to its end and returns it as it is then.
    async fn does(&self, project: ProjectId, task: Task) -> Job {
        let job = self.create_job(&Actor::Admin, project, task).await.unwrap();
        self.finish(&job).await;
        let ended = self.now_of(&job).await;
        assert_eq!((ended.status, ended.failed), (JobStatus::Done, 0));
        ended
    }

    /// The notes of an endpoint's deliveries, oldest first.
    async fn notes_of(&self, endpoint: &Endpoint) -> Vec<Option<String>> {
        let mut notes = Vec::new();
        for delivery in self.deliveries_of(endpoint).await {
            notes.push(self.shown(delivery.id).await.note);
        }
        notes
    }

    async fn set_filter(&self, endpoint: &Endpoint, filter: Option<Filter>) -> Arc<Endpoint> {
        self.change(endpoint, move |endpoint| endpoint.settings.filter.clone_from(&filter)).await
    }
}

fn deliveries(accepted: &Accepted) -> u32 {
    match accepted {
        Accepted::New { deliveries, .. } => *deliveries,
        other => panic!("this event never came before, but: {other:?}"),
    }
}

#[tokio::test]
async fn an_endpoint_gets_those_events_of_its_types_that_its_filter_lets_through() {
    let store = Opened::fresh().await;
    let large = store.plan().events(&["order.*"]).filter(LARGE).create().await;
    let all = store.endpoint(&["order.*"]).await;

    let accepted = [
        store.sends("order.small", r#"{"amount":100}"#).await,
        store.sends("order.large", r#"{"amount":101}"#).await,
        store.sends("invoice.large", r#"{"amount":101}"#).await,
    ];

    assert_eq!(accepted.each_ref().map(deliveries), [1, 2, 0]);
    assert_eq!(store.types_for(&large).await, ["order.large"]);
    assert_eq!(store.types_for(&all).await, ["order.small", "order.large"]);
    assert_eq!(store.notes_of(&large).await, [None]);
}

#[tokio::test]
async fn an_event_at_which_a_filter_fails_is_delivered_and_the_delivery_says_why() {
    let store = Opened::fresh().await;
    let endpoint = store.plan().filter(LARGE).create().await;

    let accepted = store.sends("order.created", "{}").await;

    assert_eq!(deliveries(&accepted), 1);
    let note = store.notes_of(&endpoint).await.remove(0);
    assert_eq!(note.as_deref(), Some("the filter failed: there is no `amount` in this event"));
    assert_eq!(store.only_due_at(&endpoint).await.event.data.as_str(), "{}");
}

#[tokio::test]
async fn every_event_of_a_batch_is_judged_by_itself() {
    let store = Opened::fresh().await;
    let endpoint = store.plan().filter(LARGE).create().await;
    let events = ["1", "200", "300", "\"x\""].map(|amount| format!(r#"{{"amount":{amount}}}"#));

    let intakes = events.iter().map(|data| store.draft("order.created").data(data).intake()).collect();
    let accepted = store.take_all(intakes).await;

    assert_eq!(accepted.iter().map(deliveries).collect::<Vec<_>>(), [0, 1, 1, 1]);
    let noted: Vec<bool> = store.notes_of(&endpoint).await.iter().map(Option::is_some).collect();
    assert_eq!(noted, [false, false, true]);
}

#[tokio::test]
async fn a_filter_that_was_changed_just_before_is_the_one_that_counts() {
    // With many nodes, concurrent requests have no order.
    let store = Opened::embedded().await;
    let opened_up = store.plan().filter("false").create().await;
    let closed = store.plan().filter("true").create().await;
    let begun = store.endpoint(&["*"]).await;
    let without = store.plan().filter("false").create().await;
    let (yes, no) = (Filter::parse("true").unwrap(), Filter::parse("false").unwrap());

    // All of it is queued before the first commit begins: the event is evaluated by the old filters, and stored behind
    // the new ones.
    tokio::join!(
        store.set_filter(&opened_up, Some(yes)),
        store.set_filter(&closed, Some(no.clone())),
        store.set_filter(&begun, Some(no)),
        store.set_filter(&without, None),
        store.sends("order.created", "{}"),
    );

    assert_eq!(store.types_for(&opened_up).await, ["order.created"]);
    assert_eq!(store.types_for(&without).await, ["order.created"]);
    assert!(store.types_for(&closed).await.is_empty());
    assert!(store.types_for(&begun).await.is_empty());
}

#[tokio::test]
async fn filters_are_kept_over_a_restart_also_those_that_are_not_right_any_more() {
    let store = Opened::fresh().await;
    let endpoint = store.plan().filter(LARGE).create().await;
    let broken = store.endpoint(&["*"]).await;
    store.set_filter(&broken, Some(Filter::stored("event.data.amount >".to_owned()))).await;

    let store = store.reopen().await;
    store.sends("order.small", r#"{"amount":1}"#).await;
    store.sends("order.large", r#"{"amount":101}"#).await;

    assert_eq!(store.current(&endpoint).settings.filter.as_ref().map(Filter::source), Some(LARGE));
    assert_eq!(store.types_for(&endpoint).await, ["order.large"]);
    assert_eq!(store.types_for(&broken).await, ["order.small", "order.large"]);
    let note = store.notes_of(&broken).await.remove(0).unwrap();
    assert!(note.starts_with("the filter failed: column 20:"), "{note}");
}

#[tokio::test]
async fn a_replay_asks_the_filters_again() {
    let store = Opened::fresh().await;
    let all = store.endpoint(&["*"]).await;
    let large = store.plan().filter(LARGE).create().await;
    let failing = store.plan().filter("event.data.x > 1").create().await;
    let small = store.draft("order.small").data(r#"{"amount":1}"#).send().await;
    store.set_filter(&all, Some(Filter::parse("false").unwrap())).await;

    let job = store.does(store.project, Task::Replay { event: small }).await;

    assert_eq!((job.total, job.done), (1, 1), "the failing one's alone");
    assert_eq!(store.types_for(&all).await, ["order.small"]);
    assert!(store.types_for(&large).await.is_empty());
    assert_eq!(store.types_for(&failing).await, ["order.small", "order.small"]);
    assert!(store.notes_of(&failing).await.iter().all(Option::is_some));
}

#[tokio::test]
async fn what_a_filter_refuses_was_not_missed() {
    let store = Opened::fresh().await;
    let endpoint = store.plan().filter(LARGE).create().await;
    store.set_status(&endpoint, Status::Paused).await;
    for data in [r#"{"amount":1}"#, r#"{"amount":101}"#, "{}", r#"{"amount":102}"#] {
        store.sends("order.missed", data).await;
    }
    store.set_status(&endpoint, Status::Active).await;

    let job = store.recovers(&endpoint, Only::Missed).await;

    assert_eq!((job.total, job.done), (3, 3));
    let noted: Vec<bool> = store.notes_of(&endpoint).await.iter().map(Option::is_some).collect();
    assert_eq!(noted, [false, true, false]);
    let again = store.recovers(&endpoint, Only::All).await;
    assert_eq!((again.total, again.done), (0, 0), "nothing is missed any more");
}

#[tokio::test]
async fn a_recovery_goes_on_over_more_refused_events_than_one_step_looks_at() {
    let store = Opened::fresh().await;
    let refused = 2 * STEP + 7;
    let intakes = |count: usize, data: &str| (0..count).map(|_| store.draft("a.b").data(data).intake()).collect();
    for (count, data) in [(3, r#"{"amount":101}"#), (refused, r#"{"amount":1}"#), (STEP, r#"{"amount":101}"#)] {
        store.take_all(intakes(count, data)).await;
    }
    let late = store.plan().filter(LARGE).create().await;

    let job = store.recovers(&late, Only::Missed).await;

    assert_eq!((job.total, job.done), (STEP as u64 + 3, STEP as u64 + 3));
    assert_eq!(store.types_for(&late).await.len(), STEP + 3);
}

#[tokio::test]
async fn a_filter_that_is_changed_during_a_recovery_holds_for_the_rest_of_it() {
    let store = Opened::fresh().await;
    for _ in 0..2 {
        let intakes = (0..STEP).map(|_| store.draft("a.b").data(r#"{"amount":101}"#).intake()).collect();
        store.take_all(intakes).await;
    }
    let late = store.plan().filter(LARGE).create().await;
    let (since, until) = (store.now() - DAY, store.now() + DAY);
    let task = Task::Recover { endpoint: late.id, since, until, only: Only::Missed };
    let job = store.create_job(&Actor::Admin, store.project, task).await.unwrap();

    store.step_job(job.id).await.unwrap();
    let refuses = Filter::parse("event.data.amount > 1000").unwrap();
    tokio::join!(store.set_filter(&late, Some(refuses)), async { store.step_job(job.id).await.unwrap() });
    store.finish(&job).await;

    assert_eq!(store.now_of(&job).await.done, STEP as u64);
    assert_eq!(store.types_for(&late).await.len(), STEP);
}

#[tokio::test]
async fn what_failed_is_recovered_without_asking_the_filter_again() {
    let store = Opened::fresh().await;
    let endpoint = store.plan().filter(LARGE).create().await;
    store.sends("order.large", r#"{"amount":101}"#).await;
    store.give_up_all(&endpoint).await;
    store.set_filter(&endpoint, Some(Filter::parse("false").unwrap())).await;

    let job = store.recovers(&endpoint, Only::Failed).await;

    assert_eq!((job.total, job.done), (1, 1));
    assert_eq!(store.deliveries_of(&endpoint).await[0].status, DeliveryStatus::Pending);
}

#[tokio::test]
async fn operational_events_are_filtered_as_well() {
    let store = Opened::fresh().await;
    let endpoint = store.endpoint(&["order.*"]).await;
    let ours = format!("event.data.endpoint.id == '{}'", endpoint.id);
    let hears = store.plan().events(&["posthaste.*"]).filter(&ours).create().await;
    let deaf = store.plan().events(&["posthaste.*"]).filter("event.data.endpoint.id == ''").create().await;
    let noted = store.plan().events(&["posthaste.*"]).filter("event.data.x == 1").create().await;

    store.fails(&store.send_to(&endpoint, "order.created").await, EXHAUSTED).await;

    assert_eq!(store.types_for(&hears).await, ["posthaste.delivery.exhausted"]);
    assert!(store.types_for(&deaf).await.is_empty());
    assert!(store.notes_of(&noted).await[0].is_some());
}

#[tokio::test]
async fn a_test_event_goes_past_the_filter() {
    let store = Opened::fresh().await;
    let endpoint = store.plan().filter("false").create().await;
    let event = store.draft("order.created").event();
    assert!(store.ingest_test(&Actor::Admin, event, endpoint.id).await.unwrap().is_some());
    assert_eq!(store.types_for(&endpoint).await, ["order.created"]);
    assert_eq!(store.notes_of(&endpoint).await, [None]);
}
