//! The guard, from outside: addresses that are never connected to, however the name is dressed.

use model::attempt::FailureKind;
use testkit::behaviour::{Behaviour, Reply};
use testkit::receiver::Receiver;

use crate::names::Names;
use crate::sender::{Sender, assert_failure};

#[tokio::test]
async fn an_address_that_nobody_opened_is_not_connected_to() {
    let receiver = Receiver::healthy().start().await;
    let sender = Sender::allowed(&[]).start();
    let port = receiver.address().port();
    let spellings = ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1", "0177.0.0.1", "[::1]"];
    for host in spellings {
        let failure = sender.failure(&format!("http://{host}:{port}/hook")).await;
        assert_eq!(failure.kind, FailureKind::Blocked, "{host}: {}", failure.message);
    }
    assert_eq!(receiver.connections(), 0);
}

#[tokio::test]
async fn a_name_with_one_bad_address_is_refused_for_all_of_them() {
    let receiver = Receiver::healthy().start().await;
    let names = Names::default().with("hooks.example", &["93.184.216.34", "127.0.0.1"]);
    let failure = Sender::allowed(&[]).names(names).start().failure(&receiver.url_as("hooks.example")).await;
    assert_eq!(failure.kind, FailureKind::Blocked);
    assert!(
        failure.message.starts_with("the name hooks.example resolves to an address that is refused: 127.0.0.1 is ")
    );
    assert_eq!(receiver.connections(), 0);
}

#[tokio::test]
async fn a_name_that_turns_to_a_bad_address_is_refused_at_that_connect() {
    let closing = Behaviour::Reply(Reply::status(204).header("connection", "close"));
    // Stands for a public address: the only one that is open.
    let public = Receiver::behaving(vec![closing]).at(([127, 0, 0, 2], 0)).start().await;
    let private = Receiver::healthy().at(([127, 0, 0, 1], public.address().port())).start().await;
    let names = Names::default().changing("hooks.example", &["127.0.0.2"], &["127.0.0.1"]);
    let sender = Sender::allowed(&["127.0.0.2/32"]).names(names).start();

    assert!(sender.post(&public.url_as("hooks.example")).await.is_success());
    let failure = sender.failure(&public.url_as("hooks.example")).await;
    assert_eq!(failure.kind, FailureKind::Blocked);
    assert_eq!((public.count(), private.connections()), (1, 0));
}

#[tokio::test]
async fn a_redirect_to_a_private_address_leads_nowhere() {
    let private = Receiver::healthy().start().await;
    let redirect = Behaviour::RedirectTo(private.url().to_owned());
    let public = Receiver::behaving(vec![redirect]).at(([127, 0, 0, 2], 0)).start().await;
    let outcome = Sender::allowed(&["127.0.0.2/32"]).start().post(public.url()).await;
    assert_eq!((outcome.status(), private.connections()), (Some(302), 0));
}

#[tokio::test]
async fn metadata_services_stay_shut() {
    let sender = Sender::allowed(&["0.0.0.0/0", "::/0"]).start();
    let failure = sender.failure("http://169.254.169.254/latest/meta-data/").await;
    assert_eq!(failure.kind, FailureKind::Blocked);
    let failure = sender.failure("http://metadata.google.internal/").await;
    let message = "metadata.google.internal is the metadata service of a cloud; webhooks go only to public hosts";
    assert_failure(&failure, FailureKind::Blocked, message);
}
