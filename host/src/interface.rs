//! The kernel's side of a tap.

use core::net::Ipv4Addr;
use std::io;
use std::net::UdpSocket;

use stack::Cidr;

use crate::sys;

/// Switches interface `name` on, with what is given.
///
/// # Errors
/// As the kernel refuses: an interface that is not there, or not ours to change.
pub fn configure(name: &str, address: Option<Cidr>, mtu: Option<u16>) -> io::Result<()> {
    // Any socket will do to talk about interfaces: it says in which namespace they are.
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    if let Some(mtu) = mtu {
        sys::set_mtu(&socket, name, mtu)?;
    }
    if let Some(address) = address {
        sys::set_address(&socket, name, address.address())?;
        sys::set_netmask(&socket, name, mask(address))?;
    }
    sys::bring_up(&socket, name)
}

fn mask(address: Cidr) -> Ipv4Addr {
    let host_bits = u32::MAX.checked_shr(u32::from(address.prefix_len()));
    Ipv4Addr::from_bits(!host_bits.unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks() {
        let of = |text: &str| mask(text.parse().unwrap()).to_string();
        assert_eq!(of("10.0.0.1/24"), "255.255.255.0");
        assert_eq!(of("10.0.0.1/9"), "255.128.0.0");
        assert_eq!(of("10.0.0.1/32"), "255.255.255.255");
    }

    #[test]
    fn an_interface_that_is_not_there_is_an_error() {
        let error = configure("parhelion-none", None, None).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ENODEV));
        let error = configure("a name of more than fifteen bytes", None, None).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }
}
