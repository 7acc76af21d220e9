//! A clock that moves only when a test says so, and randomness that never repeats.

use std::collections::BTreeMap;
use std::collections::hash_map::RandomState;
use std::future::Future;
use std::hash::BuildHasher;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use model::env::{Env, Sleep};
use model::time::Timestamp;
use tokio::sync::Notify;

use crate::record::{PATIENCE, patiently};

/// Start of every test's time: 2026-01-05T09:00:00Z, a Monday morning.
pub const START: Timestamp = Timestamp::from_millis(1_767_603_600_000);

/// An `Env` whose time stands still until it is advanced. Clones share one clock.
#[derive(Clone)]
pub struct TestEnv {
    inner: Arc<Inner>,
}

struct Inner {
    time: Mutex<Time>,
    slept: Notify,
    random: AtomicU64,
}

struct Time {
    /// Time since `START`.
    elapsed: Duration,
    /// Milliseconds by which the wall clock was set ahead; back where negative.
    set_by: i64,
    /// Sleepers by the time they sleep until. The number tells sleepers of one moment apart.
    sleepers: BTreeMap<Bed, Option<Waker>>,
    sleeps: u64,
}

type Bed = (Duration, u64);

impl TestEnv {
    /// Starts at `START`, with ids that no other test makes.
    pub fn new() -> Self {
        Self::seeded(RandomState::new().hash_one(START))
    }

    /// Makes the same ids and rolls the same dice in every run.
    pub fn seeded(seed: u64) -> Self {
        let time = Mutex::new(Time { elapsed: Duration::ZERO, set_by: 0, sleepers: BTreeMap::new(), sleeps: 0 });
        Self { inner: Arc::new(Inner { time, slept: Notify::new(), random: AtomicU64::new(seed) }) }
    }

    /// Moves the clock on and wakes, earliest first, every sleeper whose time has come. It moves in one step: a sleeper
    /// that wakes and sleeps again does so from the new time on.
    pub fn advance(&self, by: Duration) {
        let target = self.inner.time().elapsed + by;
        self.move_to(target);
    }

    /// Moves the clock to `at`; never back.
    pub fn advance_to(&self, at: Timestamp) {
        self.advance(self.now().until(at));
    }

    /// Sets the wall clock back, as if it had been wrong. No time passes, and nothing wakes.
    pub fn set_back(&self, by: Duration) {
        self.inner.time().set_by -= millis(by);
    }

    /// The same, ahead.
    pub fn set_ahead(&self, by: Duration) {
        self.inner.time().set_by += millis(by);
    }

    fn sleep_for(&self, wait: impl FnOnce(&Time) -> Duration) -> Sleep {
        let mut time = self.inner.time();
        let wait = wait(&time);
        time.sleeps += 1;
        let bed = (time.elapsed.saturating_add(wait), time.sleeps);
        if !wait.is_zero() {
            time.sleepers.insert(bed, None);
        }
        drop(time);
        self.inner.slept.notify_waiters();
        Box::pin(Sleeper { inner: self.inner.clone(), bed })
    }

    fn move_to(&self, target: Duration) {
        let woken: Vec<Waker> = {
            let mut time = self.inner.time();
            time.elapsed = time.elapsed.max(target);
            let last_due = (time.elapsed, u64::MAX);
            let later = time.sleepers.split_off(&last_due);
            std::mem::replace(&mut time.sleepers, later).into_values().flatten().collect()
        };
        for waker in woken {
            waker.wake();
        }
    }

    /// Time at which the next live sleeper wants to be woken: the time to advance to.
    pub fn next_wake(&self) -> Option<Timestamp> {
        let (deadline, _) = *self.inner.time().sleepers.first_key_value()?.0;
        let rounded_up = deadline + Duration::from_nanos(999_999);
        let until = rounded_up.saturating_sub(self.elapsed());
        Some(self.now() + until)
    }

    /// Number of sleepers.
    pub fn sleepers(&self) -> usize {
        self.inner.time().sleepers.len()
    }

    /// Waits until at least `count` sleep.
    pub async fn asleep(&self, count: usize) {
        let slept = async {
            loop {
                let changed = self.inner.slept.notified();
                if self.sleepers() >= count {
                    return;
                }
                changed.await;
            }
        };
        patiently(slept, || format!("after {PATIENCE:?}, {} sleep on the test's clock, not {count}", self.sleepers()))
            .await;
    }
}

impl Time {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis((START + self.elapsed).as_millis() + self.set_by)
    }
}

impl Default for TestEnv {
    fn default() -> Self {
        Self::new()
    }
}

impl Inner {
    fn time(&self) -> MutexGuard<'_, Time> {
        self.time.lock().expect("nothing panics while it holds the clock")
    }
}

impl Env for TestEnv {
    fn now(&self) -> Timestamp {
        self.inner.time().now()
    }

    fn elapsed(&self) -> Duration {
        self.inner.time().elapsed
    }

    fn sleep(&self, wait: Duration) -> Sleep {
        self.sleep_for(|_| wait)
    }

    /// Reads the clock and registers the sleeper in one step: a test may advance the clock at any moment.
    fn sleep_until(&self, at: Timestamp) -> Sleep {
        self.sleep_for(|time| time.now().until(at))
    }

    /// SplitMix64 over a counter: as it is a bijection, no value comes twice.
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let random = splitmix(self.inner.random.fetch_add(GOLDEN, Ordering::Relaxed)).to_le_bytes();
            chunk.copy_from_slice(&random[..chunk.len()]);
        }
    }
}

fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).expect("tests do not last that long")
}

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

fn splitmix(state: u64) -> u64 {
    let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// Sleeps until the clock has passed its time, or it is dropped.
struct Sleeper {
    inner: Arc<Inner>,
    bed: Bed,
}

impl Future for Sleeper {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        match self.inner.time().sleepers.get_mut(&self.bed) {
            Some(waker) => {
                *waker = Some(context.waker().clone());
                Poll::Pending
            }
            None => Poll::Ready(()),
        }
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        self.inner.time().sleepers.remove(&self.bed);
    }
}

#[cfg(test)]
mod tests {
    use model::id::DeliveryId;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn time_begins_on_a_monday_morning_and_stands_still() {
        let env = TestEnv::new();
        assert_eq!(env.now().to_string(), "2026-01-05T09:00:00.000Z");
        assert_eq!(env.now(), env.now());
        env.advance(SECOND);
        assert_eq!((env.now(), env.elapsed()), (START + SECOND, SECOND));
        env.advance_to(START);
        assert_eq!(env.now(), START + SECOND);
    }

    #[test]
    fn a_clock_that_is_set_wakes_nobody_and_goes_on_from_there() {
        let env = TestEnv::new();
        let sleep = env.sleep(SECOND);
        env.set_back(60 * SECOND);
        assert_eq!((env.now(), env.elapsed()), (START - 60 * SECOND, Duration::ZERO));
        assert_eq!((env.next_wake(), env.sleepers()), (Some(START - 59 * SECOND), 1));
        env.set_ahead(3600 * SECOND);
        env.advance(SECOND);
        assert_eq!((env.now(), env.sleepers()), (START + 3541 * SECOND, 0));
        drop(sleep);
    }

    #[tokio::test]
    async fn a_sleep_ends_when_the_clock_has_passed_it_and_not_before() {
        let env = TestEnv::new();
        let mut sleep = env.sleep(10 * SECOND);
        env.advance(9 * SECOND);
        assert!(is_pending(&mut sleep).await);
        env.advance(SECOND);
        sleep.await;
        env.sleep(Duration::ZERO).await;
    }

    #[test]
    fn a_sleep_until_a_moment_ends_then_however_often_the_clock_moves_while_it_begins() {
        let env = TestEnv::new();
        let moving = std::thread::spawn({
            let env = env.clone();
            move || (0..20_000).for_each(|_| env.advance(Duration::from_millis(1)))
        });
        for _ in 0..5_000 {
            let at = env.now() + SECOND;
            let sleep = env.sleep_until(at);
            let ends = env.inner.time().sleepers.first_key_value().map(|((ends, _), _)| START + *ends);
            assert!(ends.is_none_or(|ends| ends <= at), "{ends:?} is after {at}");
            drop(sleep);
        }
        moving.join().unwrap();
    }

    #[tokio::test]
    async fn a_sleeper_in_another_task_is_woken() {
        let env = TestEnv::new();
        let mut tasks = tokio::task::JoinSet::new();
        for seconds in [5, 1, 3] {
            tasks.spawn(env.sleep(seconds * SECOND));
        }
        env.asleep(3).await;
        env.advance_to(START + 5 * SECOND);
        tasks.join_all().await;
    }

    #[test]
    fn the_next_wake_is_that_of_the_earliest_live_sleeper() {
        let env = TestEnv::new();
        assert_eq!(env.next_wake(), None);
        let later = env.sleep(9 * SECOND);
        let sooner = env.sleep(Duration::from_micros(4_000_100));
        assert_eq!(env.next_wake(), Some(START + Duration::from_millis(4_001)));
        drop(sooner);
        assert_eq!(env.next_wake(), Some(START + 9 * SECOND));
        env.advance_to(START + 9 * SECOND);
        assert_eq!((env.next_wake(), env.sleepers()), (None, 0));
        drop(later);
    }

    #[test]
    fn ids_are_unique_and_a_seed_makes_them_repeatable() {
        let (env, same, other) = (TestEnv::seeded(7), TestEnv::seeded(7), TestEnv::new());
        let ids: Vec<_> = (0..1_000).map(|_| DeliveryId::new(&env)).collect();
        let distinct: std::collections::HashSet<_> = ids.iter().map(|id| *id.as_bytes()).collect();
        assert_eq!(distinct.len(), ids.len());
        assert_eq!(DeliveryId::new(&same), ids[0]);
        assert_ne!(DeliveryId::new(&other), ids[0]);
        assert!((0..1_000).all(|_| (0.0..1.0).contains(&env.dice())));
    }

    async fn is_pending(sleep: &mut Sleep) -> bool {
        std::future::poll_fn(|context| Poll::Ready(sleep.as_mut().poll(context).is_pending())).await
    }
}
