//! Formats of dates, as strftime has them: judged once, so that writing one never fails and never grows long.

use std::fmt;
use std::str::FromStr;

use crate::time::Timestamp;

/// Longer formats are refused.
const LONGEST: usize = 128;

/// The conversions there are. Locale, padding and width have no letters: what one writes has at most [`LONGEST_PART`]
/// bytes.
const CONVERSIONS: [&str; 30] = [
    "Y", "m", "d", "H", "M", "S", "F", "T", "R", "D", "y", "e", "j", "I", "p", "a", "A", "b", "B", "u", "w", "V", "G",
    "s", "z", ":z", "Z", "3f", "6f", "9f",
];

/// Maximum bytes that one conversion writes: `%s`, with the sign.
#[cfg(test)]
const LONGEST_PART: usize = 13;

/// `%Y-%m-%dT%H:%M:%SZ`, in UTC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DateFormat(Box<str>);

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAFormat {
    #[error("a date's format has 1 to {LONGEST} bytes")]
    Length,
    #[error("a date's format has no control characters, such as line breaks")]
    Control,
    #[error("a date's format says nothing of the time: write for example %Y-%m-%dT%H:%M:%SZ")]
    Constant,
    #[error("{0} is no part of a date: there are {names} and %%", names = names())]
    Unknown(String),
}

fn names() -> String {
    CONVERSIONS.map(|name| format!("%{name}")).join(" ")
}

impl FromStr for DateFormat {
    type Err = NotAFormat;

    fn from_str(text: &str) -> Result<Self, NotAFormat> {
        if !(1..=LONGEST).contains(&text.len()) {
            return Err(NotAFormat::Length);
        }
        if text.contains(char::is_control) {
            return Err(NotAFormat::Control);
        }
        let mut says_time = false;
        let mut rest = text;
        while let Some((_, conversion)) = rest.split_once('%') {
            rest = match conversion.strip_prefix('%') {
                Some(rest) => rest,
                None => {
                    says_time = true;
                    let known = CONVERSIONS.into_iter().find_map(|name| conversion.strip_prefix(name));
                    known.ok_or_else(|| NotAFormat::Unknown(shown(conversion)))?
                }
            };
        }
        if says_time { Ok(Self(text.into())) } else { Err(NotAFormat::Constant) }
    }
}

/// An unknown conversion, as far as it may reach.
fn shown(conversion: &str) -> String {
    let end = conversion.find(|c: char| c.is_ascii_alphabetic()).map_or(conversion.len(), |at| at + 1);
    format!("%{}", &conversion[..end])
}

impl DateFormat {
    /// Writes `at` in this format.
    pub fn write(&self, at: Timestamp, out: &mut dyn fmt::Write) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(at.as_millis()) {
            Ok(at) => write!(out, "{}", at.to_zoned(jiff::tz::TimeZone::UTC).strftime(&*self.0)),
            Err(_) => write!(out, "{at}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Timestamp = Timestamp::from_millis(1_795_166_102_045);

    fn written(format: &str, at: Timestamp) -> String {
        let mut text = String::new();
        format.parse::<DateFormat>().unwrap().write(at, &mut text).unwrap();
        text
    }

    #[test]
    fn a_time_reads_as_its_format_says() {
        let cases = [
            ("%Y-%m-%dT%H:%M:%SZ", "2026-11-20T09:15:02Z"),
            ("%FT%T.%3fZ", "2026-11-20T09:15:02.045Z"),
            ("%FT%T.%6f+00:00", "2026-11-20T09:15:02.045000+00:00"),
            ("%s.%9f", "1795166102.045000000"),
            ("%a, %d %b %Y %H:%M:%S GMT", "Fri, 20 Nov 2026 09:15:02 GMT"),
            ("%A %e %B %y, %I:%M %p", "Friday 20 November 26, 09:15 AM"),
            ("%G-W%V-%u %j %w", "2026-W47-5 324 5"),
            ("%D %R %z %:z %Z", "11/20/26 09:15 +0000 +00:00 UTC"),
            ("100 %% %Y ü", "100 % 2026 ü"),
        ];
        for (format, expected) in cases {
            assert_eq!(written(format, AT), expected, "{format}");
        }
    }

    #[test]
    fn every_conversion_writes_something_short_at_any_time() {
        for millis in [i64::MIN, -62_167_219_200_000, -1, 0, AT.as_millis(), 253_402_207_200_999, i64::MAX] {
            for name in CONVERSIONS {
                let text = written(&format!("%{name}"), Timestamp::from_millis(millis));
                // The last hours of 9999 are beyond the library, and written as RFC 3339 has them.
                let is_a_year = millis >= -62_167_219_200_000 && jiff::Timestamp::from_millisecond(millis).is_ok();
                assert!(!text.is_empty() && (text.len() <= LONGEST_PART || !is_a_year), "%{name} of {millis}: {text}");
            }
        }
    }

    #[test]
    fn what_is_no_format_is_refused_with_its_reason() {
        let long = "%Y".repeat(65);
        let cases = [
            ("", "1 to 128"),
            (&*long, "1 to 128"),
            ("%Y\n", "control"),
            ("2026", "%Y-%m-%dT%H:%M:%SZ"),
            ("%%Y", "nothing of the time"),
            ("%Q", "%Q is no part"),
            ("%255Y", "%255Y is no part"),
            ("%-d", "%-d is no part"),
            ("%n", "%n is no part"),
            ("%c", "%c is no part"),
            ("%f", "%f is no part"),
            ("%Y%", "% is no part"),
            ("%ü%", "%ü% is no part"),
        ];
        for (format, hint) in cases {
            let wrong = format.parse::<DateFormat>().unwrap_err().to_string();
            assert!(wrong.contains(hint), "{format}: {wrong}");
        }
    }
}
