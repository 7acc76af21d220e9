//! From start to stop: signals, the order in which parts end, and how long each may take.

use std::sync::Arc;
use std::time::Duration;

use model::env::Env;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::wire::Running;
use crate::worker;

/// Resolves on the first SIGTERM, SIGINT or SIGHUP.
pub struct StopSignal {
    terminate: Signal,
    interrupt: Signal,
    /// The terminal is gone.
    hangup: Signal,
}

impl StopSignal {
    /// From here on the signals no longer end the process by themselves.
    pub fn listen() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    pub async fn received(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
            _ = self.hangup.recv() => {}
        }
    }
}

/// Ends a running server: nothing new is accepted or sent, what is in flight is finished and recorded within `grace`,
/// and the store closes last. What is not finished by then is sent again after the next start.
///
/// True if everything was finished.
pub async fn stop(running: Running, env: Arc<dyn Env>, grace: Duration) -> bool {
    let Running { store, workers, .. } = running;
    let finished = tokio::select! {
        () = worker::stop(&workers) => true,
        () = env.sleep(grace) => false,
    };
    store.close().await;
    finished
}
