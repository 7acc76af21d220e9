//! The outbox: the mails that admins get, and those they are spared.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use model::actor::Actor;
use model::endpoint::{Endpoint, Status};
use model::health::DisableRule;
use model::id::ProjectId;
use model::project::Project;
use model::retry;
use store::Store;
use store::outbox::{Mail, Next, What};
use store::record::Record;
use store::slice::ROWS;

use crate::harness::{EXHAUSTED, FINAL, HOUR, Opened, SECOND, slug, tried};

const ADMIN: &str = "oncall@example.com";

/// A store whose default project has one admin, and an endpoint of it.
async fn store_with_an_admin() -> (Opened, Arc<Endpoint>) {
    let store = Opened::fresh().await;
    set_admins(&store, &[ADMIN]).await;
    let endpoint = store.endpoint(&["*"]).await;
    (store, endpoint)
}

async fn set_admins(store: &Opened, admins: &[&str]) {
    let before = store.directory().project(store.project).unwrap().clone();
    let admins = admins.iter().map(|admin| (*admin).to_owned()).collect();
    store.put_project(Project { admins, ..Project::clone(&before) }).await.unwrap().unwrap();
}

/// The endpoint responds 410, in a dialect that disables it for that.
async fn gone(store: &Opened, endpoint: &Endpoint, next: retry::Next, notify: bool) {
    let due = store.send_to(endpoint, "order.created").await;
    let rule = DisableRule { on_status: vec![410], ..DisableRule::default() };
    store.record(Record { rule: Arc::new(rule), notify, ..tried(&due, 410, next) }).await.unwrap();
}

async fn gives_up(store: &Opened, endpoint: &Endpoint) {
    store.fails(&store.send_to(endpoint, "order.created").await, EXHAUSTED).await;
}

async fn delivers(store: &Opened, endpoint: &Endpoint) {
    store.delivers(&store.send_to(endpoint, "order.created").await).await;
}

/// The mail that is due first.
async fn due(store: &Store) -> Mail {
    match store.next_mail().await.unwrap() {
        Next::Due(mail) => *mail,
        other => panic!("no mail is due: {other:?}"),
    }
}

/// Takes all mail out that is due.
async fn all_due(store: &Store) -> Vec<Mail> {
    let mut all = Vec::new();
    while let Next::Due(mail) = store.next_mail().await.unwrap() {
        store.remove_mail(mail.id).await.unwrap();
        all.push(*mail);
    }
    all
}

/// Takes all due mail out, and returns its subjects.
async fn told(store: &Store) -> Vec<&'static str> {
    let name = |mail: &Mail| match mail.report.what {
        What::Disabled { .. } => "disabled",
        What::GivesUp { .. } => "gives up",
        What::Recovered => "recovered",
    };
    all_due(store).await.iter().map(name).collect()
}

#[tokio::test]
async fn an_admin_is_told_which_endpoint_was_disabled_and_why() {
    let (store, endpoint) = store_with_an_admin().await;
    let began = store.now();
    store.fails(&store.send_to(&endpoint, "order.created").await, FINAL).await;
    store.advance(HOUR);

    gone(&store, &endpoint, FINAL, true).await;

    let mail = due(&store).await;
    assert_eq!((mail.recipient.as_str(), mail.project, mail.created_at), (ADMIN, store.project, store.now()));
    assert_eq!((mail.report.slug, mail.report.project.as_str()), (slug("default"), "Default"));
    assert_eq!((mail.report.endpoint, mail.report.url.as_str()), (endpoint.id, "https://example.com/hook"));
    let What::Disabled { reason, failing } = mail.report.what else { panic!("{:?}", mail.report.what) };
    assert_eq!(reason, "the receiver answered 410");
    assert_eq!((failing.failure_count, failing.since, failing.status_code), (2, Some(began), Some(410)));
    assert!(failing.error.unwrap().contains("410"));
}

#[tokio::test]
async fn every_admin_gets_a_mail_of_their_own() {
    let (store, endpoint) = store_with_an_admin().await;
    set_admins(&store, &["a@example.com", "b@example.com"]).await;

    gone(&store, &endpoint, FINAL, true).await;

    let mails = all_due(&store).await;
    let recipients: Vec<_> = mails.iter().map(|mail| mail.recipient.as_str()).collect();
    assert_eq!(recipients, ["a@example.com", "b@example.com"]);
    assert_ne!(mails[0].id, mails[1].id);
}

#[tokio::test]
async fn a_project_without_admins_gets_no_mail() {
    let (store, endpoint) = store_with_an_admin().await;
    set_admins(&store, &[]).await;
    gone(&store, &endpoint, FINAL, true).await;
    assert!(matches!(store.next_mail().await.unwrap(), Next::Nothing));
}

#[tokio::test]
async fn where_nobody_sends_mail_none_waits_to_be_sent() {
    let (store, endpoint) = store_with_an_admin().await;
    let project = store.project;
    let (place, master_key, clock) = store.shut().await;
    let store = place.open_with(&master_key, clock.clone(), false).await.unwrap();
    let store = Opened { store, clock, key: master_key, place, project };

    gone(&store, &endpoint, FINAL, true).await;
    assert!(matches!(store.next_mail().await.unwrap(), Next::Nothing));

    let store = store.reopen().await;
    assert!(matches!(store.next_mail().await.unwrap(), Next::Nothing));
}

#[tokio::test]
async fn an_endpoint_that_gives_deliveries_up_is_told_of_once_and_when_it_has_recovered() {
    let (store, endpoint) = store_with_an_admin().await;
    gives_up(&store, &endpoint).await;
    store.advance(2 * HOUR);
    gives_up(&store, &endpoint).await;

    let mails = all_due(&store).await;
    assert_eq!(mails.len(), 1);
    let What::GivesUp { event_type, delivery, failing } = &mails[0].report.what else { panic!("{mails:?}") };
    assert_eq!((event_type.as_str(), *delivery), ("order.created", store.deliveries_of(&endpoint).await[0].id));
    assert_eq!(failing.status_code, Some(500));

    delivers(&store, &endpoint).await;
    delivers(&store, &endpoint).await;
    assert_eq!(told(&store).await, ["recovered"]);
}

#[tokio::test]
async fn trouble_that_comes_and_goes_is_told_of_once_an_hour() {
    let (store, endpoint) = store_with_an_admin().await;
    for _ in 0..3 {
        gives_up(&store, &endpoint).await;
        delivers(&store, &endpoint).await;
        store.advance(60 * SECOND);
    }
    assert_eq!(told(&store).await, ["gives up", "recovered"]);

    gives_up(&store, &endpoint).await;
    let store = store.reopen().await;
    store.advance(HOUR);
    assert!(told(&store).await.is_empty());
    gives_up(&store, &endpoint).await;
    assert_eq!(told(&store).await, ["gives up"], "it lasts");
}

#[tokio::test]
async fn a_disabled_endpoint_is_told_of_whatever_was_told_before() {
    let (store, endpoint) = store_with_an_admin().await;
    gives_up(&store, &endpoint).await;
    assert_eq!(told(&store).await, ["gives up"]);

    gone(&store, &endpoint, EXHAUSTED, true).await;
    assert_eq!(told(&store).await, ["disabled"], "not also that this delivery was given up");

    let store = store.reopen().await;
    store.set_status(&endpoint, Status::Active).await;
    assert!(told(&store).await.is_empty(), "it has not delivered yet");
    delivers(&store, &endpoint).await;
    assert_eq!(told(&store).await, ["recovered"]);
}

#[tokio::test]
async fn a_failure_that_is_not_retried_is_no_trouble() {
    let (store, endpoint) = store_with_an_admin().await;
    store.fails(&store.send_to(&endpoint, "order.created").await, FINAL).await;
    delivers(&store, &endpoint).await;
    assert!(told(&store).await.is_empty());
}

#[tokio::test]
async fn a_dialect_may_disable_without_a_word() {
    let (store, endpoint) = store_with_an_admin().await;
    let listener = store.endpoint(&["posthaste.*"]).await;

    gone(&store, &endpoint, FINAL, false).await;
    assert_eq!(store.current(&endpoint).status, Status::Disabled);
    store.set_status(&endpoint, Status::Active).await;
    delivers(&store, &endpoint).await;

    assert!(told(&store).await.is_empty());
    assert!(store.types_for(&listener).await.is_empty(), "nor by an event");
}

#[tokio::test]
async fn what_may_be_secret_in_a_url_is_not_mailed() {
    let cases = [
        ("https://example.com:8443/hook?token=hush", "https://example.com:8443/hook?token=••••••"),
        ("https://hooks.slack.com/services/T0/B0/hush", "https://hooks.slack.com/••••••"),
        ("https://discord.com/api/webhooks/1/hush", "https://discord.com/••••••"),
    ];
    for (url, shown) in cases {
        let store = Opened::fresh().await;
        set_admins(&store, &[ADMIN]).await;
        let endpoint = store.plan().url(url).create().await;
        gone(&store, &endpoint, FINAL, true).await;
        assert_eq!(due(&store).await.report.url, shown);
    }
}

#[tokio::test]
async fn a_mail_that_is_put_off_comes_again_at_its_time_with_its_failures_counted() {
    let (store, endpoint) = store_with_an_admin().await;
    gone(&store, &endpoint, FINAL, true).await;
    let first = due(&store).await;
    assert_eq!(first.failures, 0);

    let again = store.now() + HOUR;
    store.put_off_mail(first.id, again).await.unwrap();
    let waits = store.next_mail().await.unwrap();
    assert!(matches!(waits, Next::At(at) if at == again), "{waits:?}");

    let store = store.reopen().await;
    store.advance(HOUR);
    let second = due(&store).await;
    assert_eq!((second.id, second.failures, &second.report), (first.id, 1, &first.report));
    store.remove_mail(second.id).await.unwrap();
    assert!(matches!(store.next_mail().await.unwrap(), Next::Nothing));
}

#[tokio::test]
async fn mail_that_is_put_off_does_not_hold_up_other_mail() {
    let (store, endpoint) = store_with_an_admin().await;
    gone(&store, &endpoint, FINAL, true).await;
    let slow = due(&store).await;
    store.put_off_mail(slow.id, store.now() + HOUR).await.unwrap();

    let other = store.endpoint(&["*"]).await;
    gone(&store, &other, FINAL, true).await;

    assert_eq!(due(&store).await.report.endpoint, other.id);
}

#[tokio::test]
async fn whoever_sends_mail_is_woken_when_there_is_some() {
    let (store, endpoint) = store_with_an_admin().await;
    let mut context = Context::from_waker(Waker::noop());
    gives_up(&store, &endpoint).await;
    assert!(pin!(store.mails_woken()).poll(&mut context).is_ready());
    gives_up(&store, &endpoint).await;
    assert!(pin!(store.mails_woken()).poll(&mut context).is_pending(), "nothing new was told");
}

#[tokio::test]
async fn a_deleted_projects_mail_is_not_sent() {
    let (store, _) = store_with_an_admin().await;
    let other = store.project_called("other").await;
    let endpoint = store.plan().of(other.id).create().await;
    store.draft("order.created").of(other.id).send().await;
    store.fails(&store.only_due_at(&endpoint).await, EXHAUSTED).await;
    assert_eq!(due(&store).await.recipient, "admin@example.com");

    assert!(store.delete_project(&Actor::Admin, other.id).await.unwrap());

    assert!(matches!(store.next_mail().await.unwrap(), Next::Nothing));
}

/// Fills the outbox of another project than the default one.
async fn a_thousand_wait(store: &Opened) -> ProjectId {
    let other = store.project_called("other").await;
    let admins = (0..20).map(|number| format!("admin{number}@example.com")).collect();
    store.put_project(Project { admins, ..Project::clone(&other) }).await.unwrap().unwrap();
    let endpoint = store.plan().of(other.id).create().await;
    for _ in 0..51 {
        store.draft("order.created").of(other.id).send().await;
        let due = store.only_due_at(&endpoint).await;
        let rule = DisableRule { on_status: vec![410], ..DisableRule::default() };
        store.record(Record { rule: Arc::new(rule), ..tried(&due, 410, FINAL) }).await.unwrap();
        store.set_status(&endpoint, Status::Active).await;
        store.advance(Duration::from_millis(1));
    }
    other.id
}

#[tokio::test]
async fn a_thousand_mails_of_a_project_wait_and_no_more() {
    let store = Opened::fresh().await;
    a_thousand_wait(&store).await;
    assert_eq!(all_due(&store).await.len(), 1_000);
}

#[tokio::test]
async fn however_many_mails_of_a_deleted_project_wait_all_go_and_no_other() {
    let (store, endpoint) = store_with_an_admin().await;
    let project = a_thousand_wait(&store).await;
    gone(&store, &endpoint, FINAL, true).await;

    assert!(store.delete_project(&Actor::Admin, project).await.unwrap());

    let left = all_due(&store).await;
    assert_eq!((left.len(), left[0].project), (1, store.project));
}

/// The number of commits that it takes to delete a project.
async fn commits_of_deleting(store: &Opened, project: ProjectId) -> u64 {
    let before = store.held().commits;
    assert!(store.delete_project(&Actor::Admin, project).await.unwrap());
    store.held().commits - before
}

#[tokio::test]
async fn the_mails_of_a_deleted_project_go_in_slices() {
    let store = Opened::embedded().await;
    let quiet = store.project_called("quiet").await.id;
    store.plan().of(quiet).create().await;
    let loud = a_thousand_wait(&store).await;

    let without = commits_of_deleting(&store, quiet).await;
    let with = commits_of_deleting(&store, loud).await;
    assert_eq!(with - without, 1_000 / ROWS as u64, "the last of the slices goes with what is there anyway");
}
