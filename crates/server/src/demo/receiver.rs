//! Two receivers to send to: one that takes everything, one that fails twice before it takes an event.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

/// Events that the moody receiver remembers failing.
const REMEMBERED: usize = 10_000;

/// What a demo event has at most.
const LONGEST_BODY: usize = 1 << 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    Steady,
    Moody,
}

impl Manner {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Steady => "steady",
            Self::Moody => "moody",
        }
    }

    pub(super) const fn says(self) -> &'static str {
        match self {
            Self::Steady => "answers 204 at once",
            Self::Moody => "answers 500 twice before it takes an event",
        }
    }
}

pub(super) struct Receiver {
    pub(super) manner: Manner,
    url: String,
}

impl Receiver {
    /// Receives on a free port of this machine, for as long as the process lives.
    pub(super) async fn start(manner: Manner, tasks: &TaskTracker) -> std::io::Result<Self> {
        let listener = TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).await?;
        let address: SocketAddr = listener.local_addr()?;
        tasks.spawn(accept(listener, manner, tasks.clone()));
        Ok(Self { manner, url: format!("http://{address}/{}", manner.name()) })
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }
}

type Failures = Arc<Mutex<HashMap<String, u8>>>;

async fn accept(listener: TcpListener, manner: Manner, tasks: TaskTracker) {
    let failures = Failures::default();
    while let Ok((stream, _)) = listener.accept().await {
        let failures = failures.clone();
        let service = service_fn(move |request| answer(request, manner, failures.clone()));
        tasks.spawn(async move {
            // A connection that breaks is the sender's to notice.
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    manner: Manner,
    failures: Failures,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let id = request.headers().get("webhook-id").and_then(|id| id.to_str().ok()).unwrap_or_default().to_owned();
    let _ = Limited::new(request.into_body(), LONGEST_BODY).collect().await;
    let status = match manner {
        Manner::Steady => StatusCode::NO_CONTENT,
        Manner::Moody if fails(&failures, id) => StatusCode::INTERNAL_SERVER_ERROR,
        Manner::Moody => StatusCode::NO_CONTENT,
    };
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    Ok(response)
}

fn fails(failures: &Failures, id: String) -> bool {
    let mut failures = failures.lock().unwrap_or_else(PoisonError::into_inner);
    if failures.len() > REMEMBERED {
        failures.clear();
    }
    let failed = failures.entry(id).or_default();
    *failed += 1;
    *failed <= 2
}
