//! `posthaste serve`: a server from its start to a signal.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use model::env::Env;

use crate::cli::exit;
use crate::config::Config;
use crate::env::RealEnv;
use crate::lifecycle::{self, StopSignal};
use crate::wire::{self, Externals, Running};
use crate::{open_files, output, telemetry};

/// Serves until SIGTERM, SIGINT or SIGHUP. Exits 0 when all that was in flight is recorded, or the grace is over.
pub async fn serve(config: Config) -> ExitCode {
    telemetry::start(&config.log);
    open_files::raise_limit();
    let env: Arc<dyn Env> = Arc::new(RealEnv::new());
    let format = config.log.format;
    let failed = |message: &str| {
        telemetry::complain(format, &*env, &format!("error: {message}"));
        ExitCode::from(exit::FAILED)
    };
    let mut signals = match StopSignal::listen() {
        Ok(signals) => signals,
        Err(error) => return failed(&format!("signals cannot be listened to: {error}")),
    };
    let running = match wire::start(&config, Externals::real(env.clone())).await {
        Ok(running) => running,
        Err(error) => {
            let code = if error.is_configuration() { exit::BAD_CONFIGURATION } else { exit::FAILED };
            telemetry::complain(format, &*env, &format!("error: {error}"));
            return ExitCode::from(code);
        }
    };
    if running.admin_key.is_new {
        let told = format!(
            "The admin key, shown once and kept in {}: {}",
            config.data_dir.join("admin.key").display(),
            running.admin_key.text
        );
        output::print_error(&telemetry::line(format, &*env, tracing::Level::INFO, &told));
    }
    tell_start(&config, &running);
    let listening = format!("listening on http://{}", running.address);
    if let Err(error) = output::print(&(telemetry::line(format, &*env, tracing::Level::INFO, &listening) + "\n")) {
        return failed(&format!("standard output cannot be written: {error}"));
    }
    attend(running, &config, &env, async || signals.received().await).await
}

/// Sees to a running server until `told_to_stop` resolves, and ends it: at once, when that resolves again.
async fn attend(
    running: Running,
    config: &Config,
    env: &Arc<dyn Env>,
    mut told_to_stop: impl AsyncFnMut(),
) -> ExitCode {
    tokio::select! {
        () = told_to_stop() => {}
        name = running.broke() => {
            let told = format!("error: the worker \"{name}\" has died, which is a bug; start again: nothing accepted is lost");
            telemetry::complain(config.log.format, &**env, &told);
            return ExitCode::from(exit::FAILED);
        }
    }
    let grace_ms = u64::try_from(config.delivery.grace.as_millis()).unwrap_or(u64::MAX);
    tracing::info!(grace_ms, "stopping; a second SIGTERM or SIGINT ends the grace");
    let ending = lifecycle::stop(running, env.clone(), config.delivery.grace, told_to_stop).await;
    if !ending.finished {
        tracing::warn!("stopped with work in flight; what was not recorded is sent again after the next start");
    }
    if !ending.closed {
        tracing::warn!(
            "stopped before the store had closed; nothing accepted is lost, and the next start goes on as after a crash"
        );
    }
    ExitCode::from(exit::DONE)
}

/// A line with all that tells this server from others.
fn tell_start(config: &Config, running: &Running) {
    let path = |path: &PathBuf| path.display().to_string();
    let workers: Vec<&str> = running.workers.iter().map(|worker| worker.name).collect();
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        roles = %config.roles,
        workers = %workers.join(","),
        database = if config.database.url.is_some() { "postgres" } else { "embedded" },
        data_dir = path(&config.data_dir),
        config.file = config.file.as_ref().map(path),
        address = %running.address,
        public_url = config.public_url,
        "started"
    );
    if !config.roles.api && !config.roles.deliver {
        tracing::warn!(
            "nothing can be received from providers yet: with this role alone the node only tells of its health"
        );
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use testkit::patiently;

    use super::*;
    use crate::worker::Worker;

    /// A configuration with every worker there is, on data that is gone with the directory.
    fn config(directory: &tempfile::TempDir) -> Config {
        let mut config = Config { data_dir: directory.path().join("data"), ..Config::default() };
        config.listen.set_port(0);
        config.smtp.url = Some("smtp://127.0.0.1:1".parse().unwrap());
        config.smtp.from = Some("Posthaste <hooks@example.com>".parse().unwrap());
        config
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_worker_that_panics_is_named_and_ends_the_process_with_1() {
        let env: Arc<dyn Env> = Arc::new(RealEnv::new());
        let mut all = Vec::new();
        for place in 0..4 {
            let directory = tempfile::tempdir().unwrap();
            let config = config(&directory);
            let mut running = wire::start(&config, Externals::real(env.clone())).await.unwrap();
            assert_eq!(running.workers.len(), 4);
            let name = running.workers[place].name;
            running.workers[place].stop().await;
            running.workers[place] = Worker::start(name, |_| async { panic!("a worker's bug") });

            assert_eq!(patiently(running.broke(), || format!("{name} was not missed")).await, name);
            let end = patiently(attend(running, &config, &env, pending), || format!("{name} was not missed"));
            assert_eq!(end.await, ExitCode::from(exit::FAILED), "{name}");
            all.push(name);
        }
        all.sort_unstable();
        assert_eq!(all, ["engine", "listener", "mailer", "retention"]);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_server_that_is_told_to_stop_ends_with_0() {
        let env: Arc<dyn Env> = Arc::new(RealEnv::new());
        let directory = tempfile::tempdir().unwrap();
        let config = config(&directory);
        let running = wire::start(&config, Externals::real(env.clone())).await.unwrap();

        let mut signals = [()].into_iter();
        let signals = async || match signals.next() {
            Some(()) => {}
            None => pending().await,
        };
        let end = patiently(attend(running, &config, &env, signals), || "it does not end".to_owned()).await;

        assert_eq!(end, ExitCode::from(exit::DONE));
    }
}
