//! Keys: what a new one may do.

use model::invalid::Faults;
use model::key::Scope;
use model::rejection::{Rejection, judged};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::names::judge_name;

/// A key to make.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "name": "billing service", "scopes": ["events:write"] }))]
pub struct NewKey {
    /// What it is for, 1 to 128 characters.
    #[schema(required = true, nullable = false, value_type = String, example = "billing service")]
    name: Option<String>,
    /// What it may do: any of `events:write`, `endpoints:write`, `read`, `sources:write`, `admin`, `portal`. A key with
    /// `endpoints:write` may see endpoints too; all else is seen with `read`.
    #[schema(required = true, nullable = false, value_type = Vec<String>, example = json!(["events:write"]))]
    scopes: Option<Vec<String>>,
}

impl NewKey {
    pub fn judge(self) -> Result<(String, Vec<Scope>), Rejection> {
        let mut faults = Faults::default();
        let name = faults.check("/name", judge_name(self.name));
        let scopes = match self.scopes {
            Some(names) if !names.is_empty() => judge_scopes(&names, &mut faults),
            _ => {
                faults.add("/scopes", format_args!("required: at least one of {}", scope_names()));
                Vec::new()
            }
        };
        judged(faults)?;
        Ok((name.expect("its absence is a fault"), scopes))
    }
}

fn judge_scopes(names: &[String], faults: &mut Faults) -> Vec<Scope> {
    let mut scopes = Vec::new();
    for (index, name) in names.iter().enumerate() {
        match Scope::ALL.into_iter().find(|scope| scope.name() == name) {
            Some(scope) if !scopes.contains(&scope) => scopes.push(scope),
            Some(_) => {}
            None => faults.add(format!("/scopes/{index}"), format_args!("a scope is one of {}", scope_names())),
        }
    }
    scopes
}

fn scope_names() -> String {
    Scope::ALL.map(Scope::name).join(", ")
}
