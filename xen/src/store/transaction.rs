//! What is asked of the store, inside a transaction or outside of any.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::message::{self, Kind};
use super::{Refusal, Store, StoreError};

/// Questions that are all answered as of one moment, and changes that are all made at once
/// ([`Store::transaction`]).
pub struct Transaction<'a> {
    store: &'a mut Store,
    id: u32,
}

impl<'a> Transaction<'a> {
    pub(super) const fn new(store: &'a mut Store, id: u32) -> Self {
        Self { store, id }
    }

    /// As [`Store::read`].
    ///
    /// # Errors
    /// As there.
    pub fn read(&mut self, path: &str) -> Result<String, StoreError> {
        let value = self.ask(Kind::Read, path, b"")?;
        String::from_utf8(value).map_err(|_| StoreError::Malformed)
    }

    /// As [`Store::find`].
    ///
    /// # Errors
    /// As there.
    pub fn find(&mut self, path: &str) -> Result<Option<String>, StoreError> {
        or_nothing(self.read(path).map(Some))
    }

    /// As [`Store::number`].
    ///
    /// # Errors
    /// As there.
    pub fn number(&mut self, path: &str) -> Result<Option<u32>, StoreError> {
        let value = or_nothing(self.ask(Kind::Read, path, b""))?;
        Ok(message::number(&value))
    }

    /// As [`Store::list`].
    ///
    /// # Errors
    /// As there.
    pub fn list(&mut self, path: &str) -> Result<Vec<String>, StoreError> {
        let answer = or_nothing(self.ask(Kind::Directory, path, b""))?;
        let names = answer.split(|byte| *byte == 0);
        names
            .filter(|name| !name.is_empty())
            .map(|name| String::from_utf8(name.into()).map_err(|_| StoreError::Malformed))
            .collect()
    }

    /// As [`Store::write`].
    ///
    /// # Errors
    /// As there.
    pub fn write(&mut self, path: &str, value: fmt::Arguments<'_>) -> Result<(), StoreError> {
        let value = format!("{value}");
        self.ask(Kind::Write, path, value.as_bytes()).map(drop)
    }

    /// As [`Store::remove`].
    ///
    /// # Errors
    /// As there.
    pub fn remove(&mut self, path: &str) -> Result<(), StoreError> {
        or_nothing(self.ask(Kind::Remove, path, b"")).map(drop)
    }

    /// Tells whether it has come to an end, or is to be done again.
    pub(super) fn end(self, is_done: bool) -> Result<bool, StoreError> {
        let answer: &[u8] = if is_done { b"T\0" } else { b"F\0" };
        match self.store.ask(Kind::TransactionEnd, self.id, &[answer]) {
            Err(StoreError::Refused(Refusal::Again)) if is_done => Ok(false),
            // What made it fail is told, and not that it could not be given up either.
            Err(error) if is_done => Err(error),
            _ => Ok(true),
        }
    }

    fn ask(&mut self, kind: Kind, path: &str, value: &[u8]) -> Result<Vec<u8>, StoreError> {
        let path = message::path(path)?;
        self.store.ask(kind, self.id, &[path, b"\0", value])
    }
}

/// What does not exist is as good as empty.
fn or_nothing<T: Default>(answer: Result<T, StoreError>) -> Result<T, StoreError> {
    match answer {
        Err(StoreError::Refused(Refusal::NotFound)) => Ok(T::default()),
        answer => answer,
    }
}
