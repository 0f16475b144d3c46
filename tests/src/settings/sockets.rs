//! The kernel's sockets over loopback, in real time.

use core::net::{Ipv4Addr, SocketAddr};
use core::sync::atomic::{AtomicU8, Ordering};
use std::net::{TcpListener, UdpSocket};
use std::rc::Rc;

use packet::Pool;
use parhelion::reactor::Reactor;
use parhelion::sockets::{Limits, Sockets};
use runtime::{Driver, Network};

use super::machine::{self, Machine};
use crate::contract::Setting;

/// Two hosts that are both this machine.
///
/// # Panics
/// When the machine has no loopback interface or no room for a socket.
#[must_use]
pub fn setting() -> Setting {
    // An address of its own for each, so that no two of them can meet at a port.
    static NEXT: AtomicU8 = AtomicU8::new(1);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let address = Ipv4Addr::new(127, 0, 1, number);
    let reactor = Reactor::new().expect("a descriptor");
    let pool = Pool::new(packet::Limits::for_memory(64 << 20));
    let sockets = Sockets::new(&reactor, &pool, Limits::default());
    // Not one of those that the kernel gives to whoever connects, unless somebody has it: a case may ask
    // for it once more, on every address.
    let listener = TcpListener::bind((address, 20_000 + u16::from(number)))
        .or_else(|_| TcpListener::bind((address, 0)))
        .expect("a port of the loopback interface");
    let remote = listener.local_addr().expect("it is bound");
    sockets.provide(remote.port(), listener);
    // TCP's ports and UDP's are not the same, and nobody else has this address.
    let port = UdpSocket::bind(remote).expect("a port of the loopback interface");
    sockets.provide_port(remote.port(), port);
    let net: Rc<dyn Network> = sockets.clone();
    let driver: Rc<dyn Driver> = sockets.clone();
    let (storage, folder) = machine::files(&pool);
    Setting {
        place: Box::new(Machine::new(&reactor)),
        drivers: vec![driver, storage.clone()],
        server: Rc::clone(&net),
        inspect: sockets,
        client: net,
        remote,
        // The kernel picks ports from 32768 up (ip_local_port_range), so nobody is here by chance.
        vacant: SocketAddr::from((address, 9)),
        // Linux lets a socket grow to 4 MiB for sending and to 32 MiB for receiving (tcp_wmem,
        // tcp_rmem).
        most_buffered: 48 << 20,
        console: machine::console(&reactor),
        storage,
        kept: Some(folder),
    }
}
