//! Dialects: those that come with Posthaste, for reading, and a project's own.

mod file;
pub(crate) mod warnings;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::http::header::{ACCEPT, CONTENT_TYPE, VARY};
use axum::response::{IntoResponse, Response};
use dialect::redact::without_credentials;
use dialect::toml_json::{json_from_toml, title_of};
use dialect::{built_in, built_in_names, built_in_text};
use model::key::Scope;
use model::project::Project;
use model::speech::Speech;
use model::time::Timestamp;
use serde::Serialize;
use store::project_dialects::InUse;
use utoipa::ToSchema;
use web::body::Sent;
use web::caller::{Caller, no_project};
use web::path::Named;
use web::problem::{Code, Problem};
use web::query::{Listed, Query};
use web::responses::{Lookup, Writing};

use self::file::File;
use crate::Api;
use crate::sight::Sight;

/// Dialects of its own that a project may have.
const MOST_OWN: usize = 50;

const TOML: &str = "application/toml";

/// A dialect in a list.
#[derive(Serialize, ToSchema)]
#[schema(as = Dialect)]
pub(crate) struct DialectView {
    #[schema(example = "acme")]
    name: String,
    /// What people read.
    #[schema(example = "Acme")]
    title: String,
    /// Comes with Posthaste, and cannot be changed.
    #[schema(example = false)]
    built_in: bool,
    /// When it was put; `null` if it is built in.
    #[schema(required = true, value_type = Option<String>, format = DateTime)]
    updated_at: Option<Timestamp>,
    /// What deliveries will stumble over, now that it was put. Left out if it is nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(example = json!([]))]
    warnings: Vec<String>,
}

impl DialectView {
    fn built_in(name: &str) -> Option<Self> {
        let dialect = built_in(name)?;
        Some(Self {
            name: dialect.name.clone(),
            title: dialect.title.clone(),
            built_in: true,
            updated_at: None,
            warnings: Vec::new(),
        })
    }

    fn own(name: &str, file: &model::speech::File) -> Self {
        Self {
            name: name.to_owned(),
            title: title_of(&file.text).unwrap_or_else(|| name.to_owned()),
            built_in: false,
            updated_at: Some(file.updated_at),
            warnings: Vec::new(),
        }
    }
}

/// List dialects
///
/// Those that come with Posthaste, then the project's own by their names. All are on one page.
#[utoipa::path(get, path = "/v1/dialects", tag = "Dialects", operation_id = "list_dialects",
    params(
        ("limit" = Option<u32>, Query, description = "1 to 250. There are never more."),
        ("cursor" = Option<String>, Query, description = "There is never another page."),
    ),
    responses((status = 200, description = "The dialects.", body = Listed<DialectView>), Lookup))]
pub(crate) async fn list(
    caller: Caller,
    State(api): State<Api>,
    mut query: Query,
) -> Result<Json<Listed<DialectView>>, Problem> {
    let project = caller.may(Scope::Read)?.whole()?;
    let paging = query.paging();
    query.finish()?;
    let speech = api.store.directory().project_dialects(project.id);
    let read = move || {
        let own = speech.files.iter().map(|(name, file)| DialectView::own(name, file));
        let all = built_in_names().filter_map(DialectView::built_in).chain(own);
        Ok(Json(Listed { data: all.take(paging.limit).collect(), next_cursor: None }))
    };
    api.work(project.id, read).await
}

/// Show a dialect
///
/// Its file as it was put: in TOML, comments and all, if the request has `Accept: application/toml`, else in JSON with
/// the same tables and keys. Schemas and examples are JSON values there. Without the scope `admin`, values of headers that
/// are credentials are masked.
#[utoipa::path(get, path = "/v1/dialects/{name}", tag = "Dialects", operation_id = "show_dialect",
    params(("name" = String, Path, description = "The dialect's name.")),
    responses(
        (status = 200, description = "The file.", content((Object = "application/json"), (String = "application/toml"))),
        Lookup,
    ))]
pub(crate) async fn show(
    caller: Caller,
    State(api): State<Api>,
    Named(name): Named<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let project = caller.may(Scope::Read)?.whole()?;
    let speech = api.store.directory().project_dialects(project.id);
    let file = built_in_text(&name).or_else(|| speech.files.get(&name).map(|file| &*file.text));
    let file = file.ok_or_else(|| Problem::not_found("dialect", &name))?;
    let file = if Sight::of(&caller).shows_dialects_whole() { file.into() } else { without_credentials(file) };
    let (media, text) = if wants_toml(&headers) {
        (TOML, file.into_owned())
    } else {
        let (own, file) = (project.id, file.into_owned());
        let unreadable = move |_| Problem::broken(format!("the dialect {name} of project {own} is no TOML"));
        ("application/json", api.work(project.id, move || json_from_toml(&file).map_err(unreadable)).await?)
    };
    Ok(([(CONTENT_TYPE, media), (VARY, "accept")], text).into_response())
}

fn wants_toml(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepted.flat_map(|value| value.split(',')).any(|range| {
        let (media, parameters) = range.split_once(';').unwrap_or((range, ""));
        let refused = parameters.split(';').any(|parameter| matches!(parameter.trim(), "q=0" | "q=0.0"));
        media.trim().eq_ignore_ascii_case(TOML) && !refused
    })
}

/// Put a dialect
///
/// A dialect of the project's own, in TOML or as JSON with the same tables and keys; what it leaves out is as in
/// `standard`. At most 256 KiB, and 50 dialects a project. The project speaks it once `PATCH /v1/projects/{id}` has named
/// it; a change to the dialect that it speaks holds from the next attempt on. Endpoints that it cannot speak to are told
/// as `warnings`: their deliveries fail, and say why, until the endpoint or the dialect is mended.
#[utoipa::path(put, path = "/v1/dialects/{name}", tag = "Dialects", operation_id = "put_dialect",
    params(("name" = String, Path, description = "Its name: a lower-case letter, then lower-case letters, digits and hyphens. In the file it is this one, or left out.")),
    request_body(content((String = "application/toml"), (Object = "application/json"))),
    responses(
        (status = 201, description = "Made.", body = DialectView),
        (status = 200, description = "Changed.", body = DialectView),
        Writing,
    ))]
pub(crate) async fn put(
    caller: Caller,
    State(api): State<Api>,
    Named(name): Named<String>,
    body: Sent,
) -> Result<(StatusCode, Json<DialectView>), Problem> {
    let project = caller.may(Scope::Admin)?.whole()?;
    judge_own(&name)?;
    let (file, own) = (File::read(body, project.id).await?, name.clone());
    let file = api.work(project.id, move || file.judge(&own)).await?;
    let is_new = is_new(&name, &api.store.directory().project_dialects(project.id))?;
    if !api.store.put_dialect(&caller.actor(), project.id, name.clone(), file.text.into()).await? {
        return Err(no_project(project.slug.as_str()));
    }
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    let (view, own) = (api.clone(), project.clone());
    let view = api.work(project.id, move || put_view(&view, &own, &name, file.title)).await?;
    Ok((status, Json(view)))
}

fn put_view(api: &Api, project: &Project, name: &str, title: String) -> Result<DialectView, Problem> {
    let directory = api.store.directory();
    let warnings = if project.dialect == name { warnings::of(api, project)? } else { Vec::new() };
    let updated_at = directory.project_dialects(project.id).files.get(name).map(|file| file.updated_at);
    Ok(DialectView { name: name.to_owned(), title, built_in: false, updated_at, warnings })
}

fn is_new(name: &str, speech: &Speech) -> Result<bool, Problem> {
    let is_new = !speech.files.contains_key(name);
    if is_new && speech.files.len() >= MOST_OWN {
        return Err(Problem::full(MOST_OWN, "dialects"));
    }
    Ok(is_new)
}

fn judge_own(name: &str) -> Result<(), Problem> {
    if built_in(name).is_none() {
        return Ok(());
    }
    let detail = format!(
        "The dialect {name} comes with Posthaste and stays as it is: put a copy of it under a name of your own, for example my-{name}."
    );
    Err(Problem::new(Code::NotEditable, detail))
}

/// Delete a dialect
///
/// Of the project's own, and not the one that it speaks.
#[utoipa::path(delete, path = "/v1/dialects/{name}", tag = "Dialects", operation_id = "delete_dialect",
    params(("name" = String, Path, description = "The dialect's name.")),
    responses((status = 204, description = "Deleted."), Lookup))]
pub(crate) async fn delete(
    caller: Caller,
    State(api): State<Api>,
    Named(name): Named<String>,
) -> Result<StatusCode, Problem> {
    let project = caller.may(Scope::Admin)?.whole()?;
    judge_own(&name)?;
    match api.store.remove_dialect(&caller.actor(), project.id, name.clone()).await? {
        Some(Ok(())) => Ok(StatusCode::NO_CONTENT),
        Some(Err(InUse)) => {
            let detail = format!(
                "The project speaks the dialect {name}: give it another with PATCH /v1/projects/{} first.",
                project.slug.as_str()
            );
            Err(Problem::new(Code::Conflict, detail))
        }
        None => Err(Problem::not_found("dialect", &name)),
    }
}
