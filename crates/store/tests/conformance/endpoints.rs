//! Endpoints: kept as they are, changed in one step, deleted with what was pending.

use std::future::Future;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use model::actor::Actor;
use model::delivery::{Cancelled, Status};
use model::endpoint::{self, Auth, Ordering};
use model::id::EndpointId;
use model::json::Json;
use model::rate::RateLimit;
use model::secret::{Previous, Secret, Secrets, Signing};
use model::time::Span;
use store::search::{DeliveryFilter, Paging};

use crate::harness::{DAY, Opened, SECOND, facts, news};

#[tokio::test]
async fn an_endpoint_is_kept_with_all_its_settings() {
    let store = Opened::fresh().await;
    let mut plan = store.plan().events(&["order.*", "invoice.paid"]).tenant("ours").ordering(Ordering::Fifo);
    let settings = &mut plan.endpoint.settings;
    settings.name = Some("Ours".to_owned());
    settings.signing = Signing::Ed25519;
    settings.secrets = Secrets {
        current: Some(Secret::stored("whsk_current".to_owned())),
        previous: vec![Previous { secret: Secret::stored("whsk_before".to_owned()), expires_at: store.now() + DAY }],
    };
    settings.auth = Auth::Basic { username: "u".to_owned(), password: "p".to_owned() };
    settings.headers = vec![("X-B".to_owned(), "2".to_owned()), ("X-A".to_owned(), "1".to_owned())];
    settings.rate_limit = Some(RateLimit { requests: 5, per: Span(SECOND) });
    settings.timeout = Some(Duration::from_millis(2_500));
    settings.retry = Some(vec![SECOND, 5 * SECOND]);
    settings.metadata = Some(Json::trusted(r#"{ "crm": 7 }"#));
    let plan = plan.status(endpoint::Status::Paused);
    let planned = plan.endpoint.clone();

    plan.create().await;

    let store = store.reopen().await;
    let kept = store.current(&planned);
    assert_eq!(format!("{kept:?}"), format!("{planned:?}"));
    assert_eq!(kept.settings.secrets, planned.settings.secrets, "Debug hides them");
    assert!(kept.settings.auth == planned.settings.auth, "Debug hides it");
}

#[tokio::test]
async fn every_kind_of_auth_is_kept() {
    let store = Opened::fresh().await;
    let text = str::to_owned;
    let kinds = [
        Auth::None,
        Auth::Bearer { token: text("t") },
        Auth::Basic { username: text("u"), password: text("p") },
        Auth::ApiKey { header: text("X-Key"), value: text("v") },
    ];
    let mut endpoints = Vec::new();
    for auth in &kinds {
        let mut plan = store.plan();
        plan.endpoint.settings.auth = auth.clone();
        endpoints.push(plan.create().await);
    }
    let store = store.reopen().await;
    for (endpoint, auth) in endpoints.iter().zip(&kinds) {
        assert!(store.current(endpoint).settings.auth == *auth, "{auth:?}");
    }
}

#[tokio::test]
async fn a_projects_endpoints_are_listed_oldest_first() {
    let store = Opened::fresh().await;
    let mut made = Vec::new();
    for _ in 0..5 {
        made.push(store.endpoint(&["*"]).await.id);
        store.advance(SECOND);
    }
    let listed = |store: &Opened| -> Vec<EndpointId> {
        store.directory().endpoints_of(store.project).iter().map(|endpoint| endpoint.id).collect()
    };
    assert_eq!(listed(&store), made);
    assert_eq!(listed(&store.reopen().await), made);
}

#[tokio::test]
async fn a_change_is_there_when_it_returns_and_after_a_restart() {
    let store = Opened::fresh().await;
    let endpoint = store.endpoint(&["*"]).await;
    store.advance(SECOND);

    let changed = store.change(&endpoint, |endpoint| endpoint.settings.name = Some("Ours".to_owned())).await;

    assert_eq!(changed.settings.name.as_deref(), Some("Ours"));
    assert_eq!((changed.created_at, changed.updated_at), (store.now() - SECOND, store.now()));
    assert_eq!(format!("{:?}", store.current(&endpoint)), format!("{changed:?}"));
    let store = store.reopen().await;
    assert_eq!(format!("{:?}", store.current(&endpoint)), format!("{changed:?}"));
}

#[tokio::test]
async fn a_refused_change_changes_nothing() {
    let store = Opened::fresh().await;
    let endpoint = store.endpoint(&["*"]).await;
    let mut feed = store.feed().unwrap();
    facts(&mut feed);

    store.advance(SECOND);
    let refused =
        store.change_endpoint(&Actor::Admin, store.project, endpoint.id, |_| Err("not like this")).await.unwrap();

    assert_eq!(refused.unwrap().unwrap_err(), "not like this");
    assert_eq!(format!("{:?}", store.current(&endpoint)), format!("{endpoint:?}"));
    assert!(news(&mut feed).is_none());
    let store = store.reopen().await;
    assert_eq!(format!("{:?}", store.current(&endpoint)), format!("{endpoint:?}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_at_once_come_one_after_the_other_and_none_is_lost() {
    let store = Opened::fresh().await;
    let endpoint = store.endpoint(&["*"]).await;
    let mut changing = tokio::task::JoinSet::new();
    for n in 0..50 {
        let (store, project, id) = (store.store.clone(), store.project, endpoint.id);
        changing.spawn(async move {
            let change = move |before: &endpoint::Endpoint| {
                if n % 5 == 0 {
                    return Err("every fifth is refused");
                }
                let mut after = before.clone();
                after.settings.headers.push((n.to_string(), String::new()));
                Ok(after)
            };
            store.change_endpoint(&Actor::Admin, project, id, change).await.unwrap().unwrap().is_ok()
        });
    }
    let made = changing.join_all().await.into_iter().filter(|made| *made).count();

    let store = store.reopen().await;
    let mut headers = store.current(&endpoint).settings.headers.clone();
    headers.sort();
    headers.dedup();
    assert_eq!((made, headers.len()), (40, 40));
}

#[tokio::test]
async fn another_projects_endpoint_can_be_neither_changed_nor_deleted() {
    let store = Opened::fresh().await;
    let other = store.project_called("other").await;
    let endpoint = store.endpoint(&["*"]).await;
    let nowhere = EndpointId::new(&*store.clock);

    for (project, id) in [(other.id, endpoint.id), (store.project, nowhere)] {
        let changed =
            store.change_endpoint(&Actor::Admin, project, id, |before| Ok::<_, ()>(before.clone())).await.unwrap();
        assert!(changed.is_none());
        assert!(!store.delete_endpoint(&Actor::Admin, project, id).await.unwrap());
    }
    assert!(store.directory().endpoint(endpoint.id).is_some());
}

#[tokio::test]
async fn deleting_an_endpoint_cancels_everything_that_is_pending_and_keeps_it_listed() {
    let store = Opened::fresh().await;
    let (endpoint, other) = (store.endpoint(&["*"]).await, store.endpoint(&["*"]).await);
    store.send_many("order.created", 2_500).await;
    let delivered = store.due_at(&endpoint).await.remove(0);
    store.delivers(&delivered).await;

    store.delete(&endpoint).await;

    assert!(store.directory().endpoint(endpoint.id).is_none());
    assert_eq!(store.count(&endpoint, Status::Cancelled).await, 2_499);
    assert_eq!(store.count(&endpoint, Status::Delivered).await, 1);
    assert_eq!(store.count(&endpoint, Status::Pending).await, 0);
    assert_eq!(store.count(&other, Status::Pending).await, 2_500);
    let last = store.deliveries_of(&endpoint).await.pop().unwrap();
    assert_eq!(last.reason, Some(Cancelled::EndpointDeleted));
    assert!(!store.delete_endpoint(&Actor::Admin, store.project, endpoint.id).await.unwrap(), "it is deleted already");
    assert!(store.reopen().await.directory().endpoint(endpoint.id).is_none());
}

#[tokio::test]
async fn a_deletion_that_was_interrupted_is_finished_at_the_next_start() {
    let store = Opened::fresh().await;
    let endpoint = store.endpoint(&["*"]).await;
    store.send_many("order.created", 2_500).await;

    give_up_when_gone(&store, &endpoint).await;
    assert_ne!(store.count(&endpoint, Status::Pending).await, 0, "the deletion was let go half-way");
    let store = store.reopen().await;

    assert_eq!(store.count(&endpoint, Status::Pending).await, 0);
    assert_eq!(store.count(&endpoint, Status::Cancelled).await, 2_500);
}

#[tokio::test]
async fn a_deletion_that_was_interrupted_wakes_who_does_jobs_and_can_be_finished() {
    let store = Opened::fresh().await;
    let endpoint = store.endpoint(&["*"]).await;
    store.send_many("order.created", 2_500).await;
    give_up_when_gone(&store, &endpoint).await;

    store.jobs_woken().await;
    store.finish_deletions().await.unwrap();

    assert_eq!(store.count(&endpoint, Status::Cancelled).await, 2_500);
}

/// Asks for a deletion and goes away as soon as the directory lacks the endpoint, as a client does that hangs up.
async fn give_up_when_gone(store: &Opened, endpoint: &endpoint::Endpoint) {
    let mut deleting = Box::pin(store.delete_endpoint(&Actor::Admin, store.project, endpoint.id));
    std::future::poll_fn(|context| {
        let finished = deleting.as_mut().poll(context).is_ready();
        let gone = store.directory().endpoint(endpoint.id).is_none();
        assert!(!finished, "there is more than one slice to cancel");
        if gone { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

#[tokio::test]
async fn an_old_directory_is_a_picture_that_does_not_change() {
    let store = Opened::fresh().await;
    let endpoint = store.endpoint(&["*"]).await;
    let before: Arc<_> = store.directory().clone();

    store.set_status(&endpoint, endpoint::Status::Paused).await;
    store.endpoint(&["*"]).await;
    store.project_called("acme").await;

    assert!(before.endpoint(endpoint.id).unwrap().is_active());
    assert_eq!((before.endpoints().count(), before.projects().count()), (1, 1));
}

#[tokio::test]
async fn what_was_deleted_is_still_found_by_who_looks_for_its_deliveries() {
    let store = Opened::fresh().await;
    let endpoint = store.endpoint(&["*"]).await;
    let event = store.send("order.created").await;
    store.delete(&endpoint).await;

    let filter = DeliveryFilter { event: Some(event), ..DeliveryFilter::default() };
    let page = store.deliveries(store.project, filter, Paging { limit: 10, after: None }).await.unwrap();

    assert_eq!(page.items[0].endpoint, endpoint.id);
}
