//! Real responses of services, and their interpretation.

use std::time::Duration;

use model::attempt::{Answer, Failure, FailureKind};
use model::retry::RetryHint;

use super::answer::LONGEST_REST;
use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn answered(status: u16, headers: &[(&str, &str)], body: &str) -> Outcome {
    let headers = headers.iter().copied().collect();
    Outcome::Answered(Answer { status, headers, body: body.into(), ..Answer::default() })
}

/// Checks the retry hint, the pause and a part of the failure's message; empty `words` means no failure.
fn expect(provider: Provider, outcome: &Outcome, next: RetryHint, rest: Option<Duration>, words: &str) {
    let reading = read(provider, outcome);
    let message = reading.failure.as_ref().map_or("", |failure| &failure.message);
    assert_eq!((reading.next, reading.rest), (next, rest), "{outcome:?} {message}");
    assert!(message.contains(words) && message.is_empty() == words.is_empty(), "{message:?} does not say {words:?}");
}

#[test]
fn slack_says_in_a_word_what_is_wrong() {
    use RetryHint::{ByPolicy, Gone, Never};
    let cases = [
        (200, "ok", ByPolicy, ""),
        (400, "invalid_blocks", Never, "answered 400 invalid_blocks: Slack does not take the message's blocks"),
        (400, "invalid_payload\n", Never, "cannot read the message"),
        (400, "no_text", Never, "no text"),
        (400, "user_not_found", Never, "does not exist"),
        (403, "action_prohibited", Never, "an admin"),
        (400, "posting_to_general_channel_denied", Never, "an admin"),
        (403, "invalid_token", Gone, "URL is wrong"),
        (404, "no_service", Gone, "removed or disabled"),
        (404, "no_team", Gone, "workspace"),
        (403, "team_disabled", Gone, "workspace"),
        (404, "channel_not_found", Gone, "does not exist any more"),
        (410, "channel_is_archived", Gone, "archived"),
        (500, "rollup_error", ByPolicy, "answered 500 rollup_error"),
        (503, "upstream connect error", ByPolicy, ""),
        (502, "<html>bad gateway</html>", ByPolicy, ""),
        (502, "", ByPolicy, ""),
        (200, r#"{"ok":true}"#, ByPolicy, ""),
        (200, r#"{"ok":false,"error":"no_service"}"#, Gone, "answered 200 no_service"),
        (200, r#"{"ok":false,"error":"internal_error"}"#, ByPolicy, "answered 200 internal_error"),
        (400, r#"{"ok":false}"#, ByPolicy, "no reason"),
    ];
    for (status, body, next, words) in cases {
        expect(Provider::Slack, &answered(status, &[], body), next, None, words);
    }
    let wait = 30 * SECOND;
    let throttled = answered(429, &[("Retry-After", "30")], "rate_limited");
    expect(Provider::Slack, &throttled, RetryHint::After(wait), Some(wait), "asks for a pause of 30s");
    expect(Provider::Slack, &answered(429, &[], ""), ByPolicy, Some(SECOND), "sent too much");
}

#[test]
fn discord_says_how_long_to_wait_and_what_is_gone() {
    use RetryHint::{After, ByPolicy, Gone, Never};
    let limited = r#"{"message":"You are being rate limited.","retry_after":0.3004,"global":false}"#;
    let wait = Duration::from_millis(301);
    let last = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset-after", "1.234")];
    let hour = Some(LONGEST_REST);
    let form = r#"{"message":"Invalid Form Body","code":50035,"errors":{"embeds":{"0":{"title":{"_errors":[{"code":"BASE_TYPE_MAX_LENGTH"}]}}}}}"#;
    let cases = [
        (answered(204, &[], ""), ByPolicy, None, ""),
        (answered(204, &[("X-RateLimit-Remaining", "4"), ("X-RateLimit-Reset-After", "1")], ""), ByPolicy, None, ""),
        (answered(204, &last, ""), ByPolicy, Some(Duration::from_millis(1234)), ""),
        (
            answered(429, &[], limited),
            After(wait),
            Some(wait),
            "Discord is being sent too much and asks for a pause of 301ms",
        ),
        (
            answered(429, &[("retry-after", "7")], "error code: 1015"),
            After(7 * SECOND),
            Some(7 * SECOND),
            "pause of 7s",
        ),
        (answered(429, &[], r#"{"retry_after":1e300}"#), After(LONGEST_REST), hour, "pause of 3600s"),
        (answered(429, &[], r#"{"retry_after":-1}"#), ByPolicy, Some(5 * SECOND), "sent too much"),
        (
            answered(404, &[], r#"{"message":"Unknown Webhook","code":10015}"#),
            Gone,
            None,
            "\"Unknown Webhook\": the webhook was deleted",
        ),
        (answered(401, &[], r#"{"message":"Invalid Webhook Token","code":50027}"#), Gone, None, "URL is wrong"),
        (answered(404, &[], r#"{"message":"Unknown Channel","code":10003}"#), Gone, None, "channel"),
        (answered(404, &[], r#"{"message":"404: Not Found","code":0}"#), ByPolicy, None, "404: Not Found"),
        (answered(400, &[], form), Never, None, r#"Invalid Form Body: {"embeds":{"0":{"title""#),
        (answered(400, &[], r#"{"embeds":["0"]}"#), Never, None, r#"does not take the message: {"embeds":["0"]}"#),
        (answered(400, &[], "{\"cut"), Never, None, "does not take the message"),
        (
            answered(500, &[], r#"{"message":"500: Internal Server Error","code":0}"#),
            ByPolicy,
            None,
            "Internal Server Error",
        ),
        (answered(502, &[], "<html>"), ByPolicy, None, ""),
    ];
    for (outcome, next, rest, words) in cases {
        expect(Provider::Discord, &outcome, next, rest, words);
    }
}

#[test]
fn teams_says_inside_a_success_what_failed() {
    use RetryHint::{After, ByPolicy, Gone, Never};
    let inner = |status: u16| {
        let text = format!(
            "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error {status} with ContextId tcid=0,server=msgapi.."
        );
        answered(200, &[], &text)
    };
    let workflow = |status, code: &str, message: &str| {
        answered(status, &[], &serde_json::json!({ "error": { "code": code, "message": message } }).to_string())
    };
    let breath = Some(15 * SECOND);
    let cases = [
        (answered(200, &[], "1"), ByPolicy, None, ""),
        (answered(202, &[], ""), ByPolicy, None, ""),
        (answered(200, &[], "there was an error, said a workflow of its own"), ByPolicy, None, ""),
        (inner(429), ByPolicy, breath, "answered 200, but: Webhook message delivery failed"),
        (inner(413), Never, None, "larger than Teams takes"),
        (inner(400), Never, None, "does not take the message"),
        (inner(404), Gone, None, "was removed"),
        (inner(500), ByPolicy, None, "did not take the message"),
        (
            answered(200, &[], "Webhook message delivery failed with error: Error contacting Microsoft Teams endpoint"),
            ByPolicy,
            None,
            "did not take the message",
        ),
        (
            answered(200, &[], "System.Net.Http.HttpRequestException: Error while copying content"),
            ByPolicy,
            None,
            "did not",
        ),
        (answered(429, &[("retry-after", "3")], ""), After(3 * SECOND), Some(3 * SECOND), "pause of 3s"),
        (answered(429, &[], ""), ByPolicy, breath, "sent too much"),
        (workflow(404, "WorkflowNotFound", "The workflow could not be found."), Gone, None, "the workflow was deleted"),
        (
            workflow(
                400,
                "WorkflowTriggerIsNotEnabled",
                "Could not execute workflow 'x' trigger 'manual' with state 'Deleted'",
            ),
            Gone,
            None,
            "the workflow was deleted",
        ),
        (workflow(400, "WorkflowTriggerIsNotEnabled", "with state 'Disabled'"), ByPolicy, None, "turn it on"),
        (workflow(400, "TriggerInputSchemaMismatch", ""), Never, None, "expects something else"),
        (workflow(401, "DirectApiAuthorizationRequired", ""), Never, None, "copy it again"),
        (
            workflow(502, "NoResponse", "The server did not respond."),
            ByPolicy,
            None,
            "NoResponse: The server did not respond.",
        ),
        (workflow(200, "BadRequest", "no"), ByPolicy, None, "answered 200 BadRequest"),
        (answered(413, &[], ""), Never, None, "larger"),
        (answered(410, &[], "gone"), Gone, None, "removed"),
        (answered(500, &[], ""), ByPolicy, None, ""),
    ];
    for (outcome, next, rest, words) in cases {
        expect(Provider::TeamsWebhook, &outcome, next, rest, words);
    }
}

#[test]
fn servers_and_automation_services_mean_what_they_answer() {
    for provider in [Provider::Webhook, Provider::Zapier, Provider::Make] {
        for body in ["no_service", r#"{"retry_after":3}"#, "Webhook message delivery failed with error: 429"] {
            assert_eq!(read(provider, &answered(429, &[("retry-after", "3")], body)), Interpretation::default());
        }
    }
}

#[test]
fn a_word_that_broke_off_is_none() {
    let broke_off = |body: &str| {
        let mut answer = Answer { status: 404, body: body.into(), ..Answer::default() };
        answer.break_off(Failure::new(FailureKind::Reset, "the connection was closed"));
        Outcome::Answered(answer)
    };
    assert_eq!(read(Provider::Slack, &broke_off("no_service")), Interpretation::default());
    assert_eq!(read(Provider::Slack, &broke_off("no_service\n<")).next, RetryHint::Gone);
}

#[test]
fn who_did_not_answer_said_nothing() {
    let silence = Outcome::failed(FailureKind::Timeout, "no answer");
    assert!(Provider::ALL.into_iter().all(|provider| read(provider, &silence) == Interpretation::default()));
}

#[test]
fn a_long_answer_is_quoted_in_part() {
    let body = serde_json::json!({ "message": "é".repeat(2000), "code": 1 }).to_string();
    let reading = read(Provider::Discord, &answered(500, &[], &body));
    assert!(reading.failure.expect("it failed").message.len() < 400);
}
