//! Rotating an endpoint's secret: to which, and how long the old one signs beside it.

use std::time::Duration;

use dialect::{Dialect, RotateRule, sign};
use model::env::Env;
use model::invalid::Faults;
use model::rejection::{Rejection, judged};
use model::secret::{Secret, Signing};
use model::time::Span;
use serde::Deserialize;
use utoipa::ToSchema;

/// How long both secrets sign where nothing is said.
const USUAL_OVERLAP: Duration = Duration::from_secs(86_400);

/// How to rotate. Nothing in it is required, nor is the body.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "overlap": "24h" }))]
pub struct Rotation {
    /// How long the old secret signs beside the new one. `0s` ends it at once, which some dialects always do.
    #[schema(example = "24h", default = "24h")]
    overlap: Option<String>,
    /// Your own. One is made if none is given.
    #[schema(example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    secret: Option<String>,
}

impl Rotation {
    /// To a secret of ours, and the old one ends.
    pub fn at_once() -> Self {
        Self { overlap: Some("0s".to_owned()), secret: None }
    }

    pub fn judge(self, dialect: &Dialect, signing: Signing, env: &dyn Env) -> Result<(Secret, Duration), Rejection> {
        let mut faults = Faults::default();
        let overlap = match self.overlap {
            Some(text) => faults.check("/overlap", judge_overlap(&text, dialect)),
            None => Some(usual_overlap(dialect)),
        };
        let form = dialect.secret_form();
        let secret = match self.secret {
            Some(text) => faults.check("/secret", sign::own_secret(&text, form, signing)),
            None => Some(Secret::generate(form, signing, env)),
        };
        judged(faults)?;
        Ok((secret.expect("its absence is a fault"), overlap.expect("its absence is a fault")))
    }
}

fn usual_overlap(dialect: &Dialect) -> Duration {
    match dialect.endpoints.rotate {
        RotateRule::Overlap => USUAL_OVERLAP,
        RotateRule::AtOnce => Duration::ZERO,
    }
}

fn judge_overlap(text: &str, dialect: &Dialect) -> Result<Duration, String> {
    let overlap = text.parse::<Span>().map_err(|error| error.to_string())?.0;
    if dialect.endpoints.rotate == RotateRule::AtOnce && !overlap.is_zero() {
        return Err(format!("in the dialect {} an old secret ends at once: leave this out, or say 0s", dialect.name));
    }
    Ok(overlap)
}
