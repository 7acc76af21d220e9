//! PgBouncer stands before a test's database and shares its connections out by the transaction.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use testkit::pgbouncer::PgBouncer;
use testkit::postgres::{Database, Options, Server};
use testkit::proxy::{Cut, Proxy};
use tokio::task::JoinSet;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, NoTls};

async fn connect(url: &str, driver: &mut JoinSet<Result<(), tokio_postgres::Error>>) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    driver.spawn(connection);
    client
}

#[tokio::test]
async fn a_statement_is_prepared_on_a_connection_that_is_another_clients_in_the_next_transaction() {
    let database = Database::fresh().await;
    let bouncer = PgBouncer::before(&database).await;
    let mut driver = JoinSet::new();
    let (one, mut other) = (connect(bouncer.url(), &mut driver).await, connect(bouncer.url(), &mut driver).await);

    let prepared = one.prepare("SELECT current_database()::text").await.unwrap();
    let name: String = one.query_one(&prepared, &[]).await.unwrap().get(0);
    assert_eq!(name, database.name());

    let busy = other.transaction().await.unwrap();
    let lost = one.query_one(&prepared, &[]).await.unwrap_err();
    assert_eq!(lost.code(), Some(&SqlState::INVALID_SQL_STATEMENT_NAME), "{lost}");
    busy.rollback().await.unwrap();
}

#[tokio::test]
async fn a_database_can_be_behind_a_proxy_on_a_socket_and_on_a_port() {
    for tcp in [false, true] {
        let server = Server::start(Options { tcp, ..Options::default() }).await;
        let database = server.fresh().await;
        let proxy = Proxy::to(database.upstream());
        let mut driver = JoinSet::new();
        let client = connect(&database.url_at(proxy.address()), &mut driver).await;
        client.batch_execute("SELECT 1").await.unwrap();
        proxy.cut(Cut::Refused).await;
        assert!(client.batch_execute("SELECT 1").await.is_err());
    }
}
