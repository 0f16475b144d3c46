//! What is left of a line.

use core::str::FromStr;
use core::time::Duration;

/// The rest of a line; every method looks at its front, and skips white space before it.
pub(crate) struct Cursor<'a>(&'a str);

impl<'a> Cursor<'a> {
    pub(crate) fn new(line: &'a str) -> Self {
        Self(line.trim())
    }

    pub(crate) fn rest(&self) -> &'a str {
        self.0
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn peek(&self) -> Option<char> {
        self.0.chars().next()
    }

    /// Takes `token` if it stands here.
    pub(crate) fn eat(&mut self, token: &str) -> bool {
        let found = self.0.strip_prefix(token);
        if let Some(rest) = found {
            self.0 = rest.trim_start();
        }
        found.is_some()
    }

    pub(crate) fn expect(&mut self, token: &str) -> Result<(), String> {
        if self.eat(token) {
            return Ok(());
        }
        Err(format!("expected `{token}` before `{}`", self.0))
    }

    /// Takes characters as long as they are `wanted`.
    pub(crate) fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let end = self.0.find(|c| !wanted(c)).unwrap_or(self.0.len());
        let (taken, rest) = self.0.split_at(end);
        self.0 = rest.trim_start();
        taken
    }

    /// Takes a name: letters, digits, underscores.
    pub(crate) fn word(&mut self) -> &'a str {
        self.take_while(|c| c.is_ascii_alphanumeric() || c == '_')
    }

    /// Takes everything before `token`, and the token.
    pub(crate) fn until(&mut self, token: &str) -> Result<&'a str, String> {
        let found = self.0.split_once(token);
        let (taken, rest) = found.ok_or_else(|| format!("expected `{token}` in `{}`", self.0))?;
        self.0 = rest.trim_start();
        Ok(taken.trim())
    }

    pub(crate) fn number<T: FromStr>(&mut self) -> Result<T, String> {
        let before = self.0;
        let digits = self.take_while(|c| c.is_ascii_digit());
        digits
            .parse()
            .map_err(|_| format!("expected a number before `{before}`"))
    }

    /// Takes seconds with a fraction: `1`, `.04`, `0.250`.
    pub(crate) fn seconds(&mut self) -> Result<Duration, String> {
        let before = self.0;
        let wrong = || format!("expected seconds before `{before}`");
        let whole = self.take_digits();
        let mut fraction = "";
        // `0...0.2` is a point, three dots and another point.
        if self.0.starts_with('.') && !self.0.starts_with("...") {
            self.0 = &self.0[1..];
            fraction = self.take_digits();
        }
        if whole.is_empty() && fraction.is_empty() || fraction.len() > 9 {
            return Err(wrong());
        }
        let seconds = if whole.is_empty() { "0" } else { whole };
        let nanos = format!("{fraction:0<9}");
        let seconds = seconds.parse().map_err(|_| wrong())?;
        let nanos = nanos.parse().map_err(|_| wrong())?;
        self.0 = self.0.trim_start();
        Ok(Duration::new(seconds, nanos))
    }

    fn take_digits(&mut self) -> &'a str {
        let end = self.0.find(|c: char| !c.is_ascii_digit());
        let (digits, rest) = self.0.split_at(end.unwrap_or(self.0.len()));
        self.0 = rest;
        digits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_have_fractions() {
        for (text, millis) in [("0", 0), (".04", 40), ("0.250", 250), ("12.", 12_000)] {
            let mut cursor = Cursor::new(text);
            assert_eq!(
                cursor.seconds(),
                Ok(Duration::from_millis(millis)),
                "{text}"
            );
            assert!(cursor.is_empty());
        }
        let mut blocking = Cursor::new("0...0.2");
        assert_eq!(blocking.seconds(), Ok(Duration::ZERO));
        assert_eq!(blocking.rest(), "...0.2");
        assert!(Cursor::new(".").seconds().is_err());
        assert!(Cursor::new("1.0000000001").seconds().is_err());
    }
}
