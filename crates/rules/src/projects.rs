//! Projects: what makes one right, new or changed.

pub mod retention;

use model::env::Env;
use model::id::ProjectId;
use model::invalid::Faults;
use model::object::{Change, Object};
use model::project::{Project, Slug, Tenants};
use model::rejection::{Rejection, RejectionCode, judged};
use model::retention::Chosen;
use model::speech::Speech;
use serde::Deserialize;
use utoipa::ToSchema;

use self::retention::RetentionFields;
use crate::names::judge_name;

const USUAL_DIALECT: &str = "standard";

const MOST_ADMINS: usize = 20;

/// A project to make.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "name": "Acme", "dialect": "standard" }))]
pub struct NewProject {
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
pub struct ProjectChange {
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

impl NewProject {
    pub fn judge(self, env: &dyn Env) -> Result<Project, Rejection> {
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
            id: ProjectId::new(env),
            slug: slug.expect("its absence is a fault"),
            name: name.expect("its absence is a fault"),
            dialect: dialect.expect("its absence is a fault"),
            admins,
            retention,
            tenants: tenants.unwrap_or_default(),
            created_at: env.now(),
        })
    }
}

impl ProjectChange {
    pub fn judge(self, before: &Project, speech: &Speech) -> Result<Project, Rejection> {
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
            return Err(Rejection::new(
                RejectionCode::Conflict,
                "The project default keeps its slug: it is always there.",
            ));
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

pub fn is_default(project: &Project) -> bool {
    project.slug.as_str() == Slug::DEFAULT
}
