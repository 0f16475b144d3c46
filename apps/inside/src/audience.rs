//! Who may look.

use core::net::{IpAddr, SocketAddr};
use core::str::FromStr;

/// Who may look inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Audience {
    /// Peers with a loopback address that ask for this host by an address, or as `localhost`.
    Loopback,
    /// Whoever can connect.
    Everyone,
    /// Nobody.
    Nobody,
}

impl FromStr for Audience {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "loopback" => Ok(Self::Loopback),
            "everyone" => Ok(Self::Everyone),
            "off" => Ok(Self::Nobody),
            _ => Err("it is loopback, everyone or off"),
        }
    }
}

impl Audience {
    /// Whether a peer with this address may look.
    pub(crate) const fn admits(self, peer: SocketAddr) -> bool {
        match self {
            Self::Loopback => peer.ip().to_canonical().is_loopback(),
            Self::Everyone => true,
            Self::Nobody => false,
        }
    }

    /// Whether who asks for a host of this name may look. A page from elsewhere can have its own name
    /// resolve to 127.0.0.1, so that a browser takes us for its server and lets it read what we say (DNS
    /// rebinding); it cannot have a browser ask for an address.
    pub(crate) fn admits_host(self, host: Option<&str>) -> bool {
        let Some(host) = host.filter(|_| self == Self::Loopback) else {
            return true;
        };
        let name = match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
            _ => host,
        };
        let bare = name
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'));
        name.eq_ignore_ascii_case("localhost") || bare.unwrap_or(name).parse::<IpAddr>().is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_default_only_this_machine_looks() {
        for (peer, admitted) in [
            ("127.0.0.1:1", true),
            ("127.9.9.9:1", true),
            ("[::1]:1", true),
            ("[::ffff:127.0.0.1]:1", true),
            ("10.0.0.1:1", false),
            ("[::ffff:10.0.0.1]:1", false),
            ("[2001:db8::1]:1", false),
        ] {
            let peer = peer.parse().unwrap();
            assert_eq!(Audience::Loopback.admits(peer), admitted, "{peer}");
            assert!(Audience::Everyone.admits(peer) && !Audience::Nobody.admits(peer));
        }
    }

    #[test]
    fn a_name_that_anybody_could_give_us_is_not_ours() {
        for (host, admitted) in [
            ("127.0.0.1:8080", true),
            ("127.0.0.1", true),
            ("localhost:8080", true),
            ("LOCALHOST", true),
            ("[::1]:8080", true),
            ("[::1]", true),
            ("10.0.0.2", true),
            ("evil.example:8080", false),
            ("localhost.evil.example", false),
            ("127.0.0.1.evil.example", false),
            ("", false),
        ] {
            let host = Some(host);
            assert_eq!(Audience::Loopback.admits_host(host), admitted, "{host:?}");
            assert!(Audience::Everyone.admits_host(host));
        }
        assert!(Audience::Loopback.admits_host(None), "HTTP/1.0");
    }
}
