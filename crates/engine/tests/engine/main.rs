//! The engine on a database that fails for a while, and with a feed that it misses: in every case it reads the database
//! again.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod cluster;
mod customer;
mod nodes;
mod stage;
mod standstill;

use model::delivery::Status;
use testkit::behaviour::Behaviour;
use testkit::receiver::Receiver;

use crate::stage::{SECOND, Stage};
use crate::standstill::at_rest;

/// More commits than the feed holds for an engine that does not take them.
const MORE_THAN_THE_FEED_HOLDS: usize = 1_100;

#[tokio::test]
async fn an_attempt_that_could_not_be_recorded_is_made_again() {
    let receiver = Receiver::behaving(vec![Behaviour::HangBeforeHeaders, Behaviour::Status(204)]).start().await;
    let stage = Stage::new().await;
    stage.endpoint(receiver.url(), "a").await;
    let engine = stage.engine().await;
    stage.send("a").await;
    receiver.received(1).await;

    stage.database_fails();
    stage.clock.advance(60 * SECOND);
    assert!(at_rest(&engine).await.is_some(), "it comes again");
    stage.database_works();
    stage.clock.advance(SECOND);
    receiver.received(2).await;
    at_rest(&engine).await;
    assert_eq!(stage.deliveries().await, [(Status::Delivered, 1)], "what was not recorded does not count");
}

#[tokio::test]
async fn a_look_that_failed_is_repeated_until_it_succeeds() {
    let receiver = Receiver::healthy().start().await;
    let stage = Stage::new().await;
    stage.endpoint(receiver.url(), "a").await;
    let engine = stage.engine().await;
    stage.send_later("a", 60 * SECOND).await;
    at_rest(&engine).await;

    stage.database_fails();
    stage.clock.advance(60 * SECOND);
    for _ in 0..3 {
        assert!(at_rest(&engine).await.is_some(), "it looks again");
        stage.clock.advance(SECOND);
    }
    at_rest(&engine).await;
    stage.database_works();
    stage.clock.advance(SECOND);
    receiver.received(1).await;
    at_rest(&engine).await;
    assert_eq!(stage.deliveries().await, [(Status::Delivered, 1)]);
}

#[tokio::test]
async fn what_an_engine_missed_that_did_not_keep_up_is_found_in_the_database() {
    let receiver = Receiver::healthy().start().await;
    let stage = Stage::new().await;
    let engine = stage.engine().await;
    miss_the_news(&stage, receiver.url()).await;
    stage.names.wake();
    receiver.received(2).await;
    at_rest(&engine).await;
    assert_eq!(stage.deliveries().await, [(Status::Delivered, 1); 2]);
}

#[tokio::test]
async fn a_survey_that_failed_is_repeated_until_it_succeeds() {
    let receiver = Receiver::healthy().start().await;
    let stage = Stage::new().await;
    let engine = stage.engine().await;
    at_rest(&engine).await;
    miss_the_news(&stage, receiver.url()).await;
    stage.database_fails();
    stage.names.wake();
    receiver.received(1).await;
    at_rest(&engine).await;
    stage.clock.advance(SECOND);
    at_rest(&engine).await;
    stage.database_works();
    stage.clock.advance(SECOND);
    receiver.received(3).await;
}

/// The engine stands still while more happens than the feed holds. The last of it is the first event of an endpoint
/// that is new to the engine.
async fn miss_the_news(stage: &Stage, receiver: &str) {
    stage.endpoint(&stage.names.stuck(receiver), "stuck").await;
    let changing = stage.endpoint(receiver, "nothing").await;
    stage.send("stuck").await;
    stage.names.until_stuck().await;
    for _ in 0..MORE_THAN_THE_FEED_HOLDS {
        stage.change(&changing).await;
    }
    stage.endpoint(receiver, "late").await;
    stage.send("late").await;
}
