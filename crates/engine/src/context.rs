//! The context of deliveries, and limits on how many go on at a time.

use std::sync::Arc;

use dialect::dialects::Dialects;
use model::env::Env;
use store::Store;

use crate::transport::Transport;

/// How much is under way at a time.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Attempts of this node, sent or not yet recorded.
    pub concurrency: usize,
    /// Attempts to one endpoint.
    pub per_endpoint: usize,
    /// Attempts to one host: scheme, name and port.
    pub per_host: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { concurrency: 1024, per_endpoint: 64, per_host: 256 }
    }
}

/// What delivering needs.
pub(crate) struct Context {
    pub(crate) store: Store,
    pub(crate) env: Arc<dyn Env>,
    pub(crate) transport: Transport,
    pub(crate) limits: Limits,
    pub(crate) dialects: Arc<Dialects>,
}
