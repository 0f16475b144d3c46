//! A host, and a peer that says exactly what a test wants it to.

use alloc::vec::Vec;
use core::net::{Ipv4Addr, SocketAddrV4};
use core::task::Poll;

use packet::{Class, Frame, Instant, Limits, Part, Pool, RxChecksum, RxMeta, Secrets};
use zerocopy::{FromBytes, IntoBytes};

use crate::{
    Blocked, Config, ConnectionId, Drop, Flags, HEADER_LEN, Header, ListenerId, Options, Outgoing,
    Output, Packet, Tcp,
};

pub(crate) const US: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
pub(crate) const PEER: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 1), 4000);
/// The number of the peer's SYN: its stream soon wraps around.
const INITIAL: u32 = u32::MAX - 99;

/// The window that the host offers, and the one that the peer does.
pub(crate) const WINDOW: u32 = 10_000;
pub(crate) const PEER_WINDOW: u16 = 5000;

/// A segment that the host sent. Places count from the SYNs.
#[derive(Debug)]
pub(crate) struct Sent {
    pub(crate) seq: u32,
    pub(crate) ack: u32,
    pub(crate) header: Header,
    pub(crate) options: Options,
    pub(crate) text: Vec<u8>,
    pub(crate) gso_size: Option<u16>,
}

impl Sent {
    pub(crate) fn flags(&self) -> Flags {
        Flags(self.header.flags)
    }
}

/// What passes the link, with numbers as they are.
#[derive(Default)]
struct Wire(Vec<Sent>);

impl Output for Wire {
    fn transmit(&mut self, segment: Outgoing<'_>) -> Result<(), Blocked> {
        assert!(self.0.len() < 1000, "it never has enough");
        let (header, options) = Header::read_from_prefix(&segment.head[..]).unwrap();
        let text = segment.payload.iter().flat_map(|chunk| chunk.to_vec());
        self.0.push(Sent {
            seq: header.seq.get(),
            ack: header.ack.get(),
            header,
            options: Options::parse(options),
            text: text.collect(),
            gso_size: segment.gso_size,
        });
        Ok(())
    }
}

pub(crate) struct World {
    pub(crate) tcp: Tcp,
    pub(crate) pool: Pool,
    pub(crate) now: Instant,
    /// The options of the peer's segments: whole words.
    pub(crate) options: Vec<u8>,
    /// The window in them, their port, and what they are cut into if they came as super-frames.
    pub(crate) window: u16,
    pub(crate) peer_port: u16,
    pub(crate) gso_size: u16,
    /// The number of our SYN, and our port.
    initial: u32,
    port: u16,
}

impl World {
    fn with_window() -> Self {
        Self::new(Config {
            receive_buffer: WINDOW as usize,
            ..Config::default()
        })
    }

    /// A host of these limits; small segments never wait.
    pub(crate) fn new(config: Config) -> Self {
        let pool = Pool::new(Limits {
            cells: 256,
            pages: 64,
            bays: 2,
        });
        let config = Config {
            nagle: false,
            ..config
        };
        Self {
            tcp: Tcp::new(config, pool.clone(), &Secrets::new([1; 32])),
            pool,
            now: Instant::from_millis(1000),
            options: Vec::new(),
            window: PEER_WINDOW,
            peer_port: PEER.port(),
            gso_size: 0,
            initial: 0,
            port: 80,
        }
    }

    /// A connection that the peer opened, with these options in its SYN and these in what follows.
    pub(crate) fn established(syn_options: &[u8], options: &[u8]) -> (Self, ConnectionId) {
        Self::with_window().establish(syn_options, options)
    }

    /// One without options, whose window is this buffer.
    pub(crate) fn with_buffer(receive_buffer: usize) -> (Self, ConnectionId) {
        let config = Config {
            receive_buffer,
            ..Config::default()
        };
        Self::new(config).establish(&[], &[])
    }

    fn establish(mut self, syn_options: &[u8], options: &[u8]) -> (Self, ConnectionId) {
        let listener = self.tcp.listen(80).unwrap();
        self.options = syn_options.to_vec();
        assert_eq!(self.receive(0, 0, Flags::SYN, 0), Ok(()));
        self.options = options.to_vec();
        assert_eq!(self.sent().len(), 1);
        assert_eq!(self.receive(1, 1, Flags::ACK, 0), Ok(()));
        let id = self.accepted(listener).expect("it is established");
        (self, id)
    }

    /// A connection that waits to be accepted.
    pub(crate) fn accepted(&mut self, listener: ListenerId) -> Option<ConnectionId> {
        match self.tcp.accept(listener) {
            Poll::Ready(Ok((id, _))) => Some(id),
            _ => None,
        }
    }

    /// A connection that we are opening; the SYN was sent.
    pub(crate) fn connecting() -> (Self, ConnectionId) {
        let mut world = Self::with_window();
        let id = world.tcp.connect(world.now, US, PEER).unwrap();
        assert_eq!(world.sent().len(), 1);
        (world, id)
    }

    /// A segment of the peer arrives.
    pub(crate) fn receive(
        &mut self,
        seq: u32,
        ack: u32,
        flags: Flags,
        len: usize,
    ) -> Result<(), Drop> {
        let header = Header {
            source: self.peer_port.into(),
            destination: self.port.into(),
            seq: INITIAL.wrapping_add(seq).into(),
            ack: self.initial.wrapping_add(ack).into(),
            data_offset: ((HEADER_LEN + self.options.len()) * 4) as u8,
            flags: flags.0,
            window: self.window.into(),
            checksum: 0.into(),
            urgent: 0.into(),
        };
        let bytes = [header.as_bytes(), &self.options, &alloc::vec![7; len]].concat();
        let meta = RxMeta {
            checksum: RxChecksum::Valid,
            gso_size: self.gso_size,
        };
        let packet = Packet {
            source: *PEER.ip(),
            destination: US,
            start: 0,
            len: bytes.len(),
        };
        let part = Part::copy_from(&self.pool, &bytes).unwrap();
        self.tcp.receive(self.now, &packet, Frame::new(part, meta))
    }

    /// What the host sends now.
    pub(crate) fn sent(&mut self) -> Vec<Sent> {
        let mut wire = Wire::default();
        self.tcp.poll_transmit(self.now, &mut wire);
        for sent in &mut wire.0 {
            if sent.flags().has(Flags::SYN) {
                self.initial = sent.seq;
                self.port = sent.header.source.get();
            }
            sent.seq = sent.seq.wrapping_sub(self.initial);
            sent.ack = sent.ack.wrapping_sub(INITIAL);
        }
        wire.0
    }

    /// Where the acknowledgements stand that are sent now.
    pub(crate) fn acknowledged(&mut self) -> Vec<u32> {
        self.sent().iter().map(|sent| sent.ack).collect()
    }

    /// Takes most of the pool's pages, and gives them back when dropped.
    pub(crate) fn take_pages(&self) -> Vec<packet::Buf> {
        core::iter::from_fn(|| self.pool.take(Class::Page)).collect()
    }
}
