//! Where our address comes from a server: news of it, a line each.

use core::future::poll_fn;
use core::net::Ipv4Addr;
use core::task::{Context, Poll, ready};
use core::time::Duration;

use packet::Instant;
use runtime::Env;
use stack::{Lease, LeaseEvent, Lost};

use crate::failure::Failure;

/// How long a command that fetches something waits for an address, whatever a server answers meanwhile.
const PATIENCE: Duration = Duration::from_secs(60);

/// A stack whose address is lent to it.
pub(crate) struct Tenant {
    stack: stack::Net,
    /// What its link is called.
    link: String,
    /// The last address, also when it is lost.
    address: Ipv4Addr,
}

impl Tenant {
    pub(crate) fn new(stack: &stack::Net, link: &str) -> Self {
        Self {
            stack: stack.clone(),
            link: link.to_owned(),
            address: Ipv4Addr::UNSPECIFIED,
        }
    }

    /// The address in use.
    pub(crate) fn address(&self) -> Option<Ipv4Addr> {
        self.stack.lease().map(|lease| lease.address)
    }

    /// Says what has happened since the last time, a line each, and has the task woken when there is
    /// more.
    pub(crate) fn tell(&mut self, now: Instant, cx: &Context<'_>, mut say: impl FnMut(&str)) {
        while let Poll::Ready((_, line)) = self.poll(now, cx) {
            say(&line);
        }
    }

    /// Waits for an address, and says that it is there.
    pub(crate) async fn settle(
        &mut self,
        env: &Env,
        mut say: impl FnMut(&str),
    ) -> Result<(), Failure> {
        let acquired = poll_fn(|cx| {
            loop {
                match ready!(self.poll(env.clock.now(), cx)) {
                    (LeaseEvent::Acquired, line) => return Poll::Ready(Ok(line)),
                    (LeaseEvent::Unanswered, _) => {
                        return Poll::Ready(Err("no DHCP server answers"));
                    }
                    _ => {}
                }
            }
        });
        let acquired = env.timeout(PATIENCE, acquired).await;
        let line = acquired.unwrap_or(Err("no address was to be had of a DHCP server"));
        let line = line.map_err(|why| {
            let link = &self.link;
            let what_to_do = "start one there, or name an address with --address ADDR/LEN";
            Failure::refused(format!("{why} on {link}: {what_to_do}"))
        });
        line.map(|line| say(&line))
    }

    /// The next news, and how it is said.
    fn poll(&mut self, now: Instant, cx: &Context<'_>) -> Poll<(LeaseEvent, String)> {
        let event = ready!(self.stack.poll_lease(cx));
        let lease = self.stack.lease();
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
