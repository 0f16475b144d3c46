//! Where our address comes from, and whether it goes with the others.

use core::net::Ipv4Addr;
use core::str::FromStr;

use stack::Cidr;

use super::{LinkChoice, LinkOptions};
use crate::failure::Failure;

/// Where our address comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    /// It is given.
    Fixed(Cidr),
    /// A server on the link lends it.
    Dhcp,
}

impl Address {
    /// The address, if it is known before there is a link.
    pub(crate) fn known(self) -> Option<Cidr> {
        match self {
            Self::Fixed(address) => Some(address),
            Self::Dhcp => None,
        }
    }

    /// The address, where it must be known before there is a link.
    pub(crate) fn fixed(self) -> Result<Cidr, Failure> {
        self.known().ok_or_else(not_with_dhcp)
    }
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "dhcp" => Ok(Self::Dhcp),
            text if text.starts_with(char::is_alphabetic) => {
                Err("it is an address like 10.0.0.2/24, or dhcp".to_owned())
            }
            text => parse_host(text).map(Self::Fixed),
        }
    }
}

fn not_with_dhcp() -> Failure {
    Failure::unusable(
        "--address dhcp asks a server on a tap, which also names the router: add --link tap:NAME, and \
         leave out --gateway and --publish",
    )
}

impl LinkOptions {
    /// Whether the addresses go together.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        let Some(ours) = self.address.known() else {
            return match (&self.link, self.gateway) {
                (Some(LinkChoice::Tap(_)), None) => Ok(()),
                _ => Err(not_with_dhcp()),
            };
        };
        let other = |option: &str, address: Ipv4Addr| {
            if address != ours.address() && ours.contains(address) && !ours.is_group(address) {
                return Ok(());
            }
            Err(Failure::unusable(format!(
                "{option} {address} and --address {ours} must be two hosts of one network"
            )))
        };
        if let Some(gateway) = self.gateway {
            other("--gateway", gateway)?;
        }
        match self.host_address {
            Some(host) => other("--host-address", host.address()),
            None => Ok(()),
        }
    }
}

/// An address of one host in a network of at least two.
pub(super) fn parse_host(text: &str) -> Result<Cidr, String> {
    let host: Cidr = text.parse().map_err(|error| format!("{error}"))?;
    if !(1..=30).contains(&host.prefix_len()) {
        return Err("a network on a link has 1 to 30 bits".to_owned());
    }
    match host.is_host() {
        true => Ok(host),
        false => Err("it is not the address of one host on a link".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::{Command, CommandLine};

    #[test]
    fn both_ends_of_a_link_are_in_one_network() {
        let check = |arguments: &[&str]| {
            let line = ["parhelion", "serve"].iter().chain(arguments);
            match CommandLine::try_parse_from(line).unwrap().command {
                Command::Serve(serve) => serve.serving.link.check().is_ok(),
                _ => unreachable!(),
            }
        };
        assert!(check(&[]));
        assert!(check(&["--host-address", "10.0.0.9/24"]));
        assert!(!check(&["--host-address", "10.0.1.9/24"]));
        assert!(!check(&["--host-address", "10.0.0.2/24"]));
        assert!(check(&["--gateway", "10.0.0.254"]));
        assert!(!check(&["--gateway", "10.0.0.255"]));
        assert!(!check(&["--gateway", "192.168.0.1"]));
    }

    #[test]
    fn a_network_or_a_group_is_no_host() {
        assert_eq!(
            parse_host("10.0.0.2/24").unwrap().to_string(),
            "10.0.0.2/24"
        );
        for wrong in [
            "",
            "10.0.0.2",
            "10.0.0.2/0",
            "10.0.0.2/31",
            "10.0.0.0/24",
            "10.0.0.255/24",
            "127.0.0.1/8",
            "224.0.0.1/24",
            "10.0.0.2/-1",
            "10.0.0/24",
        ] {
            assert!(parse_host(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_server_is_asked_where_there_can_be_one() {
        let check = |arguments: &[&str]| {
            let line = ["parhelion", "get", "http://h/", "--address", "dhcp"];
            let line = line.iter().chain(arguments);
            match CommandLine::try_parse_from(line).unwrap().command {
                Command::Get(get) => get.link().check().is_ok(),
                _ => unreachable!(),
            }
        };
        assert!(check(&["--link", "tap:t0"]));
        assert!(check(&[
            "--link",
            "tap:t0",
            "--host-address",
            "10.9.0.1/24"
        ]));
        assert!(!check(&[]));
        assert!(!check(&["--link", "memory"]));
        assert!(!check(&["--link", "sockets"]));
        assert!(!check(&["--link", "tap:t0", "--gateway", "10.0.0.1"]));
    }
}
