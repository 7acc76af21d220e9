//! Rules that hold on every database, each spelled once: the databases ask here what to write, and write it in their own
//! SQL.

pub(crate) mod attempt;
pub(crate) mod delivery;
pub(crate) mod order;
pub(crate) mod outcome;
