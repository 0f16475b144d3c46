//! A host with some connections, and all that may happen to it.

use core::net::Ipv4Addr;
use core::task::Poll;

use packet::{Duration, Instant, Pool, Secrets};
use tcp::{Blocked, Config, Flags, IcmpError, ListenerId, Outgoing, Output, State, Tcp};

use super::peer::Peer;
use super::user::User;
use crate::input::Input;

pub(super) const US: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
/// The port that is listened on.
pub(super) const PORT: u16 = 80;

pub(super) struct World<'a> {
    input: Input<'a>,
    pool: &'a Pool,
    config: Config,
    tcp: Tcp,
    now: Instant,
    pairs: Vec<Pair>,
    listener: Option<ListenerId>,
    /// Whether the users take what the listener has.
    accepts: bool,
    link: LinkState,
}

/// A peer, and the user of the connection with it.
struct Pair {
    peer: Peer,
    user: User,
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

/// Whether our side opens a connection, and whether the handshake is left to the input.
const ACTIVE: u8 = 1;
const HALF: u8 = 2;
/// Of the first connection's, for all.
const SMALL_BUFFERS: u8 = 4;
const NO_NAGLE: u8 = 8;

impl<'a> World<'a> {
    pub(super) fn new(pool: &'a Pool, input: Input<'a>, count: usize, config: Config) -> Self {
        let mut first = input;
        let how = first.byte();
        let mut config = Config {
            nagle: how & NO_NAGLE == 0,
            ..config
        };
        if how & SMALL_BUFFERS != 0 {
            config.send_buffer = 5000;
            config.receive_buffer = 4000;
        }
        let mut world = Self {
            input,
            pool,
            config,
            tcp: Tcp::new(config, pool.clone(), &Secrets::new([1; 32])),
            now: Instant::from_millis(1000),
            pairs: Vec::new(),
            listener: None,
            accepts: true,
            link: OPEN,
        };
        for number in 0..count {
            let how = world.input.byte();
            let peer = Peer::new(number, &mut world.input);
            let user = User::new(number);
            world.pairs.push(Pair { peer, user });
            world.open(number, how);
        }
        world
    }

    /// Lives through the input, and ends.
    pub(super) fn live(mut self) {
        while !self.input.is_empty() {
            self.act();
        }
        self.end();
        self.begin_anew();
    }

    /// The handshake, as an honest peer does it.
    fn open(&mut self, who: usize, how: u8) {
        // Two connections of one moment would have the same initial number (RFC 6528).
        self.now += Duration::from_micros(10);
        let Pair { peer, user } = &mut self.pairs[who];
        let is_active = how & ACTIVE != 0;
        if is_active {
            user.connect(&mut self.tcp, self.now, peer);
        } else {
            if self.listener.is_none() {
                self.listener = self.tcp.listen(PORT).ok();
            }
            self.deliver(who, Flags::SYN);
        }
        self.transmit();
        if how & HALF == 0 {
            self.deliver(who, Flags::ACK.with_if(is_active, Flags::SYN));
            self.settle();
        }
    }

    fn deliver(&mut self, who: usize, flags: Flags) {
        let peer = &mut self.pairs[who].peer;
        let segment = peer.plain(self.now, flags);
        if let Some((packet, frame)) = peer.frame(self.pool, &segment) {
            let _ = self.tcp.receive(self.now, &packet, frame);
        }
    }

    /// One thing happens, and as a rule all that follows from it.
    fn act(&mut self) {
        self.now += Duration::from_micros(10);
        let what = self.input.byte();
        let who = usize::from(what >> 5) % self.pairs.len();
        let Pair { peer, user } = &mut self.pairs[who];
        match what & 15 {
            0..=5 => self.segment(who),
            6 => {
                let millis = u64::from(self.input.word());
                self.pass(self.now + Duration::from_millis(millis));
            }
            7 => {
                if let Some(next) = self.tcp.poll_timeout() {
                    self.pass(next);
                }
            }
            8 => user.read(&mut self.tcp, peer, self.input.byte()),
            9 => user.write(&mut self.tcp, self.input.word()),
            10 => user.send(&mut self.tcp, self.input.word()),
            11 => user.finish(&mut self.tcp, self.now),
            12 => user.call(&mut self.tcp, self.now, self.input.byte()),
            13 => self.change_link(),
            14 => self.icmp(who),
            _ => self.hurdle(who),
        }
        // With bit 4 more happens before anything is sent.
        if what & 16 == 0 {
            self.settle();
        }
    }

    fn segment(&mut self, who: usize) {
        let peer = &mut self.pairs[who].peer;
        let segment = peer.segment(self.now, &mut self.input);
        if let Some((packet, frame)) = peer.frame(self.pool, &segment) {
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

    fn icmp(&mut self, who: usize) {
        let what = self.input.byte();
        let error = match what & 1 {
            0 => IcmpError::Refused,
            _ => IcmpError::Unreachable,
        };
        let peer = &self.pairs[who].peer;
        let hosts = (US, *peer.address.ip());
        self.tcp
            .icmp_error(self.now, hosts, &peer.quoted(what), error);
    }

    /// What seldom happens.
    fn hurdle(&mut self, who: usize) {
        let peer = &mut self.pairs[who].peer;
        let what = self.input.byte();
        if what >= 192 {
            return self.beginning(who, what);
        }
        match what % 4 {
            0 => self.tcp.unreachable(self.now, *peer.address.ip()),
            1 => self.tcp.set_link(1500, 65_000, 17),
            2 => self.tcp.set_link(576, 0, 1),
            _ => peer.forget_what_was_sent(),
        }
    }

    fn beginning(&mut self, who: usize, what: u8) {
        match what % 4 {
            0 => self.accepts = !self.accepts,
            1 => match self.listener.take() {
                Some(listener) => self.tcp.unlisten(self.now, listener),
                None => self.listener = self.tcp.listen(PORT).ok(),
            },
            _ => self.again(who, what >> 1),
        }
    }

    /// Once a connection is over there may be another between the same ports.
    fn again(&mut self, who: usize, how: u8) {
        let Pair { peer, user } = &mut self.pairs[who];
        let mut all = self.tcp.connections();
        let lives =
            all.any(|(_, remote, info)| remote == peer.address && info.state != State::Closed);
        drop(all);
        // What the old one has to say yet would be taken for the new one's.
        if lives || self.tcp.has_output() {
            return;
        }
        user.release(&mut self.tcp, self.now);
        *user = User::new(who);
        peer.begin_again();
        self.open(who, how);
    }

    /// What follows: users are told, and what may be sent is sent.
    fn settle(&mut self) {
        let mut events = 0;
        while self.tcp.poll_event().is_some() {
            events += 1;
        }
        // Each of them once.
        assert!(events <= self.pairs.len() * 2 + 1, "{events} events");
        assert!(self.tcp.connection_count() <= self.config.connections);
        self.accept();
        self.transmit();
        self.tcp.handle_timeout(self.now);
        let next = self.tcp.poll_timeout();
        let is_stuck = next.is_some_and(|next| next <= self.now);
        assert!(!is_stuck || self.link.room == 0, "time stands still");
        for pair in &self.pairs {
            pair.user.look(&mut self.tcp);
        }
    }

    /// Every user takes one connection; another between the same ports is sent away.
    fn accept(&mut self) {
        let Some(listener) = self.listener.filter(|_| self.accepts) else {
            return;
        };
        let mut count = 0;
        while self.pairs.iter().any(|pair| !pair.user.has_connection()) {
            let Poll::Ready(Ok((connection, remote))) = self.tcp.accept(listener) else {
                return;
            };
            let mut pairs = self.pairs.iter_mut();
            match pairs.find(|pair| pair.peer.address == remote) {
                Some(Pair { peer, user }) if !user.has_connection() => {
                    user.take(connection, peer);
                }
                _ => self.tcp.release(self.now, connection),
            }
            count += 1;
            assert!(count <= self.config.backlog, "more than may wait");
        }
    }

    fn transmit(&mut self) {
        for pair in &mut self.pairs {
            pair.user.notice(&mut self.tcp);
        }
        let mut wire = Wire {
            pairs: &mut self.pairs,
            link: &mut self.link,
        };
        self.tcp.poll_transmit(self.now, &mut wire);
        assert!(
            !self.tcp.has_output() || self.link.room == 0,
            "something is left to send"
        );
    }

    /// The users let go, and the peers are heard no more.
    fn end(&mut self) {
        self.link = OPEN;
        self.tcp.resolved();
        if let Some(listener) = self.listener.take() {
            self.tcp.unlisten(self.now, listener);
        }
        for pair in &mut self.pairs {
            pair.user.release(&mut self.tcp, self.now);
            pair.peer.heard = 0;
        }
        for _ in 0..200 * self.pairs.len() {
            self.settle();
            let Some(next) = self.tcp.poll_timeout() else {
                assert_eq!(self.tcp.connection_count(), 0, "connections are left");
                assert!(self.tcp.is_quiet());
                return;
            };
            self.pass(next);
            for Pair { peer, user } in &self.pairs {
                // What waited for the link may be much, in segments of 48 bytes at least.
                let most = 2000 + user.written as usize / 48;
                assert!(
                    peer.heard < most,
                    "{} segments to a silent peer",
                    peer.heard
                );
            }
        }
        panic!("the connections never end");
    }

    /// Nothing that was can be in the way of a new connection of each.
    fn begin_anew(&mut self) {
        self.accepts = true;
        for who in 0..self.pairs.len() {
            self.pairs[who].peer.begin_again();
            self.pairs[who].user = User::new(who);
            self.open(who, who as u8 & ACTIVE);
            let user = &mut self.pairs[who].user;
            assert!(
                user.is_established(&mut self.tcp),
                "not even one connection"
            );
            user.release(&mut self.tcp, self.now);
            self.deliver(who, Flags::RST);
            self.settle();
        }
    }
}

/// The peers hear what we send, as far as the link takes it.
struct Wire<'a> {
    pairs: &'a mut [Pair],
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
        let mut pairs = self.pairs.iter_mut();
        let pair = pairs.find(|pair| pair.peer.is_meant_by(&segment));
        let Some(Pair { peer, user }) = pair else {
            panic!("a segment to a stranger");
        };
        peer.hear(&segment, user);
        Ok(())
    }
}
