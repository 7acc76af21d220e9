//! Commands that work on the files themselves, or on nothing: no server may be running on them.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use model::env::Env;
use store::Store;
use store::handle::Backend;
use store::seal::MasterKey;

use crate::cli::exit;
use crate::config::{Config, Environment};
use crate::{keys, output, wire};

/// The variable that holds the new master key when the old one comes from the environment.
const NEW_MASTER_KEY: &str = "POSTHASTE_NEW_MASTER_KEY";

/// `posthaste openapi`
pub fn openapi() -> ExitCode {
    match api::openapi().to_pretty_json() {
        Ok(document) => done(&format!("{document}\n")),
        Err(error) => failed(&error),
    }
}

/// `posthaste migrate`
pub async fn migrate(config: &Config) -> ExitCode {
    let place = match wire::place(config) {
        Ok(place) => place,
        Err(error) => return failed(&error),
    };
    match Store::migrate(&place).await {
        Ok(applied) if applied.is_empty() => done("The database is up to date.\n"),
        Ok(applied) => done(&format!("Applied {}.\n", applied.join(", "))),
        Err(error) => failed(&error),
    }
}

/// `posthaste keys rotate-master`
///
/// The new key is on disk before the database is encrypted with it, and takes the old one's place after that. So a
/// crash in between leaves a database and the key that opens it: `master.key` or, until it is put in place, the one
/// beside it.
pub async fn rotate_master_key(
    config: &Config,
    new_key_file: Option<&Path>,
    environment: &Environment,
    env: &dyn Env,
) -> ExitCode {
    match rotate(config, new_key_file, environment, env).await {
        Ok(message) => done(&message),
        Err(error) => failed(&*error),
    }
}

type OfflineError = Box<dyn std::error::Error>;

async fn rotate(
    config: &Config,
    new_key_file: Option<&Path>,
    environment: &Environment,
    env: &dyn Env,
) -> Result<String, OfflineError> {
    let place = wire::place(config)?;
    if !Store::is_in(&place).await? {
        return Err(match &place {
            Backend::Embedded { data_dir } => format!("there is no database in {}", data_dir.display()).into(),
            Backend::Postgres(_) => "there is nothing of Posthaste in the database that database_url names".into(),
        });
    }
    let old = wire::master_key(config, &place, env).await?;
    let from_environment = config.master_key.is_some();
    let given = given_key(new_key_file, environment)?;
    if from_environment && given.is_none() {
        return Err(format!(
            "the master key comes from the environment: give the new one with {NEW_MASTER_KEY} or --new-key-file"
        )
        .into());
    }
    let new = given.unwrap_or_else(|| keys::generate(env));
    let kept = if from_environment { None } else { Some(keys::keep_next(config, &new)?) };
    let count = Store::rotate_master_key(&place, &old, &new, env).await?;
    let secrets =
        if count == 1 { "1 endpoint's secrets are".to_owned() } else { format!("{count} endpoints' secrets are") };
    match kept {
        Some(next) => {
            let path = next.put_in_place()?;
            Ok(format!("{secrets} encrypted with the new key, which is in {}.\n", path.display()))
        }
        None => {
            Ok(format!("{secrets} encrypted with the new key. Set POSTHASTE_MASTER_KEY to it before the next start.\n"))
        }
    }
}

fn given_key(file: Option<&Path>, environment: &Environment) -> Result<Option<MasterKey>, OfflineError> {
    let text = match file {
        Some(path) => {
            Some(fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?)
        }
        None => environment.var(NEW_MASTER_KEY).map(str::to_owned),
    };
    Ok(text.map(|text| MasterKey::parse(&text)).transpose()?)
}

fn done(message: &str) -> ExitCode {
    match output::print(message) {
        Ok(()) => ExitCode::from(exit::DONE),
        Err(error) => failed(&error),
    }
}

fn failed(error: &(impl std::fmt::Display + ?Sized)) -> ExitCode {
    output::print_error(&format!("error: {error}"));
    ExitCode::from(exit::FAILED)
}
