//! How we show a receiver who we are, as it is shown without its secrets.

use model::endpoint::Auth;
use serde::Serialize;
use utoipa::ToSchema;

/// Authentication as it is shown.
#[derive(Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
#[schema(as = AuthShown)]
pub(crate) enum AuthView {
    None,
    Bearer,
    Basic { username: String },
    ApiKey { header: String },
}

impl AuthView {
    pub(super) fn of(auth: &Auth) -> Self {
        match auth {
            Auth::None => Self::None,
            Auth::Bearer { .. } => Self::Bearer,
            Auth::Basic { username, .. } => Self::Basic { username: username.clone() },
            Auth::ApiKey { header, .. } => Self::ApiKey { header: header.clone() },
        }
    }
}
