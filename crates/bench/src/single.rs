//! *single*: one endpoint, closed loop. How many events a second go through, and what one costs.

use crate::Failure;
use crate::bare::Bare;
use crate::load::Pace;
use crate::trial::{self, Conditions, Trial};

pub(crate) fn run(conditions: &Conditions<'_>, bare: &Bare) -> Result<Trial, Failure> {
    trial::run("single", conditions, bare, Pace::Closed)
}
