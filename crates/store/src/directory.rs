//! The directory: projects, keys and endpoints in memory, so that accepting and delivering an event reads no row for
//! them.
//!
//! A snapshot never changes. The writer makes the next one with the change it commits and publishes it after the
//! commit, so a reader sees what is on disk and nothing else.

mod subscription_index;

use std::collections::HashMap;
use std::sync::Arc;

use model::endpoint::Endpoint;
use model::event::Event;
use model::id::{EndpointId, KeyId, ProjectId};
use model::key::Key;
use model::map::Map;
use model::project::{Project, Slug};
use model::speech::Speech;

use subscription_index::SubscriptionIndex;

#[derive(Clone, Debug, Default)]
pub struct Directory {
    projects: Map<ProjectId, Arc<Entry>>,
    slugs: HashMap<Slug, ProjectId>,
    /// By the key's SHA-256.
    keys: Map<[u8; 32], Arc<Key>>,
    endpoints: Map<EndpointId, Arc<Endpoint>>,
}

/// A project and its endpoints, oldest first.
#[derive(Clone, Debug)]
struct Entry {
    project: Arc<Project>,
    speech: Arc<Speech>,
    endpoints: Vec<Arc<Endpoint>>,
    /// The same endpoints by subscription, so that an event does not look at those that did not subscribe to it.
    subscriptions: SubscriptionIndex,
    /// Those of them that have filters, by subscription.
    filtering: SubscriptionIndex,
}

impl Directory {
    pub fn project(&self, id: ProjectId) -> Option<&Arc<Project>> {
        self.projects.get(&id).map(|entry| &entry.project)
    }

    /// A project's dialect files and event types. The same value until they change.
    pub fn project_dialects(&self, project: ProjectId) -> Arc<Speech> {
        self.projects.get(&project).map(|entry| entry.speech.clone()).unwrap_or_default()
    }

    pub fn project_called(&self, slug: &Slug) -> Option<&Arc<Project>> {
        self.slugs.get(slug).and_then(|id| self.project(*id))
    }

    pub fn projects(&self) -> impl Iterator<Item = &Arc<Project>> {
        self.projects.values().map(|entry| &entry.project)
    }

    pub fn key(&self, hash: &[u8; 32]) -> Option<&Arc<Key>> {
        self.keys.get(hash)
    }

    pub fn keys(&self) -> impl Iterator<Item = &Arc<Key>> {
        self.keys.values()
    }

    pub fn endpoint(&self, id: EndpointId) -> Option<&Arc<Endpoint>> {
        self.endpoints.get(&id)
    }

    /// A project's endpoints, oldest first.
    pub fn endpoints_of(&self, project: ProjectId) -> &[Arc<Endpoint>] {
        self.projects.get(&project).map_or(&[], |entry| &entry.endpoints)
    }

    pub fn endpoints(&self) -> impl Iterator<Item = &Arc<Endpoint>> {
        self.endpoints.values()
    }

    /// The active endpoints that `event` is for, unless their filters refuse it.
    pub fn matching<'a>(&'a self, event: &'a Event) -> impl Iterator<Item = &'a Arc<Endpoint>> {
        self.projects.get(&event.project).into_iter().flat_map(|entry| entry.subscriptions.of(event))
    }

    /// The matching endpoints that have filters.
    pub(crate) fn filtering<'a>(&'a self, event: &'a Event) -> impl Iterator<Item = &'a Arc<Endpoint>> {
        self.projects.get(&event.project).into_iter().flat_map(|entry| entry.filtering.of(event))
    }

    pub(crate) fn put_project(&mut self, project: Project) -> Arc<Project> {
        let project = Arc::new(project);
        let entry = match self.projects.get(&project.id) {
            Some(before) => {
                self.slugs.remove(&before.project.slug);
                Entry { project: project.clone(), ..Entry::clone(before) }
            }
            None => {
                let (subscriptions, filtering) = (SubscriptionIndex::default(), SubscriptionIndex::default());
                Entry {
                    project: project.clone(),
                    speech: Arc::default(),
                    endpoints: Vec::new(),
                    subscriptions,
                    filtering,
                }
            }
        };
        self.slugs.insert(project.slug.clone(), project.id);
        self.projects.insert(project.id, Arc::new(entry));
        project
    }

    pub(crate) fn speech_mut(&mut self, project: ProjectId) -> Option<&mut Speech> {
        let entry = self.projects.get_mut(&project)?;
        Some(Arc::make_mut(&mut Arc::make_mut(entry).speech))
    }

    pub(crate) fn put_speech(&mut self, project: ProjectId, speech: Speech) {
        if let Some(known) = self.speech_mut(project) {
            *known = speech;
        }
    }

    pub(crate) fn remove_project(&mut self, id: ProjectId) {
        let Some(entry) = self.projects.remove(&id) else { return };
        self.slugs.remove(&entry.project.slug);
        self.keys.retain(|_, key| key.project != id);
        for endpoint in &entry.endpoints {
            self.endpoints.remove(&endpoint.id);
        }
    }

    pub(crate) fn put_key(&mut self, key: Key) {
        self.keys.insert(key.hash, Arc::new(key));
    }

    pub(crate) fn remove_key(&mut self, id: KeyId) {
        self.keys.retain(|_, key| key.id != id);
    }

    pub(crate) fn put_endpoint(&mut self, endpoint: Endpoint) -> Arc<Endpoint> {
        let endpoint = Arc::new(endpoint);
        let before = self.endpoints.insert(endpoint.id, endpoint.clone());
        if let Some(entry) = self.projects.get_mut(&endpoint.project) {
            let entry = Arc::make_mut(entry);
            match before {
                Some(before) => {
                    entry.forget(&before);
                    if let Some(known) = entry.endpoints.iter_mut().find(|known| known.id == endpoint.id) {
                        *known = endpoint.clone();
                    }
                }
                None => entry.endpoints.push(endpoint.clone()),
            }
            entry.subscriptions.add(&endpoint);
            if endpoint.settings.filter.is_some() {
                entry.filtering.add(&endpoint);
            }
        }
        endpoint
    }

    pub(crate) fn remove_endpoint(&mut self, id: EndpointId) {
        let Some(endpoint) = self.endpoints.remove(&id) else { return };
        if let Some(entry) = self.projects.get_mut(&endpoint.project) {
            let entry = Arc::make_mut(entry);
            entry.forget(&endpoint);
            entry.endpoints.retain(|known| known.id != id);
        }
    }
}

impl Entry {
    /// Removes the endpoint, as it was, from both indexes.
    fn forget(&mut self, endpoint: &Endpoint) {
        self.subscriptions.remove(endpoint);
        self.filtering.remove(endpoint);
    }
}
