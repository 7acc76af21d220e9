//! The dialects of projects, built-in ones and their own, each compiled once from the project's files and event types.

use std::sync::{Arc, PoisonError, RwLock};

use model::id::ProjectId;
use model::map::Map;
use model::project::Project;
use model::speech::Speech;

use crate::catalogue::Catalogue;
use crate::{Dialect, built_in};

/// Maximum projects with files or event types of their own whose dialects are kept. All are dropped when it is reached,
/// and compiled again when they are asked for.
const KEPT: usize = 4096;

#[derive(Default)]
pub struct Dialects {
    made: RwLock<Map<ProjectId, Made>>,
}

#[derive(Clone)]
struct Made {
    name: String,
    from: Arc<Speech>,
    /// Without the project's own event types.
    plain: Option<Arc<Dialect>>,
    dialect: Option<Arc<Dialect>>,
}

impl Dialects {
    /// The dialect of `project`, if it is known without compiling anything.
    pub fn ready(&self, project: &Project, speech: &Arc<Speech>) -> Option<Option<Arc<Dialect>>> {
        if speech.files.is_empty() && speech.event_types.is_empty() {
            return Some(built_in(&project.dialect));
        }
        let all = self.made.read().unwrap_or_else(PoisonError::into_inner);
        let made = all.get(&project.id)?;
        (made.name == project.dialect && Arc::ptr_eq(&made.from, speech)).then(|| made.dialect.clone())
    }

    /// The dialect of `project`, compiled if need be. `None` if the project names a dialect that is not known here.
    pub fn of(&self, project: &Project, speech: &Arc<Speech>) -> Option<Arc<Dialect>> {
        if let Some(ready) = self.ready(project, speech) {
            return ready;
        }
        let before = self.made.read().unwrap_or_else(PoisonError::into_inner).get(&project.id).cloned();
        let made = Made::of(&project.dialect, speech, before.as_ref());
        let dialect = made.dialect.clone();
        let mut all = self.made.write().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= KEPT {
            all.clear();
        }
        all.insert(project.id, made);
        dialect
    }
}

impl Made {
    /// Parts that have not changed since `before` are taken from there.
    fn of(name: &str, speech: &Arc<Speech>, before: Option<&Self>) -> Self {
        let before = before.filter(|before| before.name == name);
        let same_file = before.filter(|before| match (before.from.files.get(name), speech.files.get(name)) {
            (Some(one), Some(other)) => one.text == other.text,
            (None, None) => true,
            _ => false,
        });
        let plain = match same_file {
            Some(before) => before.plain.clone(),
            None => plain(name, speech),
        };
        let types = before.and_then(|before| before.dialect.as_deref()).map(|dialect| &dialect.catalogue);
        let dialect = plain.as_ref().map(|plain| laid_over(plain, speech, types));
        Self { name: name.to_owned(), from: speech.clone(), plain, dialect }
    }
}

fn plain(name: &str, speech: &Speech) -> Option<Arc<Dialect>> {
    match built_in(name) {
        Some(dialect) => Some(dialect),
        None => Some(Arc::new(Dialect::parse(&speech.files.get(name)?.text).ok()?)),
    }
}

/// A dialect with the project's own event types laid over its catalogue.
fn laid_over(dialect: &Arc<Dialect>, speech: &Speech, before: Option<&Catalogue>) -> Arc<Dialect> {
    let with_types = dialect.catalogue.with_types_as_in(speech.event_types.values(), before);
    let catalogue = with_types.unwrap_or_else(|_| {
        // Each was checked when it was saved. One that this version no longer accepts does not affect the others.
        let add = |catalogue: Catalogue, own| catalogue.with_types(std::iter::once(own)).unwrap_or(catalogue);
        speech.event_types.values().fold(dialect.catalogue.clone(), add)
    });
    Arc::new(Dialect { catalogue, ..Dialect::clone(dialect) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::catalogue::EventType;
    use model::project::Slug;
    use model::speech::File;
    use model::time::Timestamp;

    fn project(dialect: &str) -> Project {
        Project {
            id: ProjectId::from_bytes([1; 16]),
            slug: Slug::DEFAULT.parse().unwrap(),
            name: "Default".into(),
            dialect: dialect.into(),
            admins: vec![],
            retention: model::retention::Chosen::default(),
            tenants: model::project::Tenants::Optional,
            created_at: Timestamp::from_millis(0),
        }
    }

    fn speech() -> Arc<Speech> {
        let mut speech = Speech::default();
        let file = File { text: "name = \"acme\"\n".into(), updated_at: Timestamp::from_millis(0) };
        speech.files.insert("acme".into(), file);
        let name: model::subscription::EventType = "own.type".parse().unwrap();
        let own = EventType { name: name.clone(), group: None, description: None, schema: None, example: None };
        speech.event_types.insert(name, Arc::new(own));
        Arc::new(speech)
    }

    #[test]
    fn a_project_speaks_a_built_in_dialect_or_one_of_its_own() {
        let dialects = Dialects::default();
        let nothing = Arc::default();
        assert_eq!(dialects.of(&project("standard"), &nothing).unwrap().name, "standard");
        assert!(dialects.of(&project("acme"), &nothing).is_none());
        assert_eq!(dialects.of(&project("acme"), &speech()).unwrap().name, "acme");
    }

    #[test]
    fn a_projects_own_types_are_laid_over_its_dialects() {
        let dialects = Dialects::default();
        let own = "own.type".parse().unwrap();
        assert!(dialects.of(&project("standard"), &speech()).unwrap().catalogue.find(&own).is_some());
        assert!(built_in("standard").unwrap().catalogue.find(&own).is_none());
    }

    #[test]
    fn a_dialect_is_made_once_until_something_changes() {
        let (dialects, speech) = (Dialects::default(), speech());
        let first = dialects.of(&project("acme"), &speech).unwrap();
        assert!(Arc::ptr_eq(&first, &dialects.of(&project("acme"), &speech).unwrap()));
        assert_eq!(dialects.of(&project("standard"), &speech).unwrap().name, "standard");
        let changed = Arc::new(Speech::clone(&speech));
        assert!(!Arc::ptr_eq(&first, &dialects.of(&project("acme"), &changed).unwrap()));
    }
}
