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

#[cfg(test)]
mod tests {
    use xen::model::Xenstored;

    use super::*;

    #[test]
    fn the_command_line_counts_where_both_name_one() {
        let (daemon, mut store) = Xenstored::with_store();
        daemon.write("vm-data/ip", "10.0.0.2/24");
        daemon.write("vm-data/title", "A title, of words");
        let config = read("ip=dhcp  log=info", Some(&mut store)).unwrap();
        assert_eq!(config.text("ip"), Some("dhcp"));
        assert_eq!(config.text("title"), Some("A title, of words"));
        assert_eq!(config.text("log"), Some("info"));
    }

    #[test]
    fn there_need_be_none() {
        let (_, mut store) = Xenstored::with_store();
        let config = read("", Some(&mut store)).unwrap();
        assert_eq!(config.text("ip"), None);
        assert_eq!(read("port=81", None).unwrap().text("port"), Some("81"));
    }

    #[test]
    fn what_is_no_setting_is_told() {
        let why = read("quiet", None).unwrap_err();
        assert_eq!(
            why,
            "command line: setting \"quiet\" is not of the form key=value"
        );
    }
}
