//! How the two sides find and leave each other: the states in the xenstore.
//!
//! Each says what it is doing and watches what the other says. We take a step when something has
//! changed, as part of [`receive`](link::Link::receive): nobody waits for a back end. Only answers of
//! the xenstore's daemon are waited for, a few in each step, and steps come when a device does, or
//! goes.

use alloc::rc::Rc;

use link::LinkState;
use log::{info, warn};
use xen::Store;

use crate::Netfront;
use crate::device::{self, Device, State, Unusable};
use crate::rings::{Memory, Rings};

/// Steps taken at once. A back end that never stands still does not keep us longer.
const STEPS: usize = 8;

/// How far we have come with a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Its back end serves somebody who was here before us.
    Settling,
    /// Its back end has not said yet what it can do.
    Waiting,
    /// We have said where the rings are.
    Connecting,
    Connected,
    /// We do not use it any more, and its back end may not know.
    Leaving,
}

impl Netfront {
    /// Takes the steps that can be taken now.
    pub(crate) fn step(&mut self) {
        let store = Rc::clone(&self.store);
        let mut store = store.borrow_mut();
        if !self.has_news(&mut store) {
            return;
        }
        for _ in 0..STEPS {
            match self.advance(&mut store) {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => return self.give_up(&mut store, &error),
            }
        }
        self.is_restless = true;
    }

    /// Whether anything has changed since it was asked last.
    pub(crate) fn has_news(&mut self, store: &mut Store) -> bool {
        if let Err(error) = store.poll() {
            if !self.is_cut_off {
                warn!("{error}; network devices neither come nor go from now on");
            }
            self.is_cut_off = true;
            return false;
        }
        let device = self.device.as_ref().map(|device| device.watch);
        let device = device.is_some_and(|watch| store.take_changed(watch));
        store.take_changed(self.devices) || device || core::mem::take(&mut self.is_restless)
    }

    /// Takes a step; tells whether another may follow at once.
    fn advance(&mut self, store: &mut Store) -> Result<bool, Unusable> {
        use State::{Closed, Closing, Connected, InitWait, Initialised, Initialising};

        let Some(device) = &mut self.device else {
            return self.look(store);
        };
        let before = device.stage;
        match (device.stage, device.back_state(store)?) {
            (Stage::Settling, Some(Initialised | Connected)) => device.say(store, Closing),
            (Stage::Settling, Some(Closing)) => device.say(store, Closed),
            (Stage::Settling, _) => {
                device.say(store, Initialising);
                device.stage = Stage::Waiting;
            }
            (Stage::Waiting, Some(InitWait)) => self.connect(store)?,
            (Stage::Waiting, None) if !device.is_there(store)? => self.release(store),
            (Stage::Connecting, Some(Connected)) => self.go_up(),
            (Stage::Waiting | Stage::Connecting | Stage::Connected, Some(Closing))
            | (Stage::Connecting | Stage::Connected, Some(Closed) | None) => self.leave(store),
            (Stage::Leaving, Some(Initialised | Connected)) => {}
            (Stage::Leaving, Some(Closing)) => device.say(store, Closed),
            (Stage::Leaving, back) => {
                if back == Some(Closed) {
                    device.say(store, Closed);
                }
                self.release(store);
            }
            _ => {}
        }
        let after = self.device.as_ref().map(|device| device.stage);
        Ok(after != Some(before))
    }

    /// Looks for a device: at first any, later one that the toolstack has just made.
    fn look(&mut self, store: &mut Store) -> Result<bool, Unusable> {
        let is_first = !core::mem::replace(&mut self.has_looked, true);
        let is_new = |state| state == Some(State::Initialising);
        let Some((number, state)) = device::find(store, |state| is_first || is_new(state))? else {
            if is_first {
                warn!(
                    "there is no network device: name one in the configuration \
                     (vif = [\"bridge=xenbr0\"]), or attach one (xl network-attach)"
                );
            }
            return Ok(false);
        };
        let mut device = Device::open(store, number)?;
        let is_left_over = !is_new(state)
            || !matches!(
                device.back_state(store)?,
                None | Some(State::Initialising | State::InitWait)
            );
        if is_left_over {
            device.clean(store)?;
            device.stage = Stage::Settling;
        }
        self.device = Some(device);
        Ok(true)
    }

    /// Makes rings, and tells the back end of them.
    fn connect(&mut self, store: &mut Store) -> Result<(), Unusable> {
        let Some(device) = &mut self.device else {
            return Ok(());
        };
        let back_end = device.back_end(store)?;
        let memory = self.memory.take().unwrap_or_else(Memory::new);
        let rings = match Rings::open(&self.config, memory, &back_end, self.stats.leaked) {
            Ok(rings) => rings,
            Err((error, memory)) => {
                self.memory = Some(memory);
                return Err(Unusable::Open(error));
            }
        };
        if let Err(error) = device.publish(store, &rings.names()) {
            self.memory = Some(rings.close(&mut self.stats));
            return Err(error.into());
        }
        device.stage = Stage::Connecting;
        self.caps = back_end.caps(device.mac, device.mtu);
        self.rings = Some(rings);
        Ok(())
    }

    fn go_up(&mut self) {
        let (Some(device), Some(rings)) = (&mut self.device, &mut self.rings) else {
            return;
        };
        rings.greet(&mut self.stats);
        device.stage = Stage::Connected;
        self.epoch += 1;
        self.state = LinkState::Up { epoch: self.epoch };
        info!("vif {}: connected", device.number);
    }

    /// Stops to use the device. Its pages stay lent: somebody may still be using them.
    pub(crate) fn leave(&mut self, store: &mut Store) {
        self.state = LinkState::Down;
        if let Some(device) = &mut self.device {
            device.say(store, State::Closing);
            device.stage = Stage::Leaving;
        }
    }

    /// Takes everything back: there is no back end any more that would use it.
    fn release(&mut self, store: &mut Store) {
        if let Some(rings) = self.rings.take() {
            self.memory = Some(rings.close(&mut self.stats));
        }
        if let Some(device) = self.device.take() {
            info!("vif {}: closed", device.number);
            device.forget(store);
        }
    }

    /// A device that cannot be used is closed. One that is in use goes on whatever the store says.
    fn give_up(&mut self, store: &mut Store, error: &Unusable) {
        warn!("network device: {error}");
        let Some(device) = &mut self.device else {
            return;
        };
        if matches!(device.stage, Stage::Settling | Stage::Waiting) {
            device.say(store, State::Closed);
            self.release(store);
        }
    }
}
