//! The parts of a date or time that come round again, as sine and cosine. The calendar is the Gregorian one, also
//! before 1582, as in SQL; there are no leap seconds.

use super::encoding::Part;
use std::f64::consts::TAU;

/// Seconds of a day.
pub(crate) const DAY: f64 = 86_400.0;

/// A day of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Date {
    pub(crate) year: i64,
    /// 1 to 12.
    pub(crate) month: i64,
    /// 1 to 31.
    pub(crate) day: i64,
}

impl Date {
    /// The day this many days after 1970-01-01.
    ///
    /// Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`: a year begins in March, so that the
    /// leap day is its last one; an era has 400 years, 146,097 days.
    pub(crate) fn of_days(days: i64) -> Self {
        let shifted = days + 719_468;
        let era = shifted.div_euclid(146_097);
        let day_of_era = shifted.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let from_march = (5 * day_of_year + 2) / 153;
        let month = if from_march < 10 {
            from_march + 3
        } else {
            from_march - 9
        };
        Self {
            year: year_of_era + 400 * era + i64::from(month <= 2),
            month,
            day: day_of_year - (153 * from_march + 2) / 5 + 1,
        }
    }

    /// Days from 1970-01-01 to it (`days_from_civil`).
    pub(crate) fn days(self) -> i64 {
        let year = self.year - i64::from(self.month <= 2);
        let era = year.div_euclid(400);
        let year_of_era = year.rem_euclid(400);
        let from_march = (self.month + 9) % 12;
        let day_of_year = (153 * from_march + 2) / 5 + self.day - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        era * 146_097 + day_of_era - 719_468
    }

    /// The days of its month.
    pub(crate) fn month_days(self) -> i64 {
        let (year, month) = match self.month {
            12 => (self.year + 1, 1),
            month => (self.year, month + 1),
        };
        let next = Self {
            year,
            month,
            day: 1,
        };
        next.days() - Self { day: 1, ..self }.days()
    }
}

/// Sine and cosine of 2 pi times the share of `part` that has passed, `seconds` after 1970-01-01 00:00, or after midnight.
pub(crate) fn wave(part: Part, seconds: f64) -> [f32; 2] {
    let days = (seconds / DAY).floor();
    // Beyond these days (5.8 million years) a date has no place in f64's calendar, and all of them look alike.
    let date = || Date::of_days(days.clamp(-2.1e9, 2.1e9) as i64);
    let share = match part {
        Part::Month => {
            let date = date();
            let january = Date {
                month: 1,
                day: 1,
                ..date
            };
            (date.days() - january.days()) as f64 / 365.25
        }
        Part::Day => (date().day - 1) as f64 / 31.0,
        // 1970-01-01 was a Thursday.
        Part::Weekday => (days + 3.0).rem_euclid(7.0) / 7.0,
        Part::Hour => (seconds - days * DAY) / DAY,
    };
    [libm::sin(TAU * share) as f32, libm::cos(TAU * share) as f32]
}
