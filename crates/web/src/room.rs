//! Memory for large bodies: taken as their bytes come, shared by projects, and given so that every body that has begun
//! can be read to its end.
//!
//! A body says how long it may get, and holds what has come of it. More is granted only where all bodies could still be
//! read whole one after another (the banker's algorithm): no two of them wait for each other's memory.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use model::env::Env;
use model::id::ProjectId;
use tokio::sync::Notify;

use crate::problem::{Code, Problem};

/// Bytes of large bodies that are in memory at once, over all projects.
const WHOLE: usize = 256 * 1024 * 1024;

/// Parts of the whole that one project may hold at most: one in so many.
const SHARES: usize = 4;

/// Bodies that may hold memory at once, over all projects. A project has its share of these too.
const MOST_BODIES: usize = 256;

/// Memory is granted in steps of this many bytes.
const STEP: usize = 64 * 1024;

/// A body for which there is no memory after this long is refused.
const PATIENCE: Duration = Duration::from_secs(30);

/// The memory for all large bodies. Cloning shares it.
#[derive(Clone)]
pub struct Room {
    inner: Arc<Inner>,
}

struct Inner {
    env: Arc<dyn Env>,
    ledger: Mutex<Ledger>,
    /// Something was given back.
    freed: Notify,
}

/// What one body holds, given back when this is dropped.
pub struct Hold {
    inner: Arc<Inner>,
    number: u64,
    granted: usize,
    most: usize,
}

impl Room {
    /// Room for at least one body of `largest` bytes in each project's share.
    pub fn new(env: Arc<dyn Env>, largest: usize) -> Self {
        let share = (WHOLE / SHARES).max(largest);
        let ledger = Ledger { whole: WHOLE.max(share), share, bodies: Vec::new(), numbers: 0 };
        Self { inner: Arc::new(Inner { env, ledger: Mutex::new(ledger), freed: Notify::new() }) }
    }

    /// Memory for the first `bytes` of a body of `project` that may get `most` long, as soon as there is some.
    pub async fn take(&self, project: ProjectId, bytes: usize, most: usize) -> Result<Hold, Problem> {
        let bytes = stepped(bytes, most);
        let number = self.inner.patiently(|ledger| ledger.admit(project, bytes, most)).await?;
        Ok(Hold { inner: self.inner.clone(), number, granted: bytes, most })
    }
}

impl Hold {
    /// Sees to it that `bytes` are held.
    pub async fn grow(&mut self, bytes: usize) -> Result<(), Problem> {
        if bytes <= self.granted {
            return Ok(());
        }
        let bytes = stepped(bytes, self.most);
        self.inner.patiently(|ledger| ledger.grow(self.number, bytes).then_some(())).await?;
        self.granted = bytes;
        Ok(())
    }

    /// The body has `bytes`, and no more will come.
    pub fn settle(&mut self, bytes: usize) {
        self.granted = bytes;
        self.most = bytes;
        self.inner.ledger().settle(self.number, bytes);
        self.inner.freed.notify_waiters();
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.inner.ledger().remove(self.number);
        self.inner.freed.notify_waiters();
    }
}

impl Inner {
    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks again whenever something was given back.
    async fn patiently<T>(&self, mut ask: impl FnMut(&mut Ledger) -> Option<T>) -> Result<T, Problem> {
        let granted = async {
            loop {
                let freed = self.freed.notified();
                // Bound to a name: the lock is not held while this waits.
                let answer = ask(&mut self.ledger());
                match answer {
                    Some(answer) => return answer,
                    None => freed.await,
                }
            }
        };
        tokio::select! {
            biased;
            granted = granted => Ok(granted),
            () = async { self.env.sleep(PATIENCE).await } => Err(no_room()),
        }
    }
}

fn stepped(bytes: usize, most: usize) -> usize {
    bytes.next_multiple_of(STEP).min(most.max(bytes))
}

fn no_room() -> Problem {
    let detail = "The server holds as many large bodies of this project in memory as it may: try again, with fewer at a time or smaller ones.";
    Problem::new(Code::Unavailable, detail)
}

/// Who holds what.
struct Ledger {
    whole: usize,
    share: usize,
    bodies: Vec<Body>,
    numbers: u64,
}

#[derive(Clone, Copy)]
struct Body {
    number: u64,
    project: ProjectId,
    held: usize,
    /// How long it may get.
    most: usize,
}

impl Ledger {
    fn admit(&mut self, project: ProjectId, bytes: usize, most: usize) -> Option<u64> {
        let own = self.bodies.iter().filter(|body| body.project == project).count();
        if self.bodies.len() >= MOST_BODIES || own >= MOST_BODIES / SHARES {
            return None;
        }
        let number = self.numbers;
        self.bodies.push(Body { number, project, held: bytes, most: most.max(bytes) });
        if self.is_safe() {
            self.numbers += 1;
            return Some(number);
        }
        self.bodies.pop();
        None
    }

    fn grow(&mut self, number: u64, bytes: usize) -> bool {
        let Some(at) = self.bodies.iter().position(|body| body.number == number) else { return true };
        let before = self.bodies[at];
        self.bodies[at] = Body { held: bytes, most: before.most.max(bytes), ..before };
        let safe = self.is_safe();
        if !safe {
            self.bodies[at] = before;
        }
        safe
    }

    fn settle(&mut self, number: u64, bytes: usize) {
        if let Some(body) = self.bodies.iter_mut().find(|body| body.number == number) {
            (body.held, body.most) = (bytes, bytes);
        }
    }

    fn remove(&mut self, number: u64) {
        self.bodies.retain(|body| body.number != number);
    }

    /// Whether all bodies can be read whole, in some order, each giving back what it holds before the next needs it.
    fn is_safe(&self) -> bool {
        let held: usize = self.bodies.iter().map(|body| body.held).sum();
        let Some(mut free) = self.whole.checked_sub(held) else { return false };
        let mut shares: Vec<(ProjectId, usize)> = Vec::new();
        for body in &self.bodies {
            let at = place_of(&mut shares, body.project, self.share);
            let Some(left) = shares[at].1.checked_sub(body.held) else { return false };
            shares[at].1 = left;
        }
        let mut unread = self.bodies.clone();
        while !unread.is_empty() {
            let before = unread.len();
            unread.retain(|body| {
                let at = place_of(&mut shares, body.project, self.share);
                let needed = body.most - body.held;
                let fits = needed <= free && needed <= shares[at].1;
                if fits {
                    free += body.held;
                    shares[at].1 += body.held;
                }
                !fits
            });
            if unread.len() == before {
                return false;
            }
        }
        true
    }
}

/// Where a project's share stands, of which all is left unless it stood there before.
fn place_of(shares: &mut Vec<(ProjectId, usize)>, project: ProjectId, share: usize) -> usize {
    shares.iter().position(|(known, _)| *known == project).unwrap_or_else(|| {
        shares.push((project, share));
        shares.len() - 1
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ledger() -> Ledger {
        Ledger { whole: 100, share: 40, bodies: Vec::new(), numbers: 0 }
    }

    fn project(number: u8) -> ProjectId {
        ProjectId::from_bytes([number; 16])
    }

    #[test]
    fn a_project_holds_no_more_than_its_share() {
        let mut ledger = ledger();
        assert!(ledger.admit(project(1), 40, 40).is_some());
        assert!(ledger.admit(project(1), 1, 1).is_none());
        assert!(ledger.admit(project(2), 40, 40).is_some());
        assert!(ledger.admit(project(3), 21, 21).is_none(), "all of it is no more than the whole");
        assert!(ledger.admit(project(3), 20, 20).is_some());
    }

    #[test]
    fn what_is_announced_and_has_not_come_keeps_nobody_out() {
        let mut ledger = ledger();
        for _ in 0..50 {
            assert!(ledger.admit(project(1), 0, 40).is_some());
        }
        assert!(ledger.admit(project(1), 40, 40).is_some());
        assert!(ledger.admit(project(2), 40, 40).is_some());
    }

    #[test]
    fn bodies_never_wait_for_each_other() {
        let mut ledger = ledger();
        let one = ledger.admit(project(1), 10, 40).unwrap();
        let other = ledger.admit(project(1), 0, 40).unwrap();
        assert!(!ledger.grow(other, 5), "then neither could be read whole");
        assert!(ledger.grow(one, 30));
        ledger.settle(one, 25);
        assert!(!ledger.grow(other, 16), "what was read is still in memory");
        ledger.remove(one);
        assert!(ledger.grow(other, 40));
    }

    #[test]
    fn the_number_of_bodies_is_bounded_too() {
        let mut ledger = ledger();
        let admitted = (0..MOST_BODIES).filter(|_| ledger.admit(project(1), 0, 1).is_some()).count();
        assert_eq!(admitted, MOST_BODIES / SHARES);
        assert!(ledger.admit(project(2), 0, 1).is_some());
    }
}
