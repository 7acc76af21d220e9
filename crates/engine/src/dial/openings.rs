//! Bounds the connections being opened to one host; others wait for their turn.
//!
//! A receiver accepts connections one after the other, and its kernel queues only a few. Those beyond that are dropped,
//! and requested again a second later.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Maximum connections being opened to one host.
pub(crate) const MOST_OPENING: usize = 32;

/// Hosts by origin: scheme, name and port. An entry exists while a connection is being opened or waited for.
#[derive(Clone, Default)]
pub(crate) struct Openings(Arc<Mutex<HashMap<Box<str>, Host>>>);

struct Host {
    turns: Arc<Semaphore>,
    /// Connections being opened, and callers waiting to open one.
    there: usize,
}

/// Permission to open one connection, held until it is dropped.
pub(crate) struct Opening {
    openings: Openings,
    origin: Box<str>,
    turn: Option<OwnedSemaphorePermit>,
    waited: bool,
}

impl Opening {
    /// True if it had to wait for others.
    pub(crate) fn was_waited_for(&self) -> bool {
        self.waited
    }
}

impl Openings {
    /// Resolves when a connection may be opened. Waiting callers are served in order.
    pub(crate) async fn turn(&self, origin: &str) -> Opening {
        let (turns, mut opening) = self.come(origin);
        opening.waited = turns.available_permits() == 0;
        opening.turn = turns.acquire_owned().await.ok();
        opening
    }

    fn come(&self, origin: &str) -> (Arc<Semaphore>, Opening) {
        let mut hosts = self.hosts();
        if !hosts.contains_key(origin) {
            hosts.insert(origin.into(), Host { turns: Arc::new(Semaphore::new(MOST_OPENING)), there: 0 });
        }
        let host = hosts.get_mut(origin).expect("it was there or was just put there");
        host.there += 1;
        (host.turns.clone(), Opening { openings: self.clone(), origin: origin.into(), turn: None, waited: false })
    }

    fn hosts(&self) -> MutexGuard<'_, HashMap<Box<str>, Host>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Opening {
    fn drop(&mut self) {
        self.turn.take();
        let mut hosts = self.openings.hosts();
        if let Some(host) = hosts.get_mut(&*self.origin) {
            host.there -= 1;
            if host.there == 0 {
                hosts.remove(&*self.origin);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{Future, poll_fn};
    use std::pin::pin;
    use std::task::Poll;

    use super::*;

    const HOST: &str = "https://hooks.example";

    #[tokio::test]
    async fn so_many_are_opened_to_one_host_at_a_time_and_others_are_not_held_up() {
        let openings = Openings::default();
        let mut open = as_many_as_may(&openings).await;
        let mut next = pin!(openings.turn(HOST));
        assert!(poll_fn(|cx| Poll::Ready(next.as_mut().poll(cx).is_pending())).await);
        drop(openings.turn("https://other.example").await);
        open.pop();
        drop(next.await);
        drop(open);
        assert!(openings.hosts().is_empty(), "nothing is kept of hosts to which nobody connects");
    }

    #[tokio::test]
    async fn who_does_not_wait_any_more_is_forgotten() {
        let openings = Openings::default();
        let open = as_many_as_may(&openings).await;
        {
            let mut waiting = pin!(openings.turn(HOST));
            assert!(poll_fn(|cx| Poll::Ready(waiting.as_mut().poll(cx).is_pending())).await);
        }
        drop(open);
        assert!(openings.hosts().is_empty());
    }

    async fn as_many_as_may(openings: &Openings) -> Vec<Opening> {
        let mut open = Vec::new();
        for _ in 0..MOST_OPENING {
            open.push(openings.turn(HOST).await);
        }
        open
    }
}
