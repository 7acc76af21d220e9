//! Ingest of events, many in one commit: the directory's revision is compared, and two round trips do the rest.
//!
//! ```text
//! callers ─ IngestItem ─► Group: items that arrived during the last commit
//!                           │                                         PostgreSQL
//!                           ├─ BEGIN, lock, revision, time (piped) ──► the directory stays as it is
//!                           ├─ refresh_to, if the revision is newer ─► changes, read by this node
//!                           ├─ Claims::make ─────────────────────────► ids and keys: ours, or whose
//!                           ├─ waiting::of, for strict order ────────► projects with a fan-out under way
//!                           │  Plan::add, in memory: one IngestReply each
//!                           ├─ Claims::settle, where some turned out otherwise
//!                           └─ rows, COMMIT (piped) ─────────────────► events, deliveries, fan-outs: on disk
//! callers ◄─ IngestReply ── publish: notices to the engine and to other nodes
//! ```
//!
//! If the connection breaks during COMMIT its outcome is unknown: the commit is kept as an [`UnconfirmedCommit`], and
//! the next try, with the same keys, first checks whether its proof is there.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use futures_util::future;
use model::actor::Actor;
use model::event::Event;
use model::id::{DeliveryId, EndpointId, ProjectId};
use model::time::Timestamp;

use super::claims::Claims;
use super::event_key::EventKey;
use super::group::{Commit, Group};
use super::node_context::NodeContext;
use super::param::Uuid;
use super::rows::NewRows;
use super::session::Session;
use super::transaction::{self, Lock};
use super::{row, waiting};
use crate::Error;
use crate::actor;
use crate::directory::Directory;
use crate::fan_outs::{DIRECT, FEW};
use crate::feed::CommitNotice;
use crate::filtering::{FilterResults, Recipient};
use crate::ingest::{Accepted, FilteredIntakes, Intake};
use crate::occurrences::Noted;
use crate::rules::delivery::{self, Moment};
use crate::rules::order;
use crate::slice;

pub(crate) async fn take(
    by: &Actor,
    db: &NodeContext,
    takes: &Group<IngestGroup>,
    intake: Intake,
    filter_results: FilterResults,
) -> Result<Accepted, Error> {
    let rows = expected(&db.published.directory.load(), &intake.event, DIRECT);
    match takes
        .commit(IngestItem { by: by.clone(), kind: ItemKind::Event(Box::new((intake, filter_results)), rows) })
        .await?
    {
        IngestReply::Events(mut accepted) if accepted.len() == 1 => Ok(accepted.remove(0)),
        _ => Err(Error::Corrupt("one event has one answer".to_owned())),
    }
}

/// Ingests as many of these events as one commit may, from the first on.
pub(crate) async fn take_slice(
    by: &Actor,
    db: &NodeContext,
    takes: &Group<IngestGroup>,
    filtered: FilteredIntakes,
    which: Range<usize>,
) -> Result<Vec<Accepted>, Error> {
    let (mut rows, mut bytes, mut end) = (0, 0, which.start);
    {
        let directory = db.published.directory.load();
        while end < which.end && rows < slice::ROWS && bytes < BYTES {
            let event = &filtered[end].0.event;
            rows += expected(&directory, event, slice::ROWS.saturating_sub(rows).max(FEW));
            bytes += event.data.as_str().len();
            end += 1;
        }
    }
    match takes.commit(IngestItem { by: by.clone(), kind: ItemKind::Slice(filtered, which.start..end, rows) }).await? {
        IngestReply::Events(accepted) => Ok(accepted),
        IngestReply::Test(_) => Err(Error::Corrupt("events were taken for a test".to_owned())),
    }
}

/// Approximate rows of an event, if its deliveries are made with it where they are no more than `room`.
fn expected(directory: &Directory, event: &Event, room: usize) -> usize {
    let count = directory.matching(event).take(room + 1).count();
    if count > room { 2 } else { 1 + count }
}

pub(crate) async fn take_test(
    by: &Actor,
    takes: &Group<IngestGroup>,
    event: Event,
    endpoint: EndpointId,
) -> Result<Option<DeliveryId>, Error> {
    match takes.commit(IngestItem { by: by.clone(), kind: ItemKind::Test(event, endpoint) }).await? {
        IngestReply::Test(delivery) => Ok(delivery),
        IngestReply::Events(_) => Err(Error::Corrupt("a test was taken for events".to_owned())),
    }
}

/// Bytes of events after which a slice of a batch ends.
const BYTES: usize = 1 << 20;

/// One call's events, and the actor of the call.
pub(crate) struct IngestItem {
    by: Actor,
    kind: ItemKind,
}

/// Events ingested together, with the approximate number of their rows.
enum ItemKind {
    Event(Box<(Intake, FilterResults)>, usize),
    Slice(FilteredIntakes, Range<usize>, usize),
    Test(Event, EndpointId),
}

pub(crate) enum IngestReply {
    Events(Vec<Accepted>),
    Test(Option<DeliveryId>),
}

/// The group commit of incoming events.
pub(crate) struct IngestGroup {
    context: Arc<NodeContext>,
    session: Option<Session>,
    noted: Noted,
    /// The last commit, if the connection broke during it.
    unconfirmed: Option<UnconfirmedCommit>,
}

/// A commit whose outcome is unknown.
struct UnconfirmedCommit {
    /// The keys of its events. A second try uses the same, so that only one of the two can succeed.
    keys: Vec<EventKey>,
    done: Done,
}

/// A commit's outcome.
struct Done {
    /// The key of an event that is on disk if and only if the commit is.
    proof: Option<EventKey>,
    answers: Vec<IngestReply>,
    notices: Vec<CommitNotice>,
    fans_out: bool,
    rows: usize,
}

impl Commit for IngestGroup {
    type Item = IngestItem;
    type Reply = IngestReply;

    fn weight(item: &IngestItem) -> usize {
        match &item.kind {
            ItemKind::Test(event, _) => event.data.as_str().len(),
            _ => item.events().iter().map(|(intake, _)| intake.event.data.as_str().len()).sum(),
        }
    }

    fn rows(item: &IngestItem) -> usize {
        match item.kind {
            ItemKind::Event(_, rows) | ItemKind::Slice(_, _, rows) => rows,
            ItemKind::Test(..) => 2,
        }
    }

    async fn commit(&mut self, items: &[IngestItem], again: bool) -> Result<Vec<IngestReply>, Error> {
        let session = match self.session.take() {
            Some(session) => session,
            None => self.context.connections.session().await?,
        };
        let unconfirmed = self.unconfirmed.take().filter(|_| again);
        let began = self.context.env.elapsed();
        match self.attempt(&session, items, unconfirmed).await {
            Ok(done) => {
                self.context.held_since(began, items.len(), done.rows);
                Ok(self.publish(session, done))
            }
            Err(error) => {
                self.noted.clear();
                session.abandon();
                Err(error)
            }
        }
    }
}

/// True if an unconfirmed commit succeeded. One that stored no event counts as failed.
async fn is_done(session: &Session, done: &Done) -> Result<bool, Error> {
    let Some(proof) = done.proof else { return Ok(false) };
    Ok(session.query_opt("SELECT 1 FROM events WHERE key = $1", &[&Uuid::from(proof)]).await?.is_some())
}

impl IngestGroup {
    pub(super) fn new(context: Arc<NodeContext>) -> Self {
        Self { context, session: None, noted: Noted::default(), unconfirmed: None }
    }

    fn publish(&mut self, session: Session, done: Done) -> Vec<IngestReply> {
        self.session = Some(session);
        self.context.announce(done.notices);
        if done.fans_out {
            self.context.fans_out();
        }
        done.answers
    }

    async fn attempt(
        &mut self,
        session: &Session,
        items: &[IngestItem],
        unconfirmed: Option<UnconfirmedCommit>,
    ) -> Result<Done, Error> {
        let (keys, mut before) = match unconfirmed {
            Some(UnconfirmedCommit { keys, done }) => (keys, Some(done)),
            None => (items.iter().flat_map(IngestItem::ones).map(|_| self.context.next_key()).collect(), None),
        };
        match self.commit_with(session, items, &keys, &mut before).await {
            Ok(done) => Ok(done),
            Err(Failed { error, done }) => {
                let was_in_doubt = before.is_some();
                self.unconfirmed = before.or(done).map(|done| UnconfirmedCommit { keys, done });
                // The first try succeeded while the second was under way.
                let came_about = was_in_doubt && error.is_duplicate();
                Err(if came_about { Error::Connection("a commit was in doubt".to_owned()) } else { error })
            }
        }
    }

    async fn commit_with(
        &mut self,
        session: &Session,
        items: &[IngestItem],
        keys: &[EventKey],
        before: &mut Option<Done>,
    ) -> Result<Done, Failed> {
        let revision = session
            .prepare("SELECT revision, (extract(epoch FROM clock_timestamp()) * 1000)::bigint FROM directory", &[])
            .await?;
        let (began, locked, head) =
            future::join3(session.begin(), session.run(Lock::WORK), session.send(&revision, &[])).await;
        began?;
        locked?;
        let head = head?.pop().ok_or_else(|| Error::Corrupt("the directory has no revision".to_owned()))?;
        let now = self.context.env.shared(Timestamp::from_millis(row::get(&head, 1)?));
        let directory = self.context.refresh_to(session, row::get(&head, 0)?).await?;
        let intakes = items.iter().flat_map(IngestItem::ones).zip(keys);
        let keyed: Vec<(&Intake, EventKey)> =
            intakes.filter_map(|(event, key)| Some((event.intake()?, *key))).collect();
        let claims = Claims::make(session, &keyed).await?;
        if let Some(done) = before
            // By now the claims of the first try are decided.
            && is_done(session, done).await?
        {
            session.run("ROLLBACK").await?;
            return before.take().ok_or_else(|| Error::Stopped.into());
        }
        let in_order = items.iter().flat_map(|item| item.in_order(&directory)).collect();
        let waiting = waiting::of(session, in_order).await?;
        let accepted_at = self.context.accepted_at(now);
        let mut plan = Plan {
            context: &self.context,
            directory,
            now,
            accepted_at,
            rows: NewRows::default(),
            notices: Vec::new(),
            claims,
            waiting,
        };
        let mut keys = keys.iter().copied();
        let answers = items.iter().map(|item| plan.add(item, &mut keys)).collect();
        let Plan { rows, notices, claims, .. } = plan;
        claims.settle(session).await?;
        let ready = rows.ready(session, &mut self.noted).await?;
        let done = Done { proof: rows.proof(), answers, notices, fans_out: rows.fans_out(), rows: rows.len() };
        let (sent, committed) = future::join(ready.send(session), session.commit()).await;
        match sent.and(committed) {
            Ok(()) => Ok(done),
            // The commit may have succeeded, and only its reply been lost.
            Err(error) => Err(Failed { error, done: Some(done) }),
        }
    }
}

/// A failed try, and the outcome to publish if its commit succeeded after all.
struct Failed {
    error: Error,
    done: Option<Done>,
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self { error, done: None }
    }
}

/// One event of an item.
enum One<'a> {
    Asked(&'a Intake),
    Test,
}

impl<'a> One<'a> {
    fn intake(&self) -> Option<&'a Intake> {
        match self {
            Self::Asked(intake) => Some(intake),
            Self::Test => None,
        }
    }
}

impl IngestItem {
    fn events(&self) -> &[(Intake, FilterResults)] {
        match &self.kind {
            ItemKind::Event(event, _) => std::slice::from_ref(&**event),
            ItemKind::Slice(filtered, which, _) => &filtered[which.clone()],
            ItemKind::Test(..) => &[],
        }
    }

    fn ones(&self) -> impl Iterator<Item = One<'_>> {
        let test = matches!(self.kind, ItemKind::Test(..)).then_some(One::Test);
        self.events().iter().map(|(intake, _)| One::Asked(intake)).chain(test)
    }

    /// Projects of the events that an endpoint with strict order may get.
    fn in_order<'a>(&'a self, directory: &'a Directory) -> impl Iterator<Item = ProjectId> + 'a {
        let is_strict = |event: &Event| directory.matching(event).any(|endpoint| endpoint.is_strict());
        let events = self.events().iter().map(|(intake, _)| &intake.event);
        events.filter(move |event| is_strict(event)).map(|event| event.project)
    }
}

/// The rows and notices of a commit that is being prepared.
struct Plan<'a> {
    context: &'a NodeContext,
    directory: Arc<Directory>,
    now: Timestamp,
    accepted_at: Timestamp,
    rows: NewRows,
    notices: Vec<CommitNotice>,
    claims: Claims,
    /// Projects with fan-outs under way, of those with events for strict order.
    waiting: HashSet<ProjectId>,
}

impl Plan<'_> {
    fn add(&mut self, item: &IngestItem, keys: &mut dyn Iterator<Item = EventKey>) -> IngestReply {
        actor::acts(&item.by);
        if let ItemKind::Test(event, endpoint) = &item.kind {
            return IngestReply::Test(keys.next().and_then(|key| self.test(event, *endpoint, key)));
        }
        let mut room = DIRECT;
        let keyed = item.events().iter().zip(keys);
        IngestReply::Events(
            keyed.map(|((intake, filter_results), key)| self.event(intake, filter_results, key, &mut room)).collect(),
        )
    }

    fn event(&mut self, intake: &Intake, filter_results: &FilterResults, key: EventKey, room: &mut usize) -> Accepted {
        if let Some(earlier) = self.claims.earlier(intake, key) {
            return earlier;
        }
        let event = Arc::new(Event { created_at: key.created_at(), ..intake.event.clone() });
        let recipients = filter_results.recipients(&self.directory, &event);
        let deliveries = u32::try_from(recipients.len()).unwrap_or(u32::MAX);
        self.claims.hold(intake, key, deliveries);
        self.rows.event(key, event.clone(), deliveries);
        let must_wait = self.waiting.contains(&event.project) && order::has_strict(&self.directory, &recipients);
        if recipients.len() > (*room).max(FEW) || must_wait {
            let id = self.context.next_key();
            self.rows.fan_out(key, event.project, recipients, id);
            self.waiting.insert(event.project);
            return Accepted::New { id: event.id.clone(), deliveries };
        }
        *room = room.saturating_sub(recipients.len());
        for recipient in recipients {
            self.deliver_to(key, &event, recipient, false);
        }
        Accepted::New { id: event.id.clone(), deliveries }
    }

    fn test(&mut self, event: &Event, endpoint: EndpointId, key: EventKey) -> Option<DeliveryId> {
        self.directory.endpoint(endpoint)?;
        let event = Arc::new(Event { created_at: key.created_at(), test: true, ..event.clone() });
        self.rows.event(key, event.clone(), 1);
        Some(self.deliver_to(key, &event, Recipient { endpoint, note: None }, true))
    }

    fn deliver_to(&mut self, key: EventKey, event: &Arc<Event>, recipient: Recipient, manual: bool) -> DeliveryId {
        let Recipient { endpoint, note } = recipient;
        let moment = Moment { now: self.now, accepted_at: self.accepted_at };
        let due = delivery::new(self.context.next_key(), event, endpoint, manual, &self.directory, moment);
        let id = due.id;
        self.notices.push(transaction::due_notice(&self.directory, due.clone()));
        self.rows.delivery(due, key, note);
        id
    }
}
