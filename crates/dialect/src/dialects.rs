//! The dialects of projects: built-in ones and their own, each made once from what the project says about itself.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use model::id::ProjectId;
use model::project::Project;
use model::speech::Speech;

use crate::{Dialect, built_in};

/// Projects with something of their own whose dialects are kept ready. More are made again when they are asked for.
const KEPT: usize = 4096;

#[derive(Default)]
pub struct Dialects {
    made: RwLock<HashMap<ProjectId, Made>>,
}

struct Made {
    name: String,
    from: Arc<Speech>,
    dialect: Option<Arc<Dialect>>,
}

impl Dialects {
    /// How `project` speaks. `None` if it names a dialect that is not known here.
    pub fn of(&self, project: &Project, speech: &Arc<Speech>) -> Option<Arc<Dialect>> {
        if speech.files.is_empty() && speech.event_types.is_empty() {
            return built_in(&project.dialect);
        }
        if let Some(known) = self.known(project, speech) {
            return known;
        }
        let dialect = make(&project.dialect, speech);
        let made = Made { name: project.dialect.clone(), from: speech.clone(), dialect: dialect.clone() };
        let mut all = self.made.write().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= KEPT {
            all.clear();
        }
        all.insert(project.id, made);
        dialect
    }

    fn known(&self, project: &Project, speech: &Arc<Speech>) -> Option<Option<Arc<Dialect>>> {
        let all = self.made.read().unwrap_or_else(PoisonError::into_inner);
        let made = all.get(&project.id)?;
        (made.name == project.dialect && Arc::ptr_eq(&made.from, speech)).then(|| made.dialect.clone())
    }
}

fn make(name: &str, speech: &Speech) -> Option<Arc<Dialect>> {
    match built_in(name) {
        Some(dialect) => Some(dialect),
        None => Dialect::parse(&speech.files.get(name)?.text).ok().map(Arc::new),
    }
}
