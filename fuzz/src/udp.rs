//! Datagrams, calls and a link's moods, for the bound ports of a host.

use core::net::{Ipv4Addr, SocketAddrV4};
use core::task::Poll;

use packet::{Frame, Limits, Part, Pool, RxChecksum, RxMeta, Secrets};
use udp::{Blocked, Config, Datagram, Error, HEADER_LEN, Outgoing, Output, Packet, PortId, Udp};

use crate::input::Input;
use crate::pool::lend;

const HOST: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
const PEER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const PACKET: Packet = Packet {
    source: PEER,
    destination: HOST,
};

/// Few of everything, so that every limit is met.
const PORTS: usize = 4;
const RECEIVED: usize = 3;
const UNSENT: usize = 2;
const ALL_UNSENT: usize = 5;
const UNRESOLVED: usize = 3;
const UNDELIVERED: usize = 2;

/// Does what the bytes say: datagrams that arrive, errors about ours, calls of users.
pub fn udp(bytes: &[u8]) {
    thread_local! {
        static POOL: Pool = Pool::new(Limits {
            cells: 64,
            pages: 64,
            bays: 4,
        });
    }
    lend(&POOL, |pool| {
        let mut host = Host::new(pool);
        let mut input = Input::new(bytes);
        while !input.is_empty() {
            host.step(&mut input);
        }
        host.end();
    });
}

struct Host<'a> {
    pool: &'a Pool,
    udp: Udp,
    ports: Vec<PortId>,
    link: Mood,
}

/// A link that takes some datagrams, and then answers otherwise.
struct Mood {
    takes: u8,
    then: Blocked,
}

impl Output for Mood {
    fn transmit(&mut self, datagram: Outgoing<'_>) -> Result<(), Blocked> {
        assert_eq!(datagram.local, HOST);
        let len = u16::from_be_bytes([datagram.header[4], datagram.header[5]]);
        assert_eq!(usize::from(len), HEADER_LEN + datagram.payload.len());
        self.takes = self.takes.checked_sub(1).ok_or(self.then)?;
        Ok(())
    }
}

impl<'a> Host<'a> {
    fn new(pool: &'a Pool) -> Self {
        let config = Config {
            mtu: 600,
            ports: PORTS,
            received: RECEIVED,
            received_memory: 8192,
            unsent: UNSENT,
            all_unsent: ALL_UNSENT,
            unresolved: UNRESOLVED,
            undelivered: UNDELIVERED,
        };
        Self {
            pool,
            udp: Udp::new(config, pool.clone(), &Secrets::new([1; 32])),
            ports: Vec::new(),
            link: Mood {
                takes: 255,
                then: Blocked::Full,
            },
        }
    }

    fn step(&mut self, input: &mut Input<'_>) {
        match input.byte() % 10 {
            0 => self.bind(input.byte()),
            1 => self.unbind(input.byte()),
            2 | 3 => {
                let (how, len) = (input.byte(), input.byte());
                self.arrive(how, input.take(len.into()));
            }
            4 => {
                let len = input.byte() % 16;
                let quoted = input.take(len.into());
                self.udp.icmp_error(PEER, quoted, Error::Refused);
            }
            5 => self.send(input.byte(), input.word()),
            6 => self.drain(input.byte()),
            7 => {
                self.link.takes = input.byte() % 8;
                self.link.then = match input.byte() % 3 {
                    0 => Blocked::Full,
                    1 => Blocked::Unresolved,
                    _ => Blocked::Unreachable,
                };
            }
            8 => self.udp.resolved(),
            _ => self.udp.poll_transmit(&mut self.link),
        }
        let events = core::iter::from_fn(|| self.udp.poll_event()).count();
        // A port for each kind of wait.
        assert!(events <= 3 * PORTS, "{events} events");
    }

    fn port(&self, which: u8) -> Option<PortId> {
        let index = usize::from(which).checked_rem(self.ports.len())?;
        self.ports.get(index).copied()
    }

    fn bind(&mut self, number: u8) {
        // Low numbers meet those of datagrams, and 0 any.
        let number = u16::from(number % 8);
        let taken = self.ports.iter();
        let taken = taken
            .filter_map(|id| self.udp.number(*id))
            .collect::<Vec<_>>();
        match self.udp.bind(number) {
            Ok(id) => {
                assert!(self.ports.len() < PORTS && !taken.contains(&number));
                assert!(number == 0 || self.udp.number(id) == Some(number));
                self.ports.push(id);
            }
            Err(Error::InUse) => assert!(taken.contains(&number)),
            Err(error) => assert!(error == Error::NoBuffer && self.ports.len() == PORTS),
        }
    }

    fn unbind(&mut self, which: u8) {
        let Some(id) = self.port(which) else { return };
        self.udp.unbind(id);
        self.ports.retain(|other| *other != id);
        let stale = self.udp.take(id).map(Result::err);
        assert_eq!(stale, Poll::Ready(Some(Error::Closed)));
        assert_eq!(self.udp.number(id), None);
    }

    /// `how`: whether the checksum is believed (1), and where it is cut into two parts.
    fn arrive(&mut self, how: u8, bytes: &[u8]) {
        let Some(frame) = frame(self.pool, how, bytes) else {
            return;
        };
        let parsed = Datagram::parse(&PACKET, frame.clone());
        if let Ok(datagram) = &parsed {
            judge(self.pool, datagram, bytes);
        }
        let is_bound = parsed.as_ref().is_ok_and(|datagram| {
            let number = datagram.destination.port();
            let mut ids = self.ports.iter();
            ids.any(|id| self.udp.number(*id) == Some(number))
        });
        drop(parsed);
        let received = self.udp.receive(&PACKET, frame);
        assert!(is_bound || received.is_err());
    }

    fn send(&mut self, which: u8, len: u16) {
        let Some(id) = self.port(which) else { return };
        let payload = [7; 1000];
        let payload = &payload[..usize::from(len % 1000)];
        let sent = self.udp.send(id, HOST, SocketAddrV4::new(PEER, 9), payload);
        let too_large = payload.len() > 572;
        assert_eq!(sent == Poll::Ready(Err(Error::TooLarge)), too_large);
    }

    /// Takes all that waits at a port, which is little.
    fn drain(&mut self, which: u8) {
        let Some(id) = self.port(which) else { return };
        let received = core::iter::from_fn(|| ready(self.udp.take(id))).count();
        assert!(received <= RECEIVED, "{received} datagrams waited");
        let errors = core::iter::from_fn(|| ready(self.udp.take_error(id))).count();
        assert!(errors <= UNDELIVERED, "{errors} errors waited");
    }

    /// The link takes everything, and nobody is bound any more.
    fn end(&mut self) {
        while let Some(id) = self.ports.pop() {
            self.udp.unbind(id);
        }
        self.link.takes = 255;
        self.udp.resolved();
        let before = self.udp.stats().sent;
        self.udp.poll_transmit(&mut self.link);
        let sent = self.udp.stats().sent - before;
        assert!(sent as usize <= ALL_UNSENT + UNRESOLVED, "{sent} waited");
        assert!(self.udp.is_quiet());
    }
}

fn ready<T>(poll: Poll<Result<T, Error>>) -> Option<T> {
    match poll {
        Poll::Ready(Ok(value)) => Some(value),
        Poll::Ready(Err(error)) => panic!("{error:?}"),
        Poll::Pending => None,
    }
}

fn frame(pool: &Pool, how: u8, bytes: &[u8]) -> Option<Frame> {
    let meta = RxMeta {
        checksum: match how & 1 {
            0 => RxChecksum::Unknown,
            _ => RxChecksum::Valid,
        },
        gso_size: 0,
    };
    // A link keeps all headers in the first part.
    let cut = usize::from(how >> 1).max(HEADER_LEN).min(bytes.len());
    let (head, rest) = bytes.split_at(cut);
    let mut frame = Frame::new(Part::copy_from(pool, head)?, meta);
    if !rest.is_empty() {
        frame.push(Part::copy_from(pool, rest)?).ok()?;
    }
    Some(frame)
}

/// A datagram is what its bytes say, and is read again as it is written.
fn judge(pool: &Pool, datagram: &Datagram, bytes: &[u8]) {
    let payload: Vec<u8> = datagram
        .payload
        .parts()
        .flat_map(|part| part.to_vec())
        .collect();
    let len = usize::from(u16::from_be_bytes([bytes[4], bytes[5]]));
    assert_eq!(payload, bytes[HEADER_LEN..len]);
    let header = udp::header(datagram.source, datagram.destination, &payload);
    assert_eq!(header[..6], bytes[..6], "ports and length");
    assert_ne!(header[6..], [0; 2], "a checksum that says there is none");
    let written = [&header[..], &payload].concat();
    let again = frame(pool, 0, &written).map(|frame| Datagram::parse(&PACKET, frame));
    assert!(again.is_none_or(|again| again.is_ok()));
}
