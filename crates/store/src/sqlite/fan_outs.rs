//! The SQL of fan-outs, and a step of them.

pub(super) mod queues;

use std::sync::Arc;

use model::event::Event;
use rusqlite::{Connection, OptionalExtension, params};

use self::queues::{FanOut, FanOuts, List, Queue};
use super::commit::txn::WriteTxn;
use super::journal::record::RecordKind;
use super::{deliveries, row};
use crate::Error;
use crate::fan_outs::{self, PASSED_OVER, Step};
use crate::filtering::Recipient;
use crate::slice::Patience;

/// Marks an event that was just put, so that its deliveries are made later.
pub(super) fn mark(txn: &mut WriteTxn<'_>, seq: i64, event: &Arc<Event>, recipients: Recipients) -> Result<(), Error> {
    ensure_known(txn)?;
    let list = match recipients {
        Recipients::Listed(list) => list,
        Recipients::Own(recipients) => match txn.fan_outs.list_of(&recipients) {
            Some(list) => list,
            None => {
                let list = txn.fan_outs.new_list(recipients);
                txn.put(RecordKind::FanOutList, params![list.id, fan_outs::encode(&list.recipients)])?;
                list
            }
        },
    };
    if txn.directory.filtering(event).next().is_none() {
        txn.fan_outs.remember(&txn.directory, event, &list);
    }
    txn.put(RecordKind::FanOut, params![seq, event.project.as_bytes(), list.id])?;
    txn.fan_outs.push(seq, event, list);
    txn.fanned_out = true;
    Ok(())
}

/// The recipients of an event.
pub(super) enum Recipients {
    Own(Vec<Recipient>),
    /// The list of events that are fanned out already.
    Listed(Arc<List>),
}

impl Recipients {
    pub(super) fn all(&self) -> &[Recipient] {
        match self {
            Self::Own(recipients) => recipients,
            Self::Listed(list) => &list.recipients,
        }
    }
}

/// Makes the next slice of deliveries, of the project whose turn it is.
pub(crate) fn step(txn: &mut WriteTxn<'_>) -> Result<Step, Error> {
    ensure_known(txn)?;
    let Some(mut queue) = txn.fan_outs.next_queue() else { return Ok(Step::Rest) };
    if queue.is_empty() {
        refill(txn, &mut queue)?;
    }
    let mut together = queue.take_together();
    txn.fan_outs.let_go(&mut together);
    if let Some((list, from)) = together.first().map(|first| (first.list.clone(), first.position)) {
        let is_gone = txn.directory.project(queue.project).is_none();
        let reached = if is_gone { list.recipients.len() } else { make(txn, &mut together, &list.recipients, from)? };
        settle(txn, &mut queue, together, &list, reached)?;
    }
    txn.fan_outs.give_back(queue);
    Ok(Step::More)
}

/// Makes deliveries of each of these events for recipients from `from` on. Returns the position that it reached.
fn make(
    txn: &mut WriteTxn<'_>,
    together: &mut [FanOut],
    recipients: &[Recipient],
    from: usize,
) -> Result<usize, Error> {
    let mut events = Vec::with_capacity(together.len());
    for fan_out in together.iter_mut() {
        if fan_out.body.is_none() {
            fan_out.body = body(txn, fan_out.event)?;
        }
        events.extend(fan_out.body.clone().map(|body| (fan_out.event, body)));
    }
    let mut patience = Patience::begin(txn.env, txn.hold);
    let mut reached = from;
    for recipient in recipients[from..].iter().take(PASSED_OVER) {
        if txn.directory.endpoint(recipient.endpoint).is_some() {
            for (seq, event) in &events {
                deliveries::deliver_to(txn, *seq, event, recipient, false)?;
            }
            patience.spend(events.len());
        }
        reached += 1;
        if patience.left() < events.len() || patience.is_over(txn.env) {
            break;
        }
    }
    Ok(reached)
}

/// Moves the marks on, and removes those that are done.
fn settle(
    txn: &mut WriteTxn<'_>,
    queue: &mut Queue,
    together: Vec<FanOut>,
    list: &Arc<List>,
    reached: usize,
) -> Result<(), Error> {
    let is_done = reached == list.recipients.len();
    for fan_out in together.into_iter().rev() {
        if is_done {
            txn.put(RecordKind::FanOutEnded, params![fan_out.event])?;
        } else {
            txn.put(RecordKind::FanOutMoved, params![fan_out.event, row::limit(reached)])?;
            queue.give_back(FanOut { position: reached, ..fan_out });
        }
    }
    if is_done && !queue.uses(list) {
        txn.fan_outs.forget_list(list);
        txn.put(RecordKind::FanOutListEnded, params![list.id])?;
    }
    Ok(())
}

/// The event with that number; `None` if it is gone.
fn body(txn: &mut WriteTxn<'_>, seq: i64) -> Result<Option<Arc<Event>>, Error> {
    let find = |db: &Connection| {
        let sql = format!("SELECT {} FROM events AS e WHERE e.seq = ?", row::EVENT);
        Ok::<_, Error>(db.prepare_cached(&sql)?.query_row([seq], |row| row::event(row, 0)).optional()?)
    };
    let found = match find(txn.tables())? {
        // It may still be in the journal.
        None => find(txn.db()?)?,
        found => found,
    };
    Ok(found.map(Arc::new))
}

/// Reads the waiting fan-outs, unless they are known.
fn ensure_known(txn: &mut WriteTxn<'_>) -> Result<(), Error> {
    if !txn.fan_outs.are_known() {
        let db = txn.db()?;
        *txn.fan_outs = read(db)?;
    }
    Ok(())
}

pub(super) fn read(db: &Connection) -> Result<FanOuts, Error> {
    let last_list: Option<i64> = db.query_row("SELECT max(id) FROM fan_out_lists", [], |row| row.get(0))?;
    let mut fan_outs = FanOuts::after(last_list.unwrap_or(0));
    let mut next = db.prepare(
        "SELECT project FROM fan_outs INDEXED BY fan_outs_by_project WHERE project > ? ORDER BY project LIMIT 1",
    )?;
    let mut after = Vec::new();
    while let Some(project) = next.query_row([&after], |row| row::id(row, 0)).optional()? {
        fan_outs.add(project);
        after = project.as_bytes().to_vec();
    }
    Ok(fan_outs)
}

/// Reads the next fan-outs of a project.
fn refill(txn: &mut WriteTxn<'_>, queue: &mut Queue) -> Result<(), Error> {
    let db = txn.db()?;
    let mut statement = db.prepare_cached(
        "SELECT event, list, position FROM fan_outs INDEXED BY fan_outs_by_project
         WHERE project = ? AND event > ? ORDER BY event LIMIT ?",
    )?;
    let found: Vec<(i64, i64, i64)> = statement
        .query_map(params![queue.project.as_bytes(), queue.last, row::limit(queues::KEPT)], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })?
        .collect::<rusqlite::Result<_>>()?;
    let has_more = found.len() == queues::KEPT;
    queue.has_more = false;
    for (event, list, position) in found {
        let list = match txn.fan_outs.list(list) {
            Some(list) => list,
            None => {
                // After a loss of the journal there may be none.
                let recipients: Option<Vec<u8>> = db
                    .prepare_cached("SELECT recipients FROM fan_out_lists WHERE id = ?")?
                    .query_row([list], |row| row.get(0))
                    .optional()?;
                let recipients = recipients.unwrap_or_default();
                txn.fan_outs.known_list(list, fan_outs::decode(&recipients)?)
            }
        };
        let position = usize::try_from(position).unwrap_or(usize::MAX).min(list.recipients.len());
        queue.push(FanOut { event, list, position, body: None, counted: 0 });
    }
    queue.has_more = has_more;
    Ok(())
}
