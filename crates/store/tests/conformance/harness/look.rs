//! Reads a store's contents and feed.

use std::future::Future;
use std::task::{Context, Poll, Waker};

use model::attempt::Body;
use model::delivery::Status;
use model::endpoint::Endpoint;
use model::health::Health;
use model::id::{DeliveryId, ProjectId};
use model::job::Job;
use store::feed::{CommitNotice, Feed, FeedItem};
use store::jobs::Step;
use store::search::{
    Bodies, Delivery, DeliveryFilter, EventFilter, FullDelivery, ListedEvent, Paging, SentBody, StoredAttempt,
};

use super::Opened;

impl Opened {
    /// All deliveries that match a filter, newest first, read page by page.
    pub(crate) async fn listed(&self, project: ProjectId, filter: DeliveryFilter, page: usize) -> Vec<Delivery> {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let got = self.deliveries(project, filter.clone(), Paging { limit: page, after }).await.unwrap();
            assert!(got.items.len() <= page);
            all.extend(got.items);
            match got.next {
                Some(next) => after = Some(next),
                None => return all,
            }
        }
    }

    /// All events that match a filter, newest first, read page by page.
    pub(crate) async fn listed_events(&self, project: ProjectId, filter: EventFilter, page: usize) -> Vec<ListedEvent> {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let got = self.events(project, filter.clone(), Paging { limit: page, after }).await.unwrap();
            assert!(got.items.len() <= page);
            all.extend(got.items);
            match got.next {
                Some(next) => after = Some(next),
                None => return all,
            }
        }
    }

    /// All events of the default project, newest first.
    pub(crate) async fn all_events(&self) -> Vec<ListedEvent> {
        self.listed_events(self.project, EventFilter::default(), 250).await
    }

    /// All deliveries of the default project, newest first.
    pub(crate) async fn all_deliveries(&self) -> Vec<Delivery> {
        self.listed(self.project, DeliveryFilter::default(), 250).await
    }

    /// All deliveries of an endpoint, oldest first.
    pub(crate) async fn deliveries_of(&self, endpoint: &Endpoint) -> Vec<Delivery> {
        let filter = DeliveryFilter { endpoint: Some(endpoint.id), ..DeliveryFilter::default() };
        let mut all = self.listed(endpoint.project, filter, 250).await;
        all.reverse();
        all
    }

    /// The types of all events that an endpoint has deliveries of, oldest first.
    pub(crate) async fn types_for(&self, endpoint: &Endpoint) -> Vec<String> {
        self.deliveries_of(endpoint).await.into_iter().map(|delivery| delivery.event_type.to_string()).collect()
    }

    /// The number of an endpoint's deliveries with that status.
    pub(crate) async fn count(&self, endpoint: &Endpoint, status: Status) -> usize {
        let filter = DeliveryFilter { endpoint: Some(endpoint.id), status: Some(status), ..DeliveryFilter::default() };
        self.listed(endpoint.project, filter, 250).await.len()
    }

    pub(crate) async fn shown(&self, id: DeliveryId) -> FullDelivery {
        self.delivery(self.project, id, Bodies::With).await.unwrap().expect("the project has this delivery")
    }

    /// The body of an attempt, as it was recorded or as far as it is left.
    pub(crate) async fn body_of(&self, id: DeliveryId, attempt: &StoredAttempt) -> Body {
        match &attempt.body {
            SentBody::None => Body::None,
            SentBody::Dropped => Body::Dropped,
            SentBody::Of(dialect) => Body::Of(dialect.clone()),
            SentBody::Kept => {
                let kept = self.sent_body(self.project, id, attempt.number).await.unwrap();
                Body::Kept(kept.expect("it says that it is kept"))
            }
        }
    }

    /// The bodies of all attempts of a delivery.
    pub(crate) async fn bodies_of(&self, id: DeliveryId) -> Vec<Body> {
        let mut bodies = Vec::new();
        for attempt in self.shown(id).await.attempts {
            bodies.push(self.body_of(id, &attempt).await);
        }
        bodies
    }

    pub(crate) async fn status_of(&self, id: DeliveryId) -> Status {
        self.shown(id).await.delivery.status
    }

    pub(crate) async fn health_of(&self, endpoint: &Endpoint) -> Health {
        self.conditions(vec![endpoint.id]).await.unwrap().remove(0).health
    }

    /// Runs all steps of a job and returns their number.
    pub(crate) async fn finish(&self, job: &Job) -> usize {
        let mut steps = 1;
        while self.step_job(job.id).await.unwrap() == Step::More {
            steps += 1;
        }
        steps
    }

    /// The job as it is now.
    pub(crate) async fn now_of(&self, job: &Job) -> Job {
        self.job(job.project, job.id).await.unwrap().expect("the project has this job")
    }
}

/// The next item of the feed, without waiting: a commit's notices are there before its verbs return.
pub(crate) fn news(feed: &mut Feed) -> Option<FeedItem> {
    // Unconstrained, so that Tokio's budget for a task does not make it pending.
    let mut next = Box::pin(tokio::task::unconstrained(feed.next()));
    match next.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(news) => Some(news.expect("the store has not stopped")),
        Poll::Pending => None,
    }
}

/// The notices of the next commit.
pub(crate) fn facts(feed: &mut Feed) -> Vec<CommitNotice> {
    match news(feed).expect("something was told") {
        FeedItem::Notices(facts) => facts,
        FeedItem::Lagged => panic!("so little is not too much"),
    }
}
