//! Shares of readers and answers by project: no project that searches keeps others from it.
//!
//! Each project may hold a part of the whole, and a bounded number of its requests may wait for more. Projects take
//! turns, so one that asks once waits for one search and not for the hundred that came before.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use model::id::ProjectId;
use tokio::sync::oneshot;

use crate::Error;
use crate::clock;

/// Maximum requests of a project that wait for a share. Later ones are refused with [`Error::Busy`].
pub const WAITING: usize = 64;

/// Maximum wait for a share.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// A bounded amount of something that projects share.
#[derive(Clone)]
pub struct Shares {
    state: Arc<Mutex<State>>,
}

struct State {
    free: usize,
    /// Maximum that one project may hold.
    most: usize,
    held: HashMap<ProjectId, usize>,
    waiting: HashMap<ProjectId, VecDeque<Waiting>>,
    /// Projects that wait, in the order of their turns.
    turns: VecDeque<ProjectId>,
}

struct Waiting {
    wanted: usize,
    granted: oneshot::Sender<Share>,
}

/// The amount that a project holds until this is dropped.
pub struct Share {
    state: Arc<Mutex<State>>,
    project: ProjectId,
    amount: usize,
}

impl Shares {
    /// Shares of `total`, of which a project may hold `most`.
    pub fn new(total: usize, most: usize) -> Self {
        let state = State {
            free: total,
            most: most.clamp(1, total),
            held: HashMap::new(),
            waiting: HashMap::new(),
            turns: VecDeque::new(),
        };
        Self { state: Arc::new(Mutex::new(state)) }
    }

    /// Waits for the project's turn. A request for more than a project may hold gets all of that.
    ///
    /// # Errors
    /// [`Error::Busy`] if too many requests of the project wait already, or the wait took too long.
    pub async fn take(&self, project: ProjectId, wanted: usize) -> Result<Share, Error> {
        let turn = {
            let mut state = lock(&self.state);
            let wanted = wanted.min(state.most);
            if state.is_first(project) && state.may_have(project, wanted) {
                state.give(project, wanted);
                return Ok(Share { state: self.state.clone(), project, amount: wanted });
            }
            state.queue(project, wanted).ok_or(Error::Busy)?
        };
        match clock::within(PATIENCE, turn).await {
            Some(Ok(share)) => Ok(share),
            Some(Err(_)) | None => Err(Error::Busy),
        }
    }
}

impl State {
    /// True if no request of the project waits.
    fn is_first(&self, project: ProjectId) -> bool {
        !self.waiting.contains_key(&project)
    }

    fn may_have(&self, project: ProjectId, wanted: usize) -> bool {
        let held = self.held.get(&project).copied().unwrap_or(0);
        wanted <= self.free && held + wanted <= self.most
    }

    fn give(&mut self, project: ProjectId, amount: usize) {
        self.free -= amount;
        *self.held.entry(project).or_default() += amount;
    }

    fn queue(&mut self, project: ProjectId, wanted: usize) -> Option<oneshot::Receiver<Share>> {
        let waiting = self.waiting.entry(project).or_default();
        waiting.retain(|one| !one.granted.is_closed());
        if waiting.len() >= WAITING {
            return None;
        }
        let (granted, turn) = oneshot::channel();
        waiting.push_back(Waiting { wanted, granted });
        if !self.turns.contains(&project) {
            self.turns.push_back(project);
        }
        Some(turn)
    }

    /// Grants what can be granted, one request of each project in turn. A large request is not passed by for ever: what
    /// is free stays free for the project whose turn it is, unless that one holds its maximum.
    fn grant(&mut self) -> Vec<(ProjectId, Waiting)> {
        let (mut granted, mut passed) = (Vec::new(), 0);
        while passed < self.turns.len()
            && let Some(project) = self.turns.pop_front()
        {
            let Some(waiting) = self.waiting.get_mut(&project) else { continue };
            waiting.retain(|one| !one.granted.is_closed());
            let Some(wanted) = waiting.front().map(|first| first.wanted) else {
                self.waiting.remove(&project);
                continue;
            };
            if !self.may_have(project, wanted) {
                let holds_its_most = self.held.get(&project).is_some_and(|held| held + wanted > self.most);
                if !holds_its_most {
                    self.turns.push_front(project);
                    return granted;
                }
                self.turns.push_back(project);
                passed += 1;
                continue;
            }
            let first = self.waiting.get_mut(&project).and_then(VecDeque::pop_front);
            self.give(project, wanted);
            granted.extend(first.map(|first| (project, first)));
            if self.waiting.get(&project).is_some_and(VecDeque::is_empty) {
                self.waiting.remove(&project);
            } else {
                self.turns.push_back(project);
            }
            passed = 0;
        }
        granted
    }

    fn put_back(&mut self, project: ProjectId, amount: usize) {
        self.free += amount;
        if let Some(held) = self.held.get_mut(&project) {
            *held -= amount;
            if *held == 0 {
                self.held.remove(&project);
            }
        }
    }
}

impl Share {
    /// Keeps `amount` and gives back the rest.
    pub fn shrink_to(&mut self, amount: usize) {
        let rest = self.amount.saturating_sub(amount);
        self.amount -= rest;
        give_back(&self.state, self.project, rest);
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        give_back(&self.state, self.project, self.amount);
    }
}

fn give_back(state: &Arc<Mutex<State>>, project: ProjectId, amount: usize) {
    if amount == 0 {
        return;
    }
    let granted = {
        let mut state = lock(state);
        state.put_back(project, amount);
        state.grant()
    };
    for (project, waiting) in granted {
        let share = Share { state: state.clone(), project, amount: waiting.wanted };
        // A caller that left meanwhile drops it, and the next is served.
        drop(waiting.granted.send(share));
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::Pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    type Taking<'a> = Pin<Box<dyn Future<Output = Result<Share, Error>> + 'a>>;

    fn project(number: u8) -> ProjectId {
        ProjectId::from_bytes([number; 16])
    }

    fn taking(shares: &Shares, number: u8, wanted: usize) -> Taking<'_> {
        Box::pin(tokio::task::unconstrained(shares.take(project(number), wanted)))
    }

    fn poll(taking: &mut Taking<'_>) -> Option<Result<Share, Error>> {
        match taking.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(share) => Some(share),
            Poll::Pending => None,
        }
    }

    #[tokio::test]
    async fn a_project_holds_its_most_and_another_is_served_at_once() {
        let shares = Shares::new(4, 2);
        let mut greedy: Vec<_> = (0..3).map(|_| taking(&shares, 1, 1)).collect();
        let held: Vec<_> = greedy.iter_mut().filter_map(poll).collect();
        assert_eq!(held.len(), 2);
        assert!(poll(&mut taking(&shares, 2, 1)).is_some_and(|share| share.is_ok()));
        assert!(poll(&mut greedy[2]).is_none());
        drop(held);
        assert!(poll(&mut greedy[2]).is_some());
    }

    #[tokio::test]
    async fn who_waits_is_served_by_turns_of_projects() {
        let shares = Shares::new(2, 1);
        let held = [poll(&mut taking(&shares, 8, 1)), poll(&mut taking(&shares, 9, 1))];
        let mut many: Vec<_> = (0..10).map(|_| taking(&shares, 1, 1)).collect();
        assert!(many.iter_mut().all(|one| poll(one).is_none()));
        let mut once = taking(&shares, 2, 1);
        assert!(poll(&mut once).is_none());
        drop(held);
        assert!(poll(&mut once).is_some_and(|share| share.is_ok()), "it is the second project's turn");
        assert!(poll(&mut many[0]).is_some_and(|share| share.is_ok()));
    }

    #[tokio::test]
    async fn too_many_that_wait_are_told_to_come_back_and_who_leaves_makes_room() {
        let shares = Shares::new(2, 1);
        let _held = poll(&mut taking(&shares, 1, 1));
        let mut waiting: Vec<_> = (0..WAITING).map(|_| taking(&shares, 1, 1)).collect();
        assert!(waiting.iter_mut().all(|one| poll(one).is_none()));
        assert!(matches!(poll(&mut taking(&shares, 1, 1)), Some(Err(Error::Busy))));
        waiting.pop();
        assert!(poll(&mut taking(&shares, 1, 1)).is_none());
    }

    #[tokio::test]
    async fn who_wants_much_is_not_passed_by_for_ever() {
        let shares = Shares::new(10, 8);
        let held = poll(&mut taking(&shares, 1, 4));
        let mut large = taking(&shares, 2, 8);
        assert!(poll(&mut large).is_none());
        drop(held);
        let mut share = poll(&mut large).unwrap().unwrap();
        share.shrink_to(1);
        assert!(poll(&mut taking(&shares, 3, 8)).is_some_and(|share| share.is_ok()));
    }
}
