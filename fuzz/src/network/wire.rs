//! The host's link, the other end of which is the input.

use core::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use ethernet::EtherType;
use ipv4::Protocol;
use link::{Burst, Caps, Full, Link, LinkError, LinkState, Transmit};
use packet::checksum::{self, Sum};
use packet::{Instant, Pool, RxChecksum, RxMeta};

/// The other end of the link.
#[derive(Clone, Default)]
pub(super) struct Wire(Rc<Ends>);

struct Ends {
    to_host: RefCell<VecDeque<(Vec<u8>, RxChecksum)>>,
    from_host: RefCell<Vec<Vec<u8>>>,
    state: Cell<LinkState>,
    /// How many more frames the link takes.
    room: Cell<usize>,
}

impl Default for Ends {
    fn default() -> Self {
        Self {
            to_host: RefCell::default(),
            from_host: RefCell::default(),
            state: Cell::new(LinkState::Up { epoch: 0 }),
            room: Cell::new(usize::MAX),
        }
    }
}

impl Wire {
    pub(super) fn bring(&self, frame: Vec<u8>, checksum: RxChecksum) {
        self.0.to_host.borrow_mut().push_back((frame, checksum));
    }

    pub(super) fn sent(&self) -> Vec<Vec<u8>> {
        self.0.from_host.take()
    }

    pub(super) fn set_room(&self, room: usize) {
        self.0.room.set(room);
    }

    pub(super) fn unplug(&self) {
        self.0.state.set(LinkState::Down);
    }

    pub(super) fn plug(&self, epoch: u32) {
        self.0.state.set(LinkState::Up { epoch });
    }
}

/// The host's end: a plain device, so that its own software offload cuts super-frames and completes
/// checksums.
pub(super) struct ScriptedLink {
    caps: Caps,
    pool: Pool,
    wire: Wire,
}

impl ScriptedLink {
    pub(super) fn new(mac: [u8; 6], pool: Pool, wire: Wire) -> Self {
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

impl Link for ScriptedLink {
    fn caps(&self) -> &Caps {
        &self.caps
    }

    fn state(&self) -> LinkState {
        self.wire.0.state.get()
    }

    fn receive(&mut self, _: Instant, burst: &mut Burst) -> Result<(), LinkError> {
        let mut to_host = self.wire.0.to_host.borrow_mut();
        while !burst.is_full() {
            let Some((bytes, checksum)) = to_host.pop_front() else {
                break;
            };
            let meta = RxMeta {
                checksum,
                gso_size: 0,
            };
            // A full pool loses frames, as a device would.
            let pieces = core::iter::once(&*bytes);
            if let Some(frame) = link::copy_received(&self.pool, pieces, meta) {
                burst.push(frame);
            }
        }
        Ok(())
    }

    fn transmit(&mut self, _: Instant, frame: Transmit<'_>) -> Result<(), Full> {
        assert_ne!(self.state(), LinkState::Down, "sent while the link is down");
        let room = self.wire.0.room.get();
        let left = room.checked_sub(1).ok_or(Full)?;
        self.wire
            .0
            .room
            .set(if room == usize::MAX { room } else { left });
        let payload = frame.payload.iter().flat_map(|chunk| chunk.iter().copied());
        let bytes = frame.head.iter().copied().chain(payload).collect();
        self.wire.0.from_host.borrow_mut().push(bytes);
        Ok(())
    }

    fn flush(&mut self, _: Instant) -> Result<(), LinkError> {
        Ok(())
    }

    fn arm(&mut self) -> bool {
        !self.wire.0.to_host.borrow().is_empty()
    }
}

/// What a host sends is well formed, down to the last checksum.
pub(super) fn judge(frame: &[u8]) {
    assert!(frame.len() <= 1514, "{} bytes", frame.len());
    let Ok((header, len)) = ethernet::Header::parse(frame) else {
        panic!("no Ethernet frame: {frame:02x?}");
    };
    assert_eq!(header.source.0, super::HOST_MAC);
    let inner = &frame[len..];
    if header.ether_type == EtherType::ARP {
        assert!(arp::Packet::parse(inner).is_ok(), "{inner:02x?}");
        return;
    }
    assert_eq!(header.ether_type, EtherType::IPV4);
    let packet = match ipv4::Header::parse(inner, inner.len()) {
        Ok(packet) => packet,
        Err(why) => panic!("{why:?}: {inner:02x?}"),
    };
    assert_eq!(packet.source, super::HOST);
    let payload = &inner[packet.header_len.into()..packet.total_len.into()];
    let sum = Sum::of(payload);
    let sum = match packet.protocol {
        Protocol::TCP | Protocol::UDP => {
            let (from, to) = (packet.source, packet.destination);
            sum + checksum::pseudo_header(from, to, packet.protocol.0, payload.len())
        }
        _ => sum,
    };
    // Each fragment has only a part of what is summed up.
    assert!(packet.is_fragment() || sum.is_valid(), "{inner:02x?}");
}
