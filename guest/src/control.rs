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
