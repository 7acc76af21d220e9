//! *steady*: one endpoint, open loop. How late events are at a rate that leaves room.

use crate::Failure;
use crate::bare::Bare;
use crate::load::Pace;
use crate::trial::{self, Conditions, Trial};

pub(crate) fn run(conditions: &Conditions<'_>, bare: &Bare, per_second: u32) -> Result<Trial, Failure> {
    trial::run("steady", conditions, bare, Pace::Open { per_second })
}
