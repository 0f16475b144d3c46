//! The wire between a script and our stack.

use core::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use link::{Burst, Caps, Full, Link, LinkError, LinkState, Transmit};
use packet::{Frame, Instant, Part, Pool, RxMeta};

/// Ethernet frames on their way. Not bounded: what a script sends is.
#[derive(Default)]
pub(super) struct Wire {
    pub(super) to_host: VecDeque<Vec<u8>>,
    pub(super) from_host: VecDeque<Vec<u8>>,
}

/// The host's end of the wire: a plain device, so that the stack's own software offload cuts
/// super-frames and completes checksums, and a script sees what a network would.
pub(super) struct WireLink {
    caps: Caps,
    pool: Pool,
    wire: Rc<RefCell<Wire>>,
}

impl WireLink {
    pub(super) fn new(mac: [u8; 6], pool: Pool, wire: Rc<RefCell<Wire>>) -> Self {
        let caps = Caps {
            mac,
            mtu: 1500,
            checksum_offload: false,
            max_super_frame: None,
            max_parts: 64,
            gather_from: 0,
        };
        Self { caps, pool, wire }
    }
}

impl Link for WireLink {
    fn caps(&self) -> &Caps {
        &self.caps
    }

    fn state(&self) -> LinkState {
        LinkState::Up { epoch: 0 }
    }

    fn receive(&mut self, _now: Instant, burst: &mut Burst) -> Result<(), LinkError> {
        let mut wire = self.wire.borrow_mut();
        while !burst.is_full() {
            let Some(frame) = wire.to_host.pop_front() else {
                break;
            };
            // A full pool loses frames, as a device would.
            if let Some(part) = Part::copy_from(&self.pool, &frame) {
                burst.push(Frame::new(part, RxMeta::default()));
            }
        }
        Ok(())
    }

    fn transmit(&mut self, _now: Instant, frame: Transmit<'_>) -> Result<(), Full> {
        let mut bytes = frame.head.to_vec();
        frame
            .payload
            .iter()
            .for_each(|chunk| bytes.extend(&**chunk));
        self.wire.borrow_mut().from_host.push_back(bytes);
        Ok(())
    }

    fn flush(&mut self, _now: Instant) -> Result<(), LinkError> {
        Ok(())
    }

    fn arm(&mut self) -> bool {
        !self.wire.borrow().to_host.is_empty()
    }
}
