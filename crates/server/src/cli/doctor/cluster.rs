//! What `posthaste doctor` makes of `GET /v1/cluster`: the nodes, what they share, and what is late.

use serde::Deserialize;

use super::check::Check;

/// A delivery that has been due for longer is late: turns and retries explain less.
const LATE_MS: u64 = 60_000;

/// Clocks that differ by more make receivers refuse signatures sooner, and logs hard to read.
const CLOCK_OFF_MS: u64 = 2_000;

/// `GET /v1/cluster`, as far as it is looked at.
#[derive(Debug, Deserialize)]
pub(super) struct Cluster {
    database: String,
    node: String,
    nodes: Vec<Node>,
    shards_unassigned: usize,
    clock_offset_ms: i64,
    lag: Lag,
    endpoints: Endpoints,
    #[serde(default)]
    notices: Vec<Notice>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
struct Endpoints {
    active: usize,
    failing: usize,
    disabled: usize,
}

/// What the node that answered says about itself.
#[derive(Debug, Deserialize)]
struct Notice {
    level: String,
    message: String,
    remedy: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Node {
    id: String,
    name: String,
    version: String,
    delivers: bool,
    seen_at: String,
    alive: bool,
    shards: usize,
}

#[derive(Debug, Deserialize)]
struct Lag {
    late_ms: u64,
    pending: usize,
    pending_is_more: bool,
}

impl Cluster {
    pub(super) fn checks(&self) -> Vec<Check> {
        let mut checks = vec![
            self.database(),
            Check::fine("master key", SECRETS),
            self.nodes(),
            self.leases(),
            self.clock(),
            self.lag(),
            self.endpoints.check(),
        ];
        checks.extend(self.notices.iter().map(Notice::check));
        checks
    }

    fn database(&self) -> Check {
        let found = match self.database.as_str() {
            "sqlite" => "embedded, for this one node".to_owned(),
            "postgres" => "PostgreSQL".to_owned(),
            other => other.to_owned(),
        };
        Check::fine("database", found)
    }

    fn nodes(&self) -> Check {
        let described = |node: &Node| {
            let state = match (node.alive, node.delivers) {
                (false, _) => format!("not heard of since {}", node.seen_at),
                (true, true) => format!("{} shards", node.shards),
                (true, false) => "does not deliver".to_owned(),
            };
            let here = if node.id == self.node { ", this one" } else { "" };
            format!("{} {} ({state}{here})", node.name, node.version)
        };
        let found = self.nodes.iter().map(described).collect::<Vec<_>>().join("; ");
        if !self.nodes.iter().any(|node| node.alive && node.delivers) {
            let remedy = "no node delivers: start one with `deliver` among its --roles";
            return Check::trouble("nodes", found, remedy);
        }
        if !self.nodes.iter().all(|node| node.alive) {
            let remedy = "a node is gone, and did not leave in order: see what ended it, and start it again if it is \
                          missed; others have taken over its shards";
            return Check::warning("nodes", found, remedy);
        }
        Check::fine("nodes", found)
    }

    fn leases(&self) -> Check {
        match self.shards_unassigned {
            0 => Check::fine("leases", "every shard has a node that delivers"),
            1 => Check::trouble("leases", "1 of 256 shards is no node's", UNASSIGNED),
            count => Check::trouble("leases", format!("{count} of 256 shards are no node's"), UNASSIGNED),
        }
    }

    fn clock(&self) -> Check {
        let (ms, way) =
            (self.clock_offset_ms.unsigned_abs(), if self.clock_offset_ms < 0 { "ahead of" } else { "behind" });
        let found = format!("this node's machine is {ms} ms {way} the database's clock");
        if ms <= CLOCK_OFF_MS {
            return Check::fine("clock", found);
        }
        Check::trouble("clock", found, "set both machines' clocks by NTP; meanwhile nodes go by the database's")
    }

    fn lag(&self) -> Check {
        let Lag { late_ms, pending, pending_is_more } = self.lag;
        let pending = if pending_is_more { format!("more than {pending}") } else { pending.to_string() };
        let late =
            if late_ms < 1000 { "none of them late".to_owned() } else { format!("up to {} s late", late_ms / 1000) };
        let deliveries = if pending == "1" { "delivery" } else { "deliveries" };
        let found = format!("{pending} {deliveries} pending, {late}");
        if late_ms <= LATE_MS {
            return Check::fine("lag", found);
        }
        let remedy = "see which endpoint is slow (`posthaste webhooks list`); if all are behind, raise \
                      delivery.concurrency or start another node";
        Check::trouble("lag", found, remedy)
    }
}

impl Endpoints {
    /// Where most fail, it is rather we who do not get out. A few that fail are their owners' affair.
    fn check(self) -> Check {
        let Self { active, failing, disabled } = self;
        let found = format!("{failing} of {active} active endpoints failing, {disabled} disabled");
        let remedy = "see why: `posthaste deliveries list --status failed`, then `posthaste deliveries show ID`; if all fail \
                      alike, see that this machine reaches the internet (proxy, firewall, name servers)";
        if failing > 0 && 2 * failing >= active {
            return Check::trouble("endpoints", found, remedy);
        }
        if (failing + disabled) * FEW > active + disabled {
            return Check::warning("endpoints", found, remedy);
        }
        Check::fine("endpoints", found)
    }
}

impl Notice {
    fn check(&self) -> Check {
        match &self.remedy {
            Some(remedy) if self.level == "warning" => Check::warning("notice", &*self.message, remedy.clone()),
            _ => Check::fine("notice", &*self.message),
        }
    }
}

/// Up to one in this many endpoints may fail or be disabled before anybody is warned.
const FEW: usize = 10;

/// A server that had the wrong one would not have started.
const SECRETS: &str = "it is the one that the database's secrets are encrypted with";

const UNASSIGNED: &str = "deliveries to their endpoints wait: ask again in a few seconds, as nodes take over what a dead one \
                          leaves; if it stays so, start a node with `deliver` among its --roles";

#[cfg(test)]
mod tests {
    use super::super::Report;
    use super::*;
    use crate::cli::connection::Output;

    fn node(name: &str, alive: bool, shards: usize) -> Node {
        Node {
            id: name.to_owned(),
            name: name.to_owned(),
            version: "1".to_owned(),
            delivers: true,
            seen_at: "then".to_owned(),
            alive,
            shards,
        }
    }

    fn cluster() -> Cluster {
        Cluster {
            database: "postgres".to_owned(),
            node: "a".to_owned(),
            nodes: vec![node("a", true, 128), node("b", true, 128)],
            shards_unassigned: 0,
            clock_offset_ms: 4,
            lag: Lag { late_ms: 0, pending: 3, pending_is_more: false },
            endpoints: Endpoints { active: 25, failing: 1, disabled: 1 },
            notices: vec![],
        }
    }

    fn warned(cluster: &Cluster) -> Vec<&'static str> {
        cluster.checks().into_iter().filter(|check| check.warning).map(|check| check.check).collect()
    }

    fn wrong(cluster: &Cluster) -> Vec<&'static str> {
        cluster.checks().into_iter().filter(|check| !check.ok).map(|check| check.check).collect()
    }

    #[test]
    fn each_trouble_is_told_and_nothing_else_is() {
        assert_eq!(wrong(&cluster()), [""; 0]);
        assert_eq!(wrong(&Cluster { shards_unassigned: 128, ..cluster() }), ["leases"]);
        assert_eq!(wrong(&Cluster { clock_offset_ms: -9_000, ..cluster() }), ["clock"]);
        let lag = Lag { late_ms: 300_000, pending: 100_000, pending_is_more: true };
        assert_eq!(wrong(&Cluster { lag, ..cluster() }), ["lag"]);
        assert_eq!(wrong(&Cluster { nodes: vec![node("a", false, 0)], ..cluster() }), ["nodes"]);
        let failing =
            |failing, disabled| Cluster { endpoints: Endpoints { active: 25, failing, disabled }, ..cluster() };
        assert_eq!(wrong(&failing(22, 0)), ["endpoints"]);
        assert_eq!(warned(&cluster()), [""; 0]);
        assert_eq!(warned(&failing(3, 0)), ["endpoints"]);
        assert_eq!(warned(&failing(0, 10)), ["endpoints"]);
        assert_eq!(warned(&Cluster { nodes: vec![node("a", true, 256), node("b", false, 0)], ..cluster() }), ["nodes"]);
        let none = Endpoints::default();
        assert_eq!(warned(&Cluster { endpoints: none, ..cluster() }), [""; 0]);
        let notice = |level: &str, remedy: Option<&str>| {
            let remedy = remedy.map(str::to_owned);
            vec![Notice { level: level.to_owned(), message: "so it is".to_owned(), remedy }]
        };
        for (level, remedy, warns) in [("warning", Some("mend it"), true), ("information", None, false)] {
            let said = Cluster { notices: notice(level, remedy), ..cluster() };
            assert_eq!(said.checks().iter().any(|check| check.warning), warns, "{level}");
            assert_eq!(wrong(&said), [""; 0]);
        }
    }

    #[test]
    fn what_is_wrong_stands_with_what_would_be_right() {
        let nodes = vec![node("a", true, 128), node("b", false, 128)];
        let checks = Cluster { nodes, shards_unassigned: 128, ..cluster() }.checks();
        let text = Report { ok: false, checks }.text(Output::Table);
        for part in ["a 1 (128 shards, this one); b 1 (not heard of since then)", "WRONG  leases", "ask again in a few"]
        {
            assert!(text.contains(part), "{part} is not in\n{text}");
        }
    }
}
