//! The address of a name that gets the request: the first that accepts; they are tried a little apart.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use model::attempt::FailureKind;
use testkit::clock::START;
use testkit::patiently;
use testkit::receiver::{Nobody, Receiver};

use crate::names::Names;
use crate::sender::Sender;

const DEAF: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

fn sender(addresses: &[&str]) -> Sender {
    let names = Names::default().with("hooks.example", addresses);
    Sender::allowed(&["127.0.0.0/8"]).names(names).start()
}

#[tokio::test]
async fn an_address_that_does_not_answer_delays_the_next_by_a_quarter_of_a_second() {
    let receiver = Receiver::healthy().start().await;
    let _deaf = Nobody::deaf(SocketAddr::new(DEAF.into(), receiver.address().port())).await;
    let sender = sender(&["127.0.0.2", "127.0.0.1"]);
    let move_clock = async {
        let gap = START + Duration::from_millis(250);
        let begun = async {
            while sender.env.next_wake() != Some(gap) {
                tokio::task::yield_now().await;
            }
        };
        patiently(begun, || format!("the next to wake is not the next address: {:?}", sender.env.next_wake())).await;
        assert_eq!(receiver.connections(), 0);
        sender.env.advance_to(gap);
    };
    let url = receiver.url_as("hooks.example");
    let (outcome, ()) = tokio::join!(sender.post(&url), move_clock);
    assert!(outcome.is_success(), "{outcome:?}");
    assert_eq!((receiver.count(), receiver.connections()), (1, 1));
}

#[tokio::test]
async fn an_address_that_refuses_delays_nothing() {
    let receiver = Receiver::healthy().start().await;
    // Nothing listens at the first; the clock stands still.
    let outcome = sender(&["127.0.0.2", "127.0.0.1"]).post(&receiver.url_as("hooks.example")).await;
    assert!(outcome.is_success(), "{outcome:?}");
    assert_eq!(receiver.count(), 1);
}

#[tokio::test]
async fn where_all_refuse_the_first_is_told_of() {
    let nobody = Nobody::refusing();
    let port = nobody.address().port();
    let failure = sender(&["127.0.0.1", "127.0.0.3"]).failure(&format!("http://hooks.example:{port}/")).await;
    assert_eq!(
        (failure.kind, failure.message),
        (FailureKind::Connect, format!("connection refused by 127.0.0.1:{port}"))
    );
}

#[tokio::test]
async fn of_very_many_addresses_only_the_first_few_are_called() {
    let receiver = Receiver::healthy().start().await;
    let refusing: Vec<String> = (2..=9).map(|last| format!("127.0.0.{last}")).collect();
    let with_refusing = |count| {
        let refusing = refusing[..count].iter().map(String::as_str);
        sender(&refusing.chain(["127.0.0.1"]).collect::<Vec<_>>())
    };
    let url = receiver.url_as("hooks.example");
    let outcome = with_refusing(7).post(&url).await;
    assert!(outcome.is_success(), "the eighth is called: {outcome:?}");
    let failure = with_refusing(8).failure(&url).await;
    assert_eq!(failure.kind, FailureKind::Connect, "the ninth is not: {failure:?}");
    assert_eq!(receiver.connections(), 1);
}
