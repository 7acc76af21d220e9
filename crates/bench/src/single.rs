//! *single*: one endpoint, closed loop. How many events a second go through, and what one costs.

use crate::Failure;
use crate::load::Pace;
use crate::trial::{self, Conditions, Trial};

pub(crate) fn run(conditions: &Conditions<'_>) -> Result<Trial, Failure> {
    trial::run("single", conditions, Pace::Closed)
}
