//! Names (RFC 1035, 2.3 and 3.1).

use core::fmt;
use core::str::FromStr;

use heapless::Vec;

/// The most bytes of a name: its labels, each behind its length, and the empty one at the end.
const MAX_NAME: usize = 255;
const MAX_LABEL: usize = 63;

/// A name, as it lies in a message without compression. Upper and lower case are the same.
#[derive(Clone, Debug)]
pub struct Name(Vec<u8, MAX_NAME>);

/// A text that cannot be a host's name: labels of 1 to 63 letters, digits, hyphens and underscores
/// between dots, at most 253 bytes, of which the last is not a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadName;

impl Name {
    /// The name of no label: an end without a beginning.
    pub(crate) const fn root() -> Self {
        Self(Vec::new())
    }

    /// Adds a label behind the others; `None` when it is too long, or the name gets too long with it.
    pub(crate) fn push(&mut self, label: &[u8]) -> Option<()> {
        // Leaves room for the end.
        if label.len() > MAX_LABEL || self.0.len() + 1 + label.len() >= MAX_NAME {
            return None;
        }
        self.0.push(label.len() as u8).ok()?;
        self.0.extend_from_slice(label).ok()
    }

    /// Its bytes in a message, without the empty label at the end.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Its last label.
    pub(crate) fn last(&self) -> Option<&[u8]> {
        self.labels().last()
    }

    fn labels(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest: &[u8] = &self.0;
        core::iter::from_fn(move || {
            let (len, labels) = rest.split_first()?;
            let (label, others) = labels.split_at_checked(usize::from(*len))?;
            rest = others;
            Some(label)
        })
    }
}

impl PartialEq for Name {
    /// Lengths are below 64 and so no letters: they compare as they are.
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for Name {}

impl FromStr for Name {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        let mut name = Self::root();
        for label in text.strip_suffix('.').unwrap_or(text).split('.') {
            let is_usual = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_".contains(byte);
            if label.is_empty() || !label.as_bytes().iter().all(is_usual) {
                return Err(BadName);
            }
            name.push(label.as_bytes()).ok_or(BadName)?;
        }
        // What looks like an address, however it is written, is none of a host's names (RFC 1123,
        // 2.1): 10.1 or 0x7f.1 must not be asked for.
        let last = name.last().unwrap_or_default();
        match last.iter().all(u8::is_ascii_digit) {
            true => Err(BadName),
            false => Ok(name),
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.labels()
            .try_for_each(|label| write!(f, "{}.", label.escape_ascii()))
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn names_are_the_same_in_any_case() {
        let name: Name = "www.Example.org".parse().unwrap();
        assert_eq!(name.bytes(), b"\x03www\x07Example\x03org");
        assert_eq!(name, "WWW.example.ORG.".parse().unwrap());
        assert_ne!(name, "www.example.or".parse().unwrap());
        assert_ne!(name, "wwwxexample.org".parse().unwrap());
        assert_eq!(name.to_string(), "www.Example.org.");
    }

    #[test]
    fn what_cannot_be_a_name_is_refused() {
        let label = "a".repeat(63);
        let longest = [&label[..], &label, &label, &label[..61]].join(".");
        assert_eq!(longest.len(), 253);
        assert!(longest.parse::<Name>().is_ok());
        assert!("_dns.a-b.x1".parse::<Name>().is_ok());
        let too_long = longest.replacen('a', "aa", 1);
        let long = ["a", &longest[1..], "a"].concat();
        for wrong in [
            "",
            ".",
            "..",
            "a..b",
            ".a",
            "a b",
            "ä.org",
            "10.1",
            "1.2.3.4.5",
            "a/b",
            "a\0",
            &too_long,
            &long,
        ] {
            assert!(wrong.parse::<Name>().is_err(), "{wrong:?}");
        }
    }
}
