//! A whole host that serves a site and echoes datagrams, and frames for it.

mod wire;

use core::net::Ipv4Addr;
use std::rc::Rc;

use http::{Limits as HttpLimits, Server};
use packet::{Duration, Instant, Limits, Pool, RxChecksum, Secrets};
use runtime::{Datagrams, Driver, Executor, Listener, Network};
use stack::{Cidr, Config, Net};

use crate::handler::{Site, World};
use crate::input::Input;
use crate::ipv4::{repair_header, repair_message};
use crate::pool::lend;
use wire::{ScriptedLink, Wire};

/// Who is fuzzed, and its peer.
pub(crate) const HOST: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
pub(crate) const HOST_MAC: [u8; 6] = [2, 0, 0, 0, 0, 2];
pub(crate) const PORT: u16 = 80;
pub(crate) const ECHO_PORT: u16 = 7;

/// Brings frames and time to a host that serves HTTP. What it sends must be well formed, its
/// deadlines must lie ahead, and once the application has ended and nobody is heard any more, it must
/// fall silent with all memory back.
pub fn network(bytes: &[u8]) {
    run(bytes, &mut |_| ());
}

/// As [`network`]; `heard` gets every frame that the host sends.
pub(crate) fn run(bytes: &[u8], heard: &mut dyn FnMut(&[u8])) {
    thread_local! {
        static POOL: Pool = Pool::new(Limits {
            cells: 96,
            pages: 64,
            bays: 8,
        });
    }
    lend(&POOL, |pool| {
        let mut host = Host::new(pool, heard);
        host.play(Input::new(bytes));
        host.end();
    });
}

struct Host<'a> {
    net: Net,
    wire: Wire,
    world: World,
    executor: Executor,
    now: Instant,
    heard: &'a mut dyn FnMut(&[u8]),
}

/// What a record of the input begins with: a frame with these repairs, or something else.
const REPAIR_IP: u8 = 1;
const REPAIR_ICMP: u8 = 2;
const VERIFIED: u8 = 4;
const BLANK: u8 = 8;
/// Nothing is done yet: more comes in the same burst.
const MORE: u8 = 16;
const OTHER: u8 = 128;

/// Frames that may be sent for one frame that came: a window of segments and some replies.
const MOST_SENT: usize = 200;

impl<'a> Host<'a> {
    fn new(pool: &Pool, heard: &'a mut dyn FnMut(&[u8])) -> Self {
        let wire = Wire::default();
        let Some(network) = Cidr::new(HOST, 24) else {
            unreachable!("24 bits are a network")
        };
        let mut config = Config::new(network);
        config.gateway = Some(Ipv4Addr::new(10, 0, 0, 1));
        config.neighbours = 4;
        config.reassemblies = 2;
        config.tcp.connections = 4;
        config.tcp.half_open = 4;
        config.tcp.backlog = 2;
        config.tcp.time_wait = 2;
        let link = ScriptedLink::new(HOST_MAC, pool.clone(), wire.clone());
        let net = Net::new(
            Box::new(link),
            pool.clone(),
            &Secrets::new([1; 32]),
            &config,
        );
        let mut host = Self {
            net,
            wire,
            world: World::default(),
            executor: Executor::new(8),
            now: Instant::from_millis(1000),
            heard,
        };
        host.serve();
        host.echo();
        host.turn();
        host
    }

    fn serve(&self) {
        let net: Rc<dyn Network> = Rc::new(self.net.clone());
        let server = Rc::new(Server::new(HttpLimits::default(), self.world.clone()));
        let executor = self.executor.clone();
        let accepting = async move {
            let Ok(mut listener) = Listener::bind(&net, PORT) else {
                return;
            };
            while let Ok((flow, _)) = listener.accept().await {
                let server = Rc::clone(&server);
                // No room for a task: the connection is closed.
                let _ = executor.spawn(async move { server.serve(flow, &Site).await });
            }
        };
        assert!(self.executor.spawn(accepting).is_ok(), "the first task");
    }

    fn echo(&self) {
        let net: Rc<dyn Network> = Rc::new(self.net.clone());
        let echoing = async move {
            let Ok(port) = Datagrams::bind(&net, ECHO_PORT) else {
                return;
            };
            while let Ok((payload, from)) = port.receive_from().await {
                // No way, no room: it is lost.
                let _ = port.send_to(&payload, from).await;
            }
        };
        assert!(self.executor.spawn(echoing).is_ok(), "the second task");
    }

    fn play(&mut self, mut input: Input<'_>) {
        while !input.is_empty() {
            let what = input.byte();
            if what & OTHER != 0 {
                self.act(what, input.byte());
                continue;
            }
            let len = usize::from(input.word());
            let mut frame = input.take(len).to_vec();
            if let Some(packet) = frame.get_mut(ethernet::HEADER_LEN..) {
                if what & REPAIR_IP != 0 {
                    repair_header(packet);
                }
                if what & REPAIR_ICMP != 0 {
                    repair_message(packet);
                }
            }
            let checksum = match what & (VERIFIED | BLANK) {
                0 => RxChecksum::Unknown,
                VERIFIED => RxChecksum::Valid,
                _ => RxChecksum::Blank,
            };
            self.wire.bring(frame, checksum);
            if what & MORE == 0 {
                self.turn();
            }
        }
        self.turn();
    }

    fn act(&mut self, what: u8, how: u8) {
        match what & 7 {
            0..=3 => self.pass(self.now + Duration::from_millis(1 << (how % 18))),
            4 => self.wire.set_room(usize::from(how)),
            5 => self.wire.set_room(usize::MAX),
            6 => self.wire.unplug(),
            _ => self.wire.plug(how.into()),
        }
    }

    /// Time goes on, with everything that happens meanwhile.
    fn pass(&mut self, until: Instant) {
        for _ in 0..300 {
            let next = self.next().filter(|next| *next < until);
            self.now = next.unwrap_or(until);
            self.turn();
            if next.is_none() {
                return;
            }
        }
    }

    fn next(&self) -> Option<Instant> {
        let next = self.net.next_event();
        next.into_iter().chain(self.executor.next_deadline()).min()
    }

    /// What the run loop does, until there is nothing more to do now.
    fn turn(&mut self) {
        self.world.now.set(self.now);
        loop {
            self.executor.clock().set(self.now, Duration::ZERO);
            let happened = self.net.receive(self.now);
            self.executor.expire(self.now);
            self.executor.run_ready(64);
            self.net.transmit(self.now);
            let sent = self.wire.sent();
            assert!(sent.len() <= MOST_SENT, "{} frames at once", sent.len());
            for frame in sent {
                wire::judge(&frame);
                (self.heard)(&frame);
            }
            if !happened && !self.executor.is_ready() {
                break;
            }
        }
        let next = self.next();
        assert!(next.is_none_or(|next| next > self.now), "time stands still");
    }

    /// The application ends, and nobody is heard any more.
    fn end(&mut self) {
        self.wire.plug(1000);
        self.wire.set_room(usize::MAX);
        self.executor.clear();
        for _ in 0..500 {
            self.turn();
            let Some(next) = self.next() else {
                assert!(self.net.is_quiet());
                return;
            };
            self.now = next;
        }
        panic!("the host never rests");
    }
}
