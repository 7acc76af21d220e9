//! Projects' own dialect files and event types.

use std::sync::Arc;

use model::actor::Actor;
use model::catalogue::EventType;
use model::id::ProjectId;
use model::json::Json;
use model::project::Project;
use store::project_dialects::InUse;

use crate::harness::Opened;

const FILE: &str = "name = \"acme\"\n";

fn invoice_paid(description: &str) -> EventType {
    EventType {
        name: "invoice.paid".parse().unwrap(),
        group: Some("Invoices".into()),
        description: Some(description.into()),
        schema: Some(Json::trusted(r#"{"type":"object"}"#)),
        example: None,
    }
}

#[tokio::test]
async fn a_dialect_file_survives_a_restart_and_can_be_replaced() {
    let store = Opened::fresh().await;

    assert!(store.put_dialect(&Actor::Admin, store.project, "acme".into(), "first".into()).await.unwrap());
    assert!(store.put_dialect(&Actor::Admin, store.project, "acme".into(), FILE.into()).await.unwrap());

    let check = |store: &Opened| {
        let speech = store.directory().project_dialects(store.project);
        assert_eq!(&*speech.files["acme"].text, FILE);
    };
    check(&store);
    check(&store.reopen().await);
}

#[tokio::test]
async fn what_a_project_says_is_not_another_projects() {
    let store = Opened::fresh().await;
    let (other, mut key) = (store.new_project("acme"), store.new_key(store.project));
    key.project = other.id;
    store.create_project(&Actor::Admin, other.clone(), key).await.unwrap().unwrap();

    store.put_dialect(&Actor::Admin, other.id, "acme".into(), FILE.into()).await.unwrap();
    store.put_event_type(&Actor::Admin, other.id, invoice_paid("Paid.")).await.unwrap();

    let speech = store.directory().project_dialects(store.project);
    assert!(speech.files.is_empty() && speech.event_types.is_empty());
}

#[tokio::test]
async fn a_dialect_that_the_project_speaks_is_not_removed() {
    let store = Opened::fresh().await;
    store.put_dialect(&Actor::Admin, store.project, "acme".into(), FILE.into()).await.unwrap();
    let project = store.directory().project(store.project).unwrap().clone();
    let speaking = Project { dialect: "acme".into(), ..Project::clone(&project) };
    store.put_project(speaking).await.unwrap().unwrap();

    assert_eq!(store.remove_dialect(&Actor::Admin, store.project, "acme".into()).await.unwrap(), Some(Err(InUse)));

    store.put_project(Project::clone(&project)).await.unwrap().unwrap();
    assert_eq!(store.remove_dialect(&Actor::Admin, store.project, "acme".into()).await.unwrap(), Some(Ok(())));
    assert_eq!(store.remove_dialect(&Actor::Admin, store.project, "acme".into()).await.unwrap(), None);
    assert!(store.reopen().await.directory().project_dialects(project.id).files.is_empty());
}

#[tokio::test]
async fn an_event_type_survives_a_restart_is_replaced_and_removed() {
    let store = Opened::fresh().await;
    let paid = invoice_paid("An invoice was paid.");

    store.put_event_type(&Actor::Admin, store.project, invoice_paid("Paid.")).await.unwrap();
    store.put_event_type(&Actor::Admin, store.project, paid.clone()).await.unwrap();

    let known = |store: &Opened| store.directory().project_dialects(store.project).event_types.get(&paid.name).cloned();
    assert_eq!(known(&store), Some(Arc::new(paid.clone())));
    let store = store.reopen().await;
    assert_eq!(known(&store), Some(Arc::new(paid.clone())));

    assert!(store.remove_event_type(&Actor::Admin, store.project, paid.name.clone()).await.unwrap());
    assert!(!store.remove_event_type(&Actor::Admin, store.project, paid.name.clone()).await.unwrap());
    assert_eq!(known(&store.reopen().await), None);
}

#[tokio::test]
async fn a_project_that_is_not_there_says_nothing() {
    let store = Opened::fresh().await;
    let nobody = ProjectId::from_bytes([9; 16]);

    assert!(!store.put_dialect(&Actor::Admin, nobody, "acme".into(), FILE.into()).await.unwrap());
    assert!(!store.put_event_type(&Actor::Admin, nobody, invoice_paid("Paid.")).await.unwrap());
}
