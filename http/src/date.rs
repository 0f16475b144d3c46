//! Dates in HTTP (RFC 9110, 5.6.7): seconds since 1970 and the three ways to write them.

use core::fmt;

/// A point in time, to the second, written as `Sun, 06 Nov 1994 08:49:37 GMT`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    /// Seconds since the start of 1970, without leap seconds.
    pub unix: u64,
}

const SECONDS_A_DAY: u64 = 86_400;
/// 1 January 10000: years have four digits.
const END: u64 = 253_402_300_800;
const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const LONG_DAYS: [&str; 7] = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

impl Date {
    /// Reads any of the three formats; years of two digits lie at most 50 years after `now`.
    #[must_use]
    pub fn parse(text: &[u8], now: Self) -> Option<Self> {
        let text = core::str::from_utf8(text).ok()?;
        let (day, rest) = text.split_once(' ')?;
        if DAYS.contains(&day) {
            return asctime(rest);
        }
        let day = day.strip_suffix(',')?;
        let rest = rest.strip_suffix(" GMT")?;
        if DAYS.contains(&day) {
            imf_fixdate(rest)
        } else if LONG_DAYS.contains(&day) {
            rfc850(rest, now)
        } else {
            None
        }
    }

    /// From the fields of a calendar; `None` for a day that does not exist. The weekday is not
    /// compared: nothing depends on it.
    fn new(year: u64, month: u64, day: u64, time: u64) -> Option<Self> {
        let days = days_since_1970(year, month, day)?;
        (civil(days) == (year, month, day)).then_some(Self {
            unix: days * SECONDS_A_DAY + time,
        })
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unix = self.unix.min(END - 1);
        let (days, time) = (unix / SECONDS_A_DAY, unix % SECONDS_A_DAY);
        let (year, month, day) = civil(days);
        // 1 January 1970 was a Thursday.
        let weekday = DAYS[((days + 3) % 7) as usize];
        let month = MONTHS[month as usize - 1];
        let (hour, minute, second) = (time / 3600, time / 60 % 60, time % 60);
        write!(
            f,
            "{weekday}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} GMT"
        )
    }
}

/// `06 Nov 1994 08:49:37`
fn imf_fixdate(text: &str) -> Option<Date> {
    let mut words = text.split(' ');
    let day = digits(words.next()?, 2)?;
    let month = month(words.next()?)?;
    let year = digits(words.next()?, 4)?;
    let time = time(words.next()?)?;
    words
        .next()
        .is_none()
        .then(|| Date::new(year, month, day, time))?
}

/// `06-Nov-94 08:49:37`
fn rfc850(text: &str, now: Date) -> Option<Date> {
    let (date, clock) = text.split_once(' ')?;
    let mut words = date.split('-');
    let day = digits(words.next()?, 2)?;
    let month = month(words.next()?)?;
    let short = digits(words.next()?, 2)?;
    if words.next().is_some() {
        return None;
    }
    let (this_year, _, _) = civil(now.unix.min(END - 1) / SECONDS_A_DAY);
    let century = this_year / 100 * 100;
    let year = century + short;
    let year = if year > this_year + 50 {
        year - 100
    } else {
        year
    };
    Date::new(year, month, day, time(clock)?)
}

/// `Nov  6 08:49:37 1994`
fn asctime(text: &str) -> Option<Date> {
    let (name, rest) = text.split_at_checked(3)?;
    let rest = rest.strip_prefix(' ')?;
    let (day, rest) = rest.split_at_checked(2)?;
    let day = match day.strip_prefix(' ') {
        Some(day) => digits(day, 1)?,
        None => digits(day, 2)?,
    };
    let (clock, year) = rest.strip_prefix(' ')?.split_once(' ')?;
    Date::new(digits(year, 4)?, month(name)?, day, time(clock)?)
}

/// `08:49:37`, as seconds of the day. A leap second counts as the one before it.
fn time(text: &str) -> Option<u64> {
    let mut words = text.split(':');
    let hour = digits(words.next()?, 2)?;
    let minute = digits(words.next()?, 2)?;
    let second = digits(words.next()?, 2)?;
    let exists = hour < 24 && minute < 60 && second <= 60 && words.next().is_none();
    exists.then(|| hour * 3600 + minute * 60 + second.min(59))
}

fn month(name: &str) -> Option<u64> {
    let index = MONTHS.iter().position(|month| *month == name)?;
    Some(index as u64 + 1)
}

fn digits(text: &str, count: usize) -> Option<u64> {
    let plain = text.len() == count && text.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| text.parse().ok())?
}

/// Days from 1 January 1970 to a date of the Gregorian calendar. Years are counted from March, so
/// that the leap day is a year's last; 400 years have 146,097 days.
fn days_since_1970(year: u64, month: u64, day: u64) -> Option<u64> {
    let (year, month) = if month < 3 {
        (year.checked_sub(1)?, month + 9)
    } else {
        (year, month - 3)
    };
    let day_of_year = (153 * month + 2) / 5 + day.checked_sub(1)?;
    let days = year * 365 + year / 4 - year / 100 + year / 400 + day_of_year;
    // 719,468 days lie between 1 March of year 0 and 1970.
    days.checked_sub(719_468)
}

/// The inverse: year, month and day.
const fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let year = era * 400 + year_of_era + (month >= 10) as u64;
    (year, if month < 10 { month + 3 } else { month - 9 }, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use proptest::prelude::*;

    const NOW: Date = Date {
        unix: 1_790_000_000,
    };
    /// The example of RFC 9110, 5.6.7.
    const EXAMPLE: Date = Date { unix: 784_111_777 };

    #[test]
    fn the_rfcs_example_in_all_three_formats() {
        assert_eq!(EXAMPLE.to_string(), "Sun, 06 Nov 1994 08:49:37 GMT");
        for text in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
        ] {
            assert_eq!(Date::parse(text.as_bytes(), NOW), Some(EXAMPLE), "{text}");
        }
    }

    #[test]
    fn years_of_two_digits_are_at_most_fifty_years_ahead() {
        let year = |text: &str| Date::parse(text.as_bytes(), NOW).map(|date| date.to_string());
        let expected = Some("Wed, 01 Jan 2076 00:00:00 GMT".to_string());
        assert_eq!(year("Monday, 01-Jan-76 00:00:00 GMT"), expected);
        let expected = Some("Sat, 01 Jan 1977 00:00:00 GMT".to_string());
        assert_eq!(year("Monday, 01-Jan-77 00:00:00 GMT"), expected);
    }

    #[test]
    fn leap_days() {
        let parse = |text: &str| Date::parse(text.as_bytes(), NOW);
        assert!(parse("Thu, 29 Feb 2024 00:00:00 GMT").is_some());
        assert!(parse("Tue, 29 Feb 2000 00:00:00 GMT").is_some());
        assert_eq!(parse("Wed, 29 Feb 2023 00:00:00 GMT"), None);
        assert_eq!(parse("Mon, 29 Feb 2100 00:00:00 GMT"), None);
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in [
            "",
            "Sun",
            "Sun, 06 Nov 1994 08:49:37",
            "Sun, 6 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 24:00:00 GMT",
            "Sun, 06 Nov 1994 08:60:00 GMT",
            "Sun, 00 Nov 1994 08:49:37 GMT",
            "Sun, 31 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1969 08:49:37 GMT",
            "Sun, 06 Nov 0000 08:49:37 GMT",
            "Sun, +6 Nov 1994 08:49:37 GMT",
            "Son, 06 Nov 1994 08:49:37 GMT",
            "Sun, 06 nov 1994 08:49:37 GMT",
            "Sun Nov 6 08:49:37 1994",
        ] {
            assert_eq!(Date::parse(text.as_bytes(), NOW), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(unix in 0..END) {
            let date = Date { unix };
            prop_assert_eq!(Date::parse(date.to_string().as_bytes(), NOW), Some(date));
        }

        #[test]
        fn any_bytes_do_not_panic(text in "[A-Za-z]{3,9},? [ -~]{0,24}( GMT)?") {
            let _ = Date::parse(text.as_bytes(), NOW);
        }
    }
}
