//! The deadline of an attempt.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use model::env::{Env, Sleep};

/// Resolves when the time is up. Not to be polled again after that.
pub(super) struct Deadline {
    /// The whole time allowed.
    pub(super) timeout: Duration,
    /// By the stopwatch.
    at: Duration,
    sleep: Sleep,
}

impl Deadline {
    pub(super) fn begin(timeout: Duration, env: &dyn Env) -> Self {
        Self { timeout, at: env.elapsed_roughly().saturating_add(timeout), sleep: env.sleep(timeout) }
    }

    /// Moves the deadline by `waited`, which does not count.
    pub(super) fn put_off(&mut self, waited: Duration, env: &dyn Env) {
        if !waited.is_zero() {
            self.at = self.at.saturating_add(waited);
            self.sleep = env.sleep(self.at.saturating_sub(env.elapsed_roughly()));
        }
    }
}

impl Future for Deadline {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.sleep.as_mut().poll(cx)
    }
}
