//! Opening the database: migrations, the check of the master key, the default project.

use model::env::Env;
use model::id::DeliveryId;
use model::time::Timestamp;

use super::connect::{self, Connections};
use super::node_context::NodeContext;
use super::param::Uuid;
use super::session::Session;
use super::{cause, projects, row};
use crate::Error;
use crate::projects::default_project;
use crate::seal::{KEY_CHECK, KEY_CHECK_TEXT, Seal};

mod embedded {
    refinery::embed_migrations!("src/postgres/migrations");
}

/// Nodes that start together migrate one after the other.
const MIGRATION_LOCK: &str = "SELECT pg_advisory_lock(8600000)";

/// Applies missing migrations and returns their names.
pub(super) async fn migrate(connections: &Connections) -> Result<Vec<String>, Error> {
    let (mut client, connection) = connections.own().await?;
    let work = async move {
        client.batch_execute(MIGRATION_LOCK).await?;
        announce_indexing(&client).await;
        // In one transaction: a migration is never without the record that it was applied.
        let report = embedded::migrations::runner().set_grouped(true).run_async(&mut client).await;
        // The lock ends with the connection.
        report.map_err(|error| Error::Migration(cause::cause(&error)))
    };
    let report = connect::drive(connection, work).await?;
    Ok(report.applied_migrations().iter().map(ToString::to_string).collect())
}

/// The migration that makes the indexes by which deliveries are looked up.
const INDEXED: i32 = 4;

/// Logs that the migration may take minutes.
async fn announce_indexing(client: &tokio_postgres::Client) {
    let version = client.query_opt("SELECT max(version) FROM refinery_schema_history", &[]).await;
    // Without that table the database is new.
    let Ok(Some(version)) = version.map(|row| row.and_then(|row| row.get::<_, Option<i32>>(0))) else { return };
    if version < INDEXED {
        tracing::info!("database migration begun; new indexes of deliveries take some minutes for ten million");
    }
}

/// True if Posthaste's tables are there.
pub(super) async fn exists(connections: &Connections) -> Result<bool, Error> {
    let row = connections.session().await?.query_one("SELECT to_regclass('meta') IS NOT NULL", &[]).await?;
    row::get(&row, 0)
}

/// Creates what every database has, the master key's check value and the project called `default`, and checks the key.
pub(super) async fn prepare(connections: &Connections, seal: &Seal, env: &dyn Env) -> Result<(), Error> {
    let session = connections.session().await?;
    let sealed = seal.seal(KEY_CHECK_TEXT, KEY_CHECK.as_bytes(), env);
    let insert = "INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";
    session.execute(insert, &[&KEY_CHECK, &&sealed[..]]).await?;
    check_key(&session, seal).await?;
    let project = default_project(env);
    projects::insert_missing(&session, &project).await
}

/// True if the database's secrets are encrypted with some master key.
pub(super) async fn has_key(connections: &Connections) -> Result<bool, Error> {
    let session = connections.session().await?;
    Ok(session.query_opt("SELECT 1 FROM meta WHERE name = $1", &[&KEY_CHECK]).await?.is_some())
}

/// Fails unless the database's secrets are encrypted with this key.
pub(super) async fn check_key(session: &Session, seal: &Seal) -> Result<(), Error> {
    let row = session.query_one("SELECT value FROM meta WHERE name = $1", &[&KEY_CHECK]).await?;
    seal.open(row::get(&row, 0)?, KEY_CHECK.as_bytes()).map(drop)
}

/// Continues the node's keys after the newest event and delivery.
pub(super) async fn resume_order(context: &NodeContext) -> Result<(), Error> {
    let session = context.connections.session().await?;
    let newest = "SELECT id FROM deliveries ORDER BY id DESC LIMIT 1";
    let id: Option<DeliveryId> = session.query_opt(newest, &[]).await?.map(|row| row::id(&row, 0)).transpose()?;
    let newest = "SELECT key, created_at FROM events ORDER BY key DESC LIMIT 1";
    let event = session.query_opt(newest, &[]).await?;
    let key: Option<DeliveryId> = event.as_ref().map(|row| row::id(row, 0)).transpose()?;
    let at: Option<Timestamp> = event.as_ref().map(|row| row::time(row, 1)).transpose()?;
    context.go_on_after(id.max(key), at);
    Ok(())
}

pub(super) fn new_node(env: &dyn Env) -> Uuid {
    Uuid::from(DeliveryId::new(env))
}
