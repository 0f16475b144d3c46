//! Where to send a packet next.

use core::fmt;
use core::net::Ipv4Addr;

use heapless::Vec;

use crate::Cidr;

/// The most routes of a host; adding more is refused.
const ROUTES_LIMIT: usize = 16;

/// A way to a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// The network.
    pub destination: Cidr,
    /// The neighbour that forwards there; `None` if its hosts are neighbours themselves.
    pub gateway: Option<Ipv4Addr>,
}

/// The ways that a host knows: the longest prefix that matches is taken (RFC 1122, 3.3.1).
#[derive(Clone, Debug, Default)]
pub struct Routes {
    /// Longest prefix first; among equal ones, the first added.
    routes: Vec<Route, ROUTES_LIMIT>,
}

/// There is no room for another route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyRoutes;

impl fmt::Display for TooManyRoutes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a host has at most {ROUTES_LIMIT} routes")
    }
}

impl core::error::Error for TooManyRoutes {}

impl Routes {
    /// The routes of a host at `address`: to its own network and, with a `gateway`, to all others.
    #[must_use]
    pub fn new(address: Cidr, gateway: Option<Ipv4Addr>) -> Self {
        let mut routes = Self::default();
        let connected = Route {
            destination: address,
            gateway: None,
        };
        let everywhere = Cidr::new(Ipv4Addr::UNSPECIFIED, 0);
        let default = everywhere.zip(gateway).map(|(destination, gateway)| Route {
            destination,
            gateway: Some(gateway),
        });
        // Two fit in an empty table.
        routes.routes.extend([connected].into_iter().chain(default));
        routes
    }

    /// Adds a route.
    ///
    /// # Errors
    /// [`TooManyRoutes`] when the table is full.
    pub fn add(&mut self, route: Route) -> Result<(), TooManyRoutes> {
        let shorter =
            |known: &Route| known.destination.prefix_len() < route.destination.prefix_len();
        let place = self.routes.iter().position(shorter);
        let place = place.unwrap_or(self.routes.len());
        self.routes.insert(place, route).map_err(|_| TooManyRoutes)
    }

    /// The neighbour that a packet for `remote` goes to: itself or a gateway; `None` if no way is
    /// known.
    #[must_use]
    pub fn next_hop(&self, remote: Ipv4Addr) -> Option<Ipv4Addr> {
        let mut routes = self.routes.iter();
        let route = routes.find(|route| route.destination.contains(remote))?;
        Some(route.gateway.unwrap_or(remote))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> Ipv4Addr {
        text.parse().unwrap()
    }

    #[test]
    fn the_longest_prefix_wins_whatever_the_order() {
        let mut routes = Routes::new("10.0.0.2/24".parse().unwrap(), Some(ip("10.0.0.1")));
        for (destination, gateway) in [("10.9.0.0/16", "10.0.0.3"), ("10.9.9.0/24", "10.0.0.4")] {
            let route = Route {
                destination: destination.parse().unwrap(),
                gateway: Some(ip(gateway)),
            };
            routes.add(route).unwrap();
        }
        for (remote, hop) in [
            ("10.0.0.77", "10.0.0.77"),
            ("10.9.1.1", "10.0.0.3"),
            ("10.9.9.9", "10.0.0.4"),
            ("203.0.113.1", "10.0.0.1"),
        ] {
            assert_eq!(routes.next_hop(ip(remote)), Some(ip(hop)), "{remote}");
        }
    }

    #[test]
    fn without_a_gateway_only_neighbours_are_reached() {
        let routes = Routes::new("10.0.0.2/24".parse().unwrap(), None);
        assert_eq!(routes.next_hop(ip("10.0.1.1")), None);
    }

    #[test]
    fn the_table_is_bounded() {
        let mut routes = Routes::new("10.0.0.2/24".parse().unwrap(), None);
        let route = Route {
            destination: "10.1.0.0/16".parse().unwrap(),
            gateway: None,
        };
        let added = (0..100).filter(|_| routes.add(route).is_ok()).count();
        assert_eq!(added, ROUTES_LIMIT - 1);
        assert_eq!(routes.add(route), Err(TooManyRoutes));
    }
}
