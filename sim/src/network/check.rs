//! What must hold after every step.

use core::net::SocketAddrV4;
use std::collections::BTreeMap;

use tcp::{Info, Positions};

use super::Failure;
use super::host::Host;
use super::plan::HostPlan;

/// The largest segment that any network here carries: one may lie beyond a buffer's limit.
const SEGMENT: usize = 9_000;

type Ends = (SocketAddrV4, SocketAddrV4);

/// Looks at every connection of every host.
pub(super) fn connections(hosts: &[Host], plans: &[HostPlan]) -> Result<(), (usize, Ends, String)> {
    let mut seen: BTreeMap<Ends, (usize, Info)> = BTreeMap::new();
    for (number, host) in hosts.iter().enumerate() {
        host.net.look(|local, remote, info| {
            seen.insert((local, remote), (number, *info));
        });
    }
    for (ends, (host, info)) in &seen {
        let wrong = |what: &str| Err((*host, *ends, format!("{what}: {info:?}")));
        if let Some(what) = alone(info, &plans[*host]) {
            return wrong(what);
        }
        let Some((_, peer)) = seen.get(&(ends.1, ends.0)) else {
            continue;
        };
        if let Some(what) = together(&info.positions, &peer.positions, is_open(peer)) {
            return wrong(what);
        }
    }
    Ok(())
}

fn is_open(info: &Info) -> bool {
    !matches!(info.state, tcp::State::Closed | tcp::State::SynSent)
}

/// What one end must fulfil by itself.
fn alone(info: &Info, plan: &HostPlan) -> Option<&'static str> {
    let Positions {
        una,
        nxt,
        max,
        end,
        received,
        edge,
    } = info.positions;
    let holds = [
        (una <= nxt, "SND.UNA is beyond SND.NXT"),
        (nxt <= max, "SND.NXT is beyond all that was sent"),
        (max <= end, "more was sent than is queued"),
        (
            received <= edge || !is_open(info),
            "RCV.NXT is beyond the window",
        ),
        (info.queued <= plan.send_buffer, "the send buffer overflows"),
        (
            info.unread <= plan.receive_buffer + SEGMENT,
            "the receive buffer overflows",
        ),
    ];
    holds
        .iter()
        .find(|(holds, _)| !holds)
        .map(|(_, what)| *what)
}

/// What one end must fulfil with the other, unless the other's connection is over or another one.
fn together(ours: &Positions, peer: &Positions, is_open: bool) -> Option<&'static str> {
    if !is_open {
        return None;
    }
    if ours.una > peer.received {
        return Some("acknowledged, and not received");
    }
    (peer.received > ours.max).then_some("received, and never sent")
}

/// Every buffer must have come back.
pub(super) fn pools(hosts: &[Host], at: packet::Instant, when: &str) -> Result<(), Failure> {
    for (host, held) in hosts.iter().map(|host| held(&host.pool)).enumerate() {
        if held != [0; 3] {
            return Err(Failure {
                at,
                host,
                what: format!("cells, pages and bays held {when}: {held:?}"),
                connection: None,
            });
        }
    }
    Ok(())
}

pub(super) fn held(pool: &packet::Pool) -> [usize; 3] {
    packet::Class::ALL.map(|class| pool.usage(class).held)
}
