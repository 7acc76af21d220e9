//! Load: connections that POST events, as fast as they are accepted or by a timetable.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hyper::StatusCode;
use tokio::task::JoinSet;

use crate::connection::{self, Connection, Head};
use crate::event::Template;
use crate::id::Id;
use crate::{Failure, clock, thread};

/// Requests under way at the end of the time may take so much longer.
const GRACE: Duration = Duration::from_secs(30);

/// When a connection sends its next event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// When the last was answered.
    Closed,
    /// When it is due: all connections together send so many a second, whatever the server does.
    Open { per_second: u32 },
}

impl Pace {
    /// Of an open loop.
    pub(crate) fn per_second(self) -> Option<u32> {
        match self {
            Self::Closed => None,
            Self::Open { per_second } => Some(per_second),
        }
    }
}

#[derive(Clone)]
pub(crate) struct Plan {
    pub(crate) address: SocketAddr,
    pub(crate) key: String,
    pub(crate) pace: Pace,
    pub(crate) connections: u32,
    pub(crate) event_bytes: u32,
    pub(crate) duration: Duration,
}

/// An event that was answered with `202`.
#[derive(Clone, Copy)]
pub(crate) struct Accepted {
    pub(crate) id: Id,
    pub(crate) sent: Instant,
    pub(crate) answered: Instant,
}

/// What came of it.
pub(crate) struct Load {
    pub(crate) accepted: Vec<Accepted>,
    pub(crate) refused: u64,
    pub(crate) first_refusal: Option<String>,
    pub(crate) began: Instant,
    /// The last answer.
    pub(crate) ended: Instant,
    /// Of the load generator itself.
    pub(crate) processor_time: Duration,
}

/// What one connection has to do.
struct Worker {
    plan: Arc<Plan>,
    head: Head,
    template: Template,
    numbers: Arc<AtomicU64>,
    began: Instant,
    index: u32,
    sent: u32,
    load: Load,
}

/// POSTs events for the planned time, on a thread of its own.
pub(crate) fn run(plan: Plan) -> Result<Load, Failure> {
    let (mut load, processor_time) = thread::alone("load", all_connections(Arc::new(plan)))?;
    load.processor_time = processor_time;
    Ok(load)
}

async fn all_connections(plan: Arc<Plan>) -> Result<Load, Failure> {
    let began = clock::now();
    let numbers = Arc::new(AtomicU64::new(0));
    let mut workers = JoinSet::new();
    for index in 0..plan.connections {
        let worker = Worker {
            plan: plan.clone(),
            head: Head::new(plan.address, "/v1/events")?.authorized(&plan.key)?,
            template: Template::posted(plan.event_bytes),
            numbers: numbers.clone(),
            began,
            index,
            sent: 0,
            load: Load::starting(began),
        };
        workers.spawn(connection::with(plan.address, |connection| worker.work(connection)));
    }
    let gather = async {
        let mut all = Load::starting(began);
        while let Some(done) = workers.join_next().await {
            all.add(done??);
        }
        Ok::<_, Failure>(all)
    };
    match clock::within(plan.duration + GRACE, gather).await {
        Some(done) => done,
        None => Err(format!("a request was not answered within {} s", GRACE.as_secs()).into()),
    }
}

impl Worker {
    async fn work(mut self, mut connection: Connection) -> Result<Load, Failure> {
        while let Some(sent) = self.next_turn().await {
            let number = self.numbers.fetch_add(1, Ordering::Relaxed);
            let status = connection.exchange(self.head.with_body(self.template.numbered(number))).await?;
            self.load.answered(sent, status, connection.body())?;
        }
        Ok(self.load)
    }

    /// Waits until the next event is to be sent, and answers the moment from which its latency counts. In an open loop
    /// whose connection was still busy when the event was due, that is when it was due: a server that is slow cannot
    /// hide it by slowing down the load. `None` when the time is over.
    async fn next_turn(&mut self) -> Option<Instant> {
        let elapsed = match self.plan.pace {
            Pace::Closed => self.began.elapsed(),
            Pace::Open { per_second } => {
                let place = self.index + self.sent * self.plan.connections;
                Duration::from_secs_f64(f64::from(place) / f64::from(per_second))
            }
        };
        if elapsed >= self.plan.duration {
            return None;
        }
        self.sent += 1;
        let due = self.began + elapsed;
        let now = clock::now();
        if self.plan.pace == Pace::Closed || now >= due {
            return Some(due);
        }
        clock::until(due).await;
        Some(clock::now())
    }
}

impl Load {
    fn starting(began: Instant) -> Self {
        let none = Duration::ZERO;
        Self { accepted: Vec::new(), refused: 0, first_refusal: None, began, ended: began, processor_time: none }
    }

    fn answered(&mut self, sent: Instant, status: StatusCode, body: &[u8]) -> Result<(), Failure> {
        self.ended = clock::now();
        if status == StatusCode::ACCEPTED {
            let id =
                Id::find_in(body).ok_or_else(|| format!("202 without an id: {}", String::from_utf8_lossy(body)))?;
            self.accepted.push(Accepted { id, sent, answered: self.ended });
            return Ok(());
        }
        self.refused += 1;
        self.first_refusal.get_or_insert_with(|| format!("{status} {}", String::from_utf8_lossy(body)));
        Ok(())
    }

    fn add(&mut self, other: Self) {
        self.accepted.extend(other.accepted);
        self.refused += other.refused;
        self.first_refusal = self.first_refusal.take().or(other.first_refusal);
        self.ended = self.ended.max(other.ended);
    }
}
