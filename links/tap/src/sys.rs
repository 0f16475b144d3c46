//! The `ioctl`s of a tap: all `unsafe` of this crate.
#![allow(unsafe_code)]

use core::ffi::c_int;
use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::ioctl::{IntegerSetter, Opcode, Setter, Updater, ioctl, opcode};

/// Flags of `TUNSETIFF` (`linux/if_tun.h`).
pub(crate) const IFF_TAP: u16 = 0x0002;
pub(crate) const IFF_MULTI_QUEUE: u16 = 0x0100;
pub(crate) const IFF_NO_PI: u16 = 0x1000;
pub(crate) const IFF_VNET_HDR: u16 = 0x4000;

/// Flags of `TUNSETOFFLOAD`.
pub(crate) const TUN_F_CSUM: usize = 0x01;
pub(crate) const TUN_F_TSO4: usize = 0x02;

const TUNSETIFF: Opcode = opcode::write::<c_int>(b'T', 202);
const TUNSETOFFLOAD: Opcode = opcode::write::<c_int>(b'T', 208);
const TUNGETIFF: Opcode = opcode::read::<c_int>(b'T', 210);
const TUNSETVNETHDRSZ: Opcode = opcode::write::<c_int>(b'T', 216);
const TUNSETVNETLE: Opcode = opcode::write::<c_int>(b'T', 220);
/// From before opcodes had a shape.
const SIOCGIFMTU: Opcode = 0x8921;

/// The name of an interface, as the kernel stores it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Name([u8; 16]);

impl Name {
    /// Graphic ASCII without `/` (the kernel's rule), `:` (an old alias) and `%` (a pattern).
    pub(crate) fn new(name: &str) -> Option<Self> {
        let is_good = |byte: &u8| byte.is_ascii_graphic() && !b"/:%".contains(byte);
        if name.is_empty() || name == "." || name == ".." || !name.as_bytes().iter().all(is_good) {
            return None;
        }
        let mut bytes = [0; 16];
        // The last byte stays zero.
        bytes[..15]
            .get_mut(..name.len())?
            .copy_from_slice(name.as_bytes());
        Some(Self(bytes))
    }
}

/// `struct ifreq`: a name, then a union of which we need the first field. As long as the longest
/// that any Linux has, and aligned like it.
#[repr(C, align(8))]
struct Request {
    name: [u8; 16],
    value: [u8; 24],
}

impl Request {
    fn new(name: &Name, flags: u16) -> Self {
        let mut value = [0; 24];
        value[..2].copy_from_slice(&flags.to_ne_bytes());
        Self {
            name: name.0,
            value,
        }
    }
}

/// Makes `file`, fresh from `/dev/net/tun`, a queue of the tap `name`.
pub(crate) fn attach(file: &OwnedFd, name: &Name, flags: u16) -> Result<(), Errno> {
    let mut request = Request::new(name, flags);
    // SAFETY: TUNSETIFF reads and writes one `struct ifreq`, which `Request` is at least as long as.
    unsafe { ioctl(file, Updater::<TUNSETIFF, Request>::new(&mut request)) }
}

/// The flags that the tap has.
pub(crate) fn flags(file: &OwnedFd) -> Result<u16, Errno> {
    let mut request = Request::new(&Name([0; 16]), 0);
    // SAFETY: TUNGETIFF writes one `struct ifreq`, which `Request` is at least as long as.
    unsafe { ioctl(file, Updater::<TUNGETIFF, Request>::new(&mut request))? };
    let [low, high, ..] = request.value;
    Ok(u16::from_ne_bytes([low, high]))
}

/// Says which offloads we can take.
pub(crate) fn set_offload(file: &OwnedFd, offloads: usize) -> Result<(), Errno> {
    // SAFETY: TUNSETOFFLOAD takes a number, no pointer.
    unsafe { ioctl(file, IntegerSetter::<TUNSETOFFLOAD>::new_usize(offloads)) }
}

/// Sets the size of the header before each frame.
pub(crate) fn set_header_len(file: &OwnedFd, len: usize) -> Result<(), Errno> {
    // SAFETY: TUNSETVNETHDRSZ reads one int.
    unsafe { ioctl(file, Setter::<TUNSETVNETHDRSZ, c_int>::new(len as c_int)) }
}

/// Makes the numbers in that header little-endian.
pub(crate) fn set_little_endian(file: &OwnedFd) -> Result<(), Errno> {
    // SAFETY: TUNSETVNETLE reads one int.
    unsafe { ioctl(file, Setter::<TUNSETVNETLE, c_int>::new(1)) }
}

/// The MTU of the interface `name`, asked through any socket.
pub(crate) fn mtu(socket: &OwnedFd, name: &Name) -> Result<u32, Errno> {
    let mut request = Request::new(name, 0);
    // SAFETY: SIOCGIFMTU reads and writes one `struct ifreq`, which `Request` is at least as long as.
    unsafe { ioctl(socket, Updater::<SIOCGIFMTU, Request>::new(&mut request))? };
    let [a, b, c, d, ..] = request.value;
    Ok(u32::from_ne_bytes([a, b, c, d]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for good in ["tap0", "a", "fifteen-letters", "x.1"] {
            assert!(Name::new(good).is_some(), "{good}");
        }
        for bad in [
            "",
            "sixteen-letters!",
            "a/b",
            "tap%d",
            "a b",
            "..",
            "tap\0",
            "ä",
        ] {
            assert!(Name::new(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_request_is_as_long_as_the_kernels() {
        assert!(size_of::<Request>() >= 40);
    }
}
