//! Our own stack over a tap, with the kernel's at its other end, in real time.

use core::net::{Ipv4Addr, SocketAddr};
use core::sync::atomic::{AtomicU8, Ordering};
use std::fs::OpenOptions;
use std::io::Write as _;
use std::net::{TcpListener, UdpSocket};
use std::process::{Command, ExitCode, Stdio};
use std::rc::Rc;

use packet::{Pool, Secrets};
use parhelion::interface::configure;
use parhelion::reactor::Reactor;
use parhelion::sockets::{Limits, Sockets};
use runtime::{Driver, Network};
use stack::{Cidr, Config, Net};
use tap::{Options, Tap};

use super::machine::{self, Machine};
use crate::contract::Setting;

/// Says that a process is in a namespace of its own already.
const INSIDE: &str = "PARHELION_TEST_NAMESPACE";

/// Where taps can be made.
pub enum Ground {
    /// Here: this process is in a network namespace of its own.
    Here,
    /// In another process, which has run everything and ended so.
    Elsewhere(ExitCode),
    /// Nowhere on this machine.
    Nowhere,
}

/// Runs this program in a user and network namespace of its own, where that is allowed.
///
/// # Panics
/// When the namespace breaks down later.
#[must_use]
pub fn ground() -> Ground {
    if std::env::var_os(INSIDE).is_some() {
        configure("lo", None, None).expect("a namespace has lo");
        return Ground::Here;
    }
    let allowed = Command::new("unshare")
        .args(["-Urn", "test", "-w", "/dev/net/tun"])
        .stderr(Stdio::null())
        .status();
    if !allowed.is_ok_and(|status| status.success()) {
        skip();
        return Ground::Nowhere;
    }
    let program = std::env::current_exe().expect("this program has a path");
    let status = Command::new("unshare")
        .arg("-Urn")
        .arg(program)
        .args(std::env::args_os().skip(1))
        .env(INSIDE, "1")
        .status();
    let code = status.expect("unshare has run before").code();
    let code = code.and_then(|code| u8::try_from(code).ok());
    Ground::Elsewhere(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

/// Our stack listens, the kernel connects.
///
/// # Panics
/// When the namespace does not do what it should.
#[must_use]
pub fn ours() -> Setting {
    let wire = Wire::new();
    let server = Rc::new(wire.net.clone());
    let client = Rc::<Sockets>::clone(&wire.sockets);
    wire.setting((server.clone(), client), server, (wire.ours, 80))
}

/// The kernel listens, our stack connects.
///
/// # Panics
/// When the namespace does not do what it should.
#[must_use]
pub fn theirs() -> Setting {
    let wire = Wire::new();
    let server = Rc::<Sockets>::clone(&wire.sockets);
    // Not one of those that the kernel gives to whoever connects: a case may ask for it once more, on
    // every address.
    let port = 10_000 + u16::from(wire.theirs.octets()[2]);
    let listener = TcpListener::bind((wire.theirs, port)).expect("a port of the tap");
    let remote = listener.local_addr().expect("it is bound");
    server.provide(remote.port(), listener);
    let port = UdpSocket::bind(remote).expect("a port of the tap");
    server.provide_port(remote.port(), port);
    let client = Rc::new(wire.net.clone());
    wire.setting(
        (server.clone(), client),
        server,
        (wire.theirs, remote.port()),
    )
}

/// A tap with a stack at each end.
struct Wire {
    ours: Ipv4Addr,
    theirs: Ipv4Addr,
    net: Net,
    sockets: Rc<Sockets>,
    reactor: Rc<Reactor>,
    pool: Pool,
}

impl Wire {
    fn new() -> Self {
        // A network of its own for each.
        static NEXT: AtomicU8 = AtomicU8::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let (ours, theirs) = ([10, 9, number, 2].into(), [10, 9, number, 1].into());
        let pool = Pool::new(packet::Limits::for_memory(64 << 20));
        let name = format!("tap{number}");
        let options = Options {
            name: &name,
            mac: Some([2, 0, 0, 0, number, 2]),
            offload: true,
            multi_queue: false,
        };
        let tap = Tap::open(&options, pool.clone()).expect("a tap in a namespace of our own");
        // Not by a program: until it is started, it would hold the sockets of the cases beside.
        configure(&name, Cidr::new(theirs, 24), None).expect("a tap of our own");
        let reactor = Reactor::new().expect("a descriptor");
        reactor.watch(&tap).expect("a tap can be watched");
        let config = Config::new(Cidr::new(ours, 24).expect("a prefix of 24"));
        let secrets = Secrets::new([number; 32]);
        Self {
            ours,
            theirs,
            net: Net::new(Box::new(tap), pool.clone(), &secrets, &config),
            sockets: Sockets::new(&reactor, &pool, Limits::default()),
            reactor,
            pool,
        }
    }

    fn setting(
        &self,
        (server, client): (Rc<dyn Network>, Rc<dyn Network>),
        inspect: Rc<dyn runtime::Inspect>,
        (address, port): (Ipv4Addr, u16),
    ) -> Setting {
        let (storage, folder) = machine::files(&self.pool);
        let drivers: Vec<Rc<dyn Driver>> = vec![
            Rc::new(self.net.clone()),
            Rc::<Sockets>::clone(&self.sockets),
            storage.clone(),
        ];
        Setting {
            place: Box::new(Machine::new(&self.reactor)),
            drivers,
            server,
            inspect,
            client,
            remote: SocketAddr::from((address, port)),
            vacant: SocketAddr::from((address, 9)),
            // Linux's part, as for sockets, and ours.
            most_buffered: 48 << 20,
            console: machine::console(&self.reactor),
            storage,
            kept: Some(folder),
        }
    }
}

/// Says so, also to `cargo xtask test`, which counts what was left out.
fn skip() {
    let why = "the contract over a tap: no namespace or no /dev/net/tun here";
    println!("skipped: {why}");
    if let Some(path) = std::env::var_os("PARHELION_SKIPS") {
        let file = OpenOptions::new().append(true).create(true).open(path);
        writeln!(file.expect("the file of skips"), "{why}").expect("room for a line");
    }
}
