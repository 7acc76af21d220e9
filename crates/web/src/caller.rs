//! Who asks: the holder of a project's key, or of the server's admin key.

use std::sync::Arc;

use aws_lc_rs::{constant_time, digest};
use axum::extract::{FromRef, FromRequestParts, OptionalFromRequestParts};
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName};
use model::actor::Actor;
use model::id::ProjectId;
use model::key::{Key, Scope};
use model::project::{Project, Slug};
use store::directory::Directory;

use crate::context::Context;
use crate::problem::{Code, Problem};

/// Names the project that the admin key is used for.
const PROJECT: HeaderName = HeaderName::from_static("posthaste-project");

/// Somebody with a valid key, and the project that the request is about.
#[derive(Debug)]
pub struct Caller {
    holder: Holder,
    project: Arc<Project>,
}

#[derive(Debug)]
enum Holder {
    /// Of the server's admin key: may do everything.
    Admin,
    Key(Arc<Key>),
}

/// What a caller may do something with: a project or, of it, what is one tenant's.
#[derive(Clone, Copy, Debug)]
pub struct Grant<'a> {
    pub project: &'a Arc<Project>,
    tenant: Option<&'a str>,
}

impl<'a> Grant<'a> {
    /// The project, for what is about all of it.
    pub fn whole(self) -> Result<&'a Arc<Project>, Problem> {
        match self.tenant {
            None => Ok(self.project),
            Some(tenant) => Err(only_of(tenant)),
        }
    }

    /// The tenant whose things a list shows: the grant's or, where it is for the whole project, the one that is asked for.
    pub fn tenant_of_list(self, asked: Option<String>) -> Result<Option<String>, Problem> {
        match self.tenant {
            None => Ok(asked),
            Some(own) if asked.as_deref().is_none_or(|asked| asked == own) => Ok(Some(own.to_owned())),
            Some(own) => Err(only_of(own)),
        }
    }
}

fn only_of(tenant: &str) -> Problem {
    Problem::new(
        Code::Forbidden,
        format!("This needs a key of the project: here is only what is the tenant {tenant:?}'s."),
    )
}

impl Caller {
    /// The name in which the store changes what this caller asks for.
    pub fn actor(&self) -> Actor {
        match &self.holder {
            Holder::Admin => Actor::Admin,
            Holder::Key(key) => Actor::Key(key.id),
        }
    }

    /// The project that the request is about.
    pub fn project(&self) -> &Arc<Project> {
        &self.project
    }

    /// What the caller may do this with, if it may do it at all.
    pub fn may(&self, scope: Scope) -> Result<Grant<'_>, Problem> {
        // Keys are for the whole of their project.
        let grant = Grant { project: &self.project, tenant: None };
        match &self.holder {
            Holder::Admin => Ok(grant),
            Holder::Key(key) if key.may(scope) => Ok(grant),
            Holder::Key(_) => {
                let detail = format!("This needs a key with the scope {:?}, which this key has not.", scope.name());
                Err(Problem::new(Code::Forbidden, detail))
            }
        }
    }

    /// What the caller may see the endpoints of: who writes them may read them.
    pub fn may_see_endpoints(&self) -> Result<Grant<'_>, Problem> {
        self.may(Scope::EndpointsWrite).or_else(|_| self.may(Scope::Read))
    }

    /// For what is the whole server's and not a project's.
    pub fn must_be_admin(&self) -> Result<(), Problem> {
        match &self.holder {
            Holder::Admin => Ok(()),
            Holder::Key(_) => Err(Problem::new(Code::Forbidden, "This needs the server's admin key.")),
        }
    }

    /// A project by its id or slug: any for the admin, the caller's own for everybody else.
    pub fn may_in(&self, scope: Scope, named: &str, directory: &Directory) -> Result<Arc<Project>, Problem> {
        let own = self.may(scope)?.whole()?;
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

impl<S> FromRequestParts<S> for Caller
where
    Context: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let hash = hash_of(token(&parts.headers)?);
        let context = Context::from_ref(state);
        let directory = context.store.directory();
        if constant_time::verify_slices_are_equal(&hash, &context.admin_key_hash).is_ok() {
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
impl<S> OptionalFromRequestParts<S> for Caller
where
    Context: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<Self>, Problem> {
        if !parts.headers.contains_key(AUTHORIZATION) {
            return Ok(None);
        }
        <Self as FromRequestParts<S>>::from_request_parts(parts, state).await.map(Some)
    }
}

/// What is kept of a key.
pub fn hash_of(key: &str) -> [u8; 32] {
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

pub fn no_project(named: &str) -> Problem {
    let named: String = named.chars().take(80).collect();
    Problem::new(Code::NotFound, format!("There is no project {named:?}, or this key does not belong to it."))
}

fn unauthorized(detail: &str) -> Problem {
    Problem::new(Code::Unauthorized, detail)
}

#[cfg(test)]
mod tests {
    use model::project::Tenants;
    use model::retention::Chosen;
    use model::time::Timestamp;

    use super::*;

    #[test]
    fn a_grant_for_one_tenant_is_for_nothing_else_of_the_project() {
        let project = Arc::new(Project {
            id: ProjectId::from_bytes([1; 16]),
            slug: "acme".parse().unwrap(),
            name: "Acme".to_owned(),
            dialect: "standard".to_owned(),
            admins: Vec::new(),
            retention: Chosen::default(),
            tenants: Tenants::default(),
            created_at: Timestamp::from_millis(0),
        });
        let all = Grant { project: &project, tenant: None };
        assert!(all.whole().is_ok());
        assert_eq!(all.tenant_of_list(None).unwrap(), None);
        assert_eq!(all.tenant_of_list(Some("b".to_owned())).unwrap().as_deref(), Some("b"));

        let one = Grant { tenant: Some("a"), ..all };
        assert!(one.whole().is_err());
        assert_eq!(one.tenant_of_list(None).unwrap().as_deref(), Some("a"));
        assert_eq!(one.tenant_of_list(Some("a".to_owned())).unwrap().as_deref(), Some("a"));
        assert!(one.tenant_of_list(Some("b".to_owned())).is_err());
    }
}
