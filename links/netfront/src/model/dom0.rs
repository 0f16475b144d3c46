//! Dom0: the toolstack, which makes and removes devices, and how a back end answers to their states,
//! as Linux's does.

use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use core::cell::RefCell;

use xen::model::{Model, Xenstored};
use xen::{DomainId, GrantRef, Port, Store};

use super::{BackEnd, Keys};
use crate::device::State;

/// Grants for two full rings, and those of a device before that has not let go.
const GRANT_FRAMES: usize = 3;

/// What a back end says that it can do.
#[derive(Clone, Copy, Debug)]
pub struct Offers {
    /// Frames in many slots.
    pub sg: bool,
    /// Super-frames.
    pub gso: bool,
    /// Checksums.
    pub csum: bool,
    /// Two bells.
    pub split: bool,
}

impl Offers {
    /// As Linux does.
    pub const ALL: Self = Self {
        sg: true,
        gso: true,
        csum: true,
        split: true,
    };
    /// As QEMU does.
    pub const NONE: Self = Self {
        sg: false,
        gso: false,
        csum: true,
        split: false,
    };
}

/// The other domain.
pub struct Dom0 {
    /// The daemon.
    pub store: Xenstored,
    /// Xen.
    pub xen: Rc<Model>,
    /// The back end, while it is connected.
    pub back_end: Option<BackEnd>,
    offers: Offers,
}

impl Dom0 {
    /// A dom0 without a device, and the other side of its store.
    #[must_use]
    pub fn new() -> (Self, Rc<RefCell<Store>>) {
        let (daemon, store) = Xenstored::with_store();
        let dom0 = Self {
            store: daemon,
            xen: Rc::new(Model::new(DomainId(0), GRANT_FRAMES)),
            back_end: None,
            offers: Offers::ALL,
        };
        (dom0, Rc::new(RefCell::new(store)))
    }

    /// The toolstack makes a device.
    pub fn attach(&mut self, mac: &str, offers: Offers) {
        self.offers = offers;
        self.store.write(&back("online"), "1");
        self.store.write(&back("state"), "1");
        for (key, value) in [
            ("backend", back("").trim_end_matches('/')),
            ("backend-id", "0"),
            ("mac", mac),
            ("mtu", "1500"),
            ("state", "1"),
        ] {
            self.store.write(&front(key), value);
        }
    }

    /// The toolstack wants the device back.
    pub fn detach(&self) {
        self.store.write(&back("online"), "0");
        self.say(State::Closing);
    }

    /// The back end looks at what the front end does.
    pub fn turn(&mut self) {
        self.store.serve();
        let state = |path: String| self.store.read(&path)?.parse().ok().and_then(State::of);
        match (state(front("state")), state(back("state"))) {
            (Some(State::Initialising), Some(State::Initialising | State::Closed)) => self.offer(),
            (Some(State::Connected), Some(State::InitWait)) => {
                if let Some(keys) = self.keys() {
                    self.back_end = BackEnd::join(Rc::clone(&self.xen), keys).ok();
                    self.say(State::Connected);
                }
            }
            (Some(State::Closing), now) => {
                self.let_go();
                if now != Some(State::Closing) {
                    self.say(State::Closing);
                }
            }
            (Some(State::Closed), now) => {
                self.let_go();
                if now != Some(State::Closed) {
                    self.say(State::Closed);
                }
                if self.store.read(&back("online")).as_deref() == Some("0") {
                    self.store.remove(front("").trim_end_matches('/'));
                    self.store.remove(back("").trim_end_matches('/'));
                }
            }
            _ => {}
        }
        self.store.serve();
    }

    /// Says what the back end is doing.
    pub(crate) fn say(&self, state: State) {
        self.store
            .write(&back("state"), &format!("{}", state as u32));
    }

    /// What is at a key of the front end.
    #[must_use]
    pub fn front(&self, key: &str) -> Option<String> {
        self.store.read(&front(key))
    }

    fn offer(&self) {
        let Offers {
            sg,
            gso,
            csum,
            split,
        } = self.offers;
        for (feature, has) in [
            ("rx-copy", true),
            ("sg", sg),
            ("gso-tcpv4", gso),
            ("gso-tcpv6", gso),
            ("no-csum-offload", !csum),
            ("split-event-channels", split),
        ] {
            let path = back(&format!("feature-{feature}"));
            self.store.write(&path, if has { "1" } else { "0" });
        }
        self.say(State::InitWait);
    }

    fn keys(&self) -> Option<Keys> {
        let number = |key: &str| self.front(key)?.parse().ok();
        let only = number("event-channel");
        Some(Keys {
            rings: [number("tx-ring-ref")?, number("rx-ring-ref")?].map(GrantRef),
            bells: [
                number("event-channel-tx").or(only)?,
                number("event-channel-rx").or(only)?,
            ]
            .map(Port),
        })
    }

    fn let_go(&mut self) {
        if let Some(back_end) = self.back_end.take() {
            back_end.leave();
        }
    }
}

/// Where the front end's side of the device is.
fn front(key: &str) -> String {
    format!("device/vif/0/{key}")
}

/// Where the back end's is.
fn back(key: &str) -> String {
    format!("/local/domain/0/backend/vif/1/0/{key}")
}
