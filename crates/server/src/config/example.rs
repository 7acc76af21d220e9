//! `config.example.toml`: every key with what it does, where else it can be said, and its default.

use std::fmt::Write as _;

use super::settings::{SETTINGS, Setting, Shape, UnlessSet};

const HEAD: &str = "\
# Posthaste reads this file from --config, POSTHASTE_CONFIG or ./posthaste.toml. No key is needed; a line that is
# commented out shows the default, or an example where there is none. Flags win over environment variables, and those
# over this file. `posthaste config check` finds mistakes.
#
# Secrets are never read from here:
";

/// The whole file, as `posthaste config print` writes it. All its keys are commented out.
pub fn example() -> String {
    let mut text = HEAD.to_owned();
    for secret in SETTINGS.iter().filter(|setting| !setting.in_file()) {
        add(&mut text, &format!("#   {:<22} {}\n", secret.env, secret.help));
    }
    let mut table = "";
    for setting in SETTINGS.iter().filter(|setting| setting.in_file()) {
        if setting.table() != table {
            table = setting.table();
            add(&mut text, &format!("\n[{table}]\n"));
        }
        add(&mut text, &entry(setting));
    }
    text
}

fn add(text: &mut String, line: &str) {
    text.write_str(line).expect("a String takes everything");
}

fn entry(setting: &Setting) -> String {
    let flag = setting.flag.unwrap_or_default();
    let example = match setting.unless_set {
        UnlessSet::Default(_) => "",
        UnlessSet::Nothing { .. } => "; not set, for example:",
    };
    let Setting { help, env, .. } = setting;
    format!("\n# {help}.\n# --{flag}, {env}{example}\n#{} = {}\n", setting.name(), literal(setting))
}

/// The default or example, as TOML writes it.
pub(super) fn literal(setting: &Setting) -> String {
    let quoted = |text: &str| format!("\"{text}\"");
    match setting.shape {
        Shape::Text => quoted(setting.shown()),
        Shape::Number | Shape::Switch => setting.shown().to_owned(),
        Shape::List => format!("[{}]", setting.split(setting.shown()).map(quoted).collect::<Vec<_>>().join(", ")),
    }
}
