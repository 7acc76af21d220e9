//! Recovering an endpoint and replaying an event: a step at a time, over restarts, until done or cancelled.

use std::future::Future;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use model::actor::Actor;
use model::delivery::Status as DeliveryStatus;
use model::endpoint::{Endpoint, Status as EndpointStatus};
use model::id::{JobId, ProjectId};
use model::job::{Job, Only, Status, Task};
use model::time::Timestamp;
use store::jobs::{STEP, Step};
use store::search::Paging;

use crate::harness::{DAY, HOUR, Opened, SECOND};

async fn recover(store: &Opened, endpoint: &Endpoint, since: Timestamp, until: Timestamp, only: Only) -> Job {
    let task = Task::Recover { endpoint: endpoint.id, since, until, only };
    store.create_job(&Actor::Admin, endpoint.project, task).await.unwrap()
}

/// Recovers all time so far and a day to come.
async fn recover_all(store: &Opened, endpoint: &Endpoint, only: Only) -> Job {
    recover(store, endpoint, store.now() - DAY, store.now() + DAY, only).await
}

fn progress(job: &Job) -> (Status, u64, u64, u64) {
    (job.status, job.total, job.done, job.failed)
}

/// An endpoint with `failed` deliveries that were given up, one that was delivered, and `missed` events.
async fn endpoint_with(store: &Opened, failed: usize, missed: usize) -> std::sync::Arc<Endpoint> {
    let endpoint = store.endpoint(&["order.*"]).await;
    let delivered = store.send_to(&endpoint, "order.delivered").await;
    store.delivers(&delivered).await;
    store.send_many("order.failed", failed).await;
    assert_eq!(store.give_up_all(&endpoint).await, failed);
    store.set_status(&endpoint, EndpointStatus::Paused).await;
    store.send_many("order.missed", missed).await;
    store.send_many("invoice.unwanted", 3).await;
    store.set_status(&endpoint, EndpointStatus::Active).await;
    store.advance(HOUR);
    endpoint
}

#[tokio::test]
async fn a_projects_jobs_are_listed_newest_first() {
    let store = Opened::fresh().await;
    let endpoint = store.endpoint(&["order.*"]).await;
    let mut made = Vec::new();
    for _ in 0..3 {
        made.insert(0, recover_all(&store, &endpoint, Only::All).await.id);
        store.advance(SECOND);
    }
    let first = store.jobs(endpoint.project, Paging { limit: 2, after: None }).await.unwrap();
    let second = store.jobs(endpoint.project, Paging { limit: 2, after: first.next }).await.unwrap();
    assert!(first.next.is_some() && second.next.is_none());
    let listed: Vec<JobId> = first.items.iter().chain(&second.items).map(|job| job.id).collect();
    assert_eq!(listed, made);
    let other = store.jobs(ProjectId::from_bytes([7; 16]), Paging { limit: 2, after: None }).await.unwrap();
    assert!(other.items.is_empty());
}

#[tokio::test]
async fn what_failed_is_sent_again_with_a_schedule_of_its_own() {
    let store = Opened::fresh().await;
    let endpoint = endpoint_with(&store, 3, 2).await;

    let job = recover_all(&store, &endpoint, Only::Failed).await;
    assert_eq!(progress(&job), (Status::Running, 3, 0, 0));
    store.finish(&job).await;

    assert_eq!(progress(&store.now_of(&job).await), (Status::Done, 3, 3, 0));
    let due = store.due_at(&endpoint).await;
    assert_eq!(due.len(), 3);
    for due in due {
        assert_eq!((due.event.event_type.as_str(), due.next_attempt_at), ("order.failed", store.now()));
        assert_eq!((due.manual, due.attempt(), due.retries_used()), (false, 2, 0));
    }
}

#[tokio::test]
async fn what_was_missed_is_sent_for_the_first_time() {
    let store = Opened::fresh().await;
    let endpoint = endpoint_with(&store, 3, 2).await;
    let late = store.endpoint(&["order.*"]).await;

    for (endpoint, missed) in [(&endpoint, 2), (&late, 6)] {
        let job = recover_all(&store, endpoint, Only::Missed).await;
        assert_eq!(progress(&job), (Status::Running, missed, 0, 0));
        store.finish(&job).await;
        assert_eq!(progress(&store.now_of(&job).await), (Status::Done, missed, missed, 0));
    }

    let due = store.due_at(&endpoint).await;
    assert!(due.iter().all(|due| due.event.event_type.as_str() == "order.missed" && due.attempt() == 1));
    let types: Vec<String> = store.types_for(&late).await;
    assert_eq!(types[..4], ["order.delivered", "order.failed", "order.failed", "order.failed"], "oldest first");
    let again = recover_all(&store, &endpoint, Only::Missed).await;
    assert_eq!(again.total, 0, "nothing is missed any more");
}

#[tokio::test]
async fn both_can_be_recovered_together() {
    let store = Opened::fresh().await;
    let endpoint = endpoint_with(&store, 3, 2).await;
    let job = recover_all(&store, &endpoint, Only::All).await;
    store.finish(&job).await;
    assert_eq!(progress(&store.now_of(&job).await), (Status::Done, 5, 5, 0));
    assert_eq!(store.due_at(&endpoint).await.len(), 5);
}

#[tokio::test]
async fn a_recovery_is_about_a_stretch_of_time() {
    let store = Opened::fresh().await;
    let endpoint = store.endpoint(&["*"]).await;
    let mut times = Vec::new();
    for _ in 0..4 {
        times.push(store.now());
        store.send("order.failed").await;
        store.give_up_all(&endpoint).await;
        store.advance(HOUR);
    }
    let late = store.endpoint(&["*"]).await;

    for (endpoint, only) in [(&endpoint, Only::Failed), (&late, Only::Missed)] {
        let job = recover(&store, endpoint, times[1], times[3], only).await;
        assert_eq!(job.total, 2);
        store.finish(&job).await;
        let due = store.due_at(endpoint).await;
        let events: Vec<Timestamp> = due.iter().map(|due| due.event.created_at).collect();
        assert_eq!(events, times[1..3], "from the beginning on, and not the end");
    }
}

#[tokio::test]
async fn a_long_recovery_takes_more_than_one_step() {
    let store = Opened::fresh().await;
    let endpoint = endpoint_with(&store, STEP + 100, STEP + 150).await;
    let job = recover_all(&store, &endpoint, Only::All).await;

    assert_eq!(store.step_job(job.id).await.unwrap(), Step::More);
    let half_way = store.now_of(&job).await;
    assert_eq!(half_way.status, Status::Running);
    assert_eq!(store.due_at(&endpoint).await.len() as u64, half_way.done);
    assert!(half_way.done <= STEP as u64);
    store.finish(&job).await;

    let total = (2 * STEP + 250) as u64;
    assert_eq!(progress(&store.now_of(&job).await), (Status::Done, total, total, 0));
    assert_eq!(store.due_at(&endpoint).await.len() as u64, total);
    assert_eq!(store.step_job(job.id).await.unwrap(), Step::Ended);
    assert_eq!(store.due_at(&endpoint).await.len() as u64, total, "a job that is done does nothing more");
}

#[tokio::test]
async fn a_few_missed_among_many_that_were_not_are_found() {
    let store = Opened::fresh().await;
    let endpoint = store.endpoint(&["order.*"]).await;
    store.send_many("invoice.unwanted", 2_100).await;
    store.set_status(&endpoint, EndpointStatus::Paused).await;
    store.send("order.missed").await;
    store.send_many("invoice.unwanted", 2_100).await;
    store.send("order.missed").await;
    store.set_status(&endpoint, EndpointStatus::Active).await;

    let job = recover_all(&store, &endpoint, Only::Missed).await;
    store.finish(&job).await;

    assert_eq!(progress(&store.now_of(&job).await), (Status::Done, 2, 2, 0));
}

#[tokio::test]
async fn a_job_cancelled_half_way_stops_there() {
    let store = Opened::fresh().await;
    let endpoint = endpoint_with(&store, 0, STEP + 100).await;
    let job = recover_all(&store, &endpoint, Only::Missed).await;
    store.step_job(job.id).await.unwrap();

    let cancelled = store.cancel_job(&Actor::Admin, store.project, job.id).await.unwrap().unwrap();

    assert_eq!(progress(&cancelled), (Status::Cancelled, (STEP + 100) as u64, STEP as u64, 0));
    assert_eq!(store.step_job(job.id).await.unwrap(), Step::Ended);
    assert_eq!(store.due_at(&endpoint).await.len(), STEP);
    assert_eq!(progress(&store.now_of(&job).await), progress(&cancelled));
    assert!(store.running_jobs().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_job_that_has_ended_stays_as_it_is_when_it_is_cancelled() {
    let store = Opened::fresh().await;
    let endpoint = endpoint_with(&store, 1, 0).await;
    let job = recover_all(&store, &endpoint, Only::Failed).await;
    store.finish(&job).await;
    let after = store.cancel_job(&Actor::Admin, store.project, job.id).await.unwrap().unwrap();
    assert_eq!(after.status, Status::Done);
}

#[tokio::test]
async fn a_job_goes_on_after_a_restart_where_it_was() {
    let store = Opened::fresh().await;
    let endpoint = endpoint_with(&store, STEP + 100, STEP + 100).await;
    let job = recover_all(&store, &endpoint, Only::All).await;
    let mut store = store.reopen().await;

    assert_eq!(store.running_jobs().await.unwrap(), [job.id]);
    while store.step_job(job.id).await.unwrap() == Step::More {
        store = store.reopen().await;
    }

    let total = (2 * STEP + 200) as u64;
    assert_eq!(progress(&store.now_of(&job).await), (Status::Done, total, total, 0));
    let types = store.types_for(&endpoint).await;
    assert_eq!(types.len() as u64, total + 1, "each once, and the one that was delivered");
}

#[tokio::test]
async fn a_job_whose_endpoint_is_deleted_fails_with_what_it_had_not_done() {
    let store = Opened::fresh().await;
    let endpoint = endpoint_with(&store, STEP + 100, 0).await;
    let job = recover_all(&store, &endpoint, Only::Failed).await;
    store.step_job(job.id).await.unwrap();
    store.delete(&endpoint).await;

    assert_eq!(store.step_job(job.id).await.unwrap(), Step::Ended);

    assert_eq!(progress(&store.now_of(&job).await), (Status::Failed, (STEP + 100) as u64, STEP as u64, 100));
    assert_eq!(store.count(&endpoint, DeliveryStatus::Pending).await, 0);
}

#[tokio::test]
async fn a_job_that_did_more_than_was_counted_fails_with_nothing_undone() {
    let store = Opened::fresh().await;
    let endpoint = store.endpoint(&["*"]).await;
    store.set_status(&endpoint, EndpointStatus::Paused).await;
    let job = recover_all(&store, &endpoint, Only::Missed).await;
    store.send_many("order.missed", STEP + 1).await;
    store.step_job(job.id).await.unwrap();
    store.delete(&endpoint).await;
    store.step_job(job.id).await.unwrap();
    assert_eq!(progress(&store.now_of(&job).await), (Status::Failed, 0, STEP as u64, 0));
}

#[tokio::test]
async fn another_projects_endpoint_is_not_recovered_with_our_events() {
    let store = Opened::fresh().await;
    let other = store.project_called("other").await;
    let theirs = store.plan().of(other.id).create().await;
    store.send_many("order.created", 3).await;
    let task = Task::Recover { endpoint: theirs.id, since: store.now(), until: store.now() + DAY, only: Only::All };

    let job = store.create_job(&Actor::Admin, store.project, task).await.unwrap();
    store.finish(&job).await;

    assert_eq!(progress(&store.now_of(&job).await), (Status::Failed, 0, 0, 0));
    assert!(store.due_at(&theirs).await.is_empty());
}

#[tokio::test]
async fn an_event_that_expired_is_not_missed() {
    let store = Opened::fresh().await;
    store.draft("order.created").expires_at(store.now() + SECOND).send().await;
    store.draft("order.paid").expires_at(store.now() + DAY).send().await;
    store.advance(HOUR);
    let endpoint = store.endpoint(&["*"]).await;

    let job = recover_all(&store, &endpoint, Only::Missed).await;
    store.finish(&job).await;

    assert_eq!(store.types_for(&endpoint).await, ["order.paid"]);
}

#[tokio::test]
async fn an_event_for_later_is_recovered_and_replayed_for_then() {
    let store = Opened::fresh().await;
    let then = store.now() + HOUR;
    let event = store.draft("order.created").deliver_at(then).send().await;
    let endpoint = store.endpoint(&["*"]).await;

    let job = recover_all(&store, &endpoint, Only::Missed).await;
    store.finish(&job).await;
    let replay = store.create_job(&Actor::Admin, store.project, Task::Replay { event }).await.unwrap();
    store.finish(&replay).await;

    assert!(store.due_at(&endpoint).await.is_empty(), "not delivered before");
    store.advance(HOUR);
    assert_eq!(store.due_at(&endpoint).await.len(), 2);
}

#[tokio::test]
async fn a_test_event_for_one_endpoint_is_not_missed_by_another() {
    let store = Opened::fresh().await;
    let tested = store.endpoint(&["*"]).await;
    let other = store.endpoint(&["*"]).await;
    store.ingest_test(&Actor::Admin, store.draft("order.created").event(), tested.id).await.unwrap();

    let job = recover_all(&store, &other, Only::Missed).await;
    store.finish(&job).await;

    assert_eq!(progress(&store.now_of(&job).await), (Status::Done, 0, 0, 0));
    assert!(store.due_at(&other).await.is_empty());
}

#[tokio::test]
async fn a_replayed_event_goes_again_to_everyone_who_wants_it_now() {
    let store = Opened::fresh().await;
    let before = store.endpoint(&["*"]).await;
    let event = store.draft("order.created").data(r#"{"n":7}"#).send().await;
    store.delivers(&store.only_due_at(&before).await).await;
    let since = store.endpoint(&["order.*"]).await;
    let paused = store.plan().status(EndpointStatus::Paused).create().await;
    store.advance(HOUR);

    let job = store.create_job(&Actor::Admin, store.project, Task::Replay { event: event.clone() }).await.unwrap();
    assert_eq!(progress(&job), (Status::Running, 2, 0, 0));
    store.finish(&job).await;

    assert_eq!(progress(&store.now_of(&job).await), (Status::Done, 2, 2, 0));
    for endpoint in [&before, &since] {
        let due = store.only_due_at(endpoint).await;
        assert_eq!((&due.event.id, due.event.data.as_str()), (&event, r#"{"n":7}"#));
        assert_eq!((due.attempt(), due.manual, due.next_attempt_at), (1, false, store.now()));
    }
    assert!(store.due_at(&paused).await.is_empty());
    assert_eq!(store.deliveries_of(&before).await.len(), 2, "the first one stays as it was");
    assert_eq!(store.all_events().await.len(), 1);
}

#[tokio::test]
async fn replaying_what_does_not_exist_does_nothing() {
    let store = Opened::fresh().await;
    let other = store.project_called("other").await;
    store.plan().of(other.id).create().await;
    let event = store.send("order.created").await;
    let job = store.create_job(&Actor::Admin, other.id, Task::Replay { event }).await.unwrap();
    store.finish(&job).await;
    assert_eq!(progress(&store.now_of(&job).await), (Status::Done, 0, 0, 0));
}

#[tokio::test]
async fn jobs_that_run_are_listed_oldest_first() {
    let store = Opened::fresh().await;
    let endpoint = store.endpoint(&["*"]).await;
    let mut jobs = Vec::new();
    for _ in 0..3 {
        jobs.push(recover_all(&store, &endpoint, Only::All).await.id);
        store.advance(SECOND);
    }
    assert_eq!(store.running_jobs().await.unwrap(), jobs);
    while store.step_job(jobs[1]).await.unwrap() == Step::More {}
    assert_eq!(store.running_jobs().await.unwrap(), [jobs[0], jobs[2]]);
}

#[tokio::test]
async fn a_job_tells_which_endpoint_it_is_about_and_whether_that_has_room() {
    let store = Opened::fresh().await;
    let endpoint = store.endpoint(&["*"]).await;
    let event = store.send("order.created").await;
    let recovery = recover_all(&store, &endpoint, Only::All).await;
    let replay = store.create_job(&Actor::Admin, store.project, Task::Replay { event }).await.unwrap();

    assert_eq!(store.job_endpoint(recovery.id).await.unwrap(), Some(endpoint.id));
    assert_eq!(store.job_endpoint(replay.id).await.unwrap(), None);
    assert!(store.has_room(endpoint.id, 2).await.unwrap());
    assert!(!store.has_room(endpoint.id, 1).await.unwrap());
}

#[tokio::test]
async fn another_projects_job_is_not_there() {
    let store = Opened::fresh().await;
    let other = store.project_called("other").await;
    let endpoint = store.endpoint(&["*"]).await;
    let job = recover_all(&store, &endpoint, Only::All).await;

    let nowhere = JobId::new(&*store.clock);
    for (project, id) in [(other.id, job.id), (ProjectId::new(&*store.clock), job.id), (store.project, nowhere)] {
        assert!(store.job(project, id).await.unwrap().is_none());
        assert!(store.cancel_job(&Actor::Admin, project, id).await.unwrap().is_none());
    }
    assert_eq!(store.step_job(nowhere).await.unwrap(), Step::Ended);
    assert_eq!(store.now_of(&job).await.status, Status::Running);
}

#[tokio::test]
async fn who_waits_for_jobs_is_woken_by_one() {
    let store = Opened::fresh().await;
    let endpoint = store.endpoint(&["*"]).await;
    let mut waiting = Box::pin(store.jobs_woken());
    assert_eq!(waiting.as_mut().poll(&mut Context::from_waker(Waker::noop())), Poll::Pending);

    recover_all(&store, &endpoint, Only::All).await;

    waiting.await;
    recover_all(&store, &endpoint, Only::All).await;
    store.jobs_woken().await;
}

#[tokio::test]
async fn recovered_deliveries_keep_their_order_in_strict_order() {
    let store = Opened::fresh().await;
    let endpoint = store.ordered_endpoint().await;
    let sent = store.send_many("order.created", STEP + 20).await;
    store.give_up_all(&endpoint).await;
    let job = recover_all(&store, &endpoint, Only::Failed).await;

    while store.step_job(job.id).await.unwrap() == Step::More {
        store.advance(Duration::from_millis(1));
    }

    let due: Vec<_> = store.due_at(&endpoint).await.into_iter().map(|due| due.event.id.clone()).collect();
    assert_eq!(due, sent);
}
