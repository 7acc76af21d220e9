//! The nodes of this server's database: who is there, who holds what, and whether they keep up.

use axum::Json;
use axum::extract::State;
use model::time::Timestamp;
use serde::Serialize;
use store::nodes::{COUNTED, Kind, Lag, Node, Overview};
use store::notices::{Level, Notice};
use utoipa::ToSchema;
use web::caller::Caller;
use web::problem::Problem;
use web::responses::Lookup;

use crate::Api;

/// The nodes that work on one database. On the embedded one there is one node, which holds everything.
#[derive(Serialize, ToSchema)]
#[schema(as = Cluster)]
pub(crate) struct ClusterView {
    /// `sqlite` or `postgres`.
    #[schema(example = "postgres")]
    database: &'static str,
    /// The node that answered.
    #[schema(example = "0199c1b2-7d5e-7c3a-9f00-3b1d6c2a4e5f")]
    node: String,
    nodes: Vec<NodeView>,
    /// Of 256 shards, those whose lease no node has: what is for their endpoints waits.
    #[schema(example = 0)]
    shards_unassigned: usize,
    /// How far the database's clock, by which all nodes go, is ahead of the answering machine's.
    #[schema(example = 3)]
    clock_offset_ms: i64,
    lag: LagView,
    endpoints: EndpointCounts,
    /// What operators are to know about the node that answered. `posthaste doctor` says it too.
    notices: Vec<NoticeView>,
}

/// How the endpoints of all projects are doing.
#[derive(Serialize, ToSchema)]
pub(crate) struct EndpointCounts {
    #[schema(example = 25)]
    active: usize,
    /// Active ones whose last attempt failed.
    #[schema(example = 1)]
    failing: usize,
    /// Disabled by Posthaste, because they failed for too long or said so.
    #[schema(example = 0)]
    disabled: usize,
}

/// One thing to know about a node.
#[derive(Serialize, ToSchema)]
#[schema(as = Notice)]
pub(crate) struct NoticeView {
    #[schema(example = "open_files")]
    code: &'static str,
    /// `information` or `warning`.
    #[schema(example = "warning")]
    level: &'static str,
    #[schema(example = "this process has as many files and connections open as it may")]
    message: String,
    /// What to do about it.
    remedy: Option<&'static str>,
}

/// A process that works on the database.
#[derive(Serialize, ToSchema)]
#[schema(as = Node)]
pub(crate) struct NodeView {
    #[schema(example = "0199c1b2-7d5e-7c3a-9f00-3b1d6c2a4e5f")]
    id: String,
    #[schema(example = "posthaste-1")]
    name: String,
    #[schema(example = "0.1.0")]
    version: String,
    /// It has the role `deliver`, so it takes shards.
    delivers: bool,
    #[schema(value_type = String, format = DateTime)]
    started_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    seen_at: Timestamp,
    /// It has been heard of within its lease.
    alive: bool,
    /// Shards it has the lease of: what is for their endpoints is delivered by it alone.
    #[schema(example = 128)]
    shards: usize,
}

/// What waits to be delivered.
#[derive(Serialize, ToSchema)]
#[schema(as = Lag)]
pub(crate) struct LagView {
    /// When the delivery to an active endpoint that has been due for longest was due; `null` when nothing is.
    #[schema(value_type = Option<String>, format = DateTime)]
    oldest_due_at: Option<Timestamp>,
    /// For how long that is.
    #[schema(example = 0)]
    late_ms: u64,
    /// Deliveries that are pending, waits between attempts included.
    #[schema(example = 12)]
    pending: usize,
    /// There are more than that: they were not all counted.
    pending_is_more: bool,
}

impl ClusterView {
    fn new(overview: Overview, notices: Vec<Notice>) -> Self {
        let database = match overview.kind {
            Kind::Sqlite => "sqlite",
            Kind::Postgres => "postgres",
        };
        Self {
            database,
            node: overview.node,
            nodes: overview.nodes.into_iter().map(NodeView::from).collect(),
            shards_unassigned: overview.unassigned,
            clock_offset_ms: overview.clock_offset_ms,
            lag: overview.lag.into(),
            endpoints: EndpointCounts {
                active: overview.endpoints.active,
                failing: overview.endpoints.failing,
                disabled: overview.endpoints.disabled,
            },
            notices: notices.into_iter().map(NoticeView::from).collect(),
        }
    }
}

impl From<Notice> for NoticeView {
    fn from(notice: Notice) -> Self {
        let Notice { code, level, message, remedy } = notice;
        let level = match level {
            Level::Information => "information",
            Level::Warning => "warning",
        };
        Self { code, level, message, remedy }
    }
}

impl From<Node> for NodeView {
    fn from(node: Node) -> Self {
        let Node { id, name, version, delivers, started_at, seen_at, alive, shards } = node;
        Self { id, name, version, delivers, started_at, seen_at, alive, shards }
    }
}

impl From<Lag> for LagView {
    fn from(lag: Lag) -> Self {
        let Lag { oldest_due_at, late_ms, pending } = lag;
        Self { oldest_due_at, late_ms, pending, pending_is_more: pending >= COUNTED }
    }
}

/// Show the nodes and what they hold
///
/// Needs the admin key. `posthaste doctor` says what is wrong with it in words.
#[utoipa::path(get, path = "/v1/cluster", tag = "Server", operation_id = "show_cluster",
    responses((status = 200, description = "The nodes, oldest first.", body = ClusterView), Lookup))]
pub(crate) async fn show(caller: Caller, State(api): State<Api>) -> Result<Json<ClusterView>, Problem> {
    caller.must_be_admin()?;
    Ok(Json(ClusterView::new(api.store.cluster().await?, api.store.notices())))
}
