//! One live connection: segments near its window, time, and its user's calls, in any order.

mod peer;
mod user;

use core::cell::OnceCell;
use core::net::{Ipv4Addr, SocketAddrV4};

use packet::{Class, Duration, Instant, Limits, Pool, Secrets};
use tcp::{Blocked, Config, Flags, IcmpError, Outgoing, Output, Tcp};

use crate::input::Input;
use peer::Peer;
use user::User;

const US: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
const PEER: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 1), 40_000);

/// Drives one connection, opened by either side, and lets it end.
///
/// What must hold: both streams consist of the bytes that were written, nothing is sent beyond what
/// was written or the peer's window allowed, what we acknowledge and the window we offer never go
/// back, deadlines lie ahead, and once the user has let go and the peer has fallen silent, so do we,
/// and all memory is back.
pub fn connection(bytes: &[u8]) {
    thread_local! {
        static POOL: OnceCell<Pool> = const { OnceCell::new() };
    }
    POOL.with(|pool| {
        // Small, so that it runs out at times.
        let limits = Limits {
            cells: 64,
            pages: 48,
            bays: 4,
        };
        let pool = pool.get_or_init(|| Pool::new(limits));
        let mut world = World::new(pool, Input::new(bytes));
        world.open();
        while !world.input.is_empty() {
            world.act();
        }
        world.end();
        for class in Class::ALL {
            assert_eq!(pool.usage(class).held, 0, "{class:?} are lost");
        }
    });
}

struct World<'a> {
    input: Input<'a>,
    pool: &'a Pool,
    tcp: Tcp,
    now: Instant,
    peer: Peer,
    user: User,
    link: LinkState,
}

/// What the link does with the next segments.
struct LinkState {
    /// How many it takes.
    room: usize,
    /// What it says to the others.
    then: Blocked,
}

const OPEN: LinkState = LinkState {
    room: usize::MAX,
    then: Blocked::Full,
};

/// Whether our side opens the connection, and whether the handshake is left to the input.
const ACTIVE: u8 = 1;
const HALF: u8 = 2;
const SMALL_BUFFERS: u8 = 4;
const NO_NAGLE: u8 = 8;

impl<'a> World<'a> {
    fn new(pool: &'a Pool, mut input: Input<'a>) -> Self {
        let how = input.byte();
        let peer = Peer::new(&mut input);
        let mut config = Config {
            nagle: how & NO_NAGLE == 0,
            backlog: 2,
            ..Config::default()
        };
        if how & SMALL_BUFFERS != 0 {
            config.send_buffer = 5000;
            config.receive_buffer = 4000;
        }
        let mut tcp = Tcp::new(config, pool.clone(), &Secrets::new([1; 32]));
        let now = Instant::from_millis(1000);
        let user = if how & ACTIVE == 0 {
            User::listening(&mut tcp, how & HALF != 0)
        } else {
            User::connecting(&mut tcp, now, how & HALF != 0)
        };
        Self {
            input,
            pool,
            tcp,
            now,
            peer,
            user,
            link: OPEN,
        }
    }

    /// The handshake, as an honest peer does it.
    fn open(&mut self) {
        let is_active = self.user.is_connecting();
        if !is_active {
            self.deliver(Flags::SYN);
        }
        self.transmit();
        if self.user.leaves_handshake_to_input {
            return;
        }
        self.deliver(Flags::ACK.with_if(is_active, Flags::SYN));
        self.settle();
    }

    fn deliver(&mut self, flags: Flags) {
        let segment = self.peer.plain(self.now, flags);
        if let Some((packet, frame)) = self.peer.frame(self.pool, &segment) {
            let _ = self.tcp.receive(self.now, &packet, frame);
        }
    }

    /// One thing happens, and as a rule all that follows from it.
    fn act(&mut self) {
        // Two connections of one moment would have the same initial number (RFC 6528).
        self.now += Duration::from_micros(10);
        let what = self.input.byte();
        match what & 15 {
            0..=5 => self.segment(),
            6 => {
                let millis = u64::from(self.input.word());
                self.pass(self.now + Duration::from_millis(millis));
            }
            7 => {
                if let Some(next) = self.tcp.poll_timeout() {
                    self.pass(next);
                }
            }
            8 => self.user.read(&mut self.tcp, &self.peer, self.input.byte()),
            9 => self.user.write(&mut self.tcp, self.input.word()),
            10 => self.user.send(&mut self.tcp, self.input.word()),
            11 => self.user.finish(&mut self.tcp, self.now),
            12 => self.user.call(&mut self.tcp, self.now, self.input.byte()),
            13 => self.change_link(),
            14 => self.icmp(),
            _ => self.hurdle(),
        }
        // With bit 4 more happens before anything is sent.
        if what & 16 == 0 {
            self.settle();
        }
    }

    fn segment(&mut self) {
        let segment = self.peer.segment(self.now, &mut self.input);
        if let Some((packet, frame)) = self.peer.frame(self.pool, &segment) {
            let _ = self.tcp.receive(self.now, &packet, frame);
        }
    }

    fn pass(&mut self, now: Instant) {
        self.now = self.now.max(now);
        self.tcp.handle_timeout(self.now);
    }

    fn change_link(&mut self) {
        let what = self.input.byte();
        self.link = LinkState {
            room: usize::from(what >> 2),
            then: match what & 3 {
                0 => Blocked::Full,
                1 => Blocked::Unresolved,
                2 => Blocked::Unreachable,
                _ => {
                    self.link = OPEN;
                    return self.tcp.resolved();
                }
            },
        };
    }

    fn icmp(&mut self) {
        let what = self.input.byte();
        let error = match what & 1 {
            0 => IcmpError::Refused,
            _ => IcmpError::Unreachable,
        };
        let quoted = self.peer.quoted(what);
        let hosts = (US, *PEER.ip());
        self.tcp.icmp_error(self.now, hosts, &quoted, error);
    }

    /// What seldom happens.
    fn hurdle(&mut self) {
        match self.input.byte() % 4 {
            0 => self.tcp.unreachable(self.now, *PEER.ip()),
            1 => self.tcp.set_link(1500, 65_000, 17),
            2 => self.tcp.set_link(576, 0, 1),
            _ => self.peer.forget_what_was_sent(),
        }
    }

    /// What follows: users are told, and what may be sent is sent.
    fn settle(&mut self) {
        while self.tcp.poll_event().is_some() {}
        self.user.accept(&mut self.tcp, &self.peer);
        self.transmit();
        self.tcp.handle_timeout(self.now);
        let next = self.tcp.poll_timeout();
        let is_stuck = next.is_some_and(|next| next <= self.now);
        assert!(!is_stuck || self.link.room == 0, "time stands still");
        self.user.look(&mut self.tcp);
    }

    fn transmit(&mut self) {
        self.user.notice(&mut self.tcp);
        let mut wire = Wire {
            peer: &mut self.peer,
            user: &self.user,
            link: &mut self.link,
        };
        self.tcp.poll_transmit(self.now, &mut wire);
        assert!(
            !self.tcp.has_output() || self.link.room == 0,
            "something is left to send"
        );
    }

    /// The user lets go, and the peer is heard no more.
    fn end(&mut self) {
        self.link = OPEN;
        self.tcp.resolved();
        self.user.release(&mut self.tcp, self.now);
        let before = self.peer.heard;
        for _ in 0..200 {
            self.settle();
            let Some(next) = self.tcp.poll_timeout() else {
                assert_eq!(self.tcp.connection_count(), 0, "connections are left");
                assert!(self.tcp.is_quiet());
                return;
            };
            self.pass(next);
            let heard = self.peer.heard - before;
            assert!(heard < 2000, "{heard} segments to a silent peer");
        }
        panic!("the connection never ends");
    }
}

/// The peer hears what we send, as far as the link takes it.
struct Wire<'a> {
    peer: &'a mut Peer,
    user: &'a User,
    link: &'a mut LinkState,
}

impl Output for Wire<'_> {
    fn transmit(&mut self, segment: Outgoing<'_>) -> Result<(), Blocked> {
        if self.link.room == 0 {
            return Err(self.link.then);
        }
        if self.link.room < usize::MAX {
            self.link.room -= 1;
        }
        self.peer.hear(&segment, self.user);
        Ok(())
    }
}
