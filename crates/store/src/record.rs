//! Writing down what an attempt came to: the attempt, the delivery's new state and the endpoint's run of failures.

use std::sync::Arc;

use model::attempt::Attempt;
use model::delivery::Due;
use model::health::DisableRule;
use model::retry::Next;

/// One attempt and its verdict.
#[derive(Clone, Debug)]
pub struct Record {
    pub due: Due,
    pub attempt: Attempt,
    pub next: Next,
    /// The receiver said that nothing sent there will ever be taken.
    pub gone: bool,
    /// When failing disables the endpoint.
    pub rule: Arc<DisableRule>,
    /// Whether disabling it is announced, by an operational event and by mail.
    pub notify: bool,
}
