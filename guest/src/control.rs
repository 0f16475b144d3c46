//! Being asked to end, by the toolstack.

use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use core::cell::{Cell, RefCell};

use log::warn;
use packet::Instant;
use runtime::{Driver, Executor};
use xen::{ShutdownRequest, ShutdownWatch, Store, StoreError};

use crate::say;

/// Watches what the toolstack wants, and stops the application.
pub(crate) struct Control {
    store: Rc<RefCell<Store>>,
    watch: ShutdownWatch,
    executor: Executor,
    asked: Cell<Option<ShutdownRequest>>,
    is_cut_off: Cell<bool>,
}

impl Control {
    /// # Errors
    /// If the store does not take a watch.
    pub(crate) fn new(store: &Rc<RefCell<Store>>, executor: &Executor) -> Result<Self, String> {
        let watch = ShutdownWatch::begin(&mut store.borrow_mut());
        let watch = watch.map_err(|error| format!("the toolstack cannot be heard: {error}"))?;
        Ok(Self {
            store: Rc::clone(store),
            watch,
            executor: executor.clone(),
            asked: Cell::new(None),
            is_cut_off: Cell::new(false),
        })
    }

    /// What was asked for.
    pub(crate) fn asked(&self) -> Option<ShutdownRequest> {
        self.asked.get()
    }

    fn look(&self) -> Result<bool, StoreError> {
        let mut store = self.store.borrow_mut();
        store.poll()?;
        let Some(request) = self.watch.take(&mut store)? else {
            return Ok(false);
        };
        match request {
            ShutdownRequest::Suspend | ShutdownRequest::Unknown => {
                warn!("the toolstack asks for what this guest cannot do: {request:?}");
            }
            _ => {
                say(format_args!("Parhelion: asked to end ({request:?})"));
                self.asked.set(Some(request));
                self.executor.stop();
            }
        }
        Ok(true)
    }
}

impl Driver for Control {
    fn receive(&self, _: Instant) -> bool {
        if self.is_cut_off.get() {
            return false;
        }
        self.look().unwrap_or_else(|error| {
            let is_dead = matches!(error, StoreError::Dead(_));
            match is_dead {
                true => warn!("{error}: the toolstack is not heard any more"),
                false => warn!("{error}: what the toolstack wants, it has to say once more"),
            }
            self.is_cut_off.set(is_dead);
            false
        })
    }

    fn transmit(&self, _: Instant) {}

    fn next_event(&self) -> Option<Instant> {
        None
    }

    /// What others have taken in may be for us.
    fn arm(&self) -> bool {
        self.receive(Instant::ZERO)
    }
}

#[cfg(test)]
mod tests {
    use xen::model::Xenstored;

    use super::*;

    fn control() -> (Xenstored, Executor, Control) {
        let (daemon, store) = Xenstored::with_store();
        let executor = Executor::new(1);
        let store = Rc::new(RefCell::new(store));
        let control = Control::new(&store, &executor).unwrap();
        daemon.serve();
        (daemon, executor, control)
    }

    #[test]
    fn the_application_is_stopped_when_the_toolstack_says_so() {
        let (daemon, executor, control) = control();
        control.receive(Instant::ZERO);
        assert!(!executor.is_stopping());
        daemon.write("control/shutdown", "reboot");
        daemon.serve();
        assert!(control.arm(), "there is news");
        assert!(executor.is_stopping());
        assert_eq!(control.asked(), Some(ShutdownRequest::Reboot));
    }

    #[test]
    fn what_cannot_be_done_is_not_done() {
        let (daemon, executor, control) = control();
        daemon.write("control/shutdown", "suspend");
        daemon.serve();
        assert!(control.receive(Instant::ZERO));
        assert!(!executor.is_stopping());
        assert_eq!(control.asked(), None);
    }
}
