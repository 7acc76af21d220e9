//! The dialects that come with Posthaste.

use std::sync::{Arc, LazyLock};

use crate::dialect::Dialect;
use crate::keys::STANDARD;

/// The files in `dialects/`, each with the name that stands in it.
const FILES: [(&str, &str); 6] = [
    ("standard", STANDARD),
    ("trackelio", include_str!("../dialects/trackelio.toml")),
    ("trakkr", include_str!("../dialects/trakkr.toml")),
    ("tracktile", include_str!("../dialects/tracktile.toml")),
    ("trackdesk", include_str!("../dialects/trackdesk.toml")),
    ("helpdesk", include_str!("../dialects/helpdesk.toml")),
];

static BUILT_IN: LazyLock<Vec<Arc<Dialect>>> = LazyLock::new(|| {
    let made = |(name, text): (&str, &str)| {
        let dialect = Dialect::parse(text).expect("a test reads every built-in file");
        Arc::new(Dialect { built_in: Some(name.into()), ..dialect })
    };
    FILES.into_iter().map(made).collect()
});

/// A dialect that comes with Posthaste.
pub fn built_in(name: &str) -> Option<Arc<Dialect>> {
    BUILT_IN.iter().find(|dialect| dialect.name == name).cloned()
}

/// Returns the file of a built-in dialect, comments and all: an example for people who write their own.
pub fn built_in_text(name: &str) -> Option<&'static str> {
    FILES.into_iter().find(|(known, _)| *known == name).map(|(_, text)| text)
}

pub fn built_in_names() -> impl Iterator<Item = &'static str> {
    FILES.into_iter().map(|(name, _)| name)
}
