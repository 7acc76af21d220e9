//! Endpoints by subscription: an event looks at those of its tenant and of its type, however many others there are.

use std::collections::HashMap;
use std::sync::Arc;

use model::endpoint::Endpoint;
use model::event::Event;
use model::subscription::{EventType, Pattern};

/// An index whose parts are shared by snapshots that do not differ in them.
#[derive(Clone, Debug, Default)]
pub(super) struct SubscriptionIndex {
    everyones: Arc<Subscribers>,
    by_tenant: HashMap<Arc<str>, Arc<Subscribers>>,
}

/// The endpoints of one tenant, or those that are not limited to a tenant; each kind oldest first.
#[derive(Clone, Debug, Default)]
struct Subscribers {
    /// Endpoints that subscribe to types by name alone.
    by_type: HashMap<EventType, Arc<Vec<Arc<Endpoint>>>>,
    others: Vec<Arc<Endpoint>>,
}

impl SubscriptionIndex {
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

impl Subscribers {
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

/// The types that an endpoint subscribes to, each once, if it names all of them.
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

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use model::endpoint::{Settings, Status};
    use model::id::{EndpointId, ProjectId};
    use model::json::Json;
    use model::subscription::Subscription;
    use model::time::Timestamp;
    use model::url::EndpointUrl;

    use super::*;

    const SUBSCRIPTIONS: [&[&str]; 6] = [&["*"], &["a.*"], &["a.b"], &["a.b", "a.c", "a.b"], &["b", "a.*"], &["b"]];
    const TENANTS: [Option<&str>; 3] = [None, Some("acme"), Some("globex")];
    const TYPES: [&str; 4] = ["a.b", "a.c", "b", "posthaste.endpoint.disabled"];

    fn endpoint(id: u8, events: &[&str], tenant: Option<&str>, status: Status) -> Endpoint {
        let at = Timestamp::from_millis(0);
        let patterns = events.iter().map(|pattern| pattern.parse().unwrap()).collect();
        let settings = Settings {
            events: Subscription::new(patterns).unwrap(),
            tenant: tenant.map(Into::into),
            ..Settings::of(EndpointUrl::stored("https://example.com/").unwrap())
        };
        let (id, project) = (EndpointId::from_bytes([id; 16]), ProjectId::from_bytes([0; 16]));
        Endpoint { id, project, settings, status, disabled_reason: None, created_at: at, updated_at: at }
    }

    fn event(event_type: &str, tenant: Option<&str>) -> Event {
        let (id, project) = ("e1".parse().unwrap(), ProjectId::from_bytes([0; 16]));
        let data = Json::trusted("{}");
        let event = Event::of(id, project, event_type.parse().unwrap(), data, Timestamp::from_millis(0));
        Event { tenant: tenant.map(Into::into), ..event }
    }

    #[test]
    fn whatever_becomes_of_endpoints_an_event_finds_each_that_wants_it_once() {
        let (mut subscriptions, mut all) = (SubscriptionIndex::default(), BTreeMap::<u8, Arc<Endpoint>>::new());
        for step in 0..600_usize {
            // Numbers without a common factor: every endpoint takes every form.
            let id = (step * 7 % 23) as u8;
            if let Some(before) = all.remove(&id) {
                subscriptions.remove(&before);
            }
            if step % 5 != 0 {
                let status = if step % 11 == 0 { Status::Paused } else { Status::Active };
                let now = Arc::new(endpoint(id, SUBSCRIPTIONS[step % 6], TENANTS[step / 6 % 3], status));
                subscriptions.add(&now);
                all.insert(id, now);
            }
            for event in TYPES.iter().flat_map(|name| TENANTS.map(|tenant| event(name, tenant))) {
                let found: Vec<EndpointId> = subscriptions.of(&event).map(|endpoint| endpoint.id).collect();
                let wanting = all.values().filter(|endpoint| endpoint.is_active() && endpoint.matches(&event));
                let wanting: BTreeSet<EndpointId> = wanting.map(|endpoint| endpoint.id).collect();
                assert_eq!(found.len(), wanting.len(), "after step {step}");
                assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), wanting, "after step {step}");
            }
        }
        all.values().for_each(|endpoint| subscriptions.remove(endpoint));
        assert!(subscriptions.everyones.is_empty() && subscriptions.by_tenant.is_empty());
    }
}
