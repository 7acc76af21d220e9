//! The server that the tests of a process share, and databases on it.

use std::sync::OnceLock;

use super::asked_for::is_asked_for;
use super::database::{Database, Origin};
use super::{Options, Server};

/// The server that the tests of this process share.
enum Shared {
    Given(String),
    Started(Server),
}

impl Shared {
    /// The server that `POSTHASTE_TEST_DATABASE_URL` names, or one that is started when it is first asked for.
    #[expect(clippy::disallowed_methods, reason = "tests have settings of their own")]
    fn of_this_process() -> &'static Self {
        static SHARED: OnceLock<Shared> = OnceLock::new();
        SHARED.get_or_init(|| match std::env::var("POSTHASTE_TEST_DATABASE_URL") {
            Ok(url) => Self::Given(url),
            Err(_) => Self::Started(Server::begin(&Options::default())),
        })
    }
}

impl Database {
    /// A database on the server that the tests of this process share.
    pub async fn fresh() -> Self {
        match Shared::of_this_process() {
            Shared::Started(server) => server.fresh().await,
            Shared::Given(url) => Self::create(url, Origin::Given).await,
        }
    }

    /// A database, if this run of the tests is on PostgreSQL.
    pub async fn if_asked_for() -> Option<Self> {
        if is_asked_for() { Some(Self::fresh().await) } else { None }
    }
}
