//! The verb that makes the deliveries of events for many endpoints, a step at a time.

use model::actor::Actor;
use tokio::time::Instant;

use crate::fan_outs::Step;
use crate::handle::Database;
use crate::{Error, Store};
use crate::{postgres, sqlite};

impl Store {
    /// Makes the next slice of deliveries. If there are more, rests afterwards, in proportion to the time it took.
    pub async fn fan_out(&self) -> Result<Step, Error> {
        let began = Instant::now();
        let step = match self.database() {
            Database::Embedded(db) => db.write_aside(&Actor::System, None, sqlite::fan_outs::step).await?,
            Database::Cluster(db) => postgres::fan_outs::step(&db.context, &db.turn).await?,
        };
        if step == Step::More {
            self.leave_room(began).await;
        }
        Ok(step)
    }

    /// Resolves when something new is to be fanned out since this was last called.
    pub async fn fan_outs_woken(&self) {
        self.fan_outs().notified().await;
    }
}
