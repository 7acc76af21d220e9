//! Turns where there are not enough permits for all.

use super::*;

const SMALL: u8 = 1;
const LARGE: u8 = 2;
const EVERYWHERE: usize = 10_000;

fn project(number: u8) -> ProjectId {
    ProjectId::from_bytes([number; 16])
}

fn lane(project: u8, number: usize) -> EndpointId {
    let mut bytes = [project; 16];
    bytes[8..].copy_from_slice(&(number as u64).to_be_bytes());
    EndpointId::from_bytes(bytes)
}

/// Lanes that always have more to send, and what they have in flight.
struct Crowd {
    shares: Shares,
    members: Map<EndpointId, Member>,
}

struct Member {
    project: u8,
    destination: Destination,
    standing: Standing,
    permits: Vec<Permit>,
    most: usize,
}

impl Crowd {
    fn new(permits: usize, per_host: usize) -> Self {
        Self { shares: Shares::new(permits, per_host), members: Map::default() }
    }

    /// `count` lanes of `project`, the n-th to the host that `host` says, each with at most `most` in flight.
    fn come(&mut self, from: u8, count: usize, standing: Standing, most: usize, host: impl Fn(usize) -> String) {
        for number in 0..count {
            let destination = self.shares.join(project(from), &host(number));
            let id = lane(from, number);
            self.members.insert(id, Member { project: from, destination, standing, permits: Vec::new(), most });
            self.shares.stand(destination, id, standing);
        }
    }

    /// Gives turns until no lane may go. Returns their number.
    fn go_round(&mut self) -> usize {
        let mut turns = 0;
        while let Some(next) = self.shares.next() {
            turns += 1;
            let member = self.members.get_mut(&next.lane).unwrap();
            assert_eq!((next.destination, next.standing), (member.destination, member.standing));
            let in_flight = member.permits.len();
            let claim = Claim { destination: next.destination, in_flight, standing: next.standing };
            if in_flight < member.most
                && let Some(permit) = self.shares.take(claim)
            {
                member.permits.push(permit);
                self.shares.stand(next.destination, next.lane, next.standing);
            }
        }
        turns
    }

    /// One attempt of the project has ended, and its lane stands in line again.
    fn end_one(&mut self, of: u8) {
        let found = self.members.iter_mut().find(|(_, member)| member.project == of && !member.permits.is_empty());
        let (id, member) = found.expect("it has something in flight");
        let permit = member.permits.pop().unwrap();
        self.shares.answered(&permit, member.permits.len());
        self.shares.give_back(&permit);
        self.shares.stand(member.destination, *id, member.standing);
    }

    fn in_flight(&self, of: u8) -> usize {
        self.members.values().filter(|member| member.project == of).map(|member| member.permits.len()).sum()
    }
}

fn own_host(number: usize) -> String {
    format!("https://{number}.example")
}

fn one_host(_: usize) -> String {
    "https://hooks.example".to_owned()
}

#[test]
fn ten_thousand_unproven_endpoints_of_one_project_leave_room_for_all_others_and_cost_them_nothing() {
    let mut crowd = Crowd::new(1024, 256);
    crowd.come(LARGE, 10_000, Standing::Unproven, 1, own_host);
    crowd.go_round();
    assert_eq!(crowd.in_flight(LARGE), 224);

    crowd.come(SMALL, 1, Standing::Unproven, 1, own_host);
    assert_eq!(crowd.go_round(), 2, "one sends; and has nothing more to send; nobody else was asked");
    assert_eq!(crowd.in_flight(SMALL), 1);

    crowd.come(3, 100, Standing::Proven, 64, own_host);
    crowd.go_round();
    assert!(crowd.in_flight(3) >= 300, "the other half is for those that answer: {}", crowd.in_flight(3));

    // Each that ends makes room for one that waits.
    for _ in 0..10 {
        crowd.end_one(LARGE);
        crowd.go_round();
        assert_eq!(crowd.in_flight(LARGE), 224);
    }
}

#[test]
fn a_project_alone_has_nearly_all_and_gives_way_to_others_as_its_own_end() {
    let mut crowd = Crowd::new(1024, EVERYWHERE);
    crowd.come(LARGE, 100, Standing::Proven, 64, own_host);
    crowd.go_round();
    assert!((800..=896).contains(&crowd.in_flight(LARGE)), "{}", crowd.in_flight(LARGE));
    crowd.come(SMALL, 1, Standing::Proven, 64, own_host);
    crowd.go_round();
    assert!(crowd.in_flight(SMALL) > 0, "a newcomer always finds one");
    for _ in 0..600 {
        crowd.end_one(LARGE);
        crowd.end_one(SMALL);
        crowd.go_round();
    }
    assert_eq!(crowd.in_flight(SMALL), 64, "as many as its pace allows");
    assert!(crowd.in_flight(LARGE) > 200, "and the other has the rest: {}", crowd.in_flight(LARGE));
}

#[test]
fn one_lane_cannot_take_its_projects_share_from_its_other_lanes() {
    let mut crowd = Crowd::new(100, EVERYWHERE);
    crowd.come(SMALL, 1, Standing::Proven, 100, own_host);
    crowd.go_round();
    let first = crowd.in_flight(SMALL);
    assert!((50..100).contains(&first), "{first}");
    let more = |number| own_host(number + 1);
    crowd.come(LARGE, 2, Standing::Proven, 100, more);
    crowd.go_round();
    assert!(crowd.members[&lane(LARGE, 0)].permits.len().abs_diff(crowd.members[&lane(LARGE, 1)].permits.len()) <= 1);
}

#[test]
fn a_host_gets_so_many_at_once_and_no_project_has_all_of_them() {
    let mut crowd = Crowd::new(1024, 256);
    crowd.come(LARGE, 1_000, Standing::Proven, 64, one_host);
    crowd.go_round();
    let alone = crowd.in_flight(LARGE);
    assert!((200..=256).contains(&alone), "{alone}");

    crowd.come(SMALL, 10, Standing::Proven, 64, one_host);
    crowd.go_round();
    assert!(crowd.in_flight(SMALL) > 0, "others find some");
    crowd.come(3, 1, Standing::Proven, 4, own_host);
    crowd.go_round();
    assert_eq!(crowd.in_flight(3), 4, "another host is another matter");
    for _ in 0..500 {
        crowd.end_one(LARGE);
        crowd.go_round();
        assert!(crowd.in_flight(LARGE) + crowd.in_flight(SMALL) <= 256);
    }
    assert!(crowd.in_flight(SMALL) >= 64, "{}", crowd.in_flight(SMALL));
}

#[test]
fn a_host_that_is_full_does_not_hold_up_its_projects_other_hosts() {
    let mut crowd = Crowd::new(1024, 1);
    crowd.come(SMALL, 10, Standing::Proven, 64, |number| own_host(number % 2));
    crowd.go_round();
    assert_eq!(crowd.in_flight(SMALL), 2, "one for each host");
    crowd.end_one(SMALL);
    crowd.go_round();
    assert_eq!(crowd.in_flight(SMALL), 2, "whoever waited for the host has its turn");
}

#[test]
fn a_permit_is_held_until_the_record_is_there() {
    let mut shares = Shares::new(1, 256);
    let destination = shares.join(project(SMALL), "https://a.example");
    let claim = Claim { destination, in_flight: 0, standing: Standing::Proven };
    shares.stand(destination, lane(SMALL, 0), Standing::Proven);
    assert!(shares.next().is_some());
    let permit = shares.take(claim).unwrap();
    shares.stand(destination, lane(SMALL, 0), Standing::Proven);
    assert_eq!(shares.next(), None);
    shares.answered(&permit, 0);
    assert_eq!(shares.next(), None, "answered is not recorded");
    shares.give_back(&permit);
    assert!(shares.next().is_some());
}

#[test]
fn nothing_is_kept_of_projects_and_hosts_that_are_gone() {
    let mut shares = Shares::new(10, 256);
    let destination = shares.join(project(SMALL), "https://a.example");
    shares.stand(destination, lane(SMALL, 0), Standing::Unproven);
    assert!(shares.next().is_some());
    let permit = shares.take(Claim { destination, in_flight: 0, standing: Standing::Unproven }).unwrap();
    shares.stand(destination, lane(SMALL, 0), Standing::Unproven);
    shares.leave(destination);
    shares.answered(&permit, 0);
    shares.give_back(&permit);
    assert!(shares.next().is_some(), "it still stands in line");
    assert_eq!((shares.projects.len(), shares.destinations.len(), shares.hosts.len()), (0, 0, 0));
    assert_eq!(shares.next(), None);
    assert_eq!((shares.projects.len(), shares.by_project.len(), shares.by_origin.len()), (0, 0, 0));
    assert!(shares.by_both.is_empty() && shares.is_empty());
}
