//! Load: connections that POST events, as fast as they are accepted or by a timetable.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hyper::StatusCode;
use tokio::task::JoinSet;

use crate::event::Template;
use crate::id::Id;
use crate::poster::Poster;
use crate::{BenchError, clock, thread};

/// Maximum time that requests under way may take after the end.
const GRACE: Duration = Duration::from_secs(30);

/// Maximum time for a load that ends with a number of events.
const LONGEST: Duration = Duration::from_secs(3600);

/// The moment at which a connection sends its next event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LoadModel {
    /// Once the last was answered.
    Closed,
    /// At its time: all connections together send this many a second, whatever the server does.
    Open { per_second: u32 },
}

impl LoadModel {
    /// The rate of an open loop.
    pub(crate) fn per_second(self) -> Option<u32> {
        match self {
            Self::Closed => None,
            Self::Open { per_second } => Some(per_second),
        }
    }
}

/// The end of a load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Until {
    After(Duration),
    /// This many were sent.
    Events(u64),
}

#[derive(Clone)]
pub(crate) struct Plan {
    /// The nodes. Connections take turns with them.
    pub(crate) addresses: Vec<SocketAddr>,
    pub(crate) key: String,
    /// Beginning of the types of the events, and the number of kinds. Events take turns with them.
    pub(crate) family: &'static str,
    pub(crate) kinds: u32,
    pub(crate) pace: LoadModel,
    pub(crate) connections: u32,
    /// Events in one request; sent singly, if there is none.
    pub(crate) batch: Option<u32>,
    pub(crate) event_bytes: u32,
    pub(crate) until: Until,
}

/// An event that was accepted.
#[derive(Clone, Copy)]
pub(crate) struct Accepted {
    pub(crate) id: Id,
    pub(crate) kind: u32,
    pub(crate) sent: Instant,
    pub(crate) answered: Instant,
}

/// The result of a load.
pub(crate) struct Load {
    pub(crate) accepted: Vec<Accepted>,
    pub(crate) refused: u64,
    pub(crate) first_refusal: Option<String>,
    pub(crate) began: Instant,
    /// The last answer.
    pub(crate) ended: Instant,
    /// Processor time of the load generator itself.
    pub(crate) processor_time: Duration,
}

/// The work of one connection.
struct Worker {
    plan: Arc<Plan>,
    template: Template,
    numbers: Arc<AtomicU64>,
    began: Instant,
    index: u32,
    sent: u32,
    load: Load,
}

/// POSTs events for the planned time, on a thread of its own.
pub(crate) fn run(plan: Plan) -> Result<Load, BenchError> {
    let (mut load, processor_time) = thread::alone("load", all_connections(Arc::new(plan)))?;
    load.processor_time = processor_time;
    Ok(load)
}

async fn all_connections(plan: Arc<Plan>) -> Result<Load, BenchError> {
    let began = clock::now();
    let numbers = Arc::new(AtomicU64::new(0));
    let mut workers = JoinSet::new();
    for index in 0..plan.connections {
        let address = plan.addresses[index as usize % plan.addresses.len()];
        let path = if plan.batch.is_some() { "/v1/events/batch" } else { "/v1/events" };
        let worker = Worker {
            plan: plan.clone(),
            template: Template::posted(plan.family, plan.event_bytes),
            numbers: numbers.clone(),
            began,
            index,
            sent: 0,
            load: Load::starting(began),
        };
        workers.spawn(async move {
            let poster = Poster::connect(address, path, &worker.plan.key).await?;
            worker.work(poster).await
        });
    }
    let gather = async {
        let mut all = Load::starting(began);
        while let Some(done) = workers.join_next().await {
            all.add(done??);
        }
        Ok::<_, BenchError>(all)
    };
    let limit = match plan.until {
        Until::After(duration) => duration + GRACE,
        Until::Events(_) => LONGEST,
    };
    clock::within(limit, gather).await.unwrap_or_else(|| Err("a request was not answered in time".into()))
}

impl Worker {
    async fn work(mut self, mut poster: Poster) -> Result<Load, BenchError> {
        while let Some(sent) = self.next_turn().await {
            let Some((start, count)) = self.next_numbers() else { break };
            let kinds = u64::from(self.plan.kinds);
            let events = (0..count).map(|place| {
                let number = start + place as u64;
                ((number % kinds) as u32, number)
            });
            let (body, wanted) = match self.plan.batch {
                None => (self.template.one(events.clone()), StatusCode::ACCEPTED),
                Some(_) => (self.template.list(events.clone()), StatusCode::OK),
            };
            let (status, answer) = poster.post(&body).await?;
            self.load.ended = clock::now();
            if status == wanted {
                self.load.taken(sent, events.map(|(kind, _)| kind), answer)?;
            } else {
                self.load.refused(status, events.len(), answer);
            }
        }
        Ok(self.load)
    }

    /// The first number of its next request's events, and their count. `None` when all were sent.
    fn next_numbers(&self) -> Option<(u64, usize)> {
        let count = self.plan.batch.unwrap_or(1).into();
        let start = self.numbers.fetch_add(count, Ordering::Relaxed);
        match self.plan.until {
            Until::Events(all) if start >= all => None,
            Until::Events(all) => Some((start, count.min(all - start) as usize)),
            Until::After(_) => Some((start, count as usize)),
        }
    }

    /// Waits until the next event is to be sent, and returns the moment from which its latency counts. In an open loop
    /// whose connection was still busy when the event was due, that is when it was due: a server that is slow cannot
    /// hide it by slowing down the load. `None` when the time is over.
    async fn next_turn(&mut self) -> Option<Instant> {
        let elapsed = match self.plan.pace {
            LoadModel::Closed => self.began.elapsed(),
            LoadModel::Open { per_second } => {
                let place = self.index + self.sent * self.plan.connections;
                Duration::from_secs_f64(f64::from(place) / f64::from(per_second))
            }
        };
        if matches!(self.plan.until, Until::After(duration) if elapsed >= duration) {
            return None;
        }
        self.sent += 1;
        let due = self.began + elapsed;
        let now = clock::now();
        if self.plan.pace == LoadModel::Closed || now >= due {
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

    /// Notes the accepted events of a request: all were accepted, or something is wrong that no figure may hide.
    fn taken(
        &mut self,
        sent: Instant,
        kinds: impl ExactSizeIterator<Item = u32>,
        answer: &[u8],
    ) -> Result<(), BenchError> {
        let (before, count, answered) = (self.accepted.len(), kinds.len(), self.ended);
        let events = kinds.zip(Id::all_in(answer)).map(|(kind, id)| Accepted { id, kind, sent, answered });
        self.accepted.extend(events);
        if self.accepted.len() - before != count {
            return Err(format!("{count} events, but not as many ids: {}", String::from_utf8_lossy(answer)).into());
        }
        Ok(())
    }

    fn refused(&mut self, status: StatusCode, events: usize, answer: &[u8]) {
        self.refused += events as u64;
        self.first_refusal.get_or_insert_with(|| format!("{status} {}", String::from_utf8_lossy(answer)));
    }

    fn add(&mut self, other: Self) {
        self.accepted.extend(other.accepted);
        self.refused += other.refused;
        self.first_refusal = self.first_refusal.take().or(other.first_refusal);
        self.ended = self.ended.max(other.ended);
    }
}
