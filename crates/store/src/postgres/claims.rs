//! Claims on ids and idempotency keys, so that a repeated request is one event whichever nodes it comes to.
//!
//! A claim is a row that only one transaction can insert. A second one waits for the first and then sees it.
//!
//! ```text
//! node A: make ─ INSERT (project, kind, name) ─► claimed          COMMIT
//! node B: make ─ INSERT the same ──────────────► waits for A ──────► nothing inserted
//!         look_up ─────────────────────────────────────────────────► A's event and its fingerprint
//!         earlier ─ the same fingerprint: Accepted::Again · another: Conflict
//!         settle ── names claimed for an event that is not made: DELETE · that mean an earlier event: UPDATE
//! ```

use std::collections::{BTreeMap, HashMap};

use model::id::EventId;
use model::subscription::EventType;
use tokio_postgres::Row;

use super::event_key::EventKey;
use super::param::Uuid;
use super::row;
use super::session::Session;
use crate::Error;
use crate::ingest::{Accepted, Clash, Intake};

/// A name to claim: an event's id or a request's key, in a project.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Name {
    project: Uuid,
    kind: i16,
    name: String,
}

const ID: i16 = 0;
const KEY: i16 = 1;

/// Prefix of the ids that Posthaste generates.
const OWN_ID: &str = "evt_";

/// The event that a name stands for.
#[derive(Clone, Debug)]
struct Holder {
    key: EventKey,
    id: EventId,
    event_type: EventType,
    deliveries: u32,
    /// `None` for an event that no request can repeat.
    fingerprint: Option<[u8; 32]>,
}

/// The claims of one commit, and the events that its names stand for.
#[derive(Default)]
pub(super) struct Claims {
    holders: HashMap<Name, Holder>,
    /// Claimed by this commit, each for the event with that key.
    claimed: HashMap<Name, EventKey>,
    /// Claimed for an event that is not made after all.
    released: Vec<Name>,
    /// Claimed, but for an event that existed before.
    moved: Vec<(Name, EventKey, [u8; 32])>,
}

impl Claims {
    /// Claims the names of `intakes`, each with the key its event will have.
    pub(super) async fn make(session: &Session, intakes: &[(&Intake, EventKey)]) -> Result<Self, Error> {
        let mut wanted = BTreeMap::new();
        for (intake, key) in intakes {
            if let Some(fingerprint) = intake.fingerprint {
                for name in names_of(intake) {
                    wanted.entry(name).or_insert((*key, fingerprint));
                }
            }
        }
        let mut claims = Self::default();
        if wanted.is_empty() {
            return Ok(claims);
        }
        claims.insert(session, &wanted).await?;
        let held: Vec<&Name> = wanted.keys().filter(|name| !claims.claimed.contains_key(name)).collect();
        claims.look_up(session, &held).await?;
        let own: Vec<&Name> = wanted.keys().filter(|name| name.kind == ID && name.name.starts_with(OWN_ID)).collect();
        claims.look_up_events(session, &own).await?;
        Ok(claims)
    }

    /// In the order of their names: two commits that want the same ones never wait for each other in a circle.
    async fn insert(&mut self, session: &Session, wanted: &BTreeMap<Name, (EventKey, [u8; 32])>) -> Result<(), Error> {
        let (projects, kinds, names) = columns(wanted.keys());
        let keys: Vec<Uuid> = wanted.values().map(|(key, _)| Uuid::from(*key)).collect();
        let fingerprints: Vec<&[u8]> = wanted.values().map(|(_, fingerprint)| &fingerprint[..]).collect();
        let rows = session
            .query(
                "INSERT INTO idempotency (project, kind, name, event, fingerprint)
                 SELECT * FROM unnest($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING RETURNING project, kind, name, event",
                &[&projects, &kinds, &names, &keys, &fingerprints],
            )
            .await?;
        for row in &rows {
            self.claimed.insert(name(row)?, row::id(row, 3)?);
        }
        Ok(())
    }

    async fn look_up(&mut self, session: &Session, held: &[&Name]) -> Result<(), Error> {
        if held.is_empty() {
            return Ok(());
        }
        let (projects, kinds, names) = columns(held.iter().copied());
        let rows = session
            .query(
                "SELECT i.project, i.kind, i.name, i.event, e.id, e.type, e.deliveries, i.fingerprint
                 FROM unnest($1, $2, $3) AS asked (project, kind, name)
                 JOIN idempotency AS i USING (project, kind, name) JOIN events AS e ON e.key = i.event",
                &[&projects, &kinds, &names],
            )
            .await?;
        for row in &rows {
            let fingerprint = row::get::<&[u8]>(row, 7)?.try_into().ok();
            self.holders.insert(name(row)?, holder(row, 3, fingerprint)?);
        }
        Ok(())
    }

    /// Looks up generated ids among the events: those claim nothing, so a request that names one means the event that
    /// exists.
    async fn look_up_events(&mut self, session: &Session, own: &[&Name]) -> Result<(), Error> {
        if own.is_empty() {
            return Ok(());
        }
        let (projects, kinds, names) = columns(own.iter().copied());
        let rows = session
            .query(
                "SELECT e.project, asked.kind, e.id, e.key, e.id, e.type, e.deliveries
                 FROM unnest($1, $2, $3) AS asked (project, kind, name)
                 JOIN events AS e ON e.project = asked.project AND e.id = asked.name",
                &[&projects, &kinds, &names],
            )
            .await?;
        for row in &rows {
            let holder = holder(row, 3, None)?;
            self.holders.entry(name(row)?).or_insert(holder);
        }
        Ok(())
    }

    /// Returns the reply to an earlier identical request, or the conflict with it; `key` is the key that the new event
    /// would have.
    pub(super) fn earlier(&mut self, intake: &Intake, key: EventKey) -> Option<Accepted> {
        let fingerprint = intake.fingerprint?;
        let (by_id, by_key) = (id_of(intake), key_of(intake));
        if let Some(holder) = by_key.as_ref().and_then(|name| self.holders.get(name)) {
            let answer = repeat(holder, fingerprint, Clash::IdempotencyKey);
            self.release(by_id, key);
            return Some(answer);
        }
        let holder = by_id.as_ref().and_then(|name| self.holders.get(name))?.clone();
        let answer = repeat(&holder, fingerprint, Clash::Id);
        // From here on the request's key means the existing event.
        if let Some(name) = by_key.filter(|name| self.is_claimed_by(name, key)) {
            if matches!(answer, Accepted::Again { .. }) {
                self.holders.insert(name.clone(), holder.clone());
                self.moved.push((name, holder.key, fingerprint));
            } else {
                self.release(Some(name), key);
            }
        }
        self.release(by_id, key);
        Some(answer)
    }

    /// Records that the event is made, with this number of deliveries: other requests in the same commit may repeat it.
    pub(super) fn hold(&mut self, intake: &Intake, key: EventKey, deliveries: u32) {
        let Some(fingerprint) = intake.fingerprint else { return };
        let (id, event_type) = (intake.event.id.clone(), intake.event.event_type.clone());
        let holder = Holder { key, id, event_type, deliveries, fingerprint: Some(fingerprint) };
        for name in names_of(intake) {
            // An earlier request, for which it had been claimed, released it.
            if !self.is_claimed_by(&name, key) {
                self.released.retain(|released| *released != name);
                self.moved.push((name.clone(), key, fingerprint));
            }
            self.holders.insert(name, holder.clone());
        }
    }

    fn is_claimed_by(&self, name: &Name, key: EventKey) -> bool {
        self.claimed.get(name) == Some(&key)
    }

    fn release(&mut self, name: Option<Name>, key: EventKey) {
        if let Some(name) = name.filter(|name| self.is_claimed_by(name, key)) {
            self.released.push(name);
        }
    }

    /// Corrects the claims whose event was not made, or was another one.
    pub(super) async fn settle(&self, session: &Session) -> Result<(), Error> {
        if !self.released.is_empty() {
            let (projects, kinds, names) = columns(&self.released);
            session
                .execute(
                    "DELETE FROM idempotency WHERE (project, kind, name) IN (SELECT * FROM unnest($1, $2, $3))",
                    &[&projects, &kinds, &names],
                )
                .await?;
        }
        if !self.moved.is_empty() {
            let (projects, kinds, names) = columns(self.moved.iter().map(|(name, ..)| name));
            let keys: Vec<Uuid> = self.moved.iter().map(|(_, key, _)| Uuid::from(*key)).collect();
            let fingerprints: Vec<&[u8]> = self.moved.iter().map(|(.., fingerprint)| &fingerprint[..]).collect();
            session
                .execute(
                    "UPDATE idempotency AS i SET event = moved.event, fingerprint = moved.fingerprint
                     FROM unnest($1, $2, $3, $4, $5) AS moved (project, kind, name, event, fingerprint)
                     WHERE i.project = moved.project AND i.kind = moved.kind AND i.name = moved.name",
                    &[&projects, &kinds, &names, &keys, &fingerprints],
                )
                .await?;
        }
        Ok(())
    }
}

/// The names by which a request can be repeated.
fn names_of(intake: &Intake) -> impl Iterator<Item = Name> {
    [id_of(intake), key_of(intake)].into_iter().flatten()
}

fn id_of(intake: &Intake) -> Option<Name> {
    let name = intake.chose_id.then(|| intake.event.id.as_str().to_owned())?;
    Some(Name { project: intake.event.project.into(), kind: ID, name })
}

fn key_of(intake: &Intake) -> Option<Name> {
    let name = intake.idempotency_key.clone()?;
    Some(Name { project: intake.event.project.into(), kind: KEY, name })
}

fn columns<'a>(names: impl IntoIterator<Item = &'a Name>) -> (Vec<Uuid>, Vec<i16>, Vec<String>) {
    let mut columns = (Vec::new(), Vec::new(), Vec::new());
    for name in names {
        columns.0.push(name.project);
        columns.1.push(name.kind);
        columns.2.push(name.name.clone());
    }
    columns
}

fn name(row: &Row) -> Result<Name, Error> {
    Ok(Name { project: row::get(row, 0)?, kind: row::get(row, 1)?, name: row::get(row, 2)? })
}

fn holder(row: &Row, at: usize, fingerprint: Option<[u8; 32]>) -> Result<Holder, Error> {
    Ok(Holder {
        key: row::id(row, at)?,
        id: row::text(row, at + 1)?,
        event_type: row::text(row, at + 2)?,
        deliveries: row::count(row, at + 3)?,
        fingerprint,
    })
}

fn repeat(holder: &Holder, fingerprint: [u8; 32], clash: Clash) -> Accepted {
    if holder.fingerprint != Some(fingerprint) {
        return Accepted::Conflict(clash);
    }
    Accepted::Again { id: holder.id.clone(), event_type: holder.event_type.clone(), deliveries: holder.deliveries }
}
