//! A delivery: one event on its way to one endpoint.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::event::Event;
use crate::id::{DeliveryId, EndpointId};
use crate::time::Timestamp;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Due now, or again later.
    Pending,
    /// Acknowledged with 2xx.
    Delivered,
    /// Given up: the schedule is exhausted, or the failure is one that is not retried.
    Failed,
    /// Not wanted any more: the event expired or the endpoint was deleted.
    Cancelled,
}

impl Status {
    pub const ALL: [Self; 4] = [Self::Pending, Self::Delivered, Self::Failed, Self::Cancelled];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }
}

/// Reason why a delivery was cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cancelled {
    /// `expires_at` of its event passed before it was acknowledged.
    Expired,
    EndpointDeleted,
}

impl Cancelled {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::EndpointDeleted => "endpoint_deleted",
        }
    }
}

/// A pending delivery with all that an attempt needs: what travels from the store to the engine.
#[derive(Clone, Debug)]
pub struct Due {
    pub id: DeliveryId,
    pub endpoint: EndpointId,
    pub event: Arc<Event>,
    /// Attempts made so far, over the delivery's whole life.
    pub attempts: u32,
    /// Attempts made when the schedule was last started: a recovered delivery starts its schedule anew.
    pub schedule_start: u32,
    /// Asked for by a person: one attempt, without a schedule behind it.
    pub manual: bool,
    /// Set if asked for by a person while the schedule goes on: the due time of the schedule's own attempt. This one
    /// uses none of its steps.
    pub planned_at: Option<Timestamp>,
    /// Its key in the endpoint's order.
    pub order_key: Timestamp,
    /// No attempt before this time.
    pub next_attempt_at: Timestamp,
}

impl Due {
    /// The number of the attempt that is due, from 1.
    pub fn attempt(&self) -> u32 {
        self.attempts + 1
    }

    /// True if a person asked for this attempt.
    pub fn is_by_hand(&self) -> bool {
        self.manual || self.planned_at.is_some()
    }

    /// Number of waits used up since the schedule was last started, before the attempt that is due.
    pub fn retries_used(&self) -> u32 {
        self.attempts - self.schedule_start
    }
}
