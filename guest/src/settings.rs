//! The application's settings: from the store first (`vm-data`), then from the command line, so that the
//! latter counts where both name one.

use alloc::format;
use alloc::string::String;

use runtime::Config;
use xen::{Store, StoreError};

/// What somebody has put there for us, for instance by
/// `xenstore-write /local/domain/ID/vm-data/ip 10.0.0.2/24`.
const FOLDER: &str = "vm-data";

/// Reads them.
///
/// # Errors
/// What is wrong, and where.
pub(crate) fn read(command_line: &str, store: Option<&mut Store>) -> Result<Config, String> {
    let mut config = Config::default();
    if let Some(store) = store {
        for name in wrong(store.list(FOLDER))? {
            let value = wrong(store.find(&format!("{FOLDER}/{name}")))?;
            let setting = format!("{name}={}", value.unwrap_or_default());
            let set = config.set(&setting);
            set.map_err(|error| format!("{FOLDER}: {error}"))?;
        }
    }
    for word in command_line.split_whitespace() {
        let set = config.set(word);
        set.map_err(|error| format!("command line: {error}"))?;
    }
    Ok(config)
}

fn wrong<T>(answer: Result<T, StoreError>) -> Result<T, String> {
    answer.map_err(|error| format!("{FOLDER} cannot be read: {error}"))
}
