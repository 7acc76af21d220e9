//! The words of a mail: what happened to an endpoint, and what to do about it. Never a payload, never a secret.

use std::fmt::Write as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lettre::Message;
use lettre::message::header::{ContentType, Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MessageBuilder};
use model::time::Timestamp;
use store::outbox::{Failing, Mail, Report, What};

use super::send_error::SendMailError;

/// Says to out-of-office replies and the like that nobody reads them (RFC 3834).
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

/// The mail as it is sent. The same for every try, down to its date and id.
pub(super) fn write(mail: &Mail, from: &Mailbox, public_url: Option<&str>) -> Result<Message, SendMailError> {
    let builder: MessageBuilder = Message::builder()
        .from(from.clone())
        .to(Mailbox::new(None, mail.recipient.parse()?))
        .subject(subject(&mail.report))
        .date(date(mail.created_at))
        .message_id(Some(format!("<{}@{}>", mail.id, from.email.domain())))
        .header(AutoSubmitted)
        .header(ContentType::TEXT_PLAIN);
    Ok(builder.body(text(mail, public_url))?)
}

fn date(at: Timestamp) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(u64::try_from(at.as_millis()).unwrap_or(0))
}

fn subject(report: &Report) -> String {
    let happened = match report.what {
        What::Disabled { .. } => "disabled",
        What::GivesUp { .. } => "failing",
        What::Recovered => "recovered",
    };
    format!("Webhook endpoint {happened}: {} ({})", called(report), report.slug)
}

/// An endpoint by its name, or by the host it is at.
fn called(report: &Report) -> String {
    let after_scheme = report.url.split_once("://").map_or(report.url.as_str(), |(_, rest)| rest);
    let host = after_scheme.split('/').next().unwrap_or(after_scheme);
    one_line(report.name.as_deref().unwrap_or(host))
}

/// What others wrote must not look like what we write.
fn one_line(text: &str) -> String {
    text.replace(char::is_control, " ")
}

fn text(mail: &Mail, public_url: Option<&str>) -> String {
    let report = &mail.report;
    let (name, project) = (called(report), one_line(&report.project));
    let opening = match &report.what {
        What::Disabled { reason, .. } => format!(
            "The webhook endpoint {name} of {project} was disabled: {}.\nNothing is sent to it until somebody resumes it.",
            one_line(reason)
        ),
        What::GivesUp { .. } => format!(
            "A delivery to the webhook endpoint {name} of {project} was given up: every attempt of its schedule has\n\
             failed. New events are still sent to it. You will hear again when it has recovered or was disabled."
        ),
        What::Recovered => {
            format!(
                "The webhook endpoint {name} of {project} delivers again.\nWhat was given up meanwhile is not sent by itself."
            )
        }
    };
    let mut text = format!("{opening}\n\n");
    for (label, value) in facts(mail, public_url) {
        writeln!(text, "{:<15} {}", format!("{label}:"), one_line(&value)).expect("a String takes everything");
    }
    text + "\n" + &advice(mail)
}

fn facts(mail: &Mail, public_url: Option<&str>) -> Vec<(&'static str, String)> {
    let report = &mail.report;
    let mut facts = vec![
        ("Endpoint", report.endpoint.to_string()),
        ("URL", report.url.clone()),
        ("Project", report.slug.to_string()),
        ("When", mail.created_at.to_string()),
    ];
    match &report.what {
        What::Disabled { failing, .. } => facts.extend(how(failing)),
        What::GivesUp { event_type, delivery, failing } => {
            facts.push(("Event type", event_type.clone()));
            facts.push(("Delivery", delivery.to_string()));
            facts.extend(how(failing));
        }
        What::Recovered => {}
    }
    facts.extend(public_url.map(|url| ("Server", url.to_owned())));
    facts
}

fn how(failing: &Failing) -> impl Iterator<Item = (&'static str, String)> {
    let since =
        failing.since.map(|at| ("Failing since", format!("{at}, failures in a row: {}", failing.failure_count)));
    let status = failing.status_code.map(|status| ("Last status", status.to_string()));
    let error = failing.error.clone().map(|error| ("Last error", error));
    [since, status, error].into_iter().flatten()
}

fn advice(mail: &Mail) -> String {
    let Report { endpoint, slug, what, .. } = &mail.report;
    let project = format!("--project {slug}");
    let since = |failing: &Failing| failing.since.unwrap_or(mail.created_at);
    match what {
        What::Disabled { failing, .. } => format!(
            "When its receiver is well again, resume it, then send what it has missed:\n\n  \
             posthaste webhooks resume {endpoint} {project}\n  \
             posthaste webhooks recover {endpoint} --since {} {project}\n",
            since(failing)
        ),
        What::GivesUp { delivery, failing, .. } => format!(
            "See what was answered, and when its receiver is well again, send what was given up:\n\n  \
             posthaste deliveries show {delivery} {project}\n  \
             posthaste webhooks recover {endpoint} --only failed --since {} {project}\n",
            since(failing)
        ),
        What::Recovered => format!(
            "To send it, from the time on at which the trouble began:\n\n  \
             posthaste webhooks recover {endpoint} --only failed --since 24h {project}\n"
        ),
    }
}

#[cfg(test)]
mod tests {
    use model::id::{DeliveryId, EndpointId, MailId, ProjectId};

    use super::*;

    const AT: Timestamp = Timestamp::from_millis(1_767_603_600_000);

    fn mail(name: Option<&str>, what: What) -> Mail {
        let report = Report {
            project: "Acme".to_owned(),
            slug: "acme".parse().unwrap(),
            endpoint: EndpointId::from_bytes([7; 16]),
            name: name.map(str::to_owned),
            url: "https://example.com:8443/hook".to_owned(),
            what,
        };
        Mail {
            id: MailId::from_bytes([8; 16]),
            project: ProjectId::from_bytes([9; 16]),
            recipient: "oncall@example.com".to_owned(),
            report,
            failures: 0,
            created_at: AT,
        }
    }

    fn failing() -> Failing {
        Failing { failure_count: 10, since: Some(AT), status_code: Some(500), error: Some("answered 500".to_owned()) }
    }

    fn disabled() -> What {
        What::Disabled { reason: "10 failures in a row".to_owned(), failing: failing() }
    }

    fn written(mail: &Mail) -> String {
        let from = "Posthaste <hooks@example.com>".parse().unwrap();
        String::from_utf8(write(mail, &from, Some("https://hooks.example.com")).unwrap().formatted()).unwrap()
    }

    #[test]
    fn a_letter_says_what_happened_and_what_to_do() {
        let message = written(&mail(Some("Billing"), disabled()));
        let id = MailId::from_bytes([8; 16]);
        let endpoint = EndpointId::from_bytes([7; 16]);
        for part in [
            "From: Posthaste <hooks@example.com>\r\n",
            "To: oncall@example.com\r\n",
            "Subject: Webhook endpoint disabled: Billing (acme)\r\n",
            "Date: Mon, 05 Jan 2026 09:00:00 +0000\r\n",
            &format!("Message-ID: <{id}@example.com>\r\n"),
            "Auto-Submitted: auto-generated\r\n",
            "Content-Type: text/plain; charset=utf-8\r\n",
            "The webhook endpoint Billing of Acme was disabled: 10 failures in a row.\r\n",
            "URL:            https://example.com:8443/hook\r\n",
            "Failing since:  2026-01-05T09:00:00.000Z, failures in a row: 10\r\n",
            "Last status:    500\r\n",
            "Last error:     answered 500\r\n",
            "Server:         https://hooks.example.com\r\n",
            &format!("posthaste webhooks resume {endpoint} --project acme\r\n"),
        ] {
            assert!(message.contains(part), "{part:?} is not in\n{message}");
        }
    }

    #[test]
    fn an_endpoint_without_a_name_is_called_by_its_host() {
        let gives_up = What::GivesUp {
            event_type: "order.created".to_owned(),
            delivery: DeliveryId::from_bytes([1; 16]),
            failing: failing(),
        };
        for (what, happened) in [(disabled(), "disabled"), (gives_up, "failing"), (What::Recovered, "recovered")] {
            let message = written(&mail(None, what));
            let subject = format!("Subject: Webhook endpoint {happened}: example.com:8443 (acme)\r\n");
            assert!(message.contains(&subject), "{message}");
        }
    }

    #[test]
    fn what_others_wrote_makes_no_header_and_no_line() {
        let forged = What::Disabled {
            reason: "gone\r\n\r\nURL:            https://evil.example".to_owned(),
            failing: Failing { error: Some("no\nServer: https://evil.example".to_owned()), ..failing() },
        };
        let message = written(&mail(Some("x\r\nBcc: victim@example.com\r\n\r\nHello"), forged));
        for line in message.lines() {
            let forged = ["Bcc:", "Hello", "URL:            https://evil", "Server: https://evil"];
            assert!(!forged.iter().any(|start| line.starts_with(start)), "{line:?} in\n{message}");
        }
        assert!(message.contains("\r\nSubject: Webhook endpoint disabled: x"), "{message}");
    }

    #[test]
    fn any_name_is_sent_as_seven_bits() {
        let message = written(&mail(Some(&"Überblick 📦 ".repeat(10)), disabled()));
        assert!(
            message.is_ascii() && message.contains("\r\nSubject: Webhook endpoint disabled: =?utf-8?b?"),
            "{message}"
        );
    }
}
