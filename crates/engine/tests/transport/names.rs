//! DNS as a test writes it: what each name resolves to, lookup after lookup.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Mutex;

use engine::resolve::{Error, Lookup, Resolve};

/// Names that are not in it do not exist.
#[derive(Default)]
pub(crate) struct Names(HashMap<String, Mutex<Vec<Entry>>>);

#[derive(Clone)]
enum Entry {
    Addresses(Vec<IpAddr>),
    Silence,
}

impl Names {
    /// `name` has these addresses.
    pub(crate) fn with(self, name: &str, addresses: &[&str]) -> Self {
        self.entry(name, Entry::Addresses(parse(addresses)))
    }

    /// `name` has these addresses, and after the first lookup those.
    pub(crate) fn changing(self, name: &str, first: &[&str], then: &[&str]) -> Self {
        self.with(name, first).with(name, then)
    }

    /// Lookups of `name` never end.
    pub(crate) fn silent(self, name: &str) -> Self {
        self.entry(name, Entry::Silence)
    }

    fn entry(mut self, name: &str, entry: Entry) -> Self {
        self.0.entry(name.to_owned()).or_default().get_mut().unwrap().push(entry);
        self
    }
}

impl Resolve for Names {
    fn resolve<'a>(&'a self, name: &'a str) -> Lookup<'a> {
        let next = self.0.get(name).map(|entries| {
            let mut entries = entries.lock().unwrap();
            if entries.len() > 1 { entries.remove(0) } else { entries[0].clone() }
        });
        match next {
            Some(Entry::Addresses(addresses)) => Box::pin(std::future::ready(Ok(addresses))),
            Some(Entry::Silence) => Box::pin(std::future::pending()),
            None => Box::pin(std::future::ready(Err(Error::NoSuchName))),
        }
    }
}

fn parse(addresses: &[&str]) -> Vec<IpAddr> {
    addresses.iter().map(|address| address.parse().unwrap()).collect()
}
