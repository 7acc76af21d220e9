//! Rules that hold on every database, each in one place: they decide what is written, and each database writes it in
//! its own SQL.

pub(crate) mod attempt;
pub(crate) mod delivery;
pub(crate) mod order;
pub(crate) mod outcome;
