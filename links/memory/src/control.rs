//! Pulling the plug.

use alloc::rc::Rc;
use core::cell::RefCell;

use link::LinkState;

/// How an end is attached at the moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attachment {
    pub(crate) mac: [u8; 6],
    pub(crate) state: LinkState,
    epoch: u32,
}

impl Attachment {
    pub(crate) const fn new(mac: [u8; 6]) -> Self {
        Self {
            mac,
            state: LinkState::Up { epoch: 0 },
            epoch: 0,
        }
    }
}

/// Takes one end of a cable down and up, as a back end that restarts or a person with the plug in
/// hand. The link notices with its next `receive`.
#[derive(Clone, Debug)]
pub struct Control(Rc<RefCell<Attachment>>);

impl Control {
    pub(crate) fn new(attachment: &Rc<RefCell<Attachment>>) -> Self {
        Self(Rc::clone(attachment))
    }

    /// Takes the end down: what is on its way to it is lost, and so is what it transmits.
    pub fn down(&self) {
        self.0.borrow_mut().state = LinkState::Down;
    }

    /// Takes the end up again, in a new epoch, with `mac` as its address from now on. If it was not
    /// down, it was re-attached faster than anybody looked.
    pub fn up(&self, mac: [u8; 6]) {
        let mut attachment = self.0.borrow_mut();
        let epoch = attachment.epoch.wrapping_add(1);
        *attachment = Attachment {
            mac,
            state: LinkState::Up { epoch },
            epoch,
        };
    }
}
