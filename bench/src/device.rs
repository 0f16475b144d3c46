//! A cable for smoltcp, as ours is: two queues of frames, 256 long, in recycled buffers.

use core::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use smoltcp::phy::{Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::time::Instant;

/// An Ethernet header and an MTU of 1500.
const FRAME: usize = 1514;
/// As many frames as `memory::Cable` carries by default.
const QUEUE: usize = 256;

/// One end of a cable. Checksums are smoltcp's to make and to verify, as its defaults say.
pub(crate) struct End {
    inward: Lane,
    outward: Lane,
}

/// Frames on their way, and buffers that wait for some.
#[derive(Clone, Default)]
struct Lane(Rc<RefCell<Queues>>);

#[derive(Default)]
struct Queues {
    frames: VecDeque<(Box<[u8]>, usize)>,
    free: Vec<Box<[u8]>>,
}

pub(crate) fn pair() -> (End, End) {
    let (left, right) = (Lane::default(), Lane::default());
    (
        End {
            inward: left.clone(),
            outward: right.clone(),
        },
        End {
            inward: right,
            outward: left,
        },
    )
}

impl End {
    /// Whether frames have arrived.
    pub(crate) fn has_input(&self) -> bool {
        !self.inward.0.borrow().frames.is_empty()
    }
}

impl Device for End {
    type RxToken<'a> = Received;
    type TxToken<'a> = Sending<'a>;

    fn receive(&mut self, _: Instant) -> Option<(Received, Sending<'_>)> {
        let (buffer, len) = self.inward.0.borrow_mut().frames.pop_front()?;
        let received = Received {
            buffer,
            len,
            home: self.inward.clone(),
        };
        Some((received, Sending(&self.outward)))
    }

    fn transmit(&mut self, _: Instant) -> Option<Sending<'_>> {
        let is_full = self.outward.0.borrow().frames.len() >= QUEUE;
        (!is_full).then_some(Sending(&self.outward))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = FRAME;
        capabilities
    }
}

pub(crate) struct Received {
    buffer: Box<[u8]>,
    len: usize,
    home: Lane,
}

impl RxToken for Received {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, look: F) -> R {
        let result = look(&self.buffer[..self.len]);
        self.home.0.borrow_mut().free.push(self.buffer);
        result
    }
}

pub(crate) struct Sending<'a>(&'a Lane);

impl TxToken for Sending<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, write: F) -> R {
        let recycled = self.0.0.borrow_mut().free.pop();
        let mut buffer = recycled.unwrap_or_else(|| vec![0; FRAME].into());
        let result = write(&mut buffer[..len]);
        self.0.0.borrow_mut().frames.push_back((buffer, len));
        result
    }
}
