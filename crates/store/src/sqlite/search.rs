//! The SQL of lookups.

mod attempts;
mod conditions;
mod deliveries;
mod events;

pub(crate) use attempts::{attempts_at, delivery, sent_body, weight};
pub(crate) use deliveries::{deliveries, newest_of};
pub(crate) use events::{event, event_row, event_weight, events, first_event_at};
