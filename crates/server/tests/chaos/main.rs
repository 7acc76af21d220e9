//! A cluster under load while its nodes and its database are killed, stopped and cut off: nothing accepted is lost, order
//! and rate limits hold, hardly anything comes twice, and soon after it is as if nothing had been.
//!
//! The short version runs with all tests, the long one by `make chaos`.

#![allow(clippy::unwrap_used, reason = "what a test cannot get has failed it, and the line says where")]
#![allow(clippy::disallowed_methods, reason = "leases run out and loads go on by the clock on the wall")]
#![allow(clippy::print_stdout, reason = "the long version says what it measured")]

mod cluster;
mod load;
mod network;
mod verdict;

use std::time::Duration;

use cluster::{Cluster, Harm};
use load::Load;
use verdict::Verdict;

/// What is done to a cluster, and for how long it is left alone before, in between and after.
struct Plan {
    lease: &'static str,
    calm: Duration,
    stopped: Duration,
    rounds: usize,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_loses_nothing_while_nodes_die_and_stop_and_its_database_restarts() {
    let plan = Plan { lease: "2s", calm: Duration::from_secs(3), stopped: Duration::from_secs(4), rounds: 1 };
    let (_, verdict) = run(&plan).await;
    verdict.nothing_is_lost();
    verdict.hardly_anything_came_twice();
    verdict.order_was_kept();
    verdict.rate_limits_were_kept();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes half an hour: `make chaos`"]
async fn ten_rounds_of_harm_at_random_moments() {
    let plan = Plan { lease: "6s", calm: Duration::from_secs(20), stopped: Duration::from_secs(60), rounds: 10 };
    let (calm, verdict) = run(&plan).await;
    verdict.nothing_is_lost();
    verdict.hardly_anything_came_twice();
    verdict.order_was_kept();
    verdict.rate_limits_were_kept();
    verdict.was_soon_as_before(calm, Duration::from_secs(15));
}

/// Answers how long the load ran before the first harm, and what came of all.
async fn run(plan: &Plan) -> (Duration, Verdict) {
    let mut cluster = Cluster::of_three(plan.lease).await;
    let load = Load::start(&cluster).await;
    wait(plan.calm).await;
    let calm = load.elapsed();
    for _ in 0..plan.rounds {
        for harm in Harm::all_in_random_order() {
            load.note_harm();
            cluster.suffer(harm, plan.stopped).await;
            load.note_harm();
            wait(plan.calm).await;
        }
    }
    (calm, load.end(&cluster).await)
}

/// Time that passes is what this is about.
async fn wait(time: Duration) {
    tokio::time::sleep(time).await;
}
