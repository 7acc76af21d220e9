//! The flags of `serve`, made from the table of settings. Their values are read by the loader, so that a bad one is
//! told together with all other mistakes.

use std::collections::BTreeMap;

use clap::{Arg, ArgAction, ArgMatches, Command};

use super::config_values::{ConfigValue, ConfigValues};
use super::diagnostic::ConfigLocation;
use super::settings::{SETTINGS, Setting, Shape, UnlessSet};

const CONFIG: &str = "config";

/// What was typed, unread.
#[derive(Clone, Default)]
pub struct Flags {
    config: Option<String>,
    values: BTreeMap<&'static str, Vec<String>>,
}

impl Flags {
    pub(super) fn config(&self) -> Option<&str> {
        self.config.as_deref()
    }

    pub(super) fn values(&self, setting: &Setting) -> Option<ConfigValues> {
        let location = ConfigLocation::Flag(format!("--{}", setting.flag?));
        let value = |text: &String| ConfigValue { text: text.clone(), location: location.clone() };
        Some(self.values.get(setting.key)?.iter().map(value).collect())
    }
}

/// Values may hold passwords: names only.
impl std::fmt::Debug for Flags {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.values.keys()).finish()
    }
}

impl clap::Args for Flags {
    fn augment_args(command: Command) -> Command {
        let config = Arg::new(CONFIG).long(CONFIG).value_name("FILE");
        let command =
            command.arg(config.help("Configuration file [POSTHASTE_CONFIG; ./posthaste.toml if it is there]"));
        SETTINGS.iter().filter_map(arg).fold(command, Command::arg)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

fn arg(setting: &'static Setting) -> Option<Arg> {
    let help = match setting.unless_set {
        UnlessSet::Default(text) => format!("{} [{}; {text}]", setting.help, setting.env),
        UnlessSet::Nothing { .. } => format!("{} [{}]", setting.help, setting.env),
    };
    let arg = Arg::new(setting.key).long(setting.flag?).value_name(setting.value).help(help);
    let arg = match setting.shape {
        Shape::Switch => arg.num_args(0..=1).require_equals(true).default_missing_value("true"),
        Shape::List => arg.action(ArgAction::Append).value_delimiter(','),
        Shape::Text | Shape::Number => arg,
    };
    Some(arg.allow_hyphen_values(setting.shape == Shape::Number))
}

impl clap::FromArgMatches for Flags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut flags = Self::default();
        flags.update_from_arg_matches(matches)?;
        Ok(flags)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.config = matches.get_one(CONFIG).cloned();
        for setting in SETTINGS.iter().filter(|setting| setting.flag.is_some()) {
            if let Some(values) = matches.get_many::<String>(setting.key) {
                self.values.insert(setting.key, values.cloned().collect());
            }
        }
        Ok(())
    }
}
