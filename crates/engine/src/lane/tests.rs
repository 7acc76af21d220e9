//! Deliveries that a lane lets go, and when.

use model::endpoint::{Endpoint, Ordering, Settings, Status};
use model::event::Event;
use model::id::{EndpointId, ProjectId};
use model::json::Json;
use model::url::EndpointUrl;

use super::*;
use crate::shares::Shares;

const NOW: Timestamp = Timestamp::from_millis(1_000_000);
const NOTHING: [u8; 0] = [];
const LATER: Timestamp = Timestamp::from_millis(1_060_000);

fn endpoint() -> Endpoint {
    Endpoint {
        id: EndpointId::from_bytes([1; 16]),
        project: ProjectId::from_bytes([2; 16]),
        settings: Settings::of(EndpointUrl::stored("https://example.com/").unwrap()),
        status: Status::Active,
        disabled_reason: None,
        created_at: NOW,
        updated_at: NOW,
    }
}

fn lane(change: impl FnOnce(&mut Endpoint)) -> Lane {
    let mut endpoint = endpoint();
    change(&mut endpoint);
    Lane::new(prepared(endpoint), somewhere(), 64, NOW)
}

fn somewhere() -> Destination {
    Shares::new(1, 1).join(ProjectId::from_bytes([2; 16]), "https://example.com")
}

/// A lane whose endpoint took something just now.
fn proven(mut lane: Lane) -> Lane {
    lane.enqueue(due(u8::MAX));
    assert_eq!(sent(&mut lane), [u8::MAX]);
    deliver(&mut lane, u8::MAX);
    lane
}

fn prepared(endpoint: Endpoint) -> Arc<PreparedEndpoint> {
    let standard = dialect::built_in("standard").unwrap();
    Arc::new(PreparedEndpoint::new(Arc::new(endpoint), &standard, "Acme"))
}

fn strict() -> Lane {
    lane(|endpoint| endpoint.settings.ordering = Ordering::Fifo)
}

fn due(number: u8) -> Due {
    let event = Event::of(
        format!("e{number}").parse().unwrap(),
        ProjectId::from_bytes([2; 16]),
        "a.b".parse().unwrap(),
        Json::trusted("{}"),
        NOW,
    );
    Due {
        id: DeliveryId::from_bytes([number; 16]),
        endpoint: EndpointId::from_bytes([1; 16]),
        event: Arc::new(event),
        attempts: 0,
        schedule_start: 0,
        manual: false,
        planned_at: None,
        order_key: NOW,
        next_attempt_at: NOW,
    }
}

/// Numbers of the deliveries that the lane sends now.
fn sent(lane: &mut Lane) -> Vec<u8> {
    std::iter::from_fn(|| match lane.turn(NOW) {
        Turn::Send(due) => Some(due.id.as_bytes()[0]),
        Turn::Wait(_) | Turn::Nothing => None,
    })
    .collect()
}

fn deliver(lane: &mut Lane, number: u8) {
    lane.answered(Some(Signal::Success), NOW);
    lane.ended(due(number).id);
}

fn pending(due: impl IntoIterator<Item = Due>, next_at: Option<Timestamp>) -> Result<Pending, store::Error> {
    Ok(Pending { due: due.into_iter().collect(), next_at })
}

#[test]
fn a_lane_has_at_most_its_pace_in_flight_and_goes_on_as_answers_come() {
    let mut lane = lane(|_| {});
    (1..=10).for_each(|number| lane.enqueue(due(number)));
    assert_eq!(sent(&mut lane), [1], "nothing is known of it");
    deliver(&mut lane, 1);
    assert_eq!(sent(&mut lane), [2, 3, 4, 5, 6], "it is known to answer");
    deliver(&mut lane, 2);
    assert_eq!(sent(&mut lane), [7, 8], "a success makes room for two");
    lane.answered(Some(Signal::Silence), NOW);
    assert_eq!(sent(&mut lane), NOTHING, "silence makes it wait for all but one");
}

#[test]
fn an_endpoint_that_took_nothing_for_a_minute_is_known_no_more() {
    let mut lane = proven(lane(|_| {}));
    assert_eq!(lane.standing(NOW + PROVEN_FOR / 2), Standing::Proven);
    assert_eq!(lane.standing(NOW + PROVEN_FOR), Standing::Unproven);
    lane.enqueue(due(1));
    lane.enqueue(due(2));
    assert!(matches!(lane.turn(NOW + PROVEN_FOR), Turn::Send(_)));
    assert!(matches!(lane.turn(NOW + PROVEN_FOR), Turn::Nothing), "one at a time until it takes something");
    lane.answered(Some(Signal::Success), NOW + PROVEN_FOR);
    assert!(matches!(lane.turn(NOW + PROVEN_FOR), Turn::Send(_)));
}

#[test]
fn a_lane_stands_in_line_once_and_better_once_it_is_proven() {
    let mut lane = lane(|_| {});
    assert_eq!(lane.stand(NOW), Some(Standing::Unproven));
    assert_eq!(lane.stand(NOW), None);
    lane.enqueue(due(1));
    assert_eq!(sent(&mut lane), [1]);
    deliver(&mut lane, 1);
    assert_eq!(lane.stand(NOW), Some(Standing::Proven));
    assert_eq!(lane.stand(LATER), None);
    assert!(!lane.step_out(somewhere(), Standing::Unproven), "its old place is passed over");
    assert!(lane.step_out(somewhere(), Standing::Proven));
    assert_eq!(lane.stand(NOW), Some(Standing::Proven));
}

#[test]
fn a_delivery_that_comes_twice_is_sent_once() {
    let mut lane = lane(|_| {});
    lane.enqueue(due(1));
    lane.enqueue(due(1));
    assert_eq!(sent(&mut lane), [1]);
    lane.enqueue(due(1));
    assert_eq!(sent(&mut lane), NOTHING, "it is in flight");
}

#[test]
fn a_full_lane_leaves_the_rest_in_the_database_and_looks_once_it_is_empty() {
    let mut lane = lane(|_| {});
    (0..=u8::MAX).for_each(|number| lane.enqueue(due(number)));
    assert!(!lane.begin_fetch(), "it has enough");
    let mut count = 0;
    loop {
        let numbers = sent(&mut lane);
        if numbers.is_empty() {
            break;
        }
        count += numbers.len();
        numbers.into_iter().for_each(|number| deliver(&mut lane, number));
    }
    assert_eq!(count, MAX_QUEUED);
    assert!(lane.begin_fetch());
    assert!(!lane.begin_fetch(), "one look at a time");
}

#[test]
fn a_look_brings_nothing_that_is_in_hand_or_was_settled_meanwhile() {
    let mut lane = proven(lane(|_| {}));
    (1..=2).for_each(|number| lane.enqueue(due(number)));
    assert_eq!(sent(&mut lane), [1, 2]);
    lane.wake(NOW);
    assert!(lane.begin_fetch());
    deliver(&mut lane, 1);
    lane.enqueue(due(4));
    assert_eq!(lane.end_fetch(pending([due(1), due(2), due(3), due(4)], None), NOW), None);
    assert_eq!(sent(&mut lane), [4, 3]);
    assert!(!lane.begin_fetch(), "it has all");
}

#[test]
fn what_comes_during_a_look_need_not_be_looked_up() {
    let mut lane = proven(lane(|_| {}));
    lane.wake(NOW);
    assert!(lane.begin_fetch());
    lane.enqueue(due(3));
    assert_eq!(lane.end_fetch(pending([due(1), due(2), due(3)], None), NOW), None);
    assert_eq!(sent(&mut lane), [3, 1, 2]);
    assert!(!lane.begin_fetch(), "it has all");
}

#[test]
fn in_strict_order_what_comes_during_a_look_stays_behind_what_it_brings() {
    let mut lane = strict();
    lane.wake(NOW);
    assert!(lane.begin_fetch());
    lane.end_fetch(pending([], None), NOW);
    lane.wake(NOW);
    assert!(lane.begin_fetch());
    lane.enqueue(due(2));
    lane.end_fetch(pending([due(1)], None), NOW);
    assert_eq!(sent(&mut lane), [1]);
    deliver(&mut lane, 1);
    assert!(lane.begin_fetch());
}

#[test]
fn a_look_that_failed_is_repeated() {
    let mut lane = lane(|_| {});
    lane.wake(NOW);
    assert!(lane.begin_fetch());
    lane.end_fetch(Err(store::Error::Stopped), NOW);
    assert!(lane.begin_fetch());
}

#[test]
fn in_strict_order_one_is_in_flight_until_it_is_recorded() {
    let mut lane = strict();
    (1..=3).for_each(|number| lane.enqueue(due(number)));
    assert_eq!(sent(&mut lane), [1]);
    lane.answered(Some(Signal::Success), NOW);
    assert_eq!(sent(&mut lane), NOTHING, "answered is not recorded");
    lane.ended(due(1).id);
    assert_eq!(sent(&mut lane), [2]);
}

#[test]
fn in_strict_order_a_failing_head_holds_back_what_follows() {
    let mut lane = strict();
    (1..=2).for_each(|number| lane.enqueue(due(number)));
    assert_eq!(sent(&mut lane), [1]);
    lane.answered(Some(Signal::Failure), NOW);
    lane.ended(due(1).id);
    lane.comes_again(LATER);
    lane.enqueue(due(3));
    assert_eq!(sent(&mut lane), NOTHING);
    assert!(!lane.begin_fetch(), "not before its time");
    lane.wake(LATER);
    assert!(lane.begin_fetch());
    lane.end_fetch(pending([due(1), due(2), due(3)], None), LATER);
    assert_eq!(sent(&mut lane), [1]);
}

#[test]
fn in_strict_order_a_look_that_missed_a_failure_is_not_trusted() {
    let mut lane = strict();
    lane.enqueue(due(1));
    assert_eq!(sent(&mut lane), [1]);
    lane.wake(NOW);
    assert!(lane.begin_fetch());
    lane.answered(Some(Signal::Failure), NOW);
    lane.ended(due(1).id);
    lane.comes_again(LATER);
    lane.end_fetch(pending([due(1), due(2)], None), NOW);
    lane.wake(LATER);
    assert_eq!(sent(&mut lane), NOTHING, "2 must not overtake 1");
    assert!(lane.begin_fetch());
}

#[test]
fn in_strict_order_a_head_that_is_due_later_is_waited_for() {
    let mut lane = strict();
    lane.wake(NOW);
    assert!(lane.begin_fetch());
    let head = Due { next_attempt_at: LATER, ..due(1) };
    assert_eq!(lane.end_fetch(pending([head, due(2)], None), NOW), Some(LATER));
    assert_eq!(sent(&mut lane), NOTHING);
    assert!(!lane.begin_fetch());
}

#[test]
fn a_paused_lane_sends_only_what_a_person_asked_for() {
    let mut lane = lane(|endpoint| endpoint.status = Status::Paused);
    lane.enqueue(due(1));
    lane.enqueue(Due { manual: true, ..due(2) });
    assert_eq!(sent(&mut lane), [2]);
    assert!(!lane.begin_fetch());
    lane.change(prepared(endpoint()), somewhere(), NOW);
    assert!(lane.begin_fetch(), "resumed, it looks for what waited");
}

#[test]
fn a_rate_limit_says_when_the_next_may_go() {
    let limit = RateLimit { requests: 1, per: "1m".parse().unwrap() };
    let mut lane = lane(|endpoint| endpoint.settings.rate_limit = Some(limit));
    (1..=2).for_each(|number| lane.enqueue(due(number)));
    assert!(matches!(lane.turn(NOW), Turn::Send(_)));
    deliver(&mut lane, 1);
    assert!(matches!(lane.turn(NOW), Turn::Wait(at) if at == LATER));
    lane.change(prepared(Endpoint { status: Status::Paused, ..endpoint_limited(limit) }), somewhere(), NOW);
    lane.change(prepared(endpoint_limited(limit)), somewhere(), NOW);
    assert!(lane.begin_fetch());
    lane.end_fetch(pending([due(2)], None), NOW);
    assert!(matches!(lane.turn(NOW), Turn::Wait(_)), "a change of something else does not fill the bucket");
}

fn endpoint_limited(limit: RateLimit) -> Endpoint {
    let mut endpoint = endpoint();
    endpoint.settings.rate_limit = Some(limit);
    endpoint
}

#[test]
fn a_closed_lane_sends_nothing_and_rests_when_what_was_in_flight_has_ended() {
    let mut lane = lane(|_| {});
    (1..=2).for_each(|number| lane.enqueue(due(number)));
    assert!(matches!(lane.turn(NOW), Turn::Send(_)));
    lane.close();
    assert_eq!(sent(&mut lane), NOTHING);
    assert!(!lane.is_at_rest());
    deliver(&mut lane, 1);
    assert!(lane.is_at_rest());
}

#[test]
fn an_endpoint_that_asked_for_a_rest_gets_nothing_before_it_is_over() {
    let mut lane = lane(|_| {});
    (1..=2).for_each(|number| lane.enqueue(due(number)));
    lane.back_off_until(LATER);
    lane.back_off_until(NOW);
    lane.enqueue(Due { manual: true, ..due(3) });
    assert!(matches!(lane.turn(NOW), Turn::Wait(at) if at == LATER));
    assert!(matches!(lane.turn(LATER), Turn::Send(due) if due.manual));
    deliver(&mut lane, 3);
    assert!(matches!(lane.turn(LATER), Turn::Send(_)));
}

#[test]
fn a_rest_is_kept_over_a_change_unless_the_receiver_is_another() {
    let mut lane = lane(|_| {});
    let offered = |lane: &mut Lane| {
        assert!(lane.begin_fetch());
        lane.end_fetch(pending([due(1)], None), NOW);
    };
    lane.back_off_until(LATER);
    lane.change(prepared(endpoint()), somewhere(), NOW);
    offered(&mut lane);
    assert!(matches!(lane.turn(NOW), Turn::Wait(_)));
    let mut moved = endpoint();
    moved.settings.url = EndpointUrl::stored("https://example.com/other").unwrap();
    lane.change(prepared(moved), somewhere(), NOW);
    offered(&mut lane);
    assert!(matches!(lane.turn(NOW), Turn::Send(_)));
}
