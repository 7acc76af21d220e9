//! `posthaste demo`: a server on a temporary database, a project for each dialect, two receivers and live traffic, told a
//! line an attempt.

mod product;
mod receiver;
mod story;

use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use hyper::Method;
use model::env::Env;
use model::network::Policy;
use serde_json::json;
use store::search::{Bodies, FullDelivery};
use tokio_util::task::TaskTracker;

use crate::cli::{self, exit};
use crate::client::{self, Client, Request};
use crate::config::{Config, Environment, Network};
use crate::env::RealEnv;
use crate::lifecycle::{self, StopSignal};
use crate::output::{self, OutputStyle};
use crate::wire::{self, Externals, Running};

use product::Product;
use receiver::{Manner, Receiver};

/// Between events. A few a second can be read along with.
const PACE: Duration = Duration::from_millis(400);

/// How long the demo waits for what is in flight when it is stopped.
const GRACE: Duration = Duration::from_secs(2);

type DemoError = Box<dyn std::error::Error + Send + Sync>;

/// Runs until Ctrl-C. Everything it wrote is gone afterwards.
pub async fn demo(args: cli::Demo, environment: &Environment) -> ExitCode {
    match show(&args, OutputStyle::of_stdout(environment)).await {
        Ok(()) => ExitCode::from(exit::DONE),
        Err(error) => {
            output::print_error(&format!("error: {error}"));
            ExitCode::from(exit::FAILED)
        }
    }
}

async fn show(args: &cli::Demo, style: OutputStyle) -> Result<(), DemoError> {
    let directory = tempfile::tempdir()?;
    let env: Arc<dyn Env> = Arc::new(RealEnv::new());
    let mut stop = StopSignal::listen()?;
    let config = configuration(args, &directory)?;
    let running = start(&config, args.listen.is_none(), &env).await?;
    let tasks = TaskTracker::new();
    let receivers = [Receiver::start(Manner::Steady, &tasks).await?, Receiver::start(Manner::Moody, &tasks).await?];
    let products = Product::all(&format!("http://{}", running.address), &running.admin_key.text)?;
    output::print(&story::opening(running.address, &running.admin_key.text, &products, &receivers, style))?;
    tokio::select! {
        told = tell(&running, style, &receivers) => told?,
        sent = send(&products, &receivers, &*env) => sent?,
        () = stop.received() => {}
    }
    lifecycle::stop(running, env, GRACE, async || stop.received().await).await;
    output::print(story::CLOSING)?;
    Ok(())
}

fn configuration(args: &cli::Demo, directory: &tempfile::TempDir) -> Result<Config, DemoError> {
    let usual = Config::default();
    let policy = Policy { allow_http: true, allowed: vec!["127.0.0.0/8".parse()?] };
    Ok(Config {
        data_dir: directory.path().to_owned(),
        listen: args.listen.unwrap_or(usual.listen),
        network: Network { policy, ..usual.network },
        ..usual
    })
}

/// Starts the server; where nobody asked for an address and the usual one is taken, on a free one.
async fn start(config: &Config, any_port: bool, env: &Arc<dyn Env>) -> Result<Running, DemoError> {
    match wire::start(config, Externals::real(env.clone())).await {
        Err(wire::Error::Listen { .. }) if any_port => {
            let mut config = config.clone();
            config.listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
            Ok(wire::start(&config, Externals::real(env.clone())).await?)
        }
        started => Ok(started?),
    }
}

/// Makes the projects, registers the receivers, then sends events for ever, to one product after the other.
async fn send(products: &[Product], receivers: &[Receiver], env: &dyn Env) -> Result<(), DemoError> {
    let admin = &products.first().ok_or("there is a built-in dialect")?.client;
    for product in products {
        prepare(admin, product, receivers).await?;
    }
    for (number, product) in products.iter().cycle().enumerate() {
        post(&product.client, "events", &product.event(number / products.len())).await?;
        env.sleep(PACE).await;
    }
    Ok(())
}

/// The first product has a receiver that fails at times; the others have one that takes everything.
async fn prepare(admin: &Client, product: &Product, receivers: &[Receiver]) -> Result<(), DemoError> {
    if !product.is_first() {
        let project = json!({ "name": product.dialect.title, "slug": product.slug(), "dialect": product.dialect.name });
        post(admin, "projects", &project).await?;
    }
    for receiver in receivers.iter().filter(|receiver| product.is_first() || receiver.manner == Manner::Steady) {
        let endpoint = json!({
            "name": receiver.manner.name(),
            "url": receiver.url(),
            "events": ["*"],
            "retry": { "schedule": ["1s", "2s", "4s"] },
        });
        post(&product.client, "endpoints", &endpoint).await?;
    }
    Ok(())
}

async fn post(client: &Client, what: &str, body: &serde_json::Value) -> Result<(), client::Error> {
    client.send(&Request::new(Method::POST, &[what]).with_body(body.to_string())).await.map(|_| ())
}

/// Prints every attempt as it is recorded.
async fn tell(running: &Running, style: OutputStyle, receivers: &[Receiver]) -> Result<(), DemoError> {
    let mut attempts = running.store.watch();
    loop {
        let recorded = match attempts.recv().await {
            Ok(recorded) => recorded,
            Err(tokio::sync::broadcast::error::RecvError::Lagged(_)) => continue,
            Err(tokio::sync::broadcast::error::RecvError::Closed) => return Ok(()),
        };
        let found: Option<FullDelivery> =
            running.store.delivery(recorded.project, recorded.delivery, Bodies::Without).await?;
        let line = found.and_then(|delivery| {
            let endpoint = running.store.directory().endpoint(recorded.endpoint).cloned()?;
            let receiver = receivers.iter().find(|receiver| receiver.url() == endpoint.settings.url.as_str())?;
            let project = running.store.directory().project(recorded.project).cloned()?;
            story::attempt(&delivery, recorded.attempt, project.slug.as_str(), receiver.manner.name(), style)
        });
        output::print(&line.unwrap_or_default())?;
    }
}
