//! The real world behind the one door: the system's clock, the runtime's timers, the system's randomness.

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use model::env::{Env, Sleep};
use model::time::Timestamp;

/// Random bytes are drawn so many at a time: asking for a few costs nearly as much as asking for all of these.
const DRAWN: usize = 4096;

/// Up to so many are taken from what was drawn: ids, nonces, dice. Keys and secrets are drawn for themselves.
const FEW: usize = 16;

#[derive(Debug)]
pub struct RealEnv {
    began: Instant,
    /// The same on the clock that is cheap to read.
    began_roughly: Duration,
    random: SystemRandom,
    /// What the clock that the cluster goes by said when this began, in milliseconds; [`OWN`] while there is none. This
    /// machine's own says nothing any more then, whoever sets it.
    shared_began: AtomicI64,
    drawn: Mutex<Drawn>,
}

/// Random bytes that nobody has been given yet.
struct Drawn {
    bytes: [u8; DRAWN],
    left: usize,
}

/// Time is by this machine's own clock.
const OWN: i64 = i64::MIN;

/// Clocks that differ by less are the same: the answer's way here is not measured any better.
const SAME: Duration = Duration::from_millis(100);

impl RealEnv {
    #[expect(clippy::disallowed_methods, reason = "this is the door")]
    pub fn new() -> Self {
        Self {
            began: Instant::now(),
            began_roughly: rough_clock(),
            random: SystemRandom::new(),
            shared_began: AtomicI64::new(OWN),
            drawn: Mutex::new(Drawn { bytes: [0; DRAWN], left: 0 }),
        }
    }
}

impl RealEnv {
    fn elapsed_millis(&self) -> i64 {
        i64::try_from(self.began.elapsed().as_millis()).unwrap_or(i64::MAX)
    }
}

impl Default for RealEnv {
    fn default() -> Self {
        Self::new()
    }
}

/// The clock of [`Instant`] as the kernel last looked at it, some milliseconds ago.
fn rough_clock() -> Duration {
    #[cfg(target_os = "linux")]
    let clock = rustix::time::ClockId::MonotonicCoarse;
    #[cfg(not(target_os = "linux"))]
    let clock = rustix::time::ClockId::Monotonic;
    Duration::try_from(rustix::time::clock_gettime(clock)).unwrap_or_default()
}

/// By this machine's clock, right or wrong.
#[expect(clippy::disallowed_methods, reason = "this is the door")]
fn machine_millis() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

impl Env for RealEnv {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(match self.shared_began.load(Ordering::Relaxed) {
            OWN => machine_millis(),
            began => began + self.elapsed_millis(),
        })
    }

    fn shared(&self, theirs: Timestamp) -> Timestamp {
        theirs
    }

    fn correct(&self, theirs: Timestamp, uncertainty: Duration) {
        let ours = self.now();
        let off = Duration::from_millis(theirs.as_millis().abs_diff(ours.as_millis()));
        let now = if off > SAME + uncertainty { theirs } else { ours };
        self.shared_began.store(now.as_millis() - self.elapsed_millis(), Ordering::Relaxed);
    }

    fn corrected_by(&self) -> i64 {
        self.now().as_millis() - machine_millis()
    }

    fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    fn elapsed_roughly(&self) -> Duration {
        rough_clock().saturating_sub(self.began_roughly)
    }

    #[expect(clippy::disallowed_methods, reason = "this is the door")]
    fn sleep(&self, wait: Duration) -> Sleep {
        Box::pin(tokio::time::sleep(wait))
    }

    fn fill(&self, bytes: &mut [u8]) {
        if bytes.len() > FEW {
            return draw(&self.random, bytes);
        }
        self.drawn.lock().unwrap_or_else(PoisonError::into_inner).give(bytes, &self.random);
    }
}

impl Drawn {
    /// Gives each byte once and forgets it.
    fn give(&mut self, bytes: &mut [u8], random: &SystemRandom) {
        if self.left < bytes.len() {
            draw(random, &mut self.bytes);
            self.left = DRAWN;
        }
        let given = &mut self.bytes[self.left - bytes.len()..self.left];
        bytes.copy_from_slice(given);
        given.fill(0);
        self.left -= bytes.len();
    }
}

impl fmt::Debug for Drawn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Drawn").field("left", &self.left).finish_non_exhaustive()
    }
}

fn draw(random: &SystemRandom, bytes: &mut [u8]) {
    random.fill(bytes).expect("the system's random source does not fail once it has been seeded");
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_shared_clock_is_gone_by_unless_it_says_the_same() {
        let env = RealEnv::new();
        env.correct(env.now() + SAME / 4, Duration::ZERO);
        assert!(env.corrected_by().abs() < 50, "{}", env.corrected_by());
        let day = Duration::from_secs(86_400);
        env.correct(env.now() - day, Duration::from_secs(1));
        assert!((env.corrected_by() + 86_400_000).abs() < 50, "{}", env.corrected_by());
    }

    #[test]
    fn the_rough_clock_is_behind_by_some_milliseconds_at_most() {
        let env = RealEnv::new();
        for _ in 0..1_000 {
            let (before, roughly, after) = (env.elapsed(), env.elapsed_roughly(), env.elapsed());
            assert!(roughly + Duration::from_millis(50) > before && roughly < after + Duration::from_millis(50));
        }
    }

    #[test]
    fn what_was_drawn_is_given_once() {
        let env = RealEnv::new();
        let mut given = HashSet::new();
        for _ in 0..4 * DRAWN / FEW {
            let mut bytes = [0; FEW];
            env.fill(&mut bytes);
            assert!(given.insert(bytes), "{bytes:?} was given before");
        }
    }
}
