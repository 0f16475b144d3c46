//! How clients reach the application: what lies between them and it.

use core::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::io;
use std::net::TcpListener;
use std::rc::Rc;

use packet::Pool;
use runtime::{Inspect, Network};
use stack::{Cidr, Tenant};

use crate::cli::{LinkChoice, Serving};
use crate::clients::Clients;
use crate::failure::{Failure, reason};
use crate::links;
use crate::machine::{self, Machine};
use crate::namespace;
use crate::relay::Relay;
use crate::sockets::Sockets;

/// A network for the application, and how clients get there.
pub(crate) struct Arrangement {
    /// Where the application listens, on this port.
    pub(crate) net: Rc<dyn Network>,
    pub(crate) port: u16,
    /// What it shows of its inside.
    pub(crate) inspect: Rc<dyn Inspect>,
    /// Our stack, where it is ours.
    pub(crate) stack: Option<stack::Net>,
    /// Who connects through the relay.
    pub(crate) clients: Rc<Clients>,
    pub(crate) relay: Option<Relay>,
    /// Where it is reached, if that is known before a server has lent an address.
    url: Option<String>,
    /// What carries the application, in a few words.
    pub(crate) place: String,
    /// What a request passes on its way, in order.
    pub(crate) way: Vec<String>,
    /// What was refused, and how to get it.
    pub(crate) notice: Option<String>,
}

impl Arrangement {
    /// Where it is reached, once an address was lent if one is to be.
    pub(crate) fn url(&self, lent: Option<Ipv4Addr>) -> String {
        let lent = || url((lent.unwrap_or(Ipv4Addr::UNSPECIFIED), self.port).into());
        self.url.clone().unwrap_or_else(lent)
    }

    /// Our stack as one whose address is lent, if it is.
    pub(crate) fn tenant(&self) -> Option<Tenant> {
        let stack = self.stack.as_ref().filter(|_| self.url.is_none())?;
        Some(Tenant::new(stack, self.way.first()?))
    }
}

/// Where the machine offers what our stack serves, unless told otherwise.
const PUBLISHED: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 8080));

/// The tap's name in a namespace of our own, where nobody else names anything.
const TAP: &str = "parhelion0";

/// Arranges what the command line asks for. Must be called while the process has one thread.
pub(crate) fn arrange(
    machine: &mut Machine,
    options: &Serving,
    pool: &Pool,
) -> Result<Arrangement, Failure> {
    match &options.link.link {
        None => in_own_namespace(machine, options, pool),
        Some(LinkChoice::Tap(name)) => on_named_tap(machine, options, pool, name),
        Some(LinkChoice::Memory) => {
            let listener = bind(options.publish.unwrap_or(PUBLISHED))?;
            in_memory(machine, options, pool, listener)
        }
        Some(LinkChoice::Sockets) => on_sockets(machine, options, pool),
    }
}

/// Who gets which part of the memory for buffers.
pub(crate) struct Shares {
    pub(crate) server: usize,
    pub(crate) relay: usize,
}

/// Halves where there is a relay: what it holds must not keep the server from making progress.
pub(crate) fn memory(options: &Serving) -> Shares {
    let all = options.memory().bytes;
    let has_relay = match options.link.link {
        None | Some(LinkChoice::Memory) => true,
        Some(LinkChoice::Tap(_)) => options.publish.is_some(),
        Some(LinkChoice::Sockets) => false,
    };
    let relay = if has_relay { all / 2 } else { 0 };
    Shares {
        server: all - relay,
        relay,
    }
}

/// A tap in a namespace of our own, where that is allowed; our own client stack elsewhere.
fn in_own_namespace(
    machine: &mut Machine,
    options: &Serving,
    pool: &Pool,
) -> Result<Arrangement, Failure> {
    // In the outer network, so before it is left.
    let listener = bind(options.publish.unwrap_or(PUBLISHED))?;
    let host = host_address(options)?;
    let entered = namespace::enter().map_err(|error| {
        let why = match error.raw_os_error() {
            Some(libc::ENOSPC | libc::EUSERS) => "the limit is reached".to_owned(),
            _ => reason(&error),
        };
        let what = format!("no network namespace of our own: {why}");
        no_tap(&what, namespace::advice(&error))
    });
    let mut link = options.link.clone();
    link.host_address = Some(host);
    let opened = entered.and_then(|()| {
        links::over_tap(machine, TAP, &link, pool, connections(options))
            .map_err(|failure| no_tap(failure.line(), ALLOW_TAPS))
    });
    let stack = match opened {
        Ok(stack) => stack,
        Err(refused) => {
            let mut arrangement = in_memory(machine, options, pool, listener)?;
            arrangement.notice = Some(refused);
            return Ok(arrangement);
        }
    };
    let mut arrangement = ours(
        options,
        stack,
        format!("tap {TAP} in a namespace of its own"),
    );
    publish(machine, &mut arrangement, options, listener)?;
    Ok(arrangement)
}

const ALLOW_TAPS: &str = "give it /dev/net/tun (docker run --device /dev/net/tun)";

fn no_tap(why: &str, advice: &str) -> String {
    format!("{why}; frames stay in memory; to have a tap, {advice}")
}

/// Our server's stack joined in memory to a client stack of ours, which the relay uses.
fn in_memory(
    machine: &mut Machine,
    options: &Serving,
    pool: &Pool,
    listener: TcpListener,
) -> Result<Arrangement, Failure> {
    let ours_and_host = (options.link.address.fixed()?, host_address(options)?);
    let client_pool = machine::pool(memory(options).relay);
    let limit = connections(options);
    let (server, client) = links::in_memory(
        machine,
        &options.link,
        ours_and_host,
        (pool, &client_pool),
        limit,
    );
    let mut arrangement = ours(options, server, "frames in memory".to_owned());
    let sockets = machine.sockets(&client_pool, limit);
    arrangement.way.insert(0, "our own client stack".to_owned());
    relay(
        &mut arrangement,
        options,
        &sockets,
        listener,
        Rc::new(client),
    )?;
    Ok(arrangement)
}

fn on_named_tap(
    machine: &mut Machine,
    options: &Serving,
    pool: &Pool,
    name: &str,
) -> Result<Arrangement, Failure> {
    if options.publish.is_some() {
        options.link.address.fixed()?; // The relay must know whom to connect to.
    }
    let stack = links::over_tap(machine, name, &options.link, pool, connections(options))?;
    let mut arrangement = ours(options, stack, format!("tap {name}"));
    if let Some(at) = options.publish {
        publish(machine, &mut arrangement, options, bind(at)?)?;
    }
    Ok(arrangement)
}

fn on_sockets(
    machine: &mut Machine,
    options: &Serving,
    pool: &Pool,
) -> Result<Arrangement, Failure> {
    let sockets = machine.sockets(pool, connections(options));
    // Whoever names a port and nothing else means it on every address.
    let (port, at) = match (options.publish, options.port) {
        (None, Some(port)) => (port, None),
        (at, _) => {
            let at = at.unwrap_or(PUBLISHED);
            (at.port(), Some(at))
        }
    };
    if let Some(at) = at {
        sockets.provide(port, bind(at)?);
    }
    let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    Ok(Arrangement {
        net: Rc::<Sockets>::clone(&sockets),
        port,
        inspect: sockets,
        stack: None,
        clients: Rc::default(),
        relay: None,
        url: Some(url(at.unwrap_or(anywhere))),
        place: "the kernel's sockets".to_owned(),
        way: vec!["this machine's TCP/IP".to_owned()],
        notice: None,
    })
}

/// What is the same wherever our stack serves, before anything is published.
fn ours(options: &Serving, stack: stack::Net, link: String) -> Arrangement {
    let port = options.port.unwrap_or(80);
    let address = options.link.address.known().map(|ours| ours.address());
    let way = match address {
        Some(address) => format!("our own TCP/IP at {address}"),
        None => "our own TCP/IP".to_owned(),
    };
    Arrangement {
        net: Rc::new(stack.clone()),
        port,
        inspect: Rc::new(stack.clone()),
        stack: Some(stack),
        clients: Rc::default(),
        relay: None,
        url: address.map(|address| url((address, port).into())),
        place: format!("Parhelion's own TCP/IP over {link}"),
        way: vec![link, way],
        notice: None,
    }
}

/// Lets the machine's clients in, over the kernel's end of the tap.
fn publish(
    machine: &mut Machine,
    arrangement: &mut Arrangement,
    options: &Serving,
    listener: TcpListener,
) -> Result<(), Failure> {
    let pool = machine::pool(memory(options).relay);
    let sockets = machine.sockets(&pool, 2 * connections(options));
    let inner = Rc::<Sockets>::clone(&sockets);
    relay(arrangement, options, &sockets, listener, inner)
}

fn relay(
    arrangement: &mut Arrangement,
    options: &Serving,
    sockets: &Rc<Sockets>,
    listener: TcpListener,
    inner: Rc<dyn Network>,
) -> Result<(), Failure> {
    let ours = options.link.address.fixed()?;
    let refused = |why: String| Failure::refused(format!("cannot publish: {why}"));
    let at = listener
        .local_addr()
        .map_err(|error| refused(reason(&error)))?;
    sockets.provide(at.port(), listener);
    let listener = sockets
        .listen(at.port())
        .map_err(|error| refused(error.to_string()))?;
    arrangement.relay = Some(Relay {
        outer: Rc::<Sockets>::clone(sockets),
        listener,
        inner,
        server: SocketAddr::from((ours.address(), arrangement.port)),
        clients: Rc::clone(&arrangement.clients),
    });
    arrangement.url = Some(url(at));
    arrangement.way.insert(0, "a relay".to_owned());
    arrangement
        .way
        .insert(0, "this machine's TCP/IP".to_owned());
    Ok(())
}

fn bind(at: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(at).map_err(|error| {
        let advice = match error.kind() {
            io::ErrorKind::AddrInUse => "is in use",
            io::ErrorKind::AddrNotAvailable => "is no address of this machine",
            io::ErrorKind::PermissionDenied => "needs root",
            _ => return Failure::refused(format!("cannot listen on {at}: {}", reason(&error))),
        };
        Failure::refused(format!(
            "{at} {advice}: choose another with --publish ADDR:PORT"
        ))
    })
}

/// The address at the other end of the link: as told, or the first that is not ours.
fn host_address(options: &Serving) -> Result<Cidr, Failure> {
    let ours = options.link.address.fixed()?;
    let host_bits = 32 - u32::from(ours.prefix_len());
    let network = ours.address().to_bits() >> host_bits << host_bits;
    let first = Ipv4Addr::from_bits(network + 1);
    let other = match first == ours.address() {
        true => Ipv4Addr::from_bits(network + 2),
        false => first,
    };
    let default = Cidr::new(other, ours.prefix_len()).unwrap_or(ours);
    Ok(options.link.host_address.unwrap_or(default))
}

fn connections(options: &Serving) -> usize {
    options.max_connections as usize
}

/// What to type into a browser.
fn url(at: SocketAddr) -> String {
    let host = match at.ip() {
        ip if !ip.is_unspecified() => ip,
        ip if ip.is_ipv6() => core::net::Ipv6Addr::LOCALHOST.into(),
        _ => Ipv4Addr::LOCALHOST.into(),
    };
    match at.port() {
        80 if host.is_ipv6() => format!("http://[{host}]/"),
        80 => format!("http://{host}/"),
        port => format!("http://{}/", SocketAddr::from((host, port))),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::{Command, CommandLine};

    fn options(arguments: &[&str]) -> Serving {
        let line = ["parhelion", "serve"].iter().chain(arguments);
        match CommandLine::try_parse_from(line).unwrap().command {
            Command::Serve(serve) => serve.serving,
            _ => unreachable!(),
        }
    }

    #[test]
    fn the_other_end_gets_an_address_of_the_same_network() {
        let of = |arguments: &[&str]| host_address(&options(arguments)).unwrap().to_string();
        assert_eq!(of(&[]), "10.0.0.1/24");
        assert_eq!(of(&["--address", "10.0.0.1/24"]), "10.0.0.2/24");
        assert_eq!(of(&["--address", "192.168.7.9/30"]), "192.168.7.10/30");
        assert_eq!(of(&["--host-address", "10.0.0.9/24"]), "10.0.0.9/24");
    }

    #[test]
    fn urls_can_be_typed_into_a_browser() {
        for (at, expected) in [
            ("127.0.0.1:8080", "http://127.0.0.1:8080/"),
            ("10.0.0.2:80", "http://10.0.0.2/"),
            ("0.0.0.0:8080", "http://127.0.0.1:8080/"),
            ("[::]:80", "http://[::1]/"),
            ("[::1]:8080", "http://[::1]:8080/"),
        ] {
            assert_eq!(url(at.parse().unwrap()), expected);
        }
    }
}
