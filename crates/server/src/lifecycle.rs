//! From start to stop: signals, the order in which parts end, and how long each may take.

use std::sync::Arc;
use std::time::Duration;

use model::env::Env;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::wire::Running;
use crate::{grace, worker};

/// The signals that ask for an end.
pub struct StopSignal {
    terminate: Signal,
    interrupt: Signal,
    /// The terminal is gone.
    hangup: Signal,
    has_come: bool,
}

impl StopSignal {
    /// From here on the signals no longer end the process by themselves.
    pub fn listen() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
            has_come: false,
        })
    }

    /// Resolves on the next SIGTERM or SIGINT, and the first time on SIGHUP as well. Behind another signal that says
    /// nothing more: supervisors send it along for shells.
    pub async fn received(&mut self) {
        tokio::select! {
            biased;
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
            _ = self.hangup.recv(), if !self.has_come => {}
        }
        self.has_come = true;
    }
}

/// How a server ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ending {
    /// What was in flight is recorded. Otherwise it is sent again after the next start.
    pub finished: bool,
    /// The store has closed. Otherwise the next start finds it as after a crash.
    pub closed: bool,
}

/// Ends a running server: nothing new is accepted or sent, what is in flight is finished and recorded, and the store
/// closes last. All of it takes no longer than `bound`. The first time that `again` resolves, what is in flight is not
/// waited for any longer; the next time, neither is the store.
pub async fn stop(running: Running, env: Arc<dyn Env>, bound: Duration, mut again: impl AsyncFnMut()) -> Ending {
    let Running { store, workers, .. } = running;
    let over = env.sleep(bound);
    let (finished, over) = tokio::select! {
        () = worker::stop(&workers) => (true, over),
        () = env.sleep(grace::for_workers(bound)) => (false, over),
        () = again() => (false, env.sleep(grace::for_store(bound))),
    };
    let closed = tokio::select! {
        () = store.close() => true,
        () = over => false,
        () = again() => false,
    };
    Ending { finished, closed }
}
