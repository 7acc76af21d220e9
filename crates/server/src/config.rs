//! The configuration: flags over environment over file over defaults, read so that every mistake is told at once.

mod environment;
mod example;
mod file;
mod flags;
mod mistake;
mod settings;
#[cfg(test)]
mod tests;
mod values;

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lettre::message::Mailbox;
use model::network::Policy;
use model::retention::Retention;
use store::seal::MasterKey;

pub use environment::Environment;
pub use example::example;
pub use flags::Flags;
pub use mistake::{Mistake, Place};

use crate::mail::Relay;
use file::File;
use settings::{SETTINGS, Setting};

/// What `serve` runs with. Secrets in it are not printed.
#[derive(Clone, Debug)]
pub struct Config {
    /// The file that was read, if one was.
    pub file: Option<PathBuf>,
    pub listen: SocketAddr,
    pub data_dir: PathBuf,
    /// Where the world reaches us, without a slash at the end.
    pub public_url: Option<String>,
    pub roles: Roles,
    /// From the environment alone.
    pub admin_key: Option<Hidden>,
    /// From the environment alone. It wins over the file.
    pub master_key: Option<MasterKey>,
    pub master_key_file: Option<PathBuf>,
    pub network: Network,
    pub database: Database,
    pub cluster: Cluster,
    pub delivery: Delivery,
    pub api: Api,
    /// Of projects that have none of their own.
    pub retention: Retention,
    pub smtp: Smtp,
    pub log: Log,
}

/// What this node does. At least one of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Roles {
    pub api: bool,
    pub deliver: bool,
    pub receive: bool,
}

impl fmt::Display for Roles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let roles = [("api", self.api), ("deliver", self.deliver), ("receive", self.receive)];
        let names: Vec<&str> = roles.into_iter().filter(|(_, is_set)| *is_set).map(|(name, _)| name).collect();
        f.write_str(&names.join(","))
    }
}

/// How we reach endpoints.
#[derive(Clone, Debug, Default)]
pub struct Network {
    pub policy: Policy,
    /// An `http://` URL, which may hold a password.
    pub proxy: Option<Hidden>,
    /// The proxy resolves names itself.
    pub proxy_resolves: bool,
    /// Certificates in PEM, trusted besides the system's. It can be read.
    pub ca_file: Option<PathBuf>,
}

/// A PostgreSQL. Without its URL the database is the embedded one in the data directory.
#[derive(Clone, Debug, Default)]
pub struct Database {
    pub url: Option<Hidden>,
    /// The server itself, where `url` is of a pooler.
    pub direct_url: Option<Hidden>,
    pub connections: usize,
    /// Of the embedded database.
    pub accept_journal_loss: bool,
    /// How long a caller waits while the database is away.
    pub patience: Duration,
}

/// This node among those that share a PostgreSQL.
#[derive(Clone, Debug, Default)]
pub struct Cluster {
    pub node_name: Option<String>,
    pub lease: Duration,
}

#[derive(Clone, Debug, Default)]
pub struct Delivery {
    /// Attempts in flight on this node.
    pub concurrency: usize,
    /// Attempts in flight to one endpoint. Never more than `concurrency`.
    pub per_endpoint: usize,
    /// Attempts in flight to one host, whatever endpoints and projects they are for.
    pub per_host: usize,
    /// How long SIGTERM waits for what is in flight.
    pub grace: Duration,
}

#[derive(Clone, Debug, Default)]
pub struct Api {
    pub max_batch_bytes: usize,
    /// Any number, if it is zero.
    pub connections_per_address: usize,
}

/// How admins are mailed. Without a server they are not.
#[derive(Clone, Debug, Default)]
pub struct Smtp {
    pub url: Option<Relay>,
    /// Given if there is a server.
    pub from: Option<Mailbox>,
}

#[derive(Clone, Debug)]
pub struct Log {
    pub format: LogFormat,
    pub level: tracing::Level,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    Text,
    Json,
}

/// Text that is not printed by accident.
#[derive(Clone, PartialEq, Eq)]
pub struct Hidden(String);

impl Hidden {
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// The file that is read when none is named, if it is there.
pub const USUAL_FILE: &str = "posthaste.toml";

/// Reads the configuration from everywhere. All mistakes come back at once, those of the file first, by line.
pub fn load(flags: &Flags, environment: &Environment) -> Result<Config, Vec<Mistake>> {
    let mut mistakes = environment.misspelt();
    let file = read_file(flags, environment).unwrap_or_else(|mistake| {
        mistakes.push(mistake);
        File::default()
    });
    mistakes.extend_from_slice(&file.mistakes);

    let mut config = Config { file: file.path.clone(), ..Config::unset() };
    let layers = |setting: &Setting| [flags.words(setting), environment.words(setting), file.words(setting)];
    for setting in SETTINGS {
        settle(setting, layers(setting), &mut config, &mut mistakes);
    }
    let said = |key: &str| {
        let setting = SETTINGS.iter().find(|setting| setting.key == key)?;
        layers(setting).into_iter().flatten().flatten().next()
    };
    if let (Some(url), None) = (said("smtp.url"), said("smtp.from")) {
        let what = "needs smtp.from, the address that mail is from: write it like Posthaste <webhooks@example.com>";
        mistakes.push(Mistake::new(url.place, "smtp.url", what));
    }
    if let (Some(url), None) = (said("database.direct_url"), said("database_url")) {
        let what = "needs database_url, the pooler's own URL; without a pooler, write this one there";
        mistakes.push(Mistake::new(url.place, "database.direct_url", what));
    }
    if let (Some(switch), None, true) =
        (said("network.proxy_resolves"), said("network.proxy"), config.network.proxy_resolves)
    {
        let what = "needs network.proxy, the proxy that resolves names; without a proxy, leave this out";
        mistakes.push(Mistake::new(switch.place, "network.proxy_resolves", what));
    }
    if let (Some(roles), None, false) = (said("roles"), said("database_url"), config.roles.deliver) {
        let what = "must hold deliver on the embedded database: no other process can deliver from it, so nothing ever \
                    would be; add deliver, or name a database_url that other nodes share";
        mistakes.push(Mistake::new(roles.place, "roles", what));
    }
    config.delivery.per_endpoint = config.delivery.per_endpoint.min(config.delivery.concurrency);
    config.delivery.per_host = config.delivery.per_host.min(config.delivery.concurrency);
    mistakes.sort_by(|one, other| one.place.cmp(&other.place));
    if mistakes.is_empty() { Ok(config) } else { Err(mistakes) }
}

/// Where `serve` would keep its data if it were started here without flags: as the environment or the file says, whatever
/// else is wrong with them.
pub fn data_dir(environment: &Environment) -> PathBuf {
    let setting = SETTINGS.iter().find(|setting| setting.key == "data_dir").expect("it is in the table");
    let file = read_file(&Flags::default(), environment).unwrap_or_default();
    let mut config = Config::unset();
    settle(setting, [None, environment.words(setting), file.words(setting)], &mut config, &mut Vec::new());
    config.data_dir
}

fn read_file(flags: &Flags, environment: &Environment) -> Result<File, Mistake> {
    let named = flags.config().or_else(|| environment.var("POSTHASTE_CONFIG"));
    let path = Path::new(named.unwrap_or(USUAL_FILE));
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(file::parse(path, &text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && named.is_none() => Ok(File::default()),
        Err(error) => Err(Mistake::of_file(path, format!("cannot be read: {error}"))),
    }
}

/// What was written for a setting in one place, a word for each item of a list.
type Words = Vec<Word>;

#[derive(Clone, Debug)]
struct Word {
    text: String,
    place: Place,
}

/// Takes the first layer that says something about `setting`. Those beneath are read as well, for their mistakes.
fn settle(setting: &Setting, layers: [Option<Words>; 3], config: &mut Config, mistakes: &mut Vec<Mistake>) {
    let mut said = layers.into_iter().flatten();
    match said.next() {
        Some(words) => take(setting, &words, config, mistakes),
        None => settings::set_default(setting, config),
    }
    for words in said {
        take(setting, &words, &mut Config::unset(), mistakes);
    }
}

fn take(setting: &Setting, words: &Words, config: &mut Config, mistakes: &mut Vec<Mistake>) {
    for Word { text, place } in words {
        if let Err(what) = (setting.set)(config, text) {
            let subject = if setting.secret { "the value".to_owned() } else { format!("{text:?}") };
            mistakes.push(Mistake::new(place.clone(), setting.key, format!("{subject} is {what}")));
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

impl Config {
    /// Before anything is set, the defaults of the table included.
    fn unset() -> Self {
        Self {
            file: None,
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            data_dir: PathBuf::new(),
            public_url: None,
            roles: Roles::default(),
            admin_key: None,
            master_key: None,
            master_key_file: None,
            network: Network::default(),
            database: Database::default(),
            cluster: Cluster::default(),
            delivery: Delivery::default(),
            api: Api::default(),
            retention: Retention::default(),
            smtp: Smtp::default(),
            log: Log { format: LogFormat::Text, level: tracing::Level::INFO },
        }
    }
}
