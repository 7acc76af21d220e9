//! The PostgreSQL of tests is real, is theirs alone, and leaves nothing behind.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use testkit::certificate::Authority;
use testkit::postgres::{Database, Options, Server, Shutdown};
use testkit::process::Process;
use tokio::task::JoinSet;
use tokio_postgres::config::Host;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{Client, Config, Error, NoTls, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

/// The task that drives a client's connection, for as long as it is held.
type Driver = JoinSet<Result<(), Error>>;

async fn connect(url: &str) -> Result<(Client, Driver), Error> {
    connect_with(url, NoTls).await
}

async fn connect_with<T>(url: &str, tls: T) -> Result<(Client, Driver), Error>
where
    T: MakeTlsConnect<Socket>,
    T::Stream: Send + 'static,
{
    let (client, connection) = tokio_postgres::connect(url, tls).await?;
    let mut driver = JoinSet::new();
    driver.spawn(connection);
    Ok((client, driver))
}

async fn ask(client: &Client, question: &str) -> String {
    client.query_one(question, &[]).await.unwrap().get(0)
}

/// The directory of the server that a database is on.
fn directory(url: &str) -> PathBuf {
    let config: Config = url.parse().unwrap();
    let [Host::Unix(directory)] = config.get_hosts() else { panic!("no Unix socket: {url}") };
    directory.clone()
}

/// Another process that runs one test of this file.
fn run(test: &str, variables: &[(&str, &str)]) -> Process {
    Process::start(std::env::current_exe().unwrap(), &["--exact", test, "--nocapture"], variables)
}

#[tokio::test]
async fn each_test_has_a_database_of_its_own() {
    let (one, other) = (Database::fresh().await, Database::fresh().await);
    let (client, _driver) = connect(one.url()).await.unwrap();
    client.batch_execute("CREATE TABLE here (id int)").await.unwrap();

    let (client, _driver) = connect(other.url()).await.unwrap();
    assert!(client.batch_execute("SELECT * FROM here").await.is_err());
    assert!(other.url().contains(&ask(&client, "SELECT current_database()::text").await));
}

#[tokio::test]
async fn all_that_is_in_a_database_can_be_searched() {
    let database = Database::fresh().await;
    let (client, _driver) = connect(database.url()).await.unwrap();
    let make = r"CREATE TABLE kept AS SELECT 'a word' AS said, 'bytes\377'::bytea AS raw, ARRAY['more'::bytea] AS raws";
    client.batch_execute(make).await.unwrap();

    let contents = database.contents().await;
    let holds = |needle: &[u8]| contents.windows(needle.len()).any(|window| window == needle);
    assert!(holds(b"a word") && holds(b"bytes\xff") && holds(b"more"), "{}", String::from_utf8_lossy(&contents));
    assert!(!holds(b"kept"));
}

#[tokio::test]
async fn a_process_that_is_killed_leaves_nothing_behind() {
    let mut killed = run("a_database_that_somebody_waits_in", &[("POSTHASTE_TEST_WAITS", "yes")]);
    let line = killed.prints("directory: ").await;
    let directory = Path::new(line.split_once("directory: ").unwrap().1);
    assert!(directory.join("data/postmaster.pid").exists());

    killed.signal("KILL").await;
    // Its standard error is closed once the process that stops the server has ended.
    killed.ended().await;
    assert!(!directory.exists(), "{}", killed.errors());
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "another test asks for it")]
async fn a_database_that_somebody_waits_in() {
    let database = Database::fresh().await;
    let (client, _driver) = connect(database.url()).await.unwrap();
    println!("directory: {}", directory(database.url()).display());
    if std::env::var("POSTHASTE_TEST_WAITS").is_ok() {
        client.batch_execute("SELECT pg_sleep(3600)").await.unwrap();
    }
}

#[tokio::test]
async fn a_server_that_is_given_is_used_and_left_as_it_was() {
    let server = Server::start(Options::default()).await;
    let place = server.fresh().await;
    let given = [("POSTHASTE_TEST_DATABASE_URL", place.url())];

    let mut user = run("each_test_has_a_database_of_its_own", &given);
    assert!(user.ended().await.success(), "{}", user.output());
    let (client, driver) = connect(place.url()).await.unwrap();
    let left = "SELECT string_agg(datname, ' ') FROM pg_database WHERE datname LIKE 'posthaste_test_%'";
    assert!(place.url().contains(&format!("/{}?", ask(&client, left).await)));

    drop((client, driver));
    server.stop(Shutdown::Fast).await;
    assert!(!run("each_test_has_a_database_of_its_own", &given).ended().await.success());
}

#[tokio::test]
async fn a_server_is_stopped_and_started_with_what_is_in_it() {
    let server = Server::start(Options { tcp: true, ..Options::default() }).await;
    let database = server.fresh().await;
    let (client, driver) = connect(database.url()).await.unwrap();
    client.batch_execute("CREATE TABLE kept AS SELECT 'here' AS what").await.unwrap();

    for how in [Shutdown::Fast, Shutdown::Immediate] {
        server.restart(how).await;
        let (client, _driver) = connect(database.url()).await.unwrap();
        assert_eq!(ask(&client, "SELECT what FROM kept").await, "here");
    }
    assert!(client.batch_execute("SELECT").await.is_err(), "a session outlived the server");

    drop((client, driver));
    server.stop(Shutdown::Fast).await;
    assert!(connect(database.url()).await.is_err());
    server.start_again().await;
    connect(database.url()).await.unwrap();
}

#[tokio::test]
async fn a_server_is_as_it_was_asked_to_be_and_gone_when_it_is_dropped() {
    let settings = vec![("max_connections", "7".to_owned())];
    let server = Server::start(Options { fsync: true, settings, ..Options::default() }).await;
    let database = server.fresh().await;
    let (client, driver) = connect(database.url()).await.unwrap();
    assert_eq!(
        (ask(&client, "SHOW fsync").await, ask(&client, "SHOW max_connections").await),
        ("on".into(), "7".into())
    );

    let directory = directory(database.url());
    assert!(directory.exists());
    drop((client, driver, server));
    assert!(!directory.exists());
}

#[tokio::test]
async fn a_server_with_tls_shows_its_certificate_and_takes_nobody_without() {
    let identity = Authority::new().vouch_for(["localhost"]);
    let server = Server::start(Options { tls: Some(identity), ..Options::default() }).await;
    let database = server.fresh().await;

    let mut trusted = RootCertStore::empty();
    trusted.add(CertificateDer::from_pem_slice(server.ca_pem().as_bytes()).unwrap()).unwrap();
    let (client, _driver) = connect_with(database.url(), tls(trusted)).await.unwrap();
    assert_eq!(ask(&client, "SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()").await, "TLSv1.3");

    assert!(connect_with(database.url(), tls(RootCertStore::empty())).await.is_err());
    let bare = database.url().replace("sslmode=require", "sslmode=disable");
    let refused = connect(&bare).await.unwrap_err();
    assert_eq!(refused.code().unwrap().code(), "28000", "{refused}");
}

fn tls(trusted: RootCertStore) -> MakeRustlsConnect {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    MakeRustlsConnect::new(config.with_root_certificates(trusted).with_no_client_auth())
}
