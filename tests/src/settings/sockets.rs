//! The kernel's sockets over loopback, in real time.

use core::net::{Ipv4Addr, SocketAddr};
use core::sync::atomic::{AtomicU8, Ordering};
use core::time::Duration;
use std::net::{TcpListener, UdpSocket};
use std::rc::Rc;
use std::time::{SystemTime, UNIX_EPOCH};

use packet::{Instant, Pool};
use parhelion::reactor::Reactor;
use parhelion::sockets::{Limits, Sockets};
use runtime::{Driver, Network, Place};

use crate::contract::Setting;

/// Two hosts that are both this machine.
///
/// # Panics
/// When the machine has no loopback interface or no room for a socket.
#[must_use]
pub fn setting() -> Setting {
    // An address of its own for each, so that no two of them can meet at a port.
    static NEXT: AtomicU8 = AtomicU8::new(1);
    let address = Ipv4Addr::new(127, 0, 1, NEXT.fetch_add(1, Ordering::Relaxed));
    let reactor = Reactor::new().expect("a descriptor");
    let pool = Pool::new(packet::Limits::for_memory(64 << 20));
    let sockets = Sockets::new(&reactor, &pool, Limits::default());
    let listener = TcpListener::bind((address, 0)).expect("a port of the loopback interface");
    let remote = listener.local_addr().expect("it is bound");
    sockets.provide(remote.port(), listener);
    // TCP's ports and UDP's are not the same, and nobody else has this address.
    let port = UdpSocket::bind(remote).expect("a port of the loopback interface");
    sockets.provide_port(remote.port(), port);
    let net: Rc<dyn Network> = sockets.clone();
    let driver: Rc<dyn Driver> = sockets.clone();
    Setting {
        place: Box::new(Machine {
            start: std::time::Instant::now(),
            reactor,
        }),
        drivers: vec![driver],
        server: Rc::clone(&net),
        inspect: sockets,
        client: net,
        remote,
        // The kernel picks ports from 32768 up (ip_local_port_range), so nobody is here by chance.
        vacant: SocketAddr::from((address, 9)),
        // Linux lets a socket grow to 4 MiB for sending and to 32 MiB for receiving (tcp_wmem,
        // tcp_rmem).
        most_buffered: 48 << 20,
    }
}

struct Machine {
    start: std::time::Instant,
    reactor: Rc<Reactor>,
}

impl Place for Machine {
    fn now(&self) -> Instant {
        Instant::from_nanos(self.start.elapsed().as_nanos() as u64)
    }

    fn unix_time(&self) -> Duration {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
    }

    fn wait(&mut self, until: Option<Instant>) {
        let timeout = until.map(|until| until.since(self.now()));
        self.reactor.wait(timeout).expect("a reactor that works");
    }
}
