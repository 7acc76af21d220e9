//! Projects and their keys.

use model::actor::Actor;
use model::id::{KeyId, ProjectId};
use model::project::Project;
use store::ingest::Accepted;
use store::projects::SlugTaken;

use crate::harness::{Opened, slug};

#[tokio::test]
async fn the_default_project_is_there_from_the_start_and_stays_the_same() {
    let store = Opened::fresh().await;
    let (id, default) = (store.project, store.directory().project(store.project).unwrap().clone());
    assert_eq!((default.slug.as_str(), default.dialect.as_str()), ("default", "standard"));

    let store = store.reopen().await;

    assert_eq!(store.project, id);
    assert_eq!(store.directory().projects().count(), 1);
}

#[tokio::test]
async fn a_project_is_made_with_its_first_key_and_both_survive_a_restart() {
    let store = Opened::fresh().await;
    let (project, mut key) = (store.new_project("acme"), store.new_key(store.project));
    key.project = project.id;

    store.create_project(&Actor::Admin, project.clone(), key.clone()).await.unwrap().unwrap();

    let check = |store: &Opened| {
        let directory = store.directory();
        let kept = directory.project_called(&slug("acme")).unwrap();
        assert_eq!((kept.id, &kept.name, &kept.dialect), (project.id, &project.name, &project.dialect));
        assert_eq!((&kept.admins, kept.created_at), (&project.admins, project.created_at));
        let kept = directory.key(&key.hash).unwrap();
        assert_eq!((kept.id, kept.project, &kept.name), (key.id, project.id, &key.name));
        assert_eq!((&kept.scopes, kept.created_at), (&key.scopes, key.created_at));
    };
    check(&store);
    check(&store.reopen().await);
}

#[tokio::test]
async fn a_slug_that_is_taken_is_refused_and_nothing_is_made() {
    let store = Opened::fresh().await;
    let acme = store.project_called("acme").await;

    let again = store.new_project("acme");
    let key = store.new_key(again.id);
    assert_eq!(store.create_project(&Actor::Admin, again.clone(), key.clone()).await.unwrap().unwrap_err(), SlugTaken);
    assert!(store.directory().project(again.id).is_none());
    assert!(store.directory().key(&key.hash).is_none());

    let renamed = Project { slug: slug("default"), ..Project::clone(&acme) };
    assert_eq!(store.put_project(renamed).await.unwrap().unwrap_err(), SlugTaken);
    assert_eq!(store.directory().project(acme.id).unwrap().slug.as_str(), "acme");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_want_a_slug_at_once_one_gets_it() {
    let store = Opened::fresh().await;
    let mut asking = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let (store, project) = (store.store.clone(), store.new_project("acme"));
        let key = model::key::Key { project: project.id, ..fresh_key(&project) };
        asking.spawn(async move { store.create_project(&Actor::Admin, project, key).await.unwrap() });
    }
    let made = asking.join_all().await.into_iter().filter(Result::is_ok).count();
    assert_eq!(made, 1);
}

/// A key whose hash is made from the project's id, so that every project has another.
fn fresh_key(project: &Project) -> model::key::Key {
    let mut hash = [0; 32];
    hash[..16].copy_from_slice(project.id.as_bytes());
    let id = KeyId::from_bytes(*project.id.as_bytes());
    model::key::Key {
        id,
        project: project.id,
        name: String::new(),
        scopes: vec![],
        hash,
        created_at: project.created_at,
    }
}

#[tokio::test]
async fn a_project_can_be_renamed_and_its_old_slug_is_free() {
    let store = Opened::fresh().await;
    let acme = store.project_called("acme").await;
    let endpoint = store.plan().of(acme.id).create().await;

    let renamed =
        Project { slug: slug("emca"), name: "Emca".to_owned(), dialect: "trakkr".to_owned(), ..Project::clone(&acme) };
    store.put_project(renamed).await.unwrap().unwrap();

    let check = |store: &Opened| {
        let directory = store.directory();
        let kept = directory.project_called(&slug("emca")).unwrap();
        assert_eq!((kept.id, kept.name.as_str(), kept.dialect.as_str()), (acme.id, "Emca", "trakkr"));
        assert_eq!(directory.endpoints_of(acme.id)[0].id, endpoint.id);
        assert!(directory.project_called(&slug("acme")).is_none());
    };
    check(&store);
    let store = store.reopen().await;
    check(&store);
    store.project_called("acme").await;
}

#[tokio::test]
async fn a_project_that_does_not_exist_cannot_be_changed_or_deleted() {
    let store = Opened::fresh().await;
    let nowhere = store.new_project("nowhere");
    assert!(store.put_project(nowhere.clone()).await.is_none());
    assert!(!store.delete_project(&Actor::Admin, nowhere.id).await.unwrap());
}

#[tokio::test]
async fn a_deleted_project_is_gone_with_its_keys_and_endpoints_and_its_deliveries_are_cancelled() {
    let store = Opened::fresh().await;
    let acme = store.project_called("acme").await;
    let key = store.new_key(acme.id);
    store.create_key(&Actor::Admin, key.clone()).await.unwrap();
    let endpoints = [store.plan().of(acme.id).create().await, store.plan().of(acme.id).create().await];
    let ours = store.endpoint(&["*"]).await;
    store.draft("order.created").of(acme.id).send().await;
    store.send("order.created").await;

    assert!(store.delete_project(&Actor::Admin, acme.id).await.unwrap());

    let gone = |store: &Opened| {
        let directory = store.directory();
        assert!(directory.project(acme.id).is_none() && directory.project_called(&slug("acme")).is_none());
        assert!(directory.key(&key.hash).is_none());
        assert!(endpoints.iter().all(|endpoint| directory.endpoint(endpoint.id).is_none()));
        assert!(directory.endpoints_of(acme.id).is_empty());
        assert!(directory.endpoint(ours.id).is_some());
    };
    gone(&store);
    for endpoint in &endpoints {
        assert_eq!(store.count(endpoint, model::delivery::Status::Cancelled).await, 1);
    }
    assert_eq!(store.due_at(&ours).await.len(), 1);
    assert!(!store.delete_project(&Actor::Admin, acme.id).await.unwrap());
    let store = store.reopen().await;
    gone(&store);
    store.project_called("acme").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_comes_while_its_project_is_deleted_leaves_nothing_pending() {
    let store = Opened::fresh().await;
    let acme = store.project_called("acme").await;
    store.plan().of(acme.id).create().await;
    let late = store.plan().of(acme.id).endpoint;

    // The project's deletion takes more than one commit; the endpoint and its event come between.
    let (deleted, created, accepted) = tokio::join!(
        store.delete_project(&Actor::Admin, acme.id),
        store.create_endpoint(&Actor::Admin, late.clone()),
        store.draft("order.created").of(acme.id).ingest(),
    );

    assert!(deleted.unwrap());
    created.unwrap();
    // Without a single writer, the event may also come before the endpoint or after the project.
    assert!(matches!(accepted, Accepted::New { .. }), "{accepted:?}");
    assert_eq!(store.count(&late, model::delivery::Status::Pending).await, 0);
}

#[tokio::test]
async fn a_key_is_known_from_the_moment_it_is_made_until_it_is_revoked() {
    let store = Opened::fresh().await;
    let key = store.new_key(store.project);
    store.create_key(&Actor::Admin, key.clone()).await.unwrap();
    assert_eq!(store.directory().key(&key.hash).unwrap().id, key.id);
    assert_eq!(store.directory().keys().count(), 1);

    assert!(store.revoke_key(&Actor::Admin, store.project, key.id).await.unwrap());

    assert!(store.directory().key(&key.hash).is_none());
    assert!(!store.revoke_key(&Actor::Admin, store.project, key.id).await.unwrap());
    assert!(store.reopen().await.directory().key(&key.hash).is_none());
}

#[tokio::test]
async fn another_projects_key_cannot_be_revoked() {
    let store = Opened::fresh().await;
    let key = store.new_key(store.project);
    store.create_key(&Actor::Admin, key.clone()).await.unwrap();

    assert!(!store.revoke_key(&Actor::Admin, ProjectId::new(&*store.clock), key.id).await.unwrap());
    assert!(!store.revoke_key(&Actor::Admin, store.project_called("other").await.id, key.id).await.unwrap());

    assert!(store.directory().key(&key.hash).is_some());
}
