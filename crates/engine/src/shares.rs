//! The order of sending: permits are shared by project first, then by endpoint, and no host gets too many at once.
//!
//! A permit is held from before an attempt is sent until it is recorded. Turns go round the projects, within a project
//! round the hosts it sends to, and within those round the lanes. A project or host that may not go is passed over with
//! all that stands behind it, so ten thousand lanes that wait for a permit cost others one step. No lane is put aside
//! to be woken later: one that waits stands in its run queue until it gets its turn.
//!
//! An endpoint that has not taken anything for a while, or did not answer in time at its last attempt, is *unproven*.
//! All such endpoints together hold at most half of the permits, and each project at most a share of that half that
//! leaves some for others.

mod pool;
mod slots;

use std::collections::{HashMap, VecDeque};

use model::id::{EndpointId, ProjectId};
use model::map::Map;

use self::pool::Pool;
use self::slots::Slots;

/// One permit in this many is the most that all unproven endpoints together hold.
const UNPROVEN: usize = 2;

/// The recent history of an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It took something recently.
    Proven,
    /// It took nothing for a while, or never did, or did not answer in time at its last attempt.
    Unproven,
}

/// The lanes of one project to one host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Destination(usize);

/// A lane whose turn it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Next {
    pub(crate) lane: EndpointId,
    pub(crate) destination: Destination,
    pub(crate) standing: Standing,
}

/// A lane's claim on a permit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Claim {
    pub(crate) destination: Destination,
    /// Attempts that the lane has in flight already.
    pub(crate) in_flight: usize,
    pub(crate) standing: Standing,
}

/// A permit, and the claim by which it counts against shares.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Permit {
    claim: Claim,
    project: usize,
}

impl Permit {
    pub(crate) fn is_unproven(&self) -> bool {
        self.claim.standing == Standing::Unproven
    }
}

#[derive(Debug)]
pub(crate) struct Shares {
    permits: Pool,
    /// The part of the permits that unproven endpoints may hold.
    unproven: Pool,
    per_host: usize,
    projects: Slots<Project>,
    destinations: Slots<Lanes>,
    hosts: Slots<Host>,
    by_project: Map<ProjectId, usize>,
    by_origin: HashMap<Box<str>, usize>,
    by_both: Map<(usize, usize), usize>,
    /// Run queue of projects with lanes that may have something to send.
    ring: VecDeque<usize>,
}

#[derive(Debug)]
struct Project {
    id: ProjectId,
    destinations: usize,
    /// Permits held.
    held: usize,
    /// Attempts in flight to unproven endpoints.
    unproven: usize,
    /// Lanes with something in flight.
    busy_lanes: usize,
    /// Run queues of destinations with lanes in line, by the lanes' standing.
    rings: [VecDeque<usize>; 2],
    /// Alternates with each turn: true if unproven lanes were tried first.
    unproven_first: bool,
    in_ring: bool,
}

/// The lanes behind a [`Destination`].
#[derive(Debug)]
struct Lanes {
    project: usize,
    host: usize,
    lanes: usize,
    in_flight: usize,
    /// Lanes in line, by standing.
    lines: [VecDeque<EndpointId>; 2],
    in_ring: [bool; 2],
}

#[derive(Debug)]
struct Host {
    origin: Box<str>,
    destinations: usize,
    /// Attempts in flight, which its destinations share.
    attempts: Pool,
}

impl Shares {
    pub(crate) fn new(permits: usize, per_host: usize) -> Self {
        Self {
            permits: Pool::new(permits),
            unproven: Pool::new(permits / UNPROVEN),
            per_host,
            projects: Slots::default(),
            destinations: Slots::default(),
            hosts: Slots::default(),
            by_project: Map::default(),
            by_origin: HashMap::new(),
            by_both: Map::default(),
            ring: VecDeque::new(),
        }
    }

    /// A lane of `project` sends to `origin` from now on, until it [leaves](Self::leave).
    pub(crate) fn join(&mut self, project: ProjectId, origin: &str) -> Destination {
        let project = self.project(project);
        let host = self.host(origin);
        let at = match self.by_both.get(&(project, host)) {
            Some(at) => *at,
            None => {
                let at = self.destinations.put(Lanes {
                    project,
                    host,
                    lanes: 0,
                    in_flight: 0,
                    lines: Default::default(),
                    in_ring: [false; 2],
                });
                self.by_both.insert((project, host), at);
                self.projects[project].destinations += 1;
                self.hosts[host].destinations += 1;
                at
            }
        };
        self.destinations[at].lanes += 1;
        Destination(at)
    }

    /// Removes a lane. Its attempts may still be in flight.
    pub(crate) fn leave(&mut self, Destination(at): Destination) {
        self.destinations[at].lanes -= 1;
        self.forget_destination(at);
    }

    fn project(&mut self, id: ProjectId) -> usize {
        *self.by_project.entry(id).or_insert_with(|| {
            self.projects.put(Project {
                id,
                destinations: 0,
                held: 0,
                unproven: 0,
                busy_lanes: 0,
                rings: Default::default(),
                unproven_first: false,
                in_ring: false,
            })
        })
    }

    fn host(&mut self, origin: &str) -> usize {
        if let Some(at) = self.by_origin.get(origin) {
            return *at;
        }
        let host = Host { origin: origin.into(), destinations: 0, attempts: Pool::new(self.per_host) };
        let at = self.hosts.put(host);
        self.by_origin.insert(origin.into(), at);
        at
    }

    /// True if no lane is in line.
    pub(crate) fn is_empty(&self) -> bool {
        self.ring.is_empty()
    }

    /// Puts a lane in line.
    pub(crate) fn stand(&mut self, Destination(at): Destination, lane: EndpointId, standing: Standing) {
        let kind = standing as usize;
        let lanes = &mut self.destinations[at];
        lanes.lines[kind].push_back(lane);
        let project = &mut self.projects[lanes.project];
        if !std::mem::replace(&mut lanes.in_ring[kind], true) {
            project.rings[kind].push_back(at);
        }
        if !std::mem::replace(&mut project.in_ring, true) {
            self.ring.push_back(lanes.project);
        }
    }

    /// Takes the lane that may send next out of the line. `None` if none may.
    pub(crate) fn next(&mut self) -> Option<Next> {
        let mut passed_over = 0;
        while passed_over < self.ring.len() && self.permits.any_left() {
            let at = self.ring.pop_front()?;
            let next = self.next_of(at);
            let project = &mut self.projects[at];
            if project.rings.iter().all(VecDeque::is_empty) {
                project.in_ring = false;
                self.forget_project(at);
            } else {
                self.ring.push_back(at);
                passed_over += 1;
            }
            if next.is_some() {
                return next;
            }
        }
        None
    }

    /// The project's next lane. Proven and unproven ones alternate.
    fn next_of(&mut self, at: usize) -> Option<Next> {
        let project = &mut self.projects[at];
        if !self.permits.grants(project.held) {
            return None;
        }
        let unproven_may_go = self.unproven.grants_a_share(project.unproven);
        project.unproven_first = !project.unproven_first;
        let order = match project.unproven_first {
            true => [Standing::Unproven, Standing::Proven],
            false => [Standing::Proven, Standing::Unproven],
        };
        let mut may_go = order.into_iter().filter(|standing| *standing == Standing::Proven || unproven_may_go);
        may_go.find_map(|standing| self.next_in(at, standing))
    }

    fn next_in(&mut self, project: usize, standing: Standing) -> Option<Next> {
        let kind = standing as usize;
        for _ in 0..self.projects[project].rings[kind].len() {
            let at = self.projects[project].rings[kind].pop_front()?;
            let lanes = &mut self.destinations[at];
            let may_go = self.hosts[lanes.host].attempts.grants(lanes.in_flight);
            let lane = if may_go { lanes.lines[kind].pop_front() } else { None };
            if lanes.lines[kind].is_empty() {
                lanes.in_ring[kind] = false;
                self.forget_destination(at);
            } else {
                self.projects[project].rings[kind].push_back(at);
            }
            if let Some(lane) = lane {
                return Some(Next { lane, destination: Destination(at), standing });
            }
        }
        None
    }

    /// Takes a permit for a lane whose turn it is, unless the lane has its share of its project's.
    pub(crate) fn take(&mut self, claim: Claim) -> Option<Permit> {
        let Destination(at) = claim.destination;
        let lanes = &mut self.destinations[at];
        let project = &mut self.projects[lanes.project];
        if !self.permits.is_ample() {
            let share = self.permits.share(project.held) / (project.busy_lanes + 1);
            if claim.in_flight >= share.max(1) {
                return None;
            }
        }
        self.permits.take(project.held);
        project.held += 1;
        project.busy_lanes += usize::from(claim.in_flight == 0);
        if claim.standing == Standing::Unproven {
            self.unproven.take(project.unproven);
            project.unproven += 1;
        }
        self.hosts[lanes.host].attempts.take(lanes.in_flight);
        lanes.in_flight += 1;
        Some(Permit { claim, project: lanes.project })
    }

    /// The endpoint has answered, or been given up on: the lane's turn is over, the record is still to come.
    pub(crate) fn answered(&mut self, permit: &Permit, left_in_flight: usize) {
        let Destination(at) = permit.claim.destination;
        let project = &mut self.projects[permit.project];
        project.busy_lanes -= usize::from(left_in_flight == 0);
        if permit.is_unproven() {
            project.unproven -= 1;
            self.unproven.give_back(project.unproven);
        }
        let lanes = &mut self.destinations[at];
        lanes.in_flight -= 1;
        self.hosts[lanes.host].attempts.give_back(lanes.in_flight);
        self.forget_destination(at);
    }

    /// The record is on disk. Comes after [`answered`](Self::answered).
    pub(crate) fn give_back(&mut self, permit: &Permit) {
        let project = &mut self.projects[permit.project];
        project.held -= 1;
        self.permits.give_back(project.held);
        self.forget_project(permit.project);
    }

    /// Undoes a [`take`](Self::take) that came to nothing.
    pub(crate) fn put_back(&mut self, permit: &Permit) {
        self.answered(permit, permit.claim.in_flight);
        self.give_back(permit);
    }

    /// True if permits, or attempts to its host, are so scarce that others may soon wait.
    pub(crate) fn is_tight(&self, Destination(at): Destination) -> bool {
        !self.permits.is_ample() || !self.hosts[self.destinations[at].host].attempts.is_ample()
    }

    fn forget_destination(&mut self, at: usize) {
        let lanes = &self.destinations[at];
        if lanes.lanes > 0 || lanes.in_flight > 0 || lanes.in_ring != [false; 2] {
            return;
        }
        let (project, host) = (lanes.project, lanes.host);
        self.destinations.take(at);
        self.by_both.remove(&(project, host));
        self.hosts[host].destinations -= 1;
        if self.hosts[host].destinations == 0
            && let Some(host) = self.hosts.take(host)
        {
            self.by_origin.remove(&host.origin);
        }
        self.projects[project].destinations -= 1;
        self.forget_project(project);
    }

    fn forget_project(&mut self, at: usize) {
        let project = &self.projects[at];
        if project.destinations == 0
            && project.held == 0
            && !project.in_ring
            && let Some(project) = self.projects.take(at)
        {
            self.by_project.remove(&project.id);
        }
    }
}

#[cfg(test)]
mod tests;
