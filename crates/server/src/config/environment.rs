//! The environment as it was when we started. The one place where its variables are read.

use std::collections::BTreeMap;

use super::config_values::{ConfigValue, ConfigValues};
use super::diagnostic::{ConfigDiagnostic, ConfigLocation};
use super::settings::{self, SETTINGS, Setting};

/// Variables of ours begin with this.
const PREFIX: &str = "POSTHASTE_";

/// Variables that are not settings of `serve`.
const OTHERS: [&str; 5] =
    ["POSTHASTE_CONFIG", "POSTHASTE_SERVER", "POSTHASTE_API_KEY", "POSTHASTE_PROJECT", "POSTHASTE_NEW_MASTER_KEY"];

/// Variables of others that we heed: whether colours are wanted (no-color.org) and possible.
const FOREIGN: [&str; 2] = ["NO_COLOR", "TERM"];

/// A snapshot. Empty variables count as absent, as in `POSTHASTE_PROXY=${PROXY:-}`.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// Variables that are not Unicode come with replacement characters, so that what reads them refuses them.
    #[expect(clippy::disallowed_methods, reason = "the one door to the environment")]
    pub fn of_process() -> Self {
        let ours = |name: &str| name.starts_with(PREFIX) || FOREIGN.contains(&name);
        let text = |os: std::ffi::OsString| os.to_string_lossy().into_owned();
        std::env::vars_os().map(|(name, value)| (text(name), text(value))).filter(|(name, _)| ours(name)).collect()
    }

    pub fn var(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    pub(super) fn values(&self, setting: &Setting) -> Option<ConfigValues> {
        let value = self.var(setting.env)?;
        let location = ConfigLocation::Variable(setting.env.to_owned());
        let config_value = |text: &str| ConfigValue { text: text.to_owned(), location: location.clone() };
        let values: ConfigValues = setting.split(value).map(config_value).collect();
        (!values.is_empty()).then_some(values)
    }

    /// Variables that look like ours but for a letter or two. Others are let be: an orchestrator sets some
    /// with our prefix (Kubernetes, for a service of our name, `POSTHASTE_SERVICE_HOST` and `POSTHASTE_PORT`).
    pub(super) fn misspelt(&self) -> Vec<ConfigDiagnostic> {
        let known = || SETTINGS.iter().map(|setting| setting.env).chain(OTHERS);
        let orchestrators = |name: &str| name.contains("_SERVICE_") || name.starts_with("POSTHASTE_PORT");
        let unknown = self.0.keys().filter(|name| name.starts_with(PREFIX) && !known().any(|ours| ours == *name));
        let meant = |name: &String| Some((name.clone(), settings::nearest(name, known(), 2)?));
        let diagnostic = |(name, meant): (String, &str)| {
            ConfigDiagnostic::new(
                ConfigLocation::Variable(name),
                "",
                format!("unknown variable; did you mean {meant}?"),
            )
        };
        unknown.filter(|name| !orchestrators(name)).filter_map(meant).map(diagnostic).collect()
    }
}

impl FromIterator<(String, String)> for Environment {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(variables: I) -> Self {
        Self(variables.into_iter().collect())
    }
}

impl<const N: usize> From<[(&str, &str); N]> for Environment {
    fn from(variables: [(&str, &str); N]) -> Self {
        variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }
}
