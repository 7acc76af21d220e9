//! Recording an attempt: the attempt, the delivery's new state and the endpoint's failure streak.

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
    /// The rule by which failing disables the endpoint.
    pub rule: Arc<DisableRule>,
    /// True if trouble is announced: disabling by an operational event and by mail, giving up a delivery by mail.
    pub notify: bool,
}
