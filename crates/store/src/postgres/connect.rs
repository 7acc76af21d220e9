//! Connections to PostgreSQL: address, TLS, and the timeouts by which a dead one is detected.

use std::future::Future;
use std::time::Duration;

use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use tokio_postgres::Config;

use super::address;
use super::exposure::Address;
use super::session::{self, Session};
use super::tls::{self, Tls};
use crate::Error;
use crate::backend::Postgres;
use crate::notices::Notice;

/// Maximum time to open a connection, and for a verb to wait for one.
const PATIENCE: Duration = Duration::from_secs(5);

/// A peer that acknowledges nothing for this long is gone.
const SILENCE: Duration = Duration::from_secs(5);

/// The pool of connections, and what is needed to open more.
pub(super) struct Connections {
    pool: Pool,
    /// True if they lead to the server itself, and not to a pooler that shares its connections.
    direct: bool,
    pub(super) config: Config,
    tls: Tls,
    /// The address of the pool's connections.
    pub(super) address: String,
    /// Notices for operators about the connection.
    pub(super) notices: Vec<Notice>,
}

impl Connections {
    pub(super) fn new(postgres: &Postgres) -> Result<Self, Error> {
        let mut notices = Vec::new();
        let (config, tls) = prepare(&postgres.url, postgres.ca_pem.as_deref(), &mut notices)?;
        let direct = postgres.direct_url.is_none();
        let address = address::address(&config);
        let manager = Manager::from_config(
            config.clone(),
            tls.clone(),
            ManagerConfig { recycling_method: RecyclingMethod::Fast },
        );
        let set_up = Hook::async_fn(move |client: &mut deadpool_postgres::ClientWrapper, _| {
            Box::pin(async move {
                if direct {
                    client.batch_execute(&session::settings()).await.map_err(HookError::Backend)?;
                }
                Ok(())
            })
        });
        let pool = Pool::builder(manager)
            .max_size(postgres.connections.max(1))
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(PATIENCE))
            .create_timeout(Some(PATIENCE))
            .post_create(set_up)
            .build()
            .map_err(|error| Error::Connection(error.to_string()))?;
        let (config, tls) = match &postgres.direct_url {
            Some(url) => prepare(url, postgres.ca_pem.as_deref(), &mut notices)?,
            None => (config, tls),
        };
        for notice in &notices {
            tracing::warn!(remedy = notice.remedy, "{}", notice.message);
        }
        Ok(Self { pool, direct, config, tls, address, notices })
    }

    /// A connection out of the pool.
    pub(super) async fn session(&self) -> Result<Session, Error> {
        Ok(Session::new(self.pool.get().await?, self.direct))
    }

    /// Opens a connection outside of the pool, to the server itself. The second value must be driven.
    pub(super) async fn own(&self) -> Result<(tokio_postgres::Client, tls::Connection), Error> {
        let (client, connection) = self.config.connect(self.tls.clone()).await?;
        Ok((client, connection))
    }

    pub(super) fn close(&self) {
        self.pool.close();
    }
}

/// Checks that a URL can be parsed.
pub(crate) fn check(url: &str) -> Result<(), Error> {
    parse(url).map(drop)
}

/// Returns the configuration and TLS of `url`; adds to `notices` what operators should know about it.
fn prepare(url: &str, ca_pem: Option<&[u8]>, notices: &mut Vec<Notice>) -> Result<(Config, Tls), Error> {
    let address = parse(url)?;
    let tls = tls::connector(&address, ca_pem)?;
    notices.extend(address.notice(&address::address(&address.config), ca_pem.is_some()));
    Ok((address.config, tls))
}

fn parse(url: &str) -> Result<Address, Error> {
    let mut address = Address::parse(url)?;
    address
        .config
        .application_name("posthaste")
        .connect_timeout(PATIENCE)
        .tcp_user_timeout(SILENCE)
        .keepalives_idle(SILENCE)
        .keepalives_interval(Duration::from_secs(1))
        .keepalives_retries(3);
    Ok(address)
}

/// Runs `work` over a connection, which is driven until it is done.
pub(super) async fn drive<T>(
    connection: tls::Connection,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let mut connection = std::pin::pin!(connection);
    let mut work = std::pin::pin!(work);
    tokio::select! {
        biased;
        result = &mut work => result,
        broken = &mut connection => match broken {
            Ok(()) => work.await,
            Err(error) => Err(error.into()),
        },
    }
}
