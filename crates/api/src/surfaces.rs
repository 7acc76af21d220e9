//! REST surfaces: endpoints as products had them in APIs of their own, at the root, for projects whose dialect lists them.
//!
//! A surface has its own words and shapes. What it is asked for is put into those of [`endpoints`] and judged there, so
//! the same rules hold whichever way an endpoint came in.

pub(crate) mod hooks;
pub(crate) mod webhooks;

use std::marker::PhantomData;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use dialect::Dialect;
use model::actor::Actor;
use model::endpoint::Endpoint;
use model::id::EndpointId;
use model::invalid::Fault;
use model::key::Scope;
use model::project::Project;
use rules::endpoints::fields::Fields;
use store::search::Paging;
use web::caller::{Caller, Grant};
use web::problem::{Code, Problem};
use web::query::page_of;

use crate::Api;
use crate::endpoints;
use crate::sight::Sight;

/// One of the surfaces that dialects can list.
pub(crate) trait Surface {
    /// As dialects list it, and the first word of its paths.
    const NAME: &'static str;
    /// What it calls an endpoint.
    const NOUN: &'static str;
    /// Its own names for fields: pointers as [`endpoints`] has them, and as its callers know them. The first that fits holds.
    const FIELDS: &'static [(&'static str, &'static str)];
}

/// A caller whose project's dialect serves the surface `S`.
pub(crate) struct Served<S> {
    caller: Caller,
    dialect: Arc<Dialect>,
    surface: PhantomData<S>,
}

impl<S: Surface> FromRequestParts<Api> for Served<S> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, api).await?;
        let dialect = api.dialect(caller.project()).await?;
        if !serves::<S>(&dialect) {
            return Err(not_served::<S>(&dialect));
        }
        Ok(Self { caller, dialect, surface: PhantomData })
    }
}

impl<S: Surface> Served<S> {
    pub(crate) fn may(&self, scope: Scope) -> Result<Grant<'_>, Problem> {
        self.caller.may(scope)
    }

    pub(crate) fn may_see_endpoints(&self) -> Result<Grant<'_>, Problem> {
        self.caller.may_see_endpoints()
    }

    pub(crate) fn actor(&self) -> Actor {
        self.caller.actor()
    }

    pub(crate) fn sight(&self) -> Sight {
        Sight::of(&self.caller)
    }

    pub(crate) fn dialect(&self) -> &Dialect {
        &self.dialect
    }

    /// An endpoint of the project. What does not read as an id names none.
    pub(crate) fn find(&self, api: &Api, named: &str) -> Result<Arc<Endpoint>, Problem> {
        let none = || Problem::not_found(S::NOUN, named);
        let id: EndpointId = named.parse().map_err(|_| none())?;
        endpoints::find::find(api, self.caller.project(), id).map_err(|_| none())
    }

    /// The newest endpoints of the project, newest first.
    pub(crate) fn newest(&self, api: &Api, limit: usize) -> Result<Vec<Arc<Endpoint>>, Problem> {
        let grant = self.may_see_endpoints()?;
        let tenant = grant.tenant_of_list(None)?;
        let directory = api.store.directory();
        let all = directory.endpoints_of(grant.project.id).iter().cloned();
        let all = all.filter(|endpoint| tenant.is_none() || endpoint.settings.tenant == tenant);
        Ok(page_of(all, |endpoint| endpoint.id, Paging { limit, after: None }).items)
    }

    pub(crate) async fn delete(&self, api: &Api, endpoint: &Endpoint) -> Result<(), Problem> {
        match api.store.delete_endpoint(&self.actor(), endpoint.project, endpoint.id).await? {
            true => Ok(()),
            false => Err(Problem::not_found(S::NOUN, &endpoint.id.to_string())),
        }
    }
}

/// The endpoint that is asked for, or everything that is wrong with it: what the surface found `missing`, and what the
/// rules of all endpoints say, with the pointers that `name` gives them.
fn judge_new(
    api: &Api,
    project: &Project,
    fields: Fields,
    name: impl Fn(&str) -> String,
    missing: Vec<Fault>,
) -> Result<Endpoint, Problem> {
    match endpoints::judge_new(api, project, fields) {
        Ok(endpoint) if missing.is_empty() => Ok(endpoint),
        Ok(_) => Err(Problem::of(Code::InvalidRequest, missing)),
        Err(problem) => Err(problem.renamed(name, missing)),
    }
}

fn serves<S: Surface>(dialect: &Dialect) -> bool {
    dialect.surfaces.iter().any(|surface| surface == S::NAME)
}

fn not_served<S: Surface>(dialect: &Dialect) -> Problem {
    let name = S::NAME;
    let built_in: Vec<String> = dialect::built_in_names()
        .filter(|name| dialect::built_in(name).is_some_and(|dialect| serves::<S>(&dialect)))
        .map(|name| format!("{name} does, as does "))
        .collect();
    let detail = format!(
        "This project's dialect, {}, does not serve /{name}: {}every dialect with surfaces = [\"{name}\"] in its [routes] table. /v1/endpoints is there for all.",
        dialect.name,
        built_in.concat(),
    );
    Problem::new(Code::NotFound, detail)
}

/// A pointer as callers of the surface know it.
fn named<S: Surface>(pointer: &str) -> String {
    let renamed = S::FIELDS.iter().find_map(|(ours, theirs)| {
        let rest = pointer.strip_prefix(ours)?;
        (rest.is_empty() || rest.starts_with('/')).then(|| format!("{theirs}{rest}"))
    });
    renamed.unwrap_or_else(|| pointer.to_owned())
}
