//! Where an address comes from a server: news of it, a line each, for people.

use alloc::borrow::ToOwned as _;
use alloc::format;
use alloc::string::String;
use core::net::Ipv4Addr;
use core::task::{Context, Poll, ready};

use packet::Instant;

use crate::{Lease, LeaseEvent, Lost, Net};

/// A host whose address is lent to it.
pub struct Tenant {
    net: Net,
    /// What its link is called.
    link: String,
    /// The last address, also when it is lost.
    address: Ipv4Addr,
}

impl Tenant {
    /// That host; its link has this name.
    #[must_use]
    pub fn new(net: &Net, link: &str) -> Self {
        Self {
            net: net.clone(),
            link: link.to_owned(),
            address: Ipv4Addr::UNSPECIFIED,
        }
    }

    /// The address in use.
    #[must_use]
    pub fn address(&self) -> Option<Ipv4Addr> {
        self.net.lease().map(|lease| lease.address)
    }

    /// What its link is called.
    #[must_use]
    pub fn link(&self) -> &str {
        &self.link
    }

    /// Says what has happened since the last time, a line each, and has the task woken when there is
    /// more.
    pub fn tell(&mut self, now: Instant, cx: &Context<'_>, mut say: impl FnMut(&str)) {
        while let Poll::Ready((_, line)) = self.poll(now, cx) {
            say(&line);
        }
    }

    /// The next news, and how it is said.
    pub fn poll(&mut self, now: Instant, cx: &Context<'_>) -> Poll<(LeaseEvent, String)> {
        let event = ready!(self.net.poll_lease(cx));
        let lease = self.net.lease();
        let address = lease.as_ref().map_or(self.address, |lease| lease.address);
        self.address = address;
        let line = match event {
            LeaseEvent::Acquired => described(lease.as_ref(), now),
            LeaseEvent::Changed => format!("changed to {}", described(lease.as_ref(), now)),
            LeaseEvent::Lost(why) => {
                let why = match why {
                    Lost::Expired => format!("nobody extended {address}"),
                    Lost::Refused => format!("the server says that {address} is not ours"),
                    Lost::OtherHardware => format!("{address} was for another hardware address"),
                };
                format!("{why}: it is given up, and a new one asked for")
            }
            LeaseEvent::Declined(taken) => {
                format!("somebody else uses {taken}: another one is asked for in a moment")
            }
            LeaseEvent::Refused => {
                "the server takes back what it offered: it is asked again in a moment".to_owned()
            }
            LeaseEvent::Unanswered => {
                format!("no server answers on {} so far: is there one?", self.link)
            }
            LeaseEvent::Rebinding => {
                format!("its server does not extend {address}: all servers are asked")
            }
            // The stack's, never news.
            LeaseEvent::Probe(_) => String::new(),
        };
        Poll::Ready((event, format!("DHCP: {line}")))
    }
}

fn described(lease: Option<&Lease>, now: Instant) -> String {
    let Some(lease) = lease else {
        return "an address that is gone again".to_owned();
    };
    let Lease {
        address,
        prefix_len,
        server,
        ..
    } = lease;
    let until = ending(lease, now).unwrap_or_else(|| "ever".to_owned());
    let gateway = lease.gateway.map(|router| format!(", router {router}"));
    let names = lease.name_servers.first();
    let names = names.map(|server| format!(", names by {server}"));
    format!(
        "{address}/{prefix_len} from {server} for {until}{}{}",
        gateway.unwrap_or_default(),
        names.unwrap_or_default()
    )
}

/// How long a lease still lasts, where it is not for ever.
fn ending(lease: &Lease, now: Instant) -> Option<String> {
    let left = lease.times?.end.since(now).as_secs();
    Some(match left {
        0..120 => format!("{left} s"),
        120..7200 => format!("{} min", left / 60),
        _ => format!("{} h", left / 3600),
    })
}
