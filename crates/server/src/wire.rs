//! Every wire of the server: which part is given which.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

use api::Api;
use aws_lc_rs::digest;
use dialect::dialects::Dialects;
use engine::Engine;
use engine::context::Limits;
use engine::resolve::Resolve;
use engine::resolve::system_resolver::SystemResolver;
use engine::transport::{self, Proxy, Transport};
use model::env::Env;
use store::Store;
use store::handle::{Backend, Options, Postgres};
use store::notices::{Level, Notice};
use store::private;
use store::seal::MasterKey;
use tokio::net::TcpListener;
use web::context::Context;
use web::front::Front;
use web::serve;

use crate::config::{Config, Smtp};
use crate::worker::{self, Worker};
use crate::{grace, keys, mail, open_files, retention};

/// Names of the workers that are made here.
pub const ENGINE: &str = "engine";
pub const LISTENER: &str = "listener";

/// The outside world: what tests put in its place.
pub struct Externals {
    pub env: Arc<dyn Env>,
    pub resolver: Arc<dyn Resolve>,
}

/// The server's parts, running.
pub struct Running {
    pub address: SocketAddr,
    pub admin_key: keys::AdminKey,
    pub store: Store,
    /// What this node does, by its roles.
    pub workers: Vec<Worker>,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Keys(#[from] keys::Error),
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error("cannot listen on {address}: {cause}")]
    Listen { address: SocketAddr, cause: std::io::Error },
    #[error("the CA file {} cannot be used: {cause}", path.display())]
    CaFile { path: PathBuf, cause: std::io::Error },
    #[error("network.proxy: {0}")]
    Proxy(#[from] transport::NotAProxy),
    #[error("cannot send: {0}")]
    Transport(#[from] transport::Error),
    #[error("cannot send mail: {0}")]
    Mail(#[from] lettre::transport::smtp::Error),
    #[error(transparent)]
    Engine(#[from] engine::engine::AlreadyRunning),
}

impl Running {
    /// Resolves when the store's writer or a worker has died, with its name. What is committed is safe; a new process goes on.
    pub async fn broke(&self) -> &'static str {
        tokio::select! {
            () = self.store.stopped() => "store-writer",
            name = worker::first_stopped(&self.workers) => name,
        }
    }

    /// The worker of that name, if this node has it.
    pub fn worker(&self, name: &str) -> Option<&Worker> {
        self.workers.iter().find(|worker| worker.name == name)
    }
}

impl Error {
    /// What an operator told us is wrong, rather than the machine.
    pub fn is_configuration(&self) -> bool {
        matches!(
            self,
            Self::Keys(keys::Error::NotAMasterKey { .. } | keys::Error::MissingMasterKey(_))
                | Self::Store(store::Error::WrongMasterKey)
                | Self::CaFile { .. }
                | Self::Proxy(_)
        )
    }
}

impl Externals {
    /// The real one.
    pub fn real(env: Arc<dyn Env>) -> Self {
        Self { resolver: Arc::new(SystemResolver::new(env.clone())), env }
    }
}

/// Starts everything that `config` asks for. What is listened on accepts connections from here on.
pub async fn start(config: &Config, externals: Externals) -> Result<Running, Error> {
    let Externals { env, resolver } = externals;
    let store = open_store(config, &env).await?;
    let admin_key = keys::admin_key(config, &*env)?;
    let mut workers = Vec::new();
    // Made once for both who ask: compiling a catalogue's schemas takes time, and keeping them takes memory.
    let dialects: Arc<Dialects> = Arc::default();
    if config.roles.deliver {
        workers.push(start_engine(config, &store, &env, &dialects, resolver)?);
        // Nodes that deliver are those that learn what there is to tell.
        workers.extend(start_mailer(config, &store, &env)?);
    } else {
        // Nobody here reads the feed: what is committed is for other processes to look up.
        drop(store.feed());
    }
    let listener =
        TcpListener::bind(config.listen).await.map_err(|cause| Error::Listen { address: config.listen, cause })?;
    let address = listener.local_addr().map_err(|cause| Error::Listen { address: config.listen, cause })?;
    let largest_body = config.api.max_batch_bytes;
    let context = Context::new(store.clone(), env.clone(), hash(&admin_key.text), largest_body);
    let policy = Arc::new(config.network.policy.clone());
    let api = Api::new(context, dialects, policy, largest_body, config.public_url.as_deref().map(Into::into));
    workers.push(retention::start(store.clone(), env.clone(), config.retention));
    // The role `receive` mounts nothing: there are no routes for providers yet.
    let front = if config.roles.api { api::front(api) } else { api::front_of_every_node(&api) };
    workers.push(start_listener(config, listener, front, env));
    Ok(Running { address, admin_key, store, workers })
}

fn start_engine(
    config: &Config,
    store: &Store,
    env: &Arc<dyn Env>,
    dialects: &Arc<Dialects>,
    resolver: Arc<dyn Resolve>,
) -> Result<Worker, Error> {
    let transport = Transport::new(transport_settings(config)?, resolver, env.clone())?;
    if config.network.proxy_resolves {
        store.post_notice(proxy_resolves());
    }
    let (concurrency, per_endpoint) = (config.delivery.concurrency, config.delivery.per_endpoint);
    let limits = Limits { concurrency, per_endpoint, per_host: config.delivery.per_host };
    let engine = Engine::start(store.clone(), env.clone(), dialects.clone(), transport, limits)?;
    Ok(Worker::start(ENGINE, |context| async move {
        let worker::Context { stop, mut questions, .. } = context;
        let answer = async {
            while let Some(question) = questions.recv().await {
                // Whoever asked may have gone.
                let _ = question.send(engine.at_rest().await);
            }
        };
        tokio::select! {
            () = stop.cancelled() => engine.stop().await,
            () = engine.stopped() => {}
            // Nobody is left who could ask or stop it: it goes on.
            () = answer => engine.stopped().await,
        }
    }))
}

/// Starts mailing, where a mail server is configured.
fn start_mailer(config: &Config, store: &Store, env: &Arc<dyn Env>) -> Result<Option<Worker>, Error> {
    let Smtp { url: Some(smtp_url), from: Some(from) } = config.smtp.clone() else { return Ok(None) };
    let settings = mail::Settings { smtp_url, from, public_url: config.public_url.clone(), ca_pem: ca_pem(config)? };
    Ok(Some(mail::start(store.clone(), env.clone(), settings)?))
}

/// Starts answering requests. A stop accepts nothing more and waits for those in flight, as long as workers may.
fn start_listener(config: &Config, listener: TcpListener, front: Front, env: Arc<dyn Env>) -> Worker {
    let options = serve::Options {
        connections: open_files::for_callers(serve::CONNECTIONS),
        connections_per_address: NonZeroUsize::new(config.api.connections_per_address),
        grace: grace::for_workers(config.delivery.grace),
    };
    Worker::start(LISTENER, |context| serve::serve(listener, front, env, options, context.stop.cancelled_owned()))
}

async fn open_store(config: &Config, env: &Arc<dyn Env>) -> Result<Store, Error> {
    let place = place(config)?;
    if let Backend::Embedded { data_dir } = &place {
        private::directory(data_dir).map_err(|cause| keys::Error::File { path: data_dir.clone(), cause })?;
    }
    let open = || async {
        let master_key = master_key(config, &place, &**env).await?;
        let mail = config.smtp.url.is_some();
        let accept_journal_loss = config.database.accept_journal_loss;
        let options = Options { backend: place.clone(), master_key, env: env.clone(), mail, accept_journal_loss };
        Ok::<_, Error>(Store::open(options).await?)
    };
    match open().await {
        // A rotation may have been interrupted between the database and the key's file.
        Err(Error::Store(store::Error::WrongMasterKey)) if keys::finish_rotation(config)? => open().await,
        opened => opened,
    }
}

/// The key of the secrets that are at `place`, or a new one if there are none.
pub async fn master_key(config: &Config, place: &Backend, env: &dyn Env) -> Result<MasterKey, Error> {
    match keys::master_key(config)? {
        Some(key) => Ok(key),
        None if Store::has_secrets(place).await? => Err(keys::Error::MissingMasterKey(config.data_dir.clone()).into()),
        None => Ok(keys::make_master_key(config, env)?),
    }
}

/// Where the data is, as `config` says.
pub fn place(config: &Config) -> Result<Backend, Error> {
    let Some(url) = &config.database.url else {
        return Ok(Backend::Embedded { data_dir: config.data_dir.clone() });
    };
    Ok(Backend::Postgres(Postgres {
        direct_url: config.database.direct_url.as_ref().map(|url| url.reveal().to_owned()),
        ca_pem: ca_pem(config)?,
        connections: config.database.connections,
        patience: config.database.patience,
        name: config.cluster.node_name.clone().unwrap_or_else(machine_name),
        lease: config.cluster.lease,
        delivers: config.roles.deliver,
        ..Postgres::at(url.reveal())
    }))
}

fn machine_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// With a proxy that resolves names, less is known of where webhooks go.
fn proxy_resolves() -> Notice {
    Notice {
        code: "proxy_resolves",
        level: Level::Information,
        message:
            "the proxy resolves names (network.proxy_resolves): only names and literal addresses are judged here, \
                  so the proxy itself must keep webhooks from private addresses"
                .to_owned(),
        remedy: None,
    }
}

fn transport_settings(config: &Config) -> Result<transport::Settings, Error> {
    let proxy = config.network.proxy.as_ref().map(|proxy| Proxy::parse(proxy.reveal())).transpose()?;
    let proxy_resolves = config.network.proxy_resolves;
    Ok(transport::Settings { policy: config.network.policy.clone(), proxy, proxy_resolves, ca_pem: ca_pem(config)? })
}

fn ca_pem(config: &Config) -> Result<Option<Vec<u8>>, Error> {
    let read = |path: &PathBuf| std::fs::read(path).map_err(|cause| Error::CaFile { path: path.clone(), cause });
    config.network.ca_file.as_ref().map(read).transpose()
}

fn hash(key: &str) -> [u8; 32] {
    let hash = digest::digest(&digest::SHA256, key.as_bytes());
    hash.as_ref().try_into().expect("a SHA-256 has 32 bytes")
}
