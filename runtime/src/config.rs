//! Settings: one key space, wherever they come from.

use alloc::string::{String, ToString};
use core::fmt;
use core::str::FromStr;

use packet::SortedMap;

/// Settings by name: from `--set k=v`, a kernel command line, a hypervisor's store. A later one
/// replaces an earlier one.
#[derive(Clone, Debug, Default)]
pub struct Config(SortedMap<String, String>);

/// The most settings there may be; far above what any application here reads, and a hypervisor's
/// store cannot fill memory.
const LIMIT: usize = 256;

/// A setting that cannot be used; says which and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigError {
    /// Not of the form `key=value`.
    NoEquals(String),
    /// More than 256 settings.
    TooMany,
    /// The value is not what this key takes.
    Unusable {
        /// The setting's name.
        key: String,
        /// What it was set to.
        value: String,
        /// What it takes, or what is wrong with the value.
        why: String,
    },
}

impl Config {
    /// Takes a setting of the form `key=value`.
    ///
    /// # Errors
    /// [`ConfigError::NoEquals`], [`ConfigError::TooMany`].
    pub fn set(&mut self, setting: &str) -> Result<(), ConfigError> {
        let (key, value) = setting
            .split_once('=')
            .filter(|(key, _)| !key.is_empty())
            .ok_or_else(|| ConfigError::NoEquals(setting.to_string()))?;
        if self.0.len() >= LIMIT && !self.0.contains(key) {
            return Err(ConfigError::TooMany);
        }
        self.0.insert(key.to_string(), value.to_string());
        Ok(())
    }

    /// What `key` is set to.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    /// What `key` is set to, read as a `T`; `default` where it is not set.
    ///
    /// # Errors
    /// [`ConfigError::Unusable`] when it is no `T`.
    pub fn value<T>(&self, key: &str, default: T) -> Result<T, ConfigError>
    where
        T: FromStr<Err: fmt::Display>,
    {
        let Some(value) = self.text(key) else {
            return Ok(default);
        };
        value.parse().map_err(|why: T::Err| ConfigError::Unusable {
            key: key.to_string(),
            value: value.to_string(),
            why: why.to_string(),
        })
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoEquals(setting) => {
                write!(f, "setting {setting:?} is not of the form key=value")
            }
            Self::TooMany => write!(f, "more than {LIMIT} settings"),
            Self::Unusable { key, value, why } => {
                write!(f, "setting {key} cannot be {value:?}: {why}")
            }
        }
    }
}

impl core::error::Error for ConfigError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_setting_counts() {
        let mut config = Config::default();
        config.set("port=80").unwrap();
        config.set("port=81").unwrap();
        config.set("title=a=b").unwrap();
        assert_eq!(config.value("port", 8080), Ok(81));
        assert_eq!(config.text("title"), Some("a=b"));
        assert_eq!(config.value("absent", 7), Ok(7));
    }

    #[test]
    fn unusable_settings_say_so() {
        let mut config = Config::default();
        assert_eq!(
            config.set("port").unwrap_err().to_string(),
            "setting \"port\" is not of the form key=value"
        );
        assert!(config.set("=80").is_err());
        config.set("port=http").unwrap();
        assert_eq!(
            config.value("port", 0u16).unwrap_err().to_string(),
            "setting port cannot be \"http\": invalid digit found in string"
        );
        for number in 0.. {
            if config.set(&alloc::format!("k{number}=")).is_err() {
                assert_eq!(number, LIMIT - 1);
                break;
            }
        }
        config.set("port=1").unwrap();
    }
}
