//! Being asked to shut down: the toolstack writes a word to `control/shutdown` in the store (`xl shutdown`,
//! `xl reboot`), and waits for it to be taken away again.

use crate::{Refusal, Store, StoreError, Watch};

const PATH: &str = "control/shutdown";

/// What can be asked of us, for a toolstack that looks first. Not `feature-suspend`: a domain that has been
/// asleep has lost all that it shares with others.
const FEATURES: [&str; 2] = ["control/feature-poweroff", "control/feature-reboot"];

/// What the toolstack asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShutdownRequest {
    /// To end, in good order.
    PowerOff,
    /// As [`ShutdownRequest::PowerOff`], but without switching off: the same to a domain.
    Halt,
    /// To begin anew.
    Reboot,
    /// To sleep or to move to another machine, which is not done here.
    Suspend,
    /// To end as if it had gone wrong.
    Crash,
    /// Something that we do not know.
    Unknown,
}

/// Waits to be asked.
#[derive(Debug)]
pub struct ShutdownWatch(Watch);

impl ShutdownWatch {
    /// Begins to wait, and tells the toolstack that it may ask.
    ///
    /// # Errors
    /// If the store has something against it.
    pub fn begin(store: &mut Store) -> Result<Self, StoreError> {
        for feature in FEATURES {
            match store.write(feature, format_args!("1")) {
                // Older toolstacks do not look, and do not let us write here.
                Ok(()) | Err(StoreError::Refused(_)) => {}
                Err(error) => return Err(error),
            }
        }
        store.watch(PATH).map(Self)
    }

    /// What is asked for, since this was called last. It has been acknowledged then, whatever it is.
    ///
    /// # Errors
    /// If the store fails.
    pub fn take(&self, store: &mut Store) -> Result<Option<ShutdownRequest>, StoreError> {
        if !store.take_changed(self.0) {
            return Ok(None);
        }
        store.transaction(|transaction| {
            let word = transaction.find(PATH)?.unwrap_or_default();
            if word.is_empty() {
                return Ok(None);
            }
            match transaction.write(PATH, format_args!("")) {
                // Not ours to write: then nobody waits for it either.
                Ok(()) | Err(StoreError::Refused(Refusal::Denied)) => {}
                Err(error) => return Err(error),
            }
            Ok(Some(ShutdownRequest::named(&word)))
        })
    }
}

impl ShutdownRequest {
    fn named(word: &str) -> Self {
        match word {
            "poweroff" => Self::PowerOff,
            "halt" => Self::Halt,
            "reboot" => Self::Reboot,
            "suspend" => Self::Suspend,
            "crash" => Self::Crash,
            _ => Self::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Xenstored;

    #[test]
    fn each_word_is_taken_once_and_acknowledged() {
        let (daemon, mut store) = Xenstored::with_store();
        let watch = ShutdownWatch::begin(&mut store).expect("nothing against it");
        assert_eq!(
            daemon.read("control/feature-poweroff").as_deref(),
            Some("1")
        );
        assert_eq!(daemon.read("control/feature-reboot").as_deref(), Some("1"));
        assert_eq!(daemon.read("control/feature-suspend"), None);
        assert_eq!(watch.take(&mut store), Ok(None));
        for (word, expected) in [
            ("poweroff", ShutdownRequest::PowerOff),
            ("reboot", ShutdownRequest::Reboot),
            ("halt", ShutdownRequest::Halt),
            ("suspend", ShutdownRequest::Suspend),
            ("crash", ShutdownRequest::Crash),
            ("sleep well", ShutdownRequest::Unknown),
        ] {
            daemon.write("control/shutdown", word);
            assert_eq!(store.poll(), Ok(true));
            assert_eq!(watch.take(&mut store), Ok(Some(expected)));
            assert_eq!(daemon.read("control/shutdown").as_deref(), Some(""));
            // What we wrote ourselves rings too.
            store.poll().expect("sound");
            assert_eq!(watch.take(&mut store), Ok(None));
        }
    }

    #[test]
    fn a_word_that_was_there_before_is_taken() {
        let (daemon, mut store) = Xenstored::with_store();
        daemon.write("control/shutdown", "reboot");
        let watch = ShutdownWatch::begin(&mut store).expect("nothing against it");
        store.poll().expect("sound");
        let taken = watch.take(&mut store);
        assert_eq!(taken, Ok(Some(ShutdownRequest::Reboot)));
    }

    #[test]
    fn where_nothing_may_be_written_it_is_heard_all_the_same() {
        let (daemon, mut store) = Xenstored::with_store();
        daemon.write("control/shutdown", "poweroff");
        daemon.forbid("control");
        let watch = ShutdownWatch::begin(&mut store).expect("nothing against it");
        store.poll().expect("sound");
        let taken = watch.take(&mut store);
        assert_eq!(taken, Ok(Some(ShutdownRequest::PowerOff)));
    }
}
