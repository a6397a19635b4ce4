//! Texts of a literal without a type, read as a column's type reads them.

use crate::ColumnType;
use crate::encoder::{DAY, Date};

/// How a literal of this type is written.
pub(super) fn example(column_type: ColumnType) -> &'static str {
    match column_type {
        ColumnType::Boolean => "Write true or false.",
        ColumnType::Date => "Write it like 2024-02-29.",
        ColumnType::Timestamp => "Write it like 2024-02-29 13:30:00.",
        ColumnType::TimestampTz => "Write it like 2024-02-29 13:30:00+00.",
        ColumnType::Time => "Write it like 13:30:00.",
        ColumnType::Interval => "Write it like 1 day 02:30:00.",
        ColumnType::Vector => "Write it like [1.5, 2, -3].",
        ColumnType::Number | ColumnType::Category => "Write it like 12, -0.5 or 1e6.",
    }
}

/// The white space of C's `isspace`, which PostgreSQL's input functions skip.
fn trimmed(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\n', '\r', '\x0b', '\x0c'])
}

pub(super) fn number(text: &str) -> Option<f64> {
    let text = trimmed(text);
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if unsigned.starts_with(|first: char| first.is_ascii_digit() || first == '.') {
        return text.parse::<f64>().ok().filter(|value| value.is_finite());
    }
    let sign = if text.starts_with('-') { -1.0 } else { 1.0 };
    match unsigned.to_ascii_lowercase().as_str() {
        "infinity" | "inf" => Some(sign * f64::INFINITY),
        "nan" => Some(f64::NAN),
        _ => None,
    }
}

pub(super) fn boolean(text: &str) -> Option<bool> {
    let text = trimmed(text).to_ascii_lowercase();
    let starts = |word: &str, least: usize| text.len() >= least && word.starts_with(&text);
    if text == "1" || starts("true", 1) || starts("yes", 1) || starts("on", 2) {
        Some(true)
    } else if text == "0" || starts("false", 1) || starts("no", 1) || starts("off", 2) {
        Some(false)
    } else {
        None
    }
}

/// Seconds from 1970-01-01 to the midnight of a date; a time of day behind it is left out.
pub(super) fn date(text: &str) -> Option<f64> {
    let seconds = timestamp(text, false)?;
    Some((seconds / DAY).floor() * DAY)
}

/// Seconds since 1970-01-01 00:00, in UTC where the text may name a `zone`.
pub(super) fn timestamp(text: &str, zone: bool) -> Option<f64> {
    let text = trimmed(text);
    match text.to_ascii_lowercase().as_str() {
        "infinity" => return Some(f64::INFINITY),
        "-infinity" => return Some(f64::NEG_INFINITY),
        _ => {}
    }
    let end = text.find([' ', 'T', 't']).unwrap_or(text.len());
    let (day, clock) = text.split_at_checked(end)?;
    let mut parts = day.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || year.len() < 4 {
        return None;
    }
    let date = Date {
        year: digits(year, 6)?,
        month: digits(month, 2)?,
        day: digits(day, 2)?,
    };
    if !(1..=12).contains(&date.month) || date.day < 1 || date.day > date.month_days() {
        return None;
    }
    let midnight = date.days() as f64 * DAY;
    let clock = trimmed(clock.trim_start_matches(['T', 't']));
    if clock.is_empty() {
        return Some(midnight);
    }
    let (clock, offset) = match clock.find(['Z', 'z', '+', '-']) {
        Some(at) if zone => {
            let (clock, zone) = clock.split_at_checked(at)?;
            (clock, offset(zone)?)
        }
        Some(_) => return None,
        None => (clock, 0.0),
    };
    Some(midnight + time(clock)? - offset)
}

/// The seconds that a zone, `Z`, `+02`, `+0200` or `-05:30`, is ahead of UTC.
fn offset(zone: &str) -> Option<f64> {
    if zone.eq_ignore_ascii_case("z") {
        return Some(0.0);
    }
    let sign = if zone.starts_with('-') { -1.0 } else { 1.0 };
    let digits_of = zone.strip_prefix(['+', '-'])?.replacen(':', "", 1);
    let (hours, minutes) = digits_of.split_at_checked(2)?;
    let (hours, minutes) = match minutes.len() {
        0 => (digits(hours, 2)?, 0),
        2 => (digits(hours, 2)?, digits(minutes, 2)?),
        _ => return None,
    };
    (hours < 16 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60) as f64)
}

/// Seconds since midnight.
pub(super) fn time(text: &str) -> Option<f64> {
    let seconds = clock(trimmed(text))?;
    (seconds <= DAY).then_some(seconds)
}

/// `13:30`, `13:30:05` or `13:30:05.25`; any number of hours.
fn clock(text: &str) -> Option<f64> {
    let mut parts = text.split(':');
    let (hours, minutes) = (digits(parts.next()?, 6)?, digits(parts.next()?, 2)?);
    let seconds = parts.next().unwrap_or("0");
    let (whole, fraction) = seconds.split_once('.').unwrap_or((seconds, "0"));
    let whole = digits(whole, 2)?;
    digits(fraction, 9)?;
    if parts.next().is_some() || minutes > 59 || whole > 59 {
        return None;
    }
    let fraction: f64 = format!("0.{fraction}").parse().ok()?;
    Some((hours * 3600 + minutes * 60 + whole) as f64 + fraction)
}

/// Seconds of an interval: `1 day 02:30:00`, `-3 hours`, `1 year 2 mons` as PostgreSQL writes them, or `P1DT2H30M` as
/// ISO 8601 does. A month has 30 days and a year twelve months.
pub(super) fn interval(text: &str) -> Option<f64> {
    let text = trimmed(text).to_ascii_lowercase();
    if let Some(parts) = text.strip_prefix('p') {
        return iso_interval(parts);
    }
    let mut seconds = 0.0;
    let mut words = text.split_ascii_whitespace().peekable();
    words.peek()?;
    while let Some(word) = words.next() {
        let (sign, unsigned) = match word.strip_prefix('-') {
            Some(unsigned) => (-1.0, unsigned),
            None => (1.0, word.strip_prefix('+').unwrap_or(word)),
        };
        seconds += sign
            * if unsigned.contains(':') {
                clock(unsigned)?
            } else {
                plain(unsigned)? * unit(words.next()?)?
            };
    }
    Some(seconds)
}

fn iso_interval(parts: &str) -> Option<f64> {
    let (mut seconds, mut in_day, mut rest) = (0.0, false, parts);
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('t') {
            (in_day, rest) = (true, after);
            continue;
        }
        let end = rest.find(|c: char| c.is_ascii_alphabetic())?;
        let (number, after) = rest.split_at_checked(end)?;
        let sign = if number.starts_with('-') { -1.0 } else { 1.0 };
        let unit = match (after.get(..1)?, in_day) {
            ("y", false) => 360.0 * DAY,
            ("m", false) => 30.0 * DAY,
            ("w", false) => 7.0 * DAY,
            ("d", false) => DAY,
            ("h", true) => 3600.0,
            ("m", true) => 60.0,
            ("s", true) => 1.0,
            _ => return None,
        };
        seconds += sign * plain(number.strip_prefix(['+', '-']).unwrap_or(number))? * unit;
        rest = after.get(1..)?;
    }
    Some(seconds)
}

fn unit(word: &str) -> Option<f64> {
    Some(match word.strip_suffix('s').unwrap_or(word) {
        "year" => 360.0 * DAY,
        "mon" | "month" => 30.0 * DAY,
        "week" => 7.0 * DAY,
        "day" => DAY,
        "hour" => 3600.0,
        "min" | "minute" => 60.0,
        "sec" | "second" => 1.0,
        _ => return None,
    })
}

/// Digits with a point at most.
fn plain(text: &str) -> Option<f64> {
    let fits = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.');
    fits.then(|| text.parse().ok())?
}

/// A number of `most` digits at most, and nothing else.
fn digits(text: &str, most: usize) -> Option<i64> {
    let fits = (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    fits.then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_numbers_as_float8in_does() {
        // PostgreSQL 15: SELECT ' 1.5 '::float8, '+1e3'::float8, '.5'::float8, '5.'::float8, '-Infinity'::float8, 'nan'::float8
        for (text, expected) in [
            (" 1.5\n", 1.5),
            ("+1e3", 1000.0),
            (".5", 0.5),
            ("5.", 5.0),
            ("-Infinity", f64::NEG_INFINITY),
            ("inf", f64::INFINITY),
        ] {
            assert_eq!(number(text), Some(expected), "{text:?}");
        }
        assert!(number("NaN").is_some_and(f64::is_nan));
        // '1e400'::float8 is out of range in PostgreSQL; '1_0' and '0x' are not numbers before 16.
        for text in ["", " ", "a", "1e400", "1 2", "--1", "infinite", "1_0", "é"] {
            assert_eq!(number(text), None, "{text:?}");
        }
    }

    #[test]
    fn reads_booleans_as_boolin_does() {
        for text in ["t", "TRUE", " yes ", "y", "on", "1", "tru"] {
            assert_eq!(boolean(text), Some(true), "{text:?}");
        }
        for text in ["f", "False", "no", "n", "off", "of", "0"] {
            assert_eq!(boolean(text), Some(false), "{text:?}");
        }
        for text in ["", "o", "2", "truer", "ja"] {
            assert_eq!(boolean(text), None, "{text:?}");
        }
    }

    #[test]
    fn reads_dates_and_times_as_postgresql_does() {
        // PostgreSQL 15, SET timezone = 'UTC': SELECT extract(epoch FROM '2024-02-29'::date), extract(epoch FROM '1969-12-31
        // 23:59:59.5'::timestamp), extract(epoch FROM '2024-02-29T13:30:00+05:30'::timestamptz), ...
        assert_eq!(date("2024-02-29"), Some(1_709_164_800.0));
        assert_eq!(date(" 2024-02-29 13:30 "), Some(1_709_164_800.0));
        assert_eq!(date("1969-12-31 23:00"), Some(-86_400.0));
        assert_eq!(date("0001-01-01"), Some(-62_135_596_800.0));
        assert_eq!(timestamp("1969-12-31 23:59:59.5", false), Some(-0.5));
        assert_eq!(timestamp("2024-02-29T13:30", false), Some(1_709_213_400.0));
        assert_eq!(
            timestamp("2024-02-29T13:30:00+05:30", true),
            Some(1_709_193_600.0)
        );
        assert_eq!(
            timestamp("2024-02-29 13:30:00-0800", true),
            Some(1_709_242_200.0)
        );
        assert_eq!(
            timestamp("2024-02-29 13:30:00Z", true),
            Some(1_709_213_400.0)
        );
        assert_eq!(
            timestamp("2024-02-29 13:30:00", true),
            Some(1_709_213_400.0)
        );
        assert_eq!(timestamp("infinity", true), Some(f64::INFINITY));
        assert_eq!(time("13:30:05.25"), Some(48_605.25));
        assert_eq!(time("24:00"), Some(86_400.0));
        // A zone in a timestamp that has none would be left out in silence there; here it is refused.
        for text in [
            "2024-02-30",
            "2024-13-01",
            "24-02-01",
            "2024-02",
            "2024-02-29 13:30+02",
            "today",
            "",
            "2024-02-29 25",
        ] {
            assert_eq!(timestamp(text, false), None, "{text:?}");
        }
        for text in ["13", "13:60", "24:00:01", "13:30:05.", "-1:00", "é"] {
            assert_eq!(time(text), None, "{text:?}");
        }
        for text in [
            "2024-02-29 13:30:00+2",
            "2024-02-29 13:30:00 Europe/Berlin",
            "2024-02-29 13:30:00+99",
        ] {
            assert_eq!(timestamp(text, true), None, "{text:?}");
        }
    }

    #[test]
    fn reads_intervals_with_months_of_thirty_days() {
        assert_eq!(interval("1 day 02:30:00"), Some(95_400.0));
        assert_eq!(interval("-3 hours"), Some(-10_800.0));
        assert_eq!(
            interval("1 year 2 mons -3 days 04:05:06.5"),
            Some(420.0 * DAY - 3.0 * DAY + 14_706.5)
        );
        assert_eq!(interval("P1Y2M3DT4H5M6.5S"), Some(423.0 * DAY + 14_706.5));
        assert_eq!(interval("P-1D"), Some(-DAY));
        for text in [
            "",
            "1",
            "day",
            "1 fortnight",
            "P",
            "P1",
            "PT1D",
            "1e3 days",
            "--1 day",
        ] {
            assert_eq!(interval(text), None, "{text:?}");
        }
    }
}
