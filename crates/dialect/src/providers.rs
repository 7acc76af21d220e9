//! Chat services: the cards they are sent instead of the dialect's envelope, and the meaning of their responses.
//!
//! A card is the same on every service: a headline, what happened in a sentence, facts from the event's data, and a
//! footer that says whose event it is. [`content`] decides what it says, [`text`] keeps foreign text from being markup,
//! and a file per service renders it in that service's form and within its limits, whatever the data.

mod branding;
mod content;
mod discord;
mod facts;
mod response;
mod slack;
mod teams;
mod text;

use model::provider::Provider;

pub(crate) use self::branding::Branding;
use self::content::Content;
pub use self::response::{Interpretation, read};
use crate::variable::RenderContext;

/// True if it is a chat service.
pub(crate) fn takes_cards(provider: Provider) -> bool {
    form(provider).is_some()
}

/// The message for a chat service. `None` where the dialect's own envelope is sent.
pub(crate) fn card(provider: Provider, branding: &Branding<'_>, context: &RenderContext<'_>) -> Option<Vec<u8>> {
    let message = form(provider)?(&Content::of(context.event, branding));
    Some(serde_json::to_vec(&message).expect("its keys are strings"))
}

fn form(provider: Provider) -> Option<fn(&Content<'_>) -> serde_json::Value> {
    match provider {
        Provider::Slack => Some(slack::card),
        Provider::Discord => Some(discord::card),
        Provider::TeamsWebhook => Some(teams::card),
        Provider::Webhook | Provider::Zapier | Provider::Make => None,
    }
}

#[cfg(test)]
mod tests;
