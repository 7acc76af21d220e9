//! What another project does while a load is measured: each as badly as it may, with all limits at their defaults.

mod batches;
mod hanging_endpoints;
mod large_events;
mod searches;
mod slow_bodies;

use std::convert::Infallible;
use std::net::SocketAddr;

use clap::ValueEnum;
use serde::Serialize;

use crate::background::{Background, Tally};
use crate::conditions::Conditions;
use crate::gateway::Gateway;
use crate::poster::Poster;
use crate::sink::Sink;
use crate::{Failure, control, output};

/// What the types of its events begin with.
const FAMILY: &str = "misdeed";

/// Hosts that its endpoints take turns with.
const HOSTS: u32 = 250;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Misdeed {
    /// Very many endpoints of which nothing is known, and none of which answers, are all sent an event
    HangingEndpoints,
    /// The largest batches, one after the other, for many endpoints
    Batches,
    /// Bodies that come a byte a second
    SlowBodies,
    /// Events as large as they may be, held against the worst schema that is taken
    LargeEvents,
    /// Lists and searches over very many deliveries
    Searches,
}

impl Misdeed {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::HangingEndpoints => "hanging endpoints",
            Self::Batches => "batches",
            Self::SlowBodies => "slow bodies",
            Self::LargeEvents => "large events",
            Self::Searches => "searches",
        }
    }

    /// Makes a project for it, and in it what it needs. Comes before all else that is stored.
    pub(crate) fn prepare(self, gateway: &mut Gateway, conditions: &Conditions) -> Result<Prepared, Failure> {
        output::tell(&format!("another project: {}", self.name()));
        let slug = format!("{}-bad", gateway.slug());
        control::make_project(gateway.address(), &slug)?;
        let (sink, begin) = match self {
            Self::HangingEndpoints => hanging_endpoints::prepare(gateway, conditions, &slug)?,
            Self::Batches => batches::prepare(gateway, conditions, &slug)?,
            Self::SlowBodies => slow_bodies::prepare(gateway, &slug)?,
            Self::LargeEvents => large_events::prepare(gateway, conditions, &slug)?,
            Self::Searches => searches::prepare(gateway, conditions, &slug)?,
        };
        Ok(Prepared { misdeed: self, sink, begin })
    }
}

/// Begins it, at a server: what goes on from then on, if it is not done at once.
type Begin = Box<dyn FnOnce(SocketAddr) -> Result<Option<Background>, Failure>>;

/// Where its endpoints are, if it has any, and how it begins.
type Means = (Option<Sink>, Begin);

/// It may begin, also at a server that was started again.
pub(crate) struct Prepared {
    misdeed: Misdeed,
    sink: Option<Sink>,
    begin: Begin,
}

impl Prepared {
    /// It goes on until it is ended, and its receivers are there until what this answers is dropped.
    pub(crate) fn begin(self, address: SocketAddr) -> Result<Underway, Failure> {
        let Self { misdeed, sink, begin } = self;
        let background = begin(address).map_err(|error| misdeed.failure(&error))?;
        Ok(Underway { misdeed, background, _sink: sink })
    }
}

/// It is going on.
pub(crate) struct Underway {
    misdeed: Misdeed,
    background: Option<Background>,
    _sink: Option<Sink>,
}

impl Underway {
    /// Nothing more is sent.
    pub(crate) fn end(&mut self) -> Result<(), Failure> {
        let Some(background) = self.background.take() else { return Ok(()) };
        let told = background.end().map_err(|error| self.misdeed.failure(&error))?;
        output::tell(&format!("another project, {}: {told}", self.misdeed.name()));
        Ok(())
    }
}

impl Misdeed {
    fn failure(self, error: &Failure) -> Failure {
        format!("another project, {}: {error}", self.name()).into()
    }
}

/// POSTs these by turns over a connection, each when the last was answered, and over a new one when that ends.
async fn post_for_ever(
    address: SocketAddr,
    path: &'static str,
    key: &str,
    bodies: &[Vec<u8>],
    is_wanted: fn(u16) -> bool,
    tally: &Tally,
) -> Result<Infallible, Failure> {
    let mut bodies = bodies.iter().cycle();
    loop {
        let mut poster = Poster::connect(address, path, key).await?;
        for body in bodies.by_ref() {
            match poster.post(body).await {
                Ok((status, _)) if is_wanted(status.as_u16()) => tally.wanted(),
                Ok((status, answer)) => {
                    tally.other(|| format!("{status} {}", String::from_utf8_lossy(answer)));
                }
                Err(error) => {
                    tally.other(|| error.to_string());
                    break;
                }
            }
        }
    }
}
