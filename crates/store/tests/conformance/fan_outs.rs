//! Events with many recipients: committed with a mark, made in slices behind it, each delivery once.

use std::collections::HashSet;
use std::sync::Arc;

use model::actor::Actor;
use model::delivery::Status;
use model::endpoint::{self, Endpoint};
use model::id::{EndpointId, EventId, ProjectId};
use model::job::{self, Only, Task};
use store::fan_outs::{DIRECT, Step};
use store::feed::{CommitNotice, FeedItem};
use store::ingest::Accepted;
use tokio::task::JoinSet;

use crate::harness::{DAY, FINAL, HOUR, Hold, Opened, news, tried};

/// More than are made with their event.
const MANY: usize = DIRECT + 44;

/// Rows of one commit: those that it may have until the last verb begins, and those of that verb.
const ROWS: usize = 2048 + 2 * DIRECT;

impl Opened {
    /// Creates `count` endpoints of the default project that want `patterns`.
    async fn endpoints(&self, count: usize, patterns: &[&str]) -> Vec<Arc<Endpoint>> {
        self.endpoints_in(self.project, count, patterns).await
    }

    async fn endpoints_in(&self, project: ProjectId, count: usize, patterns: &[&str]) -> Vec<Arc<Endpoint>> {
        let mut making = JoinSet::new();
        for _ in 0..count {
            let (store, endpoint) = (self.store.clone(), self.plan().of(project).events(patterns).endpoint);
            making.spawn(async move { store.create_endpoint(&Actor::Admin, endpoint).await.unwrap() });
        }
        making.join_all().await
    }

    /// Fans out everything and returns the number of steps.
    async fn fan_out_all(&self) -> usize {
        let mut steps = 0;
        while self.fan_out().await.unwrap() == Step::More {
            steps += 1;
            assert!(steps < 10_000, "it does not end");
        }
        steps
    }

    /// The endpoints that have a delivery of an event.
    async fn receivers_of(&self, event: &EventId) -> Vec<EndpointId> {
        let deliveries = self.all_deliveries().await.into_iter();
        deliveries.filter(|delivery| delivery.event == *event).map(|delivery| delivery.endpoint).collect()
    }
}

fn ids(endpoints: &[Arc<Endpoint>]) -> HashSet<EndpointId> {
    endpoints.iter().map(|endpoint| endpoint.id).collect()
}

/// Asserts that each of `endpoints` is there once, and no other.
#[track_caller]
fn assert_each_once(receivers: &[EndpointId], endpoints: &[Arc<Endpoint>]) {
    assert_eq!(receivers.len(), endpoints.len());
    assert_eq!(receivers.iter().copied().collect::<HashSet<_>>(), ids(endpoints));
}

#[tokio::test]
async fn an_event_for_many_is_answered_with_their_number_and_made_in_slices() {
    let store = Opened::fresh().await;
    let endpoints = store.endpoints(MANY, &["*"]).await;
    let mut feed = store.feed().unwrap();
    while news(&mut feed).is_some() {}

    let accepted = store.draft("order.created").ingest().await;

    let Accepted::New { id, deliveries } = accepted else { panic!("{accepted:?}") };
    assert_eq!(deliveries as usize, MANY);
    assert!(store.receivers_of(&id).await.is_empty(), "none is made with it");
    assert_eq!(store.fan_out_all().await, 2);
    assert_each_once(&store.receivers_of(&id).await, &endpoints);
    let mut told = Vec::new();
    while let Some(FeedItem::Notices(facts)) = news(&mut feed) {
        assert!(facts.len() <= DIRECT, "a slice has {}", facts.len());
        told.extend(facts.into_iter().map(|fact| match fact {
            CommitNotice::Due(due) => due.endpoint,
            other => panic!("{other:?}"),
        }));
    }
    assert_each_once(&told, &endpoints);
    assert_eq!(store.fan_out().await.unwrap(), Step::Rest);
    assert!(store.held().most_rows <= ROWS, "{:?}", store.held());
}

#[tokio::test]
async fn as_many_as_are_made_with_their_event_are() {
    let store = Opened::fresh().await;
    let endpoints = store.endpoints(DIRECT, &["*"]).await;
    let event = store.send("order.created").await;
    assert_each_once(&store.receivers_of(&event).await, &endpoints);
    assert_eq!(store.fan_out().await.unwrap(), Step::Rest);
}

#[tokio::test]
async fn after_a_restart_it_goes_on_where_it_was() {
    let store = Opened::fresh().await;
    let endpoints = store.endpoints(MANY, &["*"]).await;
    let first = store.send("order.created").await;
    assert_eq!(store.fan_out().await.unwrap(), Step::More);
    let second = store.send("order.created").await;

    let store = store.reopen().await;
    let made = store.receivers_of(&first).await.len();
    assert!(0 < made && made < MANY, "{made}");
    store.fan_out_all().await;

    for event in [first, second] {
        assert_each_once(&store.receivers_of(&event).await, &endpoints);
    }
}

#[tokio::test]
async fn it_is_for_those_who_wanted_it_when_it_was_accepted_and_are_still_there() {
    let store = Opened::fresh().await;
    let mut endpoints = store.endpoints(MANY, &["order.*"]).await;
    let event = store.send("order.created").await;

    store.endpoint(&["*"]).await;
    store.delete(&endpoints.remove(0)).await;
    store.set_status(&endpoints[0], endpoint::Status::Paused).await;
    store.change(&endpoints[1], |endpoint| endpoint.settings.events = crate::harness::subscription(&["x"])).await;
    store.fan_out_all().await;

    assert_each_once(&store.receivers_of(&event).await, &endpoints);
}

#[tokio::test]
async fn a_repeat_is_answered_as_the_first_before_and_after_it_is_made() {
    let store = Opened::fresh().await;
    store.endpoints(MANY, &["*"]).await;
    let request = store.draft("order.created").id("order-7").key("k1");
    let id = request.clone().send().await;
    for _ in 0..2 {
        let again = request.clone().ingest().await;
        assert!(
            matches!(&again, Accepted::Again { id: first, deliveries, .. } if *first == id && *deliveries as usize == MANY)
        );
        store.fan_out_all().await;
    }
    assert_eq!(store.receivers_of(&id).await.len(), MANY);
}

#[tokio::test]
async fn it_is_due_when_the_event_is_and_a_filter_that_failed_is_noted() {
    let store = Opened::fresh().await;
    store.endpoints(DIRECT, &["*"]).await;
    let filtered = store.plan().filter("event.data.n / 0 == 1").create().await;
    let later = store.now() + HOUR;
    store.draft("order.created").data(r#"{"n":1}"#).deliver_at(later).send().await;
    store.fan_out_all().await;

    let pending = store.due(filtered.id, endpoint::Ordering::None, store.now(), 10).await.unwrap();
    assert_eq!((pending.due.len(), pending.next_at), (0, Some(later)));
    store.advance(HOUR);
    let due = store.only_due_at(&filtered).await;
    let note = store.shown(due.id).await.note;
    assert!(note.as_deref().is_some_and(|note| note.starts_with("the filter failed")), "{note:?}");
}

#[tokio::test]
async fn with_strict_order_what_comes_later_stands_behind_it() {
    let store = Opened::fresh().await;
    store.endpoints(DIRECT, &["wide.*"]).await;
    let ordered = store.ordered_endpoint().await;
    let mut sent = vec![store.send("wide.first").await];
    sent.push(store.send("narrow.second").await);
    assert_eq!(store.fan_out().await.unwrap(), Step::More);
    sent.push(store.send("narrow.third").await);
    store.fan_out_all().await;
    sent.push(store.send("narrow.fourth").await);

    let in_order: Vec<EventId> = store.due_at(&ordered).await.into_iter().map(|due| due.event.id.clone()).collect();

    assert_eq!(in_order, sent);
}

#[tokio::test]
async fn projects_take_turns() {
    let store = Opened::fresh().await;
    let other = store.project_called("other").await.id;
    store.endpoints(MANY, &["*"]).await;
    let theirs = store.endpoints_in(other, MANY, &["*"]).await;
    store.send_many("order.created", 40).await;
    store.draft("order.created").of(other).send().await;

    for _ in 0..4 {
        store.fan_out().await.unwrap();
    }

    let mut made = 0;
    for endpoint in &theirs {
        made += store.deliveries_of(endpoint).await.len();
    }
    assert_eq!(made, MANY, "two of four steps were theirs");
}

#[tokio::test]
async fn a_batch_for_many_is_accepted_at_once_and_made_in_slices() {
    const EVENTS: usize = 300;
    const ENDPOINTS: usize = 20;
    let store = Opened::fresh().await;
    let endpoints = store.endpoints(ENDPOINTS, &["*"]).await;
    let types = ["a.one", "a.two"];
    let intakes = (0..EVENTS).map(|n| store.draft(types[n % 2]).id(&format!("order-{n}")).intake()).collect();

    let accepted = store.take_all(intakes).await;

    assert!(
        accepted.iter().all(|one| matches!(one, Accepted::New { deliveries, .. } if *deliveries as usize == ENDPOINTS))
    );
    store.fan_out_all().await;
    let expected: Vec<EventId> = (0..EVENTS).map(|n| format!("order-{n}").parse().unwrap()).collect();
    for endpoint in &endpoints {
        let all = store.deliveries_of(endpoint).await;
        assert_eq!(all.len(), EVENTS);
        assert_eq!(all.iter().map(|one| &one.event).collect::<HashSet<_>>(), expected.iter().collect());
    }
    assert!(store.held().most_rows <= ROWS, "{:?}", store.held());
}

#[tokio::test(flavor = "multi_thread")]
async fn verbs_that_come_together_are_committed_together_as_far_as_a_commit_goes() {
    let store = Opened::fresh().await;
    let endpoints = store.endpoints(200, &["*"]).await;
    let hold = Hold::on(&store, &endpoints[0]).await;
    let mut taking = JoinSet::new();
    for _ in 0..40 {
        let (store, intake) = (store.store.clone(), store.draft("order.created").intake());
        taking.spawn(async move { store.ingest(&Actor::Admin, intake).await.unwrap() });
    }
    tokio::task::yield_now().await;
    hold.let_go().await;

    let accepted = taking.join_all().await;

    assert!(accepted.iter().all(|one| matches!(one, Accepted::New { deliveries: 200, .. })));
    assert!(store.held().most_rows <= ROWS, "{:?}", store.held());
    assert_eq!(store.deliveries_of(&endpoints[7]).await.len(), 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verb_that_fails_beside_it_costs_it_nothing() {
    let store = Opened::fresh().await;
    let endpoints = store.endpoints(MANY, &["wide.*"]).await;
    let endpoint = store.endpoint(&["narrow.*"]).await;
    let done = store.send_to(&endpoint, "narrow.done").await;
    store.delivers(&done).await;
    let first = store.send("wide.first").await;

    let hold = Hold::on(&store, &endpoint).await;
    let (second, twice, step, ()) = tokio::join!(
        store.send("wide.second"),
        store.record(tried(&done, 500, FINAL)),
        store.fan_out(),
        hold.let_go(),
    );
    assert!(twice.is_err(), "this attempt is recorded already");
    step.unwrap();
    store.fan_out_all().await;

    for event in [first, second] {
        assert_each_once(&store.receivers_of(&event).await, &endpoints);
    }
}

#[tokio::test]
async fn retention_keeps_an_event_that_is_not_made_yet() {
    let store = Opened::fresh().await;
    let endpoints = store.endpoints(MANY, &["*"]).await;
    let event = store.send("order.created").await;
    assert_eq!(store.fan_out().await.unwrap(), Step::More);
    for endpoint in &endpoints {
        store.give_up_all(endpoint).await;
    }
    store.advance(90 * DAY);
    store.sweep_up().await;
    assert!(store.event(store.project, event.clone()).await.unwrap().is_some());

    store.fan_out_all().await;

    let receivers = store.receivers_of(&event).await;
    assert_eq!(receivers.iter().collect::<HashSet<_>>().len(), receivers.len());
    let pending = store.all_deliveries().await.into_iter().filter(|one| one.status == Status::Pending).count();
    assert_eq!(pending, MANY - DIRECT);
}

#[tokio::test]
async fn recovering_what_was_missed_leaves_alone_what_is_yet_to_come() {
    let store = Opened::fresh().await;
    let endpoints = store.endpoints(MANY, &["*"]).await;
    let event = store.send("order.created").await;
    let late = store.endpoint(&["*"]).await;
    store.advance(HOUR);

    for (endpoint, missed) in [(&endpoints[MANY - 1], 0), (&late, 1)] {
        let (since, until) = (store.now() - DAY, store.now());
        let task = Task::Recover { endpoint: endpoint.id, since, until, only: Only::Missed };
        let job = store.create_job(&Actor::Admin, store.project, task).await.unwrap();
        assert_eq!(job.total, missed);
        store.finish(&job).await;
        assert_eq!(store.now_of(&job).await.done, missed);
    }
    store.fan_out_all().await;

    let mut all = endpoints.clone();
    all.push(late);
    assert_each_once(&store.receivers_of(&event).await, &all);
}

#[tokio::test]
async fn a_replay_to_many_goes_in_steps_and_goes_on_after_a_restart() {
    let store = Opened::fresh().await;
    let event = store.send("order.created").await;
    let endpoints = store.endpoints(MANY, &["*"]).await;
    let job = store.create_job(&Actor::Admin, store.project, Task::Replay { event: event.clone() }).await.unwrap();
    assert_eq!(job.total as usize, MANY);

    assert_eq!(store.step_job(job.id).await.unwrap(), store::jobs::Step::More);
    assert_eq!(store.receivers_of(&event).await.len(), DIRECT);
    let store = store.reopen().await;
    store.finish(&job).await;

    let job = store.now_of(&job).await;
    assert_eq!((job.status, job.done as usize), (job::Status::Done, MANY));
    assert_each_once(&store.receivers_of(&event).await, &endpoints);
}

#[tokio::test]
async fn of_a_project_that_was_deleted_nothing_is_made() {
    let store = Opened::fresh().await;
    let other = store.project_called("other").await.id;
    let endpoints = store.endpoints_in(other, MANY, &["*"]).await;
    store.draft("order.created").of(other).send().await;
    assert_eq!(store.fan_out().await.unwrap(), Step::More);
    assert!(store.delete_project(&Actor::Admin, other).await.unwrap());

    assert_eq!(store.fan_out_all().await, 1);

    for endpoint in &endpoints {
        let deliveries = store.deliveries_of(endpoint).await;
        assert!(deliveries.iter().all(|delivery| delivery.status == Status::Cancelled), "{deliveries:?}");
    }
}

#[tokio::test]
async fn what_posthaste_has_to_say_to_many_is_fanned_out_as_well() {
    let store = Opened::fresh().await;
    let endpoints = store.endpoints(MANY, &["posthaste.*"]).await;
    let failing = store.endpoint(&["order.*"]).await;
    let due = store.send_to(&failing, "order.created").await;
    store.fails(&due, crate::harness::EXHAUSTED).await;

    store.fan_out_all().await;

    let events = store.all_events().await;
    let told = events.iter().find(|stored| stored.event_type.as_str() == "posthaste.delivery.exhausted").unwrap();
    assert_eq!(told.deliveries as usize, MANY);
    assert_each_once(&store.receivers_of(&told.id).await, &endpoints);
}

#[tokio::test]
async fn more_than_are_kept_in_memory_are_all_made() {
    let store = Opened::embedded().await;
    let endpoints = store.endpoints(2, &["*"]).await;
    // Each is fanned out, because the first is and their order is strict.
    store.endpoints(DIRECT, &["wide"]).await;
    for endpoint in &endpoints {
        store.set_ordering(endpoint, endpoint::Ordering::Fifo).await;
    }
    store.send("wide").await;
    store.send_many("narrow", 5_000).await;

    store.fan_out_all().await;

    for endpoint in &endpoints {
        assert_eq!(store.deliveries_of(endpoint).await.len(), 5_001);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_make_each_delivery_once() {
    let store = Opened::fresh().await;
    if matches!(store.place, crate::harness::Place::Embedded(_)) {
        // The embedded database has one node.
        return;
    }
    let other = store.beside(|_| {}).await.unwrap();
    let endpoints = store.endpoints(MANY, &["*"]).await;
    let events = store.send_many("order.created", 10).await;

    tokio::join!(store.fan_out_all(), other.fan_out_all());
    store.fan_out_all().await;

    for event in &events {
        assert_each_once(&store.receivers_of(event).await, &endpoints);
    }
    other.shut().await;
}
