//! The xenstore: a small tree of texts that all domains share, kept by a daemon in dom0. It is where
//! devices are found, set up and given up, and where a domain is asked to shut down.
//!
//! One question at a time, over a ring of bytes (`client`). A question waits for its answer, as there
//! are few of them, and all are asked when nothing else can go on; but never longer than [`PATIENCE`].
//! Watches are told at any time: a [`Watch`] is one bit, "look again", so they never pile up.
//!
//! What the daemon writes can only make a question fail. Where it breaks the ring itself, the store is
//! dead from then on, and says so.

pub(crate) mod client;
mod error;
pub(crate) mod message;
mod transaction;

use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::task::Poll;

use packet::Duration;

use crate::{Events, Port, SharedPage, Wait};
use client::Client;
use message::Kind;

pub use client::{MAX_WATCHES, Watch};
pub use error::{Cause, Refusal, StoreError};
pub use message::{MAX_PATH, MAX_PAYLOAD};
pub use transaction::Transaction;

/// How long an answer is waited for. The daemon answers in less than a millisecond, unless dom0 is very
/// busy.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// A transaction that others keep disturbing is given up after so many tries.
const TRIES: u32 = 32;

/// A domain's connection to the store. Paths are absolute, or begin at the domain's own
/// `/local/domain/<id>`.
pub struct Store {
    client: Client,
    wait: Box<dyn Wait>,
}

impl Store {
    /// The store behind this page and port. Watches that somebody had here before, such as firmware,
    /// are forgotten.
    ///
    /// # Errors
    /// If the daemon does not answer, or the ring is broken.
    pub fn open(
        page: SharedPage,
        port: Port,
        events: Rc<dyn Events>,
        wait: Box<dyn Wait>,
    ) -> Result<Self, StoreError> {
        let client = Client::new(page, port, events);
        let mut store = Self { client, wait };
        match store.ask(Kind::ResetWatches, 0, &[b"\0"]) {
            // Daemons older than this question have nothing to forget either.
            Ok(_) | Err(StoreError::Refused(_)) => Ok(store),
            Err(error) => Err(error),
        }
    }

    /// Takes in what has come, and tells whether one of the watches has something new. To be called
    /// when the store's port was pending, or just now and then.
    ///
    /// # Errors
    /// If the ring is broken.
    pub fn poll(&mut self) -> Result<bool, StoreError> {
        self.client.pump()?;
        Ok(self.client.has_changed())
    }

    /// The value at `path`.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] where there is none, and what else may be wrong.
    pub fn read(&mut self, path: &str) -> Result<String, StoreError> {
        self.outside().read(path)
    }

    /// The value at `path`; `None` where there is none.
    ///
    /// # Errors
    /// Any but that.
    pub fn find(&mut self, path: &str) -> Result<Option<String>, StoreError> {
        self.outside().find(path)
    }

    /// The number at `path`; `None` where there is none, or something else than a number.
    ///
    /// # Errors
    /// As for [`Store::find`].
    pub fn number(&mut self, path: &str) -> Result<Option<u32>, StoreError> {
        self.outside().number(path)
    }

    /// The names right below `path`; none where it does not exist.
    ///
    /// # Errors
    /// Whatever else may be wrong.
    pub fn list(&mut self, path: &str) -> Result<Vec<String>, StoreError> {
        self.outside().list(path)
    }

    /// Puts `value` at `path`, and whatever is missing above it.
    ///
    /// # Errors
    /// What the daemon has against it.
    pub fn write(&mut self, path: &str, value: fmt::Arguments<'_>) -> Result<(), StoreError> {
        self.outside().write(path, value)
    }

    /// Takes away `path` and all below it, if it exists.
    ///
    /// # Errors
    /// What the daemon has against it.
    pub fn remove(&mut self, path: &str) -> Result<(), StoreError> {
        self.outside().remove(path)
    }

    /// Does all that `run` does at once, or nothing of it if it fails. Where others have changed what it
    /// has read, it is run again.
    ///
    /// # Errors
    /// Those of `run`; [`Refusal::Again`] when others never let it through.
    pub fn transaction<T>(
        &mut self,
        mut run: impl FnMut(&mut Transaction<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        for _ in 0..TRIES {
            let mut transaction = self.begin()?;
            let done = run(&mut transaction);
            if transaction.end(done.is_ok())? {
                return done;
            }
        }
        Err(StoreError::Refused(Refusal::Again))
    }

    /// Begins to watch `path` and all below it. Every watch has something new at first.
    ///
    /// # Errors
    /// [`StoreError::TooMany`] beyond [`MAX_WATCHES`], and what the daemon has against it.
    pub fn watch(&mut self, path: &str) -> Result<Watch, StoreError> {
        let watch = self.client.add_watch(path)?;
        let token = watch.token();
        let parts = [path.as_bytes(), b"\0", token.as_bytes(), b"\0"];
        match self.ask(Kind::Watch, 0, &parts) {
            Ok(_) => Ok(watch),
            Err(error) => {
                self.client.remove_watch(watch);
                Err(error)
            }
        }
    }

    /// Whether something has changed below a watch since this was asked last.
    pub fn take_changed(&mut self, watch: Watch) -> bool {
        self.client.take_changed(watch)
    }

    /// Gives a watch up.
    ///
    /// # Errors
    /// What the daemon has against it; the watch is forgotten here in any case.
    pub fn unwatch(&mut self, watch: Watch) -> Result<(), StoreError> {
        let Some(path) = self.client.remove_watch(watch) else {
            return Ok(());
        };
        let token = watch.token();
        let parts = [path.as_bytes(), b"\0", token.as_bytes(), b"\0"];
        self.ask(Kind::Unwatch, 0, &parts).map(drop)
    }

    /// What is outside of every transaction has the number 0.
    const fn outside(&mut self) -> Transaction<'_> {
        Transaction::new(self, 0)
    }

    fn begin(&mut self) -> Result<Transaction<'_>, StoreError> {
        let answer = self.ask(Kind::TransactionStart, 0, &[b"\0"])?;
        let id = message::number(answer.strip_suffix(b"\0").unwrap_or(&answer));
        let id = id.filter(|id| *id != 0).ok_or(StoreError::Malformed)?;
        Ok(Transaction::new(self, id))
    }

    /// Asks, and waits for the answer.
    fn ask(
        &mut self,
        kind: Kind,
        transaction: u32,
        parts: &[&[u8]],
    ) -> Result<Vec<u8>, StoreError> {
        let message = message::Outgoing::new(kind, transaction, parts)?;
        let deadline = self.wait.now() + PATIENCE;
        let mut message = Some(message);
        loop {
            self.client.pump()?;
            // One that was given up may still be on its way, and half a message cannot be taken back.
            if self.client.is_free()
                && let Some(message) = message.take()
            {
                self.client.start(message)?;
            }
            if let Poll::Ready(answer) = self.client.answer() {
                return answer;
            }
            if self.wait.now() >= deadline {
                self.client.give_up();
                return Err(StoreError::TimedOut);
            }
            self.wait.wait(self.client.port(), deadline);
        }
    }
}

#[cfg(test)]
mod tests;
