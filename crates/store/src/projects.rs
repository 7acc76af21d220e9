//! Projects: created, changed, deleted. The one called `default` is always there.

use model::env::Env;
use model::id::ProjectId;
use model::project::{Project, Slug, Tenants};
use model::retention::Chosen;

/// Another project has the slug.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlugTaken;

/// The project that a new database has.
pub(crate) fn default_project(env: &dyn Env) -> Project {
    Project {
        id: ProjectId::new(env),
        slug: Slug::DEFAULT.parse().expect("the default slug is a slug"),
        name: "Default".to_owned(),
        dialect: "standard".to_owned(),
        admins: Vec::new(),
        retention: Chosen::default(),
        tenants: Tenants::default(),
        created_at: env.now(),
    }
}
