//! Binding a port of every address.

use core::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::io;
use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, sockopt};

/// Binds `port` of every address, IPv6 and IPv4 in one socket; IPv4 alone where the kernel has no
/// IPv6.
pub(super) fn bind(kind: SocketType, port: u16) -> io::Result<OwnedFd> {
    match bind_to(kind, SocketAddr::from((Ipv6Addr::UNSPECIFIED, port))) {
        Err(Errno::AFNOSUPPORT | Errno::ADDRNOTAVAIL) => Ok(bind_to(
            kind,
            SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)),
        )?),
        result => Ok(result?),
    }
}

fn bind_to(kind: SocketType, address: SocketAddr) -> Result<OwnedFd, Errno> {
    let family = match address {
        SocketAddr::V4(_) => AddressFamily::INET,
        SocketAddr::V6(_) => AddressFamily::INET6,
    };
    let socket = rustix::net::socket_with(family, kind, SocketFlags::CLOEXEC, None)?;
    if kind == SocketType::STREAM {
        // Connections of an earlier run that are still closing must not keep a new one from
        // starting. For datagrams this would let two programs have the same port.
        sockopt::set_socket_reuseaddr(&socket, true)?;
    }
    if address.is_ipv6() {
        sockopt::set_ipv6_v6only(&socket, false)?;
    }
    rustix::net::bind(&socket, &address)?;
    Ok(socket)
}
