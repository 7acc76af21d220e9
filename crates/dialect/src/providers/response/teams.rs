//! The responses of Teams: of Workflows, which runs on Azure Logic Apps, and of the older connectors, which answer
//! `200` and say in the text that Teams did not take the message.
//! <https://learn.microsoft.com/connectors/teams>, <https://github.com/MicrosoftDocs/msteams-docs/issues/7425>

use std::time::Duration;

use model::attempt::Answer;
use model::retry::RetryHint;

use super::answer::{Interpretation, json, quote, retry_after, text};

/// Pause when Teams names none: a window of its rate limits is up to half a minute.
const BREATH: Duration = Duration::from_secs(15);

/// Beginnings of a connector's text when its `200` is a failure.
const FAILED: [&str; 3] =
    ["Webhook message delivery failed", "System.Net.Http.HttpRequestException", "Microsoft Teams endpoint returned"];

/// Stands in such a text before the status that Teams gave.
const INNER_STATUS: &str = "returned HTTP error ";

pub(super) fn read(answer: &Answer) -> Interpretation {
    let said = text(answer);
    if FAILED.iter().any(|beginning| said.starts_with(beginning)) {
        return inside(answer, &said);
    }
    let body = json(answer);
    // Logic Apps says `{"error":{"code","message"}}`.
    let (code, message) = (body["error"]["code"].as_str(), body["error"]["message"].as_str().unwrap_or_default());
    match (answer.status, code) {
        (429, _) => Interpretation::throttled("Teams", answer, retry_after(answer), BREATH),
        (200..300, None) => Interpretation::default(),
        (status, Some(code)) => workflow(status, code, message),
        (413, None) => Interpretation::failed(RetryHint::Never, "answered 413: the message is larger than Teams takes"),
        (410, None) => Interpretation::failed(RetryHint::Gone, "answered 410: the webhook was removed"),
        _ => Interpretation::default(),
    }
}

/// Interprets the response of Teams that a connector repeats.
fn inside(answer: &Answer, said: &str) -> Interpretation {
    let inner: Option<u16> = said.split_once(INNER_STATUS).and_then(|(_, rest)| rest.get(..3)?.parse().ok());
    let means = |means: &str| format!("answered {}, but: {} ({means})", answer.status, quote(said));
    match inner {
        Some(429) => {
            let reading = Interpretation::throttled("Teams", answer, retry_after(answer), BREATH);
            Interpretation {
                failure: Interpretation::failed(RetryHint::ByPolicy, means("it is being sent too much")).failure,
                ..reading
            }
        }
        Some(400) => {
            Interpretation::failed(RetryHint::Never, means("Teams does not take the message, or the channel is gone"))
        }
        Some(413) => Interpretation::failed(RetryHint::Never, means("the message is larger than Teams takes")),
        Some(404 | 410) => Interpretation::failed(RetryHint::Gone, means("the channel or the webhook was removed")),
        _ => Interpretation::failed(RetryHint::ByPolicy, means("Teams did not take the message")),
    }
}

fn workflow(status: u16, code: &str, message: &str) -> Interpretation {
    let means = |means: &str| format!("answered {status} {code}: {means}");
    match code {
        "WorkflowNotFound" => Interpretation::failed(RetryHint::Gone, means("the workflow was deleted")),
        "WorkflowTriggerIsNotEnabled" if message.contains("Deleted") => {
            Interpretation::failed(RetryHint::Gone, means("the workflow was deleted"))
        }
        // The workflow may be turned on again.
        "WorkflowTriggerIsNotEnabled" | "WorkflowDisabled" => Interpretation::failed(
            RetryHint::ByPolicy,
            means("the workflow is turned off; turn it on in the Workflows app of Teams"),
        ),
        "TriggerInputSchemaMismatch" => Interpretation::failed(
            RetryHint::Never,
            means("the workflow expects something else; it must begin with “When a Teams webhook request is received”"),
        ),
        _ if matches!(status, 401 | 403) => Interpretation::failed(
            RetryHint::Never,
            means("the URL is not complete, or not everybody may start the workflow; copy it again from the workflow"),
        ),
        _ if status == 413 => Interpretation::failed(RetryHint::Never, means("the message is larger than Teams takes")),
        _ => Interpretation::failed(RetryHint::ByPolicy, format!("answered {status} {code}: {}", quote(message))),
    }
}
