//! From the path of a request to the name of a file, and back.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::Refusal;

/// A name below some root, which no name of this type can leave: it has no empty segment, no `.`,
/// no `..`, no NUL, and does not begin with `/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilePath<'a> {
    /// The segments with `/` between them; empty for the root.
    pub name: Cow<'a, str>,
    /// Whether the path ended in `/`, so that it asks for a directory.
    pub is_directory: bool,
}

impl<'a> FilePath<'a> {
    /// Decodes a path once, and resolves its dots.
    ///
    /// # Errors
    /// [`Refusal::Target`] for bad percent-encoding, an encoded `/` or NUL, what is not UTF-8, and a
    /// `..` that would leave the root.
    pub fn parse(path: &'a str) -> Result<Self, Refusal> {
        let relative = path.strip_prefix('/').ok_or(Refusal::Target)?;
        let is_directory = relative.is_empty() || relative.ends_with('/');
        let plain = relative.strip_suffix('/').unwrap_or(relative);
        let is_plain = |segment: &str| {
            !segment.is_empty() && !segment.starts_with('.') && !segment.contains(['%', '\0'])
        };
        if plain.is_empty() || plain.split('/').all(is_plain) {
            return Ok(Self {
                name: Cow::Borrowed(plain),
                is_directory,
            });
        }
        let mut name = String::new();
        let mut ends_in_dots = false;
        for segment in relative.split('/') {
            let segment = decode(segment)?;
            ends_in_dots = matches!(&*segment, "." | "..");
            match &*segment {
                "" | "." => {}
                ".." if name.is_empty() => return Err(Refusal::Target),
                ".." => name.truncate(name.rfind('/').unwrap_or(0)),
                segment => {
                    if !name.is_empty() {
                        name.push('/');
                    }
                    name.push_str(segment);
                }
            }
        }
        Ok(Self {
            is_directory: is_directory || ends_in_dots || name.is_empty(),
            name: Cow::Owned(name),
        })
    }

    /// Whether a segment begins with a dot: by old custom not for everybody.
    #[must_use]
    pub fn is_hidden(&self) -> bool {
        self.name.split('/').any(|segment| segment.starts_with('.'))
    }

    /// The path of a request for this name, percent-encoded. It begins with exactly one `/`, so
    /// that a browser never takes it for another host.
    pub fn encoded(&self) -> impl fmt::Display + use<'_, 'a> {
        Encoded(self)
    }
}

fn decode(segment: &str) -> Result<String, Refusal> {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.bytes();
    while let Some(byte) = rest.next() {
        let byte = if byte == b'%' {
            let mut digit = || char::from(rest.next()?).to_digit(16);
            let value = digit().and_then(|high| Some(high * 16 + digit()?));
            value
                .and_then(|value| u8::try_from(value).ok())
                .ok_or(Refusal::Target)?
        } else {
            byte
        };
        if matches!(byte, 0 | b'/') {
            return Err(Refusal::Target);
        }
        bytes.push(byte);
    }
    String::from_utf8(bytes).map_err(|_| Refusal::Target)
}

struct Encoded<'a, 'b>(&'a FilePath<'b>);

impl fmt::Display for Encoded<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("/")?;
        for byte in self.0.name.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                    write!(f, "{}", char::from(byte))?;
                }
                _ => write!(f, "%{byte:02X}")?,
            }
        }
        if self.0.is_directory && !self.0.name.is_empty() {
            f.write_str("/")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use proptest::prelude::*;

    #[test]
    fn paths_become_names() {
        for (path, name, is_directory) in [
            ("/", "", true),
            ("/index.html", "index.html", false),
            ("/a/b.css", "a/b.css", false),
            ("/a/", "a", true),
            ("//a///b", "a/b", false),
            ("//example.com/", "example.com", true),
            ("/./a/.", "a", true),
            ("/a/../b", "b", false),
            ("/a/b/..", "a", true),
            ("/a/%2E%2e/b", "b", false),
            ("/a/..", "", true),
            ("/..a/b..", "..a/b..", false),
            ("/%41%20b", "A b", false),
            ("/%C3%A9", "é", false),
            // Decoded once: what comes out is a name, not another encoding.
            ("/%252e%252e/a", "%2e%2e/a", false),
        ] {
            let parsed = FilePath::parse(path).unwrap();
            assert_eq!(
                (&*parsed.name, parsed.is_directory),
                (name, is_directory),
                "{path}"
            );
        }
    }

    #[test]
    fn no_way_leads_out_of_the_root() {
        for path in [
            "/..",
            "/../",
            "/../etc/passwd",
            "/a/../../b",
            "/%2e%2e/a",
            "/.%2E/a",
            "/%2E./a",
            "/a%2Fb",
            "/..%2f..%2fetc",
            "/a%00b",
            "/%",
            "/%2",
            "/%zz",
            "/%+1",
            "/%ff",
            "a",
            "",
            "*",
        ] {
            assert_eq!(FilePath::parse(path), Err(Refusal::Target), "{path}");
        }
    }

    #[test]
    fn a_dot_hides() {
        let hidden = |path| FilePath::parse(path).unwrap().is_hidden();
        assert!(hidden("/.git/config") && hidden("/a/.env") && hidden("/%2eenv"));
        assert!(!hidden("/a.b/c") && !hidden("/./a"));
    }

    proptest! {
        #[test]
        fn any_path_is_refused_or_stays_inside(path in "/([a.%/\\\\]|%2[eEfF]|%00|\\.\\.){0,12}") {
            if let Ok(parsed) = FilePath::parse(&path) {
                let clean = |segment: &str| !matches!(segment, "" | "." | "..");
                prop_assert!(parsed.name.is_empty() || parsed.name.split('/').all(clean));
                prop_assert!(!parsed.name.contains('\0'));
                let again = parsed.encoded().to_string();
                prop_assert_eq!(FilePath::parse(&again).unwrap(), parsed);
            }
        }
    }
}
