//! Dates, times and intervals of PostgreSQL as seconds of the core.
//!
//! Nothing here asks for the session's time zone or date style: a day and a timestamp are read as they stand, a moment is
//! one in UTC.

use pgrx::pg_sys::{self, Datum};

const SECONDS_PER_DAY: i64 = 86_400;
const MICROSECONDS: i64 = 1_000_000;
/// Days from 1970-01-01, where the core counts from, to 2000-01-01, where PostgreSQL does.
const EPOCH: i64 = 10_957;
/// A month of an interval, as `justify_days` has it.
const DAYS_PER_MONTH: i128 = 30;

/// A `date`: the midnight it begins with. `infinity` is infinite, which no feature may be.
#[inline]
pub fn date(days: i32) -> f64 {
    match days {
        i32::MAX => f64::INFINITY,
        i32::MIN => f64::NEG_INFINITY,
        days => ((i64::from(days) + EPOCH) * SECONDS_PER_DAY) as f64,
    }
}

/// A `timestamp` or `timestamptz`, rounded once.
#[inline]
pub fn timestamp(microseconds: i64) -> f64 {
    match microseconds {
        i64::MAX => f64::INFINITY,
        i64::MIN => f64::NEG_INFINITY,
        // The last timestamp, in the year 294276, is far from the end of an i64.
        since => {
            since.saturating_add(EPOCH * SECONDS_PER_DAY * MICROSECONDS) as f64
                / MICROSECONDS as f64
        }
    }
}

/// A `time`.
#[inline]
pub fn time(microseconds: i64) -> f64 {
    microseconds as f64 / MICROSECONDS as f64
}

/// A `timetz`, at UTC.
///
/// # Safety
/// `datum` is a timetz.
pub unsafe fn time_tz(datum: Datum) -> f64 {
    // SAFETY: by contract; it may lie anywhere in a tuple that its alignment allows.
    let pg_sys::TimeTzADT { time: local, zone } =
        unsafe { *datum.cast_mut_ptr::<pg_sys::TimeTzADT>() };
    // The zone counts seconds west of Greenwich.
    let utc = local + i64::from(zone) * MICROSECONDS;
    time(utc.rem_euclid(SECONDS_PER_DAY * MICROSECONDS))
}

/// An `interval`.
///
/// # Safety
/// `datum` is an interval.
pub unsafe fn interval(datum: Datum) -> f64 {
    // SAFETY: by contract, as above.
    let pg_sys::Interval { time, day, month } =
        unsafe { *datum.cast_mut_ptr::<pg_sys::Interval>() };
    #[cfg(any(feature = "pg17", feature = "pg18"))]
    match (time, day, month) {
        (i64::MAX, i32::MAX, i32::MAX) => return f64::INFINITY,
        (i64::MIN, i32::MIN, i32::MIN) => return f64::NEG_INFINITY,
        _ => {}
    }
    let days = i128::from(month) * DAYS_PER_MONTH + i128::from(day);
    let microseconds = days * i128::from(SECONDS_PER_DAY * MICROSECONDS) + i128::from(time);
    microseconds as f64 / MICROSECONDS as f64
}
