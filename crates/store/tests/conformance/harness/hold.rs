//! Holds the writer, so that verbs queued meanwhile are committed together.

use model::actor::Actor;
use model::endpoint::Endpoint;
use tokio::task::JoinSet;

use super::Opened;

/// Keeps the store in the middle of a commit until it is released. Verbs queued meanwhile go into the next one.
pub(crate) struct Hold {
    let_go: std::sync::mpsc::Sender<()>,
    holding: JoinSet<()>,
}

impl Hold {
    pub(crate) async fn on(store: &Opened, endpoint: &Endpoint) -> Self {
        let (let_go, wait) = std::sync::mpsc::channel();
        let (entered, mut inside) = tokio::sync::mpsc::channel(1);
        let (store, project, id) = (store.store.clone(), endpoint.project, endpoint.id);
        let mut holding = JoinSet::new();
        holding.spawn(async move {
            let change = move |_: &Endpoint| {
                let _ = entered.try_send(());
                let _ = wait.recv();
                Err::<Endpoint, ()>(())
            };
            store.change_endpoint(&Actor::Admin, project, id, change).await.unwrap();
        });
        inside.recv().await.unwrap();
        Self { let_go, holding }
    }

    pub(crate) async fn let_go(self) {
        self.let_go.send(()).unwrap();
        self.holding.join_all().await;
    }
}
