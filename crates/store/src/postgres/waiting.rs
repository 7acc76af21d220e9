//! Projects with fan-outs under way.

use std::collections::HashSet;

use model::id::ProjectId;

use super::param::Uuid;
use super::row;
use super::session::Session;
use crate::Error;

/// The projects of `of` with events that are still to be fanned out.
pub(super) async fn of(session: &Session, of: HashSet<ProjectId>) -> Result<HashSet<ProjectId>, Error> {
    if of.is_empty() {
        return Ok(of);
    }
    let of: Vec<Uuid> = of.into_iter().map(Uuid::from).collect();
    let sql = "SELECT asked.project FROM unnest($1) AS asked (project)
               WHERE EXISTS (SELECT 1 FROM fan_outs AS f WHERE f.project = asked.project)";
    session.query(sql, &[&of]).await?.iter().map(|row| row::id(row, 0)).collect()
}
