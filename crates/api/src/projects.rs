//! Projects: made and deleted by the admin, shown and changed by themselves too.

mod retention;

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use model::id::ProjectId;
use model::key::Scope;
use model::project::{Project, Slug, Tenants};
use model::speech::Speech;
use model::time::Timestamp;
use rules::projects::{NewProject, ProjectChange, is_default};
use serde::Serialize;
use utoipa::ToSchema;
use web::body::{SETTINGS, Sent};
use web::caller::{Caller, no_project};
use web::json;
use web::path::Named;
use web::problem::{Code, Problem};
use web::query::{Listed, Query, page_of};
use web::responses::{Lookup, Writing};

use self::retention::RetentionView;
use crate::Api;
use crate::dialects::warnings;
use crate::keys;

/// What the first key of a project is called.
const FIRST_KEY: &str = "first key";

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
    let project = json::object::<NewProject>(&text)?.judge(&*api.env)?;
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
    let change = move |before: &Project, speech: &Speech| wanted.clone().judge(before, speech).map_err(Problem::from);
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
