//! Who asks: the holder of a project's key, or of the server's admin key.

use std::sync::Arc;

use aws_lc_rs::{constant_time, digest};
use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName};
use model::actor::Actor;
use model::id::ProjectId;
use model::key::{Key, Scope};
use model::project::{Project, Slug};
use store::directory::Directory;

use crate::Api;
use crate::problem::{Code, Problem};

/// Names the project that the admin key is used for.
const PROJECT: HeaderName = HeaderName::from_static("posthaste-project");

/// Somebody with a valid key, and the project that the request is about.
#[derive(Debug)]
pub(crate) struct Caller {
    holder: Holder,
    project: Arc<Project>,
}

#[derive(Debug)]
enum Holder {
    /// Of the server's admin key: may do everything.
    Admin,
    Key(Arc<Key>),
}

impl Caller {
    /// The name in which the store changes what this caller asks for.
    pub(crate) fn actor(&self) -> Actor {
        match &self.holder {
            Holder::Admin => Actor::Admin,
            Holder::Key(key) => Actor::Key(key.id),
        }
    }

    /// The project that the request is about.
    pub(crate) fn project(&self) -> &Arc<Project> {
        &self.project
    }

    /// The project, if the caller may do this there.
    pub(crate) fn may(&self, scope: Scope) -> Result<&Arc<Project>, Problem> {
        match &self.holder {
            Holder::Admin => Ok(&self.project),
            Holder::Key(key) if key.may(scope) => Ok(&self.project),
            Holder::Key(_) => {
                let detail = format!("This needs a key with the scope {:?}, which this key has not.", scope.name());
                Err(Problem::new(Code::Forbidden, detail))
            }
        }
    }

    /// The project, if the caller may see its endpoints: who writes them may read them.
    pub(crate) fn may_see_endpoints(&self) -> Result<&Arc<Project>, Problem> {
        self.may(Scope::EndpointsWrite).or_else(|_| self.may(Scope::Read))
    }

    /// For what is the whole server's and not a project's.
    pub(crate) fn must_be_admin(&self) -> Result<(), Problem> {
        match &self.holder {
            Holder::Admin => Ok(()),
            Holder::Key(_) => Err(Problem::new(Code::Forbidden, "This needs the server's admin key.")),
        }
    }

    /// A project by its id or slug: any for the admin, the caller's own for everybody else.
    pub(crate) fn may_in(&self, scope: Scope, named: &str, directory: &Directory) -> Result<Arc<Project>, Problem> {
        let own = self.may(scope)?;
        let found = match named.parse::<ProjectId>() {
            Ok(id) => directory.project(id),
            Err(_) => named.parse::<Slug>().ok().and_then(|slug| directory.project_called(&slug)),
        };
        match (&self.holder, found) {
            (Holder::Admin, Some(project)) => Ok(project.clone()),
            (Holder::Key(_), Some(project)) if project.id == own.id => Ok(project.clone()),
            _ => Err(no_project(named)),
        }
    }
}

impl FromRequestParts<Api> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let hash = hash_of(token(&parts.headers)?);
        let directory = api.store.directory();
        if constant_time::verify_slices_are_equal(&hash, &api.admin_key_hash).is_ok() {
            let project = project_for_admin(&parts.headers, &directory)?;
            return Ok(Self { holder: Holder::Admin, project });
        }
        let key = directory.key(&hash).ok_or_else(|| unauthorized("This API key is not valid."))?;
        let project = directory.project(key.project).ok_or_else(|| unauthorized("This API key is not valid."))?;
        match named_project(&parts.headers) {
            Some(named) if named != project.slug.as_str() => {
                let detail = format!("This key belongs to the project {:?}, and to no other.", project.slug.as_str());
                Err(Problem::new(Code::Forbidden, detail))
            }
            _ => Ok(Self { holder: Holder::Key(key.clone()), project: project.clone() }),
        }
    }
}

/// For what shows more to who has a key.
impl OptionalFromRequestParts<Api> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Option<Self>, Problem> {
        if !parts.headers.contains_key(AUTHORIZATION) {
            return Ok(None);
        }
        <Self as FromRequestParts<Api>>::from_request_parts(parts, api).await.map(Some)
    }
}

/// What is kept of a key.
pub(crate) fn hash_of(key: &str) -> [u8; 32] {
    let hash = digest::digest(&digest::SHA256, key.as_bytes());
    hash.as_ref().try_into().expect("a SHA-256 has 32 bytes")
}

fn token(headers: &HeaderMap) -> Result<&str, Problem> {
    let value =
        headers.get(AUTHORIZATION).ok_or_else(|| unauthorized("Send an API key: Authorization: Bearer KEY."))?;
    let bearer = value.to_str().ok().and_then(|text| text.split_once(' '));
    match bearer {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(token.trim()),
        _ => Err(unauthorized("The Authorization header does not read as Bearer KEY.")),
    }
}

fn named_project(headers: &HeaderMap) -> Option<&str> {
    // What is not ASCII is the slug of no project.
    headers.get(PROJECT).map(|value| value.to_str().unwrap_or(""))
}

fn project_for_admin(headers: &HeaderMap, directory: &Directory) -> Result<Arc<Project>, Problem> {
    let named = named_project(headers).unwrap_or(Slug::DEFAULT);
    let found = named.parse::<Slug>().ok().and_then(|slug| directory.project_called(&slug).cloned());
    found.ok_or_else(|| no_project(named))
}

pub(crate) fn no_project(named: &str) -> Problem {
    let named: String = named.chars().take(80).collect();
    Problem::new(Code::NotFound, format!("There is no project {named:?}, or this key does not belong to it."))
}

fn unauthorized(detail: &str) -> Problem {
    Problem::new(Code::Unauthorized, detail)
}
