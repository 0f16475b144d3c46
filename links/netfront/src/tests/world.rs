//! A front end and its dom0, in one program.

use alloc::rc::Rc;
use alloc::vec::Vec;

use link::{Burst, Full, Link, LinkError, LinkState, Offload, Transmit};
use packet::{Chunk, Class, Frame, Instant, Limits, Pool};

use crate::model::{BackEnd, Dom0, Meddled, Offers, Sent};
use crate::{Config, Fault, Netfront, Stats};

pub(crate) const MAC: [u8; 6] = [0, 0x16, 0x3e, 1, 2, 3];
pub(crate) const MAC_TEXT: &str = "00:16:3e:01:02:03";
pub(crate) const NOW: Instant = Instant::ZERO;

/// Pages that wait for frames.
pub(crate) const PAGES: u16 = 64;

/// Both sides.
pub(crate) struct World {
    pub(crate) dom0: Dom0,
    pub(crate) front: Netfront,
    pub(crate) pool: Pool,
    pub(crate) meddle: Rc<Meddled>,
}

impl World {
    /// A domain without a device.
    pub(crate) fn new() -> Self {
        let pool = Pool::new(Limits {
            cells: 64,
            pages: 256,
            bays: 4,
        });
        let (dom0, store) = Dom0::new();
        let xen = Rc::new(Meddled::new(Rc::clone(&dom0.xen)));
        let config = Config {
            grants: xen.clone(),
            events: xen.clone(),
            pool: pool.clone(),
            pages: PAGES,
            public: [PUBLIC.as_ptr_range()]
                .map(|range| range.start.addr()..range.end.addr())
                .into(),
        };
        let front = Netfront::new(config, store).unwrap();
        Self {
            dom0,
            front,
            pool,
            meddle: xen,
        }
    }

    /// A device that is connected.
    pub(crate) fn up(offers: Offers) -> Self {
        let mut world = Self::new();
        world.dom0.attach(MAC_TEXT, offers);
        world.settle();
        assert_eq!(world.front.state(), LinkState::Up { epoch: 1 });
        world
    }

    /// Both sides take turns, until there is nothing more to say. Frames that come are lost.
    pub(crate) fn settle(&mut self) {
        for _ in 0..16 {
            self.dom0.turn();
            self.receive();
        }
    }

    pub(crate) fn back(&mut self) -> &mut BackEnd {
        self.dom0.back_end.as_mut().unwrap()
    }

    pub(crate) fn try_receive(&mut self) -> (Vec<Frame>, Result<(), LinkError>) {
        let mut burst = Burst::new();
        let result = self.front.receive(NOW, &mut burst);
        (burst.drain().collect(), result)
    }

    /// What the front end has received, in one turn.
    pub(crate) fn receive(&mut self) -> Vec<Frame> {
        let (frames, result) = self.try_receive();
        assert_eq!(result, Ok(()));
        frames
    }

    /// The front end sends; what the back end sees of it is still to be answered.
    pub(crate) fn send(&mut self, head: &[u8], payload: &[Chunk], offload: Offload) -> Sent {
        self.transmit(head, payload, offload).unwrap();
        self.front.flush(NOW).unwrap();
        self.back().take().unwrap().unwrap()
    }

    pub(crate) fn transmit(
        &mut self,
        head: &[u8],
        payload: &[Chunk],
        offload: Offload,
    ) -> Result<(), Full> {
        let frame = Transmit {
            head,
            payload,
            offload,
        };
        self.front.transmit(NOW, frame)
    }

    pub(crate) fn flush(&mut self) {
        self.front.flush(NOW).unwrap();
    }

    pub(crate) fn stats(&self) -> Stats {
        self.front.stats().get()
    }

    /// The device was given up: it does nothing any more.
    pub(crate) fn assert_broken(&mut self) {
        let (frames, result) = self.try_receive();
        assert_eq!(result, Err(LinkError::Gone));
        assert!(frames.len() < 2, "what came before may be there");
        assert_eq!(self.front.state(), LinkState::Down);
        assert_eq!(self.stats().broken, 1);
        self.settle();
        assert_eq!(self.dom0.front("state").as_deref(), Some("6"));
    }

    /// A packet was dropped, for one reason only, and the device goes on.
    pub(crate) fn assert_dropped(&mut self, fault: Fault) {
        let frames = self.receive();
        assert!(frames.is_empty(), "{frames:?}");
        let mut expected = [0; Fault::COUNT];
        expected[fault as usize] = 1;
        assert_eq!(self.stats().dropped, expected);
        self.assert_alive();
    }

    /// A frame comes through, and nothing is lost.
    pub(crate) fn assert_alive(&mut self) {
        let frame = [7; 60];
        assert!(self.back().bring(&frame, Default::default(), None));
        let frames = self.receive();
        assert_eq!(frames.len(), 1);
        assert_eq!(bytes(&frames[0]), frame);
    }

    /// Pages of the pool that are neither free nor wait for frames.
    pub(crate) fn pages_in_use(&self) -> usize {
        self.pool.usage(Class::Page).held
    }
}

/// Whole pages that anybody may see, embedded in the program.
pub(crate) static PUBLIC: &[u8] = &Pages([0x5a; 3 * 4096]).0;

#[repr(align(4096))]
struct Pages([u8; 3 * 4096]);

pub(crate) fn bytes(frame: &Frame) -> Vec<u8> {
    frame.parts().flat_map(|part| part.to_vec()).collect()
}
