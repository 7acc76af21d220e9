//! `posthaste serve`: a server from its start to a signal.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use model::env::Env;

use crate::cli::exit;
use crate::config::Config;
use crate::env::RealEnv;
use crate::lifecycle::{self, StopSignal};
use crate::wire::{self, World};
use crate::{open_files, output, telemetry};

/// Serves until SIGTERM, SIGINT or SIGHUP. Exits 0 when all that was in flight is recorded.
pub async fn serve(config: Config) -> ExitCode {
    telemetry::start(&config.log);
    open_files::raise_limit();
    let env: Arc<dyn Env> = Arc::new(RealEnv::new());
    let format = config.log.format;
    let failed = |message: &str| {
        telemetry::complain(format, &*env, &format!("error: {message}"));
        ExitCode::from(exit::FAILED)
    };
    let mut stop = match StopSignal::listen() {
        Ok(stop) => stop,
        Err(error) => return failed(&format!("signals cannot be listened to: {error}")),
    };
    let running = match wire::start(&config, World::real(env.clone())).await {
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
        output::complain(&telemetry::line(format, &*env, tracing::Level::INFO, &told));
    }
    tell_start(&config, running.address);
    let listening = format!("listening on http://{}", running.address);
    if let Err(error) = output::print(&(telemetry::line(format, &*env, tracing::Level::INFO, &listening) + "\n")) {
        return failed(&format!("standard output cannot be written: {error}"));
    }
    tokio::select! {
        () = stop.received() => {}
        part = running.broke() => return failed(&format!("{part} has died, which is a bug; start again: nothing accepted is lost")),
    }
    tracing::info!(grace_ms = u64::try_from(config.delivery.grace.as_millis()).unwrap_or(u64::MAX), "stopping");
    let finished = lifecycle::stop(running, env.clone(), config.delivery.grace).await;
    if !finished {
        tracing::warn!("stopped with work in flight; what was not recorded is sent again after the next start");
    }
    ExitCode::from(exit::DONE)
}

/// A line with all that tells this server from others.
fn tell_start(config: &Config, address: SocketAddr) {
    let path = |path: &PathBuf| path.display().to_string();
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        roles = %config.roles,
        database = if config.database.url.is_some() { "postgres" } else { "embedded" },
        data_dir = path(&config.data_dir),
        config.file = config.file.as_ref().map(path),
        address = %address,
        public_url = config.public_url,
        "started"
    );
}
