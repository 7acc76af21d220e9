//! Requests of an operator to a server, apart from the load: projects, keys, endpoints, readiness.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hyper::header::{HeaderName, HeaderValue};
use hyper::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::connection::{self, Connection, Head};
use crate::server::ADMIN_KEY;
use crate::{BenchError, clock, thread};

/// Maximum time for one answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// Connections over which endpoints are registered.
const CONNECTIONS: usize = 16;

/// Interval of asking a starting server whether it is ready.
const ASK_EVERY: Duration = Duration::from_millis(2);

pub(crate) const PROJECT: HeaderName = HeaderName::from_static("posthaste-project");

/// Makes an empty project of that name.
pub(crate) fn make_project(address: SocketAddr, slug: &str) -> Result<(), BenchError> {
    create(address, None, "/v1/projects", vec![json!({ "name": slug, "slug": slug })]).map(drop)
}

/// A key that may only send events into the project: what a product uses.
pub(crate) fn make_sending_key(address: SocketAddr, slug: &str) -> Result<String, BenchError> {
    make_key(address, slug, "events:write")
}

/// A key with one scope in the project.
pub(crate) fn make_key(address: SocketAddr, slug: &str, scope: &str) -> Result<String, BenchError> {
    let made = create(address, Some(slug), "/v1/keys", vec![json!({ "name": "bench", "scopes": [scope] })])?;
    let key = made.first().and_then(|made| made["api_key"].as_str()).ok_or("a key without an api_key")?;
    Ok(key.to_owned())
}

pub(crate) fn register(address: SocketAddr, slug: &str, endpoints: Vec<Value>) -> Result<(), BenchError> {
    create(address, Some(slug), "/v1/endpoints", endpoints).map(drop)
}

/// The same, one after the other. Returns their ids in order of age.
pub(crate) fn register_named(
    address: SocketAddr,
    slug: &str,
    endpoints: Vec<Value>,
) -> Result<Vec<String>, BenchError> {
    let mut ids = Vec::new();
    for endpoint in endpoints {
        let made = create(address, Some(slug), "/v1/endpoints", vec![endpoint])?;
        let id = made.first().and_then(|made| made["id"].as_str()).ok_or("an endpoint without an id")?;
        ids.push(id.to_owned());
    }
    Ok(ids)
}

/// PUTs something, new or over another.
pub(crate) fn put(address: SocketAddr, slug: &str, path: &str, body: &Value) -> Result<(), BenchError> {
    let head = Head::new(address, "/")?.authorized(ADMIN_KEY)?.with_header(PROJECT, HeaderValue::try_from(slug)?);
    let mut request = head.with_body(body.to_string().into());
    *request.method_mut() = Method::PUT;
    *request.uri_mut() = path.parse()?;
    let ask = connection::with(address, async |mut connection: Connection| {
        let status = clock::within(PATIENCE, connection.exchange(request)).await.ok_or("no answer")??;
        if status.is_success() {
            return Ok(());
        }
        Err(format!("{status} to PUT {path}: {}", String::from_utf8_lossy(connection.body())).into())
    });
    thread::alone("control", ask).map(drop)
}

/// Waits until `/readyz` says 200.
pub(crate) fn wait_until_ready(address: SocketAddr) -> Result<(), BenchError> {
    let head = Head::new(address, "/readyz")?;
    let ask = connection::with(address, async |mut connection: Connection| {
        while connection.exchange(head.get()).await? != StatusCode::OK {
            clock::until(clock::now() + ASK_EVERY).await;
        }
        Ok(())
    });
    thread::alone("control", async { clock::within(PATIENCE, ask).await.ok_or("not ready in time")? }).map(drop)
}

/// POSTs each body, in no particular order, and returns the server's answers.
fn create(
    address: SocketAddr,
    project: Option<&str>,
    path: &'static str,
    bodies: Vec<Value>,
) -> Result<Vec<Value>, BenchError> {
    let mut head = Head::new(address, path)?.authorized(ADMIN_KEY)?;
    if let Some(slug) = project {
        head = head.with_header(PROJECT, HeaderValue::try_from(slug)?);
    }
    let (head, bodies, next) = (Arc::new(head), Arc::new(bodies), Arc::new(AtomicUsize::new(0)));
    let connections = CONNECTIONS.min(bodies.len());
    let all = async {
        let mut workers = JoinSet::new();
        for _ in 0..connections {
            let (head, bodies, next) = (head.clone(), bodies.clone(), next.clone());
            workers.spawn(connection::with(address, move |connection| work(connection, head, bodies, next)));
        }
        let mut made = Vec::new();
        while let Some(done) = workers.join_next().await {
            made.extend(done??);
        }
        Ok(made)
    };
    thread::alone("control", all).map(|(made, _)| made)
}

async fn work(
    mut connection: Connection,
    head: Arc<Head>,
    bodies: Arc<Vec<Value>>,
    next: Arc<AtomicUsize>,
) -> Result<Vec<Value>, BenchError> {
    let mut made = Vec::new();
    while let Some(body) = bodies.get(next.fetch_add(1, Ordering::Relaxed)) {
        let exchange = connection.exchange(head.with_body(body.to_string().into()));
        let status = clock::within(PATIENCE, exchange).await.ok_or("no answer")??;
        if status != StatusCode::CREATED {
            return Err(format!("{status} to {body}: {}", String::from_utf8_lossy(connection.body())).into());
        }
        made.push(serde_json::from_slice(connection.body())?);
    }
    Ok(made)
}
