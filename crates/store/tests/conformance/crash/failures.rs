//! Failing calls, one after the other: no acknowledged write is lost, and once the disk works again the store goes on.

use faultdisk::{InjectedFault, Op};
use store::Error;
use testkit::patiently;

use super::everything;
use super::ways::{Seen, Way};

/// The faults, and whether all calls after the first fail too.
const FAILURES: [(InjectedFault, bool); 6] = [
    (InjectedFault::Disk, false),
    (InjectedFault::Disk, true),
    (InjectedFault::Full, false),
    (InjectedFault::Full, true),
    (InjectedFault::Short, false),
    (InjectedFault::Interrupted, false),
];

/// Runs of each way in a sample.
const SAMPLE: usize = 12;

async fn nothing_is_lost(way: Way) {
    let mut runs = 0;
    for (index, (failure, for_good)) in FAILURES.into_iter().enumerate() {
        // Some calls more or less are made each time.
        let calls = calls(way, failure).await;
        let step = if everything() { 1 } else { (calls * FAILURES.len()).div_ceil(SAMPLE).max(1) };
        for nth in (index * step / FAILURES.len()..calls).step_by(step) {
            let when = format!("{way:?}, call {nth} of {calls} fails with {failure:?}, for good: {for_good}");
            patiently(one_fails(way, nth, failure, for_good, &when), || format!("{when}: it hangs")).await;
            runs += 1;
        }
    }
    println!("{way:?}: {runs} calls failed, nothing lost");
}

/// The number of calls that this fault can hit.
async fn calls(way: Way, failure: InjectedFault) -> usize {
    let mut stage = way.stage().await;
    stage.watch.fail(usize::MAX, failure, false);
    let errors = stage.run(way).await;
    assert!(errors.is_empty(), "{errors:?}");
    let calls = stage.watch.calls();
    stage.close().await;
    calls
}

async fn one_fails(way: Way, nth: usize, failure: InjectedFault, for_good: bool, when: &str) {
    let mut stage = way.stage().await;
    stage.watch.record();
    stage.watch.fail(nth, failure, for_good);
    let errors = stage.run(way).await;
    stage.watch.mend();
    for error in &errors {
        assert!(is_told_well(error, failure), "{when}: {error:?}");
    }
    assert_ne!(stage.goes_on().await, Some(false), "{when}: it does not go on, after {errors:?}");
    stage.close().await;

    let mut seen = Seen::default();
    for op in stage.watch.recorded().ops {
        if let Op::Mark(mark) = op {
            seen.note(&mark);
        }
    }
    stage.check(stage.place.beside(), &seen, when).await;
}

/// True if an error names the disk's fault.
fn is_told_well(error: &Error, failure: InjectedFault) -> bool {
    let said = error.to_string();
    match failure {
        // SQLite gives no reason why a file could not be made or synced.
        InjectedFault::Full => error.is_disk_full() || said.contains("full"),
        _ => !said.contains("mistake in Posthaste"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_by_a_failing_disk_while_events_go_into_the_tables() {
    nothing_is_lost(Way::Tables).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_by_a_failing_disk_while_events_go_into_the_journal() {
    nothing_is_lost(Way::Journal).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_by_a_failing_disk_while_the_journal_is_handed_over() {
    nothing_is_lost(Way::HandOver).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_by_a_failing_disk_during_a_checkpoint_a_stop_and_a_start() {
    nothing_is_lost(Way::Checkpoint).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_by_a_failing_disk_during_retention() {
    nothing_is_lost(Way::Retention).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_by_a_failing_disk_during_the_first_start() {
    nothing_is_lost(Way::FirstStart).await;
}
