//! Content codings (RFC 9110, 8.4.1 and 12.5.3): in which of its forms a client gets something.

use crate::grammar;
use crate::request::Request;

/// Chooses one of the content codings in which something is to be had, `offered` from the best on.
/// `None`: it is sent as it is.
///
/// Of those that the client weighs alike it gets the first. It gets none that it does not name, be it
/// by `*`; none if it says nothing, or weighs `identity` above all of them; and none where it refuses
/// even that, for bytes that it may not like are better than none (12.5.3 allows both).
#[must_use]
pub fn choose<'a>(request: &Request<'_>, offered: &[&'a str]) -> Option<&'a str> {
    let weighed = offered.iter().rev().filter_map(|coding| {
        let weight = weight(request, coding).or_else(|| weight(request, "*"))?;
        (weight > 0).then_some((weight, *coding))
    });
    let (best, coding) = weighed.max_by_key(|(weight, _)| *weight)?;
    let plain = weight(request, "identity");
    plain.is_none_or(|plain| plain <= best).then_some(coding)
}

/// The weight that a request gives to a coding by name, in thousandths.
fn weight(request: &Request<'_>, coding: &str) -> Option<u16> {
    let mut elements = request
        .fields
        .all("accept-encoding")
        .flat_map(grammar::list)
        .filter_map(grammar::weighted);
    let found = elements.find(|(name, _)| {
        let name = match *name {
            // RFC 9110, 8.4.1.3: an old name of it.
            b"x-gzip" => b"gzip",
            name => name,
        };
        name.eq_ignore_ascii_case(coding.as_bytes())
    });
    found.map(|(_, weight)| weight)
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;
    use crate::Limits;

    #[track_caller]
    fn chosen(fields: &str, expected: Option<&str>) {
        let head = format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n");
        let request = Request::parse(head.as_bytes(), &Limits::default()).unwrap();
        let offered = ["br", "zstd", "gzip"];
        assert_eq!(choose(&request, &offered), expected, "{fields:?}");
    }

    #[test]
    fn the_best_that_the_client_takes() {
        for (value, expected) in [
            ("gzip, deflate, br, zstd", Some("br")),
            ("gzip, zstd", Some("zstd")),
            ("GZip", Some("gzip")),
            ("x-gzip", Some("gzip")),
            ("br;q=0.5, gzip;q=0.9", Some("gzip")),
            ("br ; q=0.5 , gzip ;Q=0.500", Some("br")),
            ("br;q=0, *", Some("zstd")),
            ("*;q=0.1", Some("br")),
            ("br;q=0", None),
            ("*;q=0", None),
            ("deflate", None),
            ("identity", None),
            ("", None),
            ("identity, gzip;q=0.9", None),
            ("identity;q=0.5, gzip;q=0.5", Some("gzip")),
            ("identity;q=0", None),
            ("br;q=2, gzip;q=0.0001, zstd;q=x", None),
            ("br;level=3, gzip", Some("gzip")),
        ] {
            chosen(&format!("Accept-Encoding: {value}\r\n"), expected);
        }
        chosen("", None);
        let lines = "Accept-Encoding: deflate\r\naccept-encoding: gzip\r\n";
        chosen(lines, Some("gzip"));
    }
}
