//! Why an application ended without doing its work.

use alloc::string::String;
use core::fmt;

use crate::{ConfigError, Error, StorageError};

/// Why an application could not do its work: what its `main` returns. `?` makes one of any error of
/// this crate, and of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The network refused.
    Network(Error),
    /// A setting cannot be used.
    Setting(ConfigError),
    /// A file cannot be had.
    Storage(StorageError),
    /// Something of the application's own, in words for people.
    Other(String),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Network(error)
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::Setting(error)
    }
}

impl From<StorageError> for Failure {
    fn from(error: StorageError) -> Self {
        Self::Storage(error)
    }
}

impl From<String> for Failure {
    fn from(text: String) -> Self {
        Self::Other(text)
    }
}

impl From<&str> for Failure {
    fn from(text: &str) -> Self {
        Self::Other(text.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Network(error) => error.fmt(f),
            Self::Setting(error) => error.fmt(f),
            Self::Storage(error) => error.fmt(f),
            Self::Other(text) => f.write_str(text),
        }
    }
}

impl core::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn a_question_mark_takes_them_all() {
        fn fails(which: u8) -> Result<(), Failure> {
            match which {
                0 => Err(Error::InUse)?,
                1 => Err(ConfigError::TooMany)?,
                2 => Err(StorageError::Busy)?,
                _ => Err("no more tea")?,
            }
            Ok(())
        }
        let lines = [0, 1, 2, 3].map(|which| fails(which).unwrap_err().to_string());
        assert_eq!(
            lines,
            [
                "port in use",
                "more than 256 settings",
                "too many open files",
                "no more tea"
            ]
        );
    }
}
