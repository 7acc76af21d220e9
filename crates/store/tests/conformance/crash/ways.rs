//! The ways in which an embedded database writes to disk.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use faultdisk::Watch;
use futures_util::future::join_all;
use model::actor::Actor;
use model::delivery::Status;
use model::endpoint::Endpoint;
use model::retention::Retention;
use model::retry::Next;
use store::Error;
use store::ingest::Accepted;
use store::retention::Step;
use store::seal::MasterKey;
use store::search::{Delivery, DeliveryFilter, Paging};

use crate::harness::{Clock, DAY, Opened, Place, tried};

/// Concurrent events: more than go into the tables one by one.
const AT_ONCE: usize = 16;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// One event after the other goes into the tables.
    Tables,
    /// Many at once go into the journal.
    Journal,
    /// One file of the journal is applied to the tables while the other is written to.
    HandOver,
    /// The database's log is copied into its file and begun anew, and the store is closed and opened.
    Checkpoint,
    /// Events past their retention are deleted.
    Retention,
    /// There is nothing yet.
    FirstStart,
}

/// The starting state of a way.
pub(super) struct Stage {
    pub(super) place: Place,
    pub(super) watch: Watch,
    pub(super) key: MasterKey,
    pub(super) clock: Arc<Clock>,
    store: Option<(Opened, Arc<Endpoint>)>,
    /// Ids of events that were stored long ago.
    old: Vec<String>,
}

/// Acknowledgements seen by the time of a power cut.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    accepted: BTreeSet<String>,
    delivered: BTreeSet<String>,
    /// May be gone by now.
    old: BTreeSet<String>,
}

impl Seen {
    pub(super) fn note(&mut self, mark: &str) {
        match mark.split_once(' ') {
            Some(("accepted", id)) => self.accepted.insert(id.to_owned()),
            Some(("delivered", id)) => self.delivered.insert(id.to_owned()),
            Some(("old", id)) => self.old.insert(id.to_owned()),
            _ => panic!("{mark}"),
        };
    }
}

impl Way {
    /// Prepares the starting state. Nothing fails yet.
    pub(super) async fn stage(self) -> Stage {
        let place = Place::embedded();
        let watch = Watch::on(place.dir());
        let clock = Arc::new(Clock::default());
        let key = MasterKey::generate(&*clock);
        let mut stage = Stage { place, watch, key, clock, store: None, old: Vec::new() };
        if self == Self::FirstStart {
            return stage;
        }
        let store = stage.open().await.unwrap();
        let endpoint = store.endpoint(&["*"]).await;
        store.send("before").await;
        stage.store = Some((store, endpoint));
        if self == Self::Retention {
            stage.grow_old().await;
        }
        stage
    }
}

impl Stage {
    pub(super) async fn open(&self) -> Result<Opened, Error> {
        self.open_at(self.place.beside()).await
    }

    pub(super) async fn open_at(&self, place: Place) -> Result<Opened, Error> {
        Opened::at(place, self.key.clone(), self.clock.clone()).await
    }

    /// Writes in that way. Acknowledged writes are marked in the disk's record; errors are returned.
    pub(super) async fn run(&mut self, way: Way) -> Vec<Error> {
        let mut errors = Vec::new();
        if way == Way::FirstStart {
            match self.first_start().await {
                Ok(store) => self.store = Some(store),
                Err(error) => return vec![error],
            }
        }
        let Some((store, endpoint)) = self.store.take() else { return errors };
        match way {
            Way::Tables => {
                for _ in 0..6 {
                    errors.extend(self.send(&store, 1, 50).await);
                }
                errors.extend(self.deliver(&store, &endpoint, 1).await);
            }
            Way::Journal | Way::FirstStart => {
                for _ in 0..4 {
                    errors.extend(self.send(&store, AT_ONCE, 50).await);
                }
                errors.extend(self.deliver(&store, &endpoint, AT_ONCE).await);
            }
            Way::HandOver => errors.extend(self.stream(&store).await),
            Way::Checkpoint => {
                for round in 0..3 {
                    errors.extend(self.send(&store, AT_ONCE, 500).await);
                    errors.extend(self.send(&store, 1, 500).await);
                    self.checkpoint(round);
                }
            }
            Way::Retention => errors.extend(self.sweep(&store).await),
        }
        if way == Way::Checkpoint {
            store.close().await;
            drop(store);
            match self.open().await {
                Err(error) => errors.push(error),
                Ok(store) => {
                    errors.extend(self.send(&store, AT_ONCE, 50).await);
                    self.store = Some((store, endpoint));
                }
            }
        } else {
            self.store = Some((store, endpoint));
        }
        errors
    }

    /// Stops the store in order, if it runs.
    pub(super) async fn close(&mut self) {
        if let Some((store, _)) = self.store.take() {
            store.close().await;
        }
    }

    /// True if the running store accepts an event; `None` if there is none, or if it has stopped.
    pub(super) async fn goes_on(&self) -> Option<bool> {
        let (store, _) = self.store.as_ref()?;
        match store.ingest(&Actor::Admin, store.draft("later").intake()).await {
            Ok(Accepted::New { id, .. }) => {
                self.watch.mark(format!("accepted {id}"));
                Some(true)
            }
            Err(Error::Stopped) => None,
            _ => Some(false),
        }
    }

    async fn first_start(&self) -> Result<(Opened, Arc<Endpoint>), Error> {
        let store = self.open().await?;
        let endpoint = store.plan().endpoint;
        match store.create_endpoint(&Actor::Admin, endpoint).await {
            Ok(kept) => Ok((store, kept)),
            Err(error) => {
                store.close().await;
                Err(error)
            }
        }
    }

    /// Sends `count` events at once, each with `bytes` bytes.
    async fn send(&self, store: &Opened, count: usize, bytes: usize) -> Vec<Error> {
        let data = format!("\"{}\"", "x".repeat(bytes));
        let intakes: Vec<_> = (0..count).map(|_| store.draft("sent").data(&data).intake()).collect();
        let sent = intakes.into_iter().map(async |intake| match store.ingest(&Actor::Admin, intake).await {
            Ok(Accepted::New { id, .. }) => {
                self.watch.mark(format!("accepted {id}"));
                None
            }
            Ok(other) => panic!("{other:?}"),
            Err(error) => Some(error),
        });
        join_all(sent).await.into_iter().flatten().collect()
    }

    /// Sends enough to fill files of the journal several times, without a pause.
    async fn stream(&self, store: &Opened) -> Vec<Error> {
        let senders = (0..AT_ONCE).map(async |_| {
            let mut errors = Vec::new();
            for _ in 0..12 {
                errors.extend(self.send(store, 1, 10_000).await);
            }
            errors
        });
        join_all(senders).await.into_iter().flatten().collect()
    }

    async fn deliver(&self, store: &Opened, endpoint: &Endpoint, at_once: usize) -> Vec<Error> {
        let due = match store.due(endpoint.id, endpoint.settings.ordering, store.now(), 2 * at_once).await {
            Ok(found) => found.due,
            Err(error) => return vec![error],
        };
        let recorded = due.iter().map(async |due| match store.record(tried(due, 204, Next::Delivered)).await {
            Ok(()) => {
                self.watch.mark(format!("delivered {}", due.id));
                None
            }
            Err(error) => Some(error),
        });
        join_all(recorded).await.into_iter().flatten().collect()
    }

    /// Copies SQLite's log into its file, as the checkpoint thread does when the log is large.
    fn checkpoint(&self, round: usize) {
        let path = self.place.dir().join("posthaste.db");
        let kind = if round == 1 { "RESTART" } else { "PASSIVE" };
        // A failed checkpoint is tried again another time.
        let _ = rusqlite::Connection::open(path)
            .and_then(|db| db.query_row(&format!("PRAGMA wal_checkpoint({kind})"), [], |_| Ok(())));
    }

    /// Stores events that were delivered long ago, some that are pending, and some that are young.
    async fn grow_old(&mut self) {
        let (store, endpoint) = self.store.as_ref().expect("it runs");
        for _ in 0..3 {
            store.send_many("old", 20).await;
            let due = store.due_at(endpoint).await;
            let (arrived, _pending) = due.split_at(due.len() - 1);
            store.record_all(arrived.iter().map(|due| tried(due, 204, Next::Delivered))).await;
        }
        self.clock.advance(40 * DAY);
        let mark = |delivery: &Delivery| match delivery.status {
            Status::Delivered => format!("old {}", delivery.event),
            _ => format!("accepted {}", delivery.event),
        };
        self.old = store.all_deliveries().await.iter().map(mark).collect();
    }

    async fn sweep(&self, store: &Opened) -> Vec<Error> {
        let mut errors = Vec::new();
        self.old.iter().for_each(|mark| self.watch.mark(mark));
        let mut sweep = store.store.begin_retention(Retention::default());
        for _ in 0..20 {
            match store.continue_retention(&mut sweep).await {
                Ok(Step::Went { .. }) => {}
                Ok(Step::Rest(_)) => break,
                Err(error) => errors.push(error),
            }
            errors.extend(self.send(store, 1, 50).await);
        }
        errors
    }

    /// Opens the store at `place`, and checks that every acknowledged event is there, and none twice.
    pub(super) async fn check(&self, place: Place, seen: &Seen, when: &str) {
        let store = match self.open_at(place).await {
            Ok(store) => store,
            Err(error) => panic!("{when}: {error}"),
        };
        let events: Vec<String> = store.all_events().await.iter().map(|stored| stored.id.to_string()).collect();
        let there: BTreeSet<_> = events.iter().cloned().collect();
        assert_eq!(there.len(), events.len(), "{when}: something is there twice");
        let lost: Vec<_> = seen.accepted.difference(&there).filter(|id| !seen.old.contains(*id)).collect();
        assert!(lost.is_empty(), "{when}: {} of {} accepted events are lost", lost.len(), seen.accepted.len());

        let mut deliveries: BTreeMap<String, Vec<Delivery>> = BTreeMap::new();
        let all = store.listed(store.project, DeliveryFilter::default(), 250).await;
        let delivered: BTreeSet<_> = all
            .iter()
            .filter(|delivery| delivery.status == Status::Delivered)
            .map(|delivery| delivery.id.to_string())
            .collect();
        assert!(seen.delivered.is_subset(&delivered), "{when}: what was delivered would be sent again");
        for delivery in all {
            deliveries.entry(delivery.event.to_string()).or_default().push(delivery);
        }
        for id in there.iter().filter(|id| !seen.old.contains(*id)) {
            assert_eq!(deliveries.get(id).map(Vec::len), Some(1), "{when}: deliveries of {id}");
        }
        assert!(deliveries.keys().all(|event| there.contains(event)), "{when}: a delivery has no event");
        let page = Paging { limit: 1, after: None };
        assert!(store.deliveries(store.project, DeliveryFilter::default(), page).await.is_ok(), "{when}");
        store.send("after").await;
        store.close().await;
    }
}
