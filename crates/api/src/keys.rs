//! Keys of a project: made, listed, revoked.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use data_encoding::BASE32_NOPAD;
use model::env::Env;
use model::id::{KeyId, ProjectId};
use model::key::{Key, Scope};
use model::time::Timestamp;
use rules::keys::NewKey;
use serde::Serialize;
use utoipa::ToSchema;
use web::body::{SETTINGS, Sent};
use web::caller::{Caller, hash_of};
use web::json;
use web::path::Named;
use web::problem::Problem;
use web::query::{Listed, Query, page_of};
use web::responses::{Lookup, Writing};

use crate::Api;

/// What a key of ours starts with, so that leaked ones are found by scanners.
const PREFIX: &str = "ph_";

/// A key as lists show it: what it may do, never the key itself.
#[derive(Serialize, ToSchema)]
#[schema(as = Key)]
pub(crate) struct KeyView {
    #[schema(value_type = String, example = "key_06f3m5q9kx6v0f0v8c9z1k2m3n")]
    id: KeyId,
    #[schema(example = "billing service")]
    name: String,
    #[schema(value_type = Vec<String>, example = json!(["events:write"]))]
    scopes: Vec<Scope>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

/// A key that was made.
#[derive(Serialize, ToSchema)]
pub(crate) struct CreatedKey {
    #[schema(value_type = String, example = "key_06f3m5q9kx6v0f0v8c9z1k2m3n")]
    id: KeyId,
    #[schema(example = "billing service")]
    name: String,
    #[schema(value_type = Vec<String>, example = json!(["events:write"]))]
    scopes: Vec<Scope>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// The key itself. Shown this once.
    #[schema(example = "ph_MFRGGZDFMZTWQ2LKNNWG23TPOBYXE43UOV3HO6DZPIYTEMZUGU3A")]
    api_key: String,
}

impl KeyView {
    fn of(key: &Key) -> Self {
        Self { id: key.id, name: key.name.clone(), scopes: key.scopes.clone(), created_at: key.created_at }
    }
}

/// Makes a key: what is kept of it, and the key itself for its holder.
pub(crate) fn make(project: ProjectId, name: String, scopes: Vec<Scope>, env: &dyn Env) -> (Key, String) {
    let mut secret = [0; 32];
    env.fill(&mut secret);
    let api_key = format!("{PREFIX}{}", BASE32_NOPAD.encode(&secret));
    let key = Key { id: KeyId::new(env), project, name, scopes, hash: hash_of(&api_key), created_at: env.now() };
    (key, api_key)
}

/// Make a key
///
/// The key itself is in the answer, this once: only its SHA-256 is kept.
#[utoipa::path(post, path = "/v1/keys", tag = "Keys", operation_id = "create_key",
    request_body = NewKey,
    responses((status = 201, description = "Made.", body = CreatedKey), Writing))]
pub(crate) async fn create(
    caller: Caller,
    State(api): State<Api>,
    body: Sent,
) -> Result<(StatusCode, Json<CreatedKey>), Problem> {
    let project = caller.may(Scope::Admin)?.whole()?;
    let text = body.json(project.id, SETTINGS).await?;
    let (name, scopes) = json::object::<NewKey>(&text)?.judge()?;
    let (key, api_key) = make(project.id, name, scopes, &*api.env);
    api.store.create_key(&caller.actor(), key.clone()).await?;
    let Key { id, name, scopes, created_at, .. } = key;
    Ok((StatusCode::CREATED, Json(CreatedKey { id, name, scopes, created_at, api_key })))
}

/// List keys
#[utoipa::path(get, path = "/v1/keys", tag = "Keys", operation_id = "list_keys",
    params(
        ("limit" = Option<u32>, Query, description = "1 to 250, usually 50."),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before."),
    ),
    responses((status = 200, description = "A page of keys.", body = Listed<KeyView>), Lookup))]
pub(crate) async fn list(
    caller: Caller,
    State(api): State<Api>,
    mut query: Query,
) -> Result<Json<Listed<KeyView>>, Problem> {
    let project = caller.may(Scope::Admin)?.whole()?;
    let paging = query.paging();
    query.finish()?;
    let directory = api.store.directory();
    let keys = directory.keys().filter(|key| key.project == project.id);
    Ok(Json(Listed::of(page_of(keys, |key| key.id, paging), |key| KeyView::of(key))))
}

/// Show a key
#[utoipa::path(get, path = "/v1/keys/{id}", tag = "Keys", operation_id = "show_key",
    params(("id" = String, Path, description = "The key's id.")),
    responses((status = 200, description = "What it may do.", body = KeyView), Lookup))]
pub(crate) async fn show(
    caller: Caller,
    State(api): State<Api>,
    Named(id): Named<KeyId>,
) -> Result<Json<KeyView>, Problem> {
    let project = caller.may(Scope::Admin)?.whole()?;
    let directory = api.store.directory();
    let found = directory.keys().find(|key| key.id == id && key.project == project.id);
    found.map(|key| Json(KeyView::of(key))).ok_or_else(|| Problem::not_found("key", &id.to_string()))
}

/// Revoke a key
///
/// At once: its next request is refused.
#[utoipa::path(delete, path = "/v1/keys/{id}", tag = "Keys", operation_id = "revoke_key",
    params(("id" = String, Path, description = "The key's id.")),
    responses((status = 204, description = "Revoked."), Lookup))]
pub(crate) async fn revoke(
    caller: Caller,
    State(api): State<Api>,
    Named(id): Named<KeyId>,
) -> Result<StatusCode, Problem> {
    let project = caller.may(Scope::Admin)?.whole()?;
    match api.store.revoke_key(&caller.actor(), project.id, id).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(Problem::not_found("key", &id.to_string())),
    }
}
