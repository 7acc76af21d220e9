//! What another project does while a load is measured: each as badly as it may, with all limits at their defaults.

use serde_json::json;

use crate::conditions::Conditions;
use crate::event::type_of;
use crate::gateway::Gateway;
use crate::load::{self, Pace, Plan, Until};
use crate::sink::{Manner, Sink};
use crate::{Failure, control, output};

/// What the types of its events begin with.
const FAMILY: &str = "misdeed";

/// Hosts that its endpoints take turns with.
const HOSTS: u32 = 250;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Misdeed {
    /// Very many endpoints of which nothing is known, and none of which answers, are all sent an event.
    HangingEndpoints,
}

impl Misdeed {
    pub(crate) const ALL: [Self; 1] = [Self::HangingEndpoints];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::HangingEndpoints => "hanging endpoints",
        }
    }

    /// Makes a project for it, and begins. It goes on until what this answers is dropped.
    pub(crate) fn begin(self, gateway: &Gateway, conditions: &Conditions) -> Result<Underway, Failure> {
        match self {
            Self::HangingEndpoints => hang(gateway, conditions),
        }
    }
}

/// It is going on.
pub(crate) struct Underway {
    _sink: Sink,
}

fn hang(gateway: &Gateway, conditions: &Conditions) -> Result<Underway, Failure> {
    let (address, slug) = (gateway.address(), format!("{}-bad", gateway.slug()));
    control::make_project(address, &slug)?;
    let sink = conditions.sink(HOSTS, |_| Manner::Hangs)?;
    let endpoints = conditions.sizes.shares_endpoints;
    output::tell(&format!("another project: {endpoints} endpoints that hang"));
    let wants = |endpoint| json!({ "url": sink.url(endpoint), "events": [type_of(FAMILY, 0)] });
    control::register(address, &slug, (0..endpoints).map(wants).collect())?;
    let key = control::make_sending_key(address, &slug)?;
    let plan = gateway.plan(&conditions.sizes, FAMILY, Until::Events(1));
    load::run(Plan { key, pace: Pace::Closed, connections: 1, ..plan })?;
    Ok(Underway { _sink: sink })
}
