//! `Retry-After`: the least wait that a receiver asks for (RFC 9110, section 10.2.3).

use std::time::Duration;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::Offset;

use crate::attempt::Answer;
use crate::time::Timestamp;

/// A two-digit year that would be further ahead than this is one of the century before (RFC 9110, section 5.6.7).
const YEARS_AHEAD: i16 = 50;

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Statuses whose `Retry-After` may put off the next attempt, and the maximum that it may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryAfter {
    pub on: Vec<u16>,
    pub max: Duration,
}

impl RetryAfter {
    /// The wait that a receiver asked for, `max` at most.
    pub(super) fn wait(&self, answer: &Answer, now: Timestamp) -> Option<Duration> {
        if !self.on.contains(&answer.status) {
            return None;
        }
        let asked = parse(answer.header("retry-after")?, now)?;
        Some(asked.min(self.max))
    }
}

/// Seconds, or an HTTP date. A date in the past is now.
fn parse(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX / 1000)));
    }
    Some(now.until(http_date(value, now)?))
}

/// An HTTP date in any of its three forms (RFC 9110, section 5.6.7). The weekday says nothing that the date does not,
/// so a wrong one is overlooked.
fn http_date(text: &str, now: Timestamp) -> Option<Timestamp> {
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    let date = match words[..] {
        // Sun, 06 Nov 1994 08:49:37 GMT
        [_, day, month, year, clock, "GMT" | "UTC"] => {
            date_of(four_digits(year)?, month, day)?.to_datetime(time(clock)?)
        }
        // Sunday, 06-Nov-94 08:49:37 GMT
        [_, date, clock, "GMT" | "UTC"] => {
            let (day, rest) = date.split_once('-')?;
            let (month, year) = rest.split_once('-')?;
            of_two_digits(year, month, day, time(clock)?, now)?
        }
        // Sun Nov  6 08:49:37 1994
        [_, month, day, clock, year] => date_of(four_digits(year)?, month, day)?.to_datetime(time(clock)?),
        _ => return None,
    };
    let at = Offset::UTC.to_timestamp(date).ok()?;
    Some(Timestamp::from_millis(at.as_millisecond()))
}

fn of_two_digits(year: &str, month: &str, day: &str, time: Time, now: Timestamp) -> Option<DateTime> {
    if year.len() != 2 {
        return Some(date_of(four_digits(year)?, month, day)?.to_datetime(time));
    }
    let now = Offset::UTC.to_datetime(jiff::Timestamp::from_millisecond(now.as_millis()).ok()?);
    let latest = now.year() + YEARS_AHEAD;
    let ahead = latest - (latest - number::<i16>(year)?).rem_euclid(100);
    Some(date_of(ahead, month, day)?.to_datetime(time))
}

fn date_of(year: i16, month: &str, day: &str) -> Option<Date> {
    let month = MONTHS.iter().position(|name| name.eq_ignore_ascii_case(month))?;
    Date::new(year, i8::try_from(month + 1).ok()?, number(day)?).ok()
}

fn time(text: &str) -> Option<Time> {
    let mut parts = text.split(':');
    let (hour, minute, second) = (parts.next()?, parts.next()?, parts.next()?);
    // A leap second is the last of its minute.
    let second = number::<i8>(second)?.min(59);
    parts.next().is_none().then(|| Time::new(number(hour)?, number(minute)?, second, 0).ok())?
}

fn four_digits(text: &str) -> Option<i16> {
    if text.len() == 4 { number(text) } else { None }
}

fn number<T: std::str::FromStr>(text: &str) -> Option<T> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-01-31T09:30:00Z, a Saturday.
    const NOW: Timestamp = Timestamp::from_millis(1_769_851_800_000);

    #[test]
    fn a_date_is_read_in_each_of_its_forms_whatever_weekday_it_names() {
        let two_minutes = [
            "Sat, 31 Jan 2026 09:32:00 GMT",
            "Mon, 31 Jan 2026 09:32:00 GMT",
            "Saturday, 31-Jan-26 09:32:00 GMT",
            "Friday, 31-Jan-26 09:32:00 GMT",
            "Sat Jan 31 09:32:00 2026",
            "Tue Jan 31 09:32:00 2026",
            "sat, 31 jan 2026 09:32:00 GMT",
        ];
        for value in two_minutes {
            assert_eq!(parse(value, NOW), Some(Duration::from_secs(120)), "{value}");
        }
        let days = |days: u64| Some(Duration::from_secs(days * 86_400));
        assert_eq!(parse("Sun Feb  1 09:30:00 2026", NOW), days(1), "a day of one digit has two blanks before it");
        assert_eq!(parse("Sunday, 01-Feb-26 09:30:00 GMT", NOW), days(1));
        assert_eq!(parse("Sun, 01 Feb 2026 09:29:60 GMT", NOW).map(|wait| wait.as_secs()), Some(86_400 - 1));
    }

    #[test]
    fn a_year_of_two_digits_is_at_most_fifty_years_ahead() {
        let years = |value| parse(value, NOW).map(|wait| wait.as_secs() / 31_536_000);
        assert_eq!(years("Friday, 31-Jan-76 09:30:01 GMT"), Some(50));
        assert_eq!(years("Sunday, 06-Nov-94 08:49:37 GMT"), Some(0), "that is 1994");
        assert_eq!(years("Monday, 31-Jan-77 09:30:00 GMT"), Some(0), "that is 1977");
    }

    #[test]
    fn what_is_neither_seconds_nor_a_date_asks_for_nothing() {
        let nonsense = [
            "",
            "soon",
            "-5",
            "1.5",
            "+5",
            "5s",
            "Sat, 32 Jan 2026 09:32:00 GMT",
            "Sat, 31 Foo 2026 09:32:00 GMT",
            "Sat, 31 Jan 2026 09:32 GMT",
            "Sat, 31 Jan 2026 24:32:00 GMT",
            "Sat, 31 Jan 2026 09:32:00 CET",
            "Sat, 31 Jan 26 09:32:00 GMT",
            "Saturday, 31-Jan-126 09:32:00 GMT",
            "2026-01-31T09:32:00Z",
        ];
        for value in nonsense {
            assert_eq!(parse(value, NOW), None, "{value}");
        }
    }
}
