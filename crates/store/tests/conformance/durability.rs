//! Data that survives a restart, and the key that it can be read with.

use model::delivery::Status;
use model::endpoint::Auth;
use model::secret::{Previous, Secret, Secrets};
use store::seal::MasterKey;
use store::{Error, Store};

use crate::harness::{EXHAUSTED, HOUR, Opened, Place};

#[tokio::test]
async fn everything_on_the_road_is_there_after_a_restart() {
    let store = Opened::fresh().await;
    let endpoint = store.endpoint(&["*"]).await;
    let delivered = store.send_to(&endpoint, "order.delivered").await;
    store.delivers(&delivered).await;
    let failed = store.send_to(&endpoint, "order.failed").await;
    store.fails(&failed, EXHAUSTED).await;
    let again = store.send_to(&endpoint, "order.again").await;
    store.fails_for(&again, HOUR).await;
    let fresh = store.send_to(&endpoint, "order.fresh").await;

    let store = store.reopen().await;

    assert_eq!(store.status_of(delivered.id).await, Status::Delivered);
    assert_eq!(store.status_of(failed.id).await, Status::Failed);
    assert_eq!(store.shown(again.id).await.delivery.next_attempt_at, Some(store.now() + HOUR));
    assert_eq!(format!("{:?}", store.only_due_at(&endpoint).await), format!("{fresh:?}"));
    store.advance(HOUR);
    let due = store.due_at(&endpoint).await.pop().unwrap();
    assert_eq!((due.id, due.attempt(), due.retries_used()), (again.id, 2, 1));
}

#[tokio::test]
async fn secrets_survive_a_restart_and_a_rotation_of_theirs() {
    let store = Opened::fresh().await;
    let endpoint = store.endpoint(&["*"]).await;
    let (now, new) = (store.now(), Secret::stored("whsec_bmV3".to_owned()));
    let secrets = endpoint.settings.secrets.rotated(new.clone(), now, now + HOUR);
    let kept = secrets.clone();
    store.change(&endpoint, move |endpoint| endpoint.settings.secrets = secrets.clone()).await;

    let store = store.reopen().await;

    let read = store.current(&endpoint).settings.secrets.clone();
    assert_eq!(read, kept);
    assert_eq!((read.current, read.previous[0].expires_at), (Some(new), now + HOUR));
}

#[tokio::test]
async fn the_wrong_master_key_opens_nothing() {
    let store = Opened::fresh().await;
    store.endpoint(&["*"]).await;
    let (place, right, clock) = store.shut().await;

    let wrong = MasterKey::generate(&*clock);
    let refused = place.open(&wrong, clock.clone()).await.err();

    assert!(matches!(refused, Some(Error::WrongMasterKey)), "{refused:?}");
    Opened::at(place, right, clock).await.unwrap();
}

#[tokio::test]
async fn the_wrong_master_key_is_noticed_before_there_is_any_secret() {
    let (place, _, clock) = Opened::fresh().await.shut().await;
    let refused = place.open(&MasterKey::generate(&*clock), clock.clone()).await.err();
    assert!(matches!(refused, Some(Error::WrongMasterKey)), "{refused:?}");
}

#[tokio::test]
async fn after_the_master_key_is_rotated_only_the_new_one_opens() {
    let store = Opened::fresh().await;
    let deleted = store.endpoint(&["*"]).await;
    store.delete(&deleted).await;
    let mut secrets = Vec::new();
    for n in 0..3 {
        let mut plan = store.plan();
        plan.endpoint.settings.secrets = Secrets::of(Secret::stored(format!("whsec_secret{n}")));
        secrets.push(plan.create().await);
    }
    let (place, old, clock) = store.shut().await;
    let new = MasterKey::generate(&*clock);

    assert_eq!(place.rotate(&old, &new, &*clock).await.unwrap(), 3);

    let refused = place.open(&old, clock.clone()).await.err();
    assert!(matches!(refused, Some(Error::WrongMasterKey)), "{refused:?}");
    let store = Opened::at(place, new, clock).await.unwrap();
    for endpoint in &secrets {
        assert_eq!(store.current(endpoint).settings.secrets, endpoint.settings.secrets);
    }
}

#[tokio::test]
async fn a_rotation_that_starts_from_the_wrong_master_key_changes_nothing() {
    for endpoints in [0, 1] {
        let store = Opened::fresh().await;
        for _ in 0..endpoints {
            store.endpoint(&["*"]).await;
        }
        let (place, right, clock) = store.shut().await;
        let (wrong, new) = (MasterKey::generate(&*clock), MasterKey::generate(&*clock));

        assert!(matches!(place.rotate(&wrong, &new, &*clock).await, Err(Error::WrongMasterKey)));

        let store = Opened::at(place, right, clock).await.unwrap();
        assert_eq!(store.directory().endpoints().count(), endpoints);
    }
}

#[tokio::test]
async fn a_store_that_is_open_answers_a_ping_and_one_that_has_stopped_does_not() {
    let store = Opened::fresh().await;
    store.ping().await.unwrap();
    store.close().await;
    assert!(matches!(store.ping().await, Err(Error::Stopped)));
}

fn holds(haystack: &[u8], needle: &str) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle.as_bytes())
}

#[tokio::test]
async fn secrets_and_credentials_stand_nowhere_in_plain_text() {
    let store = Opened::fresh().await;
    let secret = |text: &str| Secret::stored(text.to_owned());
    let mut plan = store.plan();
    plan.endpoint.settings.name = Some("a name that is found".to_owned());
    plan.endpoint.settings.secrets = Secrets {
        current: Some(secret("whsec_the_current_one")),
        previous: vec![Previous { secret: secret("whsec_the_previous_one"), expires_at: store.now() + HOUR }],
    };
    plan.endpoint.settings.auth = Auth::Basic { username: "the_user".into(), password: "the_password".into() };
    plan.endpoint.settings.headers = vec![("X-Token".to_owned(), "the_token".to_owned())];
    let endpoint = plan.create().await;
    store.change(&endpoint, |endpoint| endpoint.settings.auth = Auth::Bearer { token: "the_bearer".to_owned() }).await;

    let clear = |stored: &[u8]| {
        assert!(holds(stored, "a name that is found"), "all of it is searched");
        for hidden in ["_current_one", "_previous_one", "the_user", "the_password", "the_token", "the_bearer"] {
            assert!(!holds(stored, hidden), "{hidden}");
        }
    };
    clear(&store.place.contents().await);
    let (place, _, _) = store.shut().await;
    clear(&place.contents().await);
}

#[tokio::test]
async fn migrating_an_empty_place_makes_the_database_and_a_second_time_does_nothing() {
    let place = Place::fresh().await;
    assert!(!Store::is_in(&place.place()).await.unwrap());
    assert!(!Store::migrate(&place.place()).await.unwrap().is_empty());
    assert!(Store::is_in(&place.place()).await.unwrap());
    assert!(Store::migrate(&place.place()).await.unwrap().is_empty());
}
