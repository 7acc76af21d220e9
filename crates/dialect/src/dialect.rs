//! A dialect: all the rules by which a product speaks, checked and ready to use.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use model::attempt::Failure;
use model::health::DisableRule;
use model::retry::Policy;
use model::secret::{Form, Signing};
use serde::Deserialize;

use crate::body::Body;
use crate::catalogue::Catalogue;
use crate::document::Document;
use crate::line::HeaderLine;
use crate::mistake::{Mistake, Mistakes};
use crate::root::Root;
use crate::shape::STANDARD;
use crate::sign::{KeyForm, Scheme};
use crate::syntax::Readable;
use crate::template::{Addressee, Occasion, Rendered};
use crate::{compile, header, interchange};

/// Longer files are refused.
pub const LONGEST: usize = 256 * 1024;

/// The files in `dialects/`, each with the name that it gives itself.
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

/// The file of one, comments and all: an example for writers of their own.
pub fn built_in_text(name: &str) -> Option<&'static str> {
    FILES.into_iter().find(|(known, _)| *known == name).map(|(_, text)| text)
}

pub fn built_in_names() -> impl Iterator<Item = &'static str> {
    FILES.into_iter().map(|(name, _)| name)
}

#[derive(Clone, Debug)]
pub struct Dialect {
    pub name: String,
    /// Its name, if it comes with Posthaste.
    pub built_in: Option<Arc<str>>,
    /// What people read.
    pub title: String,
    /// `#rrggbb`.
    pub accent_color: Option<String>,
    /// How deliveries are retried. A status that disables an endpoint is never retried.
    pub retry: Policy,
    pub disable: DisableRule,
    /// Whether disabling an endpoint is announced to its project.
    pub notify: bool,
    pub endpoints: Endpoints,
    pub limits: Limits,
    /// REST surfaces served at the root.
    pub surfaces: Vec<String>,
    pub providers: Providers,
    pub catalogue: Catalogue,
    /// Sent with every delivery, in this order.
    pub(crate) headers: Vec<HeaderLine>,
    pub(crate) schemes: Vec<Scheme>,
    pub(crate) body: Body,
}

/// Rules for endpoints.
#[derive(Clone, Debug)]
pub struct Endpoints {
    /// What the product calls one.
    pub word: String,
    pub editable: bool,
    pub pausable: bool,
    pub secret: SecretRule,
    pub rotate: RotateRule,
    pub https_only: bool,
    pub events: EventsRule,
    /// What the product calls a tenant; `None` if it has none.
    pub tenant: Option<String>,
}

/// Whether endpoints have secrets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecretRule {
    /// One is made if none is given.
    #[default]
    Always,
    /// Those that were given one.
    Optional,
    Never,
}

/// What becomes of a secret when another takes its place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RotateRule {
    /// Both sign for a while.
    #[default]
    Overlap,
    /// The old one ends with the rotation, always.
    AtOnce,
}

/// How many event types an endpoint names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventsRule {
    /// Any number. None at all means every type.
    #[default]
    Many,
    /// One or more.
    #[serde(rename = "some")]
    AtLeastOne,
    One,
}

#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// For a whole request: connect, TLS, headers and body.
    pub timeout: Duration,
    /// Of an answer's body; reading stops there.
    pub response_bytes: usize,
    /// Of an event's data.
    pub payload_bytes: usize,
}

/// Chat and automation services that endpoints may belong to.
#[derive(Clone, Copy, Debug)]
pub struct Providers {
    /// They are recognised from the URL.
    pub detect: bool,
    /// They get messages in their own form.
    pub cards: bool,
}

impl Dialect {
    /// Reads a dialect file. What it leaves out is as in `standard`.
    pub fn parse(text: &str) -> Result<Self, Vec<Mistake>> {
        if text.len() > LONGEST {
            let message = format!("a dialect file has at most {LONGEST} bytes, and this one {}", text.len());
            return Err(vec![Mistake { key: String::new(), line: None, message }]);
        }
        let readable = Readable::of(text);
        let (document, mut mistakes) = (Document::read(&readable.text), Mistakes::default());
        let dialect = document.file(&mut mistakes).map(|file| compile::dialect(file, &document.whole(), &mut mistakes));
        readable.add_to(mistakes).none_or(dialect).map(|dialect| dialect.expect("a file without mistakes is typed"))
    }

    /// Reads the same from JSON. Lines are told only of what is wrong with the JSON itself.
    pub fn from_json(json: &str) -> Result<Self, Vec<Mistake>> {
        let text = interchange::toml_from_json(json)?;
        Self::parse(&text).map_err(|mut mistakes| {
            mistakes.iter_mut().for_each(|mistake| mistake.line = None);
            mistakes
        })
    }

    /// The body in the dialect's own form. Paths into values that lead nowhere are noted; an event without a brand, say, is not.
    pub fn body(&self, occasion: &Occasion<'_>, addressee: &Addressee) -> Result<Rendered, Failure> {
        self.body.render(occasion, addressee)
    }

    /// Which texts are secrets here.
    pub fn secret_form(&self) -> Form {
        let mut symmetric = self.schemes.iter().filter(|scheme| !scheme.algorithm.is_asymmetric()).peekable();
        let only_asymmetric = symmetric.peek().is_none() && !self.schemes.is_empty();
        let any = symmetric.peek().is_some();
        if only_asymmetric || any && symmetric.all(|scheme| scheme.key == KeyForm::Whsec) {
            Form::Standard
        } else {
            Form::Text
        }
    }

    /// Whether endpoints can be signed to in this way.
    pub fn signs_with(&self, signing: Signing) -> bool {
        self.schemes.iter().any(|scheme| scheme.algorithm.is_asymmetric() == (signing == Signing::Ed25519))
    }

    /// Whether the members of an event's data stand at the top level of the body: its data has to be an object.
    pub fn spreads_data(&self) -> bool {
        self.body.spreads_data()
    }

    /// Whether bodies show the event's summary.
    pub fn tells_summary(&self) -> bool {
        self.body.shows(Root::Summary)
    }

    /// Whether a header of this name is the dialect's or the connection's, whatever its case: an endpoint may not set it.
    pub fn reserved(&self, name: &str) -> bool {
        let dialects =
            self.headers.iter().map(|header| &header.name).chain(self.schemes.iter().map(|scheme| &scheme.header));
        header::is_reserved(name) || dialects.into_iter().any(|own| header::are_twins(own, name))
    }
}
