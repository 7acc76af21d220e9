//! The meaning of a service's response beyond its status.
//!
//! Services say in their own words that a message is wrong, that the webhook is gone, or that the rate limit is
//! reached, some of them inside a `200`. [`read`] turns that into what [`model::retry::Policy`] and lanes understand.

mod answer;
mod discord;
mod slack;
mod teams;

use model::attempt::Outcome;
use model::provider::Provider;

pub use self::answer::Interpretation;

/// Interprets `outcome`, coming from `provider`.
pub fn read(provider: Provider, outcome: &Outcome) -> Interpretation {
    let Outcome::Answered(answer) = outcome else { return Interpretation::default() };
    match provider {
        Provider::Slack => slack::read(answer),
        Provider::Discord => discord::read(answer),
        Provider::TeamsWebhook => teams::read(answer),
        Provider::Webhook | Provider::Zapier | Provider::Make => Interpretation::default(),
    }
}

#[cfg(test)]
mod tests;
