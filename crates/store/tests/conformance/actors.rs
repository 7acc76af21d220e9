//! The actor of a change is known in its transaction: an audit entry is one more row there.

use std::collections::{BTreeSet, HashSet};
use std::convert::Infallible;
use std::fmt::Debug;
use std::path::Path;
use std::sync::{LazyLock, Mutex};

use model::actor::Actor;
use model::catalogue::EventType;
use model::endpoint::Endpoint;
use model::event::Event;
use model::id::{EndpointId, EventId, KeyId};
use model::job::Task;
use model::json::Json;
use tracing::field::{Field, Visit};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::Registry;

use crate::harness::Opened;

/// The names of actors that have come into a transaction, of all tests of this process.
static SEEN: LazyLock<Mutex<HashSet<String>>> = LazyLock::new(Mutex::default);

/// Records the actor that the store names when it acts for one.
struct Actors;

impl Layer<Registry> for Actors {
    fn enabled(&self, metadata: &tracing::Metadata<'_>, _: Context<'_, Registry>) -> bool {
        metadata.target() == "store::actor"
    }

    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, Registry>) {
        struct By(String);
        impl Visit for By {
            fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
                if field.name() == "by" {
                    self.0 = format!("{value:?}");
                }
            }
        }
        let mut by = By(String::new());
        event.record(&mut by);
        SEEN.lock().unwrap().insert(by.0);
    }
}

/// Calls each verb with an actor of its own, and checks that it reached the transaction.
struct Walk {
    store: Opened,
    walked: BTreeSet<&'static str>,
}

impl Walk {
    /// A new actor.
    fn actor(&self) -> Actor {
        Actor::Key(KeyId::new(&*self.store.clock))
    }

    fn came(&mut self, verb: &'static str, actor: &Actor) {
        let seen = SEEN.lock().unwrap();
        assert!(seen.contains(&actor.to_string()), "{verb} does not carry who asked for it into its transaction");
        self.walked.insert(verb);
    }
}

/// The verbs of the store that take an actor, read from their source.
fn verbs_with_an_actor() -> BTreeSet<String> {
    let handle = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/handle");
    let mut verbs = BTreeSet::new();
    for file in std::fs::read_dir(handle).unwrap() {
        let source = std::fs::read_to_string(file.unwrap().path()).unwrap();
        for verb in source.split("pub async fn ").skip(1) {
            let signature = verb.split('{').next().unwrap();
            if signature.contains("by: &Actor") {
                verbs.insert(signature.split(['(', '<']).next().unwrap().to_owned());
            }
        }
    }
    verbs
}

#[tokio::test]
async fn every_verb_that_somebody_asks_for_carries_who_it_was_into_its_transaction() {
    tracing::subscriber::set_global_default(Registry::default().with(Actors)).unwrap();
    let store = Opened::fresh().await;
    let endpoint = store.endpoint(&["order.*"]).await;
    let delivery = store.send_to(&endpoint, "order.paid").await;
    let project = store.project;
    let mut walk = Walk { store, walked: BTreeSet::new() };

    macro_rules! walk {
        ($verb:ident($($argument:expr),*)) => {{
            let actor = walk.actor();
            let done = walk.store.$verb(&actor, $($argument),*).await.unwrap();
            walk.came(stringify!($verb), &actor);
            done
        }};
    }

    walk!(ingest(walk.store.draft("order.paid").intake()));
    walk!(ingest_batch(vec![walk.store.draft("order.paid").intake()]));
    let (id, now) = (EventId::new(&*walk.store.clock), walk.store.now());
    let event = Event::of(id.clone(), project, "order.paid".parse().unwrap(), Json::trusted("{}"), now);
    walk!(ingest_test(event, endpoint.id));
    walk!(retry(project, delivery.id));
    let job = walk!(create_job(project, Task::Replay { event: id }));
    walk!(cancel_job(project, job.id));

    let another = Endpoint { id: EndpointId::new(&*walk.store.clock), ..Endpoint::clone(&endpoint) };
    let made = walk!(create_endpoint(another));
    walk!(change_endpoint(project, made.id, |before| Ok::<_, Infallible>(before.clone())));
    walk!(delete_endpoint(project, made.id));

    walk!(put_dialect(project, "acme".into(), "name = \"acme\"\n".into()));
    walk!(remove_dialect(project, "acme".into()));
    let name = "invoice.paid".parse().unwrap();
    let event_type = EventType { name, group: None, description: None, schema: None, example: None };
    walk!(put_event_type(project, event_type.clone()));
    walk!(remove_event_type(project, event_type.name));

    let other = walk.store.new_project("acme");
    let key = walk.store.new_key(other.id);
    walk!(create_project(other.clone(), key)).unwrap();
    walk!(change_project(other.id, |before, _| Ok::<_, store::projects::SlugTaken>(before.clone()))).unwrap().unwrap();
    let key = walk.store.new_key(other.id);
    walk!(create_key(key.clone()));
    walk!(revoke_key(other.id, key.id));
    walk!(delete_project(other.id));

    let walked: BTreeSet<String> = walk.walked.iter().map(|verb| (*verb).to_owned()).collect();
    assert_eq!(walked, verbs_with_an_actor(), "this test walks all of them");
}
