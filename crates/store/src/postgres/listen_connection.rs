//! A node's connection for membership: it renews the lease and sends and receives notifications over it.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future;
use tokio::sync::mpsc::{self, error::TrySendError};
use tokio_postgres::{AsyncMessage, Client};

use super::node_context::{NodeContext, Notifications};
use super::{cause, row, tls};
use crate::Error;

/// Endpoints in one notification, which may have 8,000 bytes.
const TOLD: usize = 200;

/// Maximum notifications that wait to be handled. If there are more the connection is given up, and everything is
/// looked up over a new one.
const HEARD: usize = 4096;

/// Maximum time that a silent node may block others from the shards.
const LOCKED: Duration = Duration::from_secs(5);

const CHANNEL: &str = "posthaste";

/// The kinds of notifications; `work` comes with the endpoints that have it.
pub(super) mod channel {
    pub(crate) const WORK: &str = "work";
    pub(crate) const DIRECTORY: &str = "directory";
    /// Some shards are free.
    pub(crate) const SHARDS: &str = "shards";
    pub(crate) const JOBS: &str = "jobs";
    pub(crate) const MAILS: &str = "mails";
}

pub(super) struct ListenConnection {
    pub(super) client: Client,
    heard: mpsc::Receiver<Notification>,
    /// Its process on the server. Notifications by it are the node's own, and are ignored.
    process: i32,
}

/// A notification, and the server process of its sender.
struct Notification {
    by: i32,
    what: String,
}

impl ListenConnection {
    pub(super) async fn open(context: &Arc<NodeContext>) -> Result<Self, Error> {
        let (client, connection) = context.connections.own().await?;
        let (said, heard) = mpsc::channel(HEARD);
        context.tasks.spawn(listen(connection, said));
        // The server does not notice a node that is cut off in the middle of a transaction, and others wait for its
        // locks.
        let patience = context.settings.lease.min(LOCKED).as_millis();
        let sql = format!("SET idle_in_transaction_session_timeout = {patience}; LISTEN {CHANNEL}");
        client.batch_execute(&sql).await?;
        let process = row::get(&client.query_one("SELECT pg_backend_pid()", &[]).await?, 0)?;
        Ok(Self { client, heard, process })
    }

    /// The next notification by another node.
    pub(super) async fn hear(&mut self) -> Result<String, Error> {
        loop {
            match self.heard.recv().await {
                Some(told) if told.by == self.process => {}
                Some(told) => return Ok(told.what),
                None => return Err(Error::Connection("the connection that listens broke".to_owned())),
            }
        }
    }

    pub(super) async fn tell(&self, told: &[String]) -> Result<(), Error> {
        if !told.is_empty() {
            let sql = "SELECT pg_notify($1, told) FROM unnest($2::text[]) AS told";
            self.client.query(sql, &[&CHANNEL, &told]).await?;
        }
        Ok(())
    }
}

impl Notifications {
    /// The payloads to send.
    pub(super) fn words(&self) -> Vec<String> {
        let Self { work, directory, shards, jobs, mails } = self;
        let work: Vec<String> = work.iter().map(ToString::to_string).collect();
        let mut told: Vec<String> =
            work.chunks(TOLD).map(|some| format!("{}:{}", channel::WORK, some.join(","))).collect();
        let flags = [
            (directory, channel::DIRECTORY),
            (shards, channel::SHARDS),
            (jobs, channel::JOBS),
            (mails, channel::MAILS),
        ];
        told.extend(flags.into_iter().filter(|(set, _)| **set).map(|(_, what)| what.to_owned()));
        told
    }

    pub(super) fn add(&mut self, notifications: Self) {
        self.work.extend(notifications.work);
        self.directory |= notifications.directory;
        self.shards |= notifications.shards;
        self.jobs |= notifications.jobs;
        self.mails |= notifications.mails;
    }
}

/// Drives the connection and passes its notifications on, until it breaks.
async fn listen(mut connection: tls::Connection, said: mpsc::Sender<Notification>) {
    loop {
        match future::poll_fn(|context| connection.poll_message(context)).await {
            Some(Ok(AsyncMessage::Notification(heard))) => {
                let told = Notification { by: heard.process_id(), what: heard.payload().to_owned() };
                match said.try_send(told) {
                    Ok(()) => {}
                    // Nobody listens any more; queries on the connection still have to be answered.
                    Err(TrySendError::Closed(_)) => return drop(connection.await),
                    // Waiting here would hold up the replies behind the notification.
                    Err(TrySendError::Full(_)) => return tracing::debug!("notification queue full; reconnecting"),
                }
            }
            Some(Ok(_)) => {}
            Some(Err(error)) => {
                return tracing::debug!(error = cause::cause(&error), "listen connection lost");
            }
            None => return,
        }
    }
}
