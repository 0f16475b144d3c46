//! Our stack on the links that Linux offers.

use std::rc::Rc;

use memory::{Cable, End};
use packet::Pool;
use stack::Cidr;
use tap::Tap;

use crate::cli::{Address, LinkOptions};
use crate::failure::{Failure, reason};
use crate::interface;
use crate::lifeline::Lifeline;
use crate::machine::Machine;

/// A stack on the tap of this name, whose kernel side is set up as far as the options say.
pub(crate) fn over_tap(
    machine: &mut Machine,
    name: &str,
    options: &LinkOptions,
    pool: &Pool,
    connections: usize,
) -> Result<stack::Net, Failure> {
    let wanted = tap::Options {
        name,
        mac: options.mac.map(|mac| mac.0),
        offload: !options.faults.is_any(),
        multi_queue: false,
    };
    let mut tap =
        Tap::open(&wanted, pool.clone()).map_err(|error| Failure::refused(reason(&error)))?;
    set_up_kernel_side(&mut tap, options)?;
    let watched = machine.reactor.watch(&tap);
    watched
        .map_err(|error| Failure::refused(format!("cannot watch {name}: {}", reason(&error))))?;
    let config = config(options.address, options, connections);
    let (link, faults) = options.faults.put_before(Box::new(tap), pool);
    machine.faults = faults;
    let link = machine.recorded(link);
    let net = stack::Net::new(link, pool.clone(), &machine.secrets, &config);
    machine.drive(Rc::new(net.clone()));
    machine.depend_on(Lifeline::new(&net, name, &machine.executor));
    Ok(net)
}

/// Two stacks joined in memory: the server's at `ours`, and the client's at `host`; each with its pool.
pub(crate) fn in_memory(
    machine: &mut Machine,
    options: &LinkOptions,
    (ours, host): (Cidr, Cidr),
    (server_pool, client_pool): (&Pool, &Pool),
    connections: usize,
) -> (stack::Net, stack::Net) {
    let cable = Cable {
        mtu: options.mtu.unwrap_or(Cable::default().mtu),
        offload: !options.faults.is_any(),
        ..Cable::default()
    };
    let end = |mac: [u8; 6], pool: &Pool| End {
        mac,
        pool: pool.clone(),
    };
    // Nobody else is on this link, so any two addresses of our own will do.
    let mac = options.mac.map_or([2, 0, 0, 0, 0, 2], |mac| mac.0);
    let theirs = [2, 0, 0, 0, 0, if mac[5] == 1 { 2 } else { 1 }];
    let (server, client) = memory::pair(cable, end(mac, server_pool), end(theirs, client_pool));
    let (server, faults) = options.faults.put_before(Box::new(server), server_pool);
    machine.faults = faults;
    let server = machine.recorded(server);
    let mut net = |link, pool: &Pool, address: Cidr| {
        let config = config(Address::Fixed(address), options, connections);
        let net = stack::Net::new(link, pool.clone(), &machine.secrets, &config);
        machine.drive(Rc::new(net.clone()));
        net
    };
    (
        net(server, server_pool, ours),
        net(Box::new(client), client_pool, host),
    )
}

fn set_up_kernel_side(tap: &mut Tap, options: &LinkOptions) -> Result<(), Failure> {
    if options.host_address.is_none() && options.mtu.is_none() {
        return Ok(());
    }
    let name = tap.name().to_owned();
    interface::configure(&name, options.host_address, options.mtu).map_err(|error| {
        let (why, advice) = (reason(&error), advice(&name, options));
        Failure::refused(format!(
            "cannot set up the kernel's side of {name}: {why}: {advice}"
        ))
    })?;
    if let Some(mtu) = options.mtu {
        tap.set_mtu(mtu);
    }
    Ok(())
}

fn advice(name: &str, options: &LinkOptions) -> String {
    match options.host_address {
        Some(address) => format!(
            "run as root, or let root run `ip addr add {address} dev {name}` and leave out \
             --host-address"
        ),
        None => "run as root, or leave out --mtu".to_owned(),
    }
}

fn config(address: Address, options: &LinkOptions, connections: usize) -> stack::Config {
    let mut config = match address {
        Address::Fixed(address) => stack::Config::new(address),
        Address::Dhcp => stack::Config::dhcp(),
    };
    config.gateway = options.gateway;
    config.tcp.connections = connections;
    config
}
