//! Verbs about the outbox.

use model::actor::Actor;
use model::id::{MailId, ProjectId};
use model::time::Timestamp;
use tokio::time::Instant;

use crate::handle::Database;
use crate::outbox::Next;
use crate::{Error, Store};
use crate::{postgres, sqlite};

impl Store {
    /// The mail that has been due for longest. It stays until it is [removed](Self::remove_mail) or [put
    /// off](Self::put_off_mail).
    pub async fn next_mail(&self) -> Result<Next, Error> {
        let now = self.now();
        match self.database() {
            Database::Embedded(db) => db.read(move |db| sqlite::outbox::next(db, now)).await,
            Database::Cluster(db) => postgres::outbox::next(&db.context, now).await,
        }
    }

    /// Removes a mail that was sent or given up.
    pub async fn remove_mail(&self, id: MailId) -> Result<(), Error> {
        match self.database() {
            Database::Embedded(db) => db.write(&Actor::System, None, move |txn| sqlite::outbox::remove(txn, id)).await,
            Database::Cluster(db) => postgres::outbox::remove(&db.context, id).await,
        }
    }

    /// Puts off a mail that could not be sent: it is tried again at `due_at`.
    pub async fn put_off_mail(&self, id: MailId, due_at: Timestamp) -> Result<(), Error> {
        match self.database() {
            Database::Embedded(db) => {
                db.write(&Actor::System, None, move |txn| sqlite::outbox::put_off(txn, id, due_at)).await
            }
            Database::Cluster(db) => postgres::outbox::put_off(&db.context, id, due_at).await,
        }
    }

    /// Deletes all mail of a project, one slice per commit, so that no verb waits behind a long one.
    pub(crate) async fn delete_mails(&self, project: ProjectId) -> Result<(), Error> {
        loop {
            let began = Instant::now();
            let more = match self.database() {
                Database::Embedded(db) => {
                    let verb = move |txn: &mut sqlite::commit::txn::WriteTxn<'_>| {
                        sqlite::outbox::delete_slice(txn.db()?, project)
                    };
                    db.write_aside(&Actor::System, None, verb).await?
                }
                Database::Cluster(db) => postgres::outbox::delete_slice(&db.context, project).await?,
            };
            if !more {
                return Ok(());
            }
            self.leave_room(began).await;
        }
    }
}
