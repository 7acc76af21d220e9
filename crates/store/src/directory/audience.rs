//! Endpoints by what they ask for: an event looks at those of its tenant and of its type, however many others there are.

use std::collections::HashMap;
use std::sync::Arc;

use model::endpoint::Endpoint;
use model::event::Event;
use model::subscription::{EventType, Pattern};

/// Parts are shared by snapshots that do not differ in them.
#[derive(Clone, Debug, Default)]
pub(super) struct Audience {
    everyones: Arc<Listeners>,
    by_tenant: HashMap<Arc<str>, Arc<Listeners>>,
}

/// The endpoints of one tenant, or those that ask for no tenant's events alone; each kind oldest first.
#[derive(Clone, Debug, Default)]
struct Listeners {
    /// Those that ask for types by name alone.
    by_type: HashMap<EventType, Arc<Vec<Arc<Endpoint>>>>,
    others: Vec<Arc<Endpoint>>,
}

impl Audience {
    /// The active endpoints that `event` is for.
    pub(super) fn of<'a>(&'a self, event: &'a Event) -> impl Iterator<Item = &'a Arc<Endpoint>> {
        let tenants = event.tenant.as_deref().and_then(|tenant| self.by_tenant.get(tenant));
        let listeners = [Some(&self.everyones), tenants].into_iter().flatten();
        let asked = listeners.flat_map(|listeners| {
            let named = listeners.by_type.get(&event.event_type).map_or(&[][..], |named| named.as_slice());
            named.iter().chain(&listeners.others)
        });
        asked.filter(|endpoint| endpoint.is_active() && endpoint.matches(event))
    }

    pub(super) fn add(&mut self, endpoint: &Arc<Endpoint>) {
        let listeners = match &endpoint.settings.tenant {
            Some(tenant) => self.by_tenant.entry(tenant.as_str().into()).or_default(),
            None => &mut self.everyones,
        };
        Arc::make_mut(listeners).add(endpoint);
    }

    pub(super) fn remove(&mut self, endpoint: &Endpoint) {
        match &endpoint.settings.tenant {
            None => Arc::make_mut(&mut self.everyones).remove(endpoint),
            Some(tenant) => {
                let Some(listeners) = self.by_tenant.get_mut(tenant.as_str()) else { return };
                Arc::make_mut(listeners).remove(endpoint);
                if listeners.is_empty() {
                    self.by_tenant.remove(tenant.as_str());
                }
            }
        }
    }
}

impl Listeners {
    fn add(&mut self, endpoint: &Arc<Endpoint>) {
        match names(endpoint) {
            Some(names) => {
                for name in names {
                    Arc::make_mut(self.by_type.entry(name.clone()).or_default()).push(endpoint.clone());
                }
            }
            None => self.others.push(endpoint.clone()),
        }
    }

    fn remove(&mut self, endpoint: &Endpoint) {
        let is_other = |known: &Arc<Endpoint>| known.id != endpoint.id;
        match names(endpoint) {
            Some(names) => {
                for name in names {
                    let Some(named) = self.by_type.get_mut(name) else { continue };
                    Arc::make_mut(named).retain(is_other);
                    if named.is_empty() {
                        self.by_type.remove(name);
                    }
                }
            }
            None => self.others.retain(is_other),
        }
    }

    fn is_empty(&self) -> bool {
        self.by_type.is_empty() && self.others.is_empty()
    }
}

/// The types that an endpoint asks for, each once, if it asks for all of them by name.
fn names(endpoint: &Endpoint) -> Option<Vec<&EventType>> {
    let patterns = endpoint.settings.events.patterns().iter();
    let names = patterns.map(|pattern| match pattern {
        Pattern::One(name) => Some(name),
        Pattern::All | Pattern::Below(_) => None,
    });
    let mut names = names.collect::<Option<Vec<_>>>()?;
    names.sort_unstable();
    names.dedup();
    Some(names)
}
