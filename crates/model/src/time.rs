//! Instants and durations as they are typed, stored and printed.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// An instant in milliseconds since 1970 UTC. Printed as RFC 3339 with milliseconds: `2026-01-31T09:30:00.000Z`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970, rounded down: what `webhook-timestamp` carries.
    pub const fn as_seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// Time until `later`; zero when that has passed.
    pub fn until(self, later: Self) -> Duration {
        Duration::from_millis(u64::try_from(later.0 - self.0).unwrap_or(0))
    }

    /// Later by `by` milliseconds, or earlier if that is negative.
    #[must_use]
    pub const fn shifted(self, by: i64) -> Self {
        Self(self.0.saturating_add(by))
    }

    /// Time since `earlier`; zero when that is still to come.
    pub fn since(self, earlier: Self) -> Duration {
        earlier.until(self)
    }
}

impl std::ops::Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, wait: Duration) -> Self {
        let millis = i64::try_from(wait.as_millis()).unwrap_or(i64::MAX);
        Self(self.0.saturating_add(millis))
    }
}

impl std::ops::Sub<Duration> for Timestamp {
    type Output = Self;

    fn sub(self, wait: Duration) -> Self {
        let millis = i64::try_from(wait.as_millis()).unwrap_or(i64::MAX);
        Self(self.0.saturating_sub(millis))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, millis) = (self.0.div_euclid(DAY), self.0.rem_euclid(DAY));
        let (year, month, day) = date_of(days);
        let (hour, minute) = (millis / 3_600_000, millis / 60_000 % 60);
        let (second, milli) = (millis / 1_000 % 60, millis % 1_000);
        if !YEARS.contains(&year) {
            return write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z");
        }
        // Without a formatter: each delivery prints some timestamps, and a profile showed the cost.
        let mut text = *b"0000-00-00T00:00:00.000Z";
        for (at, digits, number) in
            [(0, 4, year), (5, 2, month), (8, 2, day), (11, 2, hour), (14, 2, minute), (17, 2, second), (20, 3, milli)]
        {
            let mut left = number;
            for digit in text[at..at + digits].iter_mut().rev() {
                *digit = b'0' + (left % 10) as u8;
                left /= 10;
            }
        }
        f.write_str(std::str::from_utf8(&text).expect("it is ASCII"))
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Milliseconds.
const DAY: i64 = 86_400_000;

/// The years that RFC 3339 can write, in UTC.
const YEARS: RangeInclusive<i64> = 0..=9999;

/// The days from 0000-03-01 to 1970-01-01, and those of 400 years, after which the calendar repeats.
const DAYS_TO_1970: i64 = 719_468;
const DAYS_OF_ERA: i64 = 146_097;

/// Days from 1970-01-01 to a date of the Gregorian calendar. Years are counted from March, so that the day that leap
/// years have more is their last.
fn days_to(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (era, year) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    era * DAYS_OF_ERA + year * 365 + year / 4 - year / 100 + day_of_year - DAYS_TO_1970
}

/// The other way round: year, month and day.
fn date_of(days: i64) -> (i64, i64, i64) {
    let days = days + DAYS_TO_1970;
    let (era, day) = (days.div_euclid(DAYS_OF_ERA), days.rem_euclid(DAYS_OF_ERA));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let (year, month) = if month < 10 { (year, month + 3) } else { (year + 1, month - 9) };
    (year + era * 400, month, day)
}

/// A time that does not read as RFC 3339.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotATime {
    #[error("not a time: write it as in RFC 3339, for example 2026-01-31T09:30:00Z")]
    Spelling,
    #[error(
        "not a time: it does not say in which time zone it is; write for example 2026-01-31T09:30:00Z or 2026-01-31T10:30:00+01:00"
    )]
    Offset,
    #[error(
        "not a time: the + of its offset has become a space; in a query write %2B, as in 2026-01-31T10:30:00%2B01:00"
    )]
    Query,
    #[error("not a time that can be kept: years go from 0000 to 9999, in UTC")]
    Year,
}

impl FromStr for Timestamp {
    type Err = NotATime;

    fn from_str(text: &str) -> Result<Self, NotATime> {
        // A text that begins with a sign has a year of six digits, which RFC 3339 does not know.
        if text.starts_with(['+', '-']) {
            return Err(NotATime::Year);
        }
        let pieces = jiff::fmt::temporal::Pieces::parse(text).map_err(|_| spelling(text))?;
        let (date, time) = (pieces.date(), pieces.time().ok_or(NotATime::Spelling)?);
        let offset = pieces.to_numeric_offset().ok_or(NotATime::Offset)?;
        let days = days_to(date.year().into(), date.month().into(), date.day().into());
        let seconds = i64::from(time.hour()) * 3_600 + i64::from(time.minute()) * 60 + i64::from(time.second());
        let millis = i64::from(time.subsec_nanosecond()) / 1_000_000;
        let at = days * DAY + (seconds - i64::from(offset.seconds())) * 1_000 + millis;
        if YEARS.contains(&date_of(at.div_euclid(DAY)).0) { Ok(Self(at)) } else { Err(NotATime::Year) }
    }
}

/// The most likely mistake.
fn spelling(text: &str) -> NotATime {
    match text.rsplit_once(' ') {
        Some((at, offset)) if offset.len() == 5 && offset.as_bytes()[2] == b':' && at.contains('T') => NotATime::Query,
        _ => NotATime::Spelling,
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

/// A duration as users write it: a whole number and a unit, `"500ms" "10s" "5m" "24h" "5d"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(pub Duration);

/// Units, largest first, in milliseconds.
const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// Longer than anything a webhook waits for, and far from overflowing.
const LONGEST: Duration = Duration::from_secs(366 * 86_400);

/// A duration that does not read as one.
#[derive(Debug, thiserror::Error)]
#[error(
    "not a duration: write a whole number and a unit (ms, s, m, h or d), at most 366d, for example \"10s\" or \"24h\""
)]
pub struct NotADuration;

impl FromStr for Span {
    type Err = NotADuration;

    fn from_str(text: &str) -> Result<Self, NotADuration> {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at(digits);
        let number: u64 = number.parse().map_err(|_| NotADuration)?;
        let (_, scale) = UNITS.iter().find(|(name, _)| *name == unit).ok_or(NotADuration)?;
        let span = Duration::from_millis(number.checked_mul(*scale).ok_or(NotADuration)?);
        if span > LONGEST { Err(NotADuration) } else { Ok(Self(span)) }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX);
        if millis == 0 {
            return f.write_str("0s");
        }
        let (unit, scale) = UNITS.iter().find(|(_, scale)| millis.is_multiple_of(*scale)).unwrap_or(&("ms", 1));
        write!(f, "{}{unit}", millis / scale)
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_printed_with_milliseconds_and_read_back() {
        let at = Timestamp::from_millis(1_769_851_800_120);
        assert_eq!(at.to_string(), "2026-01-31T09:30:00.120Z");
        assert_eq!(at.to_string().parse::<Timestamp>().unwrap(), at);
        assert_eq!("2026-01-31T10:30:00.12+01:00".parse::<Timestamp>().unwrap(), at);
    }

    #[test]
    fn years_go_from_0000_to_9999_and_no_further() {
        for text in [
            "0000-01-01T00:00:00.000Z",
            "0000-02-29T23:59:59.999Z",
            "1582-10-15T00:00:00.000Z",
            "1969-12-31T23:59:59.999Z",
            "2000-02-29T12:00:00.000Z",
            "9999-12-31T23:59:59.999Z",
        ] {
            assert_eq!(text.parse::<Timestamp>().unwrap().to_string(), text);
        }
        for text in [
            "-000001-12-31T23:59:59Z",
            "-000000-01-01T00:00:00Z",
            "+002026-01-01T00:00:00Z",
            "+010000-01-01T00:00:00Z",
            "10000-01-01T00:00:00Z",
            "0000-01-01T00:00:00+00:01",
            "9999-12-31T23:59:59-00:01",
        ] {
            assert!(text.parse::<Timestamp>().is_err(), "{text}");
        }
        assert_eq!("0000-01-01T00:30:00+00:30".parse::<Timestamp>().unwrap().to_string(), "0000-01-01T00:00:00.000Z");
    }

    #[test]
    fn what_is_no_time_is_told_in_words_that_help() {
        let cases = [
            ("yesterday", NotATime::Spelling),
            ("2026-01-31", NotATime::Spelling),
            ("2026-02-30T09:30:00Z", NotATime::Spelling),
            ("2026-01-31T09:30:00", NotATime::Offset),
            ("2026-01-31T10:30:00 01:00", NotATime::Query),
            ("+002026-01-31T10:30:00Z", NotATime::Year),
        ];
        for (text, expected) in cases {
            assert_eq!(text.parse::<Timestamp>(), Err(expected), "{text}");
        }
    }

    #[test]
    fn every_day_of_ten_thousand_years_reads_as_it_prints() {
        let (first, last) = (days_to(0, 1, 1), days_to(9999, 12, 31));
        assert_eq!((days_to(1970, 1, 1), first, last), (0, -719_528, 2_932_896));
        let mut expected = jiff::civil::date(0, 1, 1);
        for days in first..=last {
            let read = (expected.year().into(), expected.month().into(), expected.day().into());
            assert_eq!((date_of(days), days_to(read.0, read.1, read.2)), (read, days));
            expected = expected.tomorrow().unwrap_or(expected);
        }
    }

    #[test]
    fn a_duration_reads_and_prints_in_its_largest_whole_unit() {
        for text in ["500ms", "10s", "5m", "24h", "5d", "0s"] {
            let span: Span = text.parse().unwrap();
            let printed = span.to_string();
            assert_eq!(printed.parse::<Span>().unwrap(), span, "{text} printed as {printed}");
        }
        assert_eq!("24h".parse::<Span>().unwrap().to_string(), "1d");
    }

    #[test]
    fn what_is_not_a_duration_is_refused() {
        for text in ["", "10", "s", "-1s", "1.5s", "10 s", "10S", "1w", "99999999999999999999d", "367d"] {
            assert!(text.parse::<Span>().is_err(), "{text}");
        }
    }
}
