//! The context of deliveries, and the limits on attempts in flight.

use std::sync::Arc;

use dialect::dialects::Dialects;
use model::env::Env;
use store::Store;

use crate::transport::Transport;

/// Maximum attempts in flight.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Of this node. An attempt counts until it is recorded.
    pub concurrency: usize,
    /// To one endpoint.
    pub per_endpoint: usize,
    /// To one host: scheme, name and port.
    pub per_host: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { concurrency: 1024, per_endpoint: 64, per_host: 256 }
    }
}

/// Everything that deliveries share.
pub(crate) struct Context {
    pub(crate) store: Store,
    pub(crate) env: Arc<dyn Env>,
    pub(crate) transport: Transport,
    pub(crate) limits: Limits,
    pub(crate) dialects: Arc<Dialects>,
}
