//! What no safe library offers: entering namespaces, the requests that set up an interface, and
//! options of sockets.
#![allow(unsafe_code)]

use core::net::Ipv4Addr;
use std::io;
use std::os::fd::{AsFd, AsRawFd as _};

use rustix::ioctl::{Getter, Opcode, Setter, Updater, ioctl};
use rustix::thread::UnshareFlags;

/// Moves this process into a user and a network namespace of its own. The kernel refuses (`EINVAL`)
/// when there is a second thread.
pub(crate) fn unshare_user_and_network() -> io::Result<()> {
    // SAFETY: neither flag separates the file descriptors, the memory or the working directory of
    // threads; and there is only one thread, or the kernel refuses.
    unsafe {
        rustix::thread::unshare_unsafe(UnshareFlags::NEWUSER | UnshareFlags::NEWNET)?;
    }
    Ok(())
}

/// The longest name of an interface, without the zero that ends it (`IFNAMSIZ - 1`).
pub(crate) const NAME_LEN: usize = libc::IFNAMSIZ - 1;

/// A request about one interface (`struct ifreq`, netdevice(7)).
struct Request(libc::ifreq);

impl Request {
    fn new(name: &str) -> io::Result<Self> {
        let too_long = || io::Error::from(io::ErrorKind::InvalidInput);
        // SAFETY: `ifreq` is plain data (bytes, numbers, addresses as bytes and one pointer that no
        // request made here reads): all zeros is a value of it.
        let mut request: libc::ifreq = unsafe { core::mem::zeroed() };
        let room = request
            .ifr_name
            .get_mut(..name.len().min(NAME_LEN + 1))
            .filter(|_| name.len() <= NAME_LEN)
            .ok_or_else(too_long)?;
        for (to, from) in room.iter_mut().zip(name.bytes()) {
            *to = from as libc::c_char;
        }
        Ok(Self(request))
    }

    fn set<const OPCODE: Opcode>(&self, socket: impl AsFd) -> io::Result<()> {
        // SAFETY: every opcode used below reads one `ifreq` and writes nothing.
        unsafe { ioctl(socket, Setter::<OPCODE, libc::ifreq>::new(self.0))? };
        Ok(())
    }
}

/// Gives interface `name` the address; the socket only says in which namespace.
pub(crate) fn set_address(socket: impl AsFd, name: &str, address: Ipv4Addr) -> io::Result<()> {
    let mut request = Request::new(name)?;
    request.0.ifr_ifru.ifru_addr = socket_address(address);
    request.set::<{ libc::SIOCSIFADDR as Opcode }>(socket)
}

/// Gives interface `name` the network mask that goes with its address.
pub(crate) fn set_netmask(socket: impl AsFd, name: &str, mask: Ipv4Addr) -> io::Result<()> {
    let mut request = Request::new(name)?;
    request.0.ifr_ifru.ifru_netmask = socket_address(mask);
    request.set::<{ libc::SIOCSIFNETMASK as Opcode }>(socket)
}

/// Sets how many bytes of an IP packet interface `name` carries.
pub(crate) fn set_mtu(socket: impl AsFd, name: &str, mtu: u16) -> io::Result<()> {
    let mut request = Request::new(name)?;
    request.0.ifr_ifru.ifru_mtu = libc::c_int::from(mtu);
    request.set::<{ libc::SIOCSIFMTU as Opcode }>(socket)
}

/// Switches interface `name` on.
pub(crate) fn bring_up(socket: impl AsFd, name: &str) -> io::Result<()> {
    let mut request = Request::new(name)?;
    // SAFETY: the opcode reads and writes one `ifreq`, which outlives the call.
    unsafe {
        ioctl(
            socket.as_fd(),
            Updater::<{ libc::SIOCGIFFLAGS as Opcode }, libc::ifreq>::new(&mut request.0),
        )?;
    }
    // SAFETY: the kernel has just written the flags, and every bit pattern is a number.
    unsafe { request.0.ifr_ifru.ifru_flags |= libc::IFF_UP as libc::c_short };
    request.set::<{ libc::SIOCSIFFLAGS as Opcode }>(socket)
}

/// How many bytes (a FIN counts as one) the peer of a TCP socket has not acknowledged yet (SIOCOUTQ,
/// tcp(7); the same number as TIOCOUTQ).
pub(crate) fn unacknowledged(socket: impl AsFd) -> io::Result<usize> {
    // SAFETY: the opcode writes one `int`.
    let bytes = unsafe {
        ioctl(
            socket,
            Getter::<{ libc::TIOCOUTQ as Opcode }, libc::c_int>::new(),
        )?
    };
    Ok(usize::try_from(bytes).unwrap_or(0))
}

/// What the kernel knows of a TCP socket's connection (TCP_INFO, tcp(7)). An older kernel knows less:
/// the rest is zero.
pub(crate) fn tcp_info(socket: impl AsFd) -> io::Result<libc::tcp_info> {
    // SAFETY: `tcp_info` is numbers alone: all zeros is a value of it.
    let mut info: libc::tcp_info = unsafe { core::mem::zeroed() };
    let mut len = size_of_val(&info) as libc::socklen_t;
    // SAFETY: the kernel writes at most `len` bytes into `info` and one length into `len`; both outlive
    // the call.
    let result = unsafe {
        libc::getsockopt(
            socket.as_fd().as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_INFO,
            (&raw mut info).cast(),
            &raw mut len,
        )
    };
    match result {
        0 => Ok(info),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Has the kernel queue what it hears of datagrams that did not arrive (IP_RECVERR, ip(7); a socket for
/// IPv6 may have sent some over IPv4).
pub(crate) fn hear_of_undelivered(socket: impl AsFd, is_ipv6: bool) -> io::Result<()> {
    set_option(&socket, libc::SOL_IP, libc::IP_RECVERR)?;
    match is_ipv6 {
        true => set_option(&socket, libc::SOL_IPV6, libc::IPV6_RECVERR),
        false => Ok(()),
    }
}

/// Switches on an option that is an `int`.
fn set_option(socket: impl AsFd, level: libc::c_int, option: libc::c_int) -> io::Result<()> {
    let on: libc::c_int = 1;
    // SAFETY: the kernel reads one `int`, which outlives the call.
    let result = unsafe {
        libc::setsockopt(
            socket.as_fd().as_raw_fd(),
            level,
            option,
            (&raw const on).cast(),
            size_of_val(&on) as libc::socklen_t,
        )
    };
    match result {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

fn socket_address(address: Ipv4Addr) -> libc::sockaddr {
    // `struct sockaddr_in`: the port in two bytes, then the address (ip(7)).
    let mut bytes = [0; 14];
    for (to, from) in bytes.iter_mut().skip(2).zip(address.octets()) {
        *to = from as libc::c_char;
    }
    libc::sockaddr {
        sa_family: libc::AF_INET as libc::sa_family_t,
        sa_data: bytes,
    }
}
