//! Threads for processor-bound work: what takes the processor for longer than a request's turn on the runtime may last.
//!
//! Projects take turns for them, and one project holds half of them at most. They run at a lower priority than the
//! runtime, whose requests and deliveries go first where the processor is short.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use model::id::ProjectId;
use store::priority;
use tokio::sync::oneshot;

use crate::problem::{Code, Problem};

/// Threads at least, so that one project's work never has all of them, and at most.
const FEWEST: usize = 2;
const MOST: usize = 8;

/// Pieces of work of one project that wait for a thread. Further ones are refused.
const MOST_WAITING: usize = 1024;

type Job = Box<dyn FnOnce() + Send>;

/// The threads. When it is dropped they end with what they are at.
pub struct Workers {
    shared: Arc<Shared>,
}

struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
}

/// Work that waits, a line for each project. The line at the front is next.
#[derive(Default)]
struct Queue {
    lines: VecDeque<(ProjectId, VecDeque<Job>)>,
    /// Whose work is under way, once for each thread that does it.
    running: Vec<ProjectId>,
    /// Threads that one project may hold.
    share: usize,
    closed: bool,
}

impl Workers {
    pub fn start() -> Self {
        let threads = thread::available_parallelism().map_or(FEWEST, |cores| cores.get().clamp(FEWEST, MOST));
        let queue = Mutex::new(Queue { share: threads / 2, ..Queue::default() });
        let shared = Arc::new(Shared { queue, changed: Condvar::new() });
        for number in 0..threads {
            let shared = shared.clone();
            let named = thread::Builder::new().name(format!("worker-{number}"));
            named.spawn(move || shared.work()).expect("the process may have a few threads");
        }
        Self { shared }
    }

    /// Does `work` of `project` as soon as it is its turn. Nobody waits for it any more: then it is not done.
    pub async fn run<T, F>(&self, project: ProjectId, work: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: FnOnce() -> Result<T, Problem> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let job = move || {
            if !answer.is_closed() {
                // Nobody may be there any more to be told.
                let _ = answer.send(catch_unwind(AssertUnwindSafe(work)));
            }
        };
        if !self.shared.queue().add(project, Box::new(job)) {
            return Err(busy());
        }
        self.shared.changed.notify_one();
        match answered.await {
            Ok(Ok(done)) => done,
            Ok(Err(panic)) => resume_unwind(panic),
            Err(_) => Err(busy()),
        }
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.shared.queue().closed = true;
        self.shared.changed.notify_all();
    }
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        priority::stand_back();
        let mut queue = self.queue();
        while !queue.closed {
            let Some((project, job)) = queue.next() else {
                queue = self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            drop(queue);
            job();
            queue = self.queue();
            queue.done(project);
            // What this project may do now another thread may be waiting for.
            self.changed.notify_one();
        }
    }
}

impl Queue {
    fn add(&mut self, project: ProjectId, job: Job) -> bool {
        match self.lines.iter_mut().find(|(owner, _)| *owner == project) {
            Some((_, line)) if line.len() >= MOST_WAITING => return false,
            Some((_, line)) => line.push_back(job),
            None => self.lines.push_back((project, VecDeque::from([job]))),
        }
        true
    }

    /// The next piece of work of the first project that may hold another thread, which then stands last.
    fn next(&mut self) -> Option<(ProjectId, Job)> {
        let held = |project| self.running.iter().filter(|running| **running == project).count();
        let at = self.lines.iter().position(|(project, _)| held(*project) < self.share)?;
        let (project, mut line) = self.lines.remove(at)?;
        let job = line.pop_front()?;
        if !line.is_empty() {
            self.lines.push_back((project, line));
        }
        self.running.push(project);
        Some((project, job))
    }

    fn done(&mut self, project: ProjectId) {
        if let Some(at) = self.running.iter().position(|running| *running == project) {
            self.running.swap_remove(at);
        }
    }
}

fn busy() -> Problem {
    let detail =
        "The server has as much work for this project as it takes on: try again, with fewer requests at a time.";
    Problem::new(Code::Unavailable, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(number: u8) -> ProjectId {
        ProjectId::from_bytes([number; 16])
    }

    fn order(queue: &mut Queue) -> Vec<ProjectId> {
        std::iter::from_fn(|| queue.next().map(|(project, _)| project)).collect()
    }

    #[test]
    fn projects_take_turns_and_none_has_more_than_its_share() {
        let mut queue = Queue { share: 2, ..Queue::default() };
        for number in [1, 1, 1, 1, 2, 3] {
            assert!(queue.add(project(number), Box::new(|| {})));
        }
        assert_eq!(order(&mut queue), [1, 2, 3, 1].map(project));
        queue.done(project(2));
        assert_eq!(order(&mut queue), [], "the first has its share under way");
        queue.done(project(1));
        assert_eq!(order(&mut queue), [project(1)]);
    }

    #[test]
    fn what_waits_is_bounded_by_project() {
        let mut queue = Queue { share: 1, ..Queue::default() };
        assert!((0..MOST_WAITING).all(|_| queue.add(project(1), Box::new(|| {}))));
        assert!(!queue.add(project(1), Box::new(|| {})));
        assert!(queue.add(project(2), Box::new(|| {})));
    }

    #[tokio::test]
    async fn a_panic_is_its_callers_and_the_thread_goes_on() {
        let workers = Workers::start();
        for _ in 0..MOST {
            let panicked = AssertUnwindSafe(workers.run::<(), _>(project(1), || panic!("on purpose")));
            assert!(futures_util::FutureExt::catch_unwind(panicked).await.is_err());
        }
        assert_eq!(workers.run(project(1), || Ok(7)).await.unwrap(), 7);
    }
}
