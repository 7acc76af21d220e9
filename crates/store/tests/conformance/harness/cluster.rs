//! Nodes on one PostgreSQL, and a connection to interfere.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use model::id::EndpointId;
use store::feed::{CommitNotice, Feed, FeedItem};
use store::handle::Postgres;
use store::shard::{Shard, Shards};
use testkit::patiently;
use testkit::postgres::Database;
use testkit::proxy::Proxy;

use super::Opened;

/// A lease that neither expires nor is renewed while a test lasts: every change comes by notification.
pub(crate) const LONG: Duration = Duration::from_secs(3600);

/// A lease that a test can wait for.
pub(crate) const SHORT: Duration = Duration::from_secs(2);

pub(crate) struct Cluster {
    database: Database,
}

impl Cluster {
    pub(crate) async fn new() -> Self {
        Self { database: Database::fresh().await }
    }

    /// The first node.
    pub(crate) async fn node(&self, lease: Duration) -> Opened {
        Opened::try_on(Postgres { lease, ..Postgres::at(self.database.url()) }).await.unwrap()
    }

    /// The first node, all of whose connections to the database go over `wire`.
    pub(crate) async fn node_over(&self, wire: &Proxy, lease: Duration) -> Opened {
        Opened::try_on(Postgres { lease, ..Postgres::at(self.database.url_at(wire.address())) }).await.unwrap()
    }

    /// Another node beside the first.
    pub(crate) async fn beside(&self, first: &Opened, lease: Duration) -> Opened {
        self.changed_beside(first, |postgres| postgres.lease = lease).await
    }

    /// Another node, of which only the listen connection goes over `wire`.
    pub(crate) async fn listening_over(&self, wire: &Proxy, first: &Opened, lease: Duration) -> Opened {
        let direct_url = Some(self.database.url_at(wire.address()));
        self.changed_beside(first, |postgres| (postgres.lease, postgres.direct_url) = (lease, direct_url)).await
    }

    pub(crate) async fn changed_beside(&self, first: &Opened, change: impl FnOnce(&mut Postgres)) -> Opened {
        let beside = first.beside(|postgres| {
            self.database.url().clone_into(&mut postgres.url);
            change(postgres);
        });
        beside.await.unwrap()
    }

    pub(crate) fn wire(&self) -> Proxy {
        Proxy::to(self.database.upstream())
    }

    pub(crate) async fn run(&self, sql: &str) {
        self.database.run(sql).await;
    }

    /// Makes the node's lease expired in the database.
    pub(crate) async fn expire(&self, node: &Opened) {
        let id = node.cluster().await.unwrap().node;
        self.run(&format!("UPDATE nodes SET expires_at = clock_timestamp() - interval '1s' WHERE id = '{id}'")).await;
    }

    /// Makes every node check for free shards.
    pub(crate) async fn tell_of_shards(&self) {
        self.run("NOTIFY posthaste, 'shards'").await;
    }
}

impl Opened {
    /// The shards that this node delivers for at this moment.
    pub(crate) fn shards(&self) -> Shards {
        (0..=Shard::MAX).filter(|shard| self.holds(in_shard(*shard))).collect()
    }
}

/// The wake-ups of a node since the last call: for jobs, fan-outs and mail.
pub(crate) fn woken(node: &Opened) -> [bool; 3] {
    [has_come(node.jobs_woken()), has_come(node.fan_outs_woken()), has_come(node.mails_woken())]
}

/// True if the future is ready.
fn has_come(what: impl Future<Output = ()>) -> bool {
    let what = pin!(tokio::task::unconstrained(what));
    what.poll(&mut Context::from_waker(Waker::noop())) == Poll::Ready(())
}

/// An endpoint in that shard.
pub(crate) fn in_shard(shard: Shard) -> EndpointId {
    let mut id = [1; 16];
    id[15] = shard;
    EndpointId::from_bytes(id)
}

/// The next item of the feed.
pub(crate) async fn next(feed: &mut Feed) -> FeedItem {
    let next = patiently(feed.next(), || "nothing was told".to_owned()).await;
    next.expect("the store has not stopped")
}

/// Waits for a notice for which `what` returns a value, and returns that.
pub(crate) async fn told<T>(feed: &mut Feed, what: impl Fn(&CommitNotice) -> Option<T>) -> T {
    loop {
        match next(feed).await {
            FeedItem::Notices(facts) => {
                if let Some(said) = facts.iter().find_map(&what) {
                    return said;
                }
            }
            FeedItem::Lagged => panic!("it is told to look for itself"),
        }
    }
}

/// Waits for [`FeedItem::Lagged`], skipping other items.
pub(crate) async fn lags(feed: &mut Feed) {
    while !matches!(next(feed).await, FeedItem::Lagged) {}
}

/// Polls `look` until it is true.
pub(crate) async fn until(what: &str, mut look: impl FnMut() -> bool) {
    let seen = async {
        while !look() {
            tokio::task::yield_now().await;
        }
    };
    patiently(seen, || format!("this has not come about: {what}")).await;
}
