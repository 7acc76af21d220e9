//! Verbs that take events in.

use std::ops::Range;
use std::sync::Arc;

use model::actor::Actor;
use model::event::Event;
use model::id::{DeliveryId, EndpointId};
use tokio::time::Instant;

use crate::handle::Database;
use crate::ingest::{Accepted, FilteredIntakes, Intake};
use crate::sqlite::commit::txn::WriteTxn;
use crate::{Error, Store, slice};
use crate::{postgres, sqlite};

impl Store {
    /// Takes an event in. When this returns, it is on disk.
    pub async fn ingest(&self, by: &Actor, intake: Intake) -> Result<Accepted, Error> {
        let filter_results = self.filter_results(&intake.event).await;
        match self.database() {
            Database::Embedded(db) => {
                let project = intake.event.project;
                db.write(by, Some(project), move |txn| sqlite::ingest::take(txn, &intake, &filter_results)).await
            }
            // Boxed, because many of these futures are made, on either database.
            Database::Cluster(db) => {
                Box::pin(postgres::ingest::take(by, &db.context, &db.ingest, intake, filter_results)).await
            }
        }
    }

    /// Takes many events in, one slice per commit, and returns the result of each by its position once the last is on
    /// disk. One that cannot be stored keeps none of the others back. An error if none is stored.
    pub async fn ingest_batch(&self, by: &Actor, intakes: Vec<Intake>) -> Result<Vec<Result<Accepted, Error>>, Error> {
        let mut filtered = Vec::with_capacity(intakes.len());
        for intake in intakes {
            let filter_results = self.filter_results(&intake.event).await;
            filtered.push((intake, filter_results));
        }
        let (filtered, mut answers) = (Arc::new(filtered), Vec::new());
        let mut failed = None;
        while answers.len() < filtered.len() && failed.is_none() {
            let (next, began) = (answers.len(), Instant::now());
            match self.ingest_slice(by, &filtered, next..filtered.len()).await {
                Ok(accepted) => answers.extend(accepted.into_iter().map(Ok)),
                Err(error) if error.is_absence() => failed = Some(error),
                // Either one event of the slice cannot be stored, or none can.
                Err(error) => {
                    for alone in next..filtered.len().min(next + slice::ROWS) {
                        let accepted = self.ingest_slice(by, &filtered, alone..alone + 1).await;
                        answers.push(accepted.and_then(|mut accepted| accepted.pop().ok_or(Error::Stopped)));
                    }
                    failed = answers[next..].iter().all(Result::is_err).then_some(error);
                }
            }
            if answers.len() < filtered.len() {
                self.leave_room_for_other_projects(began).await;
            }
        }
        if let Some(error) = failed {
            answers.resize_with(filtered.len(), || Err(error.clone()));
        }
        match answers.first() {
            Some(Err(error)) if answers.iter().all(Result::is_err) => Err(error.clone()),
            _ => Ok(answers),
        }
    }

    /// Takes in as many of these events as one commit may have, from the first on.
    async fn ingest_slice(
        &self,
        by: &Actor,
        filtered: &FilteredIntakes,
        which: Range<usize>,
    ) -> Result<Vec<Accepted>, Error> {
        let project = filtered.get(which.start).map(|(intake, _)| intake.event.project);
        let filtered = filtered.clone();
        match self.database() {
            Database::Embedded(db) => {
                let is_first = which.start == 0;
                let verb = move |txn: &mut WriteTxn<'_>| sqlite::ingest::take_slice(txn, &filtered[which.clone()]);
                // The first slice does not stand aside: a batch that fits into it is not long.
                if is_first { db.write(by, project, verb).await } else { db.write_aside(by, project, verb).await }
            }
            Database::Cluster(db) => postgres::ingest::take_slice(by, &db.context, &db.ingest, filtered, which).await,
        }
    }

    /// Takes an event in for one endpoint alone, whatever it subscribes to, for one attempt without a schedule behind
    /// it. Returns the delivery's id; `None`, and nothing is stored, if the endpoint is deleted.
    pub async fn ingest_test(
        &self,
        by: &Actor,
        event: Event,
        endpoint: EndpointId,
    ) -> Result<Option<DeliveryId>, Error> {
        match self.database() {
            Database::Embedded(db) => {
                db.write(by, None, move |txn| sqlite::ingest::take_test(txn, &event, endpoint)).await
            }
            Database::Cluster(db) => postgres::ingest::take_test(by, &db.ingest, event, endpoint).await,
        }
    }
}
