//! Misdeeds of another project while a load is measured: each as bad as it may be, with all limits at their defaults.

mod batches;
mod hanging_endpoints;
pub(crate) mod kind;
mod large_events;
mod means;
mod searches;
mod slow_bodies;

use std::net::SocketAddr;

use self::kind::Misdeed;
use self::means::Begin;
use crate::background::Background;
use crate::conditions::Conditions;
use crate::gateway::Gateway;
use crate::sink::Sink;
use crate::{BenchError, control, output};

impl Misdeed {
    /// Makes a project for it, with everything it needs. Comes before all else that is stored.
    pub(crate) fn prepare(self, gateway: &mut Gateway, conditions: &Conditions) -> Result<Prepared, BenchError> {
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

/// A misdeed that may begin, also at a server that was started again.
pub(crate) struct Prepared {
    misdeed: Misdeed,
    sink: Option<Sink>,
    begin: Begin,
}

impl Prepared {
    /// Begins it. It goes on until it is ended, and its receivers are there until the returned value is dropped.
    pub(crate) fn begin(self, address: SocketAddr) -> Result<Underway, BenchError> {
        let Self { misdeed, sink, begin } = self;
        let background = begin(address).map_err(|error| misdeed.failure(&error))?;
        Ok(Underway { misdeed, background, _sink: sink })
    }
}

/// A misdeed that is going on.
pub(crate) struct Underway {
    misdeed: Misdeed,
    background: Option<Background>,
    _sink: Option<Sink>,
}

impl Underway {
    /// Ends it: nothing more is sent.
    pub(crate) fn end(&mut self) -> Result<(), BenchError> {
        let Some(background) = self.background.take() else { return Ok(()) };
        let told = background.end().map_err(|error| self.misdeed.failure(&error))?;
        output::tell(&format!("another project, {}: {told}", self.misdeed.name()));
        Ok(())
    }
}

impl Misdeed {
    fn failure(self, error: &BenchError) -> BenchError {
        format!("another project, {}: {error}", self.name()).into()
    }
}
