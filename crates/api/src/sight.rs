//! How much of what is confidential a caller is shown. What is masked, and by what it is known, stands in [`mask`].

use std::collections::BTreeMap;

use dialect::{Dialect, header};
use model::attempt::Failure;
use model::endpoint::Settings;
use model::headers::Headers;
use model::key::Scope;
use model::mask;
use web::caller::Caller;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Sight {
    /// Whole URLs of endpoints, and those of their headers that do not look like credentials: for those who set them.
    sets_endpoints: bool,
    /// Addresses of the network that the server stands in.
    is_admin: bool,
}

impl Sight {
    pub(crate) fn of(caller: &Caller) -> Self {
        Self { sets_endpoints: caller.may(Scope::EndpointsWrite).is_ok(), is_admin: caller.may(Scope::Admin).is_ok() }
    }

    /// Whether credentials in a dialect's file are shown, which only an admin can put there.
    pub(crate) fn shows_dialects_whole(self) -> bool {
        self.is_admin
    }

    pub(crate) fn url(self, settings: &Settings) -> String {
        if self.sets_endpoints { settings.url.as_str().to_owned() } else { mask::url(settings) }
    }

    /// Headers of an endpoint's own.
    pub(crate) fn own_headers(self, headers: &[(String, String)]) -> BTreeMap<String, String> {
        let shown = |(name, value): &(String, String)| {
            let value = if self.sets_endpoints { mask::header(name, value) } else { mask::MASK };
            (name.clone(), value.to_owned())
        };
        headers.iter().map(shown).collect()
    }

    /// Headers of an attempt as they were sent. Those that neither the connection nor the dialect makes are the endpoint's
    /// own.
    pub(crate) fn sent_headers(self, headers: &Headers, dialect: Option<&Dialect>) -> BTreeMap<String, String> {
        let is_ours = |name: &str| dialect.map_or_else(|| header::is_reserved(name), |dialect| dialect.reserved(name));
        by_name(headers, |name| self.sets_endpoints || is_ours(name))
    }

    /// Headers of an attempt as they came.
    pub(crate) fn answered_headers(self, headers: &Headers) -> BTreeMap<String, String> {
        by_name(headers, |_| true)
    }

    pub(crate) fn failure(self, failure: Failure) -> Failure {
        if self.is_admin { failure } else { mask::failure(&failure) }
    }
}

/// Headers that came more than once are joined, as RFC 9110, section 5.2, reads them.
fn by_name(headers: &Headers, is_open: impl Fn(&str) -> bool) -> BTreeMap<String, String> {
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in headers.iter() {
        let value = if is_open(name) { mask::header(name, value) } else { mask::MASK };
        names
            .entry(name.to_owned())
            .and_modify(|values| {
                values.push_str(", ");
                values.push_str(value);
            })
            .or_insert_with(|| value.to_owned());
    }
    names
}
