//! `[retry]` and `[disable]`.

use std::time::Duration;

use model::health::DisableRule;
use model::retry::{MOST_RETRIES, Policy, RetryAfter, RetryOn};

use super::span::span;
use crate::checked::Checked;
use crate::diagnostic::{Diagnostics, KeyLocation};
use crate::file;

/// Maximum entries of a list of statuses: there are hardly more statuses.
const MOST_STATUSES: usize = 500;

/// Returns the rule, and whether disabling is announced.
pub(super) fn disable(file: file::Disable, location: &KeyLocation<'_>, m: &mut Diagnostics) -> (DisableRule, bool) {
    let rule = DisableRule {
        on_status: statuses(file.on_status, &location.member("on_status"), m),
        consecutive_failures: m
            .take(&location.member("consecutive_failures"), file.consecutive_failures)
            .unwrap_or_default(),
        failing_for: span(file.failing_for, &location.member("failing_for"), m).unwrap_or_default(),
    };
    (rule, m.take(&location.member("notify"), file.notify).unwrap_or_default())
}

pub(super) fn policy(
    file: file::Retry,
    disable: &DisableRule,
    location: &KeyLocation<'_>,
    m: &mut Diagnostics,
) -> Policy {
    let after = location.member("retry_after");
    Policy {
        schedule: schedule(file.schedule, &location.member("schedule"), m),
        on: on(file.on, disable, &location.member("on"), m),
        jitter: jitter(file.jitter, &location.member("jitter"), m),
        retry_after: RetryAfter {
            on: statuses(file.retry_after.on, &after.member("on"), m),
            max: span(file.retry_after.max, &after.member("max"), m).unwrap_or_default(),
        },
    }
}

fn schedule(file: Vec<Checked<model::time::Span>>, location: &KeyLocation<'_>, m: &mut Diagnostics) -> Vec<Duration> {
    if file.len() > MOST_RETRIES {
        m.add(location, format!("at most {MOST_RETRIES} waits"));
    }
    m.each(location, file.into_iter().take(MOST_RETRIES).collect()).into_iter().map(|span| span.0).collect()
}

fn on(file: Vec<Checked<String>>, disable: &DisableRule, location: &KeyLocation<'_>, m: &mut Diagnostics) -> RetryOn {
    // A status that disables the endpoint is not retried, even if a class in this list covers it.
    let mut on = RetryOn { except: disable.on_status.clone(), ..RetryOn::default() };
    if file.len() > MOST_STATUSES {
        m.add(location, format!("at most {MOST_STATUSES} entries"));
    }
    for (index, word) in file.into_iter().take(MOST_STATUSES).enumerate() {
        let location = location.item(index);
        let Some(word) = m.take(&location, word) else { continue };
        match (word.as_str(), word.strip_suffix("xx").and_then(|hundreds| hundreds.parse().ok())) {
            ("timeout", _) => on.timeout = true,
            ("connection", _) => on.connection = true,
            (_, Some(hundreds @ (1 | 3 | 4 | 5))) => on.classes[hundreds] = true,
            (code, _) => match code.parse() {
                Ok(status) if disable.on_status.contains(&status) => m.add(
                    &location,
                    format!("{status} disables the endpoint (disable.on_status), and who says so is not asked again"),
                ),
                Ok(status) if is_failure(status) => on.statuses.push(status),
                _ => m.add(
                    &location,
                    format!(
                        "{word:?} is no failure: write timeout, connection, 1xx, 3xx, 4xx, 5xx or a status such as 408"
                    ),
                ),
            },
        }
    }
    on
}

fn jitter(jitter: Checked<f64>, location: &KeyLocation<'_>, m: &mut Diagnostics) -> f64 {
    let jitter = m.take(location, jitter).unwrap_or_default();
    if !(0.0..=1.0).contains(&jitter) {
        m.add(location, "jitter is a share of the wait, from 0 to 1");
    }
    jitter
}

fn statuses(file: Vec<Checked<u16>>, location: &KeyLocation<'_>, m: &mut Diagnostics) -> Vec<u16> {
    let mut statuses = Vec::new();
    if file.len() > MOST_STATUSES {
        m.add(location, format!("at most {MOST_STATUSES} statuses"));
    }
    for (index, status) in file.into_iter().take(MOST_STATUSES).enumerate() {
        let location = location.item(index);
        match m.take(&location, status) {
            Some(status) if is_failure(status) => statuses.push(status),
            Some(status) => {
                m.add(&location, format!("{status} is no status of a failure: those are 100 to 199 and 300 to 599"));
            }
            None => {}
        }
    }
    statuses
}

fn is_failure(status: u16) -> bool {
    (100..600).contains(&status) && !(200..300).contains(&status)
}
