//! Searches: every filter, every page, and nothing of other projects.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use model::actor::Actor;
use model::delivery::Status;
use model::endpoint::Endpoint;
use model::id::{DeliveryId, EventId};
use model::job::{Only, Task};
use store::search::{Bodies, Cursor, Delivery, DeliveryFilter, EventFilter, ListedEvent, Paging};

use crate::harness::{EXHAUSTED, HOUR, Opened, SECOND};

/// Two endpoints, two tenants, three types, every status, spread over a minute; and the same in another project.
async fn a_busy_store() -> (Opened, [Arc<Endpoint>; 2]) {
    let store = Opened::fresh().await;
    let other = store.project_called("other").await;
    let endpoints = [store.endpoint(&["*"]).await, store.endpoint(&["order.*"]).await];
    let stranger = store.plan().of(other.id).create().await;
    for n in 0..60 {
        let draft = store.draft(["order.created", "order.paid", "invoice.paid"][n % 3]);
        let draft = if n % 4 == 0 { draft } else { draft.tenant(["a", "b"][n % 2]) };
        draft.clone().of(other.id).send().await;
        draft.send().await;
        store.advance(SECOND);
    }
    for endpoint in endpoints.iter().chain([&stranger]) {
        for (n, due) in store.due_at(endpoint).await.iter().enumerate() {
            match n % 5 {
                0 | 1 => store.delivers(due).await,
                2 => store.fails(due, EXHAUSTED).await,
                3 => store.cancel(due.id, model::delivery::Cancelled::Expired).await.unwrap(),
                _ => {}
            }
        }
    }
    (store, endpoints)
}

#[tokio::test]
async fn every_filter_of_deliveries_and_every_combination_leaves_what_it_says() {
    let (store, [endpoint, _]) = a_busy_store().await;
    let all = store.all_deliveries().await;
    assert_eq!(all.len(), 100);
    let sample = &all[42];
    let every = DeliveryFilter {
        endpoint: Some(endpoint.id),
        event: Some(sample.event.clone()),
        status: Some(sample.status),
        event_type: Some(sample.event_type.clone()),
        tenant: sample.tenant.clone().or(Some("a".to_owned())),
        status_code: Some(204),
        since: Some(sample.created_at - 10 * SECOND),
        until: Some(sample.created_at + 10 * SECOND),
    };
    for chosen in 0..=u8::MAX {
        let filter = only(&every, chosen);
        let expected: Vec<DeliveryId> = all.iter().filter(|one| keeps(&filter, one)).map(|one| one.id).collect();
        let got: Vec<DeliveryId> =
            store.listed(store.project, filter.clone(), 7).await.into_iter().map(|one| one.id).collect();
        assert_eq!(got, expected, "{filter:?}");
    }
}

/// The members of a filter whose bits are set in `chosen`.
fn only(every: &DeliveryFilter, chosen: u8) -> DeliveryFilter {
    let every = every.clone();
    let is_chosen = |bit: u8| chosen & (1 << bit) != 0;
    DeliveryFilter {
        endpoint: every.endpoint.filter(|_| is_chosen(0)),
        event: every.event.filter(|_| is_chosen(1)),
        status: every.status.filter(|_| is_chosen(2)),
        event_type: every.event_type.filter(|_| is_chosen(3)),
        tenant: every.tenant.filter(|_| is_chosen(4)),
        status_code: every.status_code.filter(|_| is_chosen(5)),
        since: every.since.filter(|_| is_chosen(6)),
        until: every.until.filter(|_| is_chosen(7)),
    }
}

fn keeps(filter: &DeliveryFilter, one: &Delivery) -> bool {
    filter.endpoint.is_none_or(|wanted| wanted == one.endpoint)
        && filter.event.as_ref().is_none_or(|wanted| *wanted == one.event)
        && filter.status.is_none_or(|wanted| wanted == one.status)
        && filter.event_type.as_ref().is_none_or(|wanted| *wanted == one.event_type)
        && filter.tenant.as_ref().is_none_or(|wanted| Some(wanted) == one.tenant.as_ref())
        && filter.status_code.is_none_or(|wanted| Some(wanted) == one.status_code)
        && filter.since.is_none_or(|since| one.created_at >= since)
        && filter.until.is_none_or(|until| one.created_at < until)
}

#[tokio::test]
async fn every_status_can_be_listed() {
    let (store, endpoints) = a_busy_store().await;
    let all = store.all_deliveries().await;
    for status in Status::ALL {
        let filter = DeliveryFilter { status: Some(status), ..DeliveryFilter::default() };
        let listed = store.listed(store.project, filter, 9).await;
        assert!(!listed.is_empty() && listed.iter().all(|one| one.status == status));
        assert_eq!(listed.len(), all.iter().filter(|one| one.status == status).count());
        let of_each = [store.count(&endpoints[0], status).await, store.count(&endpoints[1], status).await];
        assert_eq!(of_each.iter().sum::<usize>(), listed.len());
    }
}

#[tokio::test]
async fn every_filter_of_events_and_every_combination_leaves_what_it_says() {
    let (store, _) = a_busy_store().await;
    let all = store.all_events().await;
    assert_eq!(all.len(), 60);
    let sample = all.iter().find(|stored| stored.tenant.is_some()).unwrap().clone();
    for chosen in 0..16_u8 {
        let is_chosen = |bit: u8| chosen & (1 << bit) != 0;
        let filter = EventFilter {
            event_type: Some(sample.event_type.clone()).filter(|_| is_chosen(0)),
            tenant: sample.tenant.clone().filter(|_| is_chosen(1)),
            since: Some(sample.created_at - 20 * SECOND).filter(|_| is_chosen(2)),
            until: Some(sample.created_at).filter(|_| is_chosen(3)),
        };
        let keeps = |stored: &&ListedEvent| {
            filter.event_type.as_ref().is_none_or(|wanted| *wanted == stored.event_type)
                && filter.tenant.as_ref().is_none_or(|wanted| Some(wanted) == stored.tenant.as_ref())
                && filter.since.is_none_or(|since| stored.created_at >= since)
                && filter.until.is_none_or(|until| stored.created_at < until)
        };
        let expected: Vec<EventId> = all.iter().filter(keeps).map(|stored| stored.id.clone()).collect();
        let got = store.listed_events(store.project, filter.clone(), 7).await;
        let got: Vec<EventId> = got.into_iter().map(|stored| stored.id).collect();
        assert_eq!(got, expected, "{filter:?}");
    }
}

#[tokio::test]
async fn a_window_takes_in_its_beginning_and_not_its_end() {
    let store = Opened::fresh().await;
    store.endpoint(&["*"]).await;
    let millisecond = Duration::from_millis(1);
    let mut sent = Vec::new();
    for _ in 0..4 {
        sent.push((store.now(), store.send("order.created").await));
        store.advance(millisecond);
    }
    let (since, until) = (Some(sent[1].0), Some(sent[3].0));

    let events = store.listed_events(store.project, EventFilter { since, until, ..EventFilter::default() }, 10).await;
    let deliveries =
        store.listed(store.project, DeliveryFilter { since, until, ..DeliveryFilter::default() }, 10).await;

    let expected = [&sent[2].1, &sent[1].1];
    assert_eq!(events.iter().map(|stored| &stored.id).collect::<Vec<_>>(), expected);
    assert_eq!(deliveries.iter().map(|delivery| &delivery.event).collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn a_window_before_or_after_everything_is_empty() {
    let (store, _) = a_busy_store().await;
    let (before, after) = (store.now() - 3600 * SECOND, store.now() + SECOND);
    for (since, until) in [(None, Some(before)), (Some(after), None), (Some(store.now()), Some(before))] {
        let events = EventFilter { since, until, ..EventFilter::default() };
        let deliveries = DeliveryFilter { since, until, ..DeliveryFilter::default() };
        assert!(store.listed_events(store.project, events, 10).await.is_empty());
        assert!(store.listed(store.project, deliveries, 10).await.is_empty());
    }
}

#[tokio::test]
async fn pages_have_no_gaps_and_no_repeats_while_new_ones_arrive() {
    let store = Opened::fresh().await;
    store.endpoint(&["*"]).await;
    let mut expected = store.send_many("order.created", 45).await;
    expected.reverse();
    let (mut deliveries, mut events) = (Vec::new(), Vec::new());
    let (mut after_delivery, mut after_event) = (None, None);
    loop {
        let paging = Paging { limit: 10, after: after_delivery };
        let page = store.deliveries(store.project, DeliveryFilter::default(), paging).await.unwrap();
        deliveries.extend(page.items.into_iter().map(|delivery| delivery.event));
        let paging = Paging { limit: 10, after: after_event };
        let more = store.events(store.project, EventFilter::default(), paging).await.unwrap();
        events.extend(more.items.into_iter().map(|stored| stored.id));
        store.send_many("order.created", 3).await;
        (after_delivery, after_event) = (page.next, more.next);
        if after_delivery.is_none() && after_event.is_none() {
            break;
        }
    }
    assert_eq!(deliveries, expected);
    assert_eq!(events, expected);
}

#[tokio::test]
async fn a_last_page_that_is_full_is_the_last() {
    let store = Opened::fresh().await;
    store.endpoint(&["*"]).await;
    store.send_many("order.created", 10).await;
    let paging = Paging { limit: 10, after: None };
    assert!(store.deliveries(store.project, DeliveryFilter::default(), paging).await.unwrap().next.is_none());
    assert!(store.events(store.project, EventFilter::default(), paging).await.unwrap().next.is_none());
}

#[tokio::test]
async fn a_cursor_survives_being_printed_and_nonsense_is_none() {
    let store = Opened::fresh().await;
    store.endpoint(&["*"]).await;
    store.send_many("order.created", 2).await;
    let paging = Paging { limit: 1, after: None };
    let next = store.deliveries(store.project, DeliveryFilter::default(), paging).await.unwrap().next.unwrap();

    assert_eq!(Cursor::parse(&next.to_string()), Some(next));
    for nonsense in ["", "x", "!!!!", "AAAA", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "ä"] {
        assert_eq!(Cursor::parse(nonsense), None, "{nonsense}");
    }
}

#[tokio::test]
async fn another_projects_things_are_not_there() {
    let (store, [endpoint, _]) = a_busy_store().await;
    let stranger = store.project_called("stranger").await.id;
    let delivery = store.deliveries_of(&endpoint).await.remove(0);

    assert!(store.delivery(stranger, delivery.id, Bodies::With).await.unwrap().is_none());
    assert!(store.event(stranger, delivery.event.clone()).await.unwrap().is_none());
    assert!(store.listed_events(stranger, EventFilter::default(), 10).await.is_empty());
    let filters = [
        DeliveryFilter::default(),
        DeliveryFilter { endpoint: Some(endpoint.id), ..DeliveryFilter::default() },
        DeliveryFilter { event: Some(delivery.event), ..DeliveryFilter::default() },
        DeliveryFilter { status: Some(Status::Failed), ..DeliveryFilter::default() },
    ];
    for filter in filters {
        assert!(store.listed(stranger, filter.clone(), 10).await.is_empty(), "{filter:?}");
    }
}

#[tokio::test]
async fn what_does_not_exist_is_none() {
    let store = Opened::fresh().await;
    let nowhere = "order-7".parse::<EventId>().unwrap();
    assert!(store.event(store.project, nowhere.clone()).await.unwrap().is_none());
    assert!(store.delivery(store.project, DeliveryId::new(&*store.clock), Bodies::With).await.unwrap().is_none());
    let filter = DeliveryFilter { event: Some(nowhere), ..DeliveryFilter::default() };
    assert!(store.listed(store.project, filter, 10).await.is_empty());
}

#[tokio::test]
async fn a_store_without_events_can_be_searched() {
    let store = Opened::fresh().await;
    let (since, until) = (Some(store.now() - SECOND), Some(store.now() + SECOND));
    let (events, deliveries) = (EventFilter::default(), DeliveryFilter::default());
    assert!(store.listed_events(store.project, EventFilter { since, until, ..events }, 10).await.is_empty());
    assert!(store.listed(store.project, DeliveryFilter { since, until, ..deliveries }, 10).await.is_empty());
}

#[tokio::test]
async fn a_delivery_is_shown_with_its_event_and_an_event_with_its_deliveries() {
    let (store, [first, second]) = a_busy_store().await;
    let event = store.draft("order.created").tenant("a").data(r#"{"n": 7}"#).send().await;

    let filter = DeliveryFilter { event: Some(event.clone()), ..DeliveryFilter::default() };
    let deliveries = store.listed(store.project, filter, 1).await;

    let endpoints: HashSet<_> = deliveries.iter().map(|delivery| delivery.endpoint).collect();
    assert_eq!(endpoints, HashSet::from([first.id, second.id]));
    for delivery in deliveries {
        let shown = store.shown(delivery.id).await;
        assert_eq!((&shown.event.id, shown.event.data.as_str()), (&event, r#"{"n": 7}"#));
        assert_eq!((shown.delivery.id, shown.delivery.tenant.as_deref()), (delivery.id, Some("a")));
        assert!(shown.attempts.is_empty());
    }
}

/// The deliveries and numbers of an endpoint's newest attempts.
async fn attempts_at(store: &Opened, endpoint: &Endpoint, limit: usize) -> Vec<(DeliveryId, u32)> {
    let attempted = store.attempts_at(store.project, endpoint.id, limit, 1_000).await.unwrap();
    attempted.into_iter().map(|one| (one.delivery, one.attempt.number)).collect()
}

#[tokio::test]
async fn the_attempts_at_an_endpoint_come_newest_first_whichever_delivery_they_were_for() {
    let store = Opened::fresh().await;
    let (endpoint, other) = (store.endpoint(&["order.*"]).await, store.endpoint(&["invoice.*"]).await);
    let first = store.send_to(&endpoint, "order.created").await;
    store.fails_for(&first, 5 * SECOND).await;
    store.advance(SECOND);
    let second = store.send_to(&endpoint, "order.paid").await;
    store.delivers(&second).await;
    let elsewhere = store.send_to(&other, "invoice.paid").await;
    store.delivers(&elsewhere).await;
    store.advance(5 * SECOND);
    let again = store.only_due_at(&endpoint).await;
    store.delivers(&again).await;

    let expected = [(first.id, 2), (second.id, 1), (first.id, 1)];
    assert_eq!(attempts_at(&store, &endpoint, 250).await, expected);
    assert_eq!(attempts_at(&store, &endpoint, 2).await, expected[..2]);
    assert_eq!(attempts_at(&store, &other, 250).await, [(elsewhere.id, 1)]);
    let newest = store.attempts_at(store.project, endpoint.id, 2, 1_000).await.unwrap();
    assert_eq!((&newest[0].event, newest[0].attempt.status_code), (&first.event.id, Some(204)));
    assert_eq!((newest[1].event_type.as_str(), newest[1].attempt.status_code), ("order.paid", Some(204)));
    let stranger = store.project_called("stranger").await.id;
    assert!(store.attempts_at(stranger, endpoint.id, 250, 1_000).await.unwrap().is_empty());
}

#[tokio::test]
async fn deliveries_that_wait_do_not_hide_the_attempts_before_them() {
    let store = Opened::fresh().await;
    let endpoint = store.endpoint(&["*"]).await;
    let due = store.send_to(&endpoint, "order.created").await;
    store.delivers(&due).await;
    store.send_many("order.created", 300).await;
    assert_eq!(attempts_at(&store, &endpoint, 1).await, [(due.id, 1)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_sees_what_was_written_as_soon_as_the_verb_returns() {
    let store = Arc::new(Opened::fresh().await);
    let endpoint = store.endpoint(&["*"]).await;
    let mut readers = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (store, endpoint) = (store.clone(), endpoint.clone());
        readers.spawn(async move {
            for _ in 0..10 {
                let event = store.send("order.created").await;
                assert!(store.event(store.project, event.clone()).await.unwrap().is_some());
                let due = store.due_at(&endpoint).await;
                let due = due.into_iter().find(|due| due.event.id == event).unwrap();
                store.delivers(&due).await;
                assert_eq!(store.status_of(due.id).await, Status::Delivered);
            }
        });
    }
    readers.join_all().await;
}

#[tokio::test]
async fn what_was_sent_again_later_is_found_by_type_tenant_and_outcome_where_it_belongs() {
    let store = Opened::fresh().await;
    let endpoint = store.endpoint(&["*"]).await;
    let first = store.draft("order.created").tenant("a").send().await;
    store.advance(SECOND);
    store.draft("order.paid").tenant("b").send().await;
    store.advance(HOUR);
    let since = store.endpoint(&["*"]).await;
    let recover =
        Task::Recover { endpoint: since.id, since: store.now() - 2 * HOUR, until: store.now(), only: Only::Missed };
    let job = store.create_job(&Actor::Admin, store.project, recover).await.unwrap();
    store.finish(&job).await;
    store.draft("order.created").tenant("a").send().await;
    let due = store.due_at(&endpoint).await;
    store.fails_for(&due[0], SECOND).await;

    let all = store.all_deliveries().await;
    assert_eq!(all.len(), 6);
    let paging_of_one = |filter: DeliveryFilter| store.listed(store.project, filter, 1);
    let of_type = DeliveryFilter { event_type: Some("order.created".parse().unwrap()), ..DeliveryFilter::default() };
    let of_tenant = DeliveryFilter { tenant: Some("a".to_owned()), ..DeliveryFilter::default() };
    let pending = DeliveryFilter { status: Some(Status::Pending), ..of_tenant.clone() };
    let tried = DeliveryFilter { status_code: Some(500), ..DeliveryFilter::default() };
    for (filter, expected) in [(of_type, 4), (of_tenant, 4), (pending, 4), (tried, 1)] {
        let ids: Vec<_> = all.iter().filter(|one| keeps(&filter, one)).map(|one| one.id).collect();
        assert_eq!(ids.len(), expected, "{filter:?}");
        let got: Vec<_> = paging_of_one(filter.clone()).await.into_iter().map(|one| one.id).collect();
        assert_eq!(got, ids, "{filter:?}");
    }
    assert!(all.iter().filter(|one| one.event == first).count() == 2);
}

#[tokio::test]
async fn a_delivery_that_failed_and_arrived_after_all_is_found_as_what_it_is_now() {
    let store = Opened::fresh().await;
    let endpoint = store.endpoint(&["*"]).await;
    let due = store.send_to(&endpoint, "order.created").await;
    store.fails(&due, EXHAUSTED).await;
    store.retry(&Actor::Admin, store.project, due.id).await.unwrap();
    let listed = async |status, status_code| {
        let filter = DeliveryFilter { status, status_code, ..DeliveryFilter::default() };
        store.listed(store.project, filter, 7).await.len()
    };
    let now = (listed(Some(Status::Failed), None).await, listed(Some(Status::Pending), Some(500)).await);
    assert_eq!((now, listed(None, Some(500)).await), ((0, 1), 1));

    let again = store.only_due_at(&endpoint).await;
    store.delivers(&again).await;

    assert_eq!((listed(None, Some(500)).await, listed(Some(Status::Pending), None).await), (0, 0));
    assert_eq!((listed(Some(Status::Delivered), None).await, listed(None, Some(204)).await), (1, 1));
}
