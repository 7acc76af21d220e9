//! Projects: made and deleted by the admin, shown and changed by themselves too.

mod retention;

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use model::id::ProjectId;
use model::invalid::Faults;
use model::key::Scope;
use model::object::{Change, Object};
use model::project::{Project, Slug, Tenants};
use model::retention::Chosen;
use model::speech::Speech;
use model::time::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use web::body::{SETTINGS, Sent};
use web::caller::{Caller, no_project};
use web::json;
use web::path::Named;
use web::problem::{Code, Problem, judged};
use web::query::{Listed, Query, page_of};
use web::responses::{Lookup, Writing};

use self::retention::{RetentionFields, RetentionView};
use crate::Api;
use crate::dialects::warnings;
use crate::keys;
use crate::names::judge_name;

const USUAL_DIALECT: &str = "standard";

const MOST_ADMINS: usize = 20;

/// What the first key of a project is called.
const FIRST_KEY: &str = "first key";

/// A project to make.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "name": "Acme", "dialect": "standard" }))]
pub(crate) struct NewProject {
    /// What people read, 1 to 128 characters.
    #[schema(required = true, nullable = false, value_type = String, example = "Acme")]
    name: Option<String>,
    /// Its name in headers and command lines, `[a-z0-9][a-z0-9-]{0,62}`. Made from the name if it is not given.
    #[schema(example = "acme")]
    slug: Option<String>,
    /// How its webhooks speak.
    #[schema(example = "standard", default = "standard")]
    dialect: Option<String>,
    /// Mail addresses of those who are told when an endpoint is disabled, gives up or recovers; at most 20.
    #[schema(example = json!(["oncall@example.com"]))]
    admins: Option<Vec<String>>,
    /// How long its data is kept, where that is not as long as the server keeps it.
    #[serde(default)]
    #[schema(value_type = Option<RetentionFields>)]
    retention: Change<Object<RetentionFields>>,
    /// `optional`, or `required`: endpoints and events without a tenant are refused.
    #[schema(example = "optional", default = "optional")]
    tenants: Option<String>,
}

/// What is to be different. What is left out stays.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "name": "Acme Inc." }))]
pub(crate) struct ProjectChange {
    #[schema(example = "Acme Inc.")]
    name: Option<String>,
    #[schema(example = "acme-inc")]
    slug: Option<String>,
    #[schema(example = "standard")]
    dialect: Option<String>,
    #[schema(example = json!(["oncall@example.com"]))]
    admins: Option<Vec<String>>,
    /// How long its data is kept. `null`: as long as the server keeps it.
    #[serde(default)]
    #[schema(value_type = Option<RetentionFields>)]
    retention: Change<Object<RetentionFields>>,
    /// `optional`, or `required`: endpoints and events without a tenant are refused from then on. Endpoints without one
    /// that are there stay as they are.
    #[schema(example = "required")]
    tenants: Option<String>,
}

/// One product's webhooks.
#[derive(Serialize, ToSchema)]
#[schema(as = Project)]
pub(crate) struct ProjectView {
    #[schema(value_type = String, example = "prj_06f3m5q9kx6v0f0v8c9z1k2m3n")]
    id: ProjectId,
    #[schema(value_type = String, example = "acme")]
    slug: Slug,
    #[schema(example = "Acme")]
    name: String,
    #[schema(example = "standard")]
    dialect: String,
    #[schema(example = json!(["oncall@example.com"]))]
    admins: Vec<String>,
    retention: RetentionView,
    /// `optional`, or `required`: endpoints and events without a tenant are refused.
    #[schema(value_type = String, example = "optional")]
    tenants: Tenants,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// The project's first key, with the scope `admin`. Shown this once, when the project is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "ph_MFRGGZDFMZTWQ2LKNNWG23TPOBYXE43UOV3HO6DZPIYTEMZUGU3A")]
    api_key: Option<String>,
    /// After a change of its dialect: what deliveries will stumble over. Left out if it is nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(example = json!([]))]
    warnings: Vec<String>,
}

impl ProjectView {
    fn of(project: &Project, api_key: Option<String>) -> Self {
        Self {
            id: project.id,
            slug: project.slug.clone(),
            name: project.name.clone(),
            dialect: project.dialect.clone(),
            admins: project.admins.clone(),
            retention: RetentionView::of(project.retention),
            tenants: project.tenants,
            created_at: project.created_at,
            api_key,
            warnings: Vec::new(),
        }
    }
}

impl NewProject {
    fn judge(self, api: &Api) -> Result<Project, Problem> {
        let mut faults = Faults::default();
        let suggested = self.name.as_deref().and_then(Slug::suggested);
        let name = faults.check("/name", judge_name(self.name));
        let slug = match self.slug {
            Some(slug) => faults.check("/slug", slug.parse()),
            None if name.is_some() => {
                faults.check("/slug", suggested.ok_or("required: none can be made from this name"))
            }
            None => None,
        };
        let dialect = self.dialect.unwrap_or_else(|| USUAL_DIALECT.to_owned());
        let dialect = faults.check("/dialect", judge_dialect(dialect, &Speech::default()));
        let admins = judge_admins(self.admins.unwrap_or_default(), &mut faults);
        let retention = retention::changed(Chosen::default(), self.retention, &mut faults);
        let tenants = self.tenants.and_then(|tenants| faults.check("/tenants", judge_tenants(&tenants)));
        judged(faults)?;
        Ok(Project {
            id: ProjectId::new(&*api.env),
            slug: slug.expect("its absence is a fault"),
            name: name.expect("its absence is a fault"),
            dialect: dialect.expect("its absence is a fault"),
            admins,
            retention,
            tenants: tenants.unwrap_or_default(),
            created_at: api.env.now(),
        })
    }
}

impl ProjectChange {
    fn judge(self, before: &Project, speech: &Speech) -> Result<Project, Problem> {
        let mut faults = Faults::default();
        let name = self.name.and_then(|name| faults.check("/name", judge_name(Some(name))));
        let slug: Option<Slug> = self.slug.and_then(|slug| faults.check("/slug", slug.parse()));
        let dialect = self.dialect.and_then(|dialect| faults.check("/dialect", judge_dialect(dialect, speech)));
        let admins = self.admins.map(|admins| judge_admins(admins, &mut faults));
        let retention = retention::changed(before.retention, self.retention, &mut faults);
        let tenants = self.tenants.and_then(|tenants| faults.check("/tenants", judge_tenants(&tenants)));
        judged(faults)?;
        let slug = slug.unwrap_or_else(|| before.slug.clone());
        if is_default(before) && slug != before.slug {
            return Err(Problem::new(Code::Conflict, "The project default keeps its slug: it is always there."));
        }
        Ok(Project {
            slug,
            name: name.unwrap_or_else(|| before.name.clone()),
            dialect: dialect.unwrap_or_else(|| before.dialect.clone()),
            admins: admins.unwrap_or_else(|| before.admins.clone()),
            retention,
            tenants: tenants.unwrap_or(before.tenants),
            ..before.clone()
        })
    }
}

fn judge_tenants(name: &str) -> Result<Tenants, &'static str> {
    Tenants::ALL.into_iter().find(|tenants| tenants.name() == name).ok_or("tenants are optional or required")
}

/// A dialect that comes with us, or one of the project's own.
fn judge_dialect(name: String, speech: &Speech) -> Result<String, String> {
    if dialect::built_in(&name).is_some() || speech.files.contains_key(&name) {
        return Ok(name);
    }
    let mut known: Vec<&str> = dialect::built_in_names().collect();
    known.extend(speech.files.keys().map(String::as_str));
    Err(format!("there is no such dialect; there are {}", known.join(", ")))
}

fn judge_admins(addresses: Vec<String>, faults: &mut Faults) -> Vec<String> {
    if addresses.len() > MOST_ADMINS {
        faults.add("/admins", format_args!("at most {MOST_ADMINS} addresses"));
    }
    let judge = |(index, address): (usize, String)| {
        let judged =
            if is_address(&address) { Ok(address) } else { Err("a mail address, for example oncall@example.com") };
        faults.check(&format!("/admins/{index}"), judged)
    };
    addresses.into_iter().enumerate().take(MOST_ADMINS).filter_map(judge).collect()
}

/// The plain form of an address (RFC 5321, section 4.1.2): no quotes, no comments, no display name.
fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let atom = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c);
    let label = |label: &str| !label.is_empty() && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    let dotted = local.split('.').all(|word| !word.is_empty() && word.chars().all(atom));
    text.len() <= 254 && local.len() <= 64 && dotted && domain.split('.').all(label)
}

fn is_default(project: &Project) -> bool {
    project.slug.as_str() == Slug::DEFAULT
}

/// Make a project
///
/// With its first key, which may do everything in it. Needs the server's admin key.
#[utoipa::path(post, path = "/v1/projects", tag = "Projects", operation_id = "create_project",
    request_body = NewProject,
    responses((status = 201, description = "Made.", body = ProjectView), Writing))]
pub(crate) async fn create(
    caller: Caller,
    State(api): State<Api>,
    body: Sent,
) -> Result<(StatusCode, Json<ProjectView>), Problem> {
    caller.must_be_admin()?;
    let text = body.json(caller.project().id, SETTINGS).await?;
    let project = json::object::<NewProject>(&text)?.judge(&api)?;
    let (key, api_key) = keys::make(project.id, FIRST_KEY.to_owned(), vec![Scope::Admin], &*api.env);
    let project = api.store.create_project(&caller.actor(), project, key).await??;
    Ok((StatusCode::CREATED, Json(ProjectView::of(&project, Some(api_key)))))
}

/// List projects
///
/// Needs the server's admin key.
#[utoipa::path(get, path = "/v1/projects", tag = "Projects", operation_id = "list_projects",
    params(
        ("limit" = Option<u32>, Query, description = "1 to 250, usually 50."),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before."),
    ),
    responses((status = 200, description = "A page of projects.", body = Listed<ProjectView>), Lookup))]
pub(crate) async fn list(
    caller: Caller,
    State(api): State<Api>,
    mut query: Query,
) -> Result<Json<Listed<ProjectView>>, Problem> {
    caller.must_be_admin()?;
    let paging = query.paging();
    query.finish()?;
    let directory = api.store.directory();
    let page = page_of(directory.projects(), |project| project.id, paging);
    Ok(Json(Listed::of(page, |project| ProjectView::of(project, None))))
}

/// Show a project
///
/// By id or slug. A project's key shows its own.
#[utoipa::path(get, path = "/v1/projects/{id}", tag = "Projects", operation_id = "show_project",
    params(("id" = String, Path, description = "The project's id or slug.")),
    responses((status = 200, description = "The project.", body = ProjectView), Lookup))]
pub(crate) async fn show(
    caller: Caller,
    State(api): State<Api>,
    Named(named): Named<String>,
) -> Result<Json<ProjectView>, Problem> {
    let project = caller.may_in(Scope::Read, &named, &api.store.directory())?;
    Ok(Json(ProjectView::of(&project, None)))
}

/// Change a project
///
/// What is left out stays. A project's key with the scope `admin` changes its own. Another dialect holds from the next
/// attempt on; endpoints that it cannot speak to are told as `warnings`.
#[utoipa::path(patch, path = "/v1/projects/{id}", tag = "Projects", operation_id = "change_project",
    params(("id" = String, Path, description = "The project's id or slug.")),
    request_body = ProjectChange,
    responses((status = 200, description = "As it is now.", body = ProjectView), Writing))]
pub(crate) async fn change(
    caller: Caller,
    State(api): State<Api>,
    Named(named): Named<String>,
    body: Sent,
) -> Result<Json<ProjectView>, Problem> {
    let before: Arc<Project> = caller.may_in(Scope::Admin, &named, &api.store.directory())?;
    let text = body.json(before.id, SETTINGS).await?;
    let wanted = json::object::<ProjectChange>(&text)?;
    let change = move |before: &Project, speech: &Speech| wanted.clone().judge(before, speech);
    let changed = api.store.change_project(&caller.actor(), before.id, change).await?;
    let project = changed.ok_or_else(|| no_project(&named))??;
    let warnings = if project.dialect == before.dialect {
        Vec::new()
    } else {
        let (api, project) = (api.clone(), project.clone());
        api.clone().work(project.id, move || warnings::of(&api, &project)).await?
    };
    Ok(Json(ProjectView { warnings, ..ProjectView::of(&project, None) }))
}

/// Delete a project
///
/// With its keys and endpoints; its pending deliveries are cancelled. Needs the server's admin key. The project
/// `default` stays.
#[utoipa::path(delete, path = "/v1/projects/{id}", tag = "Projects", operation_id = "delete_project",
    params(("id" = String, Path, description = "The project's id or slug.")),
    responses((status = 204, description = "Deleted."), Lookup))]
pub(crate) async fn delete(
    caller: Caller,
    State(api): State<Api>,
    Named(named): Named<String>,
) -> Result<StatusCode, Problem> {
    caller.must_be_admin()?;
    let project = caller.may_in(Scope::Admin, &named, &api.store.directory())?;
    if is_default(&project) {
        return Err(Problem::new(Code::Conflict, "The project default cannot be deleted: it is always there."));
    }
    match api.store.delete_project(&caller.actor(), project.id).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(no_project(&named)),
    }
}
