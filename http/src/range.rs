//! Ranges of a representation (RFC 9110, 14).

use core::ops::Range;

use crate::Date;
use crate::conditions::{Validators, if_range};
use crate::grammar::{self, RangeSpec};
use crate::request::{Method, Request};

/// What of a representation is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// All of it, with 200.
    Whole,
    /// These bytes, with 206.
    Part(Range<u64>),
    /// Nothing, with 416: no byte of the range exists.
    Unsatisfiable,
}

impl Selection {
    /// What a request selects of a representation of `len` bytes. Several ranges, other units, and
    /// a condition (`If-Range`) that does not hold select all of it, as if there were no range.
    #[must_use]
    pub fn of(request: &Request<'_>, current: Validators, len: u64, now: Date) -> Self {
        let mut ranges = request.fields.all("range");
        let (Some(range), None) = (ranges.next(), ranges.next()) else {
            return Self::Whole;
        };
        let Some(spec) = grammar::single_range(range) else {
            return Self::Whole;
        };
        if request.method != Method::Get || !if_range(request, current, now) {
            return Self::Whole;
        }
        match spec {
            RangeSpec::From(first, last) if first < len => {
                // The last position is included.
                let end = last.map_or(len, |last| last.saturating_add(1).min(len));
                Self::Part(first..end)
            }
            RangeSpec::Suffix(count) if count > 0 && len > 0 => {
                Self::Part(len.saturating_sub(count)..len)
            }
            RangeSpec::From(..) | RangeSpec::Suffix(_) => Self::Unsatisfiable,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Etag, Limits};
    use alloc::format;

    const NOW: Date = Date {
        unix: 1_790_000_000,
    };
    const CURRENT: Validators = Validators {
        etag: Some(Etag(1)),
        last_modified: Some(Date { unix: 784_111_777 }),
    };

    fn select(method: &str, fields: &str) -> Selection {
        let head = format!("{method} / HTTP/1.1\r\nHost: a\r\n{fields}\r\n\r\n");
        let request = Request::parse(head.as_bytes(), &Limits::default()).unwrap();
        Selection::of(&request, CURRENT, 10_000, NOW)
    }

    #[test]
    fn the_examples_of_the_rfc() {
        // RFC 9110, 14.1.2, for a representation of 10,000 bytes.
        for (range, expected) in [
            ("0-499", 0..500),
            ("500-999", 500..1000),
            ("-500", 9500..10_000),
            ("9500-", 9500..10_000),
            ("0-0", 0..1),
            ("-1", 9999..10_000),
        ] {
            let selected = select("GET", &format!("Range: bytes={range}"));
            assert_eq!(selected, Selection::Part(expected), "{range}");
        }
    }

    #[test]
    fn the_edges() {
        use Selection::{Part, Unsatisfiable, Whole};
        for (range, expected) in [
            ("bytes=9999-20000", Part(9999..10_000)),
            ("bytes=0-18446744073709551615", Part(0..10_000)),
            ("BYTES=0-0", Part(0..1)),
            ("bytes=-20000", Part(0..10_000)),
            ("bytes=10000-", Unsatisfiable),
            ("bytes=10000-10001", Unsatisfiable),
            ("bytes=-0", Unsatisfiable),
            ("bytes=5-4", Whole),
            ("bytes=0-0,-1", Whole),
            ("bytes=0-18446744073709551616", Whole),
            ("bytes = 0-0", Whole),
            ("bytes=", Whole),
            ("bytes=-", Whole),
            ("bytes=+1-2", Whole),
            ("lines=0-0", Whole),
        ] {
            assert_eq!(
                select("GET", &format!("Range: {range}")),
                expected,
                "{range}"
            );
        }
        assert_eq!(select("HEAD", "Range: bytes=0-0"), Whole);
        assert_eq!(select("GET", "Range: bytes=0-0\r\nRange: bytes=0-0"), Whole);
    }

    #[test]
    fn if_range_wants_the_very_version() {
        let part = Selection::Part(0..1);
        for (if_range, expected) in [
            ("\"0000000000000001\"", &part),
            ("W/\"0000000000000001\"", &Selection::Whole),
            ("\"0000000000000002\"", &Selection::Whole),
            ("Sun, 06 Nov 1994 08:49:37 GMT", &part),
            ("Sun, 06 Nov 1994 08:49:38 GMT", &Selection::Whole),
            ("nonsense", &Selection::Whole),
        ] {
            let fields = format!("Range: bytes=0-0\r\nIf-Range: {if_range}");
            assert_eq!(select("GET", &fields), *expected, "{if_range}");
        }
    }
}
