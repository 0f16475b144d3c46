//! The header lines of a head.

use crate::grammar;

/// The header lines of a head whose grammar was checked, in order. They are looked through again at
/// each question instead of being kept in a table: a head is a few hundred bytes, and a request
/// costs no memory beside them.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'a> {
    lines: &'a [u8],
}

impl<'a> Fields<'a> {
    /// The lines in `lines`, each of which the grammar has accepted; without the empty last one.
    pub(crate) const fn new(lines: &'a [u8]) -> Self {
        Self { lines }
    }

    /// The value of the first line with this name, in any case.
    #[must_use]
    pub fn first(self, name: &str) -> Option<&'a [u8]> {
        self.all(name).next()
    }

    /// The values of all lines with this name, in any case.
    pub fn all(self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.filter(move |(own, _)| own.eq_ignore_ascii_case(name.as_bytes()))
            .map(|(_, value)| value)
    }
}

impl<'a> Iterator for Fields<'a> {
    /// Name and value.
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (rest, line) = grammar::field_line(self.lines).ok()?;
        self.lines = rest;
        Some(line)
    }
}
