//! The SQL of fan-outs: any node takes a step, and a project's steps are one node's at a time.

use std::sync::{Arc, Mutex, PoisonError};

use model::actor::Actor;
use model::id::ProjectId;

use super::event_key::EventKey;
use super::node_context::NodeContext;
use super::param::Uuid;
use super::row;
use super::session::Session;
use super::transaction::WriteTxn;
use crate::Error;
use crate::fan_outs::{self, PASSED_OVER, Step, TOGETHER};
use crate::filtering::Recipient;
use crate::slice::{MAX_WRITER_HOLD, Patience};

/// The project whose fan-outs went last on this node.
#[derive(Default)]
pub(crate) struct Turn(Mutex<Option<ProjectId>>);

impl Turn {
    fn last(&self) -> Option<ProjectId> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is(&self, project: ProjectId) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(project);
    }
}

/// The project that has fan-outs and comes after another, by their ids.
const NEXT: &str = "SELECT project FROM fan_outs WHERE project > $1 ORDER BY project LIMIT 1";

/// Held by the node that takes a step for the project, to the end of its transaction.
const LOCK: &str = "SELECT pg_try_advisory_xact_lock(8600006, hashtext($1::uuid::text))";

/// Maximum projects tried in a step before the rest is left to a later one.
const ASKED: usize = 8;

/// The fan-outs that go together: the oldest of a project.
const OLDEST: &str =
    "SELECT f.event, f.list, f.position FROM fan_outs AS f WHERE f.project = $1 ORDER BY f.event LIMIT $2";

const ENDED: &str = "DELETE FROM fan_outs WHERE project = $1 AND event = ANY($2)";
const MOVED: &str = "UPDATE fan_outs SET position = $3 WHERE project = $1 AND event = ANY($2)";
const LIST_ENDED: &str =
    "DELETE FROM fan_out_lists WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM fan_outs WHERE list = $1)";

/// Makes the next slice of deliveries, of the project whose turn it is.
pub(crate) async fn step(db: &Arc<NodeContext>, turn: &Turn) -> Result<Step, Error> {
    // No transaction is begun if there is no fan-out, which is the usual case.
    if next_after(&db.session().await?, None).await?.is_none() {
        return Ok(Step::Rest);
    }
    let mut txn = db.work(&Actor::System).await?;
    let Some(project) = lock_next(turn, &txn).await? else {
        txn.undo().await?;
        return Ok(Step::Rest);
    };
    let oldest = txn.query(OLDEST, &[&Uuid::from(project), &row::limit(TOGETHER)]).await?;
    let mut together: Vec<(EventKey, Uuid, i32)> = Vec::new();
    for row in &oldest {
        let next = (row::id(row, 0)?, row::get(row, 1)?, row::get(row, 2)?);
        if together.first().is_some_and(|(_, list, position)| (*list, *position) != (next.1, next.2)) {
            break;
        }
        together.push(next);
    }
    let Some((_, list, from)) = together.first().copied() else {
        txn.undo().await?;
        return Ok(Step::More);
    };
    let keys: Vec<EventKey> = together.iter().map(|(key, ..)| *key).collect();
    let recipients = recipients(txn.session(), list).await?;
    let from = usize::try_from(from).unwrap_or(0).min(recipients.len());
    let reached = if txn.directory.project(project).is_none() {
        recipients.len()
    } else {
        make(&mut txn, &keys, &recipients[from..]).await? + from
    };
    settle(&txn, project, &keys, list, (reached, recipients.len())).await?;
    txn.commit().await?;
    Ok(Step::More)
}

async fn next_after(session: &Session, last: Option<ProjectId>) -> Result<Option<ProjectId>, Error> {
    let last = last.map_or(Uuid([0; 16]), Uuid::from);
    session.query_opt(NEXT, &[&last]).await?.as_ref().map(|row| row::id(row, 0)).transpose()
}

/// Locks the next project in turn that no other node is working on.
async fn lock_next(turn: &Turn, txn: &WriteTxn) -> Result<Option<ProjectId>, Error> {
    let mut last = turn.last();
    for _ in 0..ASKED {
        let next = match next_after(txn.session(), last).await? {
            Some(next) => Some(next),
            None => next_after(txn.session(), None).await?,
        };
        let Some(project) = next else { return Ok(None) };
        turn.is(project);
        if row::get(&txn.session().query_one(LOCK, &[&Uuid::from(project)]).await?, 0)? {
            return Ok(Some(project));
        }
        last = Some(project);
    }
    Ok(None)
}

async fn recipients(session: &Session, list: Uuid) -> Result<Vec<Recipient>, Error> {
    let found = session.query_opt("SELECT recipients FROM fan_out_lists WHERE id = $1", &[&list]).await?;
    found.as_ref().map_or(Ok(Vec::new()), |row| fan_outs::decode(row::get(row, 0)?))
}

/// Makes deliveries of all these events for as many recipients as a step may, and returns for how many.
async fn make(txn: &mut WriteTxn, keys: &[EventKey], recipients: &[Recipient]) -> Result<usize, Error> {
    let asked: Vec<Uuid> = keys.iter().copied().map(Uuid::from).collect();
    let sql = format!(
        "SELECT {}, e.key FROM unnest($1) AS asked (key) JOIN events AS e USING (key) ORDER BY e.key",
        row::EVENT
    );
    let mut events = Vec::with_capacity(keys.len());
    for row in txn.query(&sql, &[&asked]).await? {
        events.push((row::id(&row, row::EVENT_WIDTH)?, Arc::new(row::event(&row, 0)?)));
    }
    let mut patience = Patience::begin(&*txn.context.env, MAX_WRITER_HOLD);
    let mut reached = 0;
    for recipient in recipients.iter().take(PASSED_OVER) {
        if txn.directory.endpoint(recipient.endpoint).is_some() {
            for (key, event) in &events {
                txn.deliver_to(*key, event, recipient.clone(), false);
            }
            patience.spend(events.len());
        }
        reached += 1;
        if patience.left() < events.len() {
            break;
        }
    }
    Ok(reached)
}

async fn settle(
    txn: &WriteTxn,
    project: ProjectId,
    keys: &[EventKey],
    list: Uuid,
    (reached, of): (usize, usize),
) -> Result<(), Error> {
    let (project, keys): (Uuid, Vec<Uuid>) = (project.into(), keys.iter().copied().map(Uuid::from).collect());
    if reached < of {
        let position = i32::try_from(reached).unwrap_or(i32::MAX);
        txn.execute(MOVED, &[&project, &keys, &position]).await?;
        return Ok(());
    }
    txn.execute(ENDED, &[&project, &keys]).await?;
    txn.execute(LIST_ENDED, &[&list]).await?;
    Ok(())
}
