//! The configuration: flags over environment over file over defaults, read so that every mistake is told at once.

mod config_values;
mod diagnostic;
mod effective;
mod environment;
mod example;
mod file;
mod flags;
mod settings;
#[cfg(test)]
mod tests;
mod values;

use std::path::{Path, PathBuf};

pub use self::diagnostic::{ConfigDiagnostic, ConfigLocation};
pub use self::effective::{Api, Cluster, Config, Database, Delivery, Log, LogFormat, Network, Redacted, Roles, Smtp};
pub use self::environment::Environment;
pub use self::example::example;
pub use self::flags::Flags;

use self::config_values::{ConfigValue, ConfigValues};
use self::file::File;
use self::settings::{SETTINGS, Setting};

/// The file that is read when none is named, if it is there.
pub const USUAL_FILE: &str = "posthaste.toml";

/// Reads the configuration from everywhere. All mistakes come back at once, those of the file first, by line.
pub fn load(flags: &Flags, environment: &Environment) -> Result<Config, Vec<ConfigDiagnostic>> {
    let mut diagnostics = environment.misspelt();
    let file = read_file(flags, environment).unwrap_or_else(|diagnostic| {
        diagnostics.push(diagnostic);
        File::default()
    });
    diagnostics.extend_from_slice(&file.diagnostics);

    let mut config = Config { file: file.path.clone(), ..Config::unset() };
    let layers = |setting: &Setting| [flags.values(setting), environment.values(setting), file.values(setting)];
    for setting in SETTINGS {
        settle(setting, layers(setting), &mut config, &mut diagnostics);
    }
    let said = |key: &str| {
        let setting = SETTINGS.iter().find(|setting| setting.key == key)?;
        layers(setting).into_iter().flatten().flatten().next()
    };
    if let (Some(url), None) = (said("smtp.url"), said("smtp.from")) {
        let what = "needs smtp.from, the address that mail is from: write it like Posthaste <webhooks@example.com>";
        diagnostics.push(ConfigDiagnostic::new(url.location, "smtp.url", what));
    }
    if let (Some(url), None) = (said("database.direct_url"), said("database_url")) {
        let what = "needs database_url, the pooler's own URL; without a pooler, write this one there";
        diagnostics.push(ConfigDiagnostic::new(url.location, "database.direct_url", what));
    }
    if let (Some(switch), None, true) =
        (said("network.proxy_resolves"), said("network.proxy"), config.network.proxy_resolves)
    {
        let what = "needs network.proxy, the proxy that resolves names; without a proxy, leave this out";
        diagnostics.push(ConfigDiagnostic::new(switch.location, "network.proxy_resolves", what));
    }
    if let (Some(roles), None, false) = (said("roles"), said("database_url"), config.roles.deliver) {
        let what = "must hold deliver on the embedded database: no other process can deliver from it, so nothing ever \
                    would be; add deliver, or name a database_url that other nodes share";
        diagnostics.push(ConfigDiagnostic::new(roles.location, "roles", what));
    }
    config.delivery.per_endpoint = config.delivery.per_endpoint.min(config.delivery.concurrency);
    config.delivery.per_host = config.delivery.per_host.min(config.delivery.concurrency);
    diagnostics.sort_by(|one, other| one.location.cmp(&other.location));
    if diagnostics.is_empty() { Ok(config) } else { Err(diagnostics) }
}

/// Where `serve` would keep its data if it were started here without flags: as the environment or the file says, whatever
/// else is wrong with them.
pub fn data_dir(environment: &Environment) -> PathBuf {
    let setting = SETTINGS.iter().find(|setting| setting.key == "data_dir").expect("it is in the table");
    let file = read_file(&Flags::default(), environment).unwrap_or_default();
    let mut config = Config::unset();
    settle(setting, [None, environment.values(setting), file.values(setting)], &mut config, &mut Vec::new());
    config.data_dir
}

fn read_file(flags: &Flags, environment: &Environment) -> Result<File, ConfigDiagnostic> {
    let named = flags.config().or_else(|| environment.var("POSTHASTE_CONFIG"));
    let path = Path::new(named.unwrap_or(USUAL_FILE));
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(file::parse(path, &text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && named.is_none() => Ok(File::default()),
        Err(error) => Err(ConfigDiagnostic::of_file(path, format!("cannot be read: {error}"))),
    }
}

/// Takes the first layer that says something about `setting`. Those beneath are read as well, for their mistakes.
fn settle(
    setting: &Setting,
    layers: [Option<ConfigValues>; 3],
    config: &mut Config,
    diagnostics: &mut Vec<ConfigDiagnostic>,
) {
    let mut said = layers.into_iter().flatten();
    match said.next() {
        Some(values) => take(setting, &values, config, diagnostics),
        None => settings::set_default(setting, config),
    }
    for values in said {
        take(setting, &values, &mut Config::unset(), diagnostics);
    }
}

fn take(setting: &Setting, values: &ConfigValues, config: &mut Config, diagnostics: &mut Vec<ConfigDiagnostic>) {
    for ConfigValue { text, location } in values {
        if let Err(what) = (setting.set)(config, text) {
            let subject = if setting.secret { "the value".to_owned() } else { format!("{text:?}") };
            diagnostics.push(ConfigDiagnostic::new(location.clone(), setting.key, format!("{subject} is {what}")));
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        let mut config = Self::unset();
        for setting in SETTINGS {
            settings::set_default(setting, &mut config);
        }
        config
    }
}
