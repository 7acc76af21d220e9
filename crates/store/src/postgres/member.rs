//! A node's membership: one connection of its own over which it renews its lease, hears of others, and takes and gives
//! back shards.
//!
//! Each third of the lease the node renews it. A node with a current lease holds an even share of the shards: it takes
//! free ones, and gives those above its share back once nothing of them is in flight. All of it goes by the database's
//! clock; a node stops relying on its lease by its own clock, earlier.
//!
//! ```text
//! join ── LISTEN, renew ─► UPDATE nodes (seen_at, expires_at) ── expired or gone: lose, enter ─► INSERT, NOTIFY shards
//!           │ the directory's revision is newer ─► refresh
//!           └ share_out ─► lock, count nodes ─► take what nobody holds ─► CommitNotice::Gained ─► the engine scans
//!                                               above its share ───────► CommitNotice::LetGo ─► the engine lets them go
//!                                                                        and calls Store::give_back ─► NOTIFY shards
//! run ─── heard (work, directory, shards, jobs, mails) ─► understand
//!         a third of the lease is over ────────────────► renew
//!         the lease has run out ───────────────────────► lose ─► CommitNotice::Lost: what is under way is abandoned
//!         the connection broke ────────────────────────► come_back: LISTEN, renew, all is looked up again
//! stop ── leave ─► shards given back, NOTIFY shards
//! ```

use std::sync::Arc;
use std::time::Duration;

use model::id::EndpointId;
use model::time::Timestamp;
use tokio::time::Instant;
use tokio_postgres::Client;
use tokio_util::sync::CancellationToken;

use super::lease::Renewal;
use super::listen_connection::{ListenConnection, channel};
use super::node_context::{NodeContext, Notifications};
use super::partitions::{self, Day};
use super::row;
use crate::Error;
use crate::clock;
use crate::feed::CommitNotice;
use crate::shard::{self, Shard, Shards};

/// Renewals in the time of one lease.
const RENEWALS: u32 = 3;

/// Pause between two tries to reach the database.
const PAUSE: Duration = Duration::from_millis(250);

/// Time that notifications are gathered for before they are sent.
const GATHER: Duration = Duration::from_millis(3);

/// Lock under which nodes take shards, one after the other.
const SHARDS_LOCK: &str = "SELECT pg_advisory_xact_lock(8600002)";

pub(super) struct Member {
    context: Arc<NodeContext>,
    connection: Option<ListenConnection>,
    renew_at: Instant,
    /// Shards that the engine was asked to let go.
    surplus: Shards,
    /// True once the node has taken its first share, even if that was empty.
    has_joined: bool,
    /// The day for which there are partitions.
    provided: Day,
}

impl Member {
    /// Joins the cluster and takes its share of the free shards.
    pub(super) async fn join(context: Arc<NodeContext>) -> Result<Self, Error> {
        let mut member = Self {
            provided: Day::of(context.env.now()),
            context,
            connection: None,
            renew_at: Instant::now(),
            surplus: Shards::default(),
            has_joined: false,
        };
        member.connection = Some(ListenConnection::open(&member.context).await?);
        member.renew().await?;
        Ok(member)
    }

    /// Takes part until `stop` is cancelled, then leaves.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            tokio::select! {
                biased;
                () = stop.cancelled() => {}
                () = self.step() => {}
            }
        }
        if let Err(error) = self.leave().await {
            tracing::warn!(error = &error as &dyn std::error::Error, "cluster leave failed; the lease will expire");
        }
    }

    async fn step(&mut self) {
        let lease = self.context.clone();
        let took_part = tokio::select! {
            biased;
            took_part = self.take_part() => took_part,
            () = clock::wait_until(lease.lease.until()), if lease.lease.is_holding() => {
                self.lose();
                Err(Error::Connection("the database did not answer while the lease ran out".to_owned()))
            }
        };
        if let Err(error) = took_part {
            if self.connection.take().is_some() {
                tracing::warn!(error = &error as &dyn std::error::Error, "cluster connection lost; reconnecting");
            }
            clock::wait(PAUSE).await;
        }
    }

    async fn take_part(&mut self) -> Result<(), Error> {
        let context = self.context.clone();
        let Some(connection) = &mut self.connection else { return self.come_back().await };
        tokio::select! {
            heard = connection.hear() => self.understand(&heard?).await,
            () = context.notifications_woken.notified() => {
                clock::wait(GATHER).await;
                self.tell(context.take_news()).await
            }
            () = clock::wait_until(self.renew_at) => self.renew().await,
        }
    }

    /// Takes part over a new connection. Notifications in between were missed, so everything is looked up.
    async fn come_back(&mut self) -> Result<(), Error> {
        let connection = ListenConnection::open(&self.context).await?;
        self.connection = Some(connection);
        self.renew().await?;
        self.context.published.feed.lag();
        self.context.published.work_left();
        self.context.published.mailed();
        Ok(())
    }

    fn connection(&self) -> Result<&ListenConnection, Error> {
        self.connection.as_ref().ok_or_else(|| Error::Connection("there is none".to_owned()))
    }

    fn client(&self) -> Result<&Client, Error> {
        Ok(&self.connection()?.client)
    }

    /// Renews the lease, and learns which shards the node holds.
    async fn renew(&mut self) -> Result<(), Error> {
        let lease = self.context.settings.lease;
        let asked = Instant::now();
        self.renew_at = asked + lease / RENEWALS;
        let renewed = self
            .client()?
            .query_opt(
                "UPDATE nodes SET seen_at = clock_timestamp(), expires_at = clock_timestamp() + $2 * interval '1 millisecond'
                 WHERE id = $1 AND expires_at > clock_timestamp()
                 RETURNING (extract(epoch FROM clock_timestamp()) * 1000)::bigint, (SELECT revision FROM directory)",
                &[&self.context.node, &millis(lease)],
            )
            .await?;
        let row = match renewed {
            Some(row) => row,
            None => {
                self.lose();
                self.enter().await?
            }
        };
        let now = Timestamp::from_millis(row::get(&row, 0)?);
        self.context.env.correct(now, asked.elapsed());
        let revision: i64 = row::get(&row, 1)?;
        if revision != *self.context.revision.lock().await {
            self.refresh().await?;
        }
        if self.context.settings.delivers {
            self.share_out(asked, now).await?;
        }
        self.provide().await;
        Ok(())
    }

    /// Creates the partitions that are due once a day has begun. If that fails the default ones take its rows.
    async fn provide(&mut self) {
        let now = self.context.env.now();
        if Day::of(now) == self.provided {
            return;
        }
        match partitions::provide(&self.context, now).await {
            Ok(()) => self.provided = Day::of(now),
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "partitions not created; will retry");
            }
        }
    }

    /// Registers the node, for the first time or again after its lease expired. The shards it held before are not its
    /// own any more.
    async fn enter(&self) -> Result<tokio_postgres::Row, Error> {
        let settings = &self.context.settings;
        let client = self.client()?;
        client.execute("UPDATE shards SET node = NULL WHERE node = $1", &[&self.context.node]).await?;
        // Nodes that are long gone are not shown for ever.
        client.execute("DELETE FROM nodes WHERE expires_at < clock_timestamp() - interval '1 hour'", &[]).await?;
        let row = client
            .query_one(
                "INSERT INTO nodes (id, name, version, delivers, expires_at)
                 VALUES ($1, $2, $3, $4, clock_timestamp() + $5 * interval '1 millisecond')
                 ON CONFLICT (id) DO UPDATE SET seen_at = clock_timestamp(), expires_at = excluded.expires_at
                 RETURNING (extract(epoch FROM clock_timestamp()) * 1000)::bigint, (SELECT revision FROM directory)",
                &[
                    &self.context.node,
                    &settings.name,
                    &env!("CARGO_PKG_VERSION"),
                    &settings.delivers,
                    &millis(settings.lease),
                ],
            )
            .await?;
        self.connection()?.tell(&[channel::SHARDS.to_owned()]).await?;
        Ok(row)
    }

    /// Takes free shards up to this node's share, and asks the engine to let go those above it.
    async fn share_out(&mut self, asked: Instant, now: Timestamp) -> Result<(), Error> {
        let lease = self.context.settings.lease;
        let client = self.client()?;
        client.batch_execute("BEGIN").await?;
        let held = match self.take_share(client).await {
            Ok(held) => held,
            Err(error) => {
                let _ = client.batch_execute("ROLLBACK").await;
                return Err(error);
            }
        };
        client.batch_execute("COMMIT").await?;
        let Held { shards, taken, share } = held;
        let taken_at = self.context.env.shared(now);
        let moved = self.context.lease.renew(Renewal { held: shards, taken, taken_at, asked, lease });
        if !moved.lost.is_empty() {
            self.context.published.notices(vec![CommitNotice::Lost(moved.lost)]);
        }
        // The engine reads its first shards itself, so it needs no notice of them.
        if !moved.gained.is_empty() && self.has_joined {
            self.context.published.notices(vec![CommitNotice::Gained(moved.gained)]);
            self.context.published.work_left();
            self.context.published.mailed();
        }
        self.has_joined = true;
        // Repeated each time, in case that the last notice was dropped unread.
        let surplus: Shards = shards.without(&self.context.lease.giving()).iter().skip(share).collect();
        if !surplus.is_empty() || !self.surplus.is_empty() {
            self.context.published.notices(vec![CommitNotice::LetGo(surplus)]);
        }
        self.surplus = surplus;
        Ok(())
    }

    async fn take_share(&self, client: &Client) -> Result<Held, Error> {
        client.batch_execute(SHARDS_LOCK).await?;
        let row = client
            .query_one(
                "SELECT count(*), count(*) FILTER (WHERE id < $1), (SELECT count(*) FROM shards WHERE node = $1)
                 FROM nodes WHERE delivers AND expires_at > clock_timestamp()",
                &[&self.context.node],
            )
            .await?;
        let (nodes, before, mine): (i64, i64, i64) = (row::get(&row, 0)?, row::get(&row, 1)?, row::get(&row, 2)?);
        let share = share(nodes, before);
        let room = row::limit(share) - mine;
        let mut taken = Vec::new();
        if room > 0 {
            // While the database was down no node could renew: holders have one lease from its start to do so.
            let rows = client
                .query(
                    "UPDATE shards SET node = $1, epoch = epoch + 1, taken_at = clock_timestamp() WHERE shard IN (
                         SELECT s.shard FROM shards AS s LEFT JOIN nodes AS n ON n.id = s.node
                         WHERE s.node IS NULL OR n.id IS NULL OR (n.expires_at <= clock_timestamp()
                             AND clock_timestamp() - pg_postmaster_start_time() > $3 * interval '1 millisecond')
                         ORDER BY s.shard LIMIT $2)
                     RETURNING shard, epoch",
                    &[&self.context.node, &room, &millis(self.context.settings.lease)],
                )
                .await?;
            for row in &rows {
                if row::get::<i64>(row, 1)? > 1 {
                    taken.push(shard_of(row)?);
                }
            }
        }
        let rows =
            client.query("SELECT shard FROM shards WHERE node = $1 ORDER BY shard", &[&self.context.node]).await?;
        let shards = rows.iter().map(shard_of).collect::<Result<Shards, Error>>()?;
        Ok(Held { shards, taken, share })
    }

    /// Drops all shards at once, without waiting for attempts in flight.
    fn lose(&self) {
        let lost = self.context.lease.lose();
        if !lost.is_empty() {
            tracing::warn!(shards = lost.len(), "lease expired; other nodes may take over the shards");
            self.context.published.notices(vec![CommitNotice::Lost(lost)]);
        }
    }

    async fn refresh(&self) -> Result<(), Error> {
        self.context.refresh(&self.context.connections.session().await?).await?;
        Ok(())
    }

    async fn understand(&mut self, heard: &str) -> Result<(), Error> {
        let (what, about) = heard.split_once(':').unwrap_or((heard, ""));
        match what {
            channel::WORK => {
                let now = self.context.env.now();
                let endpoints = about.split(',').filter_map(|id| id.parse::<EndpointId>().ok());
                let ours = endpoints.filter(|endpoint| self.context.lease.holds(shard::of(*endpoint)));
                self.context
                    .published
                    .notices(ours.map(|endpoint| CommitNotice::Check { endpoint, at: now }).collect());
                Ok(())
            }
            channel::DIRECTORY => self.refresh().await,
            channel::SHARDS => self.renew().await,
            channel::JOBS => {
                self.context.published.work_left();
                Ok(())
            }
            channel::MAILS => {
                self.context.published.mailed();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    async fn tell(&mut self, notifications: Notifications) -> Result<(), Error> {
        if let Err(error) = self.give_back().await {
            // Done, and sent, once the database can be reached again.
            self.context.tell(|later| later.add(notifications));
            return Err(error);
        }
        let sent = self.connection()?.tell(&notifications.words()).await;
        if sent.is_err() {
            // Sent once the database can be reached again.
            self.context.tell(|later| later.add(notifications));
        }
        sent
    }

    /// Records in the database the shards that this node gave back.
    async fn give_back(&self) -> Result<(), Error> {
        let giving = self.context.lease.giving();
        if giving.is_empty() {
            return Ok(());
        }
        let shards: Vec<i16> = giving.iter().map(i16::from).collect();
        let sql = "UPDATE shards SET node = NULL WHERE node = $1 AND shard = ANY($2)";
        self.client()?.execute(sql, &[&self.context.node, &shards]).await?;
        self.context.lease.gave(&giving);
        Ok(())
    }

    /// Gives everything back: nothing is in flight any more.
    async fn leave(&mut self) -> Result<(), Error> {
        self.context.lease.lose();
        // A new connection, because a transaction on the old one may be half done.
        let connection = ListenConnection::open(&self.context).await?;
        self.connection = Some(connection);
        self.tell(self.context.take_news()).await?;
        let client = self.client()?;
        client.execute("UPDATE shards SET node = NULL WHERE node = $1", &[&self.context.node]).await?;
        client.execute("DELETE FROM nodes WHERE id = $1", &[&self.context.node]).await?;
        self.connection()?.tell(&[channel::SHARDS.to_owned()]).await?;
        // The connection ends with the client.
        self.connection = None;
        Ok(())
    }
}

/// This node's shards and share according to the database.
struct Held {
    shards: Shards,
    /// Shards just taken that had been held before.
    taken: Vec<Shard>,
    /// Maximum shards that the node should hold.
    share: usize,
}

/// The share of a node, by the number of nodes and of those before it by id: no two shares differ by more than one.
fn share(nodes: i64, before: i64) -> usize {
    let (nodes, before) = (usize::try_from(nodes).unwrap_or(1).max(1), usize::try_from(before).unwrap_or(0));
    shard::COUNT / nodes + usize::from(before < shard::COUNT % nodes)
}

fn shard_of(row: &tokio_postgres::Row) -> Result<Shard, Error> {
    let shard: i16 = row::get(row, 0)?;
    Shard::try_from(shard).map_err(|error| Error::Corrupt(error.to_string()))
}

fn millis(span: Duration) -> f64 {
    span.as_secs_f64() * 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_even_and_leave_no_shard_out() {
        for nodes in 1..300 {
            let shares: Vec<usize> = (0..nodes).map(|before| share(nodes, before)).collect();
            assert_eq!(shares.iter().sum::<usize>(), shard::COUNT, "{nodes} nodes");
            assert!(shares.iter().max().unwrap() - shares.iter().min().unwrap() <= 1, "{nodes} nodes");
        }
    }
}
