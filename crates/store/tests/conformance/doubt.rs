//! Commits cut off by a lost connection, on PostgreSQL: their outcome is found out, and each is done once. Tested on
//! PostgreSQL in every run.

use std::time::Duration;

use model::actor::Actor;
use model::delivery::Status;
use model::id::EventId;
use store::feed::{CommitNotice, FeedItem};
use store::handle::Postgres;
use store::ingest::Accepted;
use testkit::patiently;
use testkit::postgres::Database;
use testkit::proxy::{Cut, Proxy};
use tokio::task::JoinSet;
use tokio_postgres::{Client, NoTls};

use crate::harness::{Opened, Place, news, tried};

/// A node whose commits to a table can be kept from ending, and whose network can be cut.
struct Wired {
    node: Opened,
    wire: Proxy,
    gate: Client,
    _driver: JoinSet<()>,
    /// Dropped last.
    _database: Database,
}

/// A commit of rows of the table waits for this lock at its end.
const GATED: &str = "CREATE FUNCTION gate() RETURNS trigger LANGUAGE plpgsql AS
     $$ BEGIN PERFORM pg_advisory_xact_lock_shared(42); RETURN NULL; END $$";

/// The sessions that hold that lock or wait for it.
const AT_THE_GATE: &str = "pg_locks WHERE locktype = 'advisory' AND objid = 42
     AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";

impl Wired {
    /// The gate is before commits that change `table`.
    async fn with_gate_at(table: &str) -> Self {
        let database = Database::fresh().await;
        let wire = Proxy::to(database.upstream());
        let direct_url = Some(database.url().to_owned());
        let node = Opened::try_on(Postgres { direct_url, ..Postgres::at(database.url_at(wire.address())) });
        let node = node.await.unwrap();
        let (gate, connection) = tokio_postgres::connect(database.url(), NoTls).await.unwrap();
        let mut driver = JoinSet::new();
        driver.spawn(async move { connection.await.unwrap_or_default() });
        let trigger = format!(
            "{GATED}; CREATE CONSTRAINT TRIGGER gate AFTER INSERT OR DELETE ON {table} DEFERRABLE INITIALLY DEFERRED
             FOR EACH ROW EXECUTE FUNCTION gate()"
        );
        gate.batch_execute(&trigger).await.unwrap();
        Self { node, wire, gate, _driver: driver, _database: database }
    }

    async fn close_gate(&self) {
        self.gate.batch_execute("SELECT pg_advisory_lock(42)").await.unwrap();
    }

    async fn open_gate(&self) {
        self.gate.batch_execute("SELECT pg_advisory_unlock(42)").await.unwrap();
    }

    /// Waits until a commit is blocked at the gate.
    async fn somebody_waits(&self) {
        let waits = async {
            while self.asked(&format!("SELECT count(*) FROM {AT_THE_GATE} AND NOT granted")).await == 0 {
                tokio::task::yield_now().await;
            }
        };
        patiently(waits, || "nobody commits".to_owned()).await;
    }

    /// Waits until every commit has ended.
    async fn nobody_waits(&self) {
        let waits = async {
            while self.asked(&format!("SELECT count(*) FROM {AT_THE_GATE}")).await > 0 {
                tokio::task::yield_now().await;
            }
        };
        patiently(waits, || "a commit does not end".to_owned()).await;
    }

    async fn asked(&self, sql: &str) -> i64 {
        self.gate.query_one(sql, &[]).await.unwrap().get(0)
    }

    /// Lets a commit get to the gate and cuts it off there.
    async fn cut_off(&self) {
        self.somebody_waits().await;
        self.wire.cut(Cut::Refused).await;
    }

    /// Kills a cut-off commit at the gate, so that it fails.
    async fn kill(&self) {
        let sql = format!("SELECT count(pg_terminate_backend(pid)) FROM {AT_THE_GATE} AND NOT granted");
        assert_eq!(self.asked(&sql).await, 1);
    }
}

/// The outcome of a commit whose reply was lost.
#[derive(Clone, Copy, Debug)]
enum Fate {
    /// It succeeded before it was tried again.
    Before,
    /// It succeeded during the second try.
    Meanwhile,
    Never,
}

impl Wired {
    async fn meet(&self, fate: Fate) {
        self.cut_off().await;
        match fate {
            Fate::Before => {
                self.open_gate().await;
                self.nobody_waits().await;
                self.wire.heal().await;
            }
            Fate::Meanwhile => {
                self.wire.heal().await;
                let again = async {
                    let waiting = "SELECT count(*) FROM pg_stat_activity
                         WHERE datname = current_database() AND wait_event_type = 'Lock'";
                    while self.asked(waiting).await < 2 {
                        tokio::task::yield_now().await;
                    }
                };
                patiently(again, || "it is not tried again".to_owned()).await;
                self.open_gate().await;
            }
            Fate::Never => {
                self.kill().await;
                self.wire.heal().await;
                self.open_gate().await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_whose_commit_was_in_doubt_is_there_once() {
    for fate in [Fate::Before, Fate::Meanwhile, Fate::Never] {
        let wired = Wired::with_gate_at("idempotency").await;
        let node = &wired.node;
        let endpoint = node.endpoint(&["*"]).await;
        let mut feed = node.feed().unwrap();
        while news(&mut feed).is_some() {}
        wired.close_gate().await;

        let request = node.draft("order.created").id("order-7").key("k1");
        let (accepted, ()) = tokio::join!(request.clone().ingest(), wired.meet(fate));

        let event: EventId = "order-7".parse().unwrap();
        assert_eq!(accepted, Accepted::New { id: event.clone(), deliveries: 1 }, "{fate:?}");
        assert!(matches!(request.ingest().await, Accepted::Again { id, deliveries: 1, .. } if id == event), "{fate:?}");
        assert_eq!((node.all_events().await.len(), node.all_deliveries().await.len()), (1, 1), "{fate:?}");
        let due = node.only_due_at(&endpoint).await;
        let mut told = Vec::new();
        while let Some(told_now) = news(&mut feed) {
            if let FeedItem::Notices(facts) = told_now {
                told.extend(facts);
            }
        }
        let told = told.iter().filter(|fact| matches!(fact, CommitNotice::Due(told) if told.id == due.id)).count();
        assert_eq!(told, 1, "{fate:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_whose_commit_was_in_doubt_is_recorded_once() {
    for fate in [Fate::Before, Fate::Meanwhile, Fate::Never] {
        let wired = Wired::with_gate_at("pending").await;
        let node = &wired.node;
        let endpoint = node.endpoint(&["*"]).await;
        let due = node.send_to(&endpoint, "order.created").await;
        wired.close_gate().await;

        let ((), ()) = tokio::join!(node.delivers(&due), wired.meet(fate));

        let shown = node.shown(due.id).await;
        assert_eq!((shown.delivery.status, shown.attempts.len()), (Status::Delivered, 1), "{fate:?}");
        assert!(node.due_at(&endpoint).await.is_empty(), "{fate:?}");
    }
}

#[tokio::test]
async fn an_attempt_that_is_not_the_next_of_its_delivery_changes_nothing() {
    let node = Opened::new_at(Place::Postgres(Database::fresh().await)).await;
    let endpoint = node.endpoint(&["*"]).await;
    let due = node.send_to(&endpoint, "order.created").await;
    let mut later = due.clone();
    // As known to a node that was stopped for long, while others went on.
    later.attempts = 2;

    assert!(node.record(tried(&later, 204, model::retry::Next::Delivered)).await.is_err());

    let shown = node.shown(due.id).await;
    assert_eq!((shown.delivery.status, shown.delivery.attempts, shown.attempts.len()), (Status::Pending, 0, 0));
    assert_eq!(node.only_due_at(&endpoint).await.id, due.id);
    node.fails_for(&due, Duration::from_secs(60)).await;
    assert_eq!(node.shown(due.id).await.attempts.len(), 1);
}

#[tokio::test]
async fn a_name_that_a_refused_request_brought_is_anybodys_at_two_nodes_at_once() {
    let first = Opened::new_at(Place::Postgres(Database::fresh().await)).await;
    let second = first.beside(|_| {}).await.unwrap();
    first.endpoint(&["*"]).await;
    first.draft("order.created").key("taken").send().await;
    for number in 0..20 {
        let id = format!("order-{number}");
        let refused = first.draft("order.created").data("\"other\"").id(&id).key("taken").ingest().await;
        assert!(matches!(refused, Accepted::Conflict(_)), "{refused:?}");

        let request = |node: &Opened| node.draft("order.created").id(&id).intake();
        let (one, two) =
            tokio::join!(first.ingest(&Actor::Admin, request(&first)), second.ingest(&Actor::Admin, request(&second)));

        let answers = [one.unwrap(), two.unwrap()];
        let news = answers.iter().filter(|answer| matches!(answer, Accepted::New { .. })).count();
        let repeats = answers.iter().filter(|answer| matches!(answer, Accepted::Again { .. })).count();
        assert_eq!((news, repeats), (1, 1), "{answers:?}");
    }
    let Place::Postgres(database) = &first.place else { panic!("it is on PostgreSQL") };
    let (client, connection) = tokio_postgres::connect(database.url(), NoTls).await.unwrap();
    let mut driver = JoinSet::new();
    driver.spawn(async move { connection.await.unwrap_or_default() });
    let dangling =
        "SELECT count(*) FROM idempotency AS i WHERE NOT EXISTS (SELECT 1 FROM events AS e WHERE e.key = i.event)";
    assert_eq!(client.query_one(dangling, &[]).await.unwrap().get::<_, i64>(0), 0);
}
