//! What a handler left unread of a request's body.
//!
//! A connection that is closed while its client still sends is reset, and the client never sees the answer. So what was
//! not read is read and thrown away, within bounds, before the answer goes out.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::EXPECT;
use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::BodyExt;
use model::env::Env;

/// More than this is not waited for.
const MOST_DRAINED: usize = 128 * 1024 * 1024;

/// Nor longer than this.
const LONGEST_DRAIN: Duration = Duration::from_secs(2);

/// Our hold on a body that a handler has been lent.
pub(super) struct Remainder {
    lent: Lent,
    /// The client sends nothing before it is told to, which reading would do.
    waits: bool,
}

#[derive(Clone)]
struct Lent(Arc<Mutex<Inner>>);

struct Inner {
    body: Body,
    touched: bool,
}

impl Remainder {
    /// Keeps a hold on the request's body. `None` if it has none.
    pub(super) fn lend(request: &mut Request) -> Option<Self> {
        if request.body().is_end_stream() {
            return None;
        }
        let waits = request.headers().contains_key(EXPECT);
        let body = std::mem::take(request.body_mut());
        let lent = Lent(Arc::new(Mutex::new(Inner { body, touched: false })));
        *request.body_mut() = Body::new(lent.clone());
        Some(Self { lent, waits })
    }

    /// Whether there is something to drain.
    pub(super) fn is_left(&self) -> bool {
        let inner = self.lent.inner();
        !inner.body.is_end_stream() && (inner.touched || !self.waits)
    }

    pub(super) async fn drain(mut self, env: &dyn Env) {
        let all = async {
            let mut drained = 0;
            while let Some(Ok(frame)) = self.lent.frame().await {
                drained += frame.data_ref().map_or(0, Bytes::len);
                if drained > MOST_DRAINED {
                    return;
                }
            }
        };
        tokio::select! {
            biased;
            () = all => {}
            () = env.sleep(LONGEST_DRAIN) => {}
        }
    }
}

impl Lent {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl http_body::Body for Lent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let mut inner = self.inner();
        inner.touched = true;
        Pin::new(&mut inner.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.inner().body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner().body.size_hint()
    }
}
