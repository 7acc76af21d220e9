//! Rules of PostgreSQL alone: several nodes on one database, and the connections to it. Tested in every run.

use std::time::Duration;

use model::actor::Actor;
use model::delivery::Status;
use model::id::EventId;
use store::Error;
use store::handle::Postgres;
use store::ingest::Accepted;
use testkit::certificate::Identity;
use testkit::pgbouncer::PgBouncer;
use testkit::postgres::{Database, Options, Server};

use crate::harness::{Opened, Place};

async fn two_nodes() -> (Opened, Opened) {
    let first = Opened::new_at(Place::Postgres(Database::fresh().await)).await;
    let second = first.beside(|_| {}).await.unwrap();
    (first, second)
}

#[tokio::test]
async fn an_event_on_one_node_never_misses_an_endpoint_that_was_made_on_another() {
    let (first, second) = two_nodes().await;
    for number in 1..=20 {
        first.endpoint(&["*"]).await;
        let accepted = second.draft("order.created").ingest().await;
        assert!(matches!(accepted, Accepted::New { deliveries, .. } if deliveries == number), "{number}: {accepted:?}");
    }
    for endpoint in first.directory().endpoints_of(first.project) {
        first.delete(endpoint).await;
        let before = second.all_deliveries().await.len();
        let accepted = second.draft("order.created").ingest().await;
        let Accepted::New { deliveries, .. } = accepted else { panic!("{accepted:?}") };
        assert_eq!(second.all_deliveries().await.len() - before, deliveries as usize);
        let pending = second.count(endpoint, Status::Pending).await;
        assert_eq!(pending, 0, "a delivery to an endpoint that was deleted before");
    }
}

#[tokio::test]
async fn the_same_request_to_two_nodes_at_once_is_one_event() {
    let (first, second) = two_nodes().await;
    first.endpoint(&["*"]).await;
    for number in 0..20 {
        let (id, key) = (format!("order-{number}"), format!("key-{number}"));
        let request = |node: &Opened| node.draft("order.created").id(&id).key(&key).intake();
        let (one, two) =
            tokio::join!(first.ingest(&Actor::Admin, request(&first)), second.ingest(&Actor::Admin, request(&second)));

        let answers = [one.unwrap(), two.unwrap()];
        let event: EventId = id.parse().unwrap();
        assert!(answers.contains(&Accepted::New { id: event.clone(), deliveries: 1 }), "{answers:?}");
        let again = |answer: &Accepted| matches!(answer, Accepted::Again { id, deliveries: 1, .. } if *id == event);
        assert!(answers.iter().any(again), "{answers:?}");
    }
    assert_eq!(first.all_events().await.len(), 20);
    assert_eq!(first.all_deliveries().await.len(), 20);
}

#[tokio::test]
async fn a_node_works_through_a_pooler_that_hands_out_connections_for_a_transaction() {
    let first = Opened::new_at(Place::Postgres(Database::fresh().await)).await;
    let Place::Postgres(database) = &first.place else { panic!("it is on PostgreSQL") };
    let pooler = PgBouncer::before(database).await;
    let direct = database.url().to_owned();
    let behind = first
        .beside(|postgres| {
            postgres.direct_url = Some(direct);
            pooler.url().clone_into(&mut postgres.url);
        })
        .await
        .unwrap();

    let endpoint = behind.endpoint(&["*"]).await;
    for number in 0..10 {
        behind.draft("order.created").key(&format!("key-{number}")).send().await;
    }
    let due = behind.due_at(&endpoint).await;
    assert_eq!(due.len(), 10);
    for due in &due[..5] {
        behind.delivers(due).await;
    }
    behind.fails_for(&due[5], Duration::from_secs(60)).await;
    assert_eq!(behind.due_at(&endpoint).await.len(), 4);
    assert_eq!(first.all_events().await.len(), 10);
    assert_eq!(first.shown(due[5].id).await.attempts.len(), 1);
}

#[tokio::test]
async fn a_certificate_of_the_database_is_verified_where_that_is_asked_for() {
    let server =
        Server::start(Options { tcp: true, tls: Some(Identity::valid_for(["localhost"])), ..Options::default() });
    let server = server.await;
    let database = server.fresh().await;
    let url = database.url().replace("sslmode=require", "sslmode=verify-full");
    assert!(url.contains("verify-full"), "{url}");
    let postgres = |ca_pem: Option<&str>| Postgres {
        ca_pem: ca_pem.map(|pem| pem.as_bytes().to_vec()),
        ..Postgres::at(url.as_str())
    };

    let refused = Opened::try_on(postgres(None)).await.err();
    assert!(matches!(&refused, Some(Error::Unreachable { .. })), "{refused:?}");

    let trusting = Opened::try_on(postgres(Some(server.ca_pem()))).await.unwrap();
    trusting.send("order.created").await;
    assert_eq!(trusting.all_events().await.len(), 1);
}

#[tokio::test]
async fn sslmode_means_what_it_means_to_libpq() {
    // As `openssl req -x509` makes one.
    let server =
        Server::start(Options { tcp: true, tls: Some(Identity::self_signed(["localhost"])), ..Options::default() });
    let server = server.await;
    let other = Identity::self_signed(["localhost"]).pem().to_owned();
    let (ours, other) = (Some(server.ca_pem()), Some(other.as_str()));
    let cases = [
        ("localhost", "require", None, true),
        ("localhost", "require", ours, true),
        ("localhost", "require", other, false),
        ("127.0.0.1", "require", ours, true),
        ("127.0.0.1", "verify-ca", ours, true),
        ("localhost", "verify-ca", other, false),
        ("localhost", "verify-ca", None, false),
        ("localhost", "verify-full", ours, true),
        ("127.0.0.1", "verify-full", ours, false),
        ("localhost", "prefer", other, true),
        // This server refuses connections without TLS.
        ("localhost", "disable", ours, false),
    ];
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), server.ca_pem()).unwrap();
    let url = async |host: &str, mode: &str| {
        let database = server.fresh().await;
        let url = database.url().replace("localhost", host).replace("sslmode=require", &format!("sslmode={mode}"));
        assert!(url.contains(host) && url.contains(&format!("sslmode={mode}")), "{url}");
        // Returned too, because the database is gone when it is dropped.
        (database, url)
    };
    for (host, mode, ca_pem, is_taken) in cases {
        let ca_pem = ca_pem.map(|pem| pem.as_bytes().to_vec());
        let (_database, url) = url(host, mode).await;
        let tried = Opened::try_on(Postgres { ca_pem, ..Postgres::at(url) }).await;
        assert_eq!(tried.is_ok(), is_taken, "{mode} to {host}: {:?}", tried.err());
    }
    for (host, is_taken) in [("localhost", true), ("127.0.0.1", false)] {
        let (_database, url) = url(host, "verify-full").await;
        let url = format!("{url}&sslrootcert={}", file.path().display());
        assert_eq!(Opened::try_on(Postgres::at(url)).await.is_ok(), is_taken, "{host}");
    }
}
